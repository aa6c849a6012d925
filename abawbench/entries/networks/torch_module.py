"""Any torch module as an entry."""

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
    """A module whose scores by task are joined end to end."""

    def __init__(self, module: nn.Module, tasks: Sequence[Task], name: str) -> None:
        super().__init__()
        self.module, self.tasks, self.name = module, tuple(tasks), name

    def forward(self, pictures: Tensor) -> Tensor:
        scores = self.module(pictures)
        shapes = {task.name: (len(pictures), task.width) for task in self.tasks}
        found = {name: tuple(part.shape) for name, part in scores.items()} if isinstance(scores, dict) else type(scores)
        if found != shapes:
            fix = "return a dict of one tensor for each task"
            raise ProblemError(Problem("E13", f"{self.name}: scores {found}", f"scores {shapes}", fix))
        return cat([scores[task.name] for task in self.tasks], 1)


@dataclass(frozen=True, eq=False)
class ModuleEntry(EncoderEntry):
    """A module that answers for each crop alone, as an entry."""

    @property
    def width(self) -> int:
        """Number of scores of a frame over all tasks."""
        return sum(task.width for task in self.card.tasks)

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip by softmax and sigmoid of the scores, and by values cut at their range."""
        ends = np.cumsum([task.width for task in self.card.tasks])
        parts = np.split(features.astype(np.float64), ends[:-1], axis=1)
        scores = {task.name: part for task, part in zip(self.card.tasks, parts, strict=True)}
        return activate_scores(self.card.tasks, scores, clip)


def from_torch(module: nn.Module, card: Card, tasks: Sequence[Task], image_input: ImageInput) -> ModuleEntry:
    """Make an entry of any torch module.

    Args:
        module: module that maps normalised pictures, shape (pictures, channels, size, size), to a dict of scores by
            task, each of shape (pictures, width): logits of classes and labels, and values.
        card: description of the entry, without tasks.
        tasks: tasks that it answers, as `abawbench.get("abaw4-mtl").tasks`.
        image_input: pictures that the module takes.
    """
    facts = {"role": "network", "kind": type(module).__name__, "intake": image_input.to_json()}
    (module,) = freeze([_EndToEnd(module, tasks, card.name)])
    return ModuleEntry(
        replace(card, tasks=tuple(tasks), networks=(*card.networks, facts)), FrameEncoder((module,), (image_input,))
    )
