"""The door for any model: cards, entries, loading by name, the classical entry and the negative controls."""

from __future__ import annotations

from abawbench.entries.decode import answer, uncovered
from abawbench.entries.loading import load_entry
from abawbench.entries.model import Card, DeviceEntry, Entry, FrameWise, Picture, Trainable, Weights

__all__ = [
    "Card",
    "DeviceEntry",
    "Entry",
    "FrameWise",
    "Picture",
    "Trainable",
    "Weights",
    "answer",
    "load_entry",
    "uncovered",
]
