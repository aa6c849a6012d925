"""Identification and verification: parity with scikit-learn, ties, hand-worked cases, intervals over identities."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve, top_k_accuracy_score

from abawbench.base.problems import ProblemError
from abawbench.metrics.identification import (
    first_ranks,
    rank_one,
    rank_one_rate,
    roc,
    verification_rate,
    verification_rates,
)

RATES = (0.0, 0.001, 0.1, 0.25, 0.29, 1.0)


@st.composite
def scored_pairs(draw):
    """Pairs of both sorts; scores of few different values, so that many are tied."""
    count = draw(st.integers(2, 60))
    same = np.array([True, False, *draw(st.lists(st.booleans(), min_size=count - 2, max_size=count - 2))])
    scores = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
    return same, np.array(scores) / 8


@given(scored_pairs())
def test_the_trade_off_equals_scikit_learn_where_scores_are_tied(pairs):
    false_accept, true_accept, threshold = roc_curve(*pairs, drop_intermediate=False)
    ours = roc(*pairs)
    # its first point accepts nothing
    np.testing.assert_allclose(ours.threshold, threshold[1:])
    np.testing.assert_allclose(ours.false_accept, false_accept[1:])
    np.testing.assert_allclose(ours.true_accept, true_accept[1:])


@given(scored_pairs(), st.sampled_from(RATES))
def test_the_verification_rate_is_the_highest_point_of_scikit_learns_curve_left_of_the_rate(pairs, rate):
    false_accept, true_accept, _ = roc_curve(*pairs, drop_intermediate=False)
    expected = true_accept[false_accept <= rate].max()
    assert verification_rate(*pairs, false_accepts=rate) == pytest.approx(expected, abs=1e-12)


@given(scored_pairs(), st.sampled_from(RATES))
def test_only_the_order_of_the_scores_counts(pairs, rate):
    same, scores = pairs
    assert verification_rate(same, np.exp(scores), false_accepts=rate) == verification_rate(
        same, scores, false_accepts=rate
    )


def test_a_constant_score_verifies_nobody_before_it_accepts_everybody():
    same = [True, True, False, False]
    assert verification_rate(same, [0.5] * 4, false_accepts=0.99) == 0
    assert verification_rate(same, [0.5] * 4, false_accepts=1) == 1


def test_a_rate_that_a_ratio_of_counts_reaches_exactly_is_reached():
    # 0.29 * 100 is less than 29 in double precision
    same = np.repeat([False, True, False], [29, 1, 71])
    scores = np.repeat([3.0, 2.0, 1.0], [29, 1, 71])
    assert verification_rate(same, scores, false_accepts=0.29) == 1
    assert verification_rate(same, scores, false_accepts=0.28) == 0


@pytest.mark.parametrize("same", [[True, True], [False, False]])
def test_pairs_of_one_sort_alone_have_no_verification_rate(same):
    assert np.isnan(verification_rate(same, [0.1, 0.9], false_accepts=0.5))
    people = [[0, 0], [1, 1]] if same[0] else [[0, 1], [1, 2]]
    assert verification_rates(people, [0.1, 0.9], false_accepts=[0.5])[0].value is None


def test_no_pairs_have_no_verification_rate():
    assert np.isnan(verification_rate([], [], false_accepts=0.5))


@given(st.integers(2, 8), st.integers(0, 1000))
def test_rank_one_equals_the_top_class_of_scikit_learn_where_nothing_is_tied(people, seed):
    generator = np.random.default_rng(seed)
    scores = generator.permuted(np.arange(3.0 * people * people).reshape(-1, people)[: 3 * people], axis=1)
    probes = np.tile(np.arange(people), 3)
    labels = np.arange(people)
    if people > 2:
        expected = top_k_accuracy_score(probes, scores, k=1, labels=labels)
    else:
        expected = np.mean(scores.argmax(1) == probes)
    assert rank_one(scores, labels, probes) == pytest.approx(expected)


def test_tied_best_matches_count_by_the_share_that_is_right():
    scores = [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]
    assert first_ranks(scores, [7, 8, 8], [7, 8, 7]).tolist() == [0.5, pytest.approx(2 / 3), 0.0]


def test_a_probe_of_a_stranger_is_a_problem():
    with pytest.raises(ProblemError, match="1 identities of probes without a gallery picture, as 9"):
        rank_one([[0.1, 0.2]], [0, 1], [9])


@pytest.mark.parametrize(
    ("scores", "expected"), [([[0.1, 0.2]], r"shape \(2, 2\)"), ([[np.nan, 0.1], [0.2, 0.3]], "NaN")]
)
def test_scores_that_cannot_be_ranked_are_a_problem(scores, expected):
    with pytest.raises(ProblemError, match=expected):
        rank_one(scores, [0, 1], [0, 1])


def test_pairs_without_both_people_are_a_problem():
    with pytest.raises(ProblemError, match=r"shape \(2, 2\)"):
        verification_rates([0, 1], [0.1, 0.2])


def test_the_interval_of_verification_is_that_of_a_plain_loop_over_drawn_people():
    generator = np.random.default_rng(3)
    people, copies = 6, 2
    pictures = np.repeat(np.arange(people), copies)
    pairs = np.array([[pictures[a], pictures[b]] for a, b in itertools.combinations(range(len(pictures)), 2)])
    scores = np.round(generator.normal(1.0 * (pairs[:, 0] == pairs[:, 1]), 1), 1)
    (ours,) = verification_rates(pairs, scores, false_accepts=[0.1], resamples=200, seed=5)
    drawn = np.random.default_rng(5).integers(0, people, (200, people), dtype=np.int32)
    values = []
    for row in drawn:
        times = np.bincount(row, minlength=people)
        is_same = pairs[:, 0] == pairs[:, 1]
        weight = times[pairs[:, 0]] * np.where(is_same, 1, times[pairs[:, 1]])
        same, score = np.repeat(is_same, weight), np.repeat(scores, weight)
        values.append(verification_rate(same, score, false_accepts=0.1))
    assert ours.value == verification_rate(pairs[:, 0] == pairs[:, 1], scores, false_accepts=0.1)
    assert ours.interval == pytest.approx(np.nanquantile(values, [0.025, 0.975]))


def test_ninety_five_percent_intervals_of_identification_cover_the_rate():
    rate, people = 0.7, 40
    hits = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        # both probes of a person fail together, so intervals over probes would be too narrow
        is_found = np.repeat(generator.random(people) < rate, 2)
        probes = np.repeat(np.arange(people), 2)
        scores = np.eye(people)[np.where(is_found, probes, (probes + 1) % people)]
        found = rank_one_rate(scores, np.arange(people), probes, resamples=300, seed=seed)
        assert found.interval is not None
        hits += found.interval[0] <= rate <= found.interval[1]
    assert 0.89 <= hits / 200 <= 0.985


def test_one_person_has_no_interval():
    found = rank_one_rate([[1.0]], [0], [0])
    assert (found.value, found.interval) == (1.0, None)
