"""From five points of a face to an upright crop of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.images import Image

Points = NDArray[np.float64]

CROP_SIZE = 112

TEMPLATE: Points = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where eyes, nose and mouth corners lie in a 112 x 112 crop, (x, y), the eye on the image's left first.

Source: reference landmarks published with ArcFace, deepinsight/insightface, `arcface_dst` in `face_align.py`.
"""
TEMPLATE.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Field:
    """How much of a face a crop shows, and in how many pixels.

    Attributes:
        name: what `--crop` calls it.
        size: height and width of the crop in pixels.
        template: shape (5, 2), where the five points lie in it.
    """

    name: str
    size: int
    template: Points


WIDE_SIZE = 224
# 1.6 times as far from the centre in each direction: the whole head, with hair and chin
WIDE_FACTOR = 1.6

ALIGNED = Field("aligned", CROP_SIZE, TEMPLATE)
WIDE = Field(
    "wide",
    WIDE_SIZE,
    (TEMPLATE - (CROP_SIZE - 1) / 2) * (WIDE_SIZE / (CROP_SIZE * WIDE_FACTOR)) + (WIDE_SIZE - 1) / 2,
)
FIELDS = {field.name: field for field in (ALIGNED, WIDE)}


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
    # for a handful of points Python's own complex numbers are several times as fast as arrays
    here, there = ([complex(x, y) for x, y in points.tolist()] for points in (source, target))
    centre, goal = sum(here) / len(here), sum(there) / len(there)
    spread = sum(abs(z - centre) ** 2 for z in here)
    # relative to the size of the coordinates: centring leaves rounding errors of that order
    if not spread > 1e-20 * sum(abs(z) ** 2 for z in here) or math.isinf(spread):
        found = f"points {np.round(source, 3).tolist()}"
        raise ProblemError(Problem("E05", found, "finite points, at least two apart", "leave this face out"))
    turn = sum((z - centre).conjugate() * (w - goal) for z, w in zip(here, there, strict=True)) / spread
    shift = goal - turn * centre
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def aligned_crop(image: Image, points: Points, field: Field = ALIGNED) -> Image:
    """The face of an RGB picture turned upright, shape (size, size, 3); black where the picture ends.

    Args:
        image: shape (height, width, 3).
        points: shape (5, 2), in the order of `TEMPLATE`.
        field: how much of the face is shown, 112 x 112 pixels by default.

    Raises:
        ProblemError: E05, points that fix no alignment.
    """
    import cv2

    matrix = similarity(points, field.template)
    # warping reads four pixels for each of the crop: shrink a larger face first, lest fine texture turn into noise
    steps = int(1 / np.hypot(matrix[0, 0], matrix[1, 0]))
    if steps > 1:
        height, width = image.shape[:2]
        size = (max(width // steps, 1), max(height // steps, 1))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        points = (points + 0.5) * (np.array(size) / (width, height)) - 0.5
        matrix = similarity(points, field.template)
    return np.asarray(cv2.warpAffine(image, matrix, (field.size, field.size), flags=cv2.INTER_LINEAR), np.uint8)
