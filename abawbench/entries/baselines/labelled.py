"""The labels of a truth that a baseline learns from, and the crops they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.clip import Clip
from abawbench.table import Floats, Mask, Rows, Table


@dataclass(frozen=True, eq=False)
class LabelledTask:
    """A task that has labels, without the columns that have none.

    Attributes:
        task: the task with its labelled columns; with all its classes where it is one of classes.
        values: labels as float64, shape (rows, columns), or (rows, 1) for class numbers.
        annotated: True for each value that is annotated, in the same shape.
    """

    task: Task
    values: Floats
    annotated: Mask


def labelled_tasks(
    vocabulary: Sequence[Task], truth: Table, name: str, usable: Mask | None = None
) -> tuple[LabelledTask, ...]:
    """The tasks of a vocabulary that have labels.

    Args:
        vocabulary: tasks to look for.
        truth: annotations.
        name: name of the entry that learns, for messages.
        usable: True for each row whose labels count, shape (rows,); None for all rows.

    Raises:
        ProblemError: E07, no task has a label.
    """
    found: list[LabelledTask] = []
    for task in vocabulary:
        values, annotated = task.annotations_of(truth)
        if usable is not None:
            annotated &= usable[:, np.newaxis]
        has_labels = annotated.any(axis=0)
        if not has_labels.any():
            continue
        names = np.array(task.outputs)[has_labels].tolist() if task.is_vector else task.outputs
        # contiguous, since the order in memory is the order in which NumPy adds up
        labels = np.ascontiguousarray(values[:, has_labels])
        found.append(LabelledTask(task.with_outputs(names), labels, annotated[:, has_labels]))
    if not found:
        problem = f"{len(truth):,} rows, none with both a label and a crop that {name} can use"
        fix = "check that the truth and the crops have the same videos and frames"
        raise ProblemError(Problem("E07", problem, "one annotated row with a crop at least", fix, truth.source or None))
    return tuple(found)


def crop_of_row(clips: Sequence[Clip], truth: Table) -> Rows:
    """The place of each row's crop among all valid crops of the clips; -1 for a row without a crop."""
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
