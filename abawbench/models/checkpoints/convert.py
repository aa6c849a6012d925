"""Names of tensors: wrappers and prefixes of training code, and the layouts that are one network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from abawbench.base.problems import Problem, ProblemError

_WRAPPERS = ("model", "state_dict", "state_dict_backbone", "model_state_dict", "net", "student", "model_ema")
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


def unwrapped(tree: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a checkpoint, out of the dictionaries that training code puts round them.

    Raises:
        ProblemError: E10, there are no tensors.
    """
    while inner := [tree[name] for name in _WRAPPERS if isinstance(tree.get(name), Mapping)]:
        tree = inner[0]
    tensors = {str(name): value for name, value in tree.items() if isinstance(value, Tensor)}
    if not tensors:
        found = f"no tensors, but {', '.join(map(str, list(tree)[:10])) or 'nothing'}"
        expected = f"tensors by name, or one of {', '.join(_WRAPPERS)} around them"
        raise ProblemError(Problem("E10", found, expected, "save the state dictionary of the network"))
    return tensors


def stripped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors without the prefixes of wrappers; `encoder.` goes only where every name has it.

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


def current(name: str) -> str:
    """The name that torchvision gives a tensor of DenseNet today.

    >>> current("features.denseblock1.denselayer2.norm.1.weight")
    'features.denseblock1.denselayer2.norm1.weight'
    """
    return _LEGACY.sub(r"\1\2", name)


def on_disk(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of facebookresearch/mae or timm by the names that transformers writes; others are left out."""
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
        width: of a token.
        depth: number of blocks.
        patch: side of a patch in pixels.
        tokens: positions, that of the class token among them.
        hidden: width of the hidden layer in a block.
        has_fc_norm: True where the file was fine-tuned on the mean of the patches; it has no `norm` then.
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
