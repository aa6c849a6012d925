"""Mixtures of labels: likelihoods by hand, learned tables, checks that notice what is wrong and stay calm elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.models.label_mixtures import (
    LabelRows,
    compare,
    fit_shares,
    learn_table,
    log_likelihood,
    mixture_log_likelihood,
    share_of_better_permutations,
)

TABLE = np.array([[0.9, 0.9, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9], [0.9, 0.1, 0.9, 0.1]])


def drawn(count: int, seed: int, table=TABLE, shares=(0.5, 0.3, 0.2), named: float = 0.0) -> LabelRows:
    random = np.random.default_rng(seed)
    classes = random.choice(len(table), count, p=shares)
    labels = (random.random((count, table.shape[1])) < table[classes]).astype(float)
    numbers = np.where(random.random(count) < named, classes, -1)
    return LabelRows(numbers, labels, np.ones(labels.shape, bool), np.arange(count) // 10)


def test_likelihoods_by_hand():
    seen = np.array([[True, True, False, True]])
    rows = LabelRows(np.array([-1]), np.array([[1.0, 0, 7, 0]]), seen, np.zeros(1, int))
    evidence = log_likelihood(rows, TABLE)
    assert np.exp(evidence).tolist() == [pytest.approx([0.9 * 0.1 * 0.9, 0.1 * 0.9 * 0.1, 0.9 * 0.9 * 0.9])]
    mixed = mixture_log_likelihood(evidence, np.array([0.5, 0.5, 0]))
    assert mixed.tolist() == pytest.approx([math.log((0.081 + 0.009) / 2)])


def test_a_class_of_which_nothing_is_known_has_no_part():
    table = np.vstack([TABLE, np.full(4, np.nan)])
    evidence = log_likelihood(drawn(50, 0), table)
    assert np.isneginf(evidence[:, 3]).all()
    shares = fit_shares(evidence)
    assert shares[3] == 0
    assert np.array_equal(shares[:3], fit_shares(evidence[:, :3]))
    assert np.isnan(learn_table(drawn(50, 0), table, 5.0)[3]).all()


def test_shares_of_classes_are_found_again():
    assert fit_shares(log_likelihood(drawn(4000, 1), TABLE)) == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


@given(st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_each_step_of_learning_explains_the_labels_better(seed):
    rows = drawn(200, seed)
    start = np.clip(TABLE + np.random.default_rng(seed).normal(0, 0.2, TABLE.shape), 0.05, 0.95)
    reached = []
    for steps in (0, 5, 20):
        learned = learn_table(rows, start, 1e-3, steps=steps)
        evidence = log_likelihood(rows, learned)
        reached.append(mixture_log_likelihood(evidence, fit_shares(evidence)).mean())
    assert reached[0] <= reached[1] + 1e-3
    assert reached[1] <= reached[2] + 1e-3


def test_a_disturbed_table_is_learned_back():
    start = np.clip(TABLE + np.random.default_rng(3).normal(0, 0.15, TABLE.shape), 0.1, 0.9)
    learned = learn_table(drawn(3000, 3), start, 10.0)
    assert np.abs(learned - TABLE).mean() < 0.5 * np.abs(start - TABLE).mean()
    # a table that counts as many rows stays
    assert np.abs(learn_table(drawn(3000, 3), start, 1e9) - start).max() < 1e-3


def test_rows_with_a_class_are_counted():
    rows = LabelRows(np.array([0, 0, 1]), np.array([[1.0], [0], [1]]), np.ones((3, 1), bool), np.arange(3))
    assert learn_table(rows, np.array([[0.5], [0.5]]), 2.0).tolist() == [[0.5], [2 / 3]]


def test_the_true_table_is_better_than_permuted_ones_and_an_unrelated_one_is_not():
    assert share_of_better_permutations(drawn(500, 5), TABLE) == 0
    others = [np.random.default_rng(seed).random((3, 4)) for seed in range(8)]
    assert np.mean([share_of_better_permutations(drawn(500, 5), other) for other in others]) > 0.2


def test_gains_have_errors_over_groups_and_not_over_rows():
    gains = np.repeat([1.0, -1.0, 2.0], 100)
    found = compare(gains, np.repeat([0, 1, 2], 100))
    assert found.gain == pytest.approx(2 / 3)
    # the standard error of the mean of three
    assert found.error == pytest.approx(np.std([1, -1, 2], ddof=1) / math.sqrt(3))
    assert not found.is_better
    assert compare(gains, np.zeros(300, int)).error == math.inf
