"""The weights of a pre-training in the layouts of transformers and of facebookresearch/mae."""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from abawbench.base.files import write_file
from abawbench.models.backbones.vision import quiet
from abawbench.models.image_input import ImageInput

_BLOCK = re.compile(r"(vit\.encoder\.layer|decoder\.decoder_\w+?(?:\.layer)?)\.(\d+)\.(.+)\.(weight|bias)")
_THIRDS = ("query", "key", "value")
_ATTENTION = "attention.attention."
# transformers on disk -> facebookresearch/mae
_IN_BLOCK = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.output.dense": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
}
_OUTSIDE = {
    "embeddings.cls_token": "cls_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
    "layernorm.weight": "norm.weight",
    "layernorm.bias": "norm.bias",
}


def transformers_files(network: Any, image_input: ImageInput, picture: int) -> dict[str, bytes]:
    """Files of a folder of transformers: weights and configuration of an autoencoder, and its preprocessing."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        network.save_pretrained(folder, max_shard_size="1000GB")
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    size = {"height": picture, "width": picture}
    preprocessing = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": size,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(image_input.mean),
        "image_std": list(image_input.std),
    }
    return {**files, "preprocessor_config.json": json.dumps(preprocessing, indent=2).encode()}


def published_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of an autoencoder under the names of facebookresearch/mae, from those of transformers."""
    result: dict[str, Tensor] = {}
    # safetensors returns tensors in no fixed order
    for name, tensor in sorted(tensors.items()):
        if not (match := _BLOCK.fullmatch(name)):
            bare = name.removeprefix("vit.").removeprefix("decoder.")
            result[_OUTSIDE.get(bare, bare)] = tensor
            continue
        room, block, part, kind = match.groups()
        stem = f"{'blocks' if room.startswith('vit.') else 'decoder_blocks'}.{block}"
        if part in _IN_BLOCK:
            result[f"{stem}.{_IN_BLOCK[part]}.{kind}"] = tensor
        elif part == f"{_ATTENTION}{_THIRDS[0]}":
            prefix = name.removesuffix(f"{_THIRDS[0]}.{kind}")
            result[f"{stem}.attn.qkv.{kind}"] = torch.cat([tensors[f"{prefix}{third}.{kind}"] for third in _THIRDS])
    return result


def write_published(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a file as facebookresearch/mae saves it, with the tensors under `model`. Raises: ProblemError F01."""
    whole = io.BytesIO()
    torch.save({"model": dict(published_tensors(tensors))}, whole)
    write_file(path, whole.getvalue())
