"""Openly licensed sets, downloaded once and held to their hashes."""

from __future__ import annotations

from abawbench.data.fetch.store import cache, fetched

__all__ = ["cache", "fetched"]
