"""Fairness between groups: parity with fairlearn, the numbers of the group's protocol, laws, undefined figures."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equal_opportunity_difference,
    equalized_odds_difference,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from abawbench.metrics import fairness
from abawbench.metrics.f1 import accuracy_from, balanced_accuracy_from, confusion, f1_per_class_from, label_counts
from abawbench.metrics.groups import Groups

CLASSES = 4


@st.composite
def grouped_classes(draw, classes=CLASSES):
    """Truth, prediction and group of rows; each group has rows of every class."""
    groups = draw(st.integers(2, 4))
    rows = draw(st.integers(0, 60))
    corners = np.array([[label, label, group] for group in range(groups) for label in range(classes)])
    cell = st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1), st.integers(0, groups - 1))
    drawn = np.array(draw(st.lists(cell, min_size=rows, max_size=rows)), np.int64).reshape(-1, 3)
    return np.concatenate([corners, drawn]).T, groups


def by_group(columns, groups, classes=CLASSES):
    truth, prediction, group = columns
    return confusion(truth.astype(np.int8), prediction.astype(np.int8), classes, Groups.of(group, groups))


# fairlearn takes a while
@settings(max_examples=10)
@given(grouped_classes())
def test_figures_of_groups_and_their_gaps_equal_the_metric_frame_of_fairlearn(given_rows):
    columns, groups = given_rows
    counts = by_group(columns, groups)

    def macro_f1(truth, prediction):
        return f1_score(truth, prediction, labels=range(CLASSES), average="macro", zero_division=0)

    frame = MetricFrame(
        metrics={"f1": macro_f1, "accuracy": accuracy_score, "balanced": balanced_accuracy_score},
        y_true=columns[0],
        y_pred=columns[1],
        sensitive_features=columns[2],
    )
    ours = {
        "f1": f1_per_class_from(counts).mean(-1),
        "accuracy": accuracy_from(counts),
        "balanced": balanced_accuracy_from(counts),
    }
    for name, values in ours.items():
        np.testing.assert_allclose(values, frame.by_group[name], atol=1e-12)
        assert fairness.gap(values) == pytest.approx(frame.difference()[name], abs=1e-12)
        assert values.min() == pytest.approx(frame.group_min()[name], abs=1e-12)


# fairlearn takes a while
@settings(max_examples=6)
@given(grouped_classes(classes=2))
def test_differences_of_a_label_equal_those_of_fairlearn(given_rows):
    columns, groups = given_rows
    truth, prediction, group = columns
    column = (truth[:, None].astype(np.int8), prediction[:, None].astype(np.int8))
    rates = fairness.label_rates(label_counts(*column, Groups.of(group, groups)))
    for ours, theirs in (
        (fairness.demographic_parity_difference, demographic_parity_difference),
        (fairness.equal_opportunity_difference, equal_opportunity_difference),
        (fairness.equalised_odds_difference, equalized_odds_difference),
    ):
        expected = theirs(truth, prediction, sensitive_features=group)
        np.testing.assert_allclose(ours(rates), [expected], atol=1e-12)


# fairlearn takes a while
@settings(max_examples=4)
@given(grouped_classes())
def test_differences_of_a_class_equal_those_of_fairlearn_for_this_class_against_all_others(given_rows):
    columns, groups = given_rows
    rates = fairness.class_rates(by_group(columns, groups))
    for label in range(CLASSES):
        truth, prediction = (columns[:2] == label).astype(int)
        for ours, theirs in (
            (fairness.demographic_parity_difference, demographic_parity_difference),
            (fairness.equalised_odds_difference, equalized_odds_difference),
        ):
            expected = theirs(truth, prediction, sensitive_features=columns[2])
            assert ours(rates)[label] == pytest.approx(expected, abs=1e-12)


@given(grouped_classes())
def test_statistical_parity_is_the_mean_over_pairs_of_groups_of_the_total_variation(given_rows):
    columns, groups = given_rows
    _, prediction, group = columns
    distances = [
        0.5 * sum(abs(np.mean(prediction[group == g] == c) - np.mean(prediction[group == h] == c)) for c in range(4))
        for g in range(groups)
        for h in range(g)
    ]
    ours = fairness.statistical_parity(fairness.class_rates(by_group(columns, groups)).selection)
    assert ours == pytest.approx(np.mean(distances), abs=1e-12)


@given(grouped_classes())
def test_the_names_of_the_groups_change_nothing(given_rows):
    columns, groups = given_rows
    counts = by_group(columns, groups)
    one, two = fairness.class_rates(counts), fairness.class_rates(counts[::-1])
    assert fairness.statistical_parity(one.selection) == pytest.approx(fairness.statistical_parity(two.selection))
    np.testing.assert_array_equal(fairness.equalised_odds_difference(one), fairness.equalised_odds_difference(two))


def parity_of(predictions, groups):
    columns = np.array([predictions, predictions, groups])
    return fairness.statistical_parity(fairness.class_rates(by_group(columns, 2)).selection)


def test_statistical_parity_of_worked_examples():
    groups = [0, 0, 0, 0, 1, 1, 1, 1]
    assert parity_of([0, 0, 1, 1, 0, 1, 1, 1], groups) == 0.25
    assert parity_of([0, 0, 1, 1, 0, 0, 1, 1], groups) == 0
    assert parity_of([0, 0, 1, 1, 2, 2, 3, 3], groups) == 1


def test_a_perfect_prediction_has_equal_odds_and_may_have_unequal_shares():
    truth = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    rates = fairness.class_rates(by_group(np.array([truth, truth, [0] * 4 + [1] * 4]), 2, classes=2))
    assert fairness.equalised_odds_difference(rates).tolist() == [0, 0]
    assert fairness.demographic_parity_difference(rates).tolist() == [0.5, 0.5]


def test_a_group_without_rows_is_left_out_and_one_group_alone_has_no_gap():
    counts = np.zeros((3, 2, 2))
    counts[0], counts[2] = [[2, 2], [0, 4]], [[4, 0], [0, 4]]
    whole, pair, single = (fairness.class_rates(counts[rows]) for rows in ([0, 1, 2], [0, 2], [0, 1]))
    np.testing.assert_array_equal(fairness.equalised_odds_difference(whole), fairness.equalised_odds_difference(pair))
    assert fairness.statistical_parity(whole.selection) == fairness.statistical_parity(pair.selection)
    assert np.isnan(fairness.statistical_parity(single.selection))
    assert np.isnan(fairness.demographic_parity_difference(single)).all()


def test_a_group_without_a_positive_has_no_true_positive_rate_and_still_a_false_positive_rate():
    counts = np.array([[[6.0, 2, 0, 0]], [[4.0, 0, 2, 2]]])
    rates = fairness.label_rates(counts)
    assert np.isnan(fairness.equal_opportunity_difference(rates)).all()
    assert fairness.equalised_odds_difference(rates).tolist() == [0.25]


def test_everything_is_computed_over_leading_axes():
    counts = np.random.default_rng(0).integers(1, 9, (5, 3, CLASSES, CLASSES)).astype(np.float64)
    whole = fairness.class_rates(counts)
    for place in range(5):
        own = fairness.class_rates(counts[place])
        assert fairness.statistical_parity(whole.selection)[place] == fairness.statistical_parity(own.selection)
        np.testing.assert_array_equal(
            fairness.equalised_odds_difference(whole)[place], fairness.equalised_odds_difference(own)
        )
