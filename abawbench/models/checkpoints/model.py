"""What loading a checkpoint gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from abawbench.models.backbones import Backbone


@dataclass(frozen=True, eq=False)
class Loaded:
    """A backbone with the weights of a file.

    Attributes:
        backbone: in evaluation mode, in float32.
        layout: whose names the file has, as "facebookresearch/mae, fine-tuned".
        sha256: of the file; of a folder over the names and bytes of config.json and the weights.
        preset: where size, colour, mean and std come from, and what the caller put in their place.
        missing: tensors that the file lacks and the network can do without.
        unexpected: tensors of the file that the network has not: heads and decoders.
        heads: those of them that are linear layers after a backbone, as `head.weight` or `output_layer.bias`.
    """

    backbone: Backbone
    layout: str
    sha256: str
    preset: str
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    heads: Mapping[str, Tensor]

    @property
    def kind(self) -> str:
        """Name of the backbone."""
        return self.backbone.card.kind

    def facts(self) -> dict[str, Any]:
        """All that a run should keep of its weights, as JSON takes it."""
        card = self.backbone.card
        return {
            "sha256": self.sha256,
            "kind": card.kind,
            "layout": self.layout,
            "size": card.image_input.size,
            "colour": card.image_input.colour,
            "mean": list(card.image_input.mean),
            "std": list(card.image_input.std),
            "layer": card.layer,
            "pooling": card.pooling,
            "width": card.width,
            "preset": self.preset,
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
        }
