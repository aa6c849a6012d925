"""Any torch module as an entry, whether it answers all tasks of a vocabulary or only some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError, Problems, did_you_mean
from abawbench.challenges import Task
from abawbench.clips.clip import Clip
from abawbench.entries.model import Answers, Card, FrameFeatures
from abawbench.entries.names import read_names
from abawbench.entries.networks.frame_encoder import FrameEncoder, freeze, normalise
from abawbench.entries.networks.torch_layers import LayeredEncoderEntry, require_layer
from abawbench.entries.outputs import (
    ACTIVATIONS,
    TRAINED,
    Activation,
    activate,
    correct_rounding,
    over_frames,
    refuse_probabilities,
)
from abawbench.models.image_input import ImageInput
from abawbench.table import Floats

# pictures of the trial that shows which tasks a module answers; with two, rows and columns cannot be confused
TRIAL = 2
# name of the user's module inside of `_EndToEnd`
MODULE = "module"
# parts of a wrong output that are described
SHOWN = 8


class _EndToEnd(nn.Module):
    """A module whose scores by task are joined end to end.

    Args:
        module: the module.
        tasks: tasks that it answers.
        name: name of the entry, for messages.
    """

    def __init__(self, module: nn.Module, tasks: Sequence[Task], name: str) -> None:
        super().__init__()
        self.module, self.tasks, self.name = module, tuple(tasks), name

    def forward(self, pictures: Tensor) -> Tensor:
        scores = _scores_by_task(self.module(pictures), self.tasks, len(pictures), self.name)
        absent = [task.name for task in self.tasks if task.name not in scores]
        if absent:
            found = f"{self.name}: no scores for {', '.join(absent)}, which were there before"
            raise ProblemError(Problem("E13", found, "the same tasks for all pictures", "correct the module's forward"))
        return torch.cat([scores[task.name] for task in self.tasks], 1)


@dataclass(frozen=True, eq=False)
class ModuleEntry(LayeredEncoderEntry):
    """A module that answers for each crop alone, as an entry.

    Attributes:
        activations: function that makes answers of the scores of each task, in the order of the card.
        features: layer of the module that it names as its features; empty for none.
    """

    inside = MODULE

    activations: tuple[Activation, ...]
    features: str = ""

    @property
    def width(self) -> int:
        """Number of scores of a frame over all tasks."""
        return sum(task.width for task in self.card.tasks)

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer for a clip from the scores of its valid frames.

        Raises:
            ProblemError: E14, scores that are taken as answers and are out of range, or that are probabilities before
                their activation.
        """
        ends = np.cumsum([task.width for task in self.card.tasks])
        parts = np.split(features.astype(np.float64), ends[:-1], axis=1)
        answers: dict[str, Floats] = {}
        for task, part, activation in zip(self.card.tasks, parts, self.activations, strict=True):
            file, place = f"{self.card.name}, {clip.video}", f"activations of {task.name} in from_torch"
            refuse_probabilities(task, part, activation, file=file, place=place)
            values = activate(task, part, activation)
            if activation == "none":
                fix = f"set {place}: {' or '.join(ACTIVATIONS[type(task)][1:])}"
                values = correct_rounding(task, values, file=file, fix=fix)
            answers[task.name] = over_frames(values, clip)
        return answers


def from_torch(
    module: nn.Module,
    card: Card,
    tasks: Sequence[Task],
    image_input: ImageInput,
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    activations: Mapping[str, Activation] | None = None,
    features: str = "",
) -> ModuleEntry:
    """Make an entry of any torch module.

    A trial with two black pictures shows which of the tasks the module answers; the card gets these. The module itself
    is moved to the CPU, in float32, and put into evaluation mode.

    Args:
        module: module that maps normalised pictures, shape (pictures, channels, size, size), to a dict of scores by
            task, each of shape (pictures, width), for all tasks or for some; or to the scores of one task alone, which
            is the only task of that width.
        card: description of the entry, without tasks.
        tasks: tasks that it may answer, as the vocabulary that `create` gets, or `abawbench.get("abaw4-mtl").tasks`.
        image_input: pictures that the module takes.
        names: classes or columns of a task in the order of the module's scores, by task, where they are others than
            those of `tasks`, as `read_names` reads them.
        activations: function that makes answers of the scores, by task: `none` for scores that are probabilities
            already, or values. By default softmax of classes, sigmoid of labels, and values cut at their range.
        features: layer of the module, as `trunk` or `trunk.pool`, whose output `abawbench extract` takes as features.

    Raises:
        ProblemError: E02 the module is no module, names or activations do not fit the tasks, or there is no layer
            `features`; E13 it returns anything else, or scores whose task is not clear.
    """
    named, notes = _named_tasks(tasks, names or {}, activations or {}, card.name)
    if not isinstance(cast(object, module), nn.Module):
        found = f"{card.name}: a {type(module).__name__} as the module"
        raise ProblemError(Problem("E02", found, "a torch.nn.Module", "wrap it in one"))
    if features:
        require_layer(module, features, card.name, "E02")
    (module,) = freeze([module.to("cpu", torch.float32)])
    pictures = normalise(torch.zeros(TRIAL, image_input.size, image_input.size, 3, dtype=torch.uint8), image_input)
    with torch.inference_mode():
        scores = _scores_by_task(module(pictures), named, TRIAL, card.name)
    answered = tuple(task for task in named if task.name in scores)
    facts = {"role": "network", "kind": type(module).__name__, "intake": image_input.to_json()}
    return ModuleEntry(
        card=replace(
            card,
            tasks=answered,
            notes=(*card.notes, *(note for task in answered for note in notes[task.name])),
            networks=(*card.networks, facts),
        ),
        encoder=FrameEncoder((_EndToEnd(module, answered, card.name),), (image_input,)),
        activations=tuple((activations or {}).get(task.name, TRAINED[type(task)]) for task in answered),
        features=features,
    )


