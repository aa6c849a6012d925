"""Searches for `crossfit`: the best of some candidates, for each part alone or for all together, and coordinate ascent.

Ties go to the earlier candidate, so that a setting is left as it is where nothing is better.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from abawbench.table import Floats, Mask, Rows
from abawbench.tuning.search.crossfit import Alternatives

Real = TypeVar("Real", np.float32, np.float64)
Choice = TypeVar("Choice", bound=Hashable)

# cells of the sums of all candidates that are held at a time: 64 MB
BLOCK_CELLS = 1 << 23
# figures within this of the best one form the flat top of which `plateau` takes the middle
FLAT = 0.005
# standard errors below the best one at which a setting wins in about one of 30,000 resamples
UNBEATEN = 4.0
# settings of one ascent that resamples choose among
MOST_POINTS = 100
# a climb goes on only for more than this
LEAST_RISE = 1e-12


def best(values: Floats) -> Rows:
    """The first place of the greatest value on the last axis, shape (...); undefined values never win."""
    return np.where(np.isnan(values), -np.inf, values).argmax(-1)


def can_win(figures: Floats, without: Floats, top: Rows) -> Mask:
    """True for each setting that is less than four standard errors below the best one, shape (..., settings).

    The standard error is that of the difference between the two, by the jackknife.

    Args:
        figures: figures on all clusters, shape (..., settings).
        without: figures with each cluster left out, shape (clusters, ..., settings).
        top: place of the best one, shape (...).
    """
    clusters = len(without)
    below = np.take_along_axis(figures, top[..., None], -1) - figures
    changed = np.take_along_axis(without, np.broadcast_to(top[..., None], (*without.shape[:-1], 1)), -1) - without
    error = np.sqrt(np.square(changed - below).mean(0) * (clusters - 1))
    return below <= UNBEATEN * error


def plateau(values: Floats, positions: Floats, flat: float = FLAT) -> Rows:
    """The middle of the flat top: the candidate next to the middle of the run around the best one.

    Args:
        values: figure of each candidate, shape (..., candidates), candidates in order.
        positions: position of each candidate, shape (candidates,), rising.
        flat: a candidate belongs to the top if it is at most this much below the best.

    >>> plateau(np.array([0.1, 0.5, 0.503, 0.501, 0.2]), np.array([0.1, 0.2, 0.3, 0.4, 0.5])).tolist()
    2
    """
    known = np.where(np.isnan(values), -np.inf, values)
    peak = known.argmax(-1)[..., None]
    below = known < np.take_along_axis(known, peak, -1) - flat
    index = np.arange(known.shape[-1])
    first = np.where(below & (index < peak), index, -1).max(-1) + 1
    last = np.where(below & (index > peak), index, len(index)).min(-1) - 1
    middle = (positions[first] + positions[last]) / 2
    nearest = np.abs(positions - middle[..., None])
    # none outside of the run can be nearer than its ends, and nothing is chosen where nothing is defined
    return np.where(np.isneginf(np.take_along_axis(known, peak, -1)[..., 0]), 0, nearest.argmin(-1))


def weighted_sums(weights: NDArray[Real], statistics: NDArray[Real], clusters_axis: int = 0) -> NDArray[Real]:
    """Weighted sums of statistics over their clusters.

    Args:
        weights: weight of each cluster, shape (n, clusters).
        statistics: shape (clusters, cells...), or with the axis of the candidates before: (candidates, clusters, ...).
        clusters_axis: axis of the clusters, 0 or 1.

    Returns:
        Shape (n, cells...), or (candidates, n, cells...).
    """
    shape = statistics.shape
    flat = statistics.reshape(*shape[: clusters_axis + 1], -1)
    # the weightings side by side in memory: figures add up over short axes of cells, which is slow the other way round
    product: NDArray[Real] = np.matmul(np.swapaxes(flat, -1, -2), weights.T)
    return np.moveaxis(product.reshape(*shape[:clusters_axis], *shape[clusters_axis + 1 :], -1), -1, clusters_axis)


@dataclass(frozen=True, eq=False)
class Candidates:
    """The best of some candidates, for each part (a label, a column) alone.

    A choice that is joint, such as the offsets of all classes, has a single part.

    Attributes:
        statistics: statistics of the candidates, shape (candidates, clusters, parts, cells...).
        figure: function from statistics, shape (..., parts, cells...), to figures, shape (..., parts); the figure of
            all is their mean.
        default: place of the candidate that stands for no choice.
        pick: function from figures, shape (..., candidates), to the place of the chosen one, shape (...).
    """

    statistics: Floats
    figure: Callable[[Floats], Floats]
    default: int = 0
    pick: Callable[[Floats], Rows] = best

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return self.statistics.shape[1]

    def totals(self, weights: Floats, clusters: Rows) -> Floats:
        """The weighted statistics of all candidates, shape (n, candidates, parts, cells...)."""
        return np.moveaxis(weighted_sums(weights, self.statistics[:, clusters], clusters_axis=1), 0, 1)

    def choose(self, totals: Floats) -> tuple[Rows, Floats]:
        """The chosen candidate of each part, shape (n, parts), and the figure of all, shape (n,)."""
        figures = np.moveaxis(self.figure(totals), 1, -1)
        choices = self.pick(figures)
        return choices, np.take_along_axis(figures, choices[..., None], -1)[..., 0].mean(-1)

    def take(self, totals: Floats, choices: Rows) -> Floats:
        """The statistics of the chosen candidates, shape (n, parts, cells...)."""
        return totals[np.arange(len(totals))[:, None], choices, np.arange(choices.shape[1])]

    def fit(self, weights: Floats) -> Rows:
        """The chosen candidate of each part, shape (n, parts)."""
        return np.concatenate([self.choose(self._all(part))[0] for part in self._blocks(weights)])

    def sums(self, choices: Rows, weights: Floats) -> Floats:
        """The weighted statistics of the chosen candidates, shape (n, parts, cells...)."""
        parts = zip(self._blocks(weights), self._blocks(choices), strict=True)
        return np.concatenate([self.take(self._all(part), own) for part, own in parts])

    def _all(self, weights: Floats) -> Floats:
        return self.totals(weights, np.arange(self.clusters))

    def _blocks(self, array: NDArray[Any]) -> Iterator[NDArray[Any]]:
        cells = len(self.statistics) * int(np.prod(self.statistics.shape[2:]))
        block = max(1, BLOCK_CELLS // cells)
        return (array[begin : begin + block] for begin in range(0, len(array), block))

    def untouched(self, weights: Floats) -> Floats:
        """The weighted statistics of the default, shape (n, parts, cells...)."""
        return weighted_sums(weights, self.statistics[self.default])

    def value(self, sums: Floats) -> Floats:
        """The mean of the figures of the parts, shape (...)."""
        return self.figure(sums).mean(-1)

    def for_resamples(self) -> Alternatives:
        """The same candidates."""
        return Alternatives((self,), self)


def compact(statistics: Floats) -> NDArray[Any]:
    """The same numbers in the smallest type that holds them: counts take an eighth of the memory, or a quarter.

    >>> compact(np.array([3.0, 200.0])).dtype, compact(np.array([0.5, 200.0])).dtype
    (dtype('uint8'), dtype('float64'))
    """
    least, greatest = statistics.min(initial=0), statistics.max(initial=0)
    if least < 0 or not greatest < 1 << 32:
        return statistics
    counts = statistics.astype(np.min_scalar_type(int(greatest)))
    return counts if np.array_equal(counts, statistics) else statistics


def grouped(choices: Mapping[int, Choice] | Sequence[Choice], rows: Iterable[int]) -> dict[Choice, list[int]]:
    """The rows of each choice."""
    groups: dict[Choice, list[int]] = {}
    for row in rows:
        groups.setdefault(choices[row], []).append(row)
    return groups


def sums_at(choices: Sequence[Choice], statistics_of: Callable[[Choice], Floats], weights: Floats) -> Floats:
    """The weighted statistics of the choice of each weighting, shape (n, cells...).

    Args:
        choices: one choice for each of n weightings, one at least.
        statistics_of: function from a choice to its statistics by cluster, shape (clusters, cells...).
        weights: weight of each cluster, shape (n, clusters).
    """
    result = np.zeros((len(choices), *statistics_of(choices[0]).shape[1:]))
    for choice, own in grouped(choices, range(len(choices))).items():
        result[own] = weighted_sums(weights[own], statistics_of(choice))
    return result


Point = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Ascent:
    """Coordinate ascent over settings that act together, as the offsets of classes.

    It begins at 0, tries a step up and a step down on each coordinate, goes where the figure rises most, and takes the
    next smaller step where it rises nowhere. The statistics of a point are computed once.

    Attributes:
        statistics_of: function from a point to the statistics of the clusters there, shape (clusters, cells...).
        figure: function from statistics, shape (..., cells...), to figures, shape (...).
        axes: number of coordinates.
        steps: lengths of the steps, falling.
        reach: greatest distance from 0 on each coordinate.
    """

    statistics_of: Callable[[Point], Floats]
    figure: Callable[[Floats], Floats]
    axes: int
    steps: Sequence[float] = (1.0, 0.5, 0.25)
    reach: float = 3.0
    visited: dict[Point, NDArray[Any]] = field(default_factory=dict[Point, NDArray[Any]])

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self._at(self._origin))

    @property
    def _origin(self) -> Point:
        return (0.0,) * self.axes

    def _at(self, point: Point) -> Floats:
        if point not in self.visited:
            self.visited[point] = compact(self.statistics_of(point))
        return self.visited[point].astype(np.float64)

    def _neighbours(self, point: Point, step: float) -> list[Point]:
        moved = [
            (*point[:axis], point[axis] + way, *point[axis + 1 :]) for axis in range(self.axes) for way in (step, -step)
        ]
        return [other for other in moved if max(map(abs, other)) <= self.reach]

    def _figures(self, point: Point, weights: Floats) -> Floats:
        found = self.figure(weighted_sums(weights, self._at(point)))
        return np.where(np.isnan(found), -np.inf, found)

    def fit(self, weights: Floats) -> list[Point]:
        """The point where each weighting's climb ends."""
        ends: list[Point] = [self._origin] * len(weights)
        climbing: dict[Point, Rows] = {self._origin: np.arange(len(weights))}
        for step in self.steps:
            climbing = self._climb(climbing, step, weights)
        for point, rows in climbing.items():
            for row in rows.tolist():
                ends[row] = point
        return ends

    def _climb(self, climbing: dict[Point, Rows], step: float, weights: Floats) -> dict[Point, Rows]:
        """Climb by steps of one length: weightings at the same point go on together until none can rise."""
        arrived: dict[Point, Rows] = {}
        while climbing:
            onward: dict[Point, Rows] = {}
            for point, rows in climbing.items():
                options = [point, *self._neighbours(point, step)]
                figures = np.stack([self._figures(option, weights[rows]) for option in options], axis=-1)
                # rounding alone is no reason to move, or a climb could go round for ever
                figures[:, 0] += LEAST_RISE
                chosen = best(figures)
                for place in np.unique(chosen).tolist():
                    target = onward if place else arrived
                    moved = rows[chosen == place]
                    before = target.get(options[place])
                    target[options[place]] = moved if before is None else np.concatenate([before, moved])
            climbing = onward
        return arrived

    def sums(self, choices: list[Point], weights: Floats) -> Floats:
        """The weighted statistics at the points, shape (n, cells...)."""
        return sums_at(choices, self._at, weights)

    def untouched(self, weights: Floats) -> Floats:
        """The weighted statistics at 0, shape (n, cells...)."""
        return weighted_sums(weights, self._at(self._origin))

    def value(self, sums: Floats) -> Floats:
        """The figure, shape (...)."""
        return self.figure(sums)

    def for_resamples(self) -> Alternatives:
        """The points that the climbs on all clusters and on the folds visited, without those that cannot win."""
        return Alternatives((Points.of(self.visited, self.figure).narrowed(),), self)


