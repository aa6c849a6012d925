from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from abawbench.faces import TEMPLATE, Face, run

SIDE = 56


class Blobs:
    """Stands in for the network: bright squares on a dark ground are faces."""

    def __init__(self, weights: Path) -> None:
        self.calls = 0

    def detect(self, image: np.ndarray) -> tuple[Face, ...]:
        self.calls += 1
        bright = (cv2.GaussianBlur(image.max(axis=2), (0, 0), 2) > 70).astype(np.uint8)
        _, _, boxes, _ = cv2.connectedComponentsWithStats(bright)
        return tuple(
            Face((float(x), float(y), float(x + w), float(y + h)), TEMPLATE * [w / 112, h / 112] + [x, y], 0.9)
            for x, y, w, h, area in boxes[1:].tolist()
            if area > 400
        )


def person(number: int) -> np.ndarray:
    """A pattern that no other number has, shape (56, 56, 3)."""
    random = np.random.default_rng(number)
    coarse = random.integers(110, 256, (5, 5, 3)).astype(np.uint8)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(100, 255)


def picture(*faces: tuple[int, int, int], ground: int = 20) -> np.ndarray:
    """A picture of 320 x 180 with faces given as (person, left, top)."""
    image = np.full((180, 320, 3), ground, np.uint8)
    for number, left, top in faces:
        image[top : top + SIDE, left : left + SIDE] = person(number)
    return image


def write_video(path: Path, pictures: Sequence[np.ndarray], rate: int = 25, times: Sequence[int] = ()) -> Path:
    """Pictures as MPEG-4, at `rate` or at these multiples of a millisecond."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1000 if times else rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for place, image in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times:
                frame.pts = times[place]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def blobs(monkeypatch) -> Callable[[], Blobs]:
    """`run` with the stand-in for the network; call it for the one last made."""
    made: list[Blobs] = []

    def make(weights: Path) -> Blobs:
        made.append(Blobs(weights))
        return made[-1]

    monkeypatch.setattr(run, "Detector", make)
    monkeypatch.setattr(run, "weights_path", lambda _: Path("none"))
    return lambda: made[-1]


def tree(root: Path) -> dict[str, bytes]:
    """All files of a folder, by path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
