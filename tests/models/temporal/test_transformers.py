from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from abawbench.base.problems import ProblemError
from abawbench.models.temporal.settings import TemporalSettings
from abawbench.models.temporal.stacks import initialise, private_stack, shared_stack
from abawbench.models.temporal.transformers import TransformerLayer, sinusoids

WIDTH, HEADS, FEED_FORWARD = 12, 3, 20


def layer() -> TransformerLayer:
    torch.manual_seed(0)
    made = TransformerLayer(WIDTH, HEADS, FEED_FORWARD, 0.1).eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made


def settings(**changes) -> TemporalSettings:
    return TemporalSettings(
        encoder="transformer", width=WIDTH, attention_heads=HEADS, feed_forward=FEED_FORWARD, layers=2, **changes
    )


def normed(x: np.ndarray, norm: nn.LayerNorm) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def linear(x: np.ndarray, module: nn.Linear) -> np.ndarray:
    return x @ module.weight.detach().numpy().T + module.bias.detach().numpy()


def layer_by_formula(x: np.ndarray, module: TransformerLayer, valid: np.ndarray) -> np.ndarray:
    """One sequence, shape (frames, width), head by head and query by query."""
    projected = linear(x, module.attention_in)
    query, key, value = projected[:, :WIDTH], projected[:, WIDTH : 2 * WIDTH], projected[:, 2 * WIDTH :]
    size = WIDTH // HEADS
    attended = np.zeros_like(x)
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        for place in range(len(x)):
            weights = np.exp(key[valid, part] @ query[place, part] / math.sqrt(size))
            attended[place, part] = weights @ value[valid, part] / weights.sum()
    x = normed(x + linear(attended, module.attention_out), module.attention_norm)
    return normed(x + linear(np.maximum(linear(x, module.widen), 0), module.narrow), module.feed_forward_norm)


@pytest.mark.parametrize("length", [4, 7])
def test_a_layer_is_its_formula(length):
    module, x = layer(), torch.randn(1, 7, WIDTH)
    valid = torch.arange(7) < length
    found = module(x, valid.view(1, 1, 1, 7)).detach()[0, :length]
    expected = layer_by_formula(x[0].numpy(), module, valid.numpy())[:length]
    assert found.numpy() == pytest.approx(expected, abs=1e-5)


def test_a_layer_is_the_post_norm_layer_of_torch():
    module = layer()
    theirs = nn.TransformerEncoderLayer(WIDTH, HEADS, FEED_FORWARD, batch_first=True).eval()
    renamed = {
        "self_attn.in_proj_": "attention_in.",
        "self_attn.out_proj.": "attention_out.",
        "linear1.": "widen.",
        "linear2.": "narrow.",
        "norm1.": "attention_norm.",
        "norm2.": "feed_forward_norm.",
    }
    own = module.state_dict()
    theirs.load_state_dict({a + e: own[b + e] for a, b in renamed.items() for e in ("weight", "bias")})
    x = torch.randn(3, 9, WIDTH)
    assert torch.allclose(module(x, None), theirs(x), atol=1e-5)


def table(frames: int, width: int) -> np.ndarray:
    found = np.empty((frames, width))
    for position in range(frames):
        for place in range(width):
            angle = position / 10000 ** (2 * (place // 2) / width)
            found[position, place] = math.cos(angle) if place % 2 else math.sin(angle)
    return found


@pytest.mark.parametrize("width", [8, 7, 1])
def test_sinusoids_are_sines_in_even_and_cosines_in_odd_places(width):
    assert sinusoids(torch.arange(600), width).numpy() == pytest.approx(table(600, width), abs=1e-9)


def first_input(stack: Any, x: torch.Tensor, **arguments) -> torch.Tensor:
    """What enters the first layer."""
    seen: list[torch.Tensor] = []
    handle = stack.layers[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    stack(x, None, **arguments)
    handle.remove()
    return seen[0].detach()


def test_fixed_adds_every_sinusoid_and_compat_not_the_first():
    x = torch.zeros(1, 6, 5)
    for mode in ("fixed", "compat"):
        stack = shared_stack(5, settings(mode=mode), 2)
        initialise(stack)
        expected = table(6, WIDTH)
        expected[0] *= mode == "fixed"
        assert first_input(stack, x)[0].numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("mode", "above_shared", "added"),
    [("fixed", True, False), ("fixed", False, True), ("compat", True, True), ("compat", False, True)],
)
def test_private_stacks_add_positions_again_in_compat_only(mode, above_shared, added):
    stack = private_stack(64, settings(mode=mode), 2, above_shared=above_shared)
    assert bool(first_input(stack, torch.zeros(1, 6, 64)).any()) == added


def test_given_places_in_time_replace_the_count():
    stack = shared_stack(5, settings(), 2)
    initialise(stack)
    seen = first_input(stack, torch.zeros(1, 3, 5), positions=torch.tensor([[0, 7, 90]]))
    assert seen[0].numpy() == pytest.approx(table(91, WIDTH)[[0, 7, 90]], abs=1e-6)


def test_compat_knows_512_positions():
    stack = shared_stack(5, settings(mode="compat"), 1).eval()
    assert stack(torch.zeros(1, 512, 5), None)[0].shape == (1, 512, WIDTH)
    with pytest.raises(ProblemError, match=r"E17[\s\S]*513 frames"):
        stack(torch.zeros(1, 513, 5), None)


def test_heads_of_a_private_stack_keep_their_width():
    wide = TemporalSettings(encoder="transformer", width=64, attention_heads=8, feed_forward=4)
    assert private_stack(96, wide, 1, above_shared=True).heads == 12


def test_heads_of_a_private_stack_divide_it_where_their_width_does_not():
    published = TemporalSettings(encoder="transformer", width=1024, attention_heads=16)
    with torch.device("meta"):
        # 2646 / 64 leaves a rest; 27 is the largest divisor of 2646 below 41
        assert private_stack(2646, published, 1, above_shared=False).heads == 27


def test_a_sequence_without_frames_gives_numbers():
    stack = shared_stack(5, settings(), 2).eval()
    valid = torch.tensor([[False] * 4, [True] * 3 + [False]])
    assert torch.isfinite(stack(torch.randn(2, 4, 5), valid)[0]).all()


def test_fresh_weights_are_those_of_the_release():
    torch.manual_seed(0)
    stack: Any = shared_stack(300, TemporalSettings(encoder="transformer", width=256, feed_forward=512), 1)
    initialise(stack)
    block = stack.layers[0]
    for module in (stack.projection, block.attention_out, block.widen, block.narrow):
        assert module.weight.std().item() == pytest.approx(0.02, rel=0.02)
        assert not module.bias.any()
    bound = math.sqrt(6 / (256 + 3 * 256))
    weight = block.attention_in.weight
    assert weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert not block.attention_in.bias.any()
