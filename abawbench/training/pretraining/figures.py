"""Pictures of a pre-training: what it fills in, and its losses."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from abawbench.clips.images import Image
from abawbench.training.pretraining.run_folder import Epoch

_GREY = 0.5
_GAP, _MARGIN, _LEAST = 4, 110, 112
_ROWS = ("picture", "seen", "filled in")


def patches_of(pictures: Tensor, patch: int) -> Tensor:
    """Patches of pictures, shape (pictures, patches, patch * patch * 3): values in order of row, column, colour."""
    count, colours, side, _ = pictures.shape
    grid = side // patch
    cut = pictures.reshape(count, colours, grid, patch, grid, patch).permute(0, 2, 4, 3, 5, 1)
    return cut.reshape(count, grid * grid, patch * patch * colours)


def pictures_of(patches: Tensor, patch: int) -> Tensor:
    """Pictures of patches, shape (pictures, 3, side, side): the inverse of `patches_of`."""
    count, number, _ = patches.shape
    grid = round(number**0.5)
    laid = patches.reshape(count, grid, grid, patch, patch, 3).permute(0, 5, 1, 3, 2, 4)
    return laid.reshape(count, 3, grid * patch, grid * patch)


def filled_in(pictures: Tensor, said: Tensor, hidden: Tensor, patch: int) -> tuple[Tensor, Tensor]:
    """Pictures with hidden patches in grey, and with what the network says of them.

    The network says a patch on a scale of its own: mean 0 and variance 1 over all its values. Mean and spread come from
    the picture, hence brightness and contrast of a hidden patch are given, its pattern and hue are not.

    Args:
        pictures: shape (pictures, 3, side, side), from black 0 to white 1.
        said: shape (pictures, patches, values).
        hidden: shape (pictures, patches), 1 where a patch is hidden.
        patch: side of a patch in pixels.
    """
    true = patches_of(pictures, patch)
    spread = (true.var(2, keepdim=True) + 1e-6).sqrt()
    guess = (said * spread + true.mean(2, keepdim=True)).clamp(0, 1)
    gone = hidden[..., None].bool()
    seen = torch.where(gone, torch.full_like(true, _GREY), true)
    return pictures_of(seen, patch), pictures_of(torch.where(gone, guess, true), patch)


def reconstructions(pictures: Tensor, seen: Tensor, filled: Tensor) -> bytes:
    """A PNG with a column for each picture; in its rows the picture, what was seen of it, and what was filled in."""
    import cv2

    side = pictures.shape[2]
    scale = max(1, -(-_LEAST // side))
    cell = side * scale + _GAP
    sheet = np.full((3 * cell + _GAP, _MARGIN + len(pictures) * cell + _GAP, 3), 255, np.uint8)
    for row, (name, shown) in enumerate(zip(_ROWS, (pictures, seen, filled), strict=True)):
        place = (8, row * cell + cell // 2)
        cv2.putText(sheet, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
        for column, picture in enumerate(_bytes(shown)):
            top, left = _GAP + row * cell, _MARGIN + column * cell
            large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
            sheet[top : top + side * scale, left : left + side * scale] = large
    return cv2.imencode(".png", sheet[..., ::-1])[1].tobytes()


def loss_figure(epochs: Sequence[Epoch]) -> bytes:
    """A PNG of the losses by epoch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    numbers = [epoch.epoch for epoch in epochs]
    axes.plot(numbers, [epoch.loss for epoch in epochs], ".-", label="learned from")
    held_out = [(epoch.epoch, epoch.held_out) for epoch in epochs if epoch.held_out is not None]
    if held_out:
        axes.plot(*zip(*held_out, strict=True), ".-", label="held out")
    axes.set_xlabel("epoch")
    axes.set_ylabel("squared error, patches normalised")
    axes.grid(alpha=0.3)
    axes.legend()
    whole = io.BytesIO()
    figure.savefig(whole, format="png", dpi=120)
    return whole.getvalue()


def _bytes(pictures: Tensor) -> NDArray[np.uint8] | list[Image]:
    values = (pictures.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    return values.permute(0, 2, 3, 1).numpy()