@dataclass(frozen=True, eq=False)
class Points:
    """Points of joint settings, with additive statistics; see `crossfit.Additive`.

    Attributes:
        statistics: shape (points, clusters, cells...); counts of any type, or moments.
        figure: function from statistics, shape (..., cells...), to figures, shape (...).
    """

    statistics: NDArray[Any]
    figure: Callable[[Floats], Floats]

    @staticmethod
    def of(visited: Mapping[Any, NDArray[Any]], figure: Callable[[Floats], Floats]) -> Points:
        """The points that a search visited, from the statistics of each, shape (clusters, cells...)."""
        return Points(np.stack(list(visited.values())), figure)

    def totals(self, weights: Floats, clusters: Rows) -> Floats:
        """The weighted statistics of all points, shape (n, points, cells...)."""
        statistics = self.statistics[:, clusters].astype(np.float64)
        return np.moveaxis(weighted_sums(weights, statistics, clusters_axis=1), 0, 1)

    def choose(self, totals: Floats) -> tuple[Rows, Floats]:
        """The best point, shape (n,), and its figure."""
        figures = self.figure(totals)
        choices = best(figures)
        return choices, np.take_along_axis(figures, choices[:, None], 1)[:, 0]

    def take(self, totals: Floats, choices: Rows) -> Floats:
        """The statistics of the chosen points, shape (n, cells...)."""
        return totals[np.arange(len(totals)), choices]

    def narrowed(self) -> Points:
        """The points that can win in a resample, at most the 100 best ones; the first one stays."""
        total = self.statistics.sum(1, dtype=np.float64)
        figures = self.figure(total)
        without = np.stack([self.figure(total - one) for one in np.moveaxis(self.statistics, 1, 0)])
        keeps = can_win(figures, without, best(figures))
        keeps[0] = True
        places = np.flatnonzero(keeps)
        places = np.sort(places[np.argsort(-figures[places], kind="stable")[:MOST_POINTS]])
        return Points(self.statistics[np.union1d(places, [0])], self.figure)
