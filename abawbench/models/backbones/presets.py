"""Presets of transformers' vision networks by name: model type, sizes and image input. Needs no torch.

Sources: `mae_vit_*` facebookresearch/mae; `vit_*`, `swin_*`, `resnet*` the defaults and size variants of
huggingface/transformers; `convnextv2_*` facebookresearch/ConvNeXt-V2; `dinov2_*` facebookresearch/dinov2 (positions for
518 pixels, read at 224); `dinov3_vit_*` facebookresearch/dinov3. `tiny_*` are made for tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abawbench.models.image_input import ImageInput, half, imagenet


@dataclass(frozen=True, slots=True)
class Preset:
    """A network of transformers.

    Attributes:
        model_type: model type, as in a `config.json`.
        structure: fields of the configuration that differ from its defaults.
        image_input: pictures that the network takes.
    """

    model_type: str
    structure: Mapping[str, Any]
    image_input: ImageInput


def transformer(width: int, layers: int, heads: int, patch: int, **more: Any) -> dict[str, Any]:
    """The sizes of a vision transformer whose hidden layers are four times as wide as its tokens."""
    sizes = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "patch_size": patch}
    return {**sizes, "intermediate_size": 4 * width, **more}


# width, layers, heads, patch
VIT = {"b": (768, 12, 12, 16), "l": (1024, 24, 16, 16), "h": (1280, 32, 16, 14)}
MAE_EPSILON = 1e-6

_DINOV2 = {"s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16), "g": (1536, 40, 24)}
_DINOV3 = {"s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}
_SWIN = {
    "t": (96, (2, 2, 6, 2), (3, 6, 12, 24)),
    "s": (96, (2, 2, 18, 2), (3, 6, 12, 24)),
    "b": (128, (2, 2, 18, 2), (4, 8, 16, 32)),
    "l": (192, (2, 2, 18, 2), (6, 12, 24, 48)),
}
_RESNET = {
    "18": ("basic", 64, (2, 2, 2, 2)),
    "34": ("basic", 64, (3, 4, 6, 3)),
    "50": ("bottleneck", 256, (3, 4, 6, 3)),
    "101": ("bottleneck", 256, (3, 4, 23, 3)),
    "152": ("bottleneck", 256, (3, 8, 36, 3)),
}
_CONVNEXTV2 = {
    "atto": (40, (2, 2, 6, 2)),
    "femto": (48, (2, 2, 6, 2)),
    "pico": (64, (2, 2, 6, 2)),
    "nano": (80, (2, 2, 8, 2)),
    "tiny": (96, (3, 3, 9, 3)),
    "base": (128, (3, 3, 27, 3)),
    "large": (192, (3, 3, 27, 3)),
    "huge": (352, (3, 3, 27, 3)),
}


def _doubled(width: int, stages: int = 4) -> list[int]:
    return [width * 2**stage for stage in range(stages)]


def _dinov2(width: int, layers: int, heads: int, size: str) -> dict[str, Any]:
    # the hidden layer is given as a ratio there
    sizes = transformer(width, layers, heads, 14, image_size=518, use_swiglu_ffn=size == "g")
    del sizes["intermediate_size"]
    return sizes


def _presets() -> dict[str, Preset]:
    table: dict[str, Preset] = {}
    for size, sizes in VIT.items():
        table[f"vit_{size}"] = Preset("vit", transformer(*sizes), half(224))
        structure = transformer(*sizes, layer_norm_eps=MAE_EPSILON)
        table[f"mae_vit_{size}"] = Preset("vit", structure, imagenet(224))
    for size, (width, layers, heads) in _DINOV2.items():
        table[f"dinov2_{size}"] = Preset("dinov2", _dinov2(width, layers, heads, size), imagenet(224))
    for size, (width, layers, heads) in _DINOV3.items():
        structure = transformer(width, layers, heads, 16, num_register_tokens=4)
        table[f"dinov3_vit_{size}"] = Preset("dinov3_vit", structure, imagenet(224))
    for size, (width, depths, swin_heads) in _SWIN.items():
        structure = {"embed_dim": width, "depths": list(depths), "num_heads": list(swin_heads)}
        table[f"swin_{size}"] = Preset("swin", structure, imagenet(224))
    for size, (layer, width, depths) in _RESNET.items():
        structure = {"layer_type": layer, "hidden_sizes": _doubled(width), "depths": list(depths)}
        table[f"resnet{size}"] = Preset("resnet", structure, imagenet(224))
    for size, (width, depths) in _CONVNEXTV2.items():
        structure = {"hidden_sizes": _doubled(width), "depths": list(depths)}
        table[f"convnextv2_{size}"] = Preset("convnextv2", structure, imagenet(224))
    return table


_TINY = transformer(32, 2, 2, 8, image_size=32)
PRESETS: dict[str, Preset] = {
    **_presets(),
    # heads 64 wide, so that files without a configuration are read too
    "small_vit_mae": Preset(
        "vit", transformer(192, 4, 3, 16, image_size=112, layer_norm_eps=MAE_EPSILON), imagenet(112)
    ),
    "tiny_vit": Preset("vit", _TINY, half(32)),
    "tiny_vit_mae": Preset("vit", {**_TINY, "layer_norm_eps": MAE_EPSILON}, imagenet(32)),
    "tiny_dinov2": Preset("dinov2", {**_TINY, "mlp_ratio": 4}, imagenet(32)),
    "tiny_dinov3": Preset("dinov3_vit", {**_TINY, "num_register_tokens": 4}, imagenet(32)),
    "tiny_swin": Preset(
        "swin",
        {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4, "image_size": 32},
        imagenet(32),
    ),
    "tiny_resnet": Preset(
        "resnet",
        {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "basic"},
        imagenet(32),
    ),
    "tiny_convnextv2": Preset(
        "convnextv2", {"hidden_sizes": [16, 32], "depths": [1, 1], "num_stages": 2, "image_size": 32}, imagenet(32)
    ),
}
