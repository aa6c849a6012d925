from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from abawbench.models.backbones import Overrides, build, iresnet
from abawbench.models.backbones.iresnet import Structure, make
from tests.models.shaking import one_thread, shake

__all__ = ["one_thread"]

State = dict[str, Tensor]
WIDTH, DEPTH, PATCH, HIDDEN = 192, 2, 8, 64


def draw_mae(*, grid: int = 4, seed: int = 0, fine_tuned: bool = False) -> State:
    """A random encoder by the names of facebookresearch/mae, written down from the specification."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) / max(shape[-1], 1) ** 0.5

    state = {
        "cls_token": drawn(1, 1, WIDTH),
        "pos_embed": drawn(1, 1 + grid * grid, WIDTH),
        "patch_embed.proj.weight": drawn(WIDTH, 3, PATCH, PATCH) / PATCH,
        "patch_embed.proj.bias": drawn(WIDTH),
    }
    linears = {"attn.qkv": (3 * WIDTH, WIDTH), "attn.proj": (WIDTH, WIDTH)}
    linears |= {"mlp.fc1": (HIDDEN, WIDTH), "mlp.fc2": (WIDTH, HIDDEN)}
    for block in range(DEPTH):
        for part in ("norm1", "norm2"):
            state[f"blocks.{block}.{part}.weight"] = 1 + drawn(WIDTH)
            state[f"blocks.{block}.{part}.bias"] = drawn(WIDTH)
        for part, shape in linears.items():
            state[f"blocks.{block}.{part}.weight"] = drawn(*shape)
            state[f"blocks.{block}.{part}.bias"] = drawn(shape[0])
    last = "fc_norm" if fine_tuned else "norm"
    state[f"{last}.weight"], state[f"{last}.bias"] = 1 + drawn(WIDTH), drawn(WIDTH)
    if fine_tuned:
        state["head.weight"], state["head.bias"] = drawn(8, WIDTH), drawn(8)
    return state


def draw_decoder(grid: int = 4) -> State:
    """Some tensors of a decoder: enough to be one."""
    names = ("decoder_embed.weight", "decoder_blocks.0.norm1.weight", "decoder_norm.weight", "decoder_pred.weight")
    return {
        "mask_token": torch.zeros(1, 1, 16),
        "decoder_pos_embed": torch.zeros(1, 1 + grid * grid, 16),
        **{name: torch.ones(16) for name in names},
    }


@pytest.fixture
def mae_state() -> Callable[..., State]:
    return draw_mae


@pytest.fixture
def decoder_state() -> Callable[..., State]:
    return draw_decoder


@pytest.fixture
def shaken() -> Callable[..., nn.Module]:
    return torch.no_grad()(shake)


@pytest.fixture(scope="session")
def densenet() -> nn.Module:
    with torch.no_grad():
        return shake(build("densenet121", seed=0))


@pytest.fixture(scope="session")
def denseface() -> nn.Module:
    with torch.no_grad():
        return shake(build("denseface100", seed=0))


@pytest.fixture
def narrow(monkeypatch) -> nn.Module:
    """An IResNet18 of few channels, and the register saying that iresnet18 is that narrow."""
    structure = Structure((2, 2, 2, 2), (3, 4, 5, 6), 7)
    monkeypatch.setitem(iresnet.STRUCTURES, "iresnet18", structure)
    with torch.no_grad():
        return shake(make("iresnet18", structure, Overrides()))


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Writes a tree of tensors, and says where."""

    def written(tree: Any, name: str = "weights.pth") -> Path:
        path = tmp_path / name
        if path.suffix == ".safetensors":
            save_file({key: value.contiguous() for key, value in tree.items()}, path)
        else:
            torch.save(tree, path)
        return path

    return written
