"""Eyes and mouth of a person in one light, as small pictures that each frame puts behind lids and between lips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abawbench.clips.images import Image
from abawbench.synthetic.anatomy import Array
from abawbench.synthetic.person import Person
from abawbench.synthetic.portrait import Light, Portrait, linear

# size of an eyeball's picture and of the teeth's in pixels of a crop, middle in the middle
BALL_WIDTH, BALL_HEIGHT = 26, 22
TEETH_WIDTH, TEETH_HEIGHT = 34, 12
# these pictures have so many pixels for one of a crop
DETAIL = 8
Tone = tuple[int, int, int]


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """Pictures at `DETAIL` pixels for one of a crop, and colours (RGB) of what is drawn as lines and areas."""

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
    """The features of a person as a light shows them."""
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
    """Amounts of light as a screen's red, green and blue."""
    red, green, blue = (round(float(value)) for value in np.clip(light, 0, 1) ** (1 / 2.2) * 255)
    return red, green, blue


def _picture(light: Array) -> Image:
    return np.round(np.clip(light, 0, 1) ** np.float32(1 / 2.2) * 255).astype(np.uint8)


def _ball(person: Person, light: Light, lit: np.ndarray) -> Image:
    """The eyeball, its pupil in the middle."""
    x = ((np.arange(BALL_WIDTH * DETAIL) + 0.5) / DETAIL - BALL_WIDTH / 2)[None, :].astype(np.float32)
    y = ((np.arange(BALL_HEIGHT * DETAIL) + 0.5) / DETAIL - BALL_HEIGHT / 2)[:, None].astype(np.float32)
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
    """A row of teeth in the dark of the mouth; the biting edge at the picture's middle."""
    x = ((np.arange(TEETH_WIDTH * DETAIL) + 0.5) / DETAIL - TEETH_WIDTH / 2)[None, :].astype(np.float32)
    y = ((np.arange(TEETH_HEIGHT * DETAIL) + 0.5) / DETAIL - TEETH_HEIGHT / 2)[:, None].astype(np.float32)
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


def scaled(picture: Image, scale: float) -> Image:
    """A picture of the features at `scale` pixels for one of a crop."""
    import cv2

    height, width = picture.shape[:2]
    size = (round(width * scale / DETAIL), round(height * scale / DETAIL))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
