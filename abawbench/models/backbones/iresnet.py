"""IResNet, the residual network of face recognition, with the names of insightface's files.

Source: deepinsight/insightface:recognition/arcface_torch/backbones/iresnet.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from torch import Tensor, flatten, nn

from abawbench.models.backbones.model import Backbone, BackboneCard, resolve_card
from abawbench.models.image_input import Overrides, half

SIZE = 112


@dataclass(frozen=True, slots=True)
class Structure:
    """The structure of a network.

    Attributes:
        blocks: number of residual blocks in each of the four stages.
        widths: number of channels of each stage; the stem has those of the first.
        embedding: length of the embedding.
    """

    blocks: tuple[int, int, int, int]
    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    embedding: int = 512


STRUCTURES = {
    "iresnet18": Structure((2, 2, 2, 2)),
    "iresnet34": Structure((3, 4, 6, 3)),
    "iresnet50": Structure((3, 4, 14, 3)),
    "iresnet100": Structure((3, 13, 30, 3)),
    "iresnet200": Structure((6, 26, 60, 6)),
    "tiny_iresnet": Structure((1, 1, 1, 1), (4, 8, 16, 32), 32),
}


class IResNet(Backbone):
    """Four stages of residual blocks, then one fully connected layer; the embedding is not of unit length.

    The scale of the last norm is 1 and stays so. Dropout before the last layer is 0 in insightface, hence left out.
    """

    def __init__(self, card: BackboneCard, structure: Structure) -> None:
        super().__init__(card)
        self._widths = structure.widths
        before = structure.widths[0]
        self.conv1 = nn.Conv2d(3, before, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(before)
        self.prelu = nn.PReLU(before)
        stages: list[nn.Sequential] = []
        for width, blocks in zip(structure.widths, structure.blocks, strict=True):
            first = _Block(before, width, 2)
            stages.append(nn.Sequential(first, *(_Block(width, width, 1) for _ in range(blocks - 1))))
            before = width
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.bn2 = nn.BatchNorm2d(before)
        self.fc = nn.Linear(before * (SIZE // 16) ** 2, structure.embedding)
        self.features = nn.BatchNorm1d(structure.embedding)
        self.features.weight.requires_grad = False
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The four stages of residual blocks."""
        return (self.layer1, self.layer2, self.layer3, self.layer4)

    @property
    def channels(self) -> Sequence[int]:
        """The number of channels after each stage."""
        return self._widths

    def begin(self, pictures: Tensor) -> Tensor:
        """The maps of the stem, shape (pictures, channels, 112, 112)."""
        return self.prelu(self.bn1(self.conv1(pictures)))

    def finish(self, maps: Tensor) -> Tensor:
        """Embeddings, shape (pictures, width), of the maps of the last stage."""
        return cast(Tensor, self.features(self.fc(flatten(self.bn2(maps), 1))))


class _Block(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.prelu = nn.PReLU(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.downsample: nn.Sequential | None = None
        if stride > 1:
            shortcut = nn.Conv2d(before, width, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, maps: Tensor) -> Tensor:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        maps = self.prelu(self.bn2(self.conv1(self.bn1(maps))))
        return self.bn3(self.conv2(maps)) + shortcut


def make(kind: str, structure: Structure, overrides: Overrides) -> IResNet:
    """Make a network of this structure with random weights.

    Raises:
        ProblemError: E17, an override that it cannot follow.
    """
    card = resolve_card(kind, half(SIZE), overrides, pooling="embedding", width=structure.embedding)
    return IResNet(card, structure).eval()


def create(kind: str, overrides: Overrides) -> IResNet:
    """Make the network of this name with random weights; raises as `make`."""
    return make(kind, STRUCTURES[kind], overrides)
