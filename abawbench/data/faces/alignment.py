"""From five points of a face to an upright crop of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from abawbench.data.images import Image
from abawbench.errors import Problem, ProblemError

Points = NDArray[np.float64]

CROP_SIZE = 112

TEMPLATE: Points = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where eyes, nose and mouth corners lie in a 112 x 112 crop, (x, y), the eye on the image's left first.

Source: reference landmarks published with ArcFace, deepinsight/insightface, `arcface_dst` in `face_align.py`.
"""
TEMPLATE.setflags(write=False)


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
