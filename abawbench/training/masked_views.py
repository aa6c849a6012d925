"""Random views of crops: a part of the picture, resized and perhaps mirrored, in two products of matrices."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# share of the picture's area, and width to height. Source: facebookresearch/mae:main_pretrain.py, torchvision
AREA = (0.2, 1.0)
ASPECT = (3 / 4, 4 / 3)
_ATTEMPTS = 10
# of the bicubic kernel in PIL, and in torch where it keeps frequencies out that a smaller picture cannot show
_SHARPNESS = -0.5

Boxes = NDArray[np.int64]


def random_boxes(random: np.random.Generator, count: int, side: int) -> Boxes:
    """Parts of a square picture, shape (count, 4): top, left, height, width in pixels.

    The area is drawn evenly, the aspect evenly on the scale of logarithms; where ten draws do not lie in the picture,
    the part is the whole picture.

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


def whole(count: int, side: int) -> Boxes:
    """The whole of each picture."""
    return np.tile(np.array([0, 0, side, side], np.int64), (count, 1))


def views(crops: Tensor, boxes: Boxes, mirrored: NDArray[np.bool_], size: int) -> Tensor:
    """Parts of crops as pictures of one size, bicubic, areas when smaller.

    Args:
        crops: uint8, shape (crops, side, side, 3).
        boxes: shape (crops, 4), from `random_boxes` or `whole`.
        mirrored: shape (crops,), True where left and right change places.
        size: height and width of the result.

    Returns:
        Shape (crops, 3, size, size), float32, from black 0 to white 1.
    """
    count, side = crops.shape[:2]
    given = torch.as_tensor(boxes, device=crops.device)
    rows = _weights(given[:, 0], given[:, 2], side, size)
    columns = _weights(given[:, 1], given[:, 3], side, size)
    turned = torch.as_tensor(mirrored, device=crops.device)[:, None, None]
    columns = torch.where(turned, columns.flip(1), columns)
    values = crops.to(torch.float32).reshape(count, side, side * 3) / 255
    values = torch.bmm(rows, values).view(count, size, side, 3).transpose(1, 2).reshape(count, side, size * 3)
    values = torch.bmm(columns, values).view(count, size, size, 3).permute(0, 3, 2, 1)
    # the kernel is negative in places
    return values.clamp(0, 1).contiguous()


def _weights(start: Tensor, length: Tensor, side: int, size: int) -> Tensor:
    """How much each of `side` pixels gives to each of `size` new ones, shape (pictures, size, side)."""
    scale = length.to(torch.float32)[:, None, None] / size
    stretch = scale.clamp(min=1)
    new = torch.arange(size, device=start.device, dtype=torch.float32)[:, None]
    old = torch.arange(side, device=start.device, dtype=torch.float32)
    # counted from the edge of the part
    old = old - start[:, None, None]
    weight = _bicubic((old + 0.5 - (new + 0.5) * scale) / stretch)
    weight = weight * ((old >= 0) & (old < length[:, None, None]))
    return weight / weight.sum(2, keepdim=True)


def _bicubic(distance: Tensor) -> Tensor:
    """Source: Keys 1981, IEEE Transactions on Acoustics, Speech and Signal Processing 29(6), equation 4."""
    x, a = distance.abs(), _SHARPNESS
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * a * x - 4 * a
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
