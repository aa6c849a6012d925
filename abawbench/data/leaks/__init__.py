"""Leak guard: what training and evaluation must not share, and what a challenge forbids to train on."""

from __future__ import annotations

from abawbench.data.leaks.compare import Leaks, find_leaks
from abawbench.data.leaks.eligibility import forbidden_training
from abawbench.data.leaks.parts import Part, read_part, read_parts

__all__ = ["Leaks", "Part", "find_leaks", "forbidden_training", "read_part", "read_parts"]
