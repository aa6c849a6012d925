"""Anybody's torch module as an entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, cat, nn

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.clip import Clip
from abawbench.entries.model import Answers, Card, FrameFeatures
from abawbench.entries.networks.frame_encoder import EncoderEntry, FrameEncoder, freeze
from abawbench.entries.outputs import activate_scores
from abawbench.models.image_input import ImageInput


class _EndToEnd(nn.Module):
    """The scores of all tasks, end to end, of a module that gives them by name."""

    def __init__(self, module: nn.Module, tasks: Sequence[Task], name: str) -> None:
        super().__init__()
        self.module, self.tasks, self.name = module, tuple(tasks), name

    def forward(self, pictures: Tensor) -> Tensor:
        given = self.module(pictures)
        shapes = {task.name: (len(pictures), task.width) for task in self.tasks}
        found = {name: tuple(part.shape) for name, part in given.items()} if isinstance(given, dict) else type(given)
        if found != shapes:
            fix = "return a dict of one tensor for each task"
            raise ProblemError(Problem("E13", f"{self.name}: scores {found}", f"scores {shapes}", fix))
        return cat([given[task.name] for task in self.tasks], 1)


@dataclass(frozen=True, eq=False)
class ModuleEntry(EncoderEntry):
    """A module that looks at each crop by itself."""

    @property
    def width(self) -> int:
        """Scores of a frame, over all tasks."""
        return sum(task.width for task in self.card.tasks)

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Softmax, sigmoid, and numbers brought into their range."""
        ends = np.cumsum([task.width for task in self.card.tasks])
        parts = np.split(features.astype(np.float64), ends[:-1], axis=1)
        scores = {task.name: part for task, part in zip(self.card.tasks, parts, strict=True)}
        return activate_scores(self.card.tasks, scores, clip)


def from_torch(module: nn.Module, card: Card, tasks: Sequence[Task], image_input: ImageInput) -> ModuleEntry:
    """An entry of a torch module, whatever is in it.

    Args:
        module: maps normalised pictures, shape (pictures, channels, size, size), to a dict of scores by task: logits of
            classes and labels, shape (pictures, width), and numbers.
        card: what it is, without tasks.
        tasks: what it answers, as `abawbench.get("abaw4-mtl").tasks`.
        image_input: the pictures it takes.
    """
    facts = {"role": "network", "kind": type(module).__name__, "intake": image_input.to_json()}
    (module,) = freeze([_EndToEnd(module, tasks, card.name)])
    return ModuleEntry(
        replace(card, tasks=tuple(tasks), networks=(*card.networks, facts)), FrameEncoder((module,), (image_input,))
    )
