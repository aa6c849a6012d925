"""Networks that compare faces: the trunk of LightCNN-9 from a user's file, or a small one with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from abawbench.models.checkpoints.branches import tensors_of
from abawbench.models.checkpoints.fit import require_tensors
from abawbench.models.checkpoints.read import read
from abawbench.models.checkpoints.tensors import check_tensors
from abawbench.models.image_input import Colour

# shares of red, green and blue in grey. Source: cikrhazo/FERSNet:criteria.py
GREY = (0.2989, 0.5870, 0.1140)
# channels of the first layer and of the four groups, which are the maps of LightCNN-9
LIGHT_CNN = (48, 96, 192, 128, 128)
TINY = (4, 8, 8, 16, 16)
_PREFIX, _KEPT = "module.", "features."


class LightCnn(nn.Module):
    """The convolutional trunk of LightCNN-9, whose layers keep the larger of two halves of their channels.

    Attributes:
        features: its layers, named as in the files of AlfredXiangWu/LightCNN.

    Source: AlfredXiangWu/LightCNN:light_cnn.py.
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = LIGHT_CNN) -> None:
        super().__init__()
        first, second, third, fourth, fifth = widths

        def pool() -> nn.Module:
            return nn.MaxPool2d(2, ceil_mode=True)

        self.features = nn.Sequential(
            _LargerHalf(1, first, 5),
            pool(),
            _Group(first, second),
            pool(),
            _Group(second, third),
            pool(),
            _Group(third, fourth),
            _Group(fourth, fifth),
            pool(),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Pooled maps, a sixteenth as high and wide, of grey pictures, shape (pictures, 1, height, width)."""
        return self.features(pictures)


class _LargerHalf(nn.Module):
    def __init__(self, before: int, width: int, kernel: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(before, 2 * width, kernel, padding=kernel // 2)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.maximum(*self.filter(maps).chunk(2, 1))


class _Group(nn.Module):
    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.conv_a, self.conv = _LargerHalf(before, before, 1), _LargerHalf(before, width, 3)

    def forward(self, maps: Tensor) -> Tensor:
        return self.conv(self.conv_a(maps))


class Perceptual(nn.Module):
    """A frozen network that compares faces by its maps.

    Attributes:
        trunk: network on grey pictures.
    """

    shares: Tensor

    def __init__(self, trunk: LightCnn, colour: Colour) -> None:
        super().__init__()
        self.trunk = trunk.eval().requires_grad_(False)
        red, green, blue = GREY
        shares = torch.tensor([red, green, blue] if colour == "RGB" else [blue, green, red])
        self.register_buffer("shares", shares[:, None, None], persistent=False)

    def train(self, mode: bool = True) -> Perceptual:
        """Stay in evaluation mode."""
        del mode
        return super().train(False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Maps of pictures from 0 to 1, shape (pictures, 3, height, width)."""
        return self.trunk((pictures * self.shares).sum(1, keepdim=True))


def tiny_perceptual(colour: Colour, seed: int) -> Perceptual:
    """A small network with random weights, which compares edges and their places but knows no faces.

    Args:
        colour: order of the channels of its pictures.
        seed: seed of the weights, which leaves torch's generator as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        trunk = LightCnn(TINY)
        for module in trunk.modules():
            # maps about as large as the pictures, whatever the depth
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        return Perceptual(trunk, colour)


def load_perceptual(path: Path, colour: Colour) -> Perceptual:
    """Load the trunk of LightCNN-9 from a file of its project; other layers in the file are not needed.

    Args:
        path: checkpoint with names as `module.features.0.filter.weight`, with or without `module.`.
        colour: order of the channels of the pictures that it will compare.

    Raises:
        ProblemError: F01, E04, E09 a file that cannot be read; E08 every tensor missing or of another shape; E22
            numbers that are not finite.
    """
    content = read(path)
    tree = content.tree
    inner = tree.get("state_dict")
    found = tensors_of(cast("dict[str, Tensor]", inner) if isinstance(inner, dict) else tree)
    named = {name.removeprefix(_PREFIX): tensor for name, tensor in found.items()}
    trunk = LightCnn()
    wanted = trunk.state_dict()
    require_tensors(named, wanted, "the trunk of LightCNN-9")
    kept = {name: named[name] for name in wanted}
    check_tensors(kept, content.size, str(path))
    trunk.load_state_dict(kept)
    return Perceptual(trunk, colour)
