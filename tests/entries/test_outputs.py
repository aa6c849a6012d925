from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel
from abawbench.clips.clip import clip_in_memory
from abawbench.entries.outputs import (
    correct_rounding,
    is_distribution,
    over_frames,
    refuse_probabilities,
    sigmoid,
    softmax,
)

CLASSES = Categorical("expression", ("a", "b", "c"), -1)
LABELS = MultiLabel("action_units", ("AU1", "AU2", "AU4"), -1)
NUMBERS = Continuous("va", ("x", "y", "z"), -1.0, 1.0, None)
rows = arrays(np.float64, (4, 3), elements=st.floats(-1e6, 1e6))


@given(rows)
def test_probabilities_of_any_scores_sum_to_one(scores):
    probabilities = softmax(scores)
    assert (probabilities >= 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-12)


@given(rows, st.floats(-1e3, 1e3))
def test_a_constant_added_to_all_scores_changes_no_probability(scores, constant):
    scores = np.round(scores / 1e5, 3)
    assert softmax(scores + constant) == pytest.approx(softmax(scores), abs=1e-9)


@given(rows)
def test_the_sigmoid_of_the_opposite_score_is_the_rest(scores):
    assert sigmoid(scores) + sigmoid(-scores) == pytest.approx(1, abs=1e-12)


def test_softmax_and_sigmoid_of_known_scores():
    assert softmax(np.log([[1.0, 2.0, 5.0]])) == pytest.approx(np.array([[0.125, 0.25, 0.625]]), abs=1e-12)
    assert sigmoid(np.log([[1.0, 3.0]])) == pytest.approx(np.array([[0.5, 0.75]]), abs=1e-12)


def test_what_strays_by_rounding_is_brought_into_range_exactly():
    classes = correct_rounding(CLASSES, np.array([[0.5002, 0.5002, -0.0001]]), file="", fix="")
    assert classes.tolist() == [[0.5, 0.5, 0.0]]
    assert correct_rounding(LABELS, np.array([[-0.0005, 1.0005, 0.3]]), file="", fix="").tolist() == [[0.0, 1.0, 0.3]]
    assert correct_rounding(NUMBERS, np.array([[-1.0005, 1.0005, 0.3]]), file="", fix="").tolist() == [[-1.0, 1.0, 0.3]]


@pytest.mark.parametrize(
    ("task", "row"),
    [
        (CLASSES, [0.5, 0.6, 0.0]),
        (CLASSES, [1.2, -0.2, 0.0]),
        (CLASSES, [np.nan, 0.5, 0.5]),
        (LABELS, [1.1, 0.0, 0.0]),
        (LABELS, [-0.1, 0.0, 0.0]),
        (NUMBERS, [0.0, 1.1, 0.0]),
        (NUMBERS, [0.0, np.inf, 0.0]),
    ],
)
def test_what_strays_further_is_a_problem_with_its_count(task, row):
    good = [1.0, 0.0, 0.0]
    with pytest.raises(ProblemError, match="E14") as caught:
        correct_rounding(task, np.array([good, row, row]), file="model", fix="mend it")
    (problem,) = caught.value.problems
    assert (problem.count, problem.file, problem.fix) == (2, "model", "mend it")


def test_a_distribution_is_told_row_by_row():
    values = np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.6], [-0.5, 1.0, 0.5]])
    assert is_distribution(values).tolist() == [True, False, False]


def test_frames_that_are_not_valid_get_no_answer():
    clip = clip_in_memory("v", np.zeros((3, 4, 4, 3), np.uint8), valid=np.array([True, False, True]))
    spread = over_frames(np.array([[1.0], [2.0]]), clip)
    assert np.array_equal(spread, [[1.0], [np.nan], [2.0]], equal_nan=True)


def refused(task, scores, activation):
    try:
        refuse_probabilities(task, scores, activation, file="f", place="activation")
    except ProblemError as error:
        return [problem.rule for problem in error.problems] == ["E14"]
    return False


@given(rows)
def test_probabilities_of_classes_get_no_second_softmax(scores):
    assert refused(CLASSES, softmax(scores), "softmax")
    assert not refused(CLASSES, softmax(scores), "none")
    assert not refused(LABELS, softmax(scores), "sigmoid")
    assert refused(CLASSES, scores, "softmax") == is_distribution(scores).all()


def test_few_scores_may_look_like_probabilities_by_chance():
    assert not refused(CLASSES.with_outputs(("a", "b")), np.array([[0.25, 0.75], [0.5, 0.5]]), "softmax")
    assert not refused(CLASSES, np.empty((0, 3)), "softmax")


def test_labels_that_are_probabilities_before_their_sigmoid_are_refused():
    task, random = MultiLabel("action_units", tuple("abcdefgh"), None), np.random.default_rng(0)
    place = {"file": "f", "place": "activation"}
    with pytest.raises(ProblemError, match=r"E14(.|\n)*below 0 or above 1(.|\n)*activation = \"none\""):
        refuse_probabilities(task, random.uniform(0, 1, (8, 8)), "sigmoid", **place)
    # scores of a network that knows the means alone
    refuse_probabilities(task, random.uniform(0.2, 0.4, (50, 8)), "sigmoid", **place)
    # few, one below 0, or no sigmoid
    refuse_probabilities(task, random.uniform(0, 1, (7, 8)), "sigmoid", **place)
    refuse_probabilities(task, np.append(random.uniform(0, 1, (8, 8)), [[-0.1] * 8], axis=0), "sigmoid", **place)
    refuse_probabilities(task, random.uniform(0, 1, (8, 8)), "none", **place)
