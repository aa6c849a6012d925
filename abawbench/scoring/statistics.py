"""Truth and prediction to additive statistics by video: the small arrays that everything else is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.metrics.concordance import moments
from abawbench.metrics.f1 import confusion, label_counts
from abawbench.metrics.groups import Groups
from abawbench.table import Mask, Table

Floats = NDArray[np.float64]

PILOT_ROWS = 4096


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
    groups = Groups.of(truth.video, len(truth.videos))
    tasks: dict[str, Floats] = {}
    centres: dict[str, Floats] = {}
    for task in challenge.tasks:
        mask = valid[task.name]
        if isinstance(task, Continuous):
            x, y = truth.numbers(task.name), prediction.numbers(task.name)
            rows = mask if mask.ndim == 1 else np.logical_or.reduce(mask, axis=1)
            centre = pilots[task.name] if pilots else pilots_of(task, truth, prediction, rows)
            centres[task.name] = centre
            tasks[task.name] = np.stack(
                [
                    moments(
                        x[:, column],
                        y[:, column],
                        groups,
                        pilots=(centre[column, 0], centre[column, 1]),
                        valid=mask if mask.ndim == 1 else mask[:, column],
                    )
                    for column in range(len(task.columns))
                ],
                axis=1,
            )
        elif isinstance(task, Categorical):
            tasks[task.name] = confusion(
                truth.classes(task.name), prediction.classes(task.name), len(task.classes), groups, valid=mask
            )
        else:
            tasks[task.name] = label_counts(truth.classes(task.name), prediction.classes(task.name), groups, valid=mask)
    return Statistics(truth.videos, tasks, centres)
