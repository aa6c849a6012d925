from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from abawbench.models.temporal.settings import TemporalSettings
from abawbench.models.temporal.transformers import RelativeAttention, WindowedLayer, WindowedTransformer

WIDTH, HEADS = 6, 2


def settings(**changes) -> TemporalSettings:
    return TemporalSettings(
        encoder="windowed_transformer", width=WIDTH, attention_heads=HEADS, **({"window": 2, "kernel": 3} | changes)
    )


def shaken(module: nn.Module) -> Any:
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module.eval()


def linear(x: np.ndarray, module: nn.Linear) -> np.ndarray:
    return x @ module.weight.detach().numpy().T + module.bias.detach().numpy()


def attention_by_formula(x: np.ndarray, module: RelativeAttention, window: int) -> np.ndarray:
    """One sequence, pair by pair: a key and a value are shifted by the vector of their distance, if there is one."""
    query, key, value = linear(x, module.query), linear(x, module.key), linear(x, module.value)
    by_key, by_value = module.key_distance.detach().numpy(), module.value_distance.detach().numpy()
    size, frames = WIDTH // HEADS, len(x)
    attended = np.zeros_like(x)
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        for here in range(frames):
            weights, values = np.empty(frames), np.empty((frames, size))
            for there in range(frames):
                inside = abs(there - here) <= window
                shift = by_key[there - here + window] if inside else 0
                weights[there] = math.exp(query[here, part] @ (key[there, part] + shift) / math.sqrt(size))
                values[there] = value[there, part] + (by_value[there - here + window] if inside else 0)
            attended[here, part] = weights @ values / weights.sum()
    return linear(attended, module.out)


def layer_by_formula(x: np.ndarray, module: Any, window: int) -> np.ndarray:
    def normed(values: np.ndarray, norm: nn.LayerNorm) -> np.ndarray:
        centred = values - values.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-4)
        return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()

    x = normed(x + attention_by_formula(x, module.attention, window), module.attention_norm)
    weight, bias = (part.detach().numpy() for part in (module.convolution.weight, module.convolution.bias))
    reach = weight.shape[-1] // 2
    around = np.pad(x, ((reach, reach), (0, 0)))
    convolved = [np.einsum("oik,ki->o", weight, around[t : t + 2 * reach + 1]) + bias for t in range(len(x))]
    return normed(x + np.maximum(convolved, 0), module.convolution_norm)


@pytest.mark.parametrize("window", [0, 2, 9])
@pytest.mark.parametrize("frames", [1, 2, 8])
def test_attention_is_its_formula_pair_by_pair(window, frames):
    module, x = shaken(RelativeAttention(WIDTH, HEADS, window, 0.1)), torch.randn(1, frames, WIDTH)
    found = module(x, None).detach()[0].numpy()
    assert found == pytest.approx(attention_by_formula(x[0].numpy(), module, window), abs=1e-5)


def test_a_layer_beside_a_longer_sequence_is_its_formula():
    module, x = shaken(WindowedLayer(WIDTH, HEADS, settings())), torch.randn(2, 9, WIDTH)
    valid = torch.arange(9) < torch.tensor([[5], [9]])
    found = module(x, valid, valid[:, None, None, :]).detach().numpy()
    for place, length in enumerate((5, 9)):
        expected = layer_by_formula(x[place, :length].numpy(), module, 2)
        assert found[place, :length] == pytest.approx(expected, abs=1e-5)


def test_a_shared_stack_is_a_projection_and_layers():
    stack, x = shaken(WindowedTransformer(4, WIDTH, HEADS, settings(), 2, projects=True)), torch.randn(1, 7, 4)
    expected = linear(x[0].numpy(), stack.projection)
    for layer in stack.layers:
        expected = layer_by_formula(expected, layer, 2)
    assert stack(x, None)[0].detach()[0].numpy() == pytest.approx(expected, abs=1e-4)


def test_the_feed_forward_width_makes_no_difference():
    widths = [
        sum(p.numel() for p in WindowedTransformer(4, 6, 2, settings(feed_forward=n), 1, projects=True).parameters())
        for n in (8, 800)
    ]
    assert widths[0] == widths[1]
