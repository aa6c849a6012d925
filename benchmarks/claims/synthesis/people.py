"""Drawn people who show each of seven expressions, and the questions that are put to a generator about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import make_folder, write_folder
from abawbench.challenges import Challenge
from abawbench.clips.crop import Crop
from abawbench.clips.crop_file import write_crop
from abawbench.clips.images import encode_jpeg
from abawbench.labels import EXPRESSIONS_7
from abawbench.synthetic.affect import episode_shares, make_course, make_temperament
from abawbench.synthetic.film import Film, draw_crop, make_film
from abawbench.synthetic.noise import stream
from abawbench.synthetic.person import make_person
from abawbench.table import Table

Pictures = NDArray[np.uint8]
Places = NDArray[np.int64]

# the crops of the house, at a size at which two cores train a generator
CROP = Crop("arcface-112", 64)
# frames of a film and of a course, of which few are drawn; the middle of a course is far from its ends
FILMED = 60
# purposes of the random streams of a seed
_PERSON, _FILM, _COURSE, _FRAME = range(4)
# seeds: no two sets of people share anybody
GENERATOR_SEED, EXPRESSION_SEED, IDENTITY_SEED, TEST_SEED, VALIDATION_SEED = 101, 102, 103, 104, 105


def draw_people(seed: int, people: int, *, films: int = 1, frames: int = 2, size: int = CROP.size) -> Pictures:
    """Draw people in each of `EXPRESSIONS_7`.

    A film has one light, background and camera. Its frames differ in pose, gaze and action units, and are free of
    blinks, covering objects and motion blur.

    Args:
        seed: seed of all that is random.
        people: number of people.
        films: films of each person.
        frames: pictures of each expression in each film.
        size: side of a picture in pixels.

    Returns:
        RGB, uint8, shape (people, films, 7, frames, size, size, 3).
    """
    result = np.empty((people, films, len(EXPRESSIONS_7), frames, size, size, 3), np.uint8)
    for number in range(people):
        person = make_person(stream(seed, _PERSON, number))
        for take in range(films):
            film = make_film(person, FILMED, stream(seed, _FILM, number, take))
            result[number, take] = _draw_film(film, (seed, number, take), frames, size)
    return result


def _draw_film(film: Film, place: tuple[int, int, int], frames: int, size: int) -> Pictures:
    import cv2

    seed, number, take = place
    conditions = film.conditions
    clear = np.flatnonzero(~((conditions.lids > 0) | conditions.covered | (conditions.motion > 0)))
    generator = stream(seed, _FRAME, number, take)
    result = np.empty((len(EXPRESSIONS_7), frames, size, size, 3), np.uint8)
    temperament = make_temperament(stream(seed, _COURSE, number))
    for expression in range(len(EXPRESSIONS_7)):
        shares = episode_shares(tuple(float(one == expression) for one in range(len(EXPRESSIONS_7) + 1)))
        for frame in range(frames):
            course = make_course(temperament, FILMED, stream(seed, _COURSE, number, take, expression, frame), shares)
            units = course.action_units[FILMED // 2].astype(np.float64)
            crop = draw_crop(film, int(generator.choice(clear)), units)
            result[expression, frame] = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return result


def write_people(pictures: Pictures, out: Path, prefix: str) -> tuple[str, ...]:
    """Write people as crops that `abawbench train` takes: a folder for each person, frames by expression.

    Frame 1 + 7 k + e is the k-th picture of expression e, over all films.

    Args:
        pictures: shape (people, films, 7, frames, size, size, 3).
        out: folder of the crops.
        prefix: first letters of the names of the units.

    Returns:
        The names of the units.
    """
    make_folder(out)
    count, films, expressions, frames = pictures.shape[:4]
    flat = np.moveaxis(pictures, 2, 3).reshape(count, films * frames * expressions, *pictures.shape[4:])
    names = tuple(f"{prefix}{number:04d}" for number in range(count))
    for name, own in zip(names, flat, strict=True):
        if not (out / name).exists():
            write_folder(out / name, {f"{k:05d}.jpg": encode_jpeg(one) for k, one in enumerate(own, start=1)})
    write_crop(out, Crop(CROP.kind, pictures.shape[-2]))
    return names


def labels_of(names: tuple[str, ...], frames: int, challenge: Challenge) -> Table:
    """The labels of people that `write_people` wrote.

    Args:
        names: names of the units.
        frames: number of frames of each.
        challenge: challenge with one task, the expression.
    """
    (task,) = challenge.tasks
    number = np.tile(np.arange(frames), len(names))
    classes = np.array([task.outputs.index(name) for name in EXPRESSIONS_7], np.int8)
    return Table(
        videos=names,
        video=np.repeat(np.arange(len(names), dtype=np.int32), frames),
        frame=(number + 1).astype(np.int32),
        values={task.name: classes[number % len(EXPRESSIONS_7)]},
    )


@dataclass(frozen=True, eq=False)
class Questions:
    """What a generator is asked: every face of the test's first film and first frame, in every other expression.

    Attributes:
        pictures: drawn people of the test, shape (people, 2, 7, 2, size, size, 3).
        person: the person of each question, shape (questions,).
        source: expression of the face that is given, shape (questions,), index into `EXPRESSIONS_7`.
        target: expression that is asked for, likewise.
    """

    pictures: Pictures
    person: Places
    source: Places
    target: Places

    @property
    def faces(self) -> Pictures:
        """The faces that are given, shape (questions, size, size, 3)."""
        return self.pictures[self.person, 0, self.source, 0]

    @property
    def real_targets(self) -> Pictures:
        """The same person in the expression asked for, from another frame of the film."""
        return self.pictures[self.person, 0, self.target, 1]

    @property
    def of_others(self) -> Pictures:
        """The next person of the test in the expression asked for."""
        return self.pictures[(self.person + 1) % len(self.pictures), 0, self.target, 1]


def make_questions(people: int = 60, seed: int = TEST_SEED) -> Questions:
    """Draw the people of the test and put 42 questions about each.

    Args:
        people: number of people.
        seed: `TEST_SEED`, or `VALIDATION_SEED` for the choice of settings.
    """
    kinds = len(EXPRESSIONS_7)
    person, source, target = np.indices((people, kinds, kinds)).reshape(3, -1)
    asked = source != target
    return Questions(draw_people(seed, people, films=2), person[asked], source[asked], target[asked])
