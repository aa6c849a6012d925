"""Additive statistics of truth and prediction by video: the small arrays from which all figures are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.metrics.concordance import MOMENTS, central, moments
from abawbench.metrics.f1 import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE, confusion, label_counts
from abawbench.metrics.groups import Groups
from abawbench.table import Floats, Mask, Table, video_of

# values of a task in the type of its kind
Column = NDArray[Any]

PILOT_ROWS = 4096
# the temporary columns of a block stay in the cache
BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class Statistics:
    """Additive statistics of paired rows: enough for the score, its intervals and its breakdowns.

    Attributes:
        groups: names of the videos (or subjects), those without a valid row included.
        tasks: by task name, one array of two axes for each group, shape (groups, ...); see `KINDS`.
        pilots: by real-valued task, shape (columns, 2): the values that truth and prediction were centred by.
    """

    groups: tuple[str, ...]
    tasks: Mapping[str, Floats]
    pilots: Mapping[str, Floats]

    @property
    def total(self) -> dict[str, Floats]:
        """The statistics of the whole split."""
        return {task: array.sum(0) for task, array in self.tasks.items()}

    @property
    def by_video(self) -> Statistics:
        """The statistics with the persons of a video added up, as they share its scene and are one cluster."""
        place: dict[str, int] = {}
        index = np.array([place.setdefault(video_of(group), len(place)) for group in self.groups], np.int64)
        return self if len(place) == len(self.groups) else self.merged(index, tuple(place))

    @property
    def counted(self) -> Statistics:
        """The statistics of the groups that have a valid row for some task."""
        some = np.logical_or.reduce([array.reshape(len(array), -1).any(1) for array in self.tasks.values()])
        names = tuple(name for name, keep in zip(self.groups, some, strict=True) if keep)
        return Statistics(names, {task: array[some] for task, array in self.tasks.items()}, self.pilots)

    def merged(self, index: NDArray[np.integer], names: tuple[str, ...]) -> Statistics:
        """Add up groups; `index` is the position of each group in `names`."""
        tasks: dict[str, Floats] = {}
        for task, array in self.tasks.items():
            total = np.zeros((len(names), *array.shape[1:]))
            np.add.at(total, index, array)
            tasks[task] = total
        return Statistics(names, tasks, self.pilots)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Numbers of rows of each class or label: in the truth, predicted, and both; shape (classes,) each."""

    truth: Floats
    predicted: Floats
    hits: Floats


@dataclass(frozen=True, slots=True)
class Kind:
    """The statistics of a kind of task: how they are computed from rows, and how they are interpreted.

    Attributes:
        cells: function from a task to the length of the last axis; the length of the axis before is the task's width.
        collect: function from task, truth, prediction, groups, valid rows and pilots to the statistics of each group.
        rows: function from statistics, shape (..., width, cells), to the number of their rows, shape (...).
        remarks: function from task, statistics and pilots to remarks on degenerate cases.
        outcomes: function from statistics to the rows of each class; None for a kind without classes.
        matrices: function from task and statistics to confusion counts as plain data; None for a kind without classes.
    """

    cells: Callable[[Task], int]
    collect: Callable[[Task, Column, Column, Groups, Mask, Floats | None], Floats]
    rows: Callable[[Floats], Floats]
    remarks: Callable[[Task, Floats, Floats | None], Iterator[str]]
    outcomes: Callable[[Floats], Outcomes] | None = None
    matrices: Callable[[Task, Floats], dict[str, Any]] | None = None


def _moments_of(
    task: Task, truth: Column, prediction: Column, groups: Groups, valid: Mask, pilots: Floats | None
) -> Floats:
    assert pilots is not None
    columns = [
        moments(
            truth[:, column],
            prediction[:, column],
            groups,
            pilots=pilots[column],
            valid=valid,
        )
        for column in range(task.width)
    ]
    return np.stack(columns, axis=1)


def _constant_series(task: Task, sums: Floats, pilots: Floats | None) -> Iterator[str]:
    assert pilots is not None
    truth, prediction, _, _ = central(sums, pilots)
    for place, column in enumerate(task.outputs):
        still = [name for name, variance in (("truth", truth), ("prediction", prediction)) if not variance[place]]
        if still:
            yield f"{column}: {' and '.join(still)} constant, so the coefficient counts as 0 (assumed)"


def _absent_classes(task: Task, sums: Floats, _pilots: Floats | None) -> Iterator[str]:
    seen = sums.sum(0) + sums.sum(1)
    absent = [name for name, rows in zip(task.outputs, seen, strict=True) if not rows]
    if absent:
        yield (
            f"{task.name}: {', '.join(absent)} in neither truth nor prediction, F1 counts as 0 (assumed); "
            f"a mean over the {task.width - len(absent)} others differs"
        )


