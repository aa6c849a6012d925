"""What the last step of a task is: thresholds, offsets of classes, scale and offset, or none.

It is searched on the answers that the other steps leave; these are chosen by a fast approximation of the search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Challenge
from abawbench.metrics.concordance import concordance_from
from abawbench.scoring.criteria import criterion_of
from abawbench.table import Floats
from abawbench.tuning.inputs.labelled import Figure, Labelled, figure_of, whole_figure_of
from abawbench.tuning.search.affine import Lines
from abawbench.tuning.search.crossfit import Additive, Alternatives, Search
from abawbench.tuning.search.searches import Ascent, Point, Points, compact, weighted_sums
from abawbench.tuning.search.thresholds import CODES, DEFAULT, Codes, LevelCounter, Levels, Thresholds
from abawbench.tuning.steps.kinds import Affine, Line, Offsets, Step, steps_for
from abawbench.tuning.steps.kinds import Thresholds as ThresholdStep

# classes whose offsets are searched
MOST_CLASSES = 30

# counts or moments
Statistics = NDArray[Any]


class LastStep(Protocol):
    """The last step of a task."""

    @property
    def name(self) -> str:
        """What is searched, as a user calls it; empty where nothing is."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        ...

    def statistics(self, rows: Labelled, answers: Floats) -> Statistics:
        """What the approximation needs of some rows and their answers, shape (rows, width).

        By cluster, shape (clusters, ...); those of several parts of the rows add up.
        """
        ...

    def approximation(self, statistics: Statistics) -> Additive:
        """The approximation, from the statistics of all rows."""
        ...

    def search(self, answers: Floats, approximation: Additive) -> Search[Any]:
        """The search on the answers to all rows, shape (rows, width), given their approximation."""
        ...

    def for_resamples(self, approximation: Additive, search: Search[Any] | None) -> Additive | None:
        """The settings that resamples choose among; None for answers that are not searched, as no fold chose them."""
        ...

    def step(self, choices: Any) -> Step | None:
        """The step of the first of some choices; None where it changes nothing."""
        ...


@dataclass(frozen=True, eq=False)
class Fixed:
    """Answers as they are; see `crossfit.Search`.

    Attributes:
        statistics: statistics by cluster, shape (clusters, own axes).
        figure: function from statistics, shape (..., own axes), to the figure, shape (...).
    """

    statistics: Floats
    figure: Figure

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self.statistics)

    def fit(self, weights: Floats) -> None:
        """Nothing is chosen."""
        del weights

    def sums(self, choices: None, weights: Floats) -> Floats:
        """The weighted statistics, shape (n, own axes)."""
        del choices
        return weighted_sums(weights, self.statistics)

    def untouched(self, weights: Floats) -> Floats:
        """The weighted statistics, shape (n, own axes)."""
        return weighted_sums(weights, self.statistics)

    def value(self, sums: Floats) -> Floats:
        """The figure, shape (...)."""
        return self.figure(sums)

    def for_resamples(self) -> Alternatives:
        """The one setting."""
        return Alternatives((Points(self.statistics[None], self.figure),), self)


@dataclass(frozen=True, eq=False)
class AsTheyAre:
    """Answers that are decided as usual."""

    rows: Labelled
    figure: Figure

    @property
    def name(self) -> str:
        """What is searched."""
        return ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        return ()

    def statistics(self, rows: Labelled, answers: Floats) -> Statistics:
        """The statistics of the decided answers."""
        return rows.statistics(answers)

    def approximation(self, statistics: Statistics) -> Points:
        """The one setting."""
        return Points(statistics[None], self.figure)

    def search(self, answers: Floats, approximation: Additive) -> Search[Any]:
        """Nothing is searched."""
        del answers
        return Fixed(cast(Points, approximation).statistics[0], self.figure)

    def for_resamples(self, approximation: Additive, search: Search[Any] | None) -> Additive:
        """The one setting."""
        del search
        return approximation

    def step(self, choices: Any) -> None:
        """No step."""
        del choices


@dataclass(frozen=True, eq=False)
class ByThresholds:
    """Labels that are decided by thresholds of their own."""

    rows: Labelled
    figure: Figure
    flat: float | None
    counter: LevelCounter

    @property
    def name(self) -> str:
        """What is searched."""
        return "thresholds"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        return ("resamples choose among 32 thresholds of each label at most, those near the best",)

    def statistics(self, rows: Labelled, answers: Floats) -> Statistics:
        """Cumulative counts at some levels."""
        return self.counter.count(rows, answers)

    def approximation(self, statistics: Statistics) -> Levels:
        """Thresholds at some levels."""
        return Levels(self.counter.edges, statistics, self.figure, self.flat)

    def search(self, answers: Floats, approximation: Additive) -> Thresholds:
        """Every threshold."""
        return Thresholds(self.rows, answers, cast(Levels, approximation))

    def for_resamples(self, approximation: Additive, search: Search[Any] | None) -> Levels:
        """The levels that can win."""
        del search
        return cast(Levels, approximation).narrowed()

    def step(self, choices: Codes) -> ThresholdStep | None:
        """Thresholds of the labels whose threshold is not 0.5."""
        own = zip(self.rows.task.outputs, choices[0].tolist(), strict=True)
        values = {name: code / CODES for name, code in own if code != DEFAULT}
        return ThresholdStep(values) if values else None


