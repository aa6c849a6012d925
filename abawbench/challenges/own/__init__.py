"""Challenges of one's own: TOML files outside the package, read, checked as a whole, and derived from others."""

from __future__ import annotations

from abawbench.challenges.own.files import SUFFIX, derive, read_challenge, write_new
from abawbench.challenges.own.fitting import ID

__all__ = ["ID", "SUFFIX", "derive", "read_challenge", "write_new"]
