"""Annotated labels that are fed back in training in place of predicted ones (source: aim3_mtl section 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.table import Rows
from abawbench.training.data import Target


def given_share(truth_share: float, epochs: int, epoch: int) -> float:
    """The share of the time steps that feed back annotated labels: truth_share (epochs - epoch) / epochs.

    Args:
        truth_share: share before the first epoch.
        epochs: number of epochs of the training.
        epoch: number of the epoch, from 1; there is no share in the last one.

    >>> [given_share(0.75, 3, epoch) for epoch in range(4)]
    [0.75, 0.5, 0.25, 0.0]
    """
    return truth_share * (epochs - epoch) / epochs


def draw_given(lengths: Rows, share: float, generator: torch.Generator) -> Tensor:
    """Draw the frames of a step whose annotated labels are fed back, bool, shape (frames,).

    These are all frames at some time steps of the sequences, so many that they are the share of the longest sequence,
    rounded down; of single frames they are a share of the frames: assumed(choice).

    Args:
        lengths: number of frames of each sequence, shape (sequences,).
        share: share of the time steps.
        generator: random generator on the CPU.
    """
    counts = torch.from_numpy(lengths)
    frames, longest = int(counts.sum()), int(counts.max())
    place = torch.arange(frames)
    if longest > 1:
        place = place - (counts.cumsum(0) - counts).repeat_interleave(counts)
    steps = longest if longest > 1 else frames
    is_given = torch.zeros(steps, dtype=torch.bool)
    is_given[torch.randperm(steps, generator=generator)[: int(steps * share)]] = True
    return is_given[place]


def label_weights(tasks: Sequence[Task], targets: Mapping[str, Target], sources: Collection[str]) -> dict[str, Tensor]:
    """The weights of annotated labels by source, shape (frames, labels); 0 where a label is not annotated.

    Args:
        tasks: tasks of the network.
        targets: labels of the frames, by task.
        sources: names of the heads whose labels are fed back.
    """
    weights = {name: part for task in tasks for name, part in _weights_of(task, targets[task.name]).items()}
    return {source: weights[source] for source in sources}


def _weights_of(task: Task, target: Target) -> dict[str, Tensor]:
    values, known = target.values, target.annotated
    match task:
        case Continuous():
            weights = torch.where(known, (values - task.low) / (task.high - task.low), 0)
            return {name: weights[:, place, None] for place, name in enumerate(task.outputs)}
        case Categorical():
            return {task.name: torch.where(known[:, None], functional.one_hot(values, task.width), 0).float()}
        case MultiLabel():
            return {task.name: torch.where(known, values, 0)}
