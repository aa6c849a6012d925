"""Reading crops through `Clip` against a bare OpenCV loop over the same files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from abawbench.clips.clip import clips_of_crops
from abawbench.clips.images import jpeg
from abawbench.table import Table
from benchmarks.timing import functions, report

CROPS = 4000


def write_crops(root: Path) -> None:
    """Crops of 112 x 112 with the fine structure of a photograph, in one folder."""
    import cv2

    random = np.random.default_rng(0)
    (root / "video").mkdir(parents=True)
    for number in range(1, CROPS + 1):
        coarse = random.integers(0, 256, (14, 14, 3)).astype(np.float32)
        smooth = cv2.resize(coarse, (112, 112), interpolation=cv2.INTER_CUBIC)
        crop = np.clip(smooth + random.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
        (root / f"video/{number:05d}.jpg").write_bytes(jpeg(crop))


def reading(folder: Path) -> None:
    """Crops a second: one thread against the loop, and a thread for each core."""
    import cv2

    cv2.setNumThreads(1)
    write_crops(folder)
    rows = Table(("video",), np.zeros(CROPS, np.int32), np.arange(1, CROPS + 1, dtype=np.int32), {})
    paths = [str(folder / f"video/{number:05d}.jpg") for number in range(1, CROPS + 1)]

    def imread() -> int:
        return sum(int(np.asarray(cv2.imread(path))[0, 0, 0]) for path in paths)

    def imdecode() -> int:
        decoded = (cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) for path in paths)
        return sum(int(np.asarray(crop)[0, 0, 0]) for crop in decoded)

    def ours(threads: int | None) -> int:
        (clip,) = clips_of_crops(folder, rows)
        return sum(int(frames[:, 0, 0, 2].sum(dtype=np.int64)) for _, frames in clip.batches(threads=threads))

    if len({imread(), imdecode(), ours(1), ours(2)}) > 1:
        raise RuntimeError("the crops differ: a comparison of speed would mean nothing")
    calls = {
        "Clip.batches, one thread": lambda: ours(1),
        "Clip.batches, two threads": lambda: ours(2),
        "bare OpenCV loop, imread": imread,
        "bare OpenCV loop, imdecode": imdecode,
    }
    report(f"Reading {CROPS:,} crops of 112 x 112", functions(calls, runs=7), "Clip.batches, one thread")


def main() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory() as name:
        reading(Path(name))


if __name__ == "__main__":
    main()