@dataclass(frozen=True, eq=False)
class ByOffsets:
    """Classes whose log-probabilities get offsets; other steps are chosen without them."""

    rows: Labelled
    figure: Figure

    @property
    def name(self) -> str:
        """What is searched."""
        return "offsets"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        return (
            "other steps are chosen before the offsets",
            "resamples choose among the offsets that the search visited on all videos and on the folds",
        )

    def statistics(self, rows: Labelled, answers: Floats) -> Statistics:
        """The statistics of the answers without offsets."""
        return rows.statistics(answers)

    def approximation(self, statistics: Statistics) -> Points:
        """Answers without offsets."""
        return Points(compact(statistics)[None], self.figure)

    def search(self, answers: Floats, approximation: Additive) -> Ascent:
        """Coordinate ascent over the offsets."""
        del approximation
        # one class after the other in memory
        columns = np.asfortranarray(answers)

        def statistics_of(point: Point) -> Floats:
            return self.rows.statistics(columns * np.exp(np.array(point)))

        return Ascent(statistics_of, self.figure, self.rows.task.width)

    def for_resamples(self, approximation: Additive, search: Search[Any] | None) -> Additive | None:
        """The offsets that the ascents visited, on answers that some fold chose."""
        del approximation
        return None if search is None else cast(Alternatives, search.for_resamples()).several[0]

    def step(self, choices: list[Point]) -> Offsets | None:
        """Offsets of the classes whose offset is not 0."""
        values = {name: value for name, value in zip(self.rows.task.outputs, choices[0], strict=True) if value}
        return Offsets(values) if values else None


@dataclass(frozen=True, eq=False)
class ClippedLines:
    """The best scale and offset of every column, with values clipped to their range; see `crossfit.Search`."""

    rows: Labelled
    answers: Floats
    lines: Lines

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return self.lines.clusters

    def fit(self, weights: Floats) -> Floats:
        """Scale and offset of each column, shape (n, columns, 2)."""
        return self.lines.fit(weights)

    def sums(self, choices: Floats, weights: Floats) -> Floats:
        """The weighted moments of the clipped values, shape (n, columns, 6)."""
        result: list[Floats] = []
        for (scale, offset), weight in zip(np.moveaxis(choices, -1, 1), weights, strict=True):
            counted = (weight != 0)[self.rows.cluster]
            part = self.rows.only(counted)
            moments = part.statistics(self.answers[counted] * scale + offset)
            result.append(weighted_sums(weight[None], moments))
        return np.concatenate(result)

    def untouched(self, weights: Floats) -> Floats:
        """The weighted moments of the answers, shape (n, columns, 6)."""
        return self.lines.untouched(weights)

    def value(self, sums: Floats) -> Floats:
        """The mean of the figures of the columns, shape (...)."""
        return self.lines.value(sums)

    def for_resamples(self) -> Alternatives:
        """The same without clipping."""
        return Alternatives((self.lines,), self)


@dataclass(frozen=True, eq=False)
class ByLines:
    """Columns that get a scale and an offset."""

    rows: Labelled
    figure: Figure

    @property
    def name(self) -> str:
        """What is searched."""
        return "affine"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        return ("resamples do not clip values to their range",)

    def statistics(self, rows: Labelled, answers: Floats) -> Statistics:
        """The moments of the answers."""
        return rows.statistics(answers)

    def approximation(self, statistics: Statistics) -> Lines:
        """The best scales and offsets without clipping."""
        assert self.rows.pilots is not None
        return Lines(statistics, self.rows.pilots, self.figure)

    def search(self, answers: Floats, approximation: Additive) -> ClippedLines:
        """The best scales and offsets with clipping."""
        return ClippedLines(self.rows, answers, cast(Lines, approximation))

    def for_resamples(self, approximation: Additive, search: Search[Any] | None) -> Additive:
        """The same without clipping."""
        del search
        return approximation

    def step(self, choices: Floats) -> Affine:
        """Scale and offset of each column."""
        pairs = zip(self.rows.task.outputs, choices[0].tolist(), strict=True)
        return Affine({name: Line(scale, offset) for name, (scale, offset) in pairs})


def last_step_of(
    challenge: Challenge, rows: Labelled, answers: Floats, steps: set[str], flat: float | None
) -> LastStep:
    """The last step of a task for the kinds of steps that are tuned.

    Scale and offset are searched only for concordance, since a correlation does not change with them. Offsets are
    searched for at most 30 classes, since hundreds of people have no priors to mend.

    Args:
        challenge: the challenge.
        rows: the annotated rows.
        answers: the answers to them before any step, shape (rows, width).
        steps: names of the kinds of steps.
        flat: width of the flat top of which the middle is taken; None takes the peak.
    """
    figure, whole = figure_of(challenge, rows), whole_figure_of(challenge, rows)
    term = challenge.metric.term(rows.task.name)
    is_concordance = term is not None and any(
        criterion_of(rows.task, part.criterion).value is concordance_from for part in term.parts
    )
    kinds: Mapping[str, tuple[bool, Callable[[], LastStep]]] = {
        "thresholds": (True, lambda: ByThresholds(rows, figure, flat, LevelCounter.of(rows, answers))),
        "offsets": (rows.task.width <= MOST_CLASSES, lambda: ByOffsets(rows, whole)),
        "affine": (is_concordance, lambda: ByLines(rows, figure)),
    }
    makes = [
        make for name, (is_useful, make) in kinds.items() if name in steps & set(steps_for(rows.task)) and is_useful
    ]
    return makes[0]() if makes else AsTheyAre(rows, whole)
