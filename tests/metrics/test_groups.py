"""Groups: sums, products and counts by group, of rows that follow one another and of rows that do not."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.metrics.groups import FEW_ROWS, Groups

VALUES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])


@pytest.mark.parametrize(
    ("index", "sums", "is_run"),
    [
        ([0, 0, 1, 1, 1], [3, 28, 0, 0], True),
        ([3, 3, 0, 0, 1], [12, 16, 0, 3], True),
        ([0, 1, 0, 1, 0], [21, 10, 0, 0], False),
        ([2, 2, 0, 2, 2], [4, 0, 27, 0], False),
    ],
)
def test_sums_and_products_worked_by_hand(index, sums, is_run):
    groups = Groups.of(np.array(index), 4)
    assert (groups.starts is not None) == is_run
    assert groups.index.dtype == np.int32
    assert groups.sum(VALUES).tolist() == sums
    assert groups.dot(VALUES, np.full(5, 3.0)).tolist() == [3 * value for value in sums]


def test_groups_without_rows_sum_to_zero():
    groups = Groups.of(np.zeros(0, np.int64), 2)
    nothing = np.zeros(0)
    for sums in (groups.sum(nothing), groups.dot(nothing, nothing), groups.histogram(nothing.astype(np.int8), 1, None)):
        assert sums.dtype == np.float64
        assert sums.ravel().tolist() == [0, 0]


@pytest.mark.parametrize("rows", [1, FEW_ROWS - 1, FEW_ROWS, FEW_ROWS + 1, 3 * FEW_ROWS])
def test_the_product_of_long_and_of_short_runs_is_the_sum_of_products(rows):
    first, second = np.random.default_rng(rows).normal(size=(2, 3 * rows))
    groups = Groups.of(np.repeat([2, 0, 3], rows), 4)
    products = (first * second).reshape(3, rows).sum(1)
    np.testing.assert_allclose(groups.dot(first, second), [products[1], 0, products[0], products[2]], atol=1e-12)


def test_one_group_holds_all_rows():
    groups = Groups.one(5)
    assert (groups.count, groups.index.tolist()) == (1, [0] * 5)
    assert groups.sum(VALUES).tolist() == [31]
    assert Groups.one(0).sum(np.zeros(0)).tolist() == [0]


def test_a_histogram_counts_the_codes_of_valid_rows_alone():
    groups = Groups.of(np.array([0, 2, 2, 0, 2]), 3)
    codes = np.array([1, 0, 1, 1, 1], np.int8)
    assert groups.histogram(codes, 2, None).tolist() == [[0, 2], [0, 0], [1, 2]]
    valid = np.array([True, True, False, True, True])
    # what is not valid may have any code
    codes[2] = 100
    counted = groups.histogram(codes, 2, valid)
    assert counted.tolist() == [[0, 2], [0, 0], [1, 1]]
    assert counted.dtype == np.float64
