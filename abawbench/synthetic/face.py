"""One frame of a face: the portrait bent by action units and pose, then eyes and mouth."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.clips.images import Image
from abawbench.synthetic import anatomy, creases
from abawbench.synthetic.anatomy import Array
from abawbench.synthetic.bands import BITS, EYES, MOUTH, WITHIN, areas, fixed
from abawbench.synthetic.features import Features, Tone, scaled
from abawbench.synthetic.person import Person

# nodes of the coarse map are this many pixels apart
STEP = 4
# eyes and mouth are drawn this many times as large, then shrunk
DETAIL = 4
# both coordinates lie in one map
_NO_MAP: Any = None
_LENS: Tone = (24, 22, 26)
_LANDMARKS = np.array([0, 1, anatomy.NOSE, anatomy.LIPS_UPPER.start, anatomy.LIPS_UPPER.stop - 1])
_JAW_DROP = anatomy.COEFFICIENTS.index("AU26")


@dataclass(frozen=True, eq=False, slots=True)
class Rig:
    """A person's face, ready to be moved.

    Attributes:
        skin: displacement of the grid's nodes, shape (coefficients, rows * columns * 2).
        points: outlines at rest, shape (2 * n,); `moves` by coefficient, shape (coefficients, 2 * n).
        folds: change of brightness by action unit, shape (17, HEIGHT * WIDTH) of `creases`.
        resting: action units of the face at rest, shape (17,).
        has_glasses: whether rims are drawn; `has_shades` whether they hold dark lenses.
    """

    skin: Array
    points: Array
    moves: Array
    folds: Array
    resting: Array
    has_glasses: bool
    has_shades: bool


def make_rig(person: Person, *, has_shades: bool = False) -> Rig:
    """The movements of a person's face, who may wear sunglasses."""
    grid = anatomy.grid_points()
    outlines = anatomy.outline_points(person)
    return Rig(
        anatomy.skin_moves(person, grid).reshape(len(anatomy.COEFFICIENTS), -1),
        outlines.rest.reshape(-1),
        outlines.moves,
        creases.crease_fields(person),
        np.asarray(person.resting, np.float32),
        bool(person.glasses) or has_shades,
        has_shades,
    )


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """A head for output at one scale.

    Attributes:
        skin: the canvas, uint8 RGB or RGBA.
        fine: pixels of the canvas for one of a crop.
        left: where the canvas begins, in pixels of a crop; `top` likewise.
        features: colours; the pictures that follow are theirs at the scale of the output.
        scale: pixels of the output for one of a crop.
    """

    skin: Image
    fine: int
    left: int
    top: int
    features: Features
    scale: float
    ball: Image
    upper_teeth: Image
    lower_teeth: Image


def make_view(skin: Image, fine: int, left: int, top: int, parts: Features, scale: float) -> View:
    """A head for output at a scale; see `View`."""
    return View(
        skin,
        fine,
        left,
        top,
        parts,
        scale,
        scaled(parts.ball, scale * DETAIL),
        scaled(parts.upper_teeth, scale * DETAIL),
        scaled(parts.lower_teeth, scale * DETAIL),
    )


def coefficients(rig: Rig, action_units: NDArray[np.floating], yaw: float, pitch: float) -> Array:
    """The factors of all movements, shape (21,)."""
    values = np.empty(len(anatomy.COEFFICIENTS), np.float32)
    # what a face shows at rest adds to weak expressions and vanishes in full ones
    values[:17] = rig.resting + (1 - rig.resting) * action_units
    values[17:] = yaw, yaw * yaw, pitch, pitch * pitch
    return values


def landmarks(points: Array) -> Array:
    """Eyes, nose and corners of the mouth in the order of `TEMPLATE`, shape (5, 2), of outlines (n, 2)."""
    return points[_LANDMARKS]


def moved_points(rig: Rig, values: Array) -> Array:
    """The outlines under these coefficients, shape (n, 2)."""
    return (rig.points + values @ rig.moves).reshape(-1, 2)


def draw_face(rig: Rig, view: View, values: Array, points: Array, to_output: Array, size: tuple[int, int],
              lids: float, gaze: Array) -> Image:  # fmt: skip
    """A face as the canvas of `view` shows it.

    Args:
        rig: how it moves.
        view: how it looks.
        values: of `coefficients`.
        points: of `moved_points` for them.
        to_output: shape (2, 3), from positions in the face to pixels of the output.
        size: width and height of the output.
        lids: 0 open to 1 closed.
        gaze: shape (2,), pixels of a crop.

    Returns:
        Shape (height, width, 3 or 4) as the canvas has.
    """
    picture = _bent(rig, view, values, to_output, size)
    turned = points @ to_output[:, :2].T
    turned += to_output[:, 2]
    _draw_mouth(picture, view, turned, values)
    _draw_eyes(picture, view, turned, lids, gaze, rig)
    return picture


