"""`predict` of a public ONNX network over JPEG crops, into a store, against plain loops of OpenCV and onnxruntime."""

from __future__ import annotations

import shutil
import tempfile
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
from benchmarks.timing import PYTHON, functions, processes, report
from examples.real_data import real_data

ENTRY = "2018_muehler_face-api-expression"
SUBMISSIONS = Path(__file__).parents[1] / "submissions"
# crops of a picture of 512 x 512, units, and runs of each way
WINDOWS, UNITS, RUNS = 20, 12, 7
MEAN = np.array((122.782, 117.001, 104.298), np.float32)
Probabilities = NDArray[np.float32]


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


def plain(model: str, paths: list[str], batch: int, threads: int, out: str) -> Probabilities:
    """The loop of a notebook: read, change colours, normalise, run, and keep all probabilities in one file.

    Args:
        model: file of the network.
        paths: files of the crops.
        batch: number of pictures in a run.
        threads: number of threads of a run; 0 for the default of onnxruntime, one for each core.
        out: file for the probabilities.
    """
    import cv2
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    scores: list[Any] = []
    for begin in range(0, len(paths), batch):
        crops = [cv2.cvtColor(np.asarray(cv2.imread(path)), cv2.COLOR_BGR2RGB) for path in paths[begin : begin + batch]]
        pictures = (np.stack(crops).astype(np.float32) - MEAN) / 255
        scores.append(session.run(["expression"], {"pictures": pictures.transpose(0, 3, 1, 2)})[0])
    odds = np.exp(np.concatenate(scores))
    probabilities = odds / odds.sum(1, keepdims=True)
    np.save(out, probabilities)
    return probabilities


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


def largest_difference(store: Path, paths: list[Path], expected: Probabilities) -> float:
    """The largest difference of the probabilities in a store from those of a loop over the paths."""
    opened = open_store(store)
    names = {path: place for place, path in enumerate(f"{path.parent.name}/{path.stem}" for path in paths)}
    worst = 0.0
    for unit in opened.units():
        found = opened.read(unit)
        rows = [names[f"{unit}/{frame:05d}"] for frame in found.frame.tolist()]
        worst = max(worst, float(np.abs(found.answers["expression"] - expected[rows]).max()))
    return worst


def main() -> None:
    """Measure functions in this process, then whole processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        crops = folder / "crops"
        files = write_windows(crops)
        paths = [str(path) for path in files]
        entry, network = copy_entry(folder)
        stores = (folder / f"store{number}" for number in count())
        out = str(folder / "plain.npy")
        title = "predict, to a store"
        ways = {
            "plain loop, a picture at a time": (1, 0),
            "the same on one thread": (1, 1),
            "plain loop, batches of 64": (64, 0),
            "batches of 64 on one thread": (64, 1),
        }
        difference = largest_difference(ours(entry, crops, next(stores)), files, plain(str(network), paths, 1, 0, out))
        calls: dict[str, Any] = {title: lambda: ours(entry, crops, next(stores))}
        calls |= {way: partial(plain, str(network), paths, *given, out) for way, given in ways.items()}
        heading = f"face-api, {len(paths):,} JPEG crops of 112 x 112"
        report(f"{heading}, functions", functions(calls, RUNS), title)
        print(f"  probabilities differ by {difference:.1e} at most")
        script = "import sys; from benchmarks.predict import plain; from pathlib import Path\n"
        script += "paths = sorted(map(str, Path(sys.argv[2]).rglob('*.jpg')))\n"
        script += "plain(sys.argv[1], paths, int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])"
        fresh = "d=$(mktemp -d {}/outXXXX) && {} -m abawbench predict {} {} -o $d"
        commands: dict[str, Any] = {title: ["sh", "-c", fresh.format(folder, PYTHON, entry, crops)]}
        commands |= {
            way: [PYTHON, "-c", script, str(network), str(crops), *map(str, given), out] for way, given in ways.items()
        }
        report(f"{heading}, processes", processes(commands, RUNS), title)


if __name__ == "__main__":
    main()
