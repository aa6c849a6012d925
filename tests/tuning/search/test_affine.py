"""Scale and offset in closed form: no other scale or offset is better, and moments follow the values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.metrics.concordance import concordance, concordance_from, moments, pearson
from abawbench.metrics.groups import Groups
from abawbench.tuning.search.affine import FITS, Lines, transformed

SERIES = arrays(np.float64, (12, 2), elements=st.floats(-1, 1, width=32))


def moments_of(pairs):
    pilots = np.array([0.1, -0.2])
    return moments(pairs[:, 0], pairs[:, 1], Groups.one(len(pairs)), pilots=pilots)[0], pilots


def concordance_after(pairs, scale, offset):
    sums, pilots = moments_of(pairs)
    return float(concordance_from(transformed(sums, pilots, scale, offset), pilots))


@given(SERIES, st.floats(-2, 2), st.floats(-1, 1))
def test_transformed_moments_are_those_of_the_transformed_values(pairs, scale, offset):
    sums, pilots = moments_of(pairs)
    changed = moments_of(np.stack([pairs[:, 0], scale * pairs[:, 1] + offset], axis=1))[0]
    np.testing.assert_allclose(transformed(sums, pilots, scale, offset), changed, atol=1e-12)


@given(SERIES)
def test_no_scale_and_no_offset_nearby_is_better_than_the_best(pairs):
    sums, pilots = moments_of(pairs)
    for error, best in FITS.items():
        scale, offset = (float(value) for value in best(sums, pilots))
        reached = concordance_after(pairs, scale, offset)
        if reached <= 0:
            continue
        steps = [(factor, summand) for factor in (0.9, 1, 1.1) for summand in (-0.05, 0, 0.05)]
        for factor, summand in steps:
            if (error == "bias" and factor != 1) or (error == "scale" and summand):
                continue
            assert concordance_after(pairs, scale * factor, offset + summand) <= reached + 1e-9


def test_scale_and_offset_together_leave_the_correlation():
    generator = np.random.default_rng(0)
    truth = generator.normal(0, 0.3, 500)
    prediction = 0.4 * truth + generator.normal(0.2, 0.1, 500)
    pairs = np.stack([truth, prediction], axis=1)
    sums, pilots = moments_of(pairs)
    scale, offset = FITS["bias and scale"](sums, pilots)
    assert concordance(truth, scale * prediction + offset) == pytest.approx(pearson(truth, prediction), abs=1e-12)


def test_a_scale_does_not_turn_a_prediction_that_runs_against_the_truth():
    pairs = np.stack([np.linspace(-1, 1, 9), np.linspace(1, -1, 9) / 2], axis=1)
    sums, pilots = moments_of(pairs)
    assert float(FITS["scale"](sums, pilots)[0]) == 1
    assert float(FITS["bias and scale"](sums, pilots)[0]) == 1


def test_without_rows_nothing_is_changed():
    for best in FITS.values():
        scale, offset = best(np.zeros(6), np.zeros(2))
        assert (float(scale), float(offset)) == (1, 0)


def test_the_search_of_one_weighting_is_the_fit_of_its_rows():
    generator = np.random.default_rng(1)
    pairs, index = generator.normal(0, 0.3, (60, 2)), np.repeat(np.arange(6), 10)
    pairs[:, 1] += pairs[:, 0]
    pilots = np.zeros(2)
    sums = moments(pairs[:, 0], pairs[:, 1], Groups.of(index, 6), pilots=pilots)
    search = Lines(sums[:, None], pilots[None], lambda own: concordance_from(own, pilots), FITS["bias and scale"])
    weights = np.array([[1, 1, 0, 0, 2, 0]], float)
    drawn = pairs[np.concatenate([np.flatnonzero(index == group) for group in (0, 1, 4, 4)])]
    scale, offset = search.fit(weights)[0, 0]
    assert concordance(drawn[:, 0], scale * drawn[:, 1] + offset) == pytest.approx(
        float(search.value(search.sums(search.fit(weights), weights))[0]), abs=1e-12
    )
    assert float(search.value(search.untouched(weights))[0]) == pytest.approx(concordance(*drawn.T), abs=1e-12)
