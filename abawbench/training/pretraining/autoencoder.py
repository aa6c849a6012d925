"""Masked autoencoders of transformers with the initial weights of facebookresearch/mae, and views of crops."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from abawbench.models.backbones import Overrides
from abawbench.models.backbones.vision import Vision, load, quiet
from abawbench.table import Floats
from abawbench.training.pretraining.settings import SIZES, PretrainSettings

_THIRD = re.compile(r"(q_proj|k_proj|v_proj|query|key|value)$")


_POSITIONS = re.compile(r"position_embeddings$|decoder_pos_embed$")


_TOKENS = re.compile(r"(cls|mask)_token$")


_DEVIATION = 0.02


class Autoencoder(nn.Module):
    """A network that learns to fill in hidden patches.

    Attributes:
        network: transformers' ViTMAEForPreTraining.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, settings: PretrainSettings) -> None:
        from transformers import ViTMAEForPreTraining

        super().__init__()
        with quiet():
            self.network: Any = ViTMAEForPreTraining(_config(settings))
        image_input = SIZES[settings.size].encoder.image_input
        self.register_buffer("mean", torch.tensor(image_input.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(image_input.std).view(3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Fill in the hidden patches from the visible ones.

        Args:
            pictures: pictures, shape (pictures, 3, size, size), from black 0 to white 1.
            noise: random numbers, shape (pictures, patches); the patches with the lowest numbers are visible.

        Returns:
            Mean squared error over hidden patches, each normalised to mean 0 and variance 1; the output for each patch
            on that scale, shape (pictures, patches, values), in order of row, column, colour; and the mask of the
            patches, shape (pictures, patches), 1 where they are hidden.
        """
        output = self.network(pixel_values=(pictures - self.mean) / self.std, noise=noise)
        return output.loss, output.logits, output.mask


def build_autoencoder(settings: PretrainSettings) -> Autoencoder:
    """Build the network with initial weights drawn from the seed; torch's generator does not change.

    Positions are sines and cosines that stay as they are; linear layers are drawn by Glorot's rule, those of query, key
    and value as one; tokens from a normal distribution. transformers itself leaves positions and tokens at zero.

    Source: facebookresearch/mae:models_mae.py.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(settings.seed)
        network = Autoencoder(settings)
        with torch.no_grad():
            for name, module in network.named_modules():
                _begin(name, module)
            for name, value in network.named_parameters():
                if _TOKENS.search(name):
                    value.normal_(std=_DEVIATION)
                elif _POSITIONS.search(name):
                    grid = settings.picture // settings.patch
                    value.copy_(torch.from_numpy(positions(value.shape[2], grid))[None])
                    value.requires_grad_(False)
    return network


def positions(width: int, grid: int) -> Floats:
    """Sines and cosines of column and row of each patch, shape (1 + grid * grid, width); zero for the class token.

    Source: facebookresearch/mae:util/pos_embed.py (columns come first there).
    """
    frequency = 10000.0 ** (-np.arange(width // 4) / (width // 4))
    row, column = np.divmod(np.arange(grid * grid), grid)
    parts = [turn(place[:, None] * frequency) for place in (column, row) for turn in (np.sin, np.cos)]
    return np.concatenate([np.zeros((1, width)), np.concatenate(parts, axis=1)])


def encoder_of(settings: PretrainSettings, tensors: dict[str, Tensor], crop: str = "") -> Vision:
    """The encoder of an autoencoder, as a backbone.

    Args:
        settings: settings of the pre-training.
        tensors: tensors of the autoencoder under the names of transformers.
        crop: name of what the crops show; empty where it is not known.
    """
    size = SIZES[settings.size]
    own = {name.removeprefix("vit."): tensor for name, tensor in tensors.items() if name.startswith("vit.")}
    overrides = Overrides(size=settings.picture)
    preset = replace(size.encoder.image_input, crop=crop)
    return load(size.kind, _config(settings), preset, overrides, own)[0]


def _config(settings: PretrainSettings) -> Any:
    from transformers import ViTMAEConfig

    size = SIZES[settings.size]
    width, layers, heads = size.decoder
    structure: dict[str, Any] = {**size.encoder.structure, "image_size": settings.picture}
    return ViTMAEConfig(
        **structure,
        decoder_hidden_size=width,
        decoder_num_hidden_layers=layers,
        decoder_num_attention_heads=heads,
        decoder_intermediate_size=4 * width,
        mask_ratio=settings.mask,
        norm_pix_loss=True,
    )


def _begin(name: str, module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        # query, key and value are one layer there, whose spread depends on the sum of its outputs
        gain = 0.5**0.5 if _THIRD.search(name) else 1.0
        nn.init.xavier_uniform_(module.weight, gain=gain)
        if cast("Tensor | None", module.bias) is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight.view(len(module.weight), -1))


# share of the picture's area, and ratio of width to height. Source: facebookresearch/mae:main_pretrain.py, torchvision
AREA = (0.2, 1.0)


ASPECT = (3 / 4, 4 / 3)


_ATTEMPTS = 10


# parameter of the bicubic kernel in PIL, and in torch with antialiasing
_SHARPNESS = -0.5


Boxes = NDArray[np.int64]


def random_boxes(random: np.random.Generator, count: int, side: int) -> Boxes:
    """Draw parts of a square picture, shape (count, 4): top, left, height, width in pixels.

    The area is uniform, the aspect uniform on the logarithmic scale; the part is the whole picture where none of ten
    draws fits.

    Source: torchvision.transforms.RandomResizedCrop.
    """
    area = random.uniform(*AREA, (count, _ATTEMPTS)) * side * side
    aspect = np.exp(random.uniform(math.log(ASPECT[0]), math.log(ASPECT[1]), (count, _ATTEMPTS)))
    place = random.random((count, 2))
    height, width = np.rint(np.sqrt(area / aspect)), np.rint(np.sqrt(area * aspect))
    fits = (height >= 1) & (width >= 1) & (height <= side) & (width <= side)
    first = fits.argmax(axis=1)
    row = np.arange(count)
    lengths = np.stack([height[row, first], width[row, first]], axis=1)
    lengths[~fits.any(axis=1)] = side
    starts = np.floor(place * (side - lengths + 1))
    return np.concatenate([starts, lengths], axis=1).astype(np.int64)


def whole_boxes(count: int, side: int) -> Boxes:
    """Boxes around the whole of each picture, shape (count, 4)."""
    return np.tile(np.array([0, 0, side, side], np.int64), (count, 1))


def cut_views(crops: Tensor, boxes: Boxes, mirrored: NDArray[np.bool_], size: int) -> Tensor:
    """Cut parts out of crops and resize them to one size, bicubic, with antialiasing.

    Args:
        crops: crops, uint8, shape (crops, side, side, 3).
        boxes: boxes from `random_boxes` or `whole_boxes`, shape (crops, 4).
        mirrored: True for each crop to flip left and right, shape (crops,).
        size: height and width of the pictures.

    Returns:
        Shape (crops, 3, size, size), float32, from black 0 to white 1.
    """
    count, side = crops.shape[:2]
    top, left, height, width = torch.as_tensor(boxes, device=crops.device).T
    rows = _weights(top, height, side, size)
    columns = _weights(left, width, side, size)
    turned = torch.as_tensor(mirrored, device=crops.device)[:, None, None]
    columns = torch.where(turned, columns.flip(1), columns)
    values = crops.to(torch.float32).reshape(count, side, side * 3) / 255
    values = torch.bmm(rows, values).view(count, size, side, 3).transpose(1, 2).reshape(count, side, size * 3)
    values = torch.bmm(columns, values).view(count, size, size, 3).permute(0, 3, 2, 1)
    # the kernel is negative in places
    return values.clamp(0, 1).contiguous()


def _weights(start: Tensor, length: Tensor, side: int, size: int) -> Tensor:
    """Weight of each of `side` pixels in each of `size` new ones, shape (pictures, size, side)."""
    scale = length.to(torch.float32)[:, None, None] / size
    stretch = scale.clamp(min=1)
    new = torch.arange(size, device=start.device, dtype=torch.float32)[:, None]
    old = torch.arange(side, device=start.device, dtype=torch.float32)
    # distance from the edge of the part
    old = old - start[:, None, None]
    weight = _bicubic((old + 0.5 - (new + 0.5) * scale) / stretch)
    weight = weight * ((old >= 0) & (old < length[:, None, None]))
    return weight / weight.sum(2, keepdim=True)


def _bicubic(distance: Tensor) -> Tensor:
    """The bicubic kernel.

    Source: Keys 1981, IEEE Transactions on Acoustics, Speech and Signal Processing 29(6), equation 4.
    """
    x, a = distance.abs(), _SHARPNESS
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * a * x - 4 * a
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