def _labels_without_positives(task: Task, sums: Floats, _pilots: Floats | None) -> Iterator[str]:
    absent = [name for name, rows in zip(task.outputs, sums[:, 1:].sum(1), strict=True) if not rows]
    if absent:
        yield f"{task.name}: {', '.join(absent)} without any positive, F1 counts as 0 (assumed)"


def _label_outcomes(counts: Floats) -> Outcomes:
    hits = counts[:, TRUE_POSITIVE]
    return Outcomes(hits + counts[:, FALSE_NEGATIVE], hits + counts[:, FALSE_POSITIVE], hits)


KINDS: Mapping[type[Task], Kind] = {
    # moments of each column: rows, and sums of x, y, x * x, y * y, x * y; the first column speaks for the row
    Continuous: Kind(
        cells=lambda _: MOMENTS,
        collect=_moments_of,
        rows=lambda sums: sums[..., 0, 0],
        remarks=_constant_series,
    ),
    # confusion counts: classes of the truth by classes of the prediction
    Categorical: Kind(
        cells=lambda task: task.width,
        collect=lambda task, truth, prediction, groups, valid, _: confusion(
            truth, prediction, task.width, groups, valid=valid
        ),
        rows=lambda sums: sums.sum((-2, -1)),
        remarks=_absent_classes,
        outcomes=lambda counts: Outcomes(counts.sum(1), counts.sum(0), np.diagonal(counts)),
        matrices=lambda task, counts: {"classes": list(task.outputs), "counts": counts.astype(int).tolist()},
    ),
    # counts of each label: neither, prediction alone, truth alone, both
    MultiLabel: Kind(
        cells=lambda _: 4,
        collect=lambda _, truth, prediction, groups, valid, _pilots: label_counts(
            truth, prediction, groups, valid=valid
        ),
        rows=lambda sums: sums[..., 0, :].sum(-1),
        remarks=_labels_without_positives,
        outcomes=_label_outcomes,
        matrices=lambda task, counts: dict(
            zip(task.outputs, counts.astype(int).reshape(-1, 2, 2).tolist(), strict=True)
        ),
    ),
}
"""Statistics by kind of task; a new kind of task needs one entry."""


def kind_of(task: Task) -> Kind:
    """The statistics of a task's kind."""
    return KINDS[type(task)]


def rows_of(task: Task, statistics: Floats) -> Floats:
    """Number of rows behind a task's statistics, shape (...)."""
    return kind_of(task).rows(statistics)


def axes_of(task: Task) -> tuple[int, int]:
    """Shape of one group's statistics."""
    return task.width, kind_of(task).cells(task)


def annotated_rows(task: Task, truth: Table) -> tuple[Mask, int]:
    """A mask of the rows annotated in every column of a task, and the number of rows annotated in some columns only."""
    annotated = task.is_annotated(truth.values[task.name])
    if not task.is_vector:
        return annotated, 0
    everywhere, somewhere = annotated[:, 0].copy(), annotated[:, 0].copy()
    for column in annotated.T[1:]:
        everywhere &= column
        somewhere |= column
    return everywhere, int(np.count_nonzero(somewhere)) - int(np.count_nonzero(everywhere))


def pilots_of(task: Task, truth: Table, prediction: Table, valid: Mask) -> Floats:
    """The means of truth and prediction over the first 4096 valid rows, shape (columns, 2)."""
    rows = np.flatnonzero(valid)[:PILOT_ROWS]
    if not len(rows):
        return np.zeros((task.width, 2))
    return np.stack([table.numbers(task.name)[rows].mean(0) for table in (truth, prediction)], axis=1)


def collect(
    challenge: Challenge,
    truth: Table,
    prediction: Table,
    *,
    valid: Mapping[str, Mask],
    pilots: Mapping[str, Floats] | None = None,
) -> Statistics:
    """Collect the statistics by video in one pass over the rows.

    Args:
        challenge: the challenge, which names the tasks.
        truth: the annotated rows.
        prediction: one row for each row of `truth`, in its order.
        valid: by task, mask of the rows that count, shape (rows,).
        pilots: pilots of statistics to compare with; None takes those of `pilots_of`.
    """
    centres: dict[str, Floats] = {}
    for task in challenge.tasks:
        if task.is_real:
            rows = valid[task.name]
            centres[task.name] = pilots[task.name] if pilots else pilots_of(task, truth, prediction, rows)
    tasks = {task.name: np.zeros((len(truth.videos), *axes_of(task))) for task in challenge.tasks}
    for begin in range(0, len(truth), BLOCK_ROWS):
        block = slice(begin, begin + BLOCK_ROWS)
        index = truth.video[block]
        first, last = int(index.min()), int(index.max())
        groups = Groups.of(index - first, last - first + 1)
        for task in challenge.tasks:
            x, y = (table.values[task.name][block] for table in (truth, prediction))
            tasks[task.name][first : last + 1] += kind_of(task).collect(
                task, x, y, groups, valid[task.name][block], centres.get(task.name)
            )
    return Statistics(truth.videos, tasks, centres)
