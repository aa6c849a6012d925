"""Weighted means of the answers of several members, and their statistics by cluster for any weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.challenges.model import Part
from abawbench.entries.outputs import THRESHOLD
from abawbench.metrics.concordance import MOMENTS
from abawbench.metrics.f1 import FALSE_NEGATIVE, FALSE_POSITIVE, NEITHER, TRUE_POSITIVE
from abawbench.scoring.criteria import criterion_of
from abawbench.table import Floats, Rows, Values

# the rows of a cluster fill whole bytes of bits
BITS = 8
# value of a row that fills up a byte: no label is present in it
NO_LABEL = -1.0


@dataclass(frozen=True, eq=False)
class MemberRows:
    """The answers of the members to the annotated rows of a task.

    Attributes:
        answers: shape (members, rows, width), without NaN.
        truth: values of the truth, in the type of the task's kind, shape (rows,) or (rows, columns).
        cluster: index of each row's cluster, shape (rows,).
        clusters: number of clusters; some may have no row.
        thresholds: function from weights, shape (members,), to the answer from which each label is present, shape
            (width,); None for 0.5.
    """

    answers: Floats
    truth: Values
    cluster: Rows
    clusters: int
    thresholds: Callable[[Floats], Floats] | None = None

    @property
    def members(self) -> int:
        """Number of members."""
        return len(self.answers)

    @property
    def width(self) -> int:
        """Number of columns of an answer."""
        return self.answers.shape[2]

    @cached_property
    def order(self) -> Rows:
        """The rows, those of a cluster next to each other."""
        return np.argsort(self.cluster, kind="stable")

    @cached_property
    def bounds(self) -> Rows:
        """Place in `order` of the first row of each cluster, and the number of rows, shape (clusters + 1,)."""
        return np.searchsorted(self.cluster[self.order], np.arange(self.clusters + 1))


# a member, and what is added to its weight
Move = tuple[int, float]


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
        pilots: value that truth and answers of each column are centred by, shape (width,).
    """

    def __init__(self, rows: MemberRows, pilots: Floats) -> None:
        self.members = rows.members
        shape = (rows.clusters, rows.width)
        self._truth = np.zeros((*shape, 3))
        self._sums = np.zeros((*shape, rows.members, 2))
        self._products = np.zeros((*shape, rows.members, rows.members))
        truth = rows.truth - pilots
        for cluster, (begin, end) in enumerate(zip(rows.bounds[:-1], rows.bounds[1:], strict=True)):
            own = rows.order[begin:end]
            for column in range(rows.width):
                x, y = truth[own, column], rows.answers[:, own, column] - pilots[column]
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
    """Means of the probabilities of classes: the most probable class of each row, counted against the truth."""

    def __init__(self, rows: MemberRows) -> None:
        self.members = rows.members
        self._clusters, self._classes = rows.clusters, rows.width
        # classes first: comparisons of whole columns
        self._answers = np.ascontiguousarray(rows.answers.transpose(0, 2, 1))
        self._codes = (rows.cluster * rows.width + rows.truth) * rows.width

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
    """Means of the probabilities of labels: eight decided rows to a byte, counted against the bits of the truth."""

    def __init__(self, rows: MemberRows) -> None:
        self.members = rows.members
        self._clusters = rows.clusters
        self._thresholds = rows.thresholds
        counts = np.diff(rows.bounds)
        sizes = -(-counts // BITS) * BITS
        ends = np.cumsum(sizes)
        # the place of each row among the rows of whole bytes
        place = np.arange(len(rows.order)) + np.repeat(ends - sizes - rows.bounds[:-1], counts)
        total = int(ends[-1]) if len(ends) else 0
        self._answers = np.full((rows.members, rows.width, total), NO_LABEL)
        for own, answers in zip(self._answers, rows.answers, strict=True):
            own[:, place] = answers[rows.order].T
        truth = np.zeros((rows.width, total), bool)
        truth[:, place] = rows.truth[rows.order].T == 1
        self._truth = np.packbits(truth, axis=-1)
        self._filled = np.flatnonzero(counts)
        self._starts = ((ends - sizes) // BITS)[self._filled]
        self._rows = counts.astype(np.float64)
        self._positives = self._by_cluster(self._truth)

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
        predicted, hits = self._by_cluster(bits), self._by_cluster(bits & self._truth)
        result = np.empty((*hits.shape, 4))
        result[..., TRUE_POSITIVE] = hits
        result[..., FALSE_POSITIVE] = predicted - hits
        result[..., FALSE_NEGATIVE] = self._positives - hits
        result[..., NEITHER] = self._rows[:, None] - predicted - self._positives + hits
        return result

    def _by_cluster(self, bits: NDArray[np.uint8]) -> Floats:
        """Number of bits that are 1, shape (clusters, width)."""
        result = np.zeros((self._clusters, len(bits)))
        if len(self._starts):
            result[self._filled] = np.add.reduceat(np.bitwise_count(bits), self._starts, axis=1, dtype=np.int64).T
        return result


BLENDS: Mapping[type[Task], Callable[[MemberRows, Floats], Blend]] = {
    Continuous: MomentBlend,
    Categorical: lambda rows, _: ClassBlend(rows),
    MultiLabel: lambda rows, _: LabelBlend(rows),
}
"""The blend of members by kind of task, from their rows and the pilot of each real-valued column."""


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


def figure_of(challenge: Challenge, task: Task, pilots: Sequence[Floats] = ()) -> Callable[[Floats], Floats]:
    """The function from a task's statistics, shape (..., width, cells), to its part of the score, shape (...).

    Args:
        challenge: the challenge; where it has no score, the first figure that it reports counts.
        task: the task.
        pilots: pilots of a real-valued task, one array; none for others.
    """
    term = challenge.metric.term(task.name)
    parts = term.parts if term else (Part(challenge.metric.reports(task.name).criteria[0], 1.0),)
    criteria = [(part.weight, criterion_of(task, part.criterion)) for part in parts]

    def figure(sums: Floats) -> Floats:
        total = np.zeros(sums.shape[:-2])
        for weight, criterion in criteria:
            value = criterion.value(sums, *pilots)
            total = total + weight * (value.mean(-1) if criterion.parts else value)
        return total

    return figure
