"""Thresholds of labels: every one that matters, through cumulative counts by cluster.

Probabilities are coded to 1/65,536, so a threshold is a multiple of it and a comparison with it is exact. A lower
threshold pays only where it lets in a positive, so the candidates are the codes of the positives, and 0.5. Of equally
good ones the highest is taken: that is always the code of a positive that counts, never of one that is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.entries.outputs import THRESHOLD
from abawbench.metrics.f1 import FALSE_NEGATIVE, FALSE_POSITIVE, NEITHER, TRUE_POSITIVE
from abawbench.table import Floats, Mask, Rows
from abawbench.tuning.inputs.labelled import Figure, Labelled
from abawbench.tuning.search.crossfit import Alternatives
from abawbench.tuning.search.searches import can_win, plateau, weighted_sums

CODES = 1 << 16
DEFAULT = round(THRESHOLD * CODES)
# levels of the first pass, which bounds where the best threshold can be
LEVELS = 128
# levels that resamples choose among
RESAMPLED_LEVELS = 32

Codes = NDArray[np.int32]
Counts = NDArray[np.unsignedinteger]


def codes_of(probability: Floats) -> Codes:
    """Probabilities as whole numbers from 0 to 65,536, rounded down."""
    return (probability * CODES).astype(np.int32)


def levels_of(codes: Codes) -> Codes:
    """At most 128 codes, rising: that of 0.5, and those that a share of the rows reaches, each 6 % less than the last.

    The labels have no part in it, so they decide nothing on rows that a fold leaves out.

    Args:
        codes: shape (rows,), one at least.
    """
    counts = np.bincount(codes, minlength=CODES + 1)
    shares = 2.0 ** -(np.arange(LEVELS - 1) / 12)
    ranks = len(codes) - np.ceil(shares * len(codes)).astype(np.int64)
    return np.union1d(np.searchsorted(np.cumsum(counts), ranks, side="right"), [DEFAULT]).astype(np.int32)


def cells_at(counts: Floats) -> Floats:
    """Label counts at each level, shape (..., levels, 4), from cumulative counts, shape (..., 1 + levels, 2).

    Args:
        counts: numbers of negatives and of positives: all, then those at each level or above.
    """
    everything, above = counts[..., :1, :], counts[..., 1:, :]
    below = everything - above
    # one cell after the other in memory
    return np.moveaxis(np.stack([below[..., 0], above[..., 0], below[..., 1], above[..., 1]]), 0, -1)


def cumulative(histogram: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts of all, then of those at each level or above, from counts below the first level and of each level."""
    return histogram[..., ::-1, :].cumsum(-2)[..., ::-1, :]


@dataclass(frozen=True, eq=False)
class Levels:
    """Thresholds at some levels, with additive statistics; see `crossfit.Additive`.

    Attributes:
        edges: codes of the levels, shape (labels, levels), rising; repeated at the end where a label has fewer.
        counts: cumulative counts by cluster, shape (clusters, labels, 1 + levels, 2): negatives and positives.
        figure: function from label counts, shape (..., 4), to the figure of a label, shape (...); it rises with the
            true positives and falls with the false ones.
        flat: width of the flat top of which the middle is taken; None takes the peak.
    """

    edges: Codes
    counts: Counts
    figure: Figure
    flat: float | None = None

    def totals(self, weights: Floats, clusters: Rows) -> Floats:
        """The weighted counts, shape (n, labels, 1 + levels, 2)."""
        counts = self.counts[clusters]
        if self.counts[:, 0, 0].sum(dtype=np.float64) < 1 << 22:
            # whole numbers below 2 ** 24 are exact in single precision; no resample has four times the rows
            return weighted_sums(weights.astype(np.float32), counts.astype(np.float32)).astype(np.float64)
        return weighted_sums(weights, counts.astype(np.float64))

    def choose(self, totals: Floats) -> tuple[Rows, Floats]:
        """The place of the best level of each label, shape (n, labels), and the mean of their figures."""
        figures = self.figure(cells_at(totals))
        choices = pick(figures, self.edges, self.flat)
        return choices, np.take_along_axis(figures, choices[..., None], -1)[..., 0].mean(-1)

    def take(self, totals: Floats, choices: Rows) -> Floats:
        """The label counts at the chosen levels, shape (n, labels, 4)."""
        return np.take_along_axis(cells_at(totals), choices[..., None, None], -2)[..., 0, :]

    def narrowed(self) -> Levels:
        """The levels that can win in a resample: those within a few standard errors of the best, at most 32."""
        total = self.counts.sum(0, dtype=np.float64)
        figures = self.figure(cells_at(total))
        top = pick(figures, self.edges, self.flat)
        keeps = can_win(figures, np.stack([self.figure(cells_at(total - one)) for one in self.counts]), top)
        keeps |= self.edges == DEFAULT
        most = min(RESAMPLED_LEVELS, int(keeps.sum(1).max()))
        chosen = zip(keeps, top.tolist(), strict=True)
        places = np.stack([_thinned(np.flatnonzero(keep), place, most) for keep, place in chosen])
        rows = np.concatenate([np.zeros((len(places), 1), np.int64), places + 1], axis=1)
        kept = np.take_along_axis(self.counts, rows[None, ..., None], 2)
        return Levels(np.take_along_axis(self.edges, places, 1), kept, self.figure, self.flat)


