"""How many rows of what: labels counted by split, class and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from abawbench.challenges import Categorical, Continuous, Task
from abawbench.datasets.readers.labels import Labels
from abawbench.table import Mask, Table


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """The counts of one split.

    Attributes:
        units: videos, sequences or pictures with at least one row.
        subjects: people with at least one row; None where not known.
        rows: how many.
        labels: by task, then by class (and `not annotated`), or by column: rows of the class, rows with an annotated
            value, rows where an action unit or attribute is present.
        annotated: by task, rows with an annotated value in each column.
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
    """The counts of each split that has rows, in order of first appearance; the empty name where no split is known.

    Args:
        labels: whose rows they are.
        table: in ABAW vocabularies, or `labels.table`.
        tasks: what the table holds.
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
            {task.name: _annotated(task, table, rows) for task in tasks if not isinstance(task, Categorical)},
        )
    return found


def _labels(task: Task, table: Table, rows: Mask) -> dict[str, int]:
    if isinstance(task, Continuous):
        return _annotated(task, table, rows)
    values = table.classes(task.name)[rows]
    if isinstance(task, Categorical):
        counts = np.bincount(values[values >= 0], minlength=len(task.classes)).tolist()
        return dict(zip(task.classes, counts, strict=True)) | {"not annotated": int((values < 0).sum())}
    return dict(zip(task.columns, (values == 1).sum(axis=0).tolist(), strict=True))


def _annotated(task: Task, table: Table, rows: Mask) -> dict[str, int]:
    assert not isinstance(task, Categorical)
    values = table.values[task.name][rows]
    is_annotated = ~np.isnan(values) if isinstance(task, Continuous) else values >= 0
    return dict(zip(task.columns, is_annotated.sum(axis=0).tolist(), strict=True))
