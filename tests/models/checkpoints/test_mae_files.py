"""Files of facebookresearch/mae against a restatement of the forward pass, and against the files of transformers."""

from __future__ import annotations

import argparse

import pytest
import torch
from torch.nn import functional

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides
from abawbench.models.checkpoints import load_checkpoint

WIDTH, DEPTH, HEADS, PATCH, HIDDEN = 192, 2, 3, 8, 64


def pictures(size=32):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(4))


def restated(state, seen, pooling, epsilon=1e-6):
    """The forward pass of a ViT, written from the specification on the names of facebookresearch/mae."""

    def norm(name, tokens):
        return functional.layer_norm(tokens, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"], epsilon)

    def linear(name, tokens):
        return tokens @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    cells = functional.conv2d(seen, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=PATCH)
    patches = cells.flatten(2).transpose(1, 2)
    tokens = torch.cat([state["cls_token"].expand(len(seen), -1, -1), patches], 1) + state["pos_embed"]
    for block in range(DEPTH):
        name = f"blocks.{block}"
        query, key, value = linear(f"{name}.attn.qkv", norm(f"{name}.norm1", tokens)).split(WIDTH, dim=-1)
        heads = []
        for head in range(HEADS):
            own = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
            weight = (query[..., own] @ key[..., own].mT * (WIDTH // HEADS) ** -0.5).softmax(-1)
            heads.append(weight @ value[..., own])
        tokens = tokens + linear(f"{name}.attn.proj", torch.cat(heads, -1))
        hidden = functional.gelu(linear(f"{name}.mlp.fc1", norm(f"{name}.norm2", tokens)))
        tokens = tokens + linear(f"{name}.mlp.fc2", hidden)
    if pooling == "fc_norm":
        return norm("fc_norm", tokens[:, 1:].mean(1))
    tokens = norm("norm", tokens)
    return tokens[:, 0] if pooling == "class" else tokens[:, 1:].mean(1)


@torch.no_grad()
@pytest.mark.parametrize("pooling", ["class", "mean"])
def test_an_encoder_equals_the_restatement(mae_state, write, pooling):
    state = mae_state()
    loaded = load_checkpoint(write({"model": state}), overrides=Overrides(pooling=pooling))
    assert torch.allclose(loaded.backbone(pictures()), restated(state, pictures(), pooling), rtol=1e-5, atol=1e-5)
    assert loaded.layout == "facebookresearch/mae or timm, encoder"
    assert loaded.backbone.config.layer_norm_eps == 1e-6
    assert (loaded.missing, loaded.unexpected) == ((), ())


@torch.no_grad()
def test_the_class_token_is_read_unless_asked_otherwise_and_the_mean_is_another_vector(mae_state, write):
    path = write({"model": mae_state()})
    plain, first, mean = (
        load_checkpoint(path, overrides=Overrides(pooling=pooling)).backbone(pictures())
        for pooling in (None, "class", "mean")
    )
    assert torch.equal(plain, first)
    assert (first - mean).abs().max() > 0.1


@torch.no_grad()
def test_a_file_with_a_decoder_gives_the_same_features_and_lists_the_decoder(mae_state, decoder_state, write):
    state, decoder = mae_state(), decoder_state()
    encoder = load_checkpoint(write({"model": state}, "encoder.pth"))
    training = {"model": state | decoder, "optimizer": {"state": {}}, "args": argparse.Namespace(mask_ratio=0.75)}
    full = load_checkpoint(write(training, "full.pth"))
    assert torch.equal(full.backbone(pictures()), encoder.backbone(pictures()))
    assert full.unexpected == tuple(decoder)
    assert full.layout == "facebookresearch/mae, full, with decoder"


@torch.no_grad()
def test_a_fine_tuned_file_norms_the_mean_of_the_patches(mae_state, write):
    state = mae_state(fine_tuned=True)
    loaded = load_checkpoint(write({"model": state}))
    assert torch.allclose(loaded.backbone(pictures()), restated(state, pictures(), "fc_norm"), rtol=1e-5, atol=1e-5)
    assert loaded.layout == "facebookresearch/mae or timm, fine-tuned"
    assert loaded.backbone.card.pooling == "mean"
    assert loaded.unexpected == ("head.weight", "head.bias")


@pytest.mark.parametrize("overrides", [Overrides(pooling="class"), Overrides(layer=1)])
def test_a_fine_tuned_file_is_read_in_no_other_way(mae_state, write, overrides):
    with pytest.raises(ProblemError, match=r"E17.*\n.*fc_norm"):
        load_checkpoint(write({"model": mae_state(fine_tuned=True)}), overrides=overrides)


def test_both_last_norms_at_once_are_refused(mae_state, write):
    with pytest.raises(ProblemError, match=r"E08.*\n.*modules that hf:vit does not have: norm"):
        load_checkpoint(write(mae_state() | mae_state(fine_tuned=True)))


@torch.no_grad()
def test_queries_keys_and_values_are_thirds_in_this_order(mae_state, write):
    state = mae_state()
    backbone = load_checkpoint(write(state)).backbone
    qkv = state["blocks.1.attn.qkv.weight"]
    found = {
        name.split(".")[-2]: value
        for name, value in backbone.state_dict().items()
        if "layers.1." in name and name.endswith("_proj.weight")
    }
    for place, part in enumerate(("q_proj", "k_proj", "v_proj")):
        assert torch.equal(found[part], qkv[place * WIDTH : (place + 1) * WIDTH])


@torch.no_grad()
@pytest.mark.parametrize("pooling", ["class", "mean"])
def test_both_families_of_names_give_the_vit_of_transformers(mae_state, write, tmp_path, pooling):
    from transformers import ViTConfig, ViTModel
    from transformers.utils import logging

    state = mae_state()
    disk = renamed(state)
    config = ViTConfig(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, intermediate_size=HIDDEN,
        image_size=32, patch_size=PATCH, layer_norm_eps=1e-6,
    )  # fmt: skip
    logging.disable_progress_bar()
    network = ViTModel(config, add_pooling_layer=False).eval()
    network.save_pretrained(tmp_path / "folder")
    write(disk, "folder/model.safetensors")
    network = ViTModel.from_pretrained(tmp_path / "folder", add_pooling_layer=False).eval()
    tokens = network(pictures()).last_hidden_state
    expected = tokens[:, 0] if pooling == "class" else tokens[:, 1:].mean(1)
    for path in (write(state), tmp_path / "folder"):
        backbone = load_checkpoint(path, overrides=Overrides(pooling=pooling)).backbone
        assert torch.allclose(backbone(pictures()), expected, rtol=1e-5, atol=1e-5)


def renamed(state):
    """The names that transformers writes, from the table of the specification."""
    table = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "norm": "layernorm",
    }
    for i in range(DEPTH):
        table |= {
            f"blocks.{i}.norm1": f"encoder.layer.{i}.layernorm_before",
            f"blocks.{i}.norm2": f"encoder.layer.{i}.layernorm_after",
            f"blocks.{i}.attn.proj": f"encoder.layer.{i}.attention.output.dense",
            f"blocks.{i}.mlp.fc1": f"encoder.layer.{i}.intermediate.dense",
            f"blocks.{i}.mlp.fc2": f"encoder.layer.{i}.output.dense",
        }
    result = {}
    for name, value in state.items():
        stem, _, kind = name.rpartition(".")
        if name in table:
            result[table[name]] = value
        elif stem in table:
            result[f"{table[stem]}.{kind}"] = value
        else:
            block = name.split(".")[1]
            for place, part in enumerate(("query", "key", "value")):
                third = value[place * WIDTH : (place + 1) * WIDTH]
                result[f"encoder.layer.{block}.attention.attention.{part}.{kind}"] = third
    return result


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "vit."])
def test_a_file_of_transformers_without_its_folder_is_read_with_its_own_epsilon(mae_state, write, prefix):
    state = mae_state()
    disk = {prefix + name: value for name, value in renamed(state).items()}
    decoder = {"decoder.decoder_pred.weight": torch.zeros(3), "decoder.mask_token": torch.zeros(3)}
    loaded = load_checkpoint(write(disk | decoder, "model.safetensors"))
    expected = restated(state, pictures(), "class", epsilon=1e-12)
    assert torch.allclose(loaded.backbone(pictures()), expected, rtol=1e-5, atol=1e-5)
    assert loaded.layout == "transformers, ViTMAE without config.json"
    assert loaded.backbone.config.layer_norm_eps == 1e-12
    assert loaded.unexpected == tuple(sorted(decoder))
    assert "assumed" in loaded.preset


