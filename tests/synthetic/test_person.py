from __future__ import annotations

import numpy as np
import pytest

from abawbench.labels import ACTION_UNITS_17
from abawbench.synthetic.person import HAIR_STYLES, Person, make_person


@pytest.fixture(scope="module")
def people() -> list[Person]:
    generator = np.random.default_rng(0)
    return [make_person(generator) for _ in range(400)]


def test_a_seed_gives_the_same_person():
    assert make_person(np.random.default_rng(4)) == make_person(np.random.default_rng(4))


def test_no_two_people_are_the_same(people):
    assert len(set(people)) == len(people)


def test_skin_reaches_from_light_to_dark_without_a_gap(people):
    light = np.sort([np.mean(person.skin) for person in people])
    assert light[0] < 0.28
    assert light[-1] > 0.78
    assert np.diff(light).max() < 0.05


def test_every_style_of_hair_occurs(people):
    assert {person.hair_style for person in people} == set(HAIR_STYLES)


def test_some_wear_glasses_and_some_a_beard_but_not_most(people):
    for share in (
        np.mean([bool(person.glasses) for person in people]),
        np.mean([person.beard > 0 for person in people]),
    ):
        assert 0.08 < share < 0.5


def test_colours_can_be_shown(people):
    for person in people:
        for colour in (person.skin, person.hair, person.brow, person.iris, person.lips, person.teeth, person.clothes):
            assert all(0 <= channel <= 1 for channel in colour)


def test_a_resting_face_shows_little_of_each_action_unit(people):
    resting = np.array([person.resting for person in people])
    assert resting.shape == (400, len(ACTION_UNITS_17))
    assert resting.min() >= 0
    assert resting.max() < 0.2
    assert len(np.unique(resting.sum(axis=1))) == 400
