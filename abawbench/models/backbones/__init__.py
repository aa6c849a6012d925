"""Backbones by name, with random weights: networks that encode a picture as one vector.

Trained weights come from the user's files; see `abawbench.models.checkpoints`.
"""

from __future__ import annotations

from abawbench.models.backbones.model import KINDS, Backbone, BackboneCard, build
from abawbench.models.image_input import Overrides, Pooling

__all__ = ["KINDS", "Backbone", "BackboneCard", "Overrides", "Pooling", "build"]
