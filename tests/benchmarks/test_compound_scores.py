"""The comparison of compound scores, on features that say everything instead of drawn faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.labels import ACTION_UNITS_17, COMPOUND_7, COMPOUND_11, EXPRESSIONS_7
from abawbench.models.relatedness_tables import expert_table
from benchmarks import compound_scores
from benchmarks.claims.drawn_faces import Faces


def faces(classes: tuple[str, ...], people: int, each: int, seed: int) -> Faces:
    """Faces whose features are their action units and a little noise."""
    generator = np.random.default_rng(seed)
    expression = generator.integers(0, len(classes), people * each)
    units = generator.random((len(expression), 17)) < expert_table(classes, ACTION_UNITS_17)[expression]
    hog = np.concatenate([units, np.zeros((len(units), 8))], axis=1) + 0.01 * generator.normal(size=(len(units), 25))
    person = np.repeat(np.arange(people), each)
    return Faces(person, expression, units, np.zeros((len(units), 2, 2, 3), np.uint8), hog.astype(np.float16))


@pytest.fixture(scope="module")
def found():
    basic, labelled, test = (
        faces(classes, people, 8, seed)
        for seed, (classes, people) in enumerate(((EXPRESSIONS_7, 40), (COMPOUND_11, 40), (COMPOUND_11, 20)))
    )
    return test, dict(compound_scores.scores_of(basic, labelled, test, 0))


def test_every_way_is_scored_with_many_and_few_labels_and_by_shots(found):
    _, scores = found
    assert len(scores) == 2 * (len(compound_scores.WAYS) + 2) + len(compound_scores.SHOTS)
    assert {score.shape for score in scores.values()} == {(160, 11)}


def test_features_that_are_the_action_units_reach_the_control_of_true_action_units(found):
    test, scores = found
    many = next(iter(scores))[0]
    right = {
        name: float((scores[many, name].argmax(1) == test.expression).mean())
        for name in ("action units", "control: the true action units")
    }
    assert right["control: the true action units"] > 0.85
    assert right["action units"] == pytest.approx(right["control: the true action units"], abs=0.05)


@pytest.mark.parametrize("compounds", [COMPOUND_7, COMPOUND_11])
def test_counts_are_of_the_faces_of_these_compounds_alone(found, compounds, monkeypatch):
    test, scores = found
    monkeypatch.setattr(compound_scores, "TEST", replace(compound_scores.TEST, people=20))
    counts = compound_scores.counts(next(iter(scores.values())), test, compounds)
    asked = np.isin(test.expression, [COMPOUND_11.index(name) for name in compounds])
    assert counts.shape == (20, len(compounds), len(compounds))
    np.testing.assert_array_equal(counts.sum((1, 2)), np.bincount(test.person[asked], minlength=20))