def _thinned(places: Rows, top: int, most: int) -> Rows:
    """At most so many places, the best one among them; the last is repeated where there are fewer."""
    if len(places) > most:
        nearest = int(np.searchsorted(places, top))
        # evenly spread, moved so that the best one is met
        spread = np.unique(np.round(np.linspace(0, len(places) - 1, most)).astype(np.int64))
        spread[np.abs(spread - nearest).argmin()] = nearest
        places = places[spread]
    return np.append(places, np.repeat(places[-1:], most - len(places)))


def pick(figures: Floats, edges: Codes, flat: float | None) -> Rows:
    """The place of the chosen level of each label, shape (n, labels); 0.5 where nothing is better.

    Args:
        figures: shape (..., labels, levels).
        edges: codes of the levels, shape (labels, levels).
        flat: width of the flat top of which the middle is taken; None takes the peak.
    """
    known = np.where(np.isnan(figures), -np.inf, figures)
    default = (edges == DEFAULT).argmax(-1)
    # the last of equally good ones
    top = known.shape[-1] - 1 - known[..., ::-1].argmax(-1)
    here = np.take_along_axis(known, np.broadcast_to(default, top.shape)[..., None], -1)[..., 0]
    is_better = np.take_along_axis(known, top[..., None], -1)[..., 0] > here
    if flat is not None:
        middles = [plateau(known[..., label, :], edges[label].astype(np.float64), flat) for label in range(len(edges))]
        top = np.stack(middles, axis=-1)
    return np.where(is_better, top, default)


