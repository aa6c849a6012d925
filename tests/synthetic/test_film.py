from __future__ import annotations

import functools
import hashlib

import cv2
import numpy as np
import pytest

from abawbench.faces import TEMPLATE, Detector, weights_path
from abawbench.synthetic.face import coefficients, landmarks, move_points
from abawbench.synthetic.film import Film, alignment, draw_crop, draw_picture, make_film
from abawbench.synthetic.person import make_person
from abawbench.synthetic.relations import EPISODES
from abawbench.synthetic.sheet import clear_frame, typical

FRAMES = 40
EXPRESSIONS = EPISODES[:-2]


@functools.cache
def film(seed: int) -> Film:
    generator = np.random.default_rng(seed)
    return make_film(make_person(generator), FRAMES, generator)


def some_units(frame: int) -> np.ndarray:
    return np.random.default_rng(frame).random(17) * 0.8


def digest(*images: np.ndarray) -> str:
    return hashlib.sha256(b"".join(image.tobytes() for image in images)).hexdigest()


def test_a_crop_is_112_pixels_wide_and_rgb():
    crop = draw_crop(film(0), 3, some_units(3))
    assert crop.shape == (112, 112, 3)
    assert crop.dtype == np.uint8
    assert crop.flags.c_contiguous


def test_a_seed_gives_the_same_bytes():
    film.cache_clear()
    first = [draw_crop(film(seed), frame, some_units(frame)) for seed in range(4) for frame in (0, 17, 39)]
    film.cache_clear()
    again = [draw_crop(film(seed), frame, some_units(frame)) for seed in range(4) for frame in (0, 17, 39)]
    assert digest(*first) == digest(*again)


def test_a_frame_does_not_depend_on_those_drawn_before():
    forward = {frame: draw_crop(film(1), frame, some_units(frame)) for frame in range(FRAMES)}
    for frame in reversed(range(FRAMES)):
        assert np.array_equal(draw_crop(film(1), frame, some_units(frame)), forward[frame])


def test_drawing_leaves_the_film_as_it_is():
    one = film(2)
    before = digest(one.close.skin, one.wide.skin, one.scene, one.rig.points, one.rig.skin, one.rig.folds)
    draw_crop(one, 0, some_units(0))
    draw_picture([one], 0, [some_units(0)], width=320, height=180)
    assert digest(one.close.skin, one.wide.skin, one.scene, one.rig.points, one.rig.skin, one.rig.folds) == before


def test_the_number_of_threads_changes_no_byte():
    threads = cv2.getNumThreads()
    digests = set()
    try:
        for count in (1, 2, 4):
            cv2.setNumThreads(count)
            generator = np.random.default_rng(6)
            one = make_film(make_person(generator), 8, generator)
            crops = [draw_crop(one, frame, some_units(frame)) for frame in range(8)]
            digests.add(digest(*crops, draw_picture([one], 3, [some_units(3)], width=640, height=360)))
    finally:
        cv2.setNumThreads(threads)
    assert len(digests) == 1


def test_people_and_films_differ():
    people = [make_person(np.random.default_rng(seed)) for seed in range(6)]
    films = [make_film(one, 4, np.random.default_rng(seed)) for one in people for seed in (0, 1)]
    assert len({digest(draw_crop(one, 2, np.zeros(17))) for one in films}) == 12


def test_frames_differ_and_follow_one_another():
    crops = np.stack([draw_crop(film(4), frame, np.zeros(17)) for frame in range(FRAMES)]).astype(float)
    steps = np.abs(np.diff(crops, axis=0)).mean(axis=(1, 2, 3))
    far = np.abs(crops[20:] - crops[:20]).mean()
    assert steps.min() > 0.2
    assert np.median(steps) < far


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_a_short_film_can_be_made(frames):
    for seed in range(5):
        generator = np.random.default_rng(seed)
        one = make_film(make_person(generator), frames, generator)
        assert draw_crop(one, frames - 1, np.zeros(17)).shape == (112, 112, 3)


def test_a_long_film_has_blinks_turns_and_now_and_then_something_before_the_face():
    generator = np.random.default_rng(8)
    films = [make_film(make_person(generator), 900, generator) for _ in range(12)]
    blinks = [int(np.sum(np.diff((one.conditions.lids > 0.9).astype(int)) == 1)) for one in films]
    assert 4 < np.mean(blinks) < 16
    assert np.ptp(np.degrees([one.conditions.turn[:, 0] for one in films])) > 20
    covered = [one.conditions.covered.mean() for one in films]
    assert 0 < np.mean(covered) < 0.1
    assert min(covered) == 0


