"""Checkpoints: files of weights that users bring, in the formats of the field, loaded as backbones."""

from __future__ import annotations

from abawbench.models.checkpoints.load import Loaded, load_checkpoint
from abawbench.models.checkpoints.save import save_backbone

__all__ = ["Loaded", "load_checkpoint", "save_backbone"]