def _bent(rig: Rig, view: View, values: Array, to_output: Array, size: tuple[int, int]) -> Image:
    """The skin, folded and moved: every output pixel looks up where its piece of skin lies at rest."""
    import cv2

    skin = _folded(rig, view, values)
    moves = (values @ rig.skin).reshape(anatomy.GRID_ROWS, anatomy.GRID_COLUMNS, 2)
    (a, b, right), (c, d, down) = to_output.tolist()
    unit = (a * d - b * c) * anatomy.GRID_STEP
    # from pixels of the output to nodes of the movement's grid
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
    """Middles of the cells of the coarse map and one around it, in pixels of the output, shape (rows, columns, 2)."""
    columns, rows = (-(-length // STEP) + 2 for length in size)
    x = (np.arange(columns, dtype=np.float32) - 0.5) * STEP - 0.5
    y = (np.arange(rows, dtype=np.float32) - 0.5) * STEP - 0.5
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    nodes.setflags(write=False)
    return nodes


def _folded(rig: Rig, view: View, values: Array) -> Image:
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
    """The part of a picture around points, `DETAIL` times as large, and where its first pixel lies."""
    import cv2

    (low_x, low_y), (high_x, high_y) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    height, width = picture.shape[:2]
    left, top = min(max(int(low_x - margin), 0), width - 1), min(max(int(low_y - margin), 0), height - 1)
    right, bottom = min(int(high_x + margin) + 1, width), min(int(high_y + margin) + 1, height)
    part = (slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1)))
    # pixels that nothing is drawn over come back as they were
    big = cv2.resize(picture[part], None, fx=DETAIL, fy=DETAIL, interpolation=cv2.INTER_NEAREST)
    return part, np.asarray(big, np.uint8), np.array([left - 0.5, top - 0.5], np.float32)


