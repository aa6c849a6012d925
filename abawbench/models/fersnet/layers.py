"""Layers of FERSNet: residual blocks, the target expression in a decoder, and the steps of the decoder."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from abawbench.models.fersnet.settings import Transform

Norm = Literal["batch", "instance"]
SLOPE = 0.2
# side of the map that a target expression becomes before it is joined to the deepest map
CODE_SIDE = 3


def norm(kind: Norm, width: int) -> nn.Module:
    """A norm over maps of this width; that over instances has a scale and an offset too (assumed)."""
    return nn.BatchNorm2d(width) if kind == "batch" else nn.InstanceNorm2d(width, affine=True)


def two_convolutions(before: int, width: int) -> nn.Sequential:
    """Two 3x3 convolutions, each with ReLU: a stage in the topology of the paper."""
    return nn.Sequential(
        nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()
    )


class ResidualBlock(nn.Module):
    """Two normalised 3x3 convolutions beside a shortcut, which is a 1x1 projection where the width changes."""

    def __init__(self, before: int, width: int, kind: Norm) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(before, width, 3, padding=1, bias=False), norm(kind, width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1, bias=False), norm(kind, width)
        self.shortcut: nn.Module = nn.Identity()
        if before != width:
            self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, bias=False), norm(kind, width))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of `width` channels, of the same height and width."""
        inner = functional.relu(self.norm1(self.conv1(maps)))
        return functional.relu(self.norm2(self.conv2(inner)) + self.shortcut(maps))


class LabelTransform(nn.Module):
    """Maps normalised by instance, then scaled and shifted by a linear function of the target expression.

    In training, noise of a learned strength is added first; the answers of a trained network are the same each time
    (assumed).

    Args:
        width: channels of the maps.
        classes: number of expressions.
        kind: `released`, scales that start near 0; `around_one`, scales that start about 1.
    """

    def __init__(self, width: int, classes: int, kind: Transform = "released") -> None:
        super().__init__()
        self.kept = float(kind == "around_one")
        self.strength = nn.Parameter(torch.zeros(()))
        self.label = nn.Linear(classes, 2 * width)
        with torch.no_grad():
            nn.init.xavier_normal_(self.label.weight).mul_(1 if self.kept else 0.1)

    def forward(self, maps: Tensor, code: Tensor) -> Tensor:
        """Maps of the same shape.

        Args:
            maps: maps, shape (pictures, width, height, width).
            code: probability of each target expression, shape (pictures, classes).
        """
        if self.training:
            maps = maps + self.strength * torch.randn_like(maps)
        scale, offset = self.label(code)[:, :, None, None].chunk(2, 1)
        return (self.kept + scale) * functional.instance_norm(maps) + offset


class LabelMap(nn.Module):
    """The target expression as a map: a linear layer, a transposed convolution from 1x1 to 3x3, a 1x1 convolution."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(classes, width),
            nn.ReLU(),
            nn.Unflatten(1, (width, 1, 1)),
            nn.ConvTranspose2d(width, width, CODE_SIDE),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, code: Tensor, side: int) -> Tensor:
        """A map of shape (pictures, width, side, side); where the side is not 3, values are repeated (assumed)."""
        return functional.interpolate(self.layers(code), size=(side, side))


class UpStep(nn.Module):
    """A step of the decoder: a transposed convolution of stride 2, a skip, and two normalised convolutions.

    Kernel 4 and padding 1 of the transposed convolution are assumed.

    Args:
        before: channels of the input.
        width: channels of the output.
        skip: channels of the skip; 0 without one.
        classes: number of expressions where these condition the skip; 0 where they do not.
        kind: kind of the transform of the skip.
    """

    def __init__(self, before: int, width: int, skip: int, classes: int, kind: Transform = "released") -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(before, width, 4, stride=2, padding=1)
        self.transform = LabelTransform(skip, classes, kind) if skip and classes else None
        self.conv1 = nn.Conv2d(width + skip, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, maps: Tensor, skip: Tensor | None, code: Tensor) -> Tensor:
        """Maps of twice the height and width.

        Args:
            maps: input maps.
            skip: maps of the encoder of twice the height and width; None without a skip.
            code: probability of each target expression, shape (pictures, classes).
        """
        maps = self.up(maps)
        if skip is not None:
            maps = torch.cat((maps, skip if self.transform is None else self.transform(skip, code)), 1)
        for convolution in (self.conv1, self.conv2):
            maps = functional.leaky_relu(functional.instance_norm(convolution(maps)), SLOPE)
        return maps
