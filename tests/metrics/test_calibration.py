"""Calibration: bins of equal mass, and the error against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.metrics.calibration import calibration_error_from, calibration_sums, equal_mass_edges

CONFIDENCES = st.lists(st.floats(0, 1).map(lambda value: round(value, 2)), min_size=1, max_size=80)


def error_of(confidence, hit, bins):
    confidence, hit = np.asarray(confidence, float), np.asarray(hit, bool)
    edges = equal_mass_edges(confidence, bins)
    sums = calibration_sums(confidence, hit, edges, np.zeros(len(confidence), int), 1)
    return float(calibration_error_from(sums[0]))


def plain_error(confidence, hit, edges):
    total = 0.0
    for low, high in zip([-np.inf, *edges], [*edges, np.inf], strict=True):
        own = [(c, h) for c, h in zip(confidence, hit, strict=True) if low <= c < high]
        if own:
            total += abs(sum(c for c, _ in own) / len(own) - sum(h for _, h in own) / len(own)) * len(own)
    return total / len(confidence)


@given(CONFIDENCES, st.integers(1, 12), st.integers(0, 9))
def test_the_error_is_that_of_a_plain_loop(confidence, bins, seed):
    hit = np.random.default_rng(seed).random(len(confidence)) < 0.5
    edges = equal_mass_edges(np.array(confidence), bins)
    assert error_of(confidence, hit, bins) == pytest.approx(plain_error(confidence, hit, edges), abs=1e-12)


@given(CONFIDENCES, st.integers(1, 12))
def test_rows_of_one_confidence_are_in_one_bin_and_no_bin_is_empty(confidence, bins):
    values = np.array(confidence)
    edges = equal_mass_edges(values, bins)
    assert len(edges) < bins
    place = np.searchsorted(edges, values, side="right")
    assert all(len(set(place[values == value])) == 1 for value in values)
    assert set(place) == set(range(len(edges) + 1))


def test_distinct_confidences_fill_the_bins_equally():
    values = np.linspace(0, 1, 60)
    place = np.searchsorted(equal_mass_edges(values, 15), values, side="right")
    assert np.bincount(place).tolist() == [4] * 15


def test_the_sums_of_groups_add_up_to_those_of_all_rows():
    random = np.random.default_rng(0)
    confidence, hit, group = random.random(200), random.random(200) < 0.5, random.integers(0, 7, 200)
    edges = equal_mass_edges(confidence, 10)
    parts = calibration_sums(confidence, hit, edges, group, 7)
    whole = calibration_sums(confidence, hit, edges, np.zeros(200, int), 1)
    np.testing.assert_allclose(parts.sum(0), whole[0], rtol=0, atol=1e-12)


def test_certainty_that_is_always_wrong_has_error_one_and_a_true_half_none():
    assert error_of([1.0, 1.0], [False, False], 5) == 1.0
    assert error_of([0.5, 0.5], [True, False], 5) == 0.0


def test_without_rows_there_is_no_error():
    assert np.isnan(calibration_error_from(np.zeros((3, 3))))
