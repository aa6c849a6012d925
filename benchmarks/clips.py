"""Reading crops as `predict` and `extract` read them, against a bare OpenCV loop over the same files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from abawbench.clips.clip import clips_of_units
from abawbench.inference.forward import BatchOptions, read_batches
from abawbench.inference.run import BATCH
from benchmarks.crops import write_crops
from benchmarks.timing import functions, report

CROPS = 4000


def reading(folder: Path) -> None:
    """Seconds for all crops: hashed and decoded into batches by threads, or read in a bare loop."""
    import cv2

    cv2.setNumThreads(1)
    paths = [str(path) for path in write_crops(folder, 112, units=1, frames=CROPS)]

    def imread() -> int:
        return sum(int(np.asarray(cv2.imread(path))[0, 0, 0]) for path in paths)

    def imdecode() -> int:
        decoded = (cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) for path in paths)
        return sum(int(np.asarray(crop)[0, 0, 0]) for crop in decoded)

    def decoded_in_batches(threads: int) -> int:
        filled = read_batches(clips_of_units(folder), BatchOptions(112, BATCH, threads), lambda crops: crops)
        return sum(int(batch.prepared[:, 0, 0, 2].sum(dtype=np.int64)) for batch in filled)

    def hashed_and_decoded(threads: int) -> int:
        for clip in clips_of_units(folder):
            clip.digest()
        return decoded_in_batches(threads)

    if len({imread(), imdecode(), decoded_in_batches(1), hashed_and_decoded(2)}) > 1:
        raise RuntimeError("the crops differ: a comparison of speed would mean nothing")
    calls = {
        "batches of predict, one thread": lambda: decoded_in_batches(1),
        "batches of predict, two threads": lambda: decoded_in_batches(2),
        "hashes for resuming, then batches, one thread": lambda: hashed_and_decoded(1),
        "bare OpenCV loop, imread": imread,
        "bare OpenCV loop, imdecode": imdecode,
    }
    report(f"Reading {CROPS:,} crops of 112 x 112", functions(calls, runs=7), "batches of predict, one thread")


def main() -> None:
    """Measure the reading of crops."""
    with tempfile.TemporaryDirectory() as name:
        reading(Path(name))


if __name__ == "__main__":
    main()
