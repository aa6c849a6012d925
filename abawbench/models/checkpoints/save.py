"""Saves a backbone in one safetensors file that describes itself."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from abawbench.base.files import write_file
from abawbench.models.backbones import Backbone
from abawbench.models.backbones.vision import Vision, quiet
from abawbench.models.checkpoints.folders import OWN


def save_backbone(backbone: Backbone, path: Path) -> None:
    """Write a backbone to a safetensors file that `load_checkpoint` reads, with kind, image input, layer and pooling.

    Networks of transformers are written by the names that transformers itself writes, so that other versions of it read
    them too. The bytes depend on the backbone alone; the file appears whole or not at all.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    from safetensors.torch import save

    card = backbone.card
    header: dict[str, Any] = {
        "kind": card.kind,
        **card.image_input.to_json(),
        "layer": card.layer,
        "pooling": card.pooling,
    }
    if isinstance(backbone, Vision):
        tensors, header["config"] = _written(backbone), json.loads(backbone.config.to_json_string(use_diff=False))
    else:
        tensors, header["config"] = backbone.state_dict(), None
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # one entry: the header keeps no order of several
    write_file(path, save(whole, {OWN: json.dumps(header, sort_keys=True)}))


def _written(backbone: Vision) -> dict[str, Tensor]:
    """The tensors by the names that transformers writes to disk."""
    from safetensors.torch import load_file

    norm = {f"fc_norm.{name}": tensor for name, tensor in backbone.norm.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder, quiet():
        cast(Any, backbone.network).save_pretrained(folder)
        parts = [load_file(part) for part in sorted(Path(folder).glob("*.safetensors"))]
        # copies, for the files go
        tensors = {name: tensor.clone() for part in parts for name, tensor in part.items()}
    return tensors | norm
