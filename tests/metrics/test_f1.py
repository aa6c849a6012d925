"""F1 and accuracy: parity with scikit-learn, laws, absent classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score

from abawbench.base.problems import ProblemError
from abawbench.metrics import accuracy, balanced_accuracy, macro_f1, mean_f1
from abawbench.metrics.f1 import (
    accuracy_from,
    confusion,
    f1_per_class_from,
    f1_per_label_from,
    label_accuracy_from,
    label_balanced_accuracy_from,
    label_counts,
)
from abawbench.metrics.groups import Groups

CLASSES = 8


@st.composite
def classes(draw):
    rows = draw(st.integers(1, 60))
    column = st.lists(st.integers(0, CLASSES - 1), min_size=rows, max_size=rows)
    return np.array(draw(column), np.int8), np.array(draw(column), np.int8)


@st.composite
def labels(draw, most=13):
    rows, width = draw(st.integers(1, 30)), draw(st.integers(1, most))
    cells = st.lists(st.integers(0, 1), min_size=rows * width, max_size=rows * width)
    return tuple(np.array(draw(cells), np.int8).reshape(rows, width) for _ in range(2))


@given(classes())
def test_macro_f1_equals_scikit_learn_with_every_class_counted(pair):
    expected = f1_score(*pair, labels=range(CLASSES), average="macro", zero_division=0)
    assert macro_f1(*pair, classes=CLASSES) == pytest.approx(expected, abs=1e-12)


@given(classes())
def test_accuracy_and_confusion_equal_scikit_learn(pair):
    assert accuracy(*pair, classes=CLASSES) == pytest.approx(accuracy_score(*pair), abs=1e-12)
    counts = confusion(*pair, CLASSES, Groups.one(len(pair[0])))[0]
    np.testing.assert_array_equal(counts, confusion_matrix(*pair, labels=range(CLASSES)))


@given(classes())
@pytest.mark.filterwarnings("ignore::UserWarning:sklearn")
def test_balanced_accuracy_equals_scikit_learn(pair):
    assert balanced_accuracy(*pair, classes=CLASSES) == pytest.approx(balanced_accuracy_score(*pair), abs=1e-12)


def test_balanced_accuracy_without_frames_is_undefined():
    assert np.isnan(balanced_accuracy([], [], classes=3))


@given(labels())
@pytest.mark.filterwarnings("ignore::UserWarning:sklearn")
def test_balanced_accuracy_of_labels_equals_scikit_learn(pair):
    counts = label_counts(*pair, Groups.one(len(pair[0])))[0]
    expected = [balanced_accuracy_score(t, p) for t, p in zip(pair[0].T, pair[1].T, strict=True)]
    np.testing.assert_allclose(label_balanced_accuracy_from(counts), expected, atol=1e-12)


@given(labels())
def test_mean_f1_equals_scikit_learn(pair):
    expected = np.mean([f1_score(t, p, zero_division=0) for t, p in zip(pair[0].T, pair[1].T, strict=True)])
    assert mean_f1(*pair) == pytest.approx(expected, abs=1e-12)


@given(labels())
def test_label_accuracy_is_the_share_of_right_cells(pair):
    counts = label_counts(*pair, Groups.one(len(pair[0])))[0]
    assert label_accuracy_from(counts) == pytest.approx(np.mean(pair[0] == pair[1]), abs=1e-12)


@given(classes())
def test_swapping_truth_and_prediction_changes_no_f1(pair):
    assert macro_f1(*pair, classes=CLASSES) == pytest.approx(macro_f1(*pair[::-1], classes=CLASSES), abs=1e-12)


def test_an_absent_class_counts_as_zero():
    assert macro_f1([0, 1], [0, 1], classes=8) == pytest.approx(2 / 8)


def test_an_action_unit_without_positives_counts_as_zero():
    assert mean_f1([[1, 0]], [[1, 0]]) == pytest.approx(0.5)


@given(labels(), st.integers(1, 4))
def test_packed_label_counts_equal_single_ones(pair, count):
    truth, prediction = pair
    groups = Groups.of(np.arange(len(truth)) % count, count)
    valid = np.arange(len(truth)) % 3 != 1
    packed = label_counts(truth, prediction, groups, valid=valid)
    single = label_counts(truth, prediction, groups, valid=np.repeat(valid[:, None], truth.shape[1], 1))
    np.testing.assert_array_equal(packed, single)


@given(labels(most=12))
def test_sentinels_under_the_mask_never_leak(pair):
    truth, prediction = pair
    valid = np.arange(len(truth)) % 2 == 0
    groups = Groups.one(len(truth))
    hidden = np.where(valid[:, None], truth, -1).astype(np.int8)
    np.testing.assert_array_equal(
        label_counts(truth, prediction, groups, valid=valid), label_counts(hidden, prediction, groups, valid=valid)
    )


def test_figures_of_groups_are_those_of_each_group_alone():
    generator = np.random.default_rng(4)
    counts = generator.integers(0, 9, (2, 3, 5, 4)).astype(float)
    counts[0, 1] = 0
    square = generator.integers(0, 9, (2, 3, 4, 4)).astype(float)
    square[1, 2] = 0
    for function, stacked in (
        (f1_per_label_from, counts),
        (label_accuracy_from, counts),
        (f1_per_class_from, square),
        (accuracy_from, square),
    ):
        together = function(stacked)
        for place in np.ndindex(2, 3):
            np.testing.assert_array_equal(together[place], function(stacked[place]))
    assert np.isnan(f1_per_label_from(counts)).any(-1).tolist() == [[False, True, False], [False, False, False]]
    assert np.isnan(f1_per_class_from(square)).any(-1).tolist() == [[False, False, False], [False, False, True]]


def test_label_counts_worked_by_hand():
    truth = np.array([[0, 1], [0, 1], [1, 1], [1, 0], [1, 0]], np.int8)
    prediction = np.array([[0, 1], [1, 0], [0, 1], [0, 1], [1, 0]], np.int8)
    groups = Groups.of(np.array([1, 1, 1, 1, 0]), 2)
    # neither, prediction alone, truth alone, both
    expected = [[[0, 0, 0, 1], [1, 0, 0, 0]], [[1, 1, 2, 0], [0, 1, 1, 2]]]
    assert label_counts(truth, prediction, groups).tolist() == expected
    assert label_counts(truth, prediction, groups, valid=np.ones((5, 2), bool)).tolist() == expected


def test_no_rows_is_undefined():
    assert np.isnan(accuracy([], [], classes=3))
    assert np.isnan(mean_f1(np.zeros((0, 2)), np.zeros((0, 2))))
    assert np.isnan(macro_f1([], [], classes=3))
    assert np.isnan(f1_per_class_from(np.zeros((2, 2)))).all()


def test_unequal_lengths_are_a_problem():
    with pytest.raises(ProblemError, match="C02"):
        macro_f1([0, 1], [0], classes=2)
    with pytest.raises(ProblemError, match="C02"):
        mean_f1([[0, 1]], [[0]])
