"""Leak guard: finds names and pictures that training and evaluation share.

How sides are compared: `read_sides` (sides) lists the units, people, pictures and videos of both
sides. `find_leaks` (compare) compares their names and what the manifests of data sets say, and lets frames compare the
pictures: bytes first, then a hash of what they show (perceptual_hash). The result is one `Leaks`.
"""

from __future__ import annotations

from abawbench.datasets.leaks.compare import Leaks, find_leaks
from abawbench.datasets.leaks.sides import Side, read_side, read_sides

__all__ = ["Leaks", "Side", "find_leaks", "read_side", "read_sides"]
