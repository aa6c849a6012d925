"""Which crops of a set of clips the rows of a truth speak about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, Task
from abawbench.clips.clip import Clip
from abawbench.table import Floats, Mask, Rows, Table


def crop_of_row(clips: Sequence[Clip], truth: Table) -> Rows:
    """For each row of a truth, the place of its crop among all valid crops of the clips; -1 where there is none."""
    result = np.full(len(truth), -1, np.int64)
    place = {video: index for index, video in enumerate(truth.videos)}
    start = 0
    for clip in clips:
        count = int(clip.valid.sum())
        rows = np.flatnonzero(truth.video == place.get(clip.video, -1))
        numbers = clip.frame[clip.valid]
        if count and len(rows):
            found = np.minimum(np.searchsorted(numbers, truth.frame[rows]), count - 1)
            result[rows] = np.where(numbers[found] == truth.frame[rows], start + found, -1)
        start += count
    return result


def values_of(task: Task, truth: Table) -> tuple[Floats, Mask]:
    """A task's annotations as float64 (rows, columns; one column of class numbers) and where there are any.

    A truth that does not know the task counts as not annotated.
    """
    width = 1 if isinstance(task, Categorical) else len(task.columns)
    if task.name not in truth.values:
        return np.zeros((len(truth), width)), np.zeros((len(truth), width), bool)
    values = np.asarray(truth.values[task.name], np.float64).reshape(len(truth), width)
    return values, ~np.isnan(values) if isinstance(task, Continuous) else values >= 0


def with_labels(annotated: Mask) -> Mask:
    """Shape (columns,), True for a column with an annotation in at least one row."""
    return np.asarray(annotated.any(axis=0), bool)


def restricted(task: Task, labelled: Mask) -> Task:
    """The task with those of its columns that have labels; a categorical task stays whole."""
    if isinstance(task, Categorical):
        return task
    return replace(
        task, columns=tuple(name for name, has_labels in zip(task.columns, labelled, strict=True) if has_labels)
    )


def refuse_nothing(tasks: Sequence[Task], name: str, truth: Table) -> None:
    """Raise ProblemError E07 when no task is left that has labels."""
    if not tasks:
        raise ProblemError(
            Problem(
                "E07",
                f"{len(truth):,} rows, none with both a label and a crop that {name} can use",
                "one annotated row with a crop at least",
                "check that the truth and the crops have the same videos and frames",
                truth.source or None,
            )
        )
