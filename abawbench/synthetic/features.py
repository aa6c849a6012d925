"""Eyes, mouth and glasses: a person's small pictures and colours of them in one light, and how each frame draws them.

Lengths are in pixels of a 112 x 112 crop if nothing else is said. A picture is drawn at `scale` pixels of the output
for each pixel of a crop; eyes and mouth are drawn `DETAIL` times as large and then shrunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.clips.images import Image
from abawbench.synthetic import anatomy
from abawbench.synthetic.anatomy import Array
from abawbench.synthetic.person import Person
from abawbench.synthetic.portrait import Light, Portrait, linear

# size of the pictures of an eyeball and of a row of teeth, each centred in its picture
BALL_WIDTH, BALL_HEIGHT = 26, 22
TEETH_WIDTH, TEETH_HEIGHT = 34, 12
# pixels of these pictures for each pixel of a crop
PICTURE_DETAIL = 8
# factor by which eyes and mouth are enlarged while they are drawn
DETAIL = 4
# binary digits of the fractions of a pixel in OpenCV's drawing functions
BITS = 4
Tone = tuple[int, int, int]
Outline = NDArray[np.int32]
Lenses = Literal["none", "clear", "dark"]
_LENS: Tone = (24, 22, 26)


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Small pictures and colours of a person's eyes, mouth and glasses in one light.

    Attributes:
        ball: RGB picture of an eyeball, the pupil at its centre, at `PICTURE_DETAIL` pixels for each pixel of a crop.
        upper_teeth: RGB picture of the upper teeth, their edge at its centre.
        lower_teeth: RGB picture of the lower teeth, their edge at its centre.
        lash: RGB colour of the lashes, and the same for the parts below.
        lid_rim: colour of the rim of the lower lid.
        lid_shadow: colour of the shadow that the upper lid casts on the eyeball.
        crease: colour of the crease above the upper lid.
        throat: colour of the dark inside the mouth.
        tongue: colour of the tongue.
        upper_lip: colour of the upper lip.
        upper_lip_edge: colour of its lower part.
        lower_lip: colour of the lower lip.
        lower_lip_light: colour of the highlight on it.
        lip_line: colour of the line between closed lips, and of the shadow on the teeth.
        frame: colour of the frame of the glasses.
    """

    ball: Image
    upper_teeth: Image
    lower_teeth: Image
    lash: Tone
    lid_rim: Tone
    lid_shadow: Tone
    crease: Tone
    throat: Tone
    tongue: Tone
    upper_lip: Tone
    upper_lip_edge: Tone
    lower_lip: Tone
    lower_lip_light: Tone
    lip_line: Tone
    frame: Tone


def make_features(person: Person, light: Light, portrait: Portrait) -> Features:
    """The features of a person in a light, whose brightness on lids and lips is that of the portrait."""
    lids, mouth = np.asarray(portrait.lids), np.asarray(portrait.mouth)
    skin, lips, teeth = linear(person.skin), linear(person.lips), linear(person.teeth)
    eyes = np.clip(0.35 * lids + 0.6 * (0.6 * np.asarray(light.key) + np.asarray(light.ambient)), 0.2, 1.2)
    return Features(
        ball=_ball(person, light, eyes),
        upper_teeth=_teeth(teeth * mouth * 1.1, 6.6, up=True),
        lower_teeth=_teeth(teeth * mouth * 0.75, 4.6, up=False),
        lash=tone(np.array([0.006, 0.005, 0.005]) + 0.10 * skin * lids),
        lid_rim=tone((0.55 * skin + np.array([0.16, 0.07, 0.06])) * lids),
        lid_shadow=tone(0.28 * skin * lids),
        crease=tone((0.50 - 0.18 * person.lid_fold) * skin * lids),
        throat=tone(np.array([0.045, 0.012, 0.012]) * mouth),
        tongue=tone(np.array([0.36, 0.10, 0.10]) * mouth),
        upper_lip=tone(0.80 * lips * mouth),
        upper_lip_edge=tone(0.56 * lips * mouth),
        lower_lip=tone(0.98 * lips * mouth),
        lower_lip_light=tone(1.28 * lips * mouth + 0.05 * person.gloss * mouth),
        lip_line=tone(0.20 * lips * mouth),
        frame=tone(linear(person.frame) * mouth),
    )