@dataclass(frozen=True, eq=False)
class LevelCounter:
    """Counts the rows at some levels of all labels at once.

    Attributes:
        edges: codes of the levels, shape (labels, levels); see `Levels`.
        places: place of each code of each label among the counts of all labels, shape (labels * codes,).
        kind: type of whole numbers that holds the number of rows of any cluster.
    """

    edges: Codes
    places: NDArray[np.int32]
    kind: np.dtype[Any]

    @staticmethod
    def of(rows: Labelled, answers: Floats) -> LevelCounter:
        """The levels of answers, shape (rows, labels), by a part of the rows where they are very many."""
        step = max(1, len(answers) // CODES)
        edges = [levels_of(codes_of(column)) for column in answers[::step].T]
        most = max(map(len, edges))
        # the last one is repeated where a label has fewer
        edge = np.stack([np.append(own, np.repeat(own[-1:], most - len(own))) for own in edges])
        level = np.stack([np.searchsorted(own, np.arange(CODES + 1), side="right") for own in edge])
        places = (level + np.arange(len(edge))[:, None] * (most + 1)) * 2
        kind = np.min_scalar_type(int(np.bincount(rows.cluster).max(initial=0)))
        return LevelCounter(edge, places.astype(np.int32).ravel(), kind)

    def count(self, rows: Labelled, answers: Floats) -> Counts:
        """Cumulative counts by cluster, shape (clusters, labels, 1 + levels, 2): negatives and positives."""
        labels, bins = len(self.edges), 1 + self.edges.shape[1]
        # labels one after the other in memory
        codes = np.multiply(answers.T, CODES, order="C").astype(np.int64)
        codes += np.arange(labels)[:, None] * (CODES + 1)
        cell = np.add(np.take(self.places, codes), rows.truth.T, dtype=np.int64)
        cell += rows.cluster * (labels * bins * 2)
        counts = np.bincount(cell.ravel(), minlength=rows.clusters * labels * bins * 2)
        return cumulative(counts.reshape(rows.clusters, labels, bins, 2)).astype(self.kind)


def count_label(codes: Codes, rows: Labelled, label: int, edges: Codes) -> Counts:
    """Cumulative counts of one label by cluster, shape (clusters, 1 + levels, 2).

    Args:
        codes: codes of the label's probabilities, shape (rows,).
        rows: the annotated rows.
        label: place of the label.
        edges: codes of the levels, rising.
    """
    bins = 1 + len(edges)
    cell = np.searchsorted(edges, np.arange(CODES + 1), side="right")[codes]
    cell += rows.cluster * bins
    cell *= 2
    cell += rows.truth[:, label]
    counts = np.bincount(cell, minlength=rows.clusters * bins * 2).reshape(rows.clusters, bins, 2)
    return cumulative(counts).astype(np.min_scalar_type(len(codes)))


@dataclass(frozen=True, eq=False)
class Thresholds:
    """A search of every label for the best of all thresholds; see `crossfit.Search`.

    A first pass over 128 levels leaves the stretches between neighbouring levels that could hold something as good: no
    threshold in a stretch has more positives than its lower end, or fewer negatives than its upper end. There every
    candidate is tried. The middle of a flat top is taken among the levels alone.

    Attributes:
        rows: the annotated rows.
        answers: probabilities, shape (rows, labels).
        first: the first pass.
    """

    rows: Labelled
    answers: Floats
    first: Levels

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return self.rows.clusters

    def fit(self, weights: Floats) -> Codes:
        """The code of the best threshold of each label, shape (n, labels)."""
        coarse = self.first.totals(weights, np.arange(self.clusters))
        chosen = [self._fit(label, weights, coarse[:, label]) for label in range(self.rows.task.width)]
        return np.stack(chosen, axis=-1)

    def _fit(self, label: int, weights: Floats, coarse: Floats) -> Codes:
        edges = self.first.edges[label]
        figures = self.first.figure(cells_at(coarse))
        if self.first.flat is None:
            codes = codes_of(self.answers[:, label])
            inside = np.append(False, self._stretches(coarse, figures))
            is_open = inside[np.searchsorted(edges, np.arange(CODES + 1), side="right")]
            more = np.unique(codes[(self.rows.truth[:, label] > 0) & is_open[codes]])
            edges = np.union1d(more, [DEFAULT]).astype(np.int32)
            figures = self._figures(count_label(codes, self.rows, label, edges), weights)
        return edges[pick(figures[:, None], edges[None], self.first.flat)[:, 0]]

    def _figures(self, counts: Counts, weights: Floats) -> Floats:
        """The figure at each level, shape (n, levels)."""
        totals = np.empty((len(weights), *counts.shape[1:]))
        for begin in range(0, counts.shape[1], LEVELS):
            block = slice(begin, begin + LEVELS)
            totals[:, block] = weighted_sums(weights, counts[:, block].astype(np.float64))
        return self.first.figure(cells_at(totals))

    def _stretches(self, totals: Floats, figures: Floats) -> Mask:
        """True for each stretch, from a level to the next, that could hold something as good, shape (levels,)."""
        at = cells_at(totals)
        # negatives at the upper end; above the last level there is none
        above = np.concatenate([at[:, 1:], at[:, -1:]], axis=1)
        above[:, -1, NEITHER] += above[:, -1, FALSE_POSITIVE]
        above[:, -1, FALSE_POSITIVE] = 0
        hoped = np.stack(
            [above[..., NEITHER], above[..., FALSE_POSITIVE], at[..., FALSE_NEGATIVE], at[..., TRUE_POSITIVE]], axis=-1
        )
        return (self.first.figure(hoped) >= np.nanmax(figures, axis=1, keepdims=True, initial=-np.inf)).any(0)

    def sums(self, choices: Codes, weights: Floats) -> Floats:
        """The weighted label counts at the thresholds, shape (n, labels, 4)."""
        result = np.empty((len(weights), self.rows.task.width, 4))
        for label in range(self.rows.task.width):
            edges, places = np.unique(choices[:, label], return_inverse=True)
            counts = count_label(codes_of(self.answers[:, label]), self.rows, label, edges)
            at = cells_at(weighted_sums(weights, counts.astype(np.float64)))
            result[:, label] = at[np.arange(len(weights)), places]
        return result

    def untouched(self, weights: Floats) -> Floats:
        """The weighted label counts at 0.5, shape (n, labels, 4)."""
        totals = self.first.totals(weights, np.arange(self.clusters))
        default = np.broadcast_to((self.first.edges == DEFAULT).argmax(1), totals.shape[:2])
        return self.first.take(totals, default)

    def value(self, sums: Floats) -> Floats:
        """The mean of the figures of the labels, shape (...)."""
        return self.first.figure(sums).mean(-1)

    def for_resamples(self) -> Alternatives:
        """At most 32 levels of each label that can win in a resample."""
        return Alternatives((self.first.narrowed(),), self)


def threshold_search(rows: Labelled, answers: Floats, figure: Figure, flat: float | None = None) -> Thresholds:
    """A search for thresholds.

    Args:
        rows: the annotated rows.
        answers: probabilities, shape (rows, labels).
        figure: see `Levels`.
        flat: see `Levels`.
    """
    counter = LevelCounter.of(rows, answers)
    return Thresholds(rows, answers, Levels(counter.edges, counter.count(rows, answers), figure, flat))
