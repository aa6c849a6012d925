"""Closed outlines between the contours of lids and lips, as OpenCV fills them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.synthetic import anatomy
from abawbench.synthetic.anatomy import Array

# fractions of a pixel that OpenCV's drawing takes, as bits
BITS = 4
Outline = NDArray[np.int32]


@dataclass(frozen=True, eq=False, slots=True)
class Bands:
    """Closed areas between contours of equally many points.

    Attributes:
        order: shape (areas, 2 * n), which point of the contours comes where: along one and back along the other.
        reach: the same shape, how far a point moves down from its contour, in pixels of a crop.
    """

    order: NDArray[np.intp]
    reach: Array


def bands(points: int, lines: Sequence[tuple[int, int, float, float, float]]) -> Bands:
    """Areas from (one contour, the other, reach above, reach below, how much thinner at both ends)."""
    t = np.linspace(-1, 1, points, dtype=np.float32)
    along = np.arange(points)
    order = [np.concatenate([one * points + along, other * points + along[::-1]]) for one, other, *_ in lines]
    reach = [
        np.concatenate([-above * (1 - thin * np.abs(t) ** 2.5), below * (1 - thin * np.abs(t) ** 2.5)])
        for *_, above, below, thin in lines
    ]
    return Bands(np.stack(order), np.stack(reach).astype(np.float32))


# contours: upper lid, lower lid, crease; areas: opening, shadow on the ball, crease, lower rim, lashes
_EYE = bands(
    anatomy.LID,
    [(0, 1, 0, 0, 0), (0, 0, 0.2, 1.15, 0.3), (2, 2, 0.28, 0.28, 0.7), (1, 1, 0.1, 0.5, 0.5), (0, 0, 0.75, 0.28, 0.55)],
)
EYES = Bands(
    # the contours of the second eye lie behind those of the first
    np.stack(
        [order + order // anatomy.LID * anatomy.LID + eye * anatomy.LID for order in _EYE.order for eye in (0, 1)]
    ),
    np.repeat(_EYE.reach, 2, axis=0),
)
# the lips' four contours from above, then three within them
WITHIN = np.array(
    [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0.45, 0.55, 0, 0],
        [0, 0, 0.75, 0.25],
        [0, 0, 0.45, 0.55],
    ],
    np.float32,
)
# contours: these; areas: upper lip, its lower part, lower lip, its light, opening, shadow on the teeth
MOUTH = bands(
    anatomy.LIP,
    [
        (0, 1, 0, 0, 0),
        (4, 1, 0, 0, 0),
        (2, 3, 0, 0, 0),
        (5, 6, 0, 0, 0.6),
        (1, 2, 0.28, 0.32, 0.6),
        (1, 1, 0.5, 0.75, 0.6),
    ],
)


def areas(between: Bands, contours: Array, pixel: float) -> Outline:
    """The outlines of all areas for contours (n, 2), shape (areas, points, 2)."""
    outlines = contours[between.order]
    outlines[..., 1] += between.reach * np.float32(pixel)
    return fixed(outlines)


def fixed(points: Array) -> Outline:
    """Points in the fractions of a pixel that OpenCV draws with."""
    # its pixel 0 has its middle at 0
    return np.rint((points - 0.5) * (1 << BITS)).astype(np.int32)
