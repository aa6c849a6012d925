"""Weighted means of the answers of several members, and their statistics by cluster for any weights."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Continuous, MultiLabel
from abawbench.entries.outputs import THRESHOLD
from abawbench.metrics.concordance import MOMENTS
from abawbench.metrics.f1 import FALSE_NEGATIVE, FALSE_POSITIVE, NEITHER, TRUE_POSITIVE
from abawbench.table import Floats, Rows
from abawbench.tuning.inputs.labelled import Labelled

# the rows of a cluster fill whole bytes of bits
BITS = 8
# value of a row that fills up a byte: no label is present in it
NO_LABEL = -1.0


# a member, and what is added to its weight
Move = tuple[int, float]
Thresholds = Callable[[Floats], Floats]


class Blend(Protocol):
    """The additive statistics of weighted means; weights count relative to their sum."""

    @property
    def members(self) -> int:
        """Number of members."""
        ...

    def of(self, weights: Floats) -> Floats:
        """Statistics of the mean with these weights, shape (members,): shape (clusters, width, cells)."""
        ...

    def moved(self, weights: Floats, moves: Sequence[Move]) -> Floats:
        """Statistics after each move alone, shape (moves, clusters, width, cells); cheaper than those of weights."""
        ...


class MomentBlend:
    """Means of numbers: quadratic forms of the members' moments, so that no row is read for new weights.

    Args:
        rows: rows of a real-valued task.
        answers: answers of the members to these rows, shape (members, rows, width).
    """

    def __init__(self, rows: Labelled, answers: Floats) -> None:
        assert rows.pilots is not None
        self.members, width = len(answers), rows.task.width
        shape = (rows.clusters, width)
        self._truth = np.zeros((*shape, 3))
        self._sums = np.zeros((*shape, self.members, 2))
        self._products = np.zeros((*shape, self.members, self.members))
        truth, centre = rows.truth - rows.pilots[:, 0], rows.pilots[:, 1]
        order, bounds = _by_cluster(rows)
        for cluster, (begin, end) in enumerate(itertools.pairwise(bounds.tolist())):
            own = order[begin:end]
            for column in range(width):
                x, y = truth[own, column], answers[:, own, column] - centre[column]
                self._truth[cluster, column] = len(x), x.sum(), x @ x
                self._sums[cluster, column] = np.stack([y.sum(1), y @ x], axis=1)
                self._products[cluster, column] = y @ y.T

    def of(self, weights: Floats) -> Floats:
        """Statistics of the mean with these weights, as for `Blend`."""
        return self._at(weights[None])[0]

    def moved(self, weights: Floats, moves: Sequence[Move]) -> Floats:
        """Statistics after each move alone, as for `Blend`."""
        return self._at(np.stack([_after(weights, move) for move in moves]))

    def _at(self, weights: Floats) -> Floats:
        shares = weights / weights.sum(1, keepdims=True)
        sums = np.einsum("nm,kcms->nkcs", shares, self._sums)
        squares = np.einsum("nm,kcml,nl->nkc", shares, self._products, shares, optimize=True)
        result = np.empty((*squares.shape, MOMENTS))
        result[..., [0, 1, 3]] = self._truth
        result[..., 2], result[..., 4], result[..., 5] = sums[..., 0], squares, sums[..., 1]
        return result


class ClassBlend:
    """Means of the probabilities of classes: the most probable class of each row, counted against the truth.

    Args:
        rows: rows of a task of classes.
        answers: answers of the members to these rows, shape (members, rows, classes).
    """

    def __init__(self, rows: Labelled, answers: Floats) -> None:
        self.members = len(answers)
        self._clusters, self._classes = rows.clusters, rows.task.width
        # classes first: comparisons of whole columns
        self._answers = np.ascontiguousarray(answers.transpose(0, 2, 1))
        self._codes = (rows.cluster * self._classes + rows.truth) * self._classes

    def of(self, weights: Floats) -> Floats:
        """Statistics of the mean with these weights, as for `Blend`."""
        return self._counts(_weighted_sum(self._answers, weights))

    def moved(self, weights: Floats, moves: Sequence[Move]) -> Floats:
        """Statistics after each move alone, as for `Blend`."""
        base = _weighted_sum(self._answers, weights)
        return _for_each(lambda move: self._counts(base + _times(self._answers, move)), moves)

    def _counts(self, sums: Floats) -> Floats:
        highest, chosen = sums[0].copy(), np.zeros(sums.shape[1], np.int8)
        for place in range(1, self._classes):
            # of equal ones the first counts, as in `decide`
            chosen[sums[place] > highest] = place
            np.maximum(highest, sums[place], out=highest)
        shape = (self._clusters, self._classes, self._classes)
        counts = np.bincount(self._codes + chosen, minlength=int(np.prod(shape)))
        return counts.reshape(shape).astype(np.float64)


class LabelBlend:
    """Means of the probabilities of labels: eight decided rows to a byte, counted against the bits of the truth.

    Args:
        rows: rows of a task of labels.
        answers: answers of the members to these rows, shape (members, rows, labels).
        thresholds: function from weights, shape (members,), to the mean from which each label is present, shape
            (labels,); None for 0.5.
    """

    def __init__(self, rows: Labelled, answers: Floats, thresholds: Thresholds | None = None) -> None:
        self.members = len(answers)
        self._clusters, width = rows.clusters, rows.task.width
        self._thresholds = thresholds
        order, bounds = _by_cluster(rows)
        counts = np.diff(bounds)
        sizes = -(-counts // BITS) * BITS
        ends = np.cumsum(sizes)
        # the place of each row among the rows of whole bytes
        place = np.arange(len(order)) + np.repeat(ends - sizes - bounds[:-1], counts)
        total = int(ends[-1]) if len(ends) else 0
        self._answers = np.full((self.members, width, total), NO_LABEL)
        for own, values in zip(self._answers, answers, strict=True):
            own[:, place] = values[order].T
        truth = np.zeros((width, total), bool)
        truth[:, place] = rows.truth[order].T == 1
        self._truth = np.packbits(truth, axis=-1)
        self._filled = np.flatnonzero(counts)
        self._starts = ((ends - sizes) // BITS)[self._filled]
        self._rows = counts.astype(np.float64)
        self._positives = self._bits_of(self._truth)

    def of(self, weights: Floats) -> Floats:
        """Statistics of the mean with these weights, as for `Blend`."""
        bound = self._bound(weights)[:, None] * weights.sum()
        return self._counts(_weighted_sum(self._answers, weights) >= bound)

    def moved(self, weights: Floats, moves: Sequence[Move]) -> Floats:
        """Statistics after each move alone, as for `Blend`."""
        base = _weighted_sum(self._answers, weights) if weights.any() else 0.0

        def after(move: Move) -> Floats:
            later = _after(weights, move)
            bound = self._bound(later)[:, None] * later.sum()
            return self._counts(_times(self._answers, move) >= bound - base)

        return _for_each(after, moves)

    def _bound(self, weights: Floats) -> Floats:
        width = len(self._truth)
        return np.full(width, THRESHOLD) if self._thresholds is None else self._thresholds(weights)

    def _counts(self, decided: NDArray[np.bool_]) -> Floats:
        bits = np.packbits(decided, axis=-1)
        predicted, hits = self._bits_of(bits), self._bits_of(bits & self._truth)
        result = np.empty((*hits.shape, 4))
        result[..., TRUE_POSITIVE] = hits
        result[..., FALSE_POSITIVE] = predicted - hits
        result[..., FALSE_NEGATIVE] = self._positives - hits
        result[..., NEITHER] = self._rows[:, None] - predicted - self._positives + hits
        return result

    def _bits_of(self, bits: NDArray[np.uint8]) -> Floats:
        """Number of bits that are 1, shape (clusters, width)."""
        result = np.zeros((self._clusters, len(bits)))
        if len(self._starts):
            result[self._filled] = np.add.reduceat(np.bitwise_count(bits), self._starts, axis=1, dtype=np.int64).T
        return result


def blend_of(rows: Labelled, answers: Floats, thresholds: Thresholds | None = None) -> Blend:
    """The blend of members by the kind of their task.

    Args:
        rows: the annotated rows.
        answers: answers of the members to these rows, without NaN, shape (members, rows, width).
        thresholds: for labels, the mean from which each is present at given weights; None for 0.5.
    """
    match rows.task:
        case Continuous():
            return MomentBlend(rows, answers)
        case Categorical():
            return ClassBlend(rows, answers)
        case MultiLabel():
            return LabelBlend(rows, answers, thresholds)


def _by_cluster(rows: Labelled) -> tuple[Rows, Rows]:
    """The rows ordered by cluster, and the place of the first of each, with the number of rows at the end."""
    order = np.argsort(rows.cluster, kind="stable")
    return order, np.searchsorted(rows.cluster[order], np.arange(rows.clusters + 1))


def _weighted_sum(answers: Floats, weights: Floats) -> Floats:
    """The sum of the answers times weights, shape (width, rows)."""
    total = np.zeros(answers.shape[1:])
    for member in np.flatnonzero(weights).tolist():
        total += answers[member] if weights[member] == 1 else weights[member] * answers[member]
    return total


def _times(answers: Floats, move: Move) -> Floats:
    member, amount = move
    return answers[member] if amount == 1 else amount * answers[member]


def _after(weights: Floats, move: Move) -> Floats:
    member, amount = move
    later = weights.copy()
    # a member that is taken out leaves no rounding behind
    later[member] = max(later[member] + amount, 0.0)
    return later


def _for_each(statistics: Callable[[Move], Floats], moves: Sequence[Move]) -> Floats:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(statistics, moves)))
