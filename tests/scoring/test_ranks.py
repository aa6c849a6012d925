"""Rank ranges: what is certain, what is open, and that the ranges hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from abawbench.scoring.ranks import rank_ranges, rank_ranges_from, separated


def test_entries_far_apart_have_one_rank_each_whatever_their_order():
    found = rank_ranges_from([0.2, 0.9, 0.5], [0.01, 0.01, 0.01])
    assert found.ranks.tolist() == [3, 1, 2]
    assert found.ranges.tolist() == [[3, 3], [1, 1], [2, 2]]
    assert found.tiers.tolist() == [3, 1, 2]
    np.testing.assert_allclose(found.probability, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


def test_entries_that_are_the_same_share_rank_range_tier_and_probability():
    draws = np.random.default_rng(0).normal(size=500)
    found = rank_ranges([0.5, 0.5, -9.0], np.stack([0.5 + draws, 0.5 + draws, -9 + 0 * draws]))
    assert found.ranks.tolist() == [1, 1, 3]
    assert found.ranges.tolist() == [[1, 2], [1, 2], [3, 3]]
    assert found.tiers.tolist() == [1, 1, 2]
    np.testing.assert_allclose(found.probability, [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])


def test_a_small_difference_is_separated_where_the_resamples_move_together():
    common, own = np.random.default_rng(1).normal(size=(2, 2000))
    together = np.stack([0.60 + 0.05 * common, 0.58 + 0.05 * common + 0.002 * own])
    assert rank_ranges([0.60, 0.58], together).ranges.tolist() == [[1, 1], [2, 2]]
    assert rank_ranges_from([0.60, 0.58], [0.05, 0.05]).ranges.tolist() == [[1, 2], [1, 2]]


def test_a_tier_ends_where_its_leader_is_separated_though_the_neighbour_is_not():
    found = rank_ranges_from([0.50, 0.47, 0.44], [0.01, 0.01, 0.01])
    assert found.ranges.tolist() == [[1, 2], [1, 3], [2, 3]]
    assert found.tiers.tolist() == [1, 1, 2]


def test_two_independent_entries_are_separated_from_the_normal_quantile_on():
    # the standard error of the difference is 0.05, and 1.96 of them are 0.098
    assert rank_ranges_from([0.105, 0.0], [0.03, 0.04]).tiers.tolist() == [1, 2]
    assert rank_ranges_from([0.091, 0.0], [0.03, 0.04]).tiers.tolist() == [1, 1]


def test_resamples_without_a_figure_do_not_count_and_without_any_everything_is_open():
    samples = np.array([[0.9, np.nan, 0.8, 0.9], [0.1, 0.9, 0.2, 0.15]])
    assert rank_ranges([0.9, 0.1], samples).probability.tolist() == [[1, 0], [0, 1]]
    found = rank_ranges([0.9, 0.1], samples[:, 1:2])
    assert found.ranges.tolist() == [[1, 2], [1, 2]]
    assert found.tiers.tolist() == [1, 1]
    assert rank_ranges([0.9], samples[:1]).ranges.tolist() == [[1, 1]]
    assert rank_ranges([], np.empty((0, 5))).to_json() == []


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 0.5)), min_size=1, max_size=7))
def test_ranges_hold_the_rank_and_every_rank_goes_to_one_entry(entries):
    figures, errors = zip(*entries, strict=True)
    found = rank_ranges_from(figures, errors, resamples=50)
    assert (found.ranges[:, 0] <= found.ranks).all()
    assert (found.ranks <= found.ranges[:, 1]).all()
    np.testing.assert_allclose(found.probability.sum(0), 1)
    np.testing.assert_allclose(found.probability.sum(1), 1)
    assert sorted(set(found.tiers.tolist())) == list(range(1, found.tiers.max() + 1))


def test_all_ranges_hold_the_true_ranks_in_ninety_five_of_a_hundred_splits():
    generator = np.random.default_rng(3)
    truth, errors, trials = np.array([0.60, 0.60, 0.57, 0.55, 0.50]), np.full(5, 0.02), 400
    rank = 1 + (truth[None] > truth[:, None]).sum(1)
    last = len(truth) - (truth[None] < truth[:, None]).sum(1)
    held = 0
    for trial in range(trials):
        found = rank_ranges_from(truth + errors * generator.normal(size=5), errors, resamples=400, seed=trial)
        held += bool((found.ranges[:, 0] <= rank).all() and (found.ranges[:, 1] >= last).all())
    assert held / trials >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / trials)


def test_pairs_are_separated_by_their_jackknife_intervals_at_one_error_rate_for_all():
    # differences of -0.3 and 0.3 about the mean: an error of 0.3 * 3 / 2 = 0.45 with 3 degrees of freedom
    without = np.array([[0.8, 1.4, 0.8, 1.4], [0.0] * 4, [0.0] * 4])
    reach = t.ppf(1 - 0.025 / 3, 3) * np.sqrt(3 / 4 * 4 * 0.3**2)
    for point, is_above in ((reach + 0.01, True), (reach - 0.01, False)):
        found = separated([point, 0.0, 0.0], without + np.array([[point - 1.1], [0], [0]]))
        assert found.tolist() == [[False, is_above, is_above], [False] * 3, [False] * 3]


def test_equal_entries_on_few_videos_are_rarely_separated_but_by_resamples_often():
    generator = np.random.default_rng(4)
    trials, wrong, by_resamples = 300, 0, 0
    for _ in range(trials):
        rows = generator.normal(size=(4, 12)) * np.exp(generator.normal(0, 0.7, 12))
        points, without = rows.mean(1), (rows.sum(1, keepdims=True) - rows) / 11
        above = separated(points, without)
        wrong += bool(above.any())
        drawn = rows[:, generator.integers(0, 12, (300, 12))].mean(2)
        by_resamples += bool((rank_ranges(points, drawn).ranges != [1, 4]).any())
    assert wrong / trials < 0.05 + 4 * np.sqrt(0.05 * 0.95 / trials)
    assert by_resamples / trials > 0.05 + 4 * np.sqrt(0.05 * 0.95 / trials)


def test_the_plain_data_of_an_entry():
    (first, _) = rank_ranges_from([0.9, 0.1], [0.0, 0.0]).to_json()
    assert first == {"rank": 1, "range": [1, 1], "tier": 1, "probability": pytest.approx([1, 0])}
