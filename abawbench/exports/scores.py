"""The scores of a network that sees each picture alone, as one function from pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry
from abawbench.entries.networks.fersnet import FersNetEntry
from abawbench.models.facebehaviornet import VALENCE_AROUSAL
from abawbench.models.image_input import ImageInput
from abawbench.training.learners import LearningEntry, temporal_of


def picture_of(entry: LearningEntry) -> ImageInput:
    """The pictures that a network takes.

    Raises:
        ProblemError: C02, it takes features or several pictures of a crop, or sees a video at a time.
    """
    found = None
    if temporal_of(entry).encoder != "none":
        found = f"{entry.card.name}, which answers for a video at a time"
    elif len(set(entry.encoder.image_inputs)) != 1:
        count = len(set(entry.encoder.image_inputs))
        found = f"{entry.card.name}, which takes {f'{count} pictures of each crop' if count else 'features'}"
    if found is not None:
        expected, fix = "a network that answers for each picture alone", "export it to a Hugging Face folder"
        raise ProblemError(Problem("C02", found, expected, fix))
    return entry.encoder.image_inputs[0]


def scores_of(entry: LearningEntry, pictures: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Features, shape (pictures, width), and the scores of each task before its activation.

    Args:
        entry: the network.
        pictures: normalised pictures, shape (pictures, channels, size, size).

    Raises:
        ProblemError: as `picture_of`.
    """
    picture_of(entry)
    features = torch.cat([module(pictures) for module in entry.encoder.modules], 1)
    if isinstance(entry, FersNetEntry):
        return features, {entry.card.tasks[0].name: entry.network.classifier(features)}
    if isinstance(entry, FaceBehaviorEntry):
        heads = entry.network.answers(features)
        return features, {task.name: heads[VALENCE_AROUSAL if task.is_real else task.name] for task in entry.card.tasks}
    # each picture is a video of its own
    lengths = torch.ones_like(pictures[:, 0, 0, 0], dtype=torch.int64)
    heads = {name: part[:, 0] for name, part in entry.network(features[:, None], lengths)[0].items()}
    scores = {
        task.name: torch.cat([heads[name] for name in task.outputs], 1) if task.is_real else heads[task.name]
        for task in entry.card.tasks
    }
    return features, scores
