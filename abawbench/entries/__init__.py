"""Entries, the interface of any model: cards, loading by name, baselines, foreign models and conformance."""

from __future__ import annotations

from abawbench.entries.loading import load_entry
from abawbench.entries.model import Card, DeviceEntry, Entry, FrameWise, Synthesiser, Trainable, Weights, weights_of
from abawbench.entries.outputs import answer, uncovered
from abawbench.models.image_input import ImageInput

__all__ = [
    "Card",
    "DeviceEntry",
    "Entry",
    "FrameWise",
    "ImageInput",
    "Synthesiser",
    "Trainable",
    "Weights",
    "answer",
    "load_entry",
    "uncovered",
    "weights_of",
]