def tone(light: np.ndarray) -> Tone:
    """Linear amounts of light in [0, 1] as 8-bit red, green and blue."""
    red, green, blue = (round(float(value)) for value in np.clip(light, 0, 1) ** (1 / 2.2) * 255)
    return red, green, blue


def _picture(light: Array) -> Image:
    """Linear amounts of light as an 8-bit picture."""
    return np.round(np.clip(light, 0, 1) ** np.float32(1 / 2.2) * 255).astype(np.uint8)


def _positions(width: int, height: int) -> tuple[Array, Array]:
    """The x and y of each pixel of a picture from its centre, in pixels of a crop, shape (1, columns) and (rows, 1)."""
    x, y = ((np.arange(size * PICTURE_DETAIL) + 0.5) / PICTURE_DETAIL - size / 2 for size in (width, height))
    return x[None, :].astype(np.float32), y[:, None].astype(np.float32)


def _ball(person: Person, light: Light, lit: np.ndarray) -> Image:
    """The eyeball, with the pupil at the centre of the picture."""
    x, y = _positions(BALL_WIDTH, BALL_HEIGHT)
    radius = np.hypot(x, y)
    angle = np.arctan2(y, x)
    white = np.array([0.74, 0.70, 0.67], np.float32) * np.clip(1.04 - (radius / 11.5) ** 2, 0.3, 1)[..., None]
    white = white * np.array([1.0, 0.98, 0.97], np.float32)
    rays = 1 + 0.22 * np.sin(angle * 23 + 2 * np.sin(angle * 7)) + 0.15 * np.cos(angle * 41)
    iris = linear(person.iris) * (rays * (0.75 + 0.55 * np.clip((y + 2) / 4, 0, 1)))[..., None]
    size = 3.15 * person.eye_size
    iris = iris * np.clip((size - radius) * 1.6, 0.25, 1)[..., None]
    ball = white + (iris - white) * np.clip((size - radius) * 3 + 0.5, 0, 1)[..., None]
    pupil = np.clip((1.25 - radius) * 3 + 0.5, 0, 1)[..., None]
    ball = ball * (1 - 0.97 * pupil) * lit.astype(np.float32)
    lx, ly, _ = light.direction
    spot = np.exp(-(((x - 1.3 * np.clip(lx * 2, -1, 1)) / 0.5) ** 2 + ((y + 1.05 + 0.2 * ly) / 0.5) ** 2))
    ball = ball + (0.9 * spot)[..., None] * np.asarray(light.key, np.float32)
    return _picture(ball.astype(np.float32))


def _teeth(lit: np.ndarray, length: float, *, up: bool) -> Image:
    """A row of teeth in the dark of the mouth, with its edge at the centre of the picture.

    Args:
        lit: shape (3,), linear light that a tooth reflects.
        length: length of a tooth in pixels of a crop.
        up: whether the teeth are the upper ones.
    """
    x, y = _positions(TEETH_WIDTH, TEETH_HEIGHT)
        np.float32
    )
    if not up:
        y = -y
    # teeth become narrower towards the side
    place = np.sign(x) * np.abs(x) ** 1.12 / (3.1 if up else 2.3)
    within = np.abs(place - np.floor(place) - 0.5) * 2
    edge = -0.25 * within**6 - 0.018 * x * x * (0.35 if up else 0.2)
    is_tooth = np.clip((edge - y) * 3 + 0.5, 0, 1)
    gap = 1 - 0.45 * np.clip(within - 0.82, 0, 1) / 0.18
    round_row = np.clip(1 - (np.abs(x) / 15.5) ** 2.4, 0.0, 1)
    shine = 0.85 + 0.15 * (1 - within**2)
    gum = np.clip((-y - length) * 2 + 0.5, 0, 1)[..., None]
    colour = lit.astype(np.float32) * (gap * shine)[..., None]
    colour = colour + (np.array([0.42, 0.14, 0.14], np.float32) * lit.mean() - colour) * gum
    dark = np.array([0.045, 0.012, 0.012], np.float32) * lit.mean()
    return _picture(
        dark + (colour * round_row[..., None] - dark) * (is_tooth * np.clip(round_row * 3, 0, 1))[..., None]
    )


