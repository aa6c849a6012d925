"""Truth and prediction to additive statistics by video: the small arrays that everything else is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.metrics.concordance import MOMENTS, moments
from abawbench.metrics.f1 import confusion, label_counts
from abawbench.metrics.groups import Groups
from abawbench.table import Mask, Table, video_of

Floats = NDArray[np.float64]

PILOT_ROWS = 4096
# the temporary columns of a block stay in the cache
BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class Statistics:
    """What is left of the rows: enough for the score, its intervals and its breakdown.

    Attributes:
        groups: names of the videos (or subjects), those without a valid row included.
        tasks: by task name. Continuous: (groups, columns, 6) moments; Categorical: (groups, classes, classes)
            confusion; multi-label: (groups, columns, 4) counts.
        pilots: by continuous task, shape (columns, 2): the values truth and prediction were centred by.
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
        """The statistics with the persons of a video added up: they share its scene, so they are one cluster."""
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
        """Groups added up: `index` says into which of `names` each group goes."""
        tasks: dict[str, Floats] = {}
        for task, array in self.tasks.items():
            total = np.zeros((len(names), *array.shape[1:]))
            np.add.at(total, index, array)
            tasks[task] = total
        return Statistics(names, tasks, self.pilots)


def rows_of(task: Task, statistics: Floats) -> Floats:
    """Number of rows behind a task's statistics, shape (...); the first column speaks for the row."""
    match task:
        case Continuous():
            return statistics[..., 0, 0]
        case Categorical():
            return statistics.sum((-2, -1))
        case MultiLabel():
            return statistics[..., 0, :].sum(-1)


def annotated_rows(task: Task, truth: Table) -> tuple[Mask, int]:
    """Rows that are annotated in every column of a task, and how many are in some columns only."""
    if isinstance(task, Categorical):
        return truth.classes(task.name) >= 0, 0
    if isinstance(task, Continuous):
        missing = [np.isnan(column) for column in truth.numbers(task.name).T]
    else:
        missing = [column < 0 for column in truth.classes(task.name).T]
    somewhere, everywhere = missing[0].copy(), missing[0].copy()
    for column in missing[1:]:
        somewhere |= column
        everywhere &= column
    return ~somewhere, int(np.count_nonzero(somewhere)) - int(np.count_nonzero(everywhere))


def pilots_of(task: Continuous, truth: Table, prediction: Table, valid: Mask) -> Floats:
    """Values near the means of truth and prediction, shape (columns, 2): means of the first valid rows."""
    rows = np.flatnonzero(valid)[:PILOT_ROWS]
    if not len(rows):
        return np.zeros((len(task.columns), 2))
    return np.stack([table.numbers(task.name)[rows].mean(0) for table in (truth, prediction)], axis=1)


def collect(
    challenge: Challenge,
    truth: Table,
    prediction: Table,
    *,
    valid: Mapping[str, Mask],
    pilots: Mapping[str, Floats] | None = None,
) -> Statistics:
    """Statistics by video in one pass over the rows.

    Args:
        challenge: says which tasks there are.
        truth: the annotated rows.
        prediction: one row for each row of `truth`, in its order.
        valid: by task, rows that count, shape (rows,) or (rows, columns) for single cells.
        pilots: those of another collection that this one is compared with; None for the means.
    """
    centres: dict[str, Floats] = {}
    for task in challenge.tasks:
        if isinstance(task, Continuous):
            mask = valid[task.name]
            rows = mask if mask.ndim == 1 else np.logical_or.reduce(mask, axis=1)
            centres[task.name] = pilots[task.name] if pilots else pilots_of(task, truth, prediction, rows)
    tasks = {task.name: np.zeros((len(truth.videos), *axes_of(task))) for task in challenge.tasks}
    for begin in range(0, len(truth), BLOCK_ROWS):
        block = slice(begin, begin + BLOCK_ROWS)
        index = truth.video[block]
        first, last = int(index.min()), int(index.max())
        groups = Groups.of(index - first, last - first + 1)
        for task in challenge.tasks:
            tasks[task.name][first : last + 1] += _of_block(
                task, truth, prediction, block, groups, valid[task.name][block], centres.get(task.name)
            )
    return Statistics(truth.videos, tasks, centres)


def axes_of(task: Task) -> tuple[int, int]:
    """Shape of one group's statistics."""
    match task:
        case Continuous():
            return len(task.columns), MOMENTS
        case Categorical():
            return len(task.classes), len(task.classes)
        case MultiLabel():
            return len(task.columns), 4


def _of_block(
    task: Task,
    truth: Table,
    prediction: Table,
    block: slice,
    groups: Groups,
    valid: Mask,
    pilots: Floats | None,
) -> Floats:
    match task:
        case Continuous():
            assert pilots is not None
            x, y = truth.numbers(task.name)[block], prediction.numbers(task.name)[block]
            columns = [
                moments(
                    x[:, column],
                    y[:, column],
                    groups,
                    pilots=(pilots[column, 0], pilots[column, 1]),
                    valid=valid if valid.ndim == 1 else valid[:, column],
                )
                for column in range(len(task.columns))
            ]
            return np.stack(columns, axis=1)
        case Categorical():
            x, y = truth.classes(task.name)[block], prediction.classes(task.name)[block]
            return confusion(x, y, len(task.classes), groups, valid=valid)
        case MultiLabel():
            x, y = truth.classes(task.name)[block], prediction.classes(task.name)[block]
            return label_counts(x, y, groups, valid=valid)
