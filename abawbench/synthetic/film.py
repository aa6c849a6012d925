"""A person before a camera: everything but the expression, and the pictures that come of both."""

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
    Course,
    make_course,
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
    make_view,
    moved_points,
)
from abawbench.synthetic.features import make_features
from abawbench.synthetic.person import Person, make_person
from abawbench.synthetic.portrait import CANVAS_HEIGHT, CANVAS_WIDTH, CANVAS_X, CANVAS_Y, FINE, make_portrait
from abawbench.table import Floats

__all__ = ["Film", "Person", "alignment", "draw_crop", "draw_picture", "make_film", "make_person"]

# the part of the canvas that a crop may show
CLOSE_LEFT, CLOSE_TOP, CLOSE_BOTTOM = -76, -86, 62


@dataclass(frozen=True, eq=False, slots=True)
class Film:
    """One person in one video: identity, light, place, camera and course of the pose.

    Attributes:
        close: the head at the scale of a crop, before its background; `wide` at the scale of the whole picture.
        noise: sheet of noise for crops.
        scene: shape (360, 640, 3), the background.
        blur: the lens's, standard deviation in pixels of a crop; 0 for none.
        quality: of the JPEG compression that the crop went through, 0 for none.
        cover: what comes before the face now and then: colour and opacity.
    """

    person: Person
    frames: int
    rig: Rig
    close: View
    wide: View
    course: Course
    noise: np.ndarray
    scene: Image
    blur: float
    quality: int
    cover: tuple[Image, Image]


def make_film(person: Person, frames: int, generator: np.random.Generator) -> Film:
    """How a person is filmed for a number of frames."""
    import cv2

    light = make_light(generator)
    scene = make_scene(generator, light)
    portrait = make_portrait(person, light)
    parts = make_features(person, light, portrait)
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
    # resampling for each frame softens once more
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
        close=make_view(np.ascontiguousarray(close), 1, CLOSE_LEFT, CLOSE_TOP, parts, 1.0),
        wide=make_view(np.dstack([portrait.colour, portrait.alpha]), FINE, CANVAS_X, CANVAS_Y, parts, scale),
        course=make_course(generator, frames, covers=bool(generator.random() < 0.3)),
        noise=make_noise(generator, CROP_SIZE, float(generator.uniform(0.8, 4.5))),
        scene=scene,
        blur=blur if blur > 0.35 else 0.0,
        quality=int(generator.integers(30, 75)) if generator.random() < 0.2 else 0,
        cover=make_cover(
            generator, str(generator.choice(COVERS if person.hair_style != "bald" else COVERS[:2])), person, light
        ),
    )


def draw_crop(film: Film, frame: int, action_units: Floats) -> Image:
    """One frame as a face detector would cut it out, shape (112, 112, 3).

    Args:
        film: who is filmed, and how.
        frame: from 0, below the film's number of frames.
        action_units: shape (17,), intensities in [0, 1] in the order of `ACTION_UNITS_17`.
    """
    import cv2

    course = film.course
    yaw, pitch = course.turn[frame].tolist()
    values = coefficients(film.rig, action_units, yaw, pitch)
    points = moved_points(film.rig, values)
    matrix = alignment(landmarks(points), course.place[frame].tolist())
    crop = draw_face(film.rig, film.close, values, points, matrix, (CROP_SIZE, CROP_SIZE),
                     float(course.lids[frame]), course.gaze[frame])  # fmt: skip
    if course.covered[frame]:
        crop = _covered(crop, film.cover, course.cover[frame].tolist())
    if film.blur:
        crop = cv2.GaussianBlur(crop, (3, 3), film.blur)
    if course.motion[frame]:
        crop = cv2.blur(crop, (int(course.motion[frame]), 1))
    x, y = course.noise[frame].tolist()
    grain = film.noise[y : y + CROP_SIZE, x : x + CROP_SIZE]
    crop = cv2.addWeighted(crop, float(course.brightness[frame]), grain, 1, -NOISE_ZERO)
    if film.quality:
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, film.quality])
        crop = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.asarray(crop, np.uint8)


def draw_picture(
    films: Sequence[Film], frame: int, action_units: Sequence[Floats | None], *, width: int, height: int
) -> Image:
    """A whole picture of the camera with the people of `films` from left to right, shape (height, width, 3).

    Args:
        films: none, one or two; the first one's scene is the background.
        frame: from 0.
        action_units: of each film, shape (17,); None leaves the place of somebody who is out of the picture empty.
        width: of the picture in pixels.
        height: of the picture in pixels.
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
    import cv2

    height, width = picture.shape[:2]
    course, view = film.course, film.wide
    yaw, pitch = course.turn[frame].tolist()
    values = coefficients(film.rig, action_units, yaw, pitch)
    points = moved_points(film.rig, values)
    scale = view.scale * min(height / SCENE_HEIGHT, width / SCENE_WIDTH) * (1 if people == 1 else 0.85)
    roll, size, right, down = course.place[frame].tolist()
    wide, high = round(CANVAS_WIDTH * view.scale), round(CANVAS_HEIGHT * view.scale)
    to_output = np.array([[view.scale, 0, -CANVAS_X * view.scale], [0, view.scale, -CANVAS_Y * view.scale]], np.float32)
    head = draw_face(
        film.rig, view, values, points, to_output, (wide, high), float(course.lids[frame]), course.gaze[frame]
    )
    # the body goes on below the canvas
    head = cv2.copyMakeBorder(head, 0, height // 2, 0, 0, cv2.BORDER_REPLICATE)
    factor = scale / view.scale * size
    cos, sin = factor * math.cos(roll), factor * math.sin(roll)
    x, y = -CANVAS_X * view.scale, -CANVAS_Y * view.scale
    target = (middle + 3 * right, 0.45 * height + 3 * down)
    matrix = np.array([[cos, -sin, target[0] - cos * x + sin * y], [sin, cos, target[1] - sin * x - cos * y]])
    placed = cv2.warpAffine(head, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.float32)
    opaque = placed[..., 3:] / 255
    picture += (placed[..., :3] - picture) * opaque


# points as complex numbers: the template's, and about their middle
_TEMPLATE = TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1]
_MIDDLE = complex(_TEMPLATE.mean())
_ARMS = _TEMPLATE - _MIDDLE


def alignment(points: Array, place: list[float]) -> Array:
    """From the face to a crop: the similarity of `abawbench.faces.similarity`, then what the detector is out."""
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
