"""A person in front of a camera: everything but the expression, and the pictures of both together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from abawbench.clips.images import Image
from abawbench.faces import CROP_SIZE, TEMPLATE
from abawbench.synthetic.anatomy import Array
from abawbench.synthetic.appearance import (
    COVERS,
    NOISE_ZERO,
    SCENE_HEIGHT,
    SCENE_WIDTH,
    FrameConditions,
    make_conditions,
    make_cover,
    make_light,
    make_noise,
    make_scene,
)
from abawbench.synthetic.face import (
    Rig,
    View,
    coefficients,
    draw_face,
    landmarks,
    make_rig,
    move_points,
)
from abawbench.synthetic.features import make_features, scale_features
from abawbench.synthetic.person import Person
from abawbench.synthetic.portrait import CANVAS_HEIGHT, CANVAS_WIDTH, CANVAS_X, CANVAS_Y, FINE, make_portrait
from abawbench.table import Floats

# left, top and bottom edge of the part of the canvas that a crop may show; the right edge mirrors the left
CLOSE_LEFT, CLOSE_TOP, CLOSE_BOTTOM = -76, -86, 62


@dataclass(frozen=True, eq=False, slots=True)
class Film:
    """One person in one video: identity, light, place, camera, and the conditions of each frame.

    Attributes:
        person: the person.
        frames: number of frames.
        rig: movements of the face.
        close: the head in front of its background, at the scale of a crop.
        wide: the head alone, at the scale of the whole picture.
        conditions: pose, blinks, exposure and the like, frame by frame.
        noise: sheet of sensor noise for crops.
        scene: the background, shape (360, 640, 3).
        blur: blur of the lens, as a standard deviation in pixels of a crop; 0 for none.
        quality: quality of an earlier JPEG compression of the crop, 0 for none.
        cover: colour and opacity of the object that covers the face for a while.
    """

    person: Person
    frames: int
    rig: Rig
    close: View
    wide: View
    conditions: FrameConditions
    noise: np.ndarray
    scene: Image
    blur: float
    quality: int
    cover: tuple[Image, Image]


def make_film(person: Person, frames: int, generator: np.random.Generator) -> Film:
    """Film a person for a number of frames."""
    import cv2

    light = make_light(generator)
    scene = make_scene(generator, light)
    portrait = make_portrait(person, light)
    features = make_features(person, light, portrait)
    size = (CANVAS_WIDTH * FINE, CANVAS_HEIGHT * FINE)
    left, top = (
        int(generator.integers(0, SCENE_WIDTH - CANVAS_WIDTH)),
        int(generator.integers(0, SCENE_HEIGHT - CANVAS_HEIGHT)),
    )
    behind = cv2.resize(
        scene[top : top + CANVAS_HEIGHT, left : left + CANVAS_WIDTH], size, interpolation=cv2.INTER_LINEAR
    ).astype(np.float32)
    opaque = portrait.alpha[..., None].astype(np.float32) / 255
    whole = portrait.colour * opaque + behind * (1 - opaque)
    close = cv2.resize(whole, (CANVAS_WIDTH, CANVAS_HEIGHT), interpolation=cv2.INTER_AREA)
    # sharpened, since the resampling of each frame softens once more
    close = np.clip(cv2.addWeighted(close, 1.45, cv2.GaussianBlur(close, (0, 0), 0.8), -0.45, 0), 0, 255)
    close = np.round(close).astype(np.uint8)[
        CLOSE_TOP - CANVAS_Y : CLOSE_BOTTOM - CANVAS_Y, CLOSE_LEFT - CANVAS_X : -CLOSE_LEFT - CANVAS_X
    ]
    scale = float(generator.uniform(0.95, 1.5))
    blur = float(max(generator.normal(0.2, 0.4), 0))
    return Film(
        person=person,
        frames=frames,
        rig=make_rig(person, has_shades=bool(generator.random() < 0.02)),
        close=View(np.ascontiguousarray(close), 1, CLOSE_LEFT, CLOSE_TOP, scale_features(features, 1.0)),
        wide=View(
            np.dstack([portrait.colour, portrait.alpha]), FINE, CANVAS_X, CANVAS_Y, scale_features(features, scale)
        ),
        conditions=make_conditions(generator, frames, covers=bool(generator.random() < 0.3)),
        noise=make_noise(generator, CROP_SIZE, float(generator.uniform(0.8, 4.5))),
        scene=scene,
        blur=blur if blur > 0.35 else 0.0,
        quality=int(generator.integers(30, 75)) if generator.random() < 0.2 else 0,
        cover=make_cover(
            generator, str(generator.choice(COVERS if person.hair_style != "bald" else COVERS[:2])), person, light
        ),
    )


def draw_crop(film: Film, frame: int, action_units: Floats) -> Image:
    """Draw one frame as the crop of a face detector, shape (112, 112, 3).

    Args:
        film: the film.
        frame: index of the frame, from 0.
        action_units: intensities in [0, 1] in the order of `ACTION_UNITS_17`, shape (17,).
    """
    import cv2

    conditions = film.conditions
    yaw, pitch = conditions.turn[frame].tolist()
    values = coefficients(film.rig, action_units, yaw, pitch)
    points = move_points(film.rig, values)
    matrix = alignment(landmarks(points), conditions.place[frame].tolist())
    crop = draw_face(film.rig, film.close, values, points, matrix, (CROP_SIZE, CROP_SIZE),
                     float(conditions.lids[frame]), conditions.gaze[frame])  # fmt: skip
    if conditions.covered[frame]:
        crop = _covered(crop, film.cover, conditions.cover[frame].tolist())
    if film.blur:
        crop = cv2.GaussianBlur(crop, (3, 3), film.blur)
    if conditions.motion[frame]:
        crop = cv2.blur(crop, (int(conditions.motion[frame]), 1))
    x, y = conditions.noise[frame].tolist()
    grain = film.noise[y : y + CROP_SIZE, x : x + CROP_SIZE]
    crop = cv2.addWeighted(crop, float(conditions.brightness[frame]), grain, 1, -NOISE_ZERO)
    if film.quality:
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, film.quality])
        crop = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.asarray(crop, np.uint8)


def draw_picture(
    films: Sequence[Film], frame: int, action_units: Sequence[Floats | None], *, width: int, height: int
) -> Image:
    """Draw a whole picture, with the people of the films from left to right, shape (height, width, 3).

    Args:
        films: films of no, one or two people; the background is the scene of the first.
        frame: index of the frame, from 0.
        action_units: for each film, shape (17,), intensities in [0, 1], or None if the person is out of the picture.
        width: width of the picture in pixels.
        height: height of the picture in pixels.
    """
    import cv2

    if not films:
        generator = np.random.default_rng(0)
        scene = make_scene(generator, make_light(generator))
        return np.asarray(cv2.resize(scene, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    picture = np.asarray(cv2.resize(films[0].scene, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    for place, (film, units) in enumerate(zip(films, action_units, strict=True)):
        if units is not None:
            _place_head(picture, film, frame, units, (place + 0.5) / len(films) * width, len(films))
    return np.round(np.clip(picture, 0, 255)).astype(np.uint8)


def _place_head(picture: Array, film: Film, frame: int, action_units: Floats, middle: float, people: int) -> None:
    """Draw a head onto a picture, centred at `middle` pixels from the left; smaller if there are two people."""
    import cv2

    height, width = picture.shape[:2]
    conditions, view = film.conditions, film.wide
    drawn = view.features.scale
    yaw, pitch = conditions.turn[frame].tolist()
    values = coefficients(film.rig, action_units, yaw, pitch)
    points = move_points(film.rig, values)
    scale = drawn * min(height / SCENE_HEIGHT, width / SCENE_WIDTH) * (1 if people == 1 else 0.85)
    roll, size, right, down = conditions.place[frame].tolist()
    wide, high = round(CANVAS_WIDTH * drawn), round(CANVAS_HEIGHT * drawn)
    to_output = np.array(
        [
            [drawn, 0, -CANVAS_X * drawn],
            [0, drawn, -CANVAS_Y * drawn],
        ],
        np.float32,
    )
    head = draw_face(
        film.rig, view, values, points, to_output, (wide, high), float(conditions.lids[frame]), conditions.gaze[frame]
    )
    # the body goes on below the canvas
    head = cv2.copyMakeBorder(head, 0, height // 2, 0, 0, cv2.BORDER_REPLICATE)
    factor = scale / drawn * size
    cos, sin = factor * math.cos(roll), factor * math.sin(roll)
    x, y = -CANVAS_X * drawn, -CANVAS_Y * drawn
    target = (middle + 3 * right, 0.45 * height + 3 * down)
    matrix = np.array([[cos, -sin, target[0] - cos * x + sin * y], [sin, cos, target[1] - sin * x - cos * y]])
    placed = cv2.warpAffine(head, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.float32)
    opaque = placed[..., 3:] / 255
    picture += (placed[..., :3] - picture) * opaque


# the points of the template as complex numbers, their mean, and their positions relative to it
_TEMPLATE = TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1]
_MIDDLE = complex(_TEMPLATE.mean())
_ARMS = _TEMPLATE - _MIDDLE


def alignment(points: Array, place: list[float]) -> Array:
    """Matrix from positions in the face to pixels of a crop, shape (2, 3).

    It is the alignment of `abawbench.faces.similarity`, followed by an error of the detector.

    Args:
        points: landmarks of the face, shape (5, 2).
        place: the error: rotation in radians, scale as a factor, shift right and down in pixels of the crop.
    """
    arms = points.astype(np.float64).view(np.complex128)[:, 0]
    middle = complex(arms.sum()) / len(arms)
    arms -= middle
    turn = complex(np.vdot(arms, _ARMS)) / np.vdot(arms, arms).real
    roll, size, right, down = place
    turn *= size * complex(math.cos(roll), math.sin(roll))
    shift = _MIDDLE + complex(right, down) - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float32)


def _covered(crop: Image, cover: tuple[Image, Image], shift: list[int]) -> Image:
    import cv2

    x, y = 16 + shift[0], 16 + shift[1]
    part = np.s_[y : y + CROP_SIZE, x : x + CROP_SIZE]
    share = np.asarray(cover[1][part], np.float32) / 255
    return np.asarray(cv2.blendLinear(cover[0][part].copy(), crop, share, 1 - share), np.uint8)
