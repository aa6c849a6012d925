"""Concordance and Pearson: laws, parity with audmetric and SciPy's definition, degenerate series."""

from __future__ import annotations

import audmetric
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.base.problems import ProblemError
from abawbench.metrics import concordance, pearson
from abawbench.metrics.concordance import concordance_from, moments, parts_from, pearson_from
from abawbench.metrics.groups import Groups

unit = st.floats(-1, 1, allow_nan=False, width=32)


def series(rows: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    return rows.flatmap(lambda n: st.tuples(arrays(np.float64, n, elements=unit), arrays(np.float64, n, elements=unit)))


def varies(*columns: np.ndarray) -> bool:
    return all(column.std() > 1e-3 for column in columns)


@given(series(st.integers(2, 40)))
def test_a_series_agrees_fully_with_itself(pair):
    truth, _ = pair
    if varies(truth):
        assert concordance(truth, truth) == pytest.approx(1, abs=1e-12)
        assert pearson(truth, truth) == pytest.approx(1, abs=1e-12)


@given(series(st.integers(2, 40)))
def test_swapping_truth_and_prediction_changes_nothing(pair):
    assert concordance(*pair) == pytest.approx(concordance(*pair[::-1]), abs=1e-12)
    assert pearson(*pair) == pytest.approx(pearson(*pair[::-1]), abs=1e-12)


@given(series(st.integers(2, 40)), st.randoms(use_true_random=False))
def test_shuffling_both_changes_nothing(pair, random):
    order = list(range(len(pair[0])))
    random.shuffle(order)
    shuffled = [column[order] for column in pair]
    assert concordance(*pair) == pytest.approx(concordance(*shuffled), abs=1e-12)


@given(series(st.integers(2, 60)))
def test_it_equals_audmetric_to_twelve_digits(pair):
    truth, prediction = pair
    if varies(truth, prediction):
        assert concordance(truth, prediction) == pytest.approx(audmetric.concordance_cc(truth, prediction), abs=1e-12)
        assert pearson(truth, prediction) == pytest.approx(audmetric.pearson_cc(truth, prediction), abs=1e-12)


def test_it_equals_audmetric_on_a_million_rows():
    generator = np.random.default_rng(1)
    truth = generator.uniform(-1, 1, 1_000_000)
    prediction = 0.5 * truth + generator.normal(0, 0.3, len(truth)) + 0.1
    assert concordance(truth, prediction) == pytest.approx(audmetric.concordance_cc(truth, prediction), abs=1e-12)


@given(unit, series(st.integers(1, 30)))
def test_a_constant_series_counts_as_zero(value, pair):
    constant = np.full(len(pair[0]), value)
    assert concordance(constant, pair[0]) == 0
    assert concordance(pair[0], constant) == 0
    assert concordance(constant, constant) == 0
    assert pearson(constant, pair[0]) == 0


@pytest.mark.parametrize("function", [concordance, pearson])
@pytest.mark.parametrize("sign", [1, -1])
def test_rounding_never_leaves_the_range(function, sign):
    # without a limit each of these gives 1 + 2e-16
    truth = np.array([-0.672516691094, -0.952222372042, -0.868873695163, 0.928922680321, 0.291442731119])
    near = np.array([-0.6725166810798978, -0.9522223706011463, -0.8688736873421548, 0.9289226816672194])
    assert abs(function(truth, sign * np.append(near, 0.29144273374801116))) <= 1
    other = np.array([0.7, -0.9, 0.5, -0.6])
    assert abs(function(other, sign * 3 * other)) <= 1


@given(series(st.integers(2, 40)), st.sampled_from([1e3, -1e6]))
def test_adding_the_same_number_to_both_changes_nothing(pair, number):
    truth, prediction = pair
    if varies(truth, prediction):
        # the sum itself rounds the sixteenth digit of the number
        precision = 1e-9 if number < 1e4 else 1e-6
        moved = concordance(truth + number, prediction + number)
        assert moved == pytest.approx(concordance(truth, prediction), abs=precision)
        assert pearson(truth + number, prediction) == pytest.approx(pearson(truth, prediction), abs=precision)


@given(st.floats(0.01, 1e6), st.integers(2, 50), st.sampled_from([0.0, 1e-3, 0.7]))
def test_a_constant_is_recognised_whatever_its_size_and_the_pilot(constant, rows, pilot):
    other = np.arange(rows, dtype=float)
    columns = np.full(rows, constant), other
    statistics = moments(*columns, Groups.one(rows), pilots=np.array([pilot, 0.0]))[0]
    assert concordance_from(statistics, np.array([pilot, 0.0])) == 0
    assert pearson_from(statistics, np.array([pilot, 0.0])) == 0


def test_the_smallest_change_in_single_precision_is_no_constant():
    still = np.full(1000, 0.1)
    moving = still.copy()
    moving[::2] = np.nextafter(np.float32(0.1), np.float32(1))
    assert concordance(moving, moving) == pytest.approx(1, abs=1e-6)
    assert concordance(still, moving) == 0


def test_single_precision_and_whole_numbers_are_computed_in_double():
    truth, prediction = np.random.default_rng(5).normal(size=(2, 50)).astype(np.float32)
    wide = truth.astype(np.float64), prediction.astype(np.float64)
    for function in (concordance, pearson):
        assert (
            function(truth, prediction) == function(truth, wide[1]) == function(wide[0], prediction) == function(*wide)
        )
    assert concordance([0, 1, 2], [1, 2, 3]) == concordance([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])


def test_figures_of_groups_are_those_of_each_group_alone():
    truth, prediction = np.random.default_rng(6).normal(size=(2, 12))
    # the first group is constant, the last one has no row
    prediction[:4] = 0.3
    pilots = np.array([0.1, 0.2])
    together = moments(truth, prediction, Groups.of(np.repeat([0, 1, 2], 4), 4), pilots=pilots)
    ccc, correlation = concordance_from(together, pilots), pearson_from(together, pilots)
    for group in range(3):
        rows = slice(4 * group, 4 * group + 4)
        assert ccc[group] == pytest.approx(concordance(truth[rows], prediction[rows]), abs=1e-12)
        assert correlation[group] == pytest.approx(pearson(truth[rows], prediction[rows]), abs=1e-12)
    assert (ccc[0], correlation[0]) == (0, 0)
    assert np.isnan(ccc[3])
    assert np.isnan(correlation[3])


def test_parts_of_a_constant_series_are_undefined_but_for_the_offset():
    still, moving = np.full(4, 0.5), np.array([0.0, 0.1, 0.2, 0.3])
    for truth, prediction, offset in ((still, moving, -0.35), (moving, still, 0.35), (still, still, 0.0)):
        parts = parts_from(moments(truth, prediction, Groups.one(4), pilots=np.zeros(2))[0], np.zeros(2))
        assert parts["offset"] == pytest.approx(offset)
        assert all(np.isnan(parts[name]) for name in ("correlation", "scale", "accuracy"))
    nothing = parts_from(np.zeros(6), np.zeros(2))
    assert all(np.isnan(value) for value in nothing.values())


def test_no_rows_is_undefined():
    assert np.isnan(concordance([], []))
    assert np.isnan(pearson([], []))


def test_unequal_lengths_name_both():
    with pytest.raises(ProblemError, match=r"C02[\s\S]*\(3,\)[\s\S]*\(2,\)"):
        concordance([1, 2, 3], [1, 2])


def test_a_hand_worked_case():
    # means 0.2 and 0.4; variances 0.08 / 3 and 0.24 / 3; covariance 0.12 / 3
    truth, prediction = [0.0, 0.2, 0.4], [0.2, 0.2, 0.8]
    covariance, variance_t, variance_p = 0.12 / 3, 0.08 / 3, 0.24 / 3
    expected = 2 * covariance / (variance_t + variance_p + 0.04)
    assert concordance(truth, prediction) == pytest.approx(expected, abs=1e-12)


def test_moments_divide_by_n_not_by_n_minus_one():
    generator = np.random.default_rng(0)
    truth, prediction = generator.normal(size=(2, 16))
    covariance = np.cov(truth, prediction, ddof=1)
    with_n_minus_one = 2 * covariance[0, 1] / (np.trace(covariance) + (truth.mean() - prediction.mean()) ** 2)
    assert abs(concordance(truth, prediction) - with_n_minus_one) > 1e-4


@given(series(st.integers(2, 40)), st.integers(1, 5))
def test_statistics_of_parts_add_to_the_whole(pair, count):
    truth, prediction = pair
    index = np.arange(len(truth)) % count
    parts = moments(truth, prediction, Groups.of(index, count), pilots=np.array([0.1, -0.2]))
    whole = moments(truth, prediction, Groups.one(len(truth)), pilots=np.array([0.1, -0.2]))
    np.testing.assert_allclose(parts.sum(0), whole[0], atol=1e-12)


@given(series(st.integers(3, 40)))
def test_values_under_the_mask_never_leak(pair):
    truth, prediction = pair
    valid = np.arange(len(truth)) % 3 != 0
    groups = Groups.one(len(truth))
    masked = moments(truth, prediction, groups, pilots=np.array([0, 0]), valid=valid)
    wild = np.where(valid, truth, np.nan)
    np.testing.assert_array_equal(masked, moments(wild, prediction, groups, pilots=np.array([0, 0]), valid=valid))


@given(series(st.integers(3, 40)), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_the_pilot_does_not_move_the_value(pair, first, second):
    truth, prediction = pair
    if varies(truth, prediction):
        statistics = moments(truth, prediction, Groups.one(len(truth)), pilots=np.array([first, second]))[0]
        value = concordance_from(statistics, np.array([first, second]))
        assert value == pytest.approx(concordance(truth, prediction), abs=1e-9)


@given(series(st.integers(3, 40)))
def test_concordance_is_correlation_times_accuracy(pair):
    truth, prediction = pair
    if varies(truth, prediction):
        pilots = np.zeros(2)
        statistics = moments(truth, prediction, Groups.one(len(truth)), pilots=np.array([0, 0]))[0]
        parts = parts_from(statistics, pilots)
        assert parts["correlation"] * parts["accuracy"] == pytest.approx(concordance(truth, prediction), abs=1e-10)
        assert parts["correlation"] == pytest.approx(float(pearson_from(statistics, pilots)), abs=1e-10)


def test_scale_and_offset_are_those_that_were_planted():
    truth = 0.1 * np.random.default_rng(3).normal(size=500)
    statistics = moments(truth, 2 * truth + 0.3, Groups.one(500), pilots=np.array([0, 0]))[0]
    parts = parts_from(statistics, np.zeros(2))
    assert parts["scale"] == pytest.approx(2, abs=1e-12)
    assert parts["offset"] == pytest.approx(0.3 + truth.mean(), abs=1e-12)
    assert parts["correlation"] == pytest.approx(1, abs=1e-12)


@given(st.integers(1, 30), st.integers(1, 6), st.randoms(use_true_random=False))
def test_groups_sum_alike_in_any_order_of_rows(rows, count, random):
    index = np.array(sorted(random.randrange(count) for _ in range(rows)))
    values = np.array([random.random() for _ in range(rows)])
    order = list(range(rows))
    random.shuffle(order)
    ordered = Groups.of(index, count).sum(values)
    shuffled = Groups.of(index[order], count).sum(values[order])
    np.testing.assert_allclose(ordered, shuffled, atol=1e-12)
