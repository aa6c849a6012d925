"""A backbone, the card that describes it, and the registry that builds one by name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.models.backbones.presets import PRESETS
from abawbench.models.image_input import ImageInput, Overrides, Pooling

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


@dataclass(frozen=True, slots=True)
class BackboneCard:
    """The description of a backbone.

    Attributes:
        kind: name of the backbone in the registry, as `iresnet50`.
        image_input: pictures that it takes.
        layer: hidden layer that is read, counted from the first (0 is its input) or from the last (-1 is its output).
        pooling: reduction of the layer to one vector: the `class` token, the `mean` of the patch tokens, the `average`
            over the map, or the network's own `embedding`.
        width: length of the vector of a picture.
    """

    kind: str
    image_input: ImageInput
    layer: int
    pooling: Pooling
    width: int

    def to_json(self) -> dict[str, Any]:
        """Every field, as entry cards and run folders keep them."""
        return {
            "kind": self.kind,
            "intake": self.image_input.to_json(),
            "layer": self.layer,
            "pooling": self.pooling,
            "width": self.width,
        }


class Backbone(nn.Module):
    """A network that encodes a picture as one vector.

    Attributes:
        card: description of the backbone.
    """

    def __init__(self, card: BackboneCard) -> None:
        super().__init__()
        self.card = card

    def forward(self, pictures: Tensor) -> Tensor:
        """Vectors, shape (pictures, width), of normalised pictures, shape (pictures, channels, size, size)."""
        refuse_other_pictures(self.card, pictures)
        maps = self.begin(pictures)
        for stage in self.stages:
            maps = stage(maps)
        return self.finish(maps)

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The stages between `begin` and `finish`, each from maps to maps, as (pictures, channels, height, width).

        Tokens without a place in the picture are maps of width 1. To be read once for each forward pass.

        Raises:
            ProblemError: E17, the network is not divided into stages.
        """
        found = f"the stages of {self.card.kind}"
        fix = "name another kind of backbone"
        raise ProblemError(_refused(found, "a network that is divided into stages here", fix))

    @property
    def channels(self) -> Sequence[int]:
        """The number of channels of the maps after each stage. Raises: ProblemError E17, as `stages`."""
        raise NotImplementedError

    @property
    def has_tokens(self) -> bool:
        """True where the maps are tokens in a row, which a convolution over neighbours makes no sense for."""
        return False

    def begin(self, pictures: Tensor) -> Tensor:
        """The maps before the first stage."""
        raise NotImplementedError

    def finish(self, maps: Tensor) -> Tensor:
        """The vectors of maps after the last stage."""
        raise NotImplementedError

    def columns(self, output: str) -> slice:
        """The columns of the vectors that the head of an output reads."""
        del output
        return slice(0, self.card.width)


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


def resolve_card(
    kind: str, preset: ImageInput, overrides: Overrides, *, pooling: Pooling, width: int, least: int | None = None
) -> BackboneCard:
    """The card of a network that has one layer to read and one pooling.

    Args:
        kind: name of the network.
        preset: pictures that it takes.
        overrides: values that replace those of the preset; layer and pooling can only repeat those of the network.
        pooling: pooling of the network.
        width: length of its vectors.
        least: side of the smallest possible picture in pixels; None where only the size of the preset is possible.

    Raises:
        ProblemError: E17, an override that the network cannot follow.
    """
    problems: list[Problem] = []
    image_input = overrides.apply(preset, kind)
    if least is None and image_input.size != preset.size:
        expected = f"{preset.size} pixels, for which its last layer is made"
        problems.append(_refused(f"size {image_input.size} for {kind}", expected, "leave the size as it is"))
    if least is not None and image_input.size < least:
        problems.append(
            _refused(f"size {image_input.size} for {kind}", f"{least} pixels or more", "take larger pictures")
        )
    if overrides.layer not in (None, -1):
        problems.append(
            _refused(f"layer {overrides.layer} of {kind}", "its output, layer -1", "leave the layer as it is")
        )
    if overrides.pooling not in (None, pooling):
        problems.append(
            _refused(f"pooling '{overrides.pooling}' of {kind}", f"'{pooling}'", "leave the pooling as it is")
        )
    if problems:
        raise ProblemError(*problems)
    return BackboneCard(kind, image_input, -1, pooling, width)


def refuse_other_pictures(card: BackboneCard, pictures: Tensor) -> None:
    """Raises ProblemError E06 for pictures of another shape than (pictures, channels, size, size) of the card."""
    size, channels = card.image_input.size, card.image_input.channels
    if pictures.ndim != 4 or tuple(pictures.shape[1:]) != (channels, size, size):
        found = f"pictures of shape {tuple(pictures.shape)} for {card.kind}"
        expected = f"(pictures, {channels}, {size}, {size})"
        raise ProblemError(Problem("E06", found, expected, "make pictures with the image input of its card"))


def _refused(found: str, expected: str, fix: str) -> Problem:
    return Problem("E17", found, expected, fix)
