"""Weights in every number type: those that mean something by themselves are read, all others refused."""

from __future__ import annotations

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.image_input import Overrides

READ = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
REFUSED = (torch.int8, torch.uint8, torch.int32, torch.int64, torch.bool, torch.float8_e4m3fn, torch.float8_e5m2)


def as_type(state, kind):
    return {name: value.to(kind) if value.is_floating_point() else value for name, value in state.items()}


@torch.no_grad()
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kind", READ)
def test_numbers_of_16_bits_and_more_are_used_in_single_precision(narrow, mae_state, write, kind, suffix):
    pictures = torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    state = as_type(narrow.state_dict(), kind)
    backbone = load_checkpoint(write(state, f"iresnet{suffix}")).backbone
    narrow.load_state_dict({name: value.float() for name, value in state.items()})
    assert torch.equal(backbone(pictures), narrow(pictures))
    vit = as_type(mae_state(), kind)
    single = {name: value.float() for name, value in vit.items()}
    loaded, expected = (
        load_checkpoint(write(tensors, f"{name}{suffix}"), overrides=Overrides(size=32)).backbone
        for name, tensors in (("vit", vit), ("single", single))
    )
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    assert torch.equal(loaded(pictures[..., :32, :32]), expected(pictures[..., :32, :32]))


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", ["layer1.0.conv1.weight", "bn1.running_var", "features.bias"])
def test_numbers_that_need_a_scale_are_refused_by_name(narrow, write, name, kind):
    state = narrow.state_dict()
    with pytest.raises(ProblemError, match=r"E08") as caught:
        load_checkpoint(write(state | {name: torch.ones(state[name].shape).to(kind)}))
    assert f"{name} in {str(kind).removeprefix('torch.')}" in str(caught.value)


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", ["blocks.0.attn.qkv.weight", "pos_embed", "cls_token"])
def test_such_numbers_are_refused_in_files_of_vit(mae_state, write, name, kind):
    state = mae_state()
    with pytest.raises(ProblemError, match=rf"E08(.|\n)*{name} in "):
        load_checkpoint(write(state | {name: torch.ones(state[name].shape).to(kind)}))


@pytest.mark.parametrize("kind", REFUSED)
def test_such_numbers_are_refused_in_folders_of_transformers(tmp_path, kind):
    from safetensors.torch import load_file, save_file
    from transformers import ViTConfig, ViTModel

    from abawbench.models.backbones.vision import quiet

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    with quiet():
        ViTModel(ViTConfig(**sizes, image_size=32, patch_size=8)).save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    name = "encoder.layer.0.output.dense.weight"
    save_file({**tensors, "pooler.dense.weight": torch.ones(32, 32, dtype=torch.int8)}, path, {"format": "pt"})
    load_checkpoint(tmp_path)
    save_file({**tensors, name: torch.ones(tensors[name].shape).to(kind)}, path, {"format": "pt"})
    with pytest.raises(ProblemError, match=rf"E08(.|\n)*{name} in "):
        load_checkpoint(tmp_path)


@torch.no_grad()
def test_counts_of_batches_may_be_of_any_number_type(narrow, write):
    state = {
        name: value.float() if name.endswith("num_batches_tracked") else value
        for name, value in narrow.state_dict().items()
    }
    pictures = torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    assert torch.equal(load_checkpoint(write(state)).backbone(pictures), narrow(pictures))


@torch.no_grad()
def test_tensors_that_share_their_numbers_are_separate_in_the_network(narrow, write):
    state = narrow.state_dict()
    shared = state["layer1.0.bn1.weight"]
    tied = state | {"layer1.0.bn1.bias": shared, "bn1.weight": state["prelu.weight"], "extra_head.weight": shared}
    path = write(tied)
    loaded = load_checkpoint(path).backbone
    own = loaded.state_dict()
    assert torch.equal(own["layer1.0.bn1.bias"], own["layer1.0.bn1.weight"])
    own["layer1.0.bn1.bias"].add_(1)
    assert not torch.equal(own["layer1.0.bn1.bias"], own["layer1.0.bn1.weight"])
    assert torch.equal(load_checkpoint(path).backbone.state_dict()["layer1.0.bn1.weight"], shared)
