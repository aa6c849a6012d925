from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.training.synthesis.pairs import Faces, draw_targets, pair_notices, pair_steps, persons_of

FACES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=60).filter(
    lambda faces: len({label for _, label in faces}) > 1
)


def arrays(faces):
    person, label = np.array(faces).T
    return person, label


@given(FACES, st.integers(0, 9))
def test_a_target_is_the_same_person_with_another_expression(faces, seed):
    person, label = arrays(faces)
    target = draw_targets(person, label, np.random.default_rng(seed))
    assert (label[target] != label).all()
    has_partner = np.array([len({b for a, b in faces if a == own}) > 1 for own, _ in faces])
    assert (person[target] == person)[has_partner].all()
    told = pair_notices(Faces(np.arange(len(faces)), person, label), {})
    alone = (~has_partner).sum()
    assert told == [
        f"{alone} of {len(faces)} faces are of people with one expression: their targets are others'"
    ] * bool(alone)


def test_a_person_with_one_expression_gets_another_persons_face():
    person, label = np.array([0, 0, 1, 1]), np.array([2, 2, 2, 3])
    drawn = {tuple(draw_targets(person, label, np.random.default_rng(seed))) for seed in range(20)}
    assert drawn == {(3, 3, 3, 2)}


def test_all_other_faces_of_a_person_are_alike_likely():
    person, label = np.zeros(7, int), np.array([0, 1, 1, 2, 2, 2, 2])
    counts = np.zeros(7)
    for seed in range(900):
        counts[draw_targets(person, label, np.random.default_rng(seed))[1]] += 1
    assert counts[[1, 2]].sum() == 0
    assert np.abs(counts[[0, 3, 4, 5, 6]] / 900 - 0.2).max() < 0.05


@given(FACES, st.integers(1, 20), st.integers(0, 3), st.integers(0, 3))
def test_each_face_is_a_source_once_in_an_epoch(faces, batch, seed, epoch):
    person, label = arrays(faces)
    places = np.arange(len(faces)) * 3 + 1
    steps = pair_steps(Faces(places, person, label), batch, seed, epoch)
    assert sorted(np.concatenate([step.places[0::2] for step in steps]).tolist()) == places.tolist()
    assert all((step.lengths == 2).all() and len(step.places) == 2 * len(step.lengths) for step in steps)
    assert max(len(step.lengths) for step in steps) <= batch
    again = pair_steps(Faces(places, person, label), batch, seed, epoch)
    assert all(np.array_equal(one.places, other.places) for one, other in zip(steps, again, strict=True))


def test_names_of_expressions_in_names_of_units_do_not_matter():
    # the release excludes the source's class by a substring of the whole path
    units = ["Happy/S01_Sad", "Happy/S02_Sad"]
    assert persons_of(units, None).tolist() == [0, 1]
    assert persons_of(units, dict.fromkeys(units, "Happy")).tolist() == [0, 0]


def test_the_person_of_a_unit_is_its_subject_or_that_of_its_video():
    units = ["v1", "v2_left", "v2_right", "v3"]
    subjects = {"v1": "ann", "v2": "bob", "v2_right": "ann", "v3": "eve"}
    assert persons_of(units, subjects).tolist() == [0, 1, 0, 2]
    with pytest.raises(ProblemError) as error:
        persons_of([*units, "v4", "v5"], subjects)
    assert [(problem.rule, problem.count) for problem in error.value.problems] == [("C02", 2)]
