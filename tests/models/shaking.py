"""Networks whose every number is drawn, and how their tests run."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import torch
from torch import nn


def shake(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every number of a network drawn anew, the statistics of its norms too, so that no term drops out."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            continue
        drawn = torch.randn(value.shape, generator=generator)
        if name.endswith("running_var"):
            drawn = 0.5 + drawn.abs()
        elif value.ndim > 1:
            drawn = drawn / value[0].numel() ** 0.5
        value.copy_(drawn)
    return network


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Generator[None]:
    """Networks this small take longer to share than to run, on a busy machine much longer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
