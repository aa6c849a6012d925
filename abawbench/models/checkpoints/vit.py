"""Files of ViT, by the names of facebookresearch/mae and timm, and by those that transformers writes."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones import Overrides, vision
from abawbench.models.backbones.positions import grid_of
from abawbench.models.backbones.presets import MAE_EPSILON, VIT
from abawbench.models.backbones.vision import Config
from abawbench.models.checkpoints.fit import (
    Branch,
    Detected,
    Fitted,
    Layout,
    Preset,
    any_name,
    compare,
    depth_of,
    first_and_last,
    unknown_network,
)
from abawbench.models.checkpoints.vision_files import fit_vision
from abawbench.models.image_input import imagenet

# the number of heads is in no tensor; each is 64 wide but for the huge one. Source: facebookresearch/mae, timm
HEADS = {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16}
# modules and width by which files of MoCo v3's small ViT are known. Source: facebookresearch/moco-v3:vits.py
_MOCO, _MOCO_SMALL = {"base_encoder", "momentum_encoder"}, 384
# epsilon of the layer norms in transformers' own ViT
_EPSILON = 1e-12
# arguments that the training programs of facebookresearch/mae alone have together. Source: main_pretrain.py,
# main_finetune.py; both normalise by ImageNet (util/datasets.py)
_ARGUMENTS = ({"mask_ratio", "norm_pix_loss"}, {"global_pool", "layer_decay", "nb_classes"})
# facebookresearch/mae and timm -> transformers on disk; {} is the number of the block
_OUTSIDE = {
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
    "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
    "norm.weight": "layernorm.weight",
    "norm.bias": "layernorm.bias",
    "fc_norm.weight": "fc_norm.weight",
    "fc_norm.bias": "fc_norm.bias",
}
_INSIDE = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
_BLOCKS, _LAYERS = r"blocks\.(\d+)\.", r"encoder\.layer\.(\d+)\."
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)\.(weight|bias)")


def sized_kind(width: int, depth: int, patch: int, *, prefix: str) -> str:
    """The kind of a ViT by its sizes, as `vit_b` after the prefix; `hf:vit` for sizes of no preset."""
    for letter, (own_width, own_depth, _, own_patch) in VIT.items():
        if (width, depth, patch) == (own_width, own_depth, own_patch):
            return f"{prefix}vit_{letter}"
    return "hf:vit"


def transformers_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename tensors of facebookresearch/mae or timm to the names that transformers writes; others are left out."""
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name in _OUTSIDE:
            result[_OUTSIDE[name]] = tensor
        elif match := _BLOCK.fullmatch(name):
            block, part, kind = match.groups()
            if part == "attn.qkv":
                thirds = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
                result |= {f"encoder.layer.{block}.attention.attention.{own}.{kind}": third for own, third in thirds}
            elif part in _INSIDE:
                result[f"encoder.layer.{block}.{_INSIDE[part]}.{kind}"] = tensor
    return result


