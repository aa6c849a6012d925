"""Alignment: an upright crop of a face from its five points."""

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
"""Positions (x, y) of eyes, nose and mouth corners in a 112 x 112 crop; the eye on the left of the image comes first.

Source: reference landmarks published with ArcFace, deepinsight/insightface, `arcface_dst` in `face_align.py`.
"""
TEMPLATE.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Field:
    """The part of a face that a crop shows, and the size of the crop.

    Attributes:
        name: name of the option `--crop` for it.
        size: height and width of the crop in pixels.
        template: positions of the five points in the crop, shape (5, 2).
    """

    name: str
    size: int
    template: Points


WIDE_SIZE = 224
# a wide crop reaches 1.6 times as far from the centre in each direction: it shows the head with hair and chin
WIDE_FACTOR = 1.6

ALIGNED = Field("aligned", CROP_SIZE, TEMPLATE)
WIDE = Field(
    "wide",
    WIDE_SIZE,
    (TEMPLATE - (CROP_SIZE - 1) / 2) * (WIDE_SIZE / (CROP_SIZE * WIDE_FACTOR)) + (WIDE_SIZE - 1) / 2,
)
FIELDS = {field.name: field for field in (ALIGNED, WIDE)}


def similarity(source: Points, target: Points) -> Points:
    """The rotation, scale and shift that bring `source` closest to `target`, without mirroring.

    With points as complex numbers the map is z -> a z + b, and least squares gives a and b in closed form; this is
    Umeyama's solution in the plane.

    Args:
        source: points, shape (points, 2); at least two of them differ.
        target: points, shape (points, 2).

    Returns:
        The matrix [A | b] of the map x -> A x + b, shape (2, 3).

    Raises:
        ProblemError: E05, the source points are not finite, or are all the same.

    Source: Umeyama 1991, IEEE TPAMI 13(4).
    """
    # for a few points Python's complex numbers are several times as fast as arrays
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
    """The upright crop of a face, shape (size, size, 3); black outside the picture.

    Args:
        image: RGB picture, shape (height, width, 3).
        points: five points of the face in the order of `TEMPLATE`, shape (5, 2).
        field: part of the face to show; 112 x 112 pixels by default.

    Raises:
        ProblemError: E05, the points do not determine an alignment.
    """
    import cv2

    matrix = similarity(points, field.template)
    # warping reads four pixels for each pixel of the crop: a larger face is shrunk first, or fine texture becomes noise
    steps = int(1 / np.hypot(matrix[0, 0], matrix[1, 0]))
    if steps > 1:
        height, width = image.shape[:2]
        size = (max(width // steps, 1), max(height // steps, 1))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        points = (points + 0.5) * (np.array(size) / (width, height)) - 0.5
        matrix = similarity(points, field.template)
    return np.asarray(cv2.warpAffine(image, matrix, (field.size, field.size), flags=cv2.INTER_LINEAR), np.uint8)
