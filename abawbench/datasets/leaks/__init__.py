"""Leak guard: what training and evaluation must not share, and what a challenge forbids to train on."""

from __future__ import annotations

from abawbench.challenges.eligibility import forbidden_training
from abawbench.datasets.leaks.compare import Leaks, find_leaks
from abawbench.datasets.leaks.sides import Part, read_part, read_parts

__all__ = ["Leaks", "Part", "find_leaks", "forbidden_training", "read_part", "read_parts"]
