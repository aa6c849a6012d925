"""Units and maps for the tests of sharing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from abawbench.models.sharing.build import make_unit
from abawbench.models.sharing.settings import ConvFlu, CrossStitch, Hard, Mtan, Nddr, Separate, Sluice, Unit

TWO = ("expression", "va")
THREE = ("expression", "va", "action_units")
UNITS: dict[str, Unit] = {
    "none": Separate(),
    "hard": Hard(),
    "cross_stitch": CrossStitch(),
    "cross_stitch of scalars": CrossStitch(per_channel=False),
    "sluice": Sluice(),
    "nddr": Nddr(),
    "mtan": Mtan(),
    "convflu": ConvFlu(),
    "convflu 3x3 with bias and norm": ConvFlu(kernel=3, leak_bias=-2.0, post_norm=True, orientation="code"),
}


def maps(tasks: Sequence[str] = TWO, channels: int = 6, *, seed: int = 0, height: int = 5, width: int = 7):
    """Random maps of each stream, shape (3, channels, height, width)."""
    generator = torch.Generator().manual_seed(seed)
    return {task: torch.randn(3, channels, height, width, generator=generator) for task in tasks}


def unit(settings: Unit, tasks: Sequence[str] = TWO, channels: int = 6, before: int | None = None) -> Any:
    """A `SharingUnit` with weights of one seed, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make_unit(channels, tasks, settings, before=before).eval()


def distance(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    """The largest difference between the maps of two sets of streams."""
    assert first.keys() == second.keys()
    return max((first[task] - second[task]).abs().max().item() for task in first)
