"""One frame of a face: the portrait deformed by action units and pose, with eyes and mouth drawn on it.

Positions in the face are in pixels of a 112 x 112 crop, as in `anatomy`. Coefficients are the intensities of the 17
action units in [0, 1], then yaw, its square, pitch, and its square, in radians.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.clips.images import Image
from abawbench.synthetic import anatomy, creases
from abawbench.synthetic.anatomy import Array
from abawbench.synthetic.features import Lenses, ScaledFeatures, draw_eyes, draw_mouth
from abawbench.synthetic.person import Person

# distance of the nodes of the coarse map, in pixels of the output
STEP = 4
# OpenCV takes both coordinates from one map, and none from a second
_NO_MAP: Any = None
_LANDMARKS = np.array([0, 1, anatomy.NOSE, anatomy.LIPS_UPPER.start, anatomy.LIPS_UPPER.stop - 1])
_JAW_DROP = anatomy.COEFFICIENTS.index("AU26")


@dataclass(frozen=True, eq=False, slots=True)
class Rig:
    """The movements of a person's face.

    Attributes:
        skin: shape (coefficients, rows * columns * 2), displacement of the nodes of the grid at coefficient 1.
        points: shape (2 * n,), outlines at rest.
        moves: shape (coefficients, 2 * n), displacement of the outlines at coefficient 1.
        folds: shape (17, HEIGHT * WIDTH) as in `creases`, change of brightness by each action unit at 1.
        resting: shape (17,), action units of the face at rest.
        lenses: lenses of the glasses, or "none" for a person without glasses.
    """

    skin: Array
    points: Array
    moves: Array
    folds: Array
    resting: Array
    lenses: Lenses


def make_rig(person: Person, *, has_shades: bool = False) -> Rig:
    """The movements of a person's face, with sunglasses if `has_shades`."""
    grid = anatomy.grid_points()
    outlines = anatomy.outline_points(person)
    return Rig(
        skin=anatomy.skin_moves(person, grid).reshape(len(anatomy.COEFFICIENTS), -1),
        points=outlines.rest.reshape(-1),
        moves=outlines.moves,
        folds=creases.crease_maps(person),
        resting=np.asarray(person.resting, np.float32),
        lenses="dark" if has_shades else "clear" if person.glasses else "none",
    )


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """The look of a head, for output at one scale.

    Attributes:
        skin: the head without eyes and mouth on a canvas, uint8 RGB or RGBA.
        fine: pixels of the canvas for each pixel of a crop.
        left: position of the left edge of the canvas in the face.
        top: position of its top edge.
        features: eyes, mouth and glasses at the scale of the output.
    """

    skin: Image
    fine: int
    left: int
    top: int
    features: ScaledFeatures


def coefficients(rig: Rig, action_units: NDArray[np.floating], yaw: float, pitch: float) -> Array:
    """The coefficients of all movements, shape (21,).

    Args:
        rig: the movements of the face.
        action_units: shape (17,), intensities in [0, 1].
        yaw: rotation to the side in radians.
        pitch: rotation up or down in radians.
    """
    values = np.empty(len(anatomy.COEFFICIENTS), np.float32)
    # what a face shows at rest adds to weak expressions and vanishes in full ones
    values[:17] = rig.resting + (1 - rig.resting) * action_units
    values[17:] = yaw, yaw * yaw, pitch, pitch * pitch
    return values


def landmarks(points: Array) -> Array:
    """Eyes, nose and mouth corners of outlines (n, 2), in the order of `TEMPLATE`, shape (5, 2)."""
    return points[_LANDMARKS]


def move_points(rig: Rig, values: Array) -> Array:
    """The outlines of the face under these coefficients, shape (n, 2)."""
    return (rig.points + values @ rig.moves).reshape(-1, 2)


