"""Sums and counts of rows by group, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# runs shorter than this are summed by one call for all, longer ones by one call each, without temporary columns
FEW_ROWS = 64


@dataclass(frozen=True, eq=False)
class Groups:
    """The group (video) of each row.

    Attributes:
        index: shape (rows,), number of the group, from 0 to count - 1.
        count: number of groups; some may have no row.
        starts: first row of each group, if the rows of every group follow one another; else None.
    """

    index: NDArray[np.int32]
    count: int
    starts: NDArray[np.int64] | None

    @staticmethod
    def of(index: NDArray[np.integer], count: int) -> Groups:
        """Groups from an index column."""
        index = np.asarray(index, np.int32)
        if len(index) == 0:
            return Groups(index, count, None)
        starts = np.concatenate(([0], np.flatnonzero(index[1:] != index[:-1]) + 1))
        return Groups(index, count, starts if len(np.unique(index[starts])) == len(starts) else None)

    @staticmethod
    def one(rows: int) -> Groups:
        """All rows in one group."""
        return Groups.of(np.repeat(0, rows), 1)

    def sum(self, values: Floats) -> Floats:
        """Sum of a column within each group, shape (count,)."""
        if self.starts is None:
            # without rows bincount gives integers
            return np.zeros(self.count) + np.bincount(self.index, weights=values, minlength=self.count)
        total = np.zeros(self.count)
        total[self.index[self.starts]] = np.add.reduceat(values, self.starts)
        return total

    def dot(self, first: Floats, second: Floats) -> Floats:
        """Sum of the products of two columns within each group, shape (count,)."""
        if self.starts is None or len(self.starts) * FEW_ROWS > len(self.index):
            return self.sum(first * second)
        total = np.zeros(self.count)
        bounds = [*self.starts.tolist(), len(self.index)]
        runs = [slice(bounds[run], bounds[run + 1]) for run in range(len(self.starts))]
        total[self.index[self.starts]] = [np.dot(first[run], second[run]) for run in runs]
        return total

    def histogram(self, codes: NDArray[np.integer], size: int, valid: NDArray[np.bool_] | None) -> Floats:
        """Counts of each code from 0 to size - 1 among the valid rows of each group, shape (count, size)."""
        cell = self.index.astype(np.int64) * size
        cell += codes
        if valid is not None:
            cell[~valid] = self.count * size
        counted = np.bincount(cell, minlength=self.count * size + 1)[: self.count * size]
        return counted.reshape(self.count, size).astype(np.float64)


def sums_by_bin(
    group: NDArray[np.integer], groups: int, place: NDArray[np.integer], bins: int, columns: Sequence[Floats]
) -> Floats:
    """Number of rows, and sums of columns, in each bin of each group.

    Args:
        group: group of each row, shape (rows,).
        groups: number of groups.
        place: bin of each row, shape (rows,).
        bins: number of bins.
        columns: columns to add up, each of shape (rows,).

    Returns:
        Shape (groups, bins, 1 + columns).
    """
    code = group.astype(np.int64) * bins + place
    sums = [np.bincount(code, weights, groups * bins) for weights in (None, *columns)]
    return np.stack(sums, axis=1).astype(np.float64).reshape(groups, bins, len(sums))
