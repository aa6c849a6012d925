"""What a training learns from, ready for its steps: crops to look at, or features as the network takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from abawbench.clips.features import FeatureClip
from abawbench.entries.networks.network import NetworkEntry
from abawbench.training.data import Crops, Part, features_of
from abawbench.training.learners import Answering
from abawbench.training.settings import TrainingSettings
from abawbench.training.targets import Target
from abawbench.training.validation import encode


@dataclass(frozen=True, eq=False)
class Material:
    """What steps are made of, for all places of the training split.

    Attributes:
        seen: features, shape (places, width), as the network takes them; or crops to look at.
        targets: by task, a label a place.
        frame: shape (places,), frame numbers where the network counts time in them, else None.
    """

    seen: Tensor | Crops
    targets: Mapping[str, Target]
    frame: Tensor | None


def seen_of(
    part: Part, entry: Answering, settings: TrainingSettings, *, device: str, threads: int, room: int
) -> Crops | Tensor:
    """Crops of a part; features where these are given, or where backbones that stay always see the same.

    Args:
        part: a split.
        entry: with its backbones.
        settings: of the training.
        device: where backbones that stay look at crops.
        threads: that read features.
        room: bytes of decoded crops that may be kept.

    Returns:
        Features have shape (places, width), float32.

    Raises:
        ProblemError: F01, E04, E06, E19 for crops and features that cannot be read.
    """
    if isinstance(part.clips[0], FeatureClip):
        return features_of(part, threads)
    crops = Crops(part, entry.encoder.image_inputs, room)
    if not settings.freeze_backbone or settings.augmentation is not None:
        return crops
    own, rows = np.unique(part.nearest, return_inverse=True)
    return torch.from_numpy(encode(entry.at(device, "float32"), crops, own)[rows])


def material_of(entry: Answering, part: Part, seen: Crops | Tensor, *, device: str, room: int) -> Material:
    """The material of the training split.

    Statistics of the features, where the network wants them, are learned here.

    Args:
        entry: that learns.
        part: the training split.
        seen: as `seen_of` gives it.
        device: where the entry learns.
        room: bytes of features that an accelerator may hold.
    """
    targets = {name: target.to(device) for name, target in part.targets.items()}
    if not isinstance(entry, NetworkEntry):
        return Material(seen, targets, None)
    frame = torch.from_numpy(part.frame) if entry.time == "frames" else None
    if isinstance(seen, Tensor):
        seen = _normalised(entry, part, seen)
        if device != "cpu" and seen.nbytes <= room:
            seen = seen.to(device)
    return Material(seen, targets, frame)


def _normalised(entry: NetworkEntry, part: Part, seen: Tensor) -> Tensor:
    """Features as they enter the network, which are the same in each epoch."""
    kind = entry.network.temporal.normalise
    if kind == "none":
        return seen
    if kind == "training":
        own = seen[torch.from_numpy(np.unique(part.nearest))].double()
        std = own.std(0) if len(own) > 1 else torch.zeros(own.shape[1])
        entry.network.normalisation.learn(own.mean(0).float(), std.float())
    result = torch.empty_like(seen)
    with torch.no_grad():
        for begin, end in zip(part.begins[:-1].tolist(), part.begins[1:].tolist(), strict=True):
            result[begin:end] = entry.network.normalise(seen[None, begin:end], torch.tensor([end - begin]))[0]
    return result
