"""Recognises the layout of a checkpoint by the names and shapes of its tensors, and translates the names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.backbones.presets import VIT

Layout = Literal["iresnet", "mae", "transformers", "densenet"]
_IRESNETS = {2: "iresnet18", 6: "iresnet34", 14: "iresnet50", 30: "iresnet100", 60: "iresnet200"}
_DENSENETS: dict[tuple[int, ...], str] = {
    (6, 12, 24, 16): "densenet121",
    (6, 12, 36, 24): "densenet161",
    (6, 12, 32, 32): "densenet169",
    (6, 12, 48, 32): "densenet201",
}
# the number of heads is in no tensor; each is 64 wide but for the huge one. Source: facebookresearch/mae, timm
HEADS = {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16}
# names that a file of each layout has; an unknown file is compared with them to name the nearest layout
_SIGNATURES = {
    "IResNet of insightface": ("layer1.0.prelu.weight", "fc.weight", "features.weight", "layer1.0.conv1.weight"),
    "ViT of facebookresearch/mae": ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight"),
    "ViT of transformers": (
        "embeddings.patch_embeddings.projection.weight",
        "embeddings.position_embeddings",
        "encoder.layer.0.layernorm_before.weight",
    ),
    "DenseNet of torchvision": ("features.conv0.weight", "features.denseblock1.denselayer1.conv1.weight"),
}
_READ = "IResNet, ViT of facebookresearch/mae or transformers, densenet121 or denseface100"

_WRAPPERS = ("model", "state_dict", "state_dict_backbone", "model_state_dict", "net", "student", "model_ema")
_MOST_WRAPPERS = 100
# the last is torch.compile's
_PREFIXES = ("module.", "backbone.", "student.", "vit.", "_orig_mod.")
_LEGACY = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
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
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)\.(weight|bias)")


@dataclass(frozen=True, slots=True)
class Detected:
    """The network in a file.

    Attributes:
        kind: name of the backbone.
        layout: project whose names the tensors have.
        described: layout in words, for a card.
    """

    kind: str
    layout: Layout
    described: str


def detect(tensors: Mapping[str, Tensor]) -> Detected:
    """Recognise the network of tensors without wrappers and prefixes.

    Raises:
        ProblemError: E10, a network that cannot be read.
    """
    if {"layer1.0.prelu.weight", "fc.weight", "features.weight"} <= tensors.keys():
        return _iresnet(tensors)
    if {"patch_embed.proj.weight", "blocks.0.attn.qkv.weight"} <= tensors.keys():
        return _mae(tensors)
    if "embeddings.patch_embeddings.projection.weight" in tensors and _any(tensors, r"encoder\.layer\.0\."):
        return _transformers(tensors)
    if _any(tensors, r"(.*\.)?layers\.0\.attention\.q_proj\.weight"):
        found = "the tensors of a network of transformers 5, as they lie in memory"
        fix = "save it with save_pretrained, or a backbone with save_backbone"
        raise _unknown(found, "names as transformers writes them", fix)
    if "features.conv0.weight" in tensors:
        return _densenet(tensors)
    if _any(tensors, r"input_layer\.") and _any(tensors, r"body\."):
        found = "a network of the older IR or IR-SE family (input_layer, body)"
        raise _unknown(found, _READ, "take an IResNet of insightface")
    raise _nothing(tensors)


def sized_kind(width: int, depth: int, patch: int, *, prefix: str) -> str:
    """The kind of a ViT by its sizes, as `vit_b` after the prefix; `hf:vit` for sizes of no preset."""
    for letter, (own_width, own_depth, _, own_patch) in VIT.items():
        if (width, depth, patch) == (own_width, own_depth, own_patch):
            return f"{prefix}vit_{letter}"
    return "hf:vit"


def depth_of(names: Iterable[str], pattern: str) -> int:
    """One more than the highest number that the group of a pattern matches, but no more than there are names.

    A number that no file of so few tensors can have is not believed. 0 without a match.
    """
    known = list(names)
    depth = max((int(match[1][:9]) + 1 for name in known if (match := re.match(pattern, name))), default=0)
    return min(depth, len(known))


def first_and_last(tensor: Tensor) -> tuple[int, int]:
    """The first and the last number of a shape: rows and columns, or width and side; (0, 0) for a single number."""
    return (tensor.shape[0], tensor.shape[-1]) if tensor.ndim else (0, 0)


def heads_of(width: int) -> int:
    """Number of attention heads of a ViT of this width.

    Raises:
        ProblemError: E10, a width that is not known.
    """
    if width not in HEADS:
        expected = f"one of {', '.join(map(str, HEADS))}: the number of heads is not in the file"
        fix = "give the folder that save_pretrained wrote, whose config.json holds the number"
        raise _unknown(f"a ViT {width} wide", expected, fix)
    return HEADS[width]


def _iresnet(tensors: Mapping[str, Tensor]) -> Detected:
    blocks = len({name.split(".")[1] for name in tensors if name.startswith("layer3.")})
    if blocks not in _IRESNETS:
        expected = f"{', '.join(map(str, _IRESNETS))}: IResNet 18, 34, 50, 100 or 200"
        raise _unknown(f"an IResNet with {blocks} blocks in its third stage", expected, "name another file")
    return Detected(_IRESNETS[blocks], "iresnet", "deepinsight/insightface")


def _mae(tensors: Mapping[str, Tensor]) -> Detected:
    if _any(tensors, r"blocks\.0\.(ls[12]|gamma_|attn\.[qk]_norm)|reg_token|register_tokens|norm_pre"):
        found = "a ViT with layer scale, register tokens or further norms, as DINOv2 has"
        fix = "give the folder that transformers saves for it"
        raise _unknown(found, "the plain ViT of facebookresearch/mae", fix)
    width, patch = first_and_last(tensors["patch_embed.proj.weight"])
    kind = sized_kind(width, depth_of(tensors, r"blocks\.(\d+)\."), patch, prefix="mae_")
    if "fc_norm.weight" in tensors:
        part = "fine-tuned"
    elif "mask_token" in tensors or _any(tensors, r"decoder_"):
        part = "full, with decoder"
    else:
        part = "encoder"
    return Detected(kind, "mae", f"facebookresearch/mae, {part}")


def _transformers(tensors: Mapping[str, Tensor]) -> Detected:
    if "encoder.layer.0.layernorm_before.weight" not in tensors or "embeddings.position_embeddings" not in tensors:
        found = "a network of transformers that is not a plain ViT"
        raise _unknown(found, "its folder, with config.json", "give the whole folder")
    width, patch = first_and_last(tensors["embeddings.patch_embeddings.projection.weight"])
    is_mae = _any(tensors, r"decoder\.")
    depth = depth_of(tensors, r"encoder\.layer\.(\d+)\.")
    kind = sized_kind(width, depth, patch, prefix="mae_" if is_mae else "")
    return Detected(kind, "transformers", f"transformers, {'ViTMAE' if is_mae else 'ViT'} without config.json")


def _densenet(tensors: Mapping[str, Tensor]) -> Detected:
    layers: list[int] = []
    names = [current_name(name) for name in tensors]
    while count := depth_of(names, rf"features\.denseblock{len(layers) + 1}\.denselayer(\d+)\."):
        # layers are counted from 1
        layers.append(count - 1)
    stem = tuple(tensors["features.conv0.weight"].shape)
    if stem == (24, 1, 3, 3):
        return Detected("denseface100", "densenet", "AIM3-RUC/MEmoBert")
    kind = _DENSENETS.get(tuple(layers), f"DenseNet with blocks of {layers}")
    if kind == "densenet121" and stem == (64, 3, 7, 7):
        return Detected(kind, "densenet", "torchvision")
    raise _unknown(f"{kind} with a stem of shape {stem}", "densenet121 or denseface100", "name another file")


def _nothing(tensors: Mapping[str, Tensor]) -> ProblemError:
    first = ", ".join(list(tensors)[:10])
    counts = {name: sum(key in tensors for key in keys) for name, keys in _SIGNATURES.items()}
    nearest = max(counts, key=lambda name: counts[name])
    if counts[nearest]:
        lacking = next(key for key in _SIGNATURES[nearest] if key not in tensors)
        fix = f"it is nearest to {nearest}, but lacks {lacking}: name another file, or give a folder of transformers"
    else:
        fix = "name another file, or give a folder of transformers"
    return _unknown(f"{len(tensors)} tensors, first {first}", f"the tensors of {_READ}", fix)


def _any(names: Iterable[str], pattern: str) -> bool:
    return any(re.match(pattern, name) for name in names)


def _unknown(found: str, expected: str, fix: str) -> ProblemError:
    return ProblemError(Problem("E10", found, expected, fix))


def unwrap(tree: Mapping[str, Any]) -> dict[str, Tensor]:
    """Take the tensors of a checkpoint out of the dictionaries that training code puts around them.

    Raises:
        ProblemError: E10, there are no tensors.
    """
    for _ in range(_MOST_WRAPPERS):
        inner = [tree[name] for name in _WRAPPERS if isinstance(tree.get(name), Mapping)]
        if not inner:
            break
        tree = inner[0]
    else:
        found = f"more than {_MOST_WRAPPERS} dictionaries in each other, or one that contains itself"
        raise _unknown(found, "the state dictionary of a network", "save the state dictionary alone")
    tensors = {str(name): value for name, value in tree.items() if isinstance(value, Tensor)}
    if not tensors:
        found = f"no tensors, but {', '.join(map(str, list(tree)[:10])) or 'nothing'}"
        expected = f"tensors by name, or one of {', '.join(_WRAPPERS)} around them"
        raise ProblemError(Problem("E10", found, expected, "save the state dictionary of the network"))
    return tensors


def strip_prefixes(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Remove the prefixes of wrappers from the names of tensors; `encoder.` only where every name has it.

    Raises:
        ProblemError: E10, two tensors would have one name.
    """
    result = dict(tensors)
    while True:
        names = {name: _bare(name) for name in result}
        if all(name.startswith("encoder.") for name in names.values()):
            names = {name: bare.removeprefix("encoder.") for name, bare in names.items()}
        twice = [name for name, count in Counter(names.values()).items() if count > 1]
        if twice:
            found = f"two tensors for {twice[0]} once prefixes are gone"
            fix = "save the state dictionary of one network alone"
            raise ProblemError(Problem("E10", found, "the tensors of one network", fix))
        if all(name == bare for name, bare in names.items()):
            return result
        result = {names[name]: tensor for name, tensor in result.items()}


def current_name(name: str) -> str:
    """The name that torchvision gives a tensor of DenseNet today.

    >>> current_name("features.denseblock1.denselayer2.norm.1.weight")
    'features.denseblock1.denselayer2.norm1.weight'
    """
    return _LEGACY.sub(r"\1\2", name)


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


def _bare(name: str) -> str:
    while prefix := next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None):
        name = name.removeprefix(prefix)
    return name
