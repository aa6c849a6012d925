"""Searches for the weights of an ensemble: greedy selection with replacement, and ascent on the simplex."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from abawbench.table import Floats
from abawbench.tuning.ensembles.blends import Blend
from abawbench.tuning.inputs.labelled import Figure
from abawbench.tuning.search.crossfit import Alternatives
from abawbench.tuning.search.searches import (
    LEAST_RISE,
    Ascent,
    Candidates,
    Point,
    Points,
    best,
    grouped,
    sums_at,
    weighted_sums,
)

Bag = tuple[int, ...]

# picks of the greedy selection, and how many of them in a row may bring nothing
PICKS = 20
PATIENCE = 3
# best members that a greedy selection may begin with
FIRST = 10
# shares that are moved on the simplex, falling
STEPS = (0.5, 0.25, 0.125, 0.0625)


@dataclass(frozen=True, eq=False)
class Greedy:
    """Greedy selection with replacement: the member is added that makes the mean best, again and again.

    It begins with the best 1 to 10 members, or all, whichever are best together ("sorted initialisation"), and the best
    bag on the way is chosen, the first of equal ones. So it is never worse, where it searches, than the best member or
    equal weights. The statistics of a bag are computed once, for all folds and resamples.

    Attributes:
        blend: the members.
        figure: function from statistics, shape (..., width, cells), to figures, shape (...).
        picks: greatest number of members in the bag, counted with repetition.
        visited: statistics of each bag that was tried, shape (clusters, width, cells).

    Source: Caruana et al. 2004, ICML, Ensemble Selection from Libraries of Models.
    """

    blend: Blend
    figure: Figure
    picks: int = PICKS
    visited: dict[Bag, Floats] = field(default_factory=dict[Bag, Floats])

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self._at((1,) * self.blend.members))

    def _at(self, bag: Bag) -> Floats:
        if bag not in self.visited:
            self.visited[bag] = self.blend.of(np.array(bag, np.float64))
        return self.visited[bag]

    def _larger(self, bag: Bag) -> tuple[list[Bag], Floats]:
        """The bags with one more member, and their statistics, shape (members, clusters, width, cells)."""
        larger = [(*bag[:member], bag[member] + 1, *bag[member + 1 :]) for member in range(len(bag))]
        if not all(one in self.visited for one in larger):
            moves = [(member, 1.0) for member in range(len(bag))]
            self.visited.update(zip(larger, self.blend.moved(np.array(bag, np.float64), moves), strict=True))
        return larger, np.stack([self.visited[one] for one in larger])

    def fit(self, weights: Floats) -> list[Bag]:
        """The chosen bag of each weighting."""
        chosen, highest = self._begin(weights)
        since = np.zeros(len(weights), np.int64)
        growing = grouped(chosen, range(len(weights)))
        for _ in range(self.picks):
            grown: dict[int, Bag] = {}
            for bag, rows in growing.items():
                larger, statistics = self._larger(bag)
                figures = np.moveaxis(self.figure(weighted_sums(weights[rows], statistics, clusters_axis=1)), 0, -1)
                for row, member, values in zip(rows, best(figures).tolist(), figures, strict=True):
                    grown[row] = larger[member]
                    since[row] += 1
                    if values[member] > highest[row] + LEAST_RISE:
                        highest[row], chosen[row], since[row] = values[member], larger[member], 0
            growing = grouped(grown, [row for row in grown if since[row] < PATIENCE])
        return chosen

    def _begin(self, weights: Floats) -> tuple[list[Bag], Floats]:
        """The bag that each weighting begins with, and its figure."""
        members = self.blend.members
        _, statistics = self._larger((0,) * members)
        figures = np.moveaxis(self.figure(weighted_sums(weights, statistics, clusters_axis=1)), 0, -1)
        orders = np.argsort(-np.nan_to_num(figures, nan=-np.inf), axis=-1, kind="stable")
        chosen: list[Bag] = []
        highest = np.empty(len(weights))
        for row, order in enumerate(orders.tolist()):
            sizes = [*range(1, min(FIRST, members - 1) + 1), members]
            bags = [tuple(int(member in order[:size]) for member in range(members)) for size in sizes]
            own = weights[row : row + 1]
            values = np.concatenate([self.figure(weighted_sums(own, self._at(bag))) for bag in bags])
            place = int(best(values))
            chosen.append(bags[place])
            highest[row] = values[place]
        return chosen, np.nan_to_num(highest, nan=-np.inf)

    def sums(self, choices: list[Bag], weights: Floats) -> Floats:
        """The weighted statistics of the bags, shape (n, width, cells)."""
        return sums_at(choices, self._at, weights)

    def untouched(self, weights: Floats) -> Floats:
        """The weighted statistics of equal weights, shape (n, width, cells)."""
        return weighted_sums(weights, self._at((1,) * self.blend.members))

    def value(self, sums: Floats) -> Floats:
        """The figure, shape (...)."""
        return self.figure(sums)

    def for_resamples(self) -> Alternatives:
        """The bags that were tried, without those that cannot win."""
        return Alternatives((Points.of(self.visited, self.figure).narrowed(),), self)


@dataclass(frozen=True, eq=False)
class Simplex(Ascent):
    """Ascent over weights that sum to 1, from equal ones: shares are moved to one member, or taken from it.

    Attributes:
        blend: the members, whose statistics after a move are cheap.
    """

    blend: Blend | None = None

    @property
    def _origin(self) -> Point:
        return (1 / self.axes,) * self.axes

    def _neighbours(self, point: Point, step: float) -> list[Point]:
        assert self.blend is not None
        own = np.array(point)
        # in proportion, a share moved to a member is an amount added to it
        moves = [(member, step / (1 - step)) for member in range(self.axes)]
        moves += [(member, -min(step, point[member])) for member in range(self.axes) if 0 < point[member] < 1]
        options: list[Point] = []
        for member, amount in moves:
            later = own.copy()
            later[member] = max(later[member] + amount, 0.0)
            options.append(tuple((later / later.sum()).tolist()))
        new = [place for place, option in enumerate(options) if option not in self.visited]
        if new:
            statistics = self.blend.moved(own, [moves[place] for place in new])
            self.visited.update({options[place]: one for place, one in zip(new, statistics, strict=True)})
        return options


def simplex(blend: Blend, figure: Figure) -> Simplex:
    """The ascent over the weights of a blend's members, with steps of a half to a sixteenth."""
    return Simplex(lambda point: blend.of(np.array(point)), figure, blend.members, STEPS, blend=blend)


def joint(statistics: Floats, figure: Figure) -> Candidates:
    """The search for the best of some candidates by one figure, from shape (candidates, clusters, width, cells)."""
    return Candidates(statistics[:, :, None], figure)
