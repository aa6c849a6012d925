"""Losses of a pre-training as a table and a figure, and pictures of its reconstructions."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from abawbench.base.files import require_plain, write_file
from abawbench.clips.images import Image

_GREY = 0.5
_GAP, _MARGIN, _LEAST = 4, 110, 112
_ROWS = ("picture", "seen", "filled in")


@dataclass(frozen=True, slots=True)
class Epoch:
    """Losses of one epoch.

    Attributes:
        epoch: number of the epoch, from 1.
        step: number of steps done by its end.
        rate: learning rate of its last step.
        loss: mean loss over its steps.
        held_out: loss on the crops held out; None where there are none.
    """

    epoch: int
    step: int
    rate: float
    loss: float
    held_out: float | None


def write_losses(path: Path, epochs: tuple[Epoch, ...]) -> None:
    """Write a table with a row for each epoch. Raises: ProblemError F01."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["epoch", "step", "rate", "loss", "held_out"])
    for epoch in epochs:
        held_out = "" if epoch.held_out is None else f"{epoch.held_out:.6f}"
        table.writerow([epoch.epoch, epoch.step, f"{epoch.rate:.4g}", f"{epoch.loss:.6f}", held_out])
    write_file(path, text.getvalue().encode())


def read_losses(path: Path) -> tuple[Epoch, ...]:
    """The epochs of a table of `write_losses`; none where there is no such file."""
    if not path.exists():
        return ()
    require_plain(path)
    with path.open(newline="") as file:
        return tuple(
            Epoch(
                epoch=int(row["epoch"]),
                step=int(row["step"]),
                rate=float(row["rate"]),
                loss=float(row["loss"]),
                held_out=float(row["held_out"]) if row["held_out"] else None,
            )
            for row in csv.DictReader(file)
        )


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


def fill_in(pictures: Tensor, output: Tensor, hidden: Tensor, patch: int) -> tuple[Tensor, Tensor]:
    """Make pictures with hidden patches in grey, and pictures with the network's output in their place.

    The network predicts each patch with mean 0 and variance 1 over all its values. Mean and spread are taken from the
    picture, so that pattern and hue are predicted, but not brightness and contrast.

    Args:
        pictures: pictures, shape (pictures, 3, side, side), from black 0 to white 1.
        output: output of the network, shape (pictures, patches, values).
        hidden: mask of the patches, shape (pictures, patches), 1 where a patch is hidden.
        patch: side of a patch in pixels.
    """
    true = patches_of(pictures, patch)
    spread = (true.var(2, keepdim=True) + 1e-6).sqrt()
    guess = (output * spread + true.mean(2, keepdim=True)).clamp(0, 1)
    gone = hidden[..., None].bool()
    seen = torch.where(gone, torch.full_like(true, _GREY), true)
    return pictures_of(seen, patch), pictures_of(torch.where(gone, guess, true), patch)


def reconstructions(pictures: Tensor, seen: Tensor, filled: Tensor) -> bytes:
    """Draw a PNG with a column for each picture, and rows for the picture, its visible patches and its filling."""
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
    """Draw a PNG of the losses by epoch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    numbers = [epoch.epoch for epoch in epochs]
    axes.plot(numbers, [epoch.loss for epoch in epochs], ".-", label="training")
    held_out = [(epoch.epoch, epoch.held_out) for epoch in epochs if epoch.held_out is not None]
    if held_out:
        axes.plot(*zip(*held_out, strict=True), ".-", label="held out")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("squared error, patches normalised")
    axes.grid(alpha=0.3)
    axes.legend()
    whole = io.BytesIO()
    figure.savefig(whole, format="png", dpi=120)
    return whole.getvalue()


def _bytes(pictures: Tensor) -> NDArray[np.uint8] | list[Image]:
    values = (pictures.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    return values.permute(0, 2, 3, 1).numpy()
