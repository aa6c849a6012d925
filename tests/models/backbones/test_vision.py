from __future__ import annotations

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides, build
from abawbench.models.backbones.vision import Vision


def meta(kind):
    with torch.device("meta"):
        return build(kind)


@pytest.mark.parametrize(
    ("kind", "parameters", "width"),
    [
        ("mae_vit_b", 85_798_656, 768),
        ("mae_vit_l", 303_301_632, 1024),
        ("mae_vit_h", 630_764_800, 1280),
        ("vit_b", 85_798_656, 768),
        # torchvision's published counts less their classifiers: 11,689,512 21,797,672 25,557,032 28,288,354
        ("resnet18", 11_689_512 - 513_000, 512),
        ("resnet34", 21_797_672 - 513_000, 512),
        ("resnet50", 25_557_032 - 2_049_000, 2048),
        ("swin_t", 28_288_354 - 769_000, 768),
        # facebookresearch/ConvNeXt-V2: 28.6 million with its classifier
        ("convnextv2_tiny", 28_635_496 - 769_000, 768),
        # facebookresearch/dinov2: 86.6 and 1136 million, the mask token among them
        ("dinov2_b", 86_580_480, 768),
        ("dinov2_g", 1_136_480_768, 1536),
    ],
)
def test_sizes_are_those_that_are_published(kind, parameters, width):
    network = meta(kind)
    assert sum(value.numel() for value in network.parameters()) == parameters
    assert network.card.width == width


def layer_norm(state, name, tokens, epsilon):
    centred = tokens - tokens.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + epsilon)
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def linear(state, name, values):
    return values @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def restated(state, pictures, *, patch, heads, depth, epsilon):
    """Tokens of a ViT after each block, and after the last norm; names of transformers 5 in memory."""
    count, channels, size, _ = pictures.shape
    side = size // patch
    cells = pictures.reshape(count, channels, side, patch, side, patch).permute(0, 2, 4, 1, 3, 5)
    kernel = state["embeddings.patch_embeddings.projection.weight"]
    tokens = cells.reshape(count, side * side, -1) @ kernel.reshape(len(kernel), -1).T
    tokens = tokens + state["embeddings.patch_embeddings.projection.bias"]
    tokens = torch.cat([state["embeddings.cls_token"].expand(count, 1, -1), tokens], 1)
    tokens = tokens + state["embeddings.position_embeddings"]
    layers = [tokens]
    for block in range(depth):
        name = f"layers.{block}"
        inner = layer_norm(state, f"{name}.layernorm_before", tokens, epsilon)
        query, key, value = (
            linear(state, f"{name}.attention.{part}_proj", inner).unflatten(-1, (heads, -1)).transpose(1, 2)
            for part in "qkv"
        )
        weight = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
        mixed = (weight @ value).transpose(1, 2).flatten(2)
        tokens = tokens + linear(state, f"{name}.attention.o_proj", mixed)
        inner = linear(state, f"{name}.mlp.fc1", layer_norm(state, f"{name}.layernorm_after", tokens, epsilon))
        inner = inner * 0.5 * (1 + torch.erf(inner / 2**0.5))
        tokens = tokens + linear(state, f"{name}.mlp.fc2", inner)
        layers.append(tokens)
    return layers, layer_norm(state, "layernorm", tokens, epsilon)


def copied(overrides, shaken):
    """A tiny ViT that is read as the overrides say, always with the same weights."""
    network = shaken(build("tiny_vit_mae", overrides=overrides))
    assert isinstance(network, Vision)
    return network


