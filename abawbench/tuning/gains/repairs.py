"""Repairs of single kinds of error: what each is, and the statistics that it would leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Challenge, Task
from abawbench.metrics.bootstrap import MANY_CLUSTERS
from abawbench.scoring import Paired
from abawbench.scoring.criteria import Criterion, Path, criterion_of, evaluate
from abawbench.scoring.score import subjects_of
from abawbench.scoring.statistics import Statistics, collect
from abawbench.table import Floats, Mask, places_of, video_of
from abawbench.tuning.inputs.stream import Stream
from abawbench.tuning.search.crossfit import Search

# statistics by name, over any leading axes: those of the tasks, and those that repairs add
Sums = Mapping[str, Floats]
# from sums to the statistics of the repaired tasks
Change = Callable[[Sums], Sums]

# number of clusters that very many (single images) are joined to
JOINED = 1000


@dataclass(frozen=True, eq=False)
class Bound:
    """A repair that knows the truth, so that nothing is fitted.

    Attributes:
        change: function from sums to the statistics of the repaired tasks.
        statistics: statistics by cluster that the change needs beside those of the tasks, by name.
        before: change that the gain is measured from; None for the sums as they are.
    """

    change: Change
    statistics: Sums = field(default_factory=dict[str, Floats])
    before: Change | None = None


@dataclass(frozen=True, eq=False)
class Fitted:
    """A repair whose settings are searched, so that it is cross-fitted.

    Attributes:
        search: search over the clusters; its figure is the one that the advice names.
        share: what 1 of that figure is in the score.
    """

    search: Search[Any]
    share: float


@dataclass(frozen=True, eq=False)
class Repair:
    """A repair of one kind of error.

    Attributes:
        error: kind of error, as `bias`.
        task: name of the task; None for a repair of all tasks.
        column: column, class or pair of them that is repaired; None for the whole task.
        figure: path of the figure whose gain the advice names.
        advice: what the gain is and how the error is repaired, as `is scale: multiply by 1.4`.
        method: how the repaired statistics are found; None where the predictions lack what it takes.
    """

    error: str
    task: str | None
    column: str | None
    figure: Path
    advice: str
    method: Bound | Fitted | None


@dataclass(frozen=True, eq=False)
class Case:
    """What every repair starts from.

    Attributes:
        challenge: the challenge.
        paired: truth and prediction.
        answers: by task, the answers behind the prediction, shape (rows, width), NaN where there is none; empty where
            they are not known.
        tuned: names of the tasks whose labels are decided by thresholds of their own already.
        filled: True for each row whose answer was taken from other frames, shape (rows,).
        units: statistics of the tasks by unit of the truth.
        names: names of the clusters.
        cluster: cluster of each unit, shape (units,); -1 for a unit without a valid row.
        is_joined: True where the clusters are very many images joined, not videos or subjects.
        interval_s: seconds from one frame number to the next; None where the times are not known.
    """

    challenge: Challenge
    paired: Paired
    answers: Mapping[str, Floats]
    tuned: frozenset[str]
    filled: Mask
    units: Statistics
    names: tuple[str, ...]
    cluster: NDArray[np.integer]
    is_joined: bool
    interval_s: float | None

    @staticmethod
    def of(
        challenge: Challenge,
        paired: Paired,
        stream: Stream | None,
        subjects: Mapping[str, str] | None,
    ) -> Case:
        """Collect the statistics of paired rows; clusters are the videos, or the subjects where these are given.

        Raises:
            ProblemError: C02, a video has no subject.
        """
        units = collect(challenge, paired.truth, paired.prediction, valid=paired.valid)
        videos = units.groups
        owners = [video_of(unit) for unit in videos] if subjects is None else subjects_of(videos, subjects)
        counted = set(units.counted.groups)
        names = tuple(dict.fromkeys(owner for owner, unit in zip(owners, videos, strict=True) if unit in counted))
        cluster = places_of(owners, names)
        is_joined = len(names) >= MANY_CLUSTERS
        if is_joined:
            # neighbours come from one folder, which may be one class: each goes to another cluster
            cluster = np.where(cluster < 0, -1, cluster % JOINED)
            names = tuple(map(str, range(JOINED)))
        filled = np.zeros(len(paired.truth), bool) if paired.prediction.filled is None else paired.prediction.filled
        answers: dict[str, Floats] = {}
        tuned: frozenset[str] = frozenset()
        if stream is not None:
            answers, of_stream = _in_rows(stream, paired)
            filled, tuned = filled | of_stream, frozenset(stream.thresholds)
        interval = None if stream is None else _interval(stream)
        return Case(challenge, paired, answers, tuned, filled, units, names, cluster, is_joined, interval)

    def by_cluster(self, statistics: Floats) -> Floats:
        """Add up statistics by unit, shape (units, ...), to those of the clusters, shape (clusters, ...)."""
        total = np.zeros((len(self.names), *statistics.shape[1:]))
        known = self.cluster >= 0
        np.add.at(total, self.cluster[known], statistics[known])
        return total

    @cached_property
    def clusters(self) -> Mapping[str, Floats]:
        """Statistics of the tasks by cluster."""
        return {task: self.by_cluster(array) for task, array in self.units.tasks.items()}

    @cached_property
    def total(self) -> Mapping[str, Floats]:
        """Statistics of the tasks."""
        return {task: array.sum(0) for task, array in self.clusters.items()}

    def figures(self, sums: Sums) -> dict[Path, Floats]:
        """Every figure of the challenge, over the leading axes of the sums."""
        return evaluate(self.challenge, sums, self.units.pilots)

    @cached_property
    def main(self) -> Path:
        """Path of the figure that gains are told in: the score, or the first defined figure if there is no score."""
        figures = self.figures(self.total)
        return next((path for path, value in figures.items() if not np.isnan(value)), ("score",))

    def criterion_of(self, task: Task) -> Criterion:
        """The first criterion of a task: that of the score, or of its figures where it does not count."""
        term = self.challenge.metric.term(task.name)
        names = [part.criterion for part in term.parts] if term else self.challenge.metric.reports(task.name).criteria
        return criterion_of(task, names[0])

    def figure_of(self, task: Task, place: int | None = None) -> Path:
        """Path of the first figure of a task, or of one of its columns or labels."""
        criterion = self.criterion_of(task)
        parts = criterion.part_paths(task)
        if place is not None and parts:
            return parts[place]
        is_term = self.challenge.metric.term(task.name) is not None
        return ("terms", task.name) if is_term else criterion.whole_path(task) or parts[0]

    def share_of(self, task: Task, figure: Path) -> float:
        """What 1 of a task's figure is in the main figure."""
        term = self.challenge.metric.term(task.name)
        if term is None:
            return float(figure == self.main)
        return 1.0 if figure == ("terms", task.name) else term.parts[0].weight / task.width

    def with_task(self, task: Task, statistics: Floats) -> dict[Path, Floats]:
        """Every figure with other total statistics of one task, over their leading axes."""
        leading = statistics.shape[:-2]
        others = {name: np.broadcast_to(array, (*leading, *array.shape)) for name, array in self.total.items()}
        return self.figures(others | {task.name: statistics})


def _in_rows(stream: Stream, paired: Paired) -> tuple[dict[str, Floats], Mask]:
    """The answers of a stream in the rows of the truth, NaN in those without one, and a mask of its filled rows."""
    answered = np.logical_or.reduce([stream.answered(task) for task in stream.answers])
    known = paired.alignment.rows >= 0
    rows = np.flatnonzero(answered)[paired.alignment.rows[known]]
    answers: dict[str, Floats] = {}
    for task, values in stream.answers.items():
        answers[task] = np.full((len(known), values.shape[1]), np.nan)
        answers[task][known] = values[rows]
    filled = np.zeros(len(known), bool)
    filled[known] = stream.filled[rows]
    return answers, filled


def _interval(stream: Stream) -> float | None:
    """Median seconds from one frame number to the next; None where a unit has no times of its own."""
    same = np.diff(stream.unit) == 0
    if stream.assumed or not same.any():
        return None
    return float(np.median(np.diff(stream.time)[same] / np.diff(stream.frame)[same]))
