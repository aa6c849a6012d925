"""Faces in pictures: found by YuNet, aligned to the 112 x 112 crop of recognition networks and of s-Aff-Wild2."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.data.images import Image, read_image
from abawbench.data.real import VARIABLE, real_data
from abawbench.errors import Problem, ProblemError

Points = NDArray[np.float64]

CROP_SIZE = 112
# longer side in pixels; a face that fills a larger picture is missed or found in halves
DETECTION_SIZE = 640
WEIGHTS_NAME = "yunet_n_dynamic.onnx"
WEIGHTS_SHA256 = "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12"

TEMPLATE: Points = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where eyes, nose and mouth corners lie in a 112 x 112 crop, (x, y), the eye on the image's left first.

Source: reference landmarks published with ArcFace, deepinsight/insightface, `arcface_dst` in `face_align.py`.
"""
TEMPLATE.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Face:
    """A detected face, in pixels of the picture as given.

    Attributes:
        box: left, top, right, bottom, inside the picture.
        points: shape (5, 2), (x, y) of the eye on the image's left, the other eye, nose, mouth corner on the image's
            left, the other mouth corner; may lie outside the picture.
        score: the detector's confidence, in [0, 1].
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
    """YuNet's weights: the path given, else the file of the real data; its SHA-256 is checked.

    Raises:
        ProblemError: F01 there is no such file, E04 it is another one.
    """
    path = explicit or real_data() / "weights" / WEIGHTS_NAME
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        reason = error.strerror or "an error of the file system"
        fix = f"give the path of the file, or set {VARIABLE} to the folder that holds weights/{WEIGHTS_NAME}"
        raise ProblemError(Problem("F01", reason, f"the weights {WEIGHTS_NAME}", fix, str(path))) from error
    if found != WEIGHTS_SHA256:
        source = "onnx/yunet_n_dynamic.onnx of ShiqiYu/libfacedetection.train at 0047ac24"
        raise ProblemError(
            Problem("E04", f"SHA-256 {found}", f"SHA-256 {WEIGHTS_SHA256}", f"copy {source} again", str(path))
        )
    return path


class Detector:
    """YuNet through OpenCV. Holds the network; one detector serves any number of pictures of any size.

    Args:
        weights: the ONNX file, as `weights_path` gives it.
        score: least confidence of a face.
        overlap: boxes that overlap more than this (intersection over union) are one face.
    """

    def __init__(self, weights: Path, *, score: float = 0.7, overlap: float = 0.3) -> None:
        import cv2

        logging = cv2.utils.logging
        # OpenCV 5 warns that its new engine ignores the choice of a device, which nobody made here
        level = logging.setLogLevel(logging.LOG_LEVEL_ERROR)
        try:
            self._network = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), score, overlap)
        finally:
            logging.setLogLevel(level)

    def detect(self, image: Image) -> tuple[Face, ...]:
        """The faces of an RGB picture, found on a copy whose longer side is at most 640 pixels, most certain first."""
        import cv2

        height, width = image.shape[:2]
        shrink = min(1.0, DETECTION_SIZE / max(height, width))
        size = (max(round(width * shrink), 1), max(round(height * shrink), 1))
        small = image if size == (width, height) else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._network.setInputSize(size)
        rows: Any = self._network.detect(np.ascontiguousarray(small[..., ::-1]))[1]
        if rows is None:
            return ()
        scale = np.array([width / size[0], height / size[1]])
        return tuple(_face(row, scale, width, height) for row in np.asarray(rows, np.float64))


def _face(row: NDArray[np.float64], scale: Points, width: int, height: int) -> Face:
    left, top = row[0:2] * scale
    right, bottom = (row[0:2] + row[2:4]) * scale
    box = tuple(
        float(np.clip(v, 0, end)) for v, end in ((left, width), (top, height), (right, width), (bottom, height))
    )
    return Face((box[0], box[1], box[2], box[3]), row[4:14].reshape(5, 2) * scale, float(np.clip(row[14], 0, 1)))


def main_face(faces: tuple[Face, ...], width: int, height: int) -> Face | None:
    """The face a picture is about, or None: the largest, an area counting half as much in a corner as in the middle."""

    def weight(face: Face) -> float:
        left, top, right, bottom = face.box
        off_centre = np.hypot((left + right - width) / 2, (top + bottom - height) / 2)
        return face.area * (1 - float(off_centre) / float(np.hypot(width, height)))

    return max(faces, key=weight, default=None)


def similarity(source: Points, target: Points) -> Points:
    """The turn, scale and shift that bring `source` closest to `target`, without mirroring.

    With points as complex numbers the map is z -> a z + b, and least squares gives a and b in closed form; this is
    Umeyama's solution in the plane.

    Args:
        source: shape (points, 2), at least two of them apart.
        target: shape (points, 2).

    Returns:
        Shape (2, 3), the matrix [A | b] of x -> A x + b.

    Raises:
        ProblemError: E05, the source points are not finite or all lie on one spot.

    Source: Umeyama 1991, IEEE TPAMI 13(4).
    """
    here, there = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    is_finite = bool(np.isfinite(source).all())
    centred = here - here.mean() if is_finite else np.zeros_like(here)
    spread = float(np.sum(np.abs(centred) ** 2))
    # relative to the size of the coordinates: centring leaves rounding errors of that order
    if not is_finite or spread <= 1e-20 * float(np.sum(np.abs(here) ** 2)):
        found = f"points {np.round(source, 3).tolist()}"
        raise ProblemError(Problem("E05", found, "finite points, at least two apart", "leave this face out"))
    turn = np.sum(np.conj(centred) * (there - there.mean())) / spread
    shift = there.mean() - turn * here.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def aligned_crop(image: Image, points: Points) -> Image:
    """The face of an RGB picture turned upright, shape (112, 112, 3); black where the picture ends.

    Args:
        image: shape (height, width, 3).
        points: shape (5, 2), in the order of `TEMPLATE`.

    Raises:
        ProblemError: E05, points that fix no alignment.
    """
    import cv2

    matrix = similarity(points, TEMPLATE)
    # warping reads four pixels for each of the crop: shrink a larger face first, lest fine texture turn into noise
    steps = int(1 / np.hypot(matrix[0, 0], matrix[1, 0]))
    if steps > 1:
        height, width = image.shape[:2]
        size = (max(width // steps, 1), max(height // steps, 1))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        points = (points + 0.5) * (np.array(size) / (width, height)) - 0.5
        matrix = similarity(points, TEMPLATE)
    return np.asarray(cv2.warpAffine(image, matrix, (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_LINEAR), np.uint8)


def crop_file(detector: Detector, path: Path) -> Image:
    """The aligned crop of the main face of a picture file, shape (112, 112, 3), RGB.

    Raises:
        ProblemError: F01 no readable picture, E03 no face in it, E05 its landmarks coincide.
    """
    image = read_image(path)
    height, width = image.shape[:2]
    face = main_face(detector.detect(image), width, height)
    if face is None:
        raise ProblemError(
            Problem("E03", f"no face in {width} x {height} pixels", "one face or more", "leave it out", str(path))
        )
    return aligned_crop(image, face.points)
