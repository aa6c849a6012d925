"""The units that cost a score most, and the course of truth and predictions over their frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abawbench.challenges import Categorical, Challenge, Task
from abawbench.reports.subject import Subject
from abawbench.scoring.criteria import Path, evaluate, number
from abawbench.scoring.statistics import Statistics, collect, rows_of
from abawbench.table import NO_FRAME, Floats, Integers, Mask, Rows, Values

SHOWN_UNITS = 5
# fewer frames make no course
FEWEST_FRAMES = 3


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """The figures of one unit alone, and what the score would gain without the unit.

    Attributes:
        unit: name of the unit.
        place: index of the unit in the truth.
        rows: number of rows that count, by task.
        figures: figures of the unit alone by path, None where undefined.
        cost: score without the unit minus the score; None where it is undefined.
    """

    unit: str
    place: int
    rows: Mapping[str, int]
    figures: Mapping[Path, float | None]
    cost: float | None


@dataclass(frozen=True, slots=True)
class Course:
    """The course of one task, or of one of its columns, over the frames of a unit.

    Attributes:
        task: the task.
        lanes: names of the lanes of classes or labels; the column's name alone for numbers.
        truth: values of shape (frames, lanes): numbers with NaN, or 0 and 1 with NaN where not annotated.
        predictions: for each prediction likewise.
    """

    task: Task
    lanes: tuple[str, ...]
    truth: Floats
    predictions: tuple[Floats, ...]

    @property
    def span(self) -> tuple[float, float]:
        """The ends of the axis of numbers."""
        return self.task.span


@dataclass(frozen=True, slots=True)
class Timeline:
    """The courses of one unit."""

    figures: UnitFigures
    frame: Integers
    courses: tuple[Course, ...]


def main_figure(challenge: Challenge, statistics: Statistics) -> Path:
    """The figure that a report is about: the score, or the first one that is defined where there is no score."""
    figures = evaluate(challenge, statistics.total, statistics.pilots)
    return next((path for path, value in figures.items() if not np.isnan(value)), ("score",))


def unit_figures(challenge: Challenge, subject: Subject) -> tuple[UnitFigures, ...]:
    """The figures of every unit with rows that count, the one that costs most first."""
    paired = subject.paired
    statistics = collect(challenge, paired.truth, paired.prediction, valid=paired.valid)
    main, total = main_figure(challenge, statistics), statistics.total
    whole = evaluate(challenge, total, statistics.pilots)[main]
    without = {task: total[task] - array for task, array in statistics.tasks.items()}
    cost = evaluate(challenge, without, statistics.pilots)[main] - whole
    alone = evaluate(challenge, statistics.tasks, statistics.pilots)
    rows = {task.name: rows_of(task, statistics.tasks[task.name]) for task in challenge.tasks}
    counted = np.flatnonzero(np.sum(list(rows.values()), axis=0) > 0)
    order = counted[np.argsort(-np.nan_to_num(cost[counted], nan=-np.inf), kind="stable")]
    return tuple(
        UnitFigures(
            statistics.groups[place],
            int(place),
            {task: int(count[place]) for task, count in rows.items()},
            {path: number(values[place]) for path, values in alone.items()},
            number(cost[place]),
        )
        for place in order
    )


def timelines(
    challenge: Challenge, subjects: Sequence[Subject], figures: Sequence[UnitFigures]
) -> tuple[Timeline, ...]:
    """The courses of the units that cost most, of those whose rows are frames.

    Args:
        challenge: the challenge.
        subjects: predictions of one truth.
        figures: units, the one that costs most first.
    """
    truth = subjects[0].paired.truth
    found: list[Timeline] = []
    for unit in figures:
        rows = np.flatnonzero((truth.video == unit.place) & (truth.frame != NO_FRAME))
        if len(rows) < FEWEST_FRAMES:
            continue
        rows = rows[np.argsort(truth.frame[rows], kind="stable")]
        found.append(Timeline(unit, truth.frame[rows], _courses(challenge, subjects, rows)))
        if len(found) == SHOWN_UNITS:
            break
    return tuple(found)


def _courses(challenge: Challenge, subjects: Sequence[Subject], rows: Rows) -> tuple[Course, ...]:
    found: list[Course] = []
    for task in challenge.tasks:
        valid: Mask = subjects[0].paired.valid[task.name][rows]
        if not valid.any():
            continue
        truth = _lanes(task, subjects[0].paired.truth.values[task.name][rows])
        truth[~valid] = np.nan
        answers = [_lanes(task, subject.paired.prediction.values[task.name][rows]) for subject in subjects]
        if task.is_real:
            found += [
                Course(task, (column,), truth[:, [place]], tuple(own[:, [place]] for own in answers))
                for place, column in enumerate(task.outputs)
            ]
            continue
        # lanes in which nothing ever happens say nothing
        used: Mask = np.nan_to_num(np.stack([truth, *answers])).max(axis=(0, 1)) > 0
        if used.any():
            names = tuple(name for name, is_used in zip(task.outputs, used, strict=True) if is_used)
            found.append(Course(task, names, truth[:, used], tuple(own[:, used] for own in answers)))
    return tuple(found)


def _lanes(task: Task, values: Values) -> Floats:
    """Numbers, or for each class or label 1 where it is on, shape (rows, width); NaN where there is no value."""
    if task.is_real:
        return np.array(values, np.float64)
    if isinstance(task, Categorical):
        lanes = (values[:, np.newaxis] == np.arange(task.width)).astype(np.float64)
        lanes[values < 0] = np.nan
        return lanes
    return np.where(values < 0, np.nan, values).astype(np.float64)