def draw_face(
    rig: Rig,
    view: View,
    values: Array,
    points: Array,
    to_output: Array,
    size: tuple[int, int],
    lids: float,
    gaze: Array,
) -> Image:
    """Draw a face.

    Args:
        rig: the movements of the face.
        view: the look of the head.
        values: shape (21,), coefficients.
        points: shape (n, 2), the outlines that `move_points` gives for them.
        to_output: shape (2, 3), matrix from positions in the face to pixels of the output.
        size: width and height of the output.
        lids: closure of the lids, from 0 (open) to 1 (closed).
        gaze: shape (2,), shift of the pupils to the right and down, in pixels of a crop.

    Returns:
        Picture, shape (height, width, 3 or 4) with the channels of the canvas.
    """
    picture = _deform(rig, view, values, to_output, size)
    turned = points @ to_output[:, :2].T
    turned += to_output[:, 2]
    draw_mouth(picture, view.features, turned, float(values[_JAW_DROP]))
    draw_eyes(picture, view.features, turned, lids, gaze, lenses=rig.lenses)
    return picture


def _deform(rig: Rig, view: View, values: Array, to_output: Array, size: tuple[int, int]) -> Image:
    """The skin with its folds, moved: every pixel of the output looks up the position at rest of its piece of skin."""
    import cv2

    skin = _fold(rig, view, values)
    moves = (values @ rig.skin).reshape(anatomy.GRID_ROWS, anatomy.GRID_COLUMNS, 2)
    (a, b, right), (c, d, down) = to_output.tolist()
    unit = (a * d - b * c) * anatomy.GRID_STEP
    # matrix from pixels of the output to nodes of the grid
    back = np.array([[d / unit, -c / unit], [-b / unit, a / unit]], np.float32)
    x, y = (b * down - d * right) / unit, (c * right - a * down) / unit
    place = _nodes(size) @ back
    place += np.array([x - anatomy.GRID_X / anatomy.GRID_STEP, y - anatomy.GRID_Y / anatomy.GRID_STEP], np.float32)
    source = place
    for _ in range(3):
        shift = cv2.remap(moves, source, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        source = cv2.addWeighted(place, 1, shift, -1 / anatomy.GRID_STEP, 0)
    source *= anatomy.GRID_STEP * view.fine
    source += ((anatomy.GRID_X - view.left) * view.fine - 0.5, (anatomy.GRID_Y - view.top) * view.fine - 0.5)
    smooth = cv2.resize(source, None, fx=STEP, fy=STEP, interpolation=cv2.INTER_LINEAR)
    inner = smooth[STEP : STEP + size[1], STEP : STEP + size[0]]
    return np.asarray(cv2.remap(skin, inner, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


@functools.lru_cache(maxsize=8)
def _nodes(size: tuple[int, int]) -> Array:
    """Centres of the cells of the coarse map and of a border around it, in pixels of the output.

    Args:
        size: width and height of the output.

    Returns:
        Shape (rows, columns, 2).
    """
    columns, rows = (-(-length // STEP) + 2 for length in size)
    x = (np.arange(columns, dtype=np.float32) - 0.5) * STEP - 0.5
    y = (np.arange(rows, dtype=np.float32) - 0.5) * STEP - 0.5
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    nodes.setflags(write=False)
    return nodes


def _fold(rig: Rig, view: View, values: Array) -> Image:
    """The skin with the folds of an expression."""
    import cv2

    change = (values[:17] @ rig.folds).reshape(creases.HEIGHT, creases.WIDTH)
    factor = cv2.convertScaleAbs(change, alpha=128, beta=128)
    if view.fine > 1:
        factor = cv2.resize(factor, None, fx=view.fine, fy=view.fine, interpolation=cv2.INTER_LINEAR)
    top, left = (creases.TOP - view.top) * view.fine, (creases.LEFT - view.left) * view.fine
    part = np.s_[top : top + factor.shape[0], left : left + factor.shape[1]]
    skin = view.skin.copy()
    if skin.shape[2] == 3:
        skin[part] = cv2.multiply(skin[part], cv2.cvtColor(factor, cv2.COLOR_GRAY2RGB), scale=1 / 128)
    else:
        skin[(*part, slice(3))] = cv2.multiply(
            np.ascontiguousarray(skin[part][..., :3]), cv2.cvtColor(factor, cv2.COLOR_GRAY2RGB), scale=1 / 128
        )
    return skin
