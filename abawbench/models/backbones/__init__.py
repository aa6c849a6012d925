"""Backbones by name, with random weights: networks that encode a picture as one vector.

Trained weights come from the user's files; see `abawbench.models.checkpoints`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import torch

from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.models.backbones.model import Backbone, BackboneCard
from abawbench.models.backbones.presets import PRESETS
from abawbench.models.image_input import Overrides, Pooling

__all__ = ["KINDS", "Backbone", "BackboneCard", "Overrides", "Pooling", "build"]
_ROOM = "abawbench.models.backbones"
_IRESNET = [f"iresnet{depth}" for depth in (18, 34, 50, 100, 200)]
_VGG = [f"{tiny}vggface{points}" for tiny in ("", "tiny_") for points in ("", "_landmarks")]
# kind -> module:function, imported when a network of the kind is built
KINDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys([*_IRESNET, "tiny_iresnet"], f"{_ROOM}.iresnet:create"),
        **dict.fromkeys(["densenet121", "denseface100"], f"{_ROOM}.densenet:create"),
        **dict.fromkeys(["tiny_densenet121", "tiny_denseface"], f"{_ROOM}.densenet:create"),
        **dict.fromkeys(_VGG, f"{_ROOM}.vgg:create"),
        **dict.fromkeys(PRESETS, f"{_ROOM}.vision:create"),
    }
)


def build(kind: str, *, seed: int | None = None, overrides: Overrides | None = None) -> Backbone:
    """Build a backbone with random weights, in evaluation mode.

    Args:
        kind: name in `KINDS`, or `hf:` and a model type of transformers, as `hf:convnext`.
        seed: seed of the weights, which leaves torch's generator as it was; None draws them from that generator.
        overrides: values that replace those of the preset.

    Raises:
        ProblemError: E01 unknown kind, E17 an override that the network cannot follow, E10 a model type of transformers
            that takes no pictures.
    """
    place = f"{_ROOM}.vision:create" if kind.startswith("hf:") else KINDS.get(kind)
    if place is None:
        fix = f"name {near_names(kind, KINDS)}"
        raise ProblemError(Problem("E01", f"backbone '{kind}'", "a kind of backbone that is known here", fix))
    module, name = place.split(":")
    create = getattr(importlib.import_module(module), name)
    if seed is None:
        return create(kind, overrides or Overrides())
    with torch.random.fork_rng(devices=[]):
        # not torch.manual_seed, which would seed accelerators too
        torch.default_generator.manual_seed(seed)
        return create(kind, overrides or Overrides())