@torch.no_grad()
def test_another_size_interpolates_the_positions_and_the_same_size_does_not(mae_state, write):
    state = mae_state()
    path = write(state)
    larger = load_checkpoint(path, overrides=Overrides(size=64)).backbone
    grid = state["pos_embed"][:, 1:].reshape(1, 4, 4, WIDTH).permute(0, 3, 1, 2)
    grid = functional.interpolate(grid, scale_factor=2, mode="bicubic").permute(0, 2, 3, 1).reshape(1, 64, WIDTH)
    stretched = state | {"pos_embed": torch.cat([state["pos_embed"][:, :1], grid], 1)}
    assert torch.allclose(larger(pictures(64)), restated(stretched, pictures(64), "class"), rtol=1e-5, atol=1e-5)
    same = load_checkpoint(path, overrides=Overrides(size=32)).backbone
    assert torch.equal(same(pictures()), load_checkpoint(path).backbone(pictures()))


def test_a_size_that_patches_do_not_fill_is_refused(mae_state, write):
    with pytest.raises(ProblemError, match=r"E17.*\n.*multiple"):
        load_checkpoint(write(mae_state()), overrides=Overrides(size=36))


@pytest.mark.parametrize("tokens", [16, 18, 1])
def test_positions_that_are_no_class_token_and_square_are_refused(mae_state, write, tokens):
    with pytest.raises(ProblemError, match="E17"):
        load_checkpoint(write(mae_state() | {"pos_embed": torch.zeros(1, tokens, WIDTH)}))


@pytest.mark.parametrize(
    "name", ["blocks.1.mlp.fc2.bias", "norm.weight", "cls_token", "pos_embed", "blocks.0.mlp.fc1.weight"]
)
def test_a_missing_tensor_is_named_as_in_the_file(mae_state, write, name):
    state = mae_state()
    del state[name]
    with pytest.raises(ProblemError, match="E08") as caught:
        load_checkpoint(write(state))
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["blocks.0.attn.qkv.weight", "patch_embed.proj.bias", "blocks.1.mlp.fc1.weight"])
def test_a_wrong_shape_is_named_as_in_the_file(mae_state, write, name):
    with pytest.raises(ProblemError, match="E08") as caught:
        load_checkpoint(write(mae_state() | {name: torch.zeros(5, 5)}))
    assert f"{name} of shape (5, 5); expected shape" in str(caught.value)


@pytest.mark.parametrize("name", ["blocks.0.ls1.gamma", "reg_token", "blocks.0.attn.q_norm.weight"])
def test_a_vit_with_parts_that_this_one_has_not_is_refused(mae_state, write, name):
    with pytest.raises(ProblemError, match=r"E10.*\n.*DINOv2"):
        load_checkpoint(write(mae_state() | {name: torch.zeros(WIDTH)}))