def _named_tasks(
    tasks: Sequence[Task], names: Mapping[str, Sequence[str]], activations: Mapping[str, Activation], name: str
) -> tuple[tuple[Task, ...], dict[str, tuple[str, ...]]]:
    """The tasks with the module's own names, and notes on these. Raises: ProblemError E02, everything wrong."""
    known = {task.name: task for task in tasks}
    notes: dict[str, tuple[str, ...]] = {}
    problems = Problems()
    for argument, given in (("names", names), ("activations", activations)):
        for other in sorted(given.keys() - known.keys()):
            fix = did_you_mean(other, known, "correct the name of the task")
            problems.add(Problem("E02", f"{name}: {argument} of {other}", f"a task: {', '.join(known)}", fix))
    for task in tasks:
        choice = activations.get(task.name, TRAINED[type(task)])
        if choice not in ACTIVATIONS[type(task)]:
            expected = f"one of {', '.join(ACTIVATIONS[type(task)])}"
            problems.add(Problem("E02", f"{name}: activation {choice} of {task.name}", expected, "correct it"))
        own = names.get(task.name, task.outputs)
        known[task.name], notes[task.name] = read_names(own, task, f"{name}: names of {task.name}", problems)
    problems.raise_if_any()
    return tuple(known.values()), notes


def _scores_by_task(output: object, tasks: Sequence[Task], pictures: int, name: str) -> Mapping[str, Tensor]:
    """The scores that a module returned, by task.

    Args:
        output: whatever the module returned.
        tasks: tasks that it may answer.
        pictures: number of pictures.
        name: name of the entry, for messages.

    Raises:
        ProblemError: E13, the output is neither scores of some tasks nor of the only task of that width.
    """
    shapes = {task.name: (pictures, task.width) for task in tasks}
    if isinstance(output, Tensor):
        fitting = [task for task, shape in shapes.items() if shape == tuple(output.shape)]
        scores: Mapping[object, object] = {fitting[0]: output} if len(fitting) == 1 else {}
        fix = (
            'return a dict of scores by task, or give from_torch names={"expression": [...]}, the module\'s own classes'
        )
        if len(fitting) > 1:
            fix = f"scores of {' or of '.join(fitting)}: return a dict that says which, as {{'{fitting[0]}': scores}}"
    else:
        scores = cast(Mapping[object, object], output) if isinstance(output, Mapping) else {}
        fix = "return the scores of one task, or a dict of scores by task"
    is_right = all(
        isinstance(part, Tensor) and part.is_floating_point() and shapes.get(str(task)) == tuple(part.shape)
        for task, part in scores.items()
    )
    if not scores or not is_right:
        wanted = ", ".join(f"{task} {shape}" for task, shape in shapes.items())
        found = f"{name}: the module returns {_describe(output)} for {pictures} pictures"
        raise ProblemError(Problem("E13", found, f"floating-point scores of one or more of {wanted}", fix))
    return cast(Mapping[str, Tensor], scores)


def _describe(output: Any) -> str:
    """The type and the shapes of anything that a module may return."""
    if isinstance(output, Tensor):
        return f"a tensor {tuple(output.shape)} of {str(output.dtype).removeprefix('torch.')}"
    if isinstance(output, Mapping):
        parts = cast(Mapping[object, object], output)
        return f"a dict of {_some(f'{name}: {_describe(part)}' for name, part in parts.items())}"
    if isinstance(output, list | tuple):
        parts = cast(Sequence[object], output)
        return f"a {type(output).__name__} of {_some(map(_describe, parts))}"
    return f"a {type(output).__name__}"


def _some(parts: Iterable[str]) -> str:
    """The first few parts of a description."""
    listed = list(parts)
    return ", ".join(listed[:SHOWN] + ["..."] * (len(listed) > SHOWN)) or "nothing"
