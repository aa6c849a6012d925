from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from abawbench.models.temporal.encoders import TemporalConvolutions
from abawbench.models.temporal.settings import TemporalSettings


def convolved(x: np.ndarray, module: Any, dilation: int) -> np.ndarray:
    """One sequence, frame by frame; beyond its ends there is zero."""
    weight, bias = module.weight.detach().numpy(), module.bias.detach().numpy()
    kernel = weight.shape[-1]
    found = np.tile(bias, (len(x), 1)).astype(np.float64)
    for here in range(len(x)):
        for tap in range(kernel):
            there = here + (tap - kernel // 2) * dilation
            if 0 <= there < len(x):
                found[here] += weight[:, :, tap] @ x[there]
    return found


def test_blocks_beside_a_longer_sequence_are_their_formula():
    torch.manual_seed(0)
    stack = TemporalConvolutions(4, TemporalSettings(encoder="tcn", width=6, kernel=3), 3).eval()
    x = torch.randn(2, 11, 4)
    found = stack(x, torch.arange(11) < torch.tensor([[6], [11]]))[0].detach().numpy()
    for place, length in enumerate((6, 11)):
        expected = x[place, :length].numpy()
        for layer, block in enumerate(stack.blocks):
            hidden = np.maximum(convolved(expected, block.first, 2**layer), 0)
            hidden = np.maximum(convolved(hidden, block.second, 2**layer), 0)
            expected = np.maximum(hidden + block.residual(torch.tensor(expected).float()).detach().numpy(), 0)
        assert found[place, :length] == pytest.approx(expected, abs=1e-5)


def test_a_frame_sees_as_far_as_the_dilations_reach():
    torch.manual_seed(0)
    stack = TemporalConvolutions(3, TemporalSettings(encoder="tcn", width=4, kernel=3), 3).eval()
    x = torch.randn(1, 41, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(stack(x, None)[0][0, 20].sum(), x)
    seen = gradient[0].abs().sum(-1).nonzero().ravel()
    # two convolutions for each dilation: 2 (1 + 2 + 4) = 14 at most
    assert 6 <= seen.min() < 20 < seen.max() <= 34
