"""The whole procedure for one task: steps from lists, one after the other, then what the last step searches for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from abawbench.table import Floats, Rows
from abawbench.tuning.search.crossfit import Additive, Alternatives, Search
from abawbench.tuning.search.last_steps import LastStep
from abawbench.tuning.search.searches import best, can_win, plateau
from abawbench.tuning.steps.kinds import Smoothing, Step

Combination = tuple[Step, ...]
# combinations of steps that resamples choose among
MOST_COMBINATIONS = 40


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
    """What a procedure chose for some weightings: steps of its stages, and for each weighting that of the last step."""

    combination: Combination
    rows: Rows
    choices: Any


class Answers(Protocol):
    """The answers to the annotated rows after some steps."""

    def __call__(self, combination: Combination) -> Floats:
        """The answers to all rows, shape (rows, width)."""
        ...

    def statistics(self, last_step: LastStep, combinations: Sequence[Combination]) -> list[NDArray[Any]]:
        """What the approximations of the last step need, for several combinations."""
        ...


@dataclass(frozen=True, eq=False)
class Procedure:
    """A search through the stages in their order, and then that of the last step; see `crossfit.Search`.

    Each stage takes the step with the best figure after the steps that were taken before it. All of it happens within
    every fold.

    Attributes:
        last_step: the step that is searched after the stages.
        stages: lists of steps, in the order in which they are chosen and applied.
        answers: the answers to the annotated rows.
        flat: width of the flat top of which the middle is taken; None takes the peak.
        tell: called with what is done now.
    """

    last_step: LastStep
    stages: Sequence[Stage]
    answers: Answers
    flat: float | None = None
    tell: Callable[[str], None] = lambda _: None
    approximations: dict[Combination, Additive] = field(default_factory=dict[Combination, Additive])
    searches: dict[Combination, Search[Any]] = field(default_factory=dict[Combination, Search[Any]])

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return self._search(()).clusters

    def _approximate(self, combinations: Sequence[Combination]) -> None:
        new = [combination for combination in combinations if combination not in self.approximations]
        for combination, statistics in zip(new, self.answers.statistics(self.last_step, new), strict=True):
            self.approximations[combination] = self.last_step.approximation(statistics)

    def _search(self, combination: Combination) -> Search[Any]:
        if combination not in self.searches:
            self._approximate([combination])
            self.searches[combination] = self.last_step.search(
                self.answers(combination), self.approximations[combination]
            )
        return self.searches[combination]

    def fit(self, weights: Floats) -> list[Chosen]:
        """The combination and the choices of each weighting, in groups that took the same combination."""
        combinations: dict[Combination, Rows] = {(): np.arange(len(weights))}
        for stage in self.stages:
            combinations = self._staged(stage, combinations, weights)
        if self.last_step.name and any(combination not in self.searches for combination in combinations):
            self.tell(f"{self.last_step.name}: after {len(combinations)} combinations of steps")
        return [
            Chosen(combination, rows, self._search(combination).fit(weights[rows]))
            for combination, rows in combinations.items()
        ]

    def _staged(
        self, stage: Stage, combinations: Mapping[Combination, Rows], weights: Floats
    ) -> dict[Combination, Rows]:
        """The combinations after one more stage."""
        longer: dict[Combination, list[Rows]] = {}
        for number, (combination, rows) in enumerate(combinations.items(), start=1):
            options = [combination if step is None else (*combination, step) for step in stage.steps]
            if any(option not in self.approximations for option in options):
                beside = f", {number} of {len(combinations)}" if len(combinations) > 1 else ""
                self.tell(f"{stage.name}: {len(options)} settings{beside}")
            self._approximate(options)
            figures = np.stack([self._figures(option, weights[rows]) for option in options], axis=-1)
            places = _picked(figures, stage.steps, self.flat)
            for place in np.unique(places).tolist():
                longer.setdefault(options[place], []).append(rows[places == place])
        return {combination: np.concatenate(parts) for combination, parts in longer.items()}

    def _figures(self, combination: Combination, weights: Floats) -> Floats:
        approximation = self.approximations[combination]
        return approximation.choose(approximation.totals(weights, np.arange(weights.shape[1])))[1]

    def sums(self, choices: list[Chosen], weights: Floats) -> Floats:
        """The weighted statistics of what was chosen, shape (n, own axes)."""
        parts = [self._search(one.combination).sums(one.choices, weights[one.rows]) for one in choices]
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
        if len(self.approximations) <= MOST_COMBINATIONS:
            return self.last_step.notes
        return (
            f"resamples choose among at most {MOST_COMBINATIONS} of {len(self.approximations)} combinations of steps",
            *self.last_step.notes,
        )

    def value(self, sums: Floats) -> Floats:
        """The figure, shape (...)."""
        return self._search(()).value(sums)

    def steps(self, chosen: Chosen) -> Combination:
        """The steps of the first of some weightings."""
        last = self.last_step.step(chosen.choices)
        return chosen.combination if last is None else (*chosen.combination, last)

    def for_resamples(self) -> Alternatives:
        """The settings that can win in a resample, of the combinations that some fold chose and of the 40 best ones."""
        combinations = list(self.approximations)
        weights = np.append(np.ones((1, self.clusters)), 1 - np.eye(self.clusters), axis=0)
        figures = np.stack([self._figures(combination, weights) for combination in combinations], axis=-1)
        figures = np.where(np.isnan(figures), -np.inf, figures)
        keeps = can_win(figures[0], figures[1:], best(figures[0]))
        # the answers as they are stand first, so that nothing is chosen where nothing is better
        order = sorted(np.flatnonzero(keeps).tolist(), key=lambda place: -figures[0, place])[:MOST_COMBINATIONS]
        several: list[Additive] = []
        for combination in dict.fromkeys([(), *self.searches, *(combinations[place] for place in order)]):
            settings = self.last_step.for_resamples(self.approximations[combination], self.searches.get(combination))
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
