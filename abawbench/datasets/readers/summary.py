"""Counts labels by split, class and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from abawbench.challenges import Task
from abawbench.datasets.readers.labels import Labels
from abawbench.table import Mask, Table


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """The counts of one split.

    Attributes:
        units: number of videos, sequences or pictures with at least one row.
        subjects: number of people with at least one row; None where no person is known.
        rows: number of rows.
        labels: by task and label, a number of rows: of the class (or `not annotated`), with an action unit or attribute
            present, or with an annotated value in a column of numbers.
        annotated: by task and column, the number of rows with an annotated value; without tasks of classes.
    """

    units: int
    subjects: int | None
    rows: int
    labels: Mapping[str, Mapping[str, int]]
    annotated: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, Any]:
        """The counts as plain data."""
        return asdict(self)


def counts_by_split(labels: Labels, table: Table, tasks: Sequence[Task]) -> dict[str, SplitCounts]:
    """The counts of each split that has rows, in order of first appearance; rows without a split are under "".

    Args:
        labels: labels with the subjects and splits of the rows.
        table: rows in ABAW's vocabularies or in the data set's own (`labels.table`).
        tasks: tasks of the table.
    """
    names = tuple(dict.fromkeys(labels.splits))
    place = {name: number for number, name in enumerate(names)}
    of_unit = np.array([place[name] for name in labels.splits], np.int64)
    split = of_unit[table.video]
    found: dict[str, SplitCounts] = {}
    for number, name in enumerate(names):
        rows: Mask = split == number
        if not rows.any():
            continue
        units = np.flatnonzero(np.bincount(table.video[rows], minlength=len(table.videos)))
        people = {labels.subjects[unit] for unit in units.tolist()} - {""}
        found[name] = SplitCounts(
            len(units),
            len(people) or None,
            int(rows.sum()),
            {task.name: _labels(task, table, rows) for task in tasks},
            {task.name: _annotated(task, table, rows) for task in tasks if task.is_vector},
        )
    return found


def _labels(task: Task, table: Table, rows: Mask) -> dict[str, int]:
    values = table.values[task.name][rows]
    if not task.is_vector:
        annotated = values[task.is_annotated(values)]
        counts = np.bincount(annotated, minlength=task.width).tolist()
        return dict(zip(task.outputs, counts, strict=True)) | {"not annotated": len(values) - len(annotated)}
    counted = task.is_annotated(values) if task.is_real else values == 1
    return dict(zip(task.labels, counted.sum(axis=0).tolist(), strict=True))


def _annotated(task: Task, table: Table, rows: Mask) -> dict[str, int]:
    is_annotated = task.is_annotated(table.values[task.name][rows])
    return dict(zip(task.labels, is_annotated.sum(axis=0).tolist(), strict=True))
