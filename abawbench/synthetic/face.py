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
from abawbench.synthetic.features import BITS, DETAIL, EYES, MOUTH, WITHIN, Lenses, ScaledFeatures, Tone, areas, fixed
from abawbench.synthetic.person import Person

# distance of the nodes of the coarse map, in pixels of the output
STEP = 4
# OpenCV takes both coordinates from one map, and none from a second
_NO_MAP: Any = None
_LANDMARKS = np.array([0, 1, anatomy.NOSE, anatomy.LIPS_UPPER.start, anatomy.LIPS_UPPER.stop - 1])
_LENS: Tone = (24, 22, 26)
_JAW_DROP = anatomy.COEFFICIENTS.index("AU26")


@dataclass(frozen=True, eq=False, slots=True)
class Rig:
    """The movements of a person's face.

    Attributes:
        skin: displacement of the nodes of the grid at coefficient 1, shape (coefficients, rows * columns * 2).
        points: outlines at rest, shape (2 * n,).
        moves: displacement of the outlines at coefficient 1, shape (coefficients, 2 * n).
        folds: shape (17, HEIGHT * WIDTH) as in `creases`, change of brightness by each action unit at 1.
        resting: action units of the face at rest, shape (17,).
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
        action_units: intensities in [0, 1], shape (17,).
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
        values: coefficients, shape (21,).
        points: the outlines that `move_points` gives for them, shape (n, 2).
        to_output: matrix from positions in the face to pixels of the output, shape (2, 3).
        size: width and height of the output.
        lids: closure of the lids, from 0 (open) to 1 (closed).
        gaze: shift of the pupils to the right and down, in pixels of a crop, shape (2,).

    Returns:
        Picture, shape (height, width, 3 or 4) with the channels of the canvas.
    """
    picture = _deform(rig, view, values, to_output, size)
    turned = points @ to_output[:, :2].T
    turned += to_output[:, 2]
    _draw_mouth(picture, view.features, turned, float(values[_JAW_DROP]))
    _draw_eyes(picture, view.features, turned, lids, gaze, lenses=rig.lenses)
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


def _patch(picture: Image, points: Array, margin: float) -> tuple[tuple[slice, slice], Image, Array]:
    """The part of a picture around points.

    Returns:
        The part as slices of rows and columns, its content `DETAIL` times as large, and the position of its top left
        corner in the picture.
    """
    import cv2

    (low_x, low_y), (high_x, high_y) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    height, width = picture.shape[:2]
    left, top = min(max(int(low_x - margin), 0), width - 1), min(max(int(low_y - margin), 0), height - 1)
    right, bottom = min(int(high_x + margin) + 1, width), min(int(high_y + margin) + 1, height)
    part = (slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1)))
    # with this interpolation, pixels that are not drawn over come back unchanged
    big = cv2.resize(picture[part], None, fx=DETAIL, fy=DETAIL, interpolation=cv2.INTER_NEAREST)
    return part, np.asarray(big, np.uint8), np.array([left - 0.5, top - 0.5], np.float32)


