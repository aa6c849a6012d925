"""Face detection with YuNet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.hashes import sha256_of_file
from abawbench.base.problems import Problem, ProblemError, os_reason
from abawbench.clips.alignment import Points, aligned_crop
from abawbench.clips.crop import ARCFACE, Crop
from abawbench.clips.images import Image, read_image

# longest side of the picture that the network sees, in pixels: a face that fills a larger one is missed or found twice
DETECTION_SIZE = 640
WEIGHTS_NAME = "yunet_n_dynamic.onnx"
FETCH = "abawbench data fetch yunet"
VARIABLE = "ABAWBENCH_YUNET"
WEIGHTS_SHA256 = "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12"


@dataclass(frozen=True, eq=False)
class Face:
    """A detected face, in pixels of the original picture.

    Attributes:
        box: left, top, right and bottom edge, inside the picture.
        points: shape (5, 2), (x, y) of the eye on the left of the image, the other eye, the tip of the nose, the mouth
            corner on the left of the image, and the other mouth corner; points may lie outside the picture.
        score: confidence of the detector, in [0, 1].
    """

    box: tuple[float, float, float, float]
    points: Points
    score: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        left, top, right, bottom = self.box
        return max(right - left, 0.0) * max(bottom - top, 0.0)


def weights_path(explicit: Path | None = None) -> Path:
    """Path of YuNet's weights, whose hash is checked.

    Args:
        explicit: path of the file; by default the path in the environment variable `ABAWBENCH_YUNET`, or else the file
            that `abawbench data fetch yunet` downloaded.

    Raises:
        ProblemError: F01 there is no such file, E04 it holds other weights.
    """
    path = explicit or _default_weights()
    try:
        found = sha256_of_file(path)
    except OSError as error:
        raise _no_weights(os_reason(error), path) from error
    if found != WEIGHTS_SHA256:
        source = "onnx/yunet_n_dynamic.onnx of ShiqiYu/libfacedetection.train at 0047ac24"
        fix = f"run `{FETCH}`, or copy {source} again"
        raise ProblemError(Problem("E04", f"SHA-256 {found}", f"SHA-256 {WEIGHTS_SHA256}", fix, str(path)))
    return path


def _default_weights() -> Path:
    if named := os.environ.get(VARIABLE):
        return Path(named)
    from abawbench.datasets.fetch import fetched

    folder = fetched("yunet")
    if folder is None:
        raise _no_weights("no such file", None)
    return folder / WEIGHTS_NAME


def _no_weights(found: str, path: Path | None) -> ProblemError:
    fix = f"run `{FETCH}`, give the path of the file, or set {VARIABLE} to it"
    return ProblemError(Problem("F01", found, f"the weights {WEIGHTS_NAME}", fix, str(path or WEIGHTS_NAME)))


class Detector:
    """YuNet in OpenCV. One detector serves any number of pictures of any size.

    Args:
        weights: path of the ONNX file, as `weights_path` returns it.
        score: lowest confidence of a face.
        overlap: largest overlap of two faces, as intersection over union; boxes that overlap more are one face.
    """

    def __init__(self, weights: Path, *, score: float = 0.7, overlap: float = 0.3) -> None:
        import cv2

        logging = cv2.utils.logging
        # OpenCV 5 warns that its new engine ignores the choice of a device, although none is chosen here
        level = logging.setLogLevel(logging.LOG_LEVEL_ERROR)
        try:
            self._network = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), score, overlap)
        finally:
            logging.setLogLevel(level)

    def detect(self, image: Image) -> tuple[Face, ...]:
        """The faces of an RGB picture, most certain first; detected on a copy of at most 640 pixels on a side."""
        import cv2

        height, width = image.shape[:2]
        small, scale = shrink(image)
        self._network.setInputSize(small.shape[1::-1])
        rows: Any = self._network.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
        if rows is None:
            return ()
        return tuple(_face(row, scale, width, height) for row in np.asarray(rows, np.float64))


def shrink(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Points]:
    """Shrink a picture to at most 640 pixels on its longer side.

    Returns:
        The smaller picture, and the factors for x and y that lead from it back to the original, shape (2,).
    """
    import cv2

    height, width = picture.shape[:2]
    factor = min(1.0, DETECTION_SIZE / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small: Any = picture if size == (width, height) else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return small, np.array([width / size[0], height / size[1]])


def _face(row: NDArray[np.float64], scale: Points, width: int, height: int) -> Face:
    left, top, across, down = row[:4].tolist()
    x, y = scale.tolist()
    box = (
        min(max(left * x, 0.0), float(width)),
        min(max(top * y, 0.0), float(height)),
        min(max((left + across) * x, 0.0), float(width)),
        min(max((top + down) * y, 0.0), float(height)),
    )
    return Face(box, row[4:14].reshape(5, 2) * scale, min(max(float(row[14]), 0.0), 1.0))


def main_face(faces: tuple[Face, ...], width: int, height: int) -> Face | None:
    """The largest face of a picture, area in a corner counting half as much as in the centre; None without faces."""

    def weight(face: Face) -> float:
        left, top, right, bottom = face.box
        off_centre = np.hypot((left + right - width) / 2, (top + bottom - height) / 2)
        return face.area * (1 - float(off_centre) / float(np.hypot(width, height)))

    return max(faces, key=weight, default=None)


def crop_file(detector: Detector, path: Path, crop: Crop = ARCFACE) -> Image:
    """The crop of the main face of a picture file, shape (size, size, 3), RGB.

    Args:
        detector: detector to find faces with.
        path: the picture.
        crop: crop to make; `arcface-112` of 112 x 112 pixels by default.

    Raises:
        ProblemError: F01 the file holds no readable picture, E03 no face is found, E05 its landmarks coincide.
    """
    image = read_image(path)
    height, width = image.shape[:2]
    face = main_face(detector.detect(image), width, height)
    if face is None:
        raise ProblemError(
            Problem("E03", f"no face in {width} x {height} pixels", "one face or more", "leave it out", str(path))
        )
    return aligned_crop(image, face.points, crop, face.box)
