"""The conditions of a video: light, background, camera noise, and pose, gaze and covering objects over time."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from abawbench.clips.images import Image
from abawbench.synthetic.affect import FRAME_RATE
from abawbench.synthetic.anatomy import Array
from abawbench.synthetic.noise import smooth_noise
from abawbench.synthetic.person import Person, as_colour
from abawbench.synthetic.portrait import Light, linear

SCENE_WIDTH, SCENE_HEIGHT = 640, 360
# the noise of a frame begins anywhere within this many pixels of the sheet of noise; its mean grey level
NOISE_MARGIN = 48
NOISE_ZERO = 128
# objects that cover the face
COVERS = ("hand", "microphone", "strands")


@dataclass(frozen=True, eq=False, slots=True)
class FrameConditions:
    """The conditions that change over time besides the expression.

    Attributes:
        turn: yaw and pitch in radians, shape (frames, 2).
        place: shape (frames, 4), error of the detector that aligned the crop: rotation in radians, scale as a factor,
            shift right and down in pixels of a crop.
        lids: closure of the lids, from 0 (open) to 1 (closed in a blink), shape (frames,).
        gaze: shift of the pupils to the right and down, in pixels of a crop, shape (frames, 2).
        motion: length of the motion blur in pixels of a crop; 0 for none, shape (frames,).
        brightness: exposure as a factor, shape (frames,).
        noise: position of the frame's noise in the sheet of noise, in pixels, shape (frames, 2).
        covered: True if an object covers the face, shape (frames,).
        cover: shift of that object to the right and down, in pixels of a crop, shape (frames, 2).
    """

    turn: Array
    place: Array
    lids: Array
    gaze: Array
    motion: np.ndarray
    brightness: Array
    noise: np.ndarray
    covered: np.ndarray
    cover: np.ndarray


def make_light(generator: np.random.Generator) -> Light:
    """A random light: daylight, lamps, or a window at the side; sometimes dim."""
    direction = np.array([generator.normal(0, 0.45), generator.normal(-0.45, 0.22), generator.uniform(0.55, 1.0)])
    direction /= np.linalg.norm(direction)
    warmth, strength = float(generator.normal(0, 0.06)), float(generator.uniform(0.75, 1.12))
    share = float(generator.uniform(0.45, 0.78))
    key = np.array([1 + warmth, 1.0, 1 - warmth]) * strength * share * 1.15
    around = np.array([1 - 0.6 * warmth, 1.0, 1 + 0.6 * warmth]) * strength * (1 - share) * 1.1
    return Light(as_colour(direction), as_colour(key), as_colour(around))


def make_scene(generator: np.random.Generator, light: Light) -> Image:
    """A random background: a wall, a room out of focus, leaves, or dusk; shape (SCENE_HEIGHT, SCENE_WIDTH, 3)."""
    import cv2

    def colour(least: float, most: float) -> np.ndarray:
        return np.clip(generator.uniform(least, most) + generator.normal(0, 0.09, 3), 0.02, 0.95)

    y, x = np.mgrid[0 : SCENE_HEIGHT // 4, 0 : SCENE_WIDTH // 4].astype(np.float32) / (SCENE_HEIGHT // 4)
    angle = generator.uniform(0, np.pi)
    blend = np.clip(0.5 + 0.5 * (np.cos(angle) * (x - 0.9) + np.sin(angle) * (y - 0.5)), 0, 1)[..., None]
    scene = colour(0.1, 0.8) * blend + colour(0.1, 0.8) * (1 - blend)
    kind = int(generator.integers(4))
    if kind == 1:
        for _ in range(int(generator.integers(4, 12))):
            left, top = generator.uniform(0, 1.8), generator.uniform(-0.2, 0.8)
            inside = (np.abs(x - left) < generator.uniform(0.05, 0.3)) & (np.abs(y - top) < generator.uniform(0.1, 0.5))
            scene = np.where(inside[..., None], colour(0.05, 0.85), scene)
    elif kind == 2:
        for _ in range(int(generator.integers(15, 45))):
            middle = generator.uniform(0, (1.8, 1.0))
            reach = np.exp(-((((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / generator.uniform(0.02, 0.16) ** 2) ** 2))
            scene += (colour(0.1, 0.9) - scene) * (0.7 * reach[..., None])
    elif kind == 3:
        grain = generator.normal(size=(9, 16)).astype(np.float32)
        scene *= 1 + 0.25 * cv2.resize(grain, (x.shape[1], x.shape[0]), interpolation=cv2.INTER_CUBIC)[..., None]
    scene = cv2.GaussianBlur(scene.astype(np.float32), (0, 0), float(generator.uniform(1.2, 5)))
    lit = linear(np.clip(scene, 0, 1).astype(np.float32)) * (np.asarray(light.key) * 0.5 + np.asarray(light.ambient))
    picture = np.clip(lit, 0, 1) ** (1 / 2.2) * 255
    size = (SCENE_WIDTH, SCENE_HEIGHT)
    return np.asarray(cv2.resize(picture.astype(np.uint8), size, interpolation=cv2.INTER_CUBIC), np.uint8)


def make_conditions(generator: np.random.Generator, frames: int, *, covers: bool) -> FrameConditions:
    """Random conditions of a number of frames; with `covers`, an object covers the face for a while."""
    seconds = FRAME_RATE
    slow = smooth_noise(generator, frames, 4, 2 * seconds)
    quick = smooth_noise(generator, frames, 4, 4)
    middle = np.clip(generator.normal(0, (0.14, 0.07)), (-0.3, -0.14), (0.3, 0.14))
    turn = np.clip(middle + slow[:, :2] * (0.09, 0.05), (-0.42, -0.22), (0.42, 0.22))
    spread = np.array([0.012, 0.008, 0.45, 0.45])
    place = (
        generator.normal(0, (0.03, 0.015, 0.5, 0.5)) + quick * spread + smooth_noise(generator, frames, 4, 20) * spread
    )
    place = np.clip(place, (-0.09, -0.05, -2, -2), (0.09, 0.05, 2, 2)) + np.array([0, 1, 0, 0])
    motion = np.zeros(frames, np.int32)
    for begin in np.flatnonzero(generator.random(frames) < 0.008):
        motion[begin : begin + int(generator.integers(2, 7))] = int(generator.choice([3, 3, 5]))
    covered = np.zeros(frames, bool)
    if covers:
        length = int(np.clip(frames * generator.uniform(0.06, 0.2), 2, 3 * seconds))
        begin = int(generator.integers(max(frames - length, 1)))
        covered[begin : begin + length] = True
    return FrameConditions(
        turn.astype(np.float32),
        place.astype(np.float32),
        _blinks(generator, frames),
        (np.clip(smooth_noise(generator, frames, 2, seconds), -2, 2) * (0.9, 0.3)).astype(np.float32),
        motion,
        np.clip(1 + 0.03 * smooth_noise(generator, frames, 1, 3 * seconds)[:, 0], 0.9, 1.1).astype(np.float32),
        generator.integers(0, NOISE_MARGIN + 1, (frames, 2)),
        covered,
        np.round(2.5 * np.clip(smooth_noise(generator, frames, 2, 12), -2, 2)).astype(np.int32),
    )


def _blinks(generator: np.random.Generator, frames: int) -> Array:
    """Closure of the lids: every three seconds or so, closed within three frames and open again within five."""
    shape = np.array([0.45, 0.95, 1.0, 0.8, 0.5, 0.25, 0.1], np.float32)
    lids = np.zeros(frames + len(shape), np.float32)
    place = int(generator.exponential(2 * FRAME_RATE))
    while place < frames:
        lids[place : place + len(shape)] = np.maximum(lids[place : place + len(shape)], shape)
        place += len(shape) + int(generator.exponential(3 * FRAME_RATE))
    return lids[:frames]


def make_noise(generator: np.random.Generator, size: int, strength: float) -> np.ndarray:
    """A sheet of sensor noise with mean NOISE_ZERO, shape (size + NOISE_MARGIN, size + NOISE_MARGIN, 3).

    Args:
        generator: source of the random numbers.
        size: size of a crop in pixels.
        strength: standard deviation of the noise in grey levels.
    """
    import cv2

    shape = (size + NOISE_MARGIN, size + NOISE_MARGIN, 3)
    grey = generator.normal(size=(*shape[:2], 1)) + 0.5 * generator.normal(size=shape)
    # smoothed, as by compression and alignment
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.6)
    return np.clip(np.round(NOISE_ZERO + strength * smooth / smooth.std()), 0, 255).astype(np.uint8)


def make_cover(generator: np.random.Generator, kind: str, person: Person, light: Light) -> tuple[Image, Image]:
    """An object that covers a face, drawn on a crop with a margin of 16 pixels.

    Args:
        generator: source of the random numbers.
        kind: one of `COVERS`.
        person: the person, whose skin and hair it may show.
        light: the light.

    Returns:
        Colour, shape (144, 144, 3), and opacity, shape (144, 144), both uint8.
    """
    import cv2

    fine, size = 2, 144
    colour = np.zeros((size * fine, size * fine, 3), np.uint8)
    mask = np.zeros((size * fine, size * fine), np.uint8)
    strength = 0.8 * np.asarray(light.key) + np.asarray(light.ambient)
    side = float(generator.choice([-1.0, 1.0]))

    def at(x: float, y: float) -> tuple[int, int]:
        return round((72 + side * x) * fine), round((88 + y) * fine)

    def stroke(begin: tuple[float, float], end: tuple[float, float], width: float, tone: np.ndarray) -> None:
        shades = ((width, 0.62), (width * 0.8, 0.82), (width * 0.5, 1.0))
        for thickness, factor in shades:
            shown = (np.clip(tone * factor, 0, 1) ** (1 / 2.2) * 255).tolist()
            cv2.line(colour, at(*begin), at(*end), shown, max(round(thickness * fine), 1), cv2.LINE_AA)
        cv2.line(mask, at(*begin), at(*end), 255, max(round(width * fine), 1), cv2.LINE_AA)

    if kind == "hand":
        tone = linear(person.skin) * strength * 0.9
        high = float(generator.uniform(14, 24))
        stroke((34, 60), (30, high + 14), 26, tone)
        for finger in range(4):
            bottom = (20 + 6.5 * finger, high + 10 + 3 * finger)
            stroke(bottom, (bottom[0] - 13, bottom[1] - 17 + 3 * finger), 7.0, tone * (1 - 0.04 * finger))
    elif kind == "microphone":
        tone = np.full(3, float(generator.uniform(0.01, 0.06))) * strength
        stroke((24, 70), (4, 38), 9, tone)
        stroke((4, 38), (2, 34), 19, tone * 1.4)
    else:
        tone = linear(person.hair) * strength
        begin, reach = float(generator.uniform(10, 26)), float(generator.uniform(-10, 6))
        for _ in range(16):
            place, low = begin + float(generator.normal(0, 3.5)), float(generator.uniform(-26, 4))
            # a strand hangs from above the crop in an arc
            down = np.linspace(0, 1, 9)
            arc = place + reach * down**2 - 9 * np.sin(np.pi * down)
            for one, other in itertools.pairwise(zip(arc.tolist(), (-90 + (low + 90) * down).tolist(), strict=True)):
                stroke(one, other, 0.7, tone)
    small = (size, size)
    return (
        np.asarray(cv2.resize(colour, small, interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA), np.uint8),
    )
