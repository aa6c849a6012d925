"""Average precision: parity with scikit-learn, and the grid definition restated."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

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


def test_hard_probabilities_cost_area_on_the_grid():
    truth = np.array([0, 1, 1, 1, 0, 1])
    hard = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert grid_average_precision(truth, hard) < average_precision(truth, hard)
