"""The whole procedure for one task: steps from lists, one after the other, then what the last step searches for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from abawbench.table import Floats, Rows
from abawbench.tuning.search.crossfit import Additive, Alternatives, Search
from abawbench.tuning.search.ends import View
from abawbench.tuning.search.searches import best, can_win, plateau
from abawbench.tuning.steps.kinds import Smoothing, Step

Way = tuple[Step, ...]
# ways that resamples choose among
MOST_WAYS = 40


@dataclass(frozen=True, eq=False)
class Stage:
    """A list of steps of which one is taken, or none.

    Attributes:
        name: name of the kind of step.
        steps: the steps; None stands for no step, and comes first.
    """

    name: str
    steps: tuple[Step | None, ...]


@dataclass(frozen=True, eq=False)
class Chosen:
    """What a procedure chose for some weightings: a way, and choices of its search for each of them."""

    way: Way
    rows: Rows
    choices: Any


class Answers(Protocol):
    """The answers to the annotated rows after some steps."""

    def __call__(self, way: Way) -> Floats:
        """The answers to all rows, shape (rows, width)."""
        ...

    def statistics(self, view: View, ways: Sequence[Way]) -> list[NDArray[Any]]:
        """What quick looks at several ways need."""
        ...


@dataclass(frozen=True, eq=False)
class Procedure:
    """A search through the stages in their order, and then the search of the view; see `crossfit.Search`.

    Each stage takes the step with the best figure after the steps that were taken before it. All of it happens within
    every fold.

    Attributes:
        view: the end of the steps.
        stages: lists of steps, in the order in which they are chosen and applied.
        answers: the answers to the annotated rows.
        flat: width of the flat top of which the middle is taken; None takes the peak.
        tell: called with what is done now.
    """

    view: View
    stages: Sequence[Stage]
    answers: Answers
    flat: float | None = None
    tell: Callable[[str], None] = lambda _: None
    looks: dict[Way, Additive] = field(default_factory=dict[Way, Additive])
    searches: dict[Way, Search[Any]] = field(default_factory=dict[Way, Search[Any]])

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return self._search(()).clusters

    def _look_at(self, ways: Sequence[Way]) -> None:
        new = [way for way in ways if way not in self.looks]
        for way, statistics in zip(new, self.answers.statistics(self.view, new), strict=True):
            self.looks[way] = self.view.look(statistics)

    def _search(self, way: Way) -> Search[Any]:
        if way not in self.searches:
            self._look_at([way])
            self.searches[way] = self.view.search(self.answers(way), self.looks[way])
        return self.searches[way]

    def fit(self, weights: Floats) -> list[Chosen]:
        """The way and the choices of each weighting, in groups that took the same way."""
        ways: dict[Way, Rows] = {(): np.arange(len(weights))}
        for stage in self.stages:
            ways = self._staged(stage, ways, weights)
        if self.view.name and any(way not in self.searches for way in ways):
            self.tell(f"{self.view.name}: after {len(ways)} ways")
        return [Chosen(way, rows, self._search(way).fit(weights[rows])) for way, rows in ways.items()]

    def _staged(self, stage: Stage, ways: Mapping[Way, Rows], weights: Floats) -> dict[Way, Rows]:
        """The ways after one more stage."""
        longer: dict[Way, list[Rows]] = {}
        for number, (way, rows) in enumerate(ways.items(), start=1):
            options = [way if step is None else (*way, step) for step in stage.steps]
            if any(option not in self.looks for option in options):
                beside = f", {number} of {len(ways)}" if len(ways) > 1 else ""
                self.tell(f"{stage.name}: {len(options)} settings{beside}")
            self._look_at(options)
            figures = np.stack([self._figures(option, weights[rows]) for option in options], axis=-1)
            places = _picked(figures, stage.steps, self.flat)
            for place in np.unique(places).tolist():
                longer.setdefault(options[place], []).append(rows[places == place])
        return {way: np.concatenate(parts) for way, parts in longer.items()}

    def _figures(self, way: Way, weights: Floats) -> Floats:
        look = self.looks[way]
        return look.choose(look.totals(weights, np.arange(weights.shape[1])))[1]

    def sums(self, choices: list[Chosen], weights: Floats) -> Floats:
        """The weighted statistics of what was chosen, shape (n, own axes)."""
        parts = [self._search(one.way).sums(one.choices, weights[one.rows]) for one in choices]
        result = np.empty((len(weights), *parts[0].shape[1:]))
        for one, part in zip(choices, parts, strict=True):
            result[one.rows] = part
        return result

    def untouched(self, weights: Floats) -> Floats:
        """The weighted statistics of the answers without any step, shape (n, own axes)."""
        return self._search(()).untouched(weights)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        if len(self.looks) <= MOST_WAYS:
            return self.view.notes
        return (
            f"resamples choose among at most {MOST_WAYS} of {len(self.looks)} ways that were tried",
            *self.view.notes,
        )

    def value(self, sums: Floats) -> Floats:
        """The figure, shape (...)."""
        return self._search(()).value(sums)

    def steps(self, chosen: Chosen) -> Way:
        """The steps of the first of some weightings."""
        last = self.view.step(chosen.choices)
        return chosen.way if last is None else (*chosen.way, last)

    def for_resamples(self) -> Alternatives:
        """The settings that can win in a resample: those of the ways that some fold chose, and of the 40 best ones."""
        ways = list(self.looks)
        weights = np.append(np.ones((1, self.clusters)), 1 - np.eye(self.clusters), axis=0)
        figures = np.stack([self._figures(way, weights) for way in ways], axis=-1)
        figures = np.where(np.isnan(figures), -np.inf, figures)
        keeps = can_win(figures[0], figures[1:], best(figures[0]))
        # the answers as they are stand first, so that nothing is chosen where nothing is better
        order = sorted(np.flatnonzero(keeps).tolist(), key=lambda place: -figures[0, place])[:MOST_WAYS]
        several: list[Additive] = []
        for way in dict.fromkeys([(), *self.searches, *(ways[place] for place in order)]):
            settings = self.view.for_resamples(self.looks[way], self.searches.get(way))
            several += [] if settings is None else [settings]
        return Alternatives(several, self)


def _picked(figures: Floats, steps: Sequence[Step | None], flat: float | None) -> Rows:
    """The place of the chosen step for each weighting, shape (n,), from figures of shape (n, steps)."""
    top = best(figures)
    if flat is None:
        return top
    families = [(type(step), step.kind if isinstance(step, Smoothing) else "") for step in steps]
    chosen = top.copy()
    for family in set(families):
        # the middle between steps of one kind
        members = np.array([place for place, own in enumerate(families) if own == family])
        rows = np.isin(top, members)
        if rows.any() and len(members) > 1:
            chosen[rows] = members[plateau(figures[np.ix_(rows, members)], np.arange(float(len(members))), flat)]
    return chosen