def test_every_frame_is_aligned_to_the_template_but_for_a_little_jitter():
    errors = []
    for seed in range(8):
        one = film(seed)
        for frame in range(0, FRAMES, 8):
            yaw, pitch = one.conditions.turn[frame]
            points = landmarks(move_points(one.rig, coefficients(one.rig, some_units(frame), yaw, pitch)))
            matrix = alignment(points, one.conditions.place[frame].tolist())
            landed = points @ matrix[:, :2].T + matrix[:, 2]
            errors.append(np.linalg.norm(landed - TEMPLATE, axis=1))
    assert np.median(errors) < 0.04 * 112
    assert np.median(errors) > 0.5


def test_a_picture_has_its_size_and_its_people_from_left_to_right():
    empty = draw_picture([], 0, [], width=320, height=180)
    assert empty.shape == (180, 320, 3)
    scene = cv2.resize(film(0).scene, (320, 180), interpolation=cv2.INTER_LINEAR)
    one = draw_picture([film(0)], 0, [np.zeros(17)], width=320, height=180)
    two = draw_picture([film(0), film(1)], 0, [np.zeros(17)] * 2, width=320, height=180)
    middle, left, right = np.s_[40:120, 140:180], np.s_[40:120, 60:100], np.s_[40:120, 220:260]
    assert np.abs(one[middle].astype(float) - scene[middle]).mean() > 10
    assert np.abs(one[left].astype(float) - scene[left]).mean() < 8
    assert np.abs(two[left].astype(float) - scene[left]).mean() > 10
    assert np.abs(two[right].astype(float) - scene[right]).mean() > 10


def test_somebody_out_of_the_picture_changes_neither_the_scene_nor_the_other():
    pair, still = [film(0), film(1)], np.zeros(17)
    both, none = (draw_picture(pair, 0, [units] * 2, width=320, height=180) for units in (still, None))
    right = draw_picture(pair, 0, [None, still], width=320, height=180)
    assert np.array_equal(none, cv2.resize(film(0).scene, (320, 180), interpolation=cv2.INTER_LINEAR))
    assert np.array_equal(right[:, :100], none[:, :100])
    assert np.array_equal(right[:90, 230:], both[:90, 230:])


@functools.cache
def cast() -> tuple[list[Film], list[np.ndarray]]:
    """A hundred people, one expression each."""
    generator = np.random.default_rng(99)
    films = [make_film(make_person(generator), 12, generator) for _ in range(100)]
    return films, [typical(EXPRESSIONS[number % len(EXPRESSIONS)]) for number in range(100)]


@functools.cache
def detector() -> Detector:
    return Detector(weights_path())


@pytest.mark.real_data
def test_one_person_is_found_as_one_face():
    films, units = cast()
    pictures = (
        draw_picture([one], clear_frame(one), [unit], width=640, height=360)
        for one, unit in zip(films, units, strict=True)
    )
    found = [len(detector().detect(picture)) for picture in pictures]
    assert found.count(1) >= 95


@pytest.mark.real_data
def test_two_people_are_found_as_two_faces():
    films, units = cast()
    found = []
    for number in range(0, 100, 2):
        pair = films[number : number + 2]
        picture = draw_picture(pair, clear_frame(pair[0]), units[number : number + 2], width=640, height=360)
        found.append(len(detector().detect(picture)))
    assert found.count(2) >= 45


@pytest.mark.real_data
def test_no_face_is_found_where_nobody_is():
    assert len(detector().detect(draw_picture([], 0, [], width=640, height=360))) == 0
    films, _ = cast()
    scenes = [one.scene for one in films[:20]]
    assert [len(detector().detect(scene)) for scene in scenes] == [0] * 20


@pytest.mark.real_data
def test_what_the_detector_finds_in_a_crop_lies_near_the_template():
    films, units = cast()
    errors = []
    for one, unit in zip(films[:40], units, strict=False):
        crop = draw_crop(one, clear_frame(one), unit)
        framed = cv2.copyMakeBorder(crop, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
        faces = detector().detect(cv2.resize(framed, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR))
        errors += [np.linalg.norm((face.points - 0.5) / 2 - 60 - TEMPLATE, axis=1) for face in faces]
    assert len(errors) >= 38
    assert np.median(errors) < 0.04 * 112