def mae_shapes(
    width: int, depth: int, *, patch: int, tokens: int, hidden: int, has_fc_norm: bool
) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the encoder in a file of facebookresearch/mae.

    Args:
        width: width of a token.
        depth: number of blocks.
        patch: side of a patch in pixels.
        tokens: number of positions, with that of the class token.
        hidden: width of the hidden layer in a block.
        has_fc_norm: True where the file was fine-tuned on the mean of the patches, and has `fc_norm` instead of `norm`.
    """
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, tokens, width),
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,),
    }
    last = "fc_norm" if has_fc_norm else "norm"
    norms = [last, *(f"blocks.{block}.norm{number}" for block in range(depth) for number in (1, 2))]
    shapes |= {f"{name}.{kind}": (width,) for name in norms for kind in ("weight", "bias")}
    linears = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
    linears |= {"mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}
    for block in range(depth):
        for part, shape in linears.items():
            shapes[f"blocks.{block}.{part}.weight"] = shape
            shapes[f"blocks.{block}.{part}.bias"] = shape[:1]
    return shapes


def _detect_mae(branch: Branch) -> Detected:
    tensors = branch.tensors
    if any_name(tensors, r"blocks\.0\.(ls[12]|gamma_|attn\.[qk]_norm)|reg_token|register_tokens|norm_pre"):
        found = "a ViT with layer scale, register tokens or further norms, as DINOv2 has"
        fix = "give the folder that transformers saves for it"
        raise unknown_network(found, "the plain ViT of facebookresearch/mae", fix)
    width, patch = first_and_last(tensors["patch_embed.proj.weight"])
    if width == _MOCO_SMALL and _MOCO & {*branch.name.split(".")}:
        found, expected = "the small ViT of MoCo v3, which has 12 heads 32 wide", "heads 64 wide"
        raise unknown_network(found, expected, "give a folder of transformers, whose config.json holds the number")
    kind = sized_kind(width, depth_of(tensors, _BLOCKS), patch, prefix="mae_")
    part = "fine-tuned" if "fc_norm.weight" in tensors else "full, with decoder" if _has_decoder(branch) else "encoder"
    return Detected(kind, f"facebookresearch/mae{'' if _is_of_mae(branch) else ' or timm'}, {part}")


def _fit_mae(branch: Branch, detected: Detected, preset: Preset | None, overrides: Overrides) -> Fitted:
    tensors, kind = branch.tensors, detected.kind
    width, patch = first_and_last(tensors["patch_embed.proj.weight"])
    depth = depth_of(tensors, _BLOCKS)
    hidden = _hidden(tensors, "blocks.0.mlp.fc1.weight", width)
    grid = grid_of(tensors["pos_embed"]) if "pos_embed" in tensors else 0
    has_fc_norm = "fc_norm.weight" in tensors
    shapes = mae_shapes(width, depth, patch=patch, tokens=1 + grid * grid, hidden=hidden, has_fc_norm=has_fc_norm)
    _, unexpected = compare({name: torch.empty(shape, device="meta") for name, shape in shapes.items()}, tensors, kind)
    if preset is None:
        said = f"preset of {kind}" if _is_of_mae(branch) else ""
        preset = _imagenet(grid, patch, said, "ImageNet, as facebookresearch/mae and DeiT; most ViT of timm take 0.5")
    config = _config(width, depth, patch=patch, grid=grid, hidden=hidden, epsilon=MAE_EPSILON)
    network, _ = vision.load(kind, config, preset.image_input, overrides, transformers_names(tensors))
    return Fitted(network, (), unexpected, preset.source, preset.assumed)


def _has_decoder(branch: Branch) -> bool:
    return any_name([*branch.tensors, *branch.beside], r"decoder_(embed|blocks|pred)\.")


def _is_of_mae(branch: Branch) -> bool:
    """True where decoder or arguments say who wrote the file; else it may be of timm, with other pictures."""
    return _has_decoder(branch) or any(names <= branch.arguments.keys() for names in _ARGUMENTS)


def _detect_transformers(branch: Branch) -> Detected:
    tensors = branch.tensors
    if "encoder.layer.0.layernorm_before.weight" not in tensors or "embeddings.position_embeddings" not in tensors:
        found = "a network of transformers that is not a plain ViT"
        raise unknown_network(found, "its folder, with config.json", "give the whole folder")
    width, patch = first_and_last(tensors["embeddings.patch_embeddings.projection.weight"])
    is_mae = any_name([*tensors, *branch.beside], r"decoder\.")
    kind = sized_kind(width, depth_of(tensors, _LAYERS), patch, prefix="mae_" if is_mae else "")
    return Detected(kind, f"transformers, {'ViTMAE' if is_mae else 'ViT'} without config.json")


def _fit_transformers(branch: Branch, detected: Detected, preset: Preset | None, overrides: Overrides) -> Fitted:
    tensors = branch.tensors
    width, patch = first_and_last(tensors["embeddings.patch_embeddings.projection.weight"])
    grid = grid_of(tensors["embeddings.position_embeddings"])
    hidden = _hidden(tensors, "encoder.layer.0.intermediate.dense.weight", width)
    config = _config(width, depth_of(tensors, _LAYERS), patch=patch, grid=grid, hidden=hidden, epsilon=_EPSILON)
    preset = preset or _imagenet(grid, patch, "", "ImageNet, as ViTMAE; most plain ViT of transformers take 0.5")
    return fit_vision(detected.kind, config, preset, overrides, tensors)


def _hidden(tensors: Mapping[str, Tensor], name: str, width: int) -> int:
    """The width of the hidden layer in a block, from its first weights."""
    return first_and_last(tensors[name])[0] if name in tensors else 4 * width


def _imagenet(grid: int, patch: int, source: str, assumption: str) -> Preset:
    """The pictures that a grid of patches covers; their normalisation is an assumption where there is no source."""
    try:
        image_input = imagenet(grid * patch)
    except ValueError as error:
        found, expected = f"a grid of {grid} patches of {patch} pixels", "patches of pictures"
        raise ProblemError(Problem("E10", found, expected, "name another file")) from error
    if source:
        return Preset(image_input, source)
    return Preset(image_input, f"assumed: {assumption}", ("mean", "std"))


def _config(width: int, depth: int, *, patch: int, grid: int, hidden: int, epsilon: float) -> Config:
    from transformers import ViTConfig

    if width not in HEADS:
        expected = f"one of {', '.join(map(str, HEADS))}: the number of heads is not in the file"
        fix = "give the folder that save_pretrained wrote, whose config.json holds the number"
        raise unknown_network(f"a ViT {width} wide", expected, fix)
    return ViTConfig(
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=HEADS[width],
        intermediate_size=hidden,
        patch_size=patch,
        image_size=grid * patch,
        layer_norm_eps=epsilon,
    )


MAE = Layout(
    "ViT of facebookresearch/mae or timm",
    ("patch_embed.proj.weight", "blocks.0.attn.qkv.weight"),
    ("cls_token", "pos_embed"),
    _detect_mae,
    _fit_mae,
)
TRANSFORMERS = Layout(
    "ViT of transformers",
    ("embeddings.patch_embeddings.projection.weight", "encoder.layer.0."),
    ("embeddings.position_embeddings", "encoder.layer.0.layernorm_before.weight"),
    _detect_transformers,
    _fit_transformers,
)