def _put_back(picture: Image, part: tuple[slice, slice], big: Image) -> None:
    import cv2

    # to halve twice is the fastest way in OpenCV
    half = cv2.resize(big, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    picture[part] = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def _paste(target: Image, picture: Image, middle_x: float, middle_y: float) -> None:
    """Copy a picture into a target, centred at a position; parts outside the target are cut off."""
    height, width = picture.shape[:2]
    left, top = round(middle_x - width / 2), round(middle_y - height / 2)
    right, bottom = min(left + width, target.shape[1]), min(top + height, target.shape[0])
    x, y = max(left, 0), max(top, 0)
    if right > x and bottom > y:
        target[y:bottom, x:right, :3] = picture[y - top : bottom - top, x - left : right - left]


def _solid(colour: Tone) -> tuple[int, ...]:
    return (*colour, 255)


def _draw_eyes(
    picture: Image, parts: ScaledFeatures, points: Array, lids: float, gaze: Array, *, lenses: Lenses
) -> None:
    """Draw eyes and glasses onto a picture of a face.

    Args:
        picture: the picture, which is changed.
        parts: the features at the scale of the picture.
        points: the outlines of the face in pixels of the picture, shape (n, 2).
        lids: closure of the lids, from 0 (open) to 1 (closed).
        gaze: shift of the pupils to the right and down, in pixels of a crop, shape (2,).
        lenses: lenses of the glasses, or "none".
    """
    import cv2

    colours, pixel = parts.features, parts.scale * DETAIL
    region = points[anatomy.RIMS] if lenses != "none" else points[anatomy.UPPER_LIDS.start : anatomy.CREASES.stop]
    part, big, first = _patch(picture, region, (3 if lenses == "none" else 2) * parts.scale)
    local = (points - first) * DETAIL
    # shape (lids, eyes, points, 2)
    edges = local[anatomy.UPPER_LIDS.start : anatomy.CREASES.stop].reshape(3, 2, anatomy.LID, 2)
    upper, lower = edges[0], edges[1]
    if lids:
        # the lids meet at four fifths of the way down
        shut = 0.2 * upper + 0.8 * lower
        upper += lids * (shut - upper)
        lower += lids * (shut - lower)
    np.minimum(upper[..., 1], lower[..., 1], out=upper[..., 1])
    # each area of both eyes
    opening, shadow, fold, rim, lash = areas(EYES, edges.reshape(-1, 2), pixel).reshape(5, 2, -1, 2)
    mask = np.zeros(big.shape[:2], np.uint8)
    cv2.fillPoly(mask, list(opening), 255, cv2.LINE_8, BITS)
    ball = np.empty_like(big)
    ball.fill(255)
    for x, y in local[anatomy.PUPILS] + gaze * pixel:
        _paste(ball, parts.ball, float(x), float(y))
    cv2.fillPoly(ball, list(shadow), _solid(colours.lid_shadow), cv2.LINE_8, BITS)
    cv2.copyTo(ball, mask, big)
    cv2.fillPoly(big, list(fold), _solid(colours.crease), cv2.LINE_8, BITS)
    cv2.fillPoly(big, list(rim), _solid(colours.lid_rim), cv2.LINE_8, BITS)
    cv2.fillPoly(big, list(lash), _solid(colours.lash), cv2.LINE_8, BITS)
    if lenses != "none":
        _draw_glasses(big, local[anatomy.RIMS].reshape(2, anatomy.RIM, 2), _solid(colours.frame), pixel, lenses=lenses)
    _put_back(picture, part, big)


def _draw_glasses(big: Image, rims: Array, colour: tuple[int, ...], pixel: float, *, lenses: Lenses) -> None:
    import cv2

    middles = rims.mean(axis=1, keepdims=True)
    outer, inner = (fixed(middles + (rims - middles) * factor) for factor in (1.05, 0.95))
    if lenses == "dark":
        cv2.fillPoly(big, list(outer), _solid(_LENS), cv2.LINE_8, BITS)
    # what lies inside both outlines counts as outside
    cv2.fillPoly(big, [*outer, *inner], colour, cv2.LINE_8, BITS)
    one, other = rims[0, 1], rims[1, anatomy.RIM // 2 - 1]
    thick = np.array([0, 0.6 * pixel], np.float32)
    cv2.fillPoly(big, [fixed(np.stack([one - thick, other - thick, other + thick, one + thick]))], colour, 8, BITS)


def _draw_mouth(picture: Image, parts: ScaledFeatures, points: Array, jaw_drop: float) -> None:
    """Draw the mouth onto a picture of a face.

    Args:
        picture: the picture, which is changed.
        parts: the features at the scale of the picture.
        points: the outlines of the face in pixels of the picture, shape (n, 2).
        jaw_drop: intensity of AU26 in [0, 1].
    """
    import cv2

    colours, pixel = parts.features, parts.scale * DETAIL
    contours = points[anatomy.LIPS_TOP.start : anatomy.LIPS_BOTTOM.stop]
    part, big, first = _patch(picture, contours, 3 * parts.scale)
    lips = ((contours - first) * DETAIL).reshape(4, anatomy.LIP, 2)
    top, upper, lower, bottom = lips[..., 1]
    # where pressed lips would overlap, they meet halfway
    upper -= np.maximum(upper - lower, 0) / 2
    np.maximum(lower, upper, out=lower)
    np.minimum(top, upper, out=top)
    np.maximum(bottom, lower, out=bottom)
    filled = areas(MOUTH, (WITHIN @ lips.reshape(4, -1)).reshape(-1, 2), pixel)
    upper_lip, upper_edge, lower_lip, shine, opening, shadow = ([area] for area in filled)
    cv2.fillPoly(big, upper_lip, _solid(colours.upper_lip), cv2.LINE_8, BITS)
    cv2.fillPoly(big, upper_edge, _solid(colours.upper_lip_edge), cv2.LINE_8, BITS)
    cv2.fillPoly(big, lower_lip, _solid(colours.lower_lip), cv2.LINE_8, BITS)
    cv2.fillPoly(big, shine, _solid(colours.lower_lip_light), cv2.LINE_8, BITS)
    gap = float((lower - upper).max()) / pixel
    if gap > 0.7:
        mask = np.zeros(big.shape[:2], np.uint8)
        cv2.fillPoly(mask, opening, 255, cv2.LINE_8, BITS)
        inside = np.empty_like(big)
        cv2.rectangle(inside, (0, 0), inside.shape[1::-1], _solid(colours.throat), cv2.FILLED)
        x, y = ((points[anatomy.MOUTH] - first) * DETAIL).tolist()
        jaw = 8.6 * jaw_drop + 0.4
        tongue = (round(x), round(y + (jaw + 4.9) * pixel))
        cv2.ellipse(inside, tongue, (round(8 * pixel), round(4.6 * pixel)), 0, 0, 360, _solid(colours.tongue), -1)
        _paste_teeth(inside, parts.lower_teeth, x, y + (jaw + 1.7) * pixel, up=False)
        _paste_teeth(inside, parts.upper_teeth, x, y + 1.6 * pixel, up=True)
        cv2.fillPoly(inside, shadow, _solid(colours.lip_line), cv2.LINE_8, BITS)
        cv2.copyTo(inside, mask, big)
    else:
        cv2.fillPoly(big, opening, _solid(colours.lip_line), cv2.LINE_8, BITS)
    _put_back(picture, part, big)


def _paste_teeth(inside: Image, teeth: Image, x: float, y: float, *, up: bool) -> None:
    """Copy the half of a picture that holds the teeth, with their edge at a position."""
    half = teeth.shape[0] // 2
    if up:
        _paste(inside, teeth[: half + 1], x, y - half / 2)
    else:
        _paste(inside, teeth[half:], x, y + half / 2)