@dataclass(frozen=True, eq=False, slots=True)
class ScaledFeatures:
    """Features for output at one scale.

    Attributes:
        features: colours and original pictures.
        scale: pixels of the output for each pixel of a crop.
        ball: picture of an eyeball at `scale * DETAIL` pixels for each pixel of a crop.
        upper_teeth: picture of the upper teeth, likewise.
        lower_teeth: picture of the lower teeth, likewise.
    """

    features: Features
    scale: float
    ball: Image
    upper_teeth: Image
    lower_teeth: Image


def scale_features(features: Features, scale: float) -> ScaledFeatures:
    """Features for output at `scale` pixels for each pixel of a crop."""
    pictures = (features.ball, features.upper_teeth, features.lower_teeth)
    return ScaledFeatures(features, scale, *(_resize(picture, scale * DETAIL) for picture in pictures))


def _resize(picture: Image, scale: float) -> Image:
    import cv2

    height, width = picture.shape[:2]
    size = (round(width * scale / PICTURE_DETAIL), round(height * scale / PICTURE_DETAIL))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, eq=False, slots=True)
class Bands:
    """Closed areas between contours with n points each.

    Attributes:
        order: shape (areas, 2 * n), indices of the points around an area: along one contour and back along another.
        reach: shape (areas, 2 * n), distance by which each point lies below its contour, in pixels of a crop.
    """

    order: NDArray[np.intp]
    reach: Array


def bands(points: int, lines: Sequence[tuple[int, int, float, float, float]]) -> Bands:
    """Areas between contours.

    Args:
        points: number of points of each contour.
        lines: for each area, the index of its upper contour, the index of its lower contour, its reach above the one
            and below the other, and the share by which both reaches shrink towards the ends.
    """
    t = np.linspace(-1, 1, points, dtype=np.float32)
    along = np.arange(points)
    order = [np.concatenate([one * points + along, other * points + along[::-1]]) for one, other, *_ in lines]
    reach = [
        np.concatenate([-above * (1 - thin * np.abs(t) ** 2.5), below * (1 - thin * np.abs(t) ** 2.5)])
        for *_, above, below, thin in lines
    ]
    return Bands(np.stack(order), np.stack(reach).astype(np.float32))


# contours: upper lid, lower lid, crease; areas: opening, shadow on the eyeball, crease, lower rim, lashes
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
# weights that make seven contours of the four contours of the lips: these four, from the top, and three within them
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
# areas between these: upper lip, its lower part, lower lip, its highlight, opening, shadow on the teeth
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
    """The outlines of all areas, shape (areas, points, 2).

    Args:
        between: the areas.
        contours: shape (points, 2), all contours one after another, in pixels of the picture.
        pixel: pixels of the picture for each pixel of a crop.
    """
    outlines = contours[between.order]
    outlines[..., 1] += between.reach * np.float32(pixel)
    return fixed(outlines)


def fixed(points: Array) -> Outline:
    """Points as fixed-point numbers with `BITS` binary digits, as OpenCV draws them."""
    # in OpenCV, the centre of pixel 0 lies at 0
    return np.rint((points - 0.5) * (1 << BITS)).astype(np.int32)


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


def draw_eyes(
    picture: Image, parts: ScaledFeatures, points: Array, lids: float, gaze: Array, *, lenses: Lenses
) -> None:
    """Draw eyes and glasses onto a picture of a face.

    Args:
        picture: the picture, which is changed.
        parts: the features at the scale of the picture.
        points: shape (n, 2), the outlines of the face in pixels of the picture.
        lids: closure of the lids, from 0 (open) to 1 (closed).
        gaze: shape (2,), shift of the pupils to the right and down, in pixels of a crop.
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


def draw_mouth(picture: Image, parts: ScaledFeatures, points: Array, jaw_drop: float) -> None:
    """Draw the mouth onto a picture of a face.

    Args:
        picture: the picture, which is changed.
        parts: the features at the scale of the picture.
        points: shape (n, 2), the outlines of the face in pixels of the picture.
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
