"""`predict` of a public ONNX network over JPEG crops, into a store, against plain loops of OpenCV and onnxruntime."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.clips.images import encode_jpeg, read_image
from abawbench.clips.open import open_clips
from abawbench.entries.loading import load_entry
from abawbench.entries.model import Entry
from abawbench.inference.predict import predict
from abawbench.inference.store import open_store
from benchmarks.onnx_loop import loop
from benchmarks.timing import PYTHON, functions, processes, report
from examples.real_data import real_data

ENTRY = "2018_muehler_face-api-expression"
SUBMISSIONS = Path(__file__).parents[1] / "submissions"
# crops of a picture of 512 x 512, units, and runs of each way
WINDOWS, UNITS, RUNS = 20, 12, 7
# by name of a plain loop: crops in a run, and threads of a run, 0 for one on each core
LOOPS = {
    "plain loop, a picture at a time": (1, 0),
    "the same on one thread": (1, 1),
    "plain loop, batches of 64": (64, 0),
    "batches of 64 on one thread": (64, 1),
}
OURS = "predict, to a store"


def write_windows(folder: Path) -> list[Path]:
    """Write crops of the real faces, windows at different places, into the folders of some units."""
    import cv2

    random = np.random.default_rng(0)
    paths: list[Path] = []
    for number, source in enumerate(sorted((real_data() / "faces").glob("london_*.jpg"))):
        unit = folder / f"unit{number % UNITS}"
        unit.mkdir(parents=True, exist_ok=True)
        picture = read_image(source)
        for window in range(WINDOWS):
            left, top, side = (int(x) for x in random.integers((80, 80, 280), (140, 140, 340)))
            crop = cv2.resize(picture[top : top + side, left : left + side], (112, 112), interpolation=cv2.INTER_AREA)
            paths.append(unit / f"{number // UNITS * WINDOWS + window + 1:05d}.jpg")
            paths[-1].write_bytes(encode_jpeg(np.asarray(crop, np.uint8)))
    return paths


def copy_entry(folder: Path) -> tuple[Path, Path]:
    """Copy the entry and its network into a folder; the paths of both."""
    entry, network = folder / ENTRY, folder / ENTRY / "model.onnx"
    shutil.copytree(SUBMISSIONS / ENTRY, entry)
    shutil.copyfile(real_data() / "models" / "face_api_expression" / network.name, network)
    return entry, network


def ours(entry: Path, crops: Path, out: Path) -> Path:
    """Predict into a new store; its folder."""
    loaded = load_entry(str(entry))
    assert isinstance(loaded, Entry)
    predict(loaded, open_clips(crops).clips, out)
    return out


def largest_difference(store: Path, paths: list[Path], expected: NDArray[np.float32]) -> float:
    """The largest difference of the probabilities in a store from those of a loop over the paths."""
    opened = open_store(store)
    places = {(path.parent.name, int(path.stem)): place for place, path in enumerate(paths)}
    worst = 0.0
    for unit in opened.units():
        found = opened.read(unit)
        rows = [places[unit, frame] for frame in found.frame.tolist()]
        worst = max(worst, float(np.abs(found.answers["expression"] - expected[rows]).max()))
    return worst


def main() -> None:
    """Measure functions in this process, then whole processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        crops, out = folder / "crops", folder / "loop.npy"
        paths = write_windows(crops)
        entry, network = copy_entry(folder)
        title = f"face-api, {len(paths):,} JPEG crops of 112 x 112"

        stores = (folder / f"store{number}" for number in count())
        calls: dict[str, Callable[[], Any]] = {OURS: lambda: ours(entry, crops, next(stores))}
        files = [str(path) for path in paths]
        calls |= {way: partial(loop, network, files, *given, out) for way, given in LOOPS.items()}
        report(f"{title}, functions", functions(calls, RUNS), OURS)
        difference = largest_difference(calls[OURS](), paths, loop(network, files, 1, 0, out))
        print(f"  probabilities differ by {difference:.1e} at most")

        # a store of its own for each run: one that is there already would be kept
        fresh = f"d=$(mktemp -d {folder}/outXXXX) && {PYTHON} -m abawbench predict {entry} {crops} -o $d"
        commands = {OURS: ["sh", "-c", fresh]}
        for way, given in LOOPS.items():
            words = [network, crops, *given, out]
            commands[way] = [PYTHON, "-m", "benchmarks.onnx_loop", *map(str, words)]
        report(f"{title}, processes", processes(commands, RUNS), OURS)


if __name__ == "__main__":
    main()
