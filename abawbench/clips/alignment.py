"""Alignment: where in a picture the crop of a face lies, and cutting it out."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.crop import ARCFACE, CROP_SIZE, Crop
from abawbench.clips.images import Image

Points = NDArray[np.float64]
Box = tuple[float, float, float, float]

TEMPLATE: Points = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Positions (x, y) of eyes, nose and mouth corners in a 112 x 112 crop; the eye on the left of the image comes first.

Source: reference landmarks published with ArcFace, deepinsight/insightface, `arcface_dst` in `face_align.py`.
"""
TEMPLATE.setflags(write=False)

# a wide crop reaches 1.6 times as far from the centre in each direction: it shows the head with hair and chin
WIDE_FACTOR = 1.6
# eyes that are closer than this share of their distance from the mouth do not say how large and how upright a face is:
# it is turned away, by about 55 degrees or more
LEAST_EYES = 0.5


@cache
def template(crop: Crop) -> Points:
    """Positions of the five points of the frontal face of `TEMPLATE` in a crop that is not of the kind `box`.

    Pixels are counted by their centres: the left edge of a crop is at -0.5, the right one at size - 0.5.
    """
    if crop.kind == "eyes":
        # one eye distance between two margins, and a margin above
        unit = crop.size / (1 + 2 * crop.margin)
        left = crop.margin * unit
        eyes = np.array([[left, left], [left + unit, left]]) - 0.5
        matrix = similarity(TEMPLATE[:2], eyes)
        result = TEMPLATE @ matrix[:, :2].T + matrix[:, 2]
    else:
        factor = WIDE_FACTOR if crop.kind == "wide" else 1.0
        result = (TEMPLATE - (CROP_SIZE - 1) / 2) * (crop.size / (CROP_SIZE * factor)) + (crop.size - 1) / 2
    result.setflags(write=False)
    return result


def placement(points: Points, crop: Crop, box: Box | None = None) -> Points:
    """The map from the pixels of a picture to those of the crop of a face, a matrix [A | b], shape (2, 3).

    Args:
        points: five points of the face in the order of `TEMPLATE`, shape (5, 2).
        crop: crop to make.
        box: left, top, right and bottom edge of the face; only crops of the kind `box` need it.

    Raises:
        ProblemError: E05, the points or the box do not determine a crop.
        ValueError: there is no box, and the crop needs one.
    """
    if crop.kind == "box":
        if box is None:
            raise ValueError("a crop of a box, and no box")
        left, top, right, bottom = box
        half = max(right - left, bottom - top) * (0.5 + crop.margin)
        centre = np.array([left + right, top + bottom]) / 2 - 0.5
        return similarity(np.stack([centre - half, centre + half]), np.array([[-0.5] * 2, [crop.size - 0.5] * 2]))
    target = template(crop)
    if crop.kind == "eyes" and _eyes_determine(points):
        return similarity(points[:2], target[:2])
    return similarity(points, target)


def _eyes_determine(points: Points) -> bool:
    """True unless the eyes are so close together that the face must be turned away."""
    apart = np.linalg.norm(points[1] - points[0])
    return bool(apart >= LEAST_EYES * np.linalg.norm(points[:2].mean(0) - points[3:].mean(0)) > 0)


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


def aligned_crop(image: Image, points: Points, crop: Crop = ARCFACE, box: Box | None = None) -> Image:
    """The crop of a face, shape (size, size, 3), by one warp of the picture; black outside the picture.

    Args:
        image: RGB picture, shape (height, width, 3).
        points: five points of the face in the order of `TEMPLATE`, shape (5, 2).
        crop: crop to make; `arcface-112` of 112 x 112 pixels by default.
        box: left, top, right and bottom edge of the face; only crops of the kind `box` need it.

    Raises:
        ProblemError: E05, the points or the box do not determine a crop.
        ValueError: there is no box, and the crop needs one.
    """
    import cv2

    matrix = placement(points, crop, box)
    # warping reads four pixels for each pixel of the crop: a larger face is shrunk first, or fine texture becomes noise
    steps = int(1 / np.hypot(matrix[0, 0], matrix[1, 0]))
    if steps > 1:
        height, width = image.shape[:2]
        size = (max(width // steps, 1), max(height // steps, 1))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        factors = np.array(size) / (width, height)
        points = (points + 0.5) * factors - 0.5
        if box is not None:
            left, top, right, bottom = (np.array(box) * np.tile(factors, 2)).tolist()
            box = (left, top, right, bottom)
        matrix = placement(points, crop, box)
    return np.asarray(cv2.warpAffine(image, matrix, (crop.size, crop.size), flags=cv2.INTER_LINEAR), np.uint8)
