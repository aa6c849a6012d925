"""Targets: what the outputs of a network should have been, for a batch of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, Task
from abawbench.table import Table


@dataclass(frozen=True, eq=False)
class Target:
    """Labels of one task for a batch of frames.

    Attributes:
        task: what the labels speak of.
        values: continuous: float32 (frames, columns); categorical: int64 (frames,), class numbers, or float32 (frames,
            classes), a probability for each class; multi-label: float32 (frames, columns), 0 or 1, or a probability
            between. Anything finite, and a class that exists, where not annotated.
        annotated: bool; continuous and multi-label (frames, columns), categorical (frames,).
        weights: of multi-label places in the loss, float32 (frames, columns); None for 1 each.
        numbers: annotated frames of each column, one number for classes; counted where empty. Known beforehand, they
            spare a loss the wait for an accelerator.
    """

    task: Task
    values: Tensor
    annotated: Tensor
    weights: Tensor | None = None
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.numbers:
            counted = self.annotated.sum(0).reshape(-1).tolist()
            object.__setattr__(self, "numbers", tuple(int(count) for count in counted))

    def __len__(self) -> int:
        return len(self.annotated)

    def to(self, device: torch.device | str) -> Target:
        """The same labels on another device; the copy does not wait where the memory is pinned."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True), self.numbers)

    def take(self, frames: Tensor) -> Target:
        """The labels of these frames, in this order. `frames`: positions, int64, or bool (frames,)."""
        return self._each(lambda tensor: tensor[frames], ())

    def _each(self, change: Callable[[Tensor], Tensor], numbers: tuple[int, ...]) -> Target:
        weights = None if self.weights is None else change(self.weights)
        return Target(self.task, change(self.values), change(self.annotated), weights, numbers)


def targets_of(tasks: Iterable[Task], table: Table, rows: NDArray[np.int64]) -> dict[str, Target]:
    """The labels of rows of a table, by task name, on the CPU.

    Args:
        tasks: whose labels are wanted. One that the table does not know has targets without any label.
        table: of a truth.
        rows: shape (frames,), row numbers, repeated as one likes; -1 for a frame without a row, hence without labels.

    Raises:
        ProblemError: E19, a task of another width than the table's, or classes beyond the task's.
    """
    tasks = tuple(tasks)
    problems = tuple(problem for task in tasks for problem in _misfits(task, table))
    if problems:
        raise ProblemError(*problems)
    return {task.name: _target(task, table, rows) for task in tasks}


def _target(task: Task, table: Table, rows: NDArray[np.int64]) -> Target:
    shape = (len(rows),) if isinstance(task, Categorical) else (len(rows), len(task.columns))
    values, annotated = np.zeros(shape), np.zeros(shape, bool)
    if task.name in table.values:
        present = rows >= 0
        values[present] = table.values[task.name][rows[present]]
        known = ~np.isnan(values) if isinstance(task, Continuous) else values >= 0
        annotated[present] = known[present]
    values[~annotated] = 0
    kind = np.int64 if isinstance(task, Categorical) else np.float32
    return Target(task, torch.from_numpy(values.astype(kind)), torch.from_numpy(annotated))


def _misfits(task: Task, table: Table) -> Iterable[Problem]:
    values = table.values.get(task.name)
    if values is None:
        return
    fix = "train on the challenge's own columns and classes, or map the labels by name first"
    if isinstance(task, Categorical):
        most = int(values.max(initial=-1)) if values.ndim == 1 else -1
        if values.ndim != 1 or most >= len(task.classes):
            found = f"class {most}" if values.ndim == 1 else f"labels of shape {values.shape}"
            expected = f"{task.name} of {len(task.classes)} classes, from 0"
            yield Problem("E19", found, expected, fix, table.source or None)
    elif values.ndim != 2 or values.shape[1] != len(task.columns):
        expected = f"{task.name} with {len(task.columns)} columns"
        yield Problem("E19", f"labels of shape {values.shape}", expected, fix, table.source or None)
