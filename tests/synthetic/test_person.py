from __future__ import annotations

from dataclasses import replace

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


def test_neutral_faces_differ_and_none_shows_more_than_half_of_an_action_unit(people):
    resting = np.array([person.resting for person in people])
    assert resting.shape == (400, len(ACTION_UNITS_17))
    assert resting.min() == 0
    assert 0.4 < resting.max() < 0.5
    assert (resting == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert resting[resting > 0].mean() == pytest.approx(0.2 * np.sqrt(2 / np.pi), abs=0.01)
    assert len(np.unique(resting.sum(axis=1))) == 400


def test_the_spread_of_neutral_faces_changes_nothing_else_of_a_person():
    old, new = (make_person(np.random.default_rng(4), resting) for resting in (0.05, 0.2))
    assert replace(new, resting=old.resting) == old
    assert np.array(new.resting) == pytest.approx(4 * np.array(old.resting))
    assert old.resting == tuple(np.clip(old.resting, 0, 0.12))
