"""The loop of a notebook over an ONNX network: OpenCV, NumPy and onnxruntime, without anything of this package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

# of face-api's expression network, red, green and blue
MEAN = np.array((122.782, 117.001, 104.298), np.float32)


def loop(network: Path, paths: list[str], batch: int, threads: int, out: Path) -> NDArray[np.float32]:
    """Read crops, change their colours, normalise, run, and write the probabilities of all of them into one file.

    Args:
        network: file of face-api's expression network.
        paths: files of the crops.
        batch: number of crops in a run.
        threads: number of threads of a run; 0 for the default of onnxruntime, one for each core.
        out: file for the probabilities, shape (crops, classes).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    scores: list[Any] = []
    for begin in range(0, len(paths), batch):
        crops = [cv2.cvtColor(np.asarray(cv2.imread(path)), cv2.COLOR_BGR2RGB) for path in paths[begin : begin + batch]]
        pictures = (np.stack(crops).astype(np.float32) - MEAN) / 255
        scores.append(session.run(["expression"], {"pictures": pictures.transpose(0, 3, 1, 2)})[0])
    odds = np.exp(np.concatenate(scores))
    probabilities = odds / odds.sum(1, keepdims=True)
    np.save(out, probabilities)
    return probabilities


if __name__ == "__main__":
    files = sorted(map(str, Path(sys.argv[2]).rglob("*.jpg")))
    loop(Path(sys.argv[1]), files, int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
