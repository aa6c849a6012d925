"""Eyes, mouth and glasses of a person in one light: small pictures, colours, and the outlines that each frame fills.

Lengths are in pixels of a 112 x 112 crop if nothing else is said. The output has `scale` pixels for each pixel of a
crop; eyes and mouth are drawn `DETAIL` times as large and then shrunk.
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
        lit: linear light that a tooth reflects, shape (3,).
        length: length of a tooth in pixels of a crop.
        up: whether the teeth are the upper ones.
    """
    x, y = _positions(TEETH_WIDTH, TEETH_HEIGHT)
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
        reach: distance by which each point lies below its contour, in pixels of a crop, shape (areas, 2 * n).
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
        contours: all contours one after another, in pixels of the picture, shape (points, 2).
        pixel: pixels of the picture for each pixel of a crop.
    """
    outlines = contours[between.order]
    outlines[..., 1] += between.reach * np.float32(pixel)
    return fixed(outlines)


def fixed(points: Array) -> Outline:
    """Points as fixed-point numbers with `BITS` binary digits, as OpenCV draws them."""
    # in OpenCV, the centre of pixel 0 lies at 0
    return np.rint((points - 0.5) * (1 << BITS)).astype(np.int32)
