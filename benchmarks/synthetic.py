"""The synthetic corpus: labels against writing as many random rows, a drawn crop against encoding it as JPEG."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from abawbench.synthetic.film import draw_crop, make_film
from abawbench.synthetic.person import make_person
from benchmarks.timing import PYTHON, functions, processes, report

FILMS, FRAMES_DRAWN = 24, 48
VIDEOS, FRAMES = 300, 9000
# the rows of one multi-task file of that size, drawn at random and written by the library most would take
PEER = """
import numpy as np, pandas as pd, sys
rows, generator = {rows}, np.random.default_rng(0)
video = np.repeat(np.arange({videos}), {frames}).astype(str)
frame = np.char.zfill((np.arange(rows) % {frames} + 1).astype(str), 5)
names = pd.Series(video) + '/' + pd.Series(frame) + '.jpg'
table = pd.DataFrame({{'image': names, 'v': generator.uniform(-1, 1, rows).round(3),
    'a': generator.uniform(-1, 1, rows).round(3), 'e': generator.integers(0, 8, rows)}})
for unit in range(12):
    table[unit] = generator.integers(0, 2, rows)
table.to_csv(sys.argv[1], index=False, header=False)
"""


def labels() -> None:
    """All files of a corpus without pictures against one table of random rows, as whole processes in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "corpus"
        clean = f"import shutil; shutil.rmtree({str(out)!r}, ignore_errors=True)"
        ours = [
            *(PYTHON, "-c", f"{clean}\nfrom abawbench.cli import main; main()", "synth", str(out), "--labels-only"),
            *("--videos", str(VIDEOS), "--frames", str(FRAMES)),
        ]
        peer = PEER.format(rows=VIDEOS * FRAMES, videos=VIDEOS, frames=FRAMES)
        costs = processes(
            {
                "abawbench synth --labels-only, every file of it": ours,
                "NumPy and pandas.to_csv, random rows, one file": [PYTHON, "-c", peer, str(folder / "peer.csv")],
            },
            runs=3,
        )
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
        title = (
            f"{VIDEOS * FRAMES:,} frames: {size:,.0f} MB against {(folder / 'peer.csv').stat().st_size / 1e6:,.0f} MB"
        )
        report(title, costs, "abawbench synth --labels-only, every file of it")
        shutil.rmtree(out)


def faces() -> None:
    """Drawing a crop with all action units active against encoding it as JPEG, on one thread."""
    import cv2

    generator = np.random.default_rng(0)
    films = [make_film(make_person(generator), FRAMES_DRAWN, generator) for _ in range(FILMS)]
    units = generator.random((FRAMES_DRAWN, FILMS, 17)) * 0.6
    # one more: the warm-up
    places = [(frame, row) for row in range(FILMS) for frame in range(FRAMES_DRAWN)]
    turns = iter([places[0], *places])
    drawn = [np.zeros((112, 112, 3), np.uint8)]

    def draw() -> None:
        frame, row = next(turns)
        drawn[0] = draw_crop(films[row], frame, units[frame, row])

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        calls = {"draw_crop": draw, "cv2.imencode": lambda: cv2.imencode(".jpg", drawn[0])}
        costs = functions(calls, runs=len(places))
    finally:
        cv2.setNumThreads(threads)
    print(f"\nSynthetic faces, {len(places):,} crops of {FILMS} people, one thread")
    for name, cost in costs.items():
        print(f"  {name:<58} {cost.seconds * 1e6:10.1f} µs")
    print(f"  drawing takes {costs['draw_crop'].seconds / costs['cv2.imencode'].seconds:.1f} times as long")


def main() -> None:
    """Measure labels and faces."""
    labels()
    faces()


if __name__ == "__main__":
    main()
