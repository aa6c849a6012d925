"""The annotated rows of one task beside the frames of a stream that answer them, with their clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.datasets.folds import groups_of
from abawbench.entries.outputs import decide
from abawbench.fill import Policy, fill
from abawbench.metrics.groups import Groups
from abawbench.scoring.criteria import criterion_of
from abawbench.scoring.score import Paired, pair
from abawbench.scoring.statistics import Column, kind_of
from abawbench.table import Floats, Mask, Rows, Table, Values
from abawbench.tuning.inputs.stream import Stream

Figure = Callable[[Floats], Floats]

# clusters that are held out and resampled; of more, some are joined
MOST_CLUSTERS = 1000


@dataclass(frozen=True, eq=False)
class Labelled:
    """The annotated rows of a task, in the order of the frames that answer them.

    A row and the frame whose answer it takes are in the same unit.

    Attributes:
        task: the task.
        truth: annotations, shape (rows,) or (rows, columns).
        cluster: index of each row's video or subject, shape (rows,).
        clusters: number of clusters.
        own: frame of the stream that each row is, shape (rows,); -1 where the stream has no such frame.
        copied: frame whose answer a row takes where its own has none, shape (rows,).
        pilots: values that truth and answers are centred by, shape (columns, 2); None for a task without real values.
    """

    task: Task
    truth: Column
    cluster: Rows
    clusters: int
    own: Rows
    copied: Rows
    pilots: Floats | None

    def __len__(self) -> int:
        return len(self.own)

    def only(self, keeps: Mask | slice) -> Labelled:
        """Some of the rows; clusters and frames keep their numbers."""
        return replace(
            self,
            truth=self.truth[keeps],
            cluster=self.cluster[keeps],
            own=self.own[keeps],
            copied=self.copied[keeps],
        )

    def between(self, begin: int, end: int) -> tuple[Labelled, Rows]:
        """The rows that are answered by a part of the frames, with numbers of their own, and their clusters."""
        part = self.only(slice(*np.searchsorted(self.copied, [begin, end]).tolist()))
        clusters, cluster = np.unique(part.cluster, return_inverse=True)
        own = np.where(part.own < 0, -1, part.own - begin)
        return replace(part, own=own, copied=part.copied - begin, cluster=cluster, clusters=len(clusters)), clusters

    def answers(self, values: Floats) -> Floats:
        """The answer to each row, shape (rows, width), from those of all frames, shape (frames, width)."""
        if np.array_equal(self.own, np.arange(len(values))) and not np.isnan(values[:, 0]).any():
            return values
        taken = values[self.own]
        lacking = np.isnan(taken[:, 0]) | (self.own < 0)
        taken[lacking] = values[self.copied[lacking]]
        return taken

    def statistics(self, answers: Floats, thresholds: Floats | None = None) -> Floats:
        """The statistics of decided answers by cluster, shape (clusters, own axes of the kind)."""
        decided = decide(self.task, answers, thresholds)
        everything = np.ones(len(self), bool)
        groups = Groups.of(self.cluster, self.clusters)
        return kind_of(self.task).collect(self.task, self.truth, decided, groups, everything, self.pilots)


def labelled(
    challenge: Challenge,
    truth: Table,
    stream: Stream,
    missing: Policy,
    allow_filled: float,
    subjects: Mapping[str, str] | None,
) -> tuple[Paired, dict[str, Labelled], Floats]:
    """Find the annotated rows of every task that counts, and the frames that answer them.

    Args:
        challenge: the challenge.
        truth: the annotations.
        stream: the answers.
        missing: fill policy for annotated rows without an answer, one of `fill.COPYING`.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        subjects: subject of each video; None for clusters of videos.

    Returns:
        The truth paired with the frames, the rows by task, and the number of annotated rows of each cluster.

    Raises:
        ProblemError: the problems of `scoring.pair`; C02 a video has no subject, T10 or T13 a task cannot be judged.
    """
    paired = pair(challenge, truth, _frames_table(challenge, stream), missing=missing, allow_filled=allow_filled)
    truth = paired.truth
    group = groups_of(truth.videos, subjects)[truth.video]
    some = np.logical_or.reduce([paired.valid[task.name] for task in challenge.tasks])
    names = np.unique(group[some])
    # the place of each group's cluster; of very many groups, as of single pictures, every thousandth are one
    place = np.searchsorted(names, np.arange(group.max(initial=0) + 1)) % MOST_CLUSTERS
    clusters = min(len(names), MOST_CLUSTERS)
    own = paired.alignment.rows
    copied = _copied(paired, stream, missing, some)
    result: dict[str, Labelled] = {}
    for task in challenge.tasks:
        if challenge.metric.term(task.name) is None:
            continue
        rows = np.flatnonzero(paired.valid[task.name])
        rows = rows[np.argsort(copied[rows], kind="stable")]
        values = truth.values[task.name][rows]
        result[task.name] = Labelled(
            task,
            values,
            place[group[rows]],
            clusters,
            own[rows],
            copied[rows],
            np.repeat(values.sum(0)[:, None] / max(len(rows), 1), 2, axis=1) if task.is_real else None,
        )
    problems = tuple(_unjudged(truth, result))
    if problems:
        raise ProblemError(*problems)
    return paired, result, np.bincount(place[group[some]], minlength=clusters).astype(np.float64)


def _unjudged(truth: Table, rows: Mapping[str, Labelled]) -> Iterator[Problem]:
    """A problem for each task that cannot be judged: T10 without an annotated row, T13 without any positive label."""
    for name, own in rows.items():
        if not len(own):
            fix = "give a truth with it, or name a challenge without it"
            yield Problem("T10", f"no annotated row of {name}", "annotated rows of every task", fix, truth.source)
        elif isinstance(own.task, MultiLabel) and not own.truth.any():
            expected = f"a row with one of {', '.join(own.task.outputs[:3])} and so on"
            fix = "give the truth of more videos"
            yield Problem("T13", f"no positive of {name} in {len(own):,} rows", expected, fix, truth.source)


def _frames_table(challenge: Challenge, stream: Stream) -> Table:
    """A table of all frames of a stream; those without an answer have no value, so that a policy can fill them."""
    values: dict[str, Values] = {}
    for task in challenge.tasks:
        answered = stream.answered(task.name)
        column = cast(Values, task.empty(len(stream)))
        column[answered] = decide(task, stream.answers[task.name][answered])
        values[task.name] = column
    return Table(stream.units, stream.unit, stream.frame, values, source=stream.source, is_store=True)


def _copied(paired: Paired, stream: Stream, missing: Policy, needed: Mask) -> Rows:
    """The frame whose answer each row takes, shape (rows,): its own, or the one that the policy copies."""
    place = np.arange(len(stream), dtype=np.float64)
    place[stream.run < 0] = np.nan
    source = Table(stream.units, stream.unit, stream.frame, {"frame": place[:, None]}, source=stream.source)
    filled, counts = fill(source, paired.truth, missing, {"frame": needed}, alignment=paired.alignment)
    if "prior" in counts:
        found, expected = "units without any answer", "an answer to some frame of every annotated unit"
        fix = "predict these units, or leave them out of the truth"
        raise ProblemError(Problem("T01", found, expected, fix, stream.source, count=counts["prior"]))
    return np.nan_to_num(filled.numbers("frame")[:, 0], nan=-1).astype(np.int64)


def figure_of(challenge: Challenge, rows: Labelled) -> Figure:
    """The task's term of the score, from statistics, shape (..., own axes).

    A task whose columns or labels count each for itself gives a figure for each of them, shape (..., width), whose mean
    is the term; other tasks give the term, shape (...).
    """
    term = challenge.metric.term(rows.task.name)
    assert term is not None
    parts = [(part.weight, criterion_of(rows.task, part.criterion)) for part in term.parts]
    match rows.task:
        case Continuous() | MultiLabel():
            pilots = [] if rows.pilots is None else [rows.pilots[:, None]]

            def alone(sums: Floats) -> Floats:
                values = [(weight * one.value(sums[..., None, :], *pilots), one.parts) for weight, one in parts]
                return np.sum([value[..., 0] if is_mean else value for value, is_mean in values], axis=0)

            return alone
        case Categorical():

            def together(sums: Floats) -> Floats:
                values = [(weight * one.value(sums), one.parts) for weight, one in parts]
                return np.sum([value.mean(-1) if is_mean else value for value, is_mean in values], axis=0)

            return together


def whole_figure_of(challenge: Challenge, rows: Labelled) -> Figure:
    """The task's term of the score, from statistics, shape (..., own axes): shape (...)."""
    figure = figure_of(challenge, rows)
    return figure if isinstance(rows.task, Categorical) else lambda sums: figure(sums).mean(-1)
