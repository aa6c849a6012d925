from __future__ import annotations

import copy

import pytest
import torch

from abawbench.models import backbones
from abawbench.models.backbones import mixed_precision
from abawbench.models.backbones.mixed_precision import NAME, _attended, attend_by_products

KINDS = ("tiny_vit", "tiny_vit_mae", "tiny_dinov2", "tiny_dinov3", "tiny_swin", "tiny_resnet", "tiny_iresnet")


@pytest.mark.parametrize("kind", KINDS)
def test_products_give_what_the_fused_kernel_gives(kind):
    backbone = backbones.build(kind, seed=0)
    other = copy.deepcopy(backbone)
    attend_by_products(other)
    image_input = backbone.card.image_input
    pictures = torch.randn(3, image_input.channels, image_input.size, image_input.size)
    with torch.inference_mode():
        torch.testing.assert_close(other(pictures), backbone(pictures), atol=1e-5, rtol=1e-4)


def test_vision_transformers_use_them():
    backbone = backbones.build("tiny_vit", seed=0)
    attend_by_products(backbone)
    assert backbone.config._attn_implementation == NAME


@pytest.mark.parametrize("kind", ["tiny_vit", "tiny_vit_mae", "tiny_dinov2", "tiny_dinov3"])
@pytest.mark.parametrize("has_fused", [True, False])
def test_mixed_precision_gives_nearly_the_same_with_and_without_the_fused_layer(kind, has_fused, monkeypatch):
    if not has_fused:
        monkeypatch.setattr(mixed_precision, "_FUSED", None)
    backbone = backbones.build(kind, seed=0)
    other = copy.deepcopy(backbone)
    assert mixed_precision.is_transformer(other)
    mixed_precision.mix(other)
    assert not any(isinstance(part, torch.nn.Linear) for part in other.modules())
    image_input = backbone.card.image_input
    pictures = torch.randn(3, image_input.channels, image_input.size, image_input.size)
    with torch.inference_mode():
        exact, rough = backbone(pictures), other(pictures)
    assert rough.dtype == torch.float32
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, atol=0.03, rtol=0.03)


@pytest.mark.parametrize("kind", ["tiny_resnet", "tiny_iresnet", "tiny_densenet121", "tiny_convnextv2"])
def test_convolutional_networks_are_no_transformers(kind):
    assert not mixed_precision.is_transformer(backbones.build(kind, seed=0))


@pytest.mark.parametrize("mask", [None, torch.tensor([0.0, -torch.inf, 0.0, 0.0, -torch.inf]).view(1, 1, 1, 5)])
def test_attention_is_the_formula(mask):
    query, key, value = torch.randn(3, 2, 4, 5, 8).unbind()
    found, _ = _attended(torch.nn.Identity(), query, key, value, mask, 0.3)
    scores = torch.einsum("bhqd,bhkd->bhqk", query, key) * 0.3
    if mask is not None:
        scores = scores + mask
    expected = torch.einsum("bhqk,bhkd->bqhd", scores.softmax(-1), value)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