def _put_back(picture: Image, part: tuple[slice, slice], big: Image) -> None:
    import cv2

    # halving twice is what OpenCV does fastest
    half = cv2.resize(big, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    picture[part] = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def _paste(target: Image, picture: Image, middle_x: float, middle_y: float) -> None:
    """Copies a picture around a place; what lies outside of the target is left out."""
    height, width = picture.shape[:2]
    left, top = round(middle_x - width / 2), round(middle_y - height / 2)
    right, bottom = min(left + width, target.shape[1]), min(top + height, target.shape[0])
    x, y = max(left, 0), max(top, 0)
    if right > x and bottom > y:
        target[y:bottom, x:right, :3] = picture[y - top : bottom - top, x - left : right - left]


def _solid(colour: Tone) -> tuple[int, ...]:
    return (*colour, 255)


def _draw_eyes(picture: Image, view: View, points: Array, lids: float, gaze: Array, rig: Rig) -> None:
    import cv2

    parts, pixel = view.features, view.scale * DETAIL
    region = points[anatomy.RIMS] if rig.has_glasses else points[anatomy.UPPER_LIDS.start : anatomy.CREASES.stop]
    part, big, first = _patch(picture, region, (2 if rig.has_glasses else 3) * view.scale)
    local = (points - first) * DETAIL
    # lid by lid, both eyes
    edges = local[anatomy.UPPER_LIDS.start : anatomy.CREASES.stop].reshape(3, 2, anatomy.LID, 2)
    upper, lower = edges[0], edges[1]
    if lids:
        # a closing lid meets the other at its height, four fifths of the way down
        shut = 0.2 * upper + 0.8 * lower
        upper += lids * (shut - upper)
        lower += lids * (shut - lower)
    np.minimum(upper[..., 1], lower[..., 1], out=upper[..., 1])
    # one area after another, both eyes of each
    opening, shadow, fold, rim, lash = areas(EYES, edges.reshape(-1, 2), pixel).reshape(5, 2, -1, 2)
    mask = np.zeros(big.shape[:2], np.uint8)
    cv2.fillPoly(mask, list(opening), 255, cv2.LINE_8, BITS)
    ball = np.empty_like(big)
    ball.fill(255)
    for eye in range(2):
        x, y = local[eye] + gaze * pixel
        _paste(ball, view.ball, float(x), float(y))
    cv2.fillPoly(ball, list(shadow), _solid(parts.lid_shadow), cv2.LINE_8, BITS)
    cv2.copyTo(ball, mask, big)
    cv2.fillPoly(big, list(fold), _solid(parts.crease), cv2.LINE_8, BITS)
    cv2.fillPoly(big, list(rim), _solid(parts.lid_rim), cv2.LINE_8, BITS)
    cv2.fillPoly(big, list(lash), _solid(parts.lash), cv2.LINE_8, BITS)
    if rig.has_glasses:
        _draw_glasses(
            big, local[anatomy.RIMS].reshape(2, anatomy.RIM, 2), _solid(parts.frame), pixel, has_shades=rig.has_shades
        )
    _put_back(picture, part, big)


def _draw_glasses(big: Image, rims: Array, colour: tuple[int, ...], pixel: float, *, has_shades: bool) -> None:
    import cv2

    middles = rims.mean(axis=1, keepdims=True)
    outer, inner = (fixed(middles + (rims - middles) * factor) for factor in (1.05, 0.95))
    if has_shades:
        cv2.fillPoly(big, list(outer), _solid(_LENS), cv2.LINE_8, BITS)
    # what lies within two outlines is outside again
    cv2.fillPoly(big, [*outer, *inner], colour, cv2.LINE_8, BITS)
    one, other = rims[0, 1], rims[1, anatomy.RIM // 2 - 1]
    thick = np.array([0, 0.6 * pixel], np.float32)
    cv2.fillPoly(big, [fixed(np.stack([one - thick, other - thick, other + thick, one + thick]))], colour, 8, BITS)


def _draw_mouth(picture: Image, view: View, points: Array, values: Array) -> None:
    import cv2

    parts, pixel = view.features, view.scale * DETAIL
    contours = points[anatomy.LIPS_TOP.start : anatomy.LIPS_BOTTOM.stop]
    part, big, first = _patch(picture, contours, 3 * view.scale)
    lips = ((contours - first) * DETAIL).reshape(4, anatomy.LIP, 2)
    top, upper, lower, bottom = lips[..., 1]
    # lips that are pressed together meet halfway
    upper -= np.maximum(upper - lower, 0) / 2
    np.maximum(lower, upper, out=lower)
    np.minimum(top, upper, out=top)
    np.maximum(bottom, lower, out=bottom)
    filled = areas(MOUTH, (WITHIN @ lips.reshape(4, -1)).reshape(-1, 2), pixel)
    upper_lip, upper_edge, lower_lip, shine, opening, shadow = ([area] for area in filled)
    cv2.fillPoly(big, upper_lip, _solid(parts.upper_lip), cv2.LINE_8, BITS)
    cv2.fillPoly(big, upper_edge, _solid(parts.upper_lip_edge), cv2.LINE_8, BITS)
    cv2.fillPoly(big, lower_lip, _solid(parts.lower_lip), cv2.LINE_8, BITS)
    cv2.fillPoly(big, shine, _solid(parts.lower_lip_light), cv2.LINE_8, BITS)
    gap = float((lower - upper).max()) / pixel
    if gap > 0.7:
        mask = np.zeros(big.shape[:2], np.uint8)
        cv2.fillPoly(mask, opening, 255, cv2.LINE_8, BITS)
        inside = np.empty_like(big)
        cv2.rectangle(inside, (0, 0), inside.shape[1::-1], _solid(parts.throat), cv2.FILLED)
        x, y = ((points[anatomy.MOUTH] - first) * DETAIL).tolist()
        jaw = 8.6 * float(values[_JAW_DROP]) + 0.4
        tongue = (round(x), round(y + (jaw + 4.9) * pixel))
        cv2.ellipse(inside, tongue, (round(8 * pixel), round(4.6 * pixel)), 0, 0, 360, _solid(parts.tongue), -1)
        _paste_teeth(inside, view.lower_teeth, x, y + (jaw + 1.7) * pixel, up=False)
        _paste_teeth(inside, view.upper_teeth, x, y + 1.6 * pixel, up=True)
        cv2.fillPoly(inside, shadow, _solid(parts.lip_line), cv2.LINE_8, BITS)
        cv2.copyTo(inside, mask, big)
    else:
        cv2.fillPoly(big, opening, _solid(parts.lip_line), cv2.LINE_8, BITS)
    _put_back(picture, part, big)


def _paste_teeth(inside: Image, teeth: Image, x: float, y: float, *, up: bool) -> None:
    """A row of teeth: the half of its picture that has them."""
    half = teeth.shape[0] // 2
    if up:
        _paste(inside, teeth[: half + 1], x, y - half / 2)
    else:
        _paste(inside, teeth[half:], x, y + half / 2)