@torch.no_grad()
@pytest.mark.parametrize("layer", [-1, -2, -3, 0, 1, 2])
@pytest.mark.parametrize("pooling", ["class", "mean"])
def test_every_layer_and_pooling_equals_a_restatement_of_the_vit(shaken, layer, pooling):
    network = copied(Overrides(layer=layer, pooling=pooling), shaken)
    pictures = torch.randn(2, 3, 32, 32)
    state = {name.removeprefix("network."): value for name, value in network.state_dict().items()}
    layers, last = restated(state, pictures, patch=8, heads=2, depth=2, epsilon=1e-6)
    tokens = last if layer == -1 else layers[layer]
    expected = tokens[:, 0] if pooling == "class" else tokens[:, 1:].mean(1)
    assert torch.allclose(network(pictures), expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_mean_leaves_out_class_and_register_tokens(shaken):
    network = shaken(build("tiny_dinov3", overrides=Overrides(pooling="mean")))
    pictures = torch.randn(2, 3, 32, 32)
    tokens = network.network(pixel_values=pictures).last_hidden_state
    assert tokens.shape == (2, 1 + 4 + 16, 32)
    assert torch.allclose(network(pictures), tokens[:, 5:].mean(1))


@torch.no_grad()
def test_the_average_of_convnext_is_followed_by_its_last_norm(shaken):
    network = shaken(build("tiny_convnextv2"))
    pictures = torch.randn(2, 3, 32, 32)
    average = network.network(pixel_values=pictures).last_hidden_state.mean((2, 3))
    state = {name.removeprefix("network."): value for name, value in network.state_dict().items()}
    assert torch.allclose(network(pictures), layer_norm(state, "layernorm", average, 1e-12), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_an_earlier_map_is_averaged_plainly(shaken):
    network = shaken(build("tiny_resnet", overrides=Overrides(layer=1)))
    pictures = torch.randn(2, 3, 32, 32)
    maps = network.network(pixel_values=pictures, output_hidden_states=True).hidden_states[1]
    assert network.card.width == 16
    assert torch.allclose(network(pictures), maps.mean((2, 3)))


@torch.no_grad()
@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("tiny_vit", 64),
        ("tiny_vit_mae", 48),
        ("tiny_dinov2", 64),
        ("tiny_dinov3", 64),
        ("tiny_swin", 64),
        ("tiny_resnet", 80),
        ("tiny_convnextv2", 64),
    ],
)
def test_another_size_gives_vectors_of_the_same_width(kind, size):
    network = build(kind, seed=0, overrides=Overrides(size=size))
    vectors = network(torch.randn(2, 3, size, size))
    assert vectors.shape == (2, build(kind, seed=0).card.width)
    assert vectors.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize(
    ("kind", "pooling", "width"),
    [
        ("hf:regnet", "average", 1088),
        ("hf:vit_msn", "class", 768),
        ("hf:vit_mae", "class", 768),
        ("hf:pvt_v2", "average", 256),
    ],
)
def test_any_vision_network_of_transformers_is_a_backbone(kind, pooling, width):
    card = meta(kind).card
    assert (card.kind, card.pooling, card.width) == (kind, pooling, width)


def test_a_masked_autoencoder_hides_no_patch():
    network = meta("hf:vit_mae")
    assert isinstance(network, Vision)
    assert network.config.model_type == "vit"


@pytest.mark.parametrize(
    ("kind", "overrides", "found"),
    [
        ("tiny_vit", Overrides(size=36), "expected a multiple of its patches of 8"),
        ("tiny_vit", Overrides(layer=3), "expected -1 for its output, or an index into its 3 hidden states"),
        ("tiny_vit", Overrides(pooling="average"), "expected 'class' or 'mean'"),
        ("tiny_resnet", Overrides(pooling="class"), "expected 'average'"),
        ("tiny_swin", Overrides(pooling="class"), "expected 'mean'"),
        ("tiny_vit", Overrides(colour="grey", mean=(0.5,), std=(0.5,)), "expected 3 channels"),
        ("tiny_vit", Overrides(mean=(0.5,)), "for each channel a mean"),
        ("tiny_vit", Overrides(std=(0.5, 0.0, 0.5)), "positive deviation"),
        ("tiny_vit", Overrides(size=0), "expected a size"),
    ],
)
def test_what_a_network_cannot_follow_is_refused(kind, overrides, found):
    with pytest.raises(ProblemError, match="E17") as caught:
        build(kind, overrides=overrides)
    assert found in str(caught.value)


def test_a_type_that_takes_no_pictures_is_refused():
    with pytest.raises(ProblemError, match=r"E10.*\n.*'bert'"):
        build("hf:bert")


def test_an_unknown_type_is_refused_with_near_names():
    with pytest.raises(ProblemError, match="E01") as caught:
        build("hf:convnexxt")
    assert "convnext" in str(caught.value).split("fix:")[1]
