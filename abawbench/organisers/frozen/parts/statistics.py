"""Additive statistics of each unit: the bits of `abawbench.metrics`, in fewer words."""

from __future__ import annotations

from typing import Any

import numpy as np

# units with fewer rows than this are summed by one call for all, others by one call each
FEW_ROWS = 64


def confusion(truth: Any, prediction: Any, classes: int, unit: Any, units: int, valid: Any) -> Any:
    """Counts of each class by each class in the valid rows of each unit, shape (units, classes, classes)."""
    cells = (unit.astype(np.int64) * classes + truth) * classes + prediction
    size = units * classes * classes
    counts = np.bincount(cells[valid], minlength=size)
    return counts.reshape(units, classes, classes).astype(np.float64)


def moments(truth: Any, prediction: Any, unit: Any, units: int, valid: Any, pilots: Any) -> Any:
    """Rows of each unit, and sums of x, y, x * x, y * y, x * y about the pilots, shape (units, 6)."""
    starts = np.append(0, np.flatnonzero(unit[1:] != unit[:-1]) + 1)
    has_runs = len(np.unique(unit[starts])) == len(starts)
    bounds = [*starts.tolist(), len(unit)]

    def total(column: Any) -> Any:
        found = np.zeros(units)
        if not has_runs:
            return found + np.bincount(unit, weights=column, minlength=units)
        found[unit[starts]] = np.add.reduceat(column, starts)
        return found

    def products(first: Any, second: Any) -> Any:
        if not has_runs or len(starts) * FEW_ROWS > len(unit):
            return total(first * second)
        found = np.zeros(units)
        runs = list(map(slice, bounds[:-1], bounds[1:]))
        found[unit[starts]] = [np.dot(first[run], second[run]) for run in runs]
        return found

    x, y = truth - pilots[0], prediction - pilots[1]
    for column in (x, y):
        np.putmask(column, ~valid, 0.0)
    sums = [total(valid.astype(np.float64)), total(x), total(y), products(x, x), products(y, y), products(x, y)]
    return np.stack(sums, axis=-1)
