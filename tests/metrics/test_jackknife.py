"""Jackknife intervals: quantiles, cases worked by hand, limits and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from abawbench.metrics.jackknife import (
    jackknife_interval,
    jackknife_of,
    jackknives_of,
    student_quantile,
    student_shares,
)

UNIT = (0.0, 1.0)


@pytest.mark.parametrize("freedom", [1, 1.5, 2, 2.3, 4.9, 10, 59, 299])
@pytest.mark.parametrize("share", [0.5, 0.6, 0.8, 0.975, 0.9995])
def test_quantiles_are_scipys(share, freedom):
    assert student_quantile(share, freedom) == pytest.approx(t.ppf(share, freedom), rel=1e-11, abs=1e-15)


def test_quantiles_of_very_many_degrees_of_freedom_are_nearly_normal():
    assert student_quantile(0.975, 1e5) == pytest.approx(1.9599877075, abs=1e-8)


def without_each(rows):
    return (rows.sum() - rows) / (len(rows) - 1)


@given(st.lists(st.integers(0, 20), min_size=3, max_size=30))
def test_of_a_mean_the_error_is_the_usual_one_and_there_is_no_bias(rows):
    rows = np.array(rows, float)
    found = jackknife_of(rows.mean(), without_each(rows))
    assert found is not None
    assert found.error == pytest.approx(rows.std(ddof=1) / np.sqrt(len(rows)), abs=1e-12)
    assert found.bias == pytest.approx(0, abs=1e-10)
    assert 1 <= found.freedom <= len(rows) - 1


def test_the_bias_of_a_variance_is_found_exactly():
    rows = np.array([1.0, 2.0, 4.0, 9.0])
    left = np.array([np.delete(rows, out).var() for out in range(4)])
    found = jackknife_of(rows.var(), left)
    assert found is not None
    # the variance divided by 4 is too small by a quarter of the one divided by 3
    assert rows.var() - found.bias == pytest.approx(rows.var(ddof=1), abs=1e-12)


def test_degrees_of_freedom_by_hand():
    def freedom(*values):
        found = jackknife_of(0.5, np.array(values))
        assert found is not None
        return found.freedom

    # two groups of equal size have kurtosis 1, which leaves n - 1
    assert freedom(0.0, 0.0, 1.0, 1.0) == 3
    # 1 of 8 apart: mean 1/8, kurtosis 43/7 = 8 (7^4 + 7) / (7^2 + 7)^2, so 16 / (36/7) = 28/9
    assert freedom(*[0.0] * 7, 1.0) == pytest.approx(28 / 9, abs=1e-12)
    # 1 of many apart leaves little more than 2
    assert freedom(*[0.0] * 99, 1.0) == pytest.approx(200 / (97 + 1 / 99), abs=1e-9)
    assert freedom(0.0, 1.0) == 1
    assert freedom(0.5, 0.5, 0.5) == 2


def test_an_interval_worked_by_hand():
    # mean 0.5 and no bias; error sqrt(3/4 * 4 * 0.01) = 0.173205, kurtosis 1 and so 3 degrees of freedom, t 3.182446
    interval = jackknife_interval(0.5, np.array([0.4, 0.6, 0.4, 0.6]), 0.95, UNIT)
    half = 3.182446 * 0.173205 / 0.25
    assert interval == pytest.approx((1 / (1 + np.exp(half)), 1 / (1 + np.exp(-half))), abs=1e-6)
    # the same figure on a span twice as long is Fisher's z
    interval = jackknife_interval(0.0, np.array([-0.2, 0.2, -0.2, 0.2]), 0.95, (-1, 1))
    assert interval == pytest.approx((-np.tanh(3.182446 * 0.346410), np.tanh(3.182446 * 0.346410)), abs=1e-6)


def test_the_correction_for_bias_goes_half_of_the_way_to_the_end_at_most():
    left = np.array([0.97, 0.95, 0.93, 0.95])
    # 3 * (0.95 - 0.98) = -0.09 would lead beyond 1; the middle of the interval is 0.99
    low, high = jackknife_interval(0.98, left, 0.95, UNIT) or (0, 0)
    middle = np.log(low / (1 - low)) + np.log(high / (1 - high))
    assert 1 / (1 + np.exp(-middle / 2)) == pytest.approx(0.99, abs=1e-9)
    assert high < 1


def test_there_is_no_interval_of_one_cluster_or_where_one_cluster_alone_defines_the_figure():
    assert jackknife_interval(0.5, np.array([0.5]), 0.95, UNIT) is None
    assert jackknife_interval(0.5, np.array([0.5, np.nan, 0.5]), 0.95, UNIT) is None
    assert jackknife_interval(float("nan"), np.array([0.5, 0.5]), 0.95, UNIT) is None


def test_where_no_cluster_makes_a_difference_the_interval_is_the_figure():
    assert jackknife_interval(0.25, np.full(5, 0.25), 0.95, UNIT) == (0.25, 0.25)
    assert jackknife_interval(1.0, np.array([1.0, 1.0, 0.9]), 0.95, UNIT) == (1.0, 1.0)
    # the last bit of a sum is no difference
    nearly = np.nextafter(1, 0)
    assert jackknife_interval(nearly, np.array([1.0, nearly, 1.0]), 0.95, UNIT) == (nearly, nearly)
    assert jackknife_interval(0.25, np.array([0.25, 0.25 + 1e-15, 0.25]), 0.95, UNIT) == (0.25, 0.25)


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=12),
    st.one_of(st.floats(0.001, 0.999), st.sampled_from([5e-324, 1e-13, 1 - 1e-13, np.nextafter(1, 0)])),
    st.sampled_from([(0.0, 1.0), (-1.0, 1.0), (-1.0, 3.0)]),
)
def test_bounds_stay_inside_the_span(left, place, span):
    low, high = span
    scaled = low + (high - low) * np.array(left)
    bounds = jackknife_interval(low + (high - low) * place, scaled, 0.95, span)
    assert bounds is not None
    assert low <= bounds[0] <= bounds[1] <= high


def test_the_end_of_the_span_mirrors_the_interval():
    left = np.array([0.9, 0.8, 0.95, 0.7])
    low, high = jackknife_interval(0.85, left, 0.95, UNIT) or (0, 0)
    mirrored = jackknife_interval(0.15, 1 - left, 0.95, UNIT)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_a_share_of_few_and_unequal_clusters_is_covered():
    generator = np.random.default_rng(5)
    trials, covered = 1000, 0
    for _ in range(trials):
        rows = np.exp(generator.normal(0, 1, 20))
        right = rows * generator.beta(4, 1, 20)
        left = (right.sum() - right) / (rows.sum() - rows)
        low, high = jackknife_interval(right.sum() / rows.sum(), left, 0.95, UNIT) or (1, 0)
        covered += low <= 0.8 <= high
    assert abs(covered / trials - 0.95) < 4 * np.sqrt(0.95 * 0.05 / trials)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.975, 0.99999])
def test_the_share_below_a_quantile_is_the_share_it_was_asked_for(share):
    freedom = np.array([2.0, 2.5, 3.0, 10.0, 49.0, 1000.0])
    values = np.array([student_quantile(share, one) for one in freedom.tolist()])
    assert student_shares(values, freedom) == pytest.approx(np.full(6, share), abs=1e-11)
    assert student_shares(np.array([0.0, np.inf]), np.array([3.0, 3.0])).tolist() == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize("clusters", [1, 2, 3, 20])
def test_several_figures_have_the_jackknife_that_each_has_alone(clusters):
    generator = np.random.default_rng(clusters)
    left_out = generator.normal(size=(6, clusters))
    left_out[1] = 0.5
    left_out[2, 0] = np.nan
    points = generator.normal(size=6)
    found = jackknives_of(points, left_out)
    for place in range(6):
        one = jackknife_of(float(points[place]), left_out[place])
        fields = [found.bias[place], found.error[place], found.freedom[place]]
        if one is None:
            assert np.isnan(fields).all()
        else:
            assert fields == pytest.approx([one.bias, one.error, one.freedom], rel=1e-12, abs=1e-15)
