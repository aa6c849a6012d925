"""DenseNet121 and DenseFace, with the names of torchvision's files.

Sources: torchvision (structure and names of DenseNet121); AIM3-RUC/MEmoBert:code/denseface/model/dense_net.py and
code/denseface/config/dense_fer.py (DenseFace).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from abawbench.models.backbones.model import Backbone, BackboneCard, refuse_other_pictures, resolve_card
from abawbench.models.image_input import ImageInput, Overrides, imagenet

BOTTLENECK = 4
# mean and deviation of the grey faces of FER+, from 0 to 255 (assumed to fit); those of the target data are better
FACES = (131.0754, 47.8582)


@dataclass(frozen=True, slots=True)
class Structure:
    """The structure of a network.

    Attributes:
        growth: number of channels that each dense layer adds.
        blocks: number of dense layers in each dense block.
        initial: number of channels of the stem.
        stem: kind of stem; `large`, 7x7 with norm and pool for colour pictures; `small`, 3x3 alone for grey ones.
        size: height and width of the pictures in pixels.
    """

    growth: int
    blocks: tuple[int, ...]
    initial: int
    stem: Literal["large", "small"]
    size: int


STRUCTURES = {
    "densenet121": Structure(32, (6, 12, 24, 16), 64, "large", 224),
    "denseface100": Structure(12, (16, 16, 16), 24, "small", 64),
    "tiny_densenet121": Structure(4, (2, 2, 2, 2), 8, "large", 64),
    "tiny_denseface": Structure(4, (2, 2, 2), 8, "small", 64),
}


class DenseNet(Backbone):
    """Blocks of layers that each see all maps before them; the vector is the average over the last map."""

    def __init__(self, card: BackboneCard, structure: Structure) -> None:
        super().__init__(card)
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        if structure.stem == "large":
            parts["conv0"] = nn.Conv2d(3, structure.initial, 7, stride=2, padding=3, bias=False)
            parts["norm0"] = nn.BatchNorm2d(structure.initial)
            parts["relu0"] = nn.ReLU()
            parts["pool0"] = nn.MaxPool2d(3, stride=2, padding=1)
        else:
            parts["conv0"] = nn.Conv2d(1, structure.initial, 3, stride=2, padding=1, bias=False)
        width = structure.initial
        # places of the parts at which stages begin, and the channels at their ends
        self._begins: list[int] = []
        self._widths: list[int] = []
        for number, layers in enumerate(structure.blocks, start=1):
            self._begins.append(len(parts))
            parts[f"denseblock{number}"] = _DenseBlock(width, structure.growth, layers)
            width += layers * structure.growth
            if number < len(structure.blocks):
                parts[f"transition{number}"] = _transition(width)
                width //= 2
            self._widths.append(width)
        parts["norm5" if structure.stem == "large" else "norm3"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(parts)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, pictures: Tensor) -> Tensor:
        """Vectors, shape (pictures, width), of pictures, shape (pictures, channels, size, size)."""
        refuse_other_pictures(self.card, pictures)
        return self.finish(self.features(pictures))

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The dense blocks, each with the transition behind it, the last with the norm."""
        ends = [*self._begins[1:], len(self.features)]
        return [self.features[begin:end] for begin, end in zip(self._begins, ends, strict=True)]

    @property
    def channels(self) -> Sequence[int]:
        """The number of channels after each stage."""
        return self._widths

    def begin(self, pictures: Tensor) -> Tensor:
        """The maps of the stem."""
        return cast(Tensor, self.features[: self._begins[0]](pictures))

    def finish(self, maps: Tensor) -> Tensor:
        """Vectors, shape (pictures, width), of the maps of the last stage."""
        return torch.relu(maps).mean((2, 3))


class _DenseLayer(nn.Sequential):
    def __init__(self, width: int, growth: int) -> None:
        inner = BOTTLENECK * growth
        super().__init__(
            OrderedDict[str, nn.Module](
                norm1=nn.BatchNorm2d(width),
                relu1=nn.ReLU(),
                conv1=nn.Conv2d(width, inner, 1, bias=False),
                norm2=nn.BatchNorm2d(inner),
                relu2=nn.ReLU(),
                conv2=nn.Conv2d(inner, growth, 3, padding=1, bias=False),
            )
        )


class _DenseBlock(nn.Module):
    def __init__(self, width: int, growth: int, layers: int) -> None:
        super().__init__()
        for place in range(layers):
            self.add_module(f"denselayer{place + 1}", _DenseLayer(width + place * growth, growth))

    def forward(self, maps: Tensor) -> Tensor:
        for layer in self.children():
            maps = torch.cat((maps, cast(Tensor, layer(maps))), 1)
        return maps


def _transition(width: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            norm=nn.BatchNorm2d(width),
            relu=nn.ReLU(),
            conv=nn.Conv2d(width, width // 2, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )


def width_of(structure: Structure) -> int:
    """Number of channels of the last map."""
    width = structure.initial
    for number, layers in enumerate(structure.blocks):
        width = (width // 2 if number else width) + layers * structure.growth
    return width


def create(kind: str, overrides: Overrides) -> DenseNet:
    """Make the network of this name with random weights.

    Raises:
        ProblemError: E17, an override that it cannot follow; DenseFace takes 64 pixels and no other size.
    """
    structure = STRUCTURES[kind]
    if structure.stem == "large":
        preset, least = imagenet(structure.size), 32
    else:
        mean, deviation = FACES
        preset, least = ImageInput(structure.size, "grey", (mean / 255,), (deviation / 255,)), None
    card = resolve_card(kind, preset, overrides, pooling="average", width=width_of(structure), least=least)
    return DenseNet(card, structure).eval()
