"""Average precision: parity with scikit-learn, and the grid definition restated."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from abawbench.base.problems import ProblemError
from abawbench.metrics import average_precision, grid_average_precision

rows = st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1, width=16)), min_size=1, max_size=50)


@given(rows)
def test_the_step_wise_definition_equals_scikit_learn(pairs):
    truth, score = (np.array(column) for column in zip(*pairs, strict=True))
    if truth.any():
        assert average_precision(truth, score) == pytest.approx(average_precision_score(truth, score), abs=1e-12)


@given(rows)
def test_the_grid_definition_equals_its_restatement(pairs):
    truth, score = (np.array(column) for column in zip(*pairs, strict=True))
    if not truth.any():
        assert np.isnan(grid_average_precision(truth, score))
        return
    points = []
    for step in range(1000):
        predicted = score >= step / 1000
        hits = int((truth[predicted] == 1).sum())
        points.append((hits / truth.sum(), hits / predicted.sum() if predicted.any() else 0.0))
    area = sum((r0 - r1) * (p0 + p1) / 2 for (r0, p0), (r1, p1) in itertools.pairwise(points))
    assert grid_average_precision(truth, score) == pytest.approx(area, abs=1e-12)


@pytest.mark.parametrize("function", [average_precision, grid_average_precision])
def test_without_a_positive_row_there_is_no_average_precision(function):
    assert np.isnan(function([0, 0], [0.2, 0.9]))
    assert np.isnan(function([], []))


@pytest.mark.parametrize("function", [average_precision, grid_average_precision])
def test_unequal_lengths_are_a_problem(function):
    with pytest.raises(ProblemError, match="C02"):
        function([0, 1], [0.5])


@pytest.mark.parametrize("function", [average_precision, grid_average_precision])
@pytest.mark.parametrize("kind", [bool, np.uint8, np.float32])
def test_decisions_of_any_type_count_as_probabilities_of_zero_and_one(function, kind):
    truth, decided = np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 1, 1])
    assert function(truth.astype(kind), decided.astype(kind)) == function(truth, decided.astype(float))


def test_the_grid_has_steps_of_a_thousandth():
    # no threshold between 0.5004 and 0.5006: both rows are predicted together, and then none
    assert grid_average_precision([0, 1], [0.5004, 0.5006]) == pytest.approx(0.25)
    # 0.501 is between them; precision 1/2, then 1, at the same recall
    assert grid_average_precision([0, 1], [0.5004, 0.5014]) == pytest.approx(0.5)
    # a probability reaches the threshold that it equals; the last threshold is 0.999
    assert grid_average_precision([0, 1], [0.5, 0.501]) == pytest.approx(0.5)
    assert grid_average_precision([1], [0.9985]) == pytest.approx(0.5)
    assert grid_average_precision([1], [0.9995]) == 0


def test_hard_probabilities_cost_area_on_the_grid():
    truth = np.array([0, 1, 1, 1, 0, 1])
    hard = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert grid_average_precision(truth, hard) < average_precision(truth, hard)
