"""Labels of the synthetic corpus against what writing as many rows costs: `python -m benchmarks.synthetic_labels`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.timing import PYTHON, processes, report

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


def main() -> None:
    """Print what both need, as whole processes in turn."""
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


if __name__ == "__main__":
    main()
