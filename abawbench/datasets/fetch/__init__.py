"""Openly licensed sets, downloaded once and held to their hashes."""

from __future__ import annotations

from abawbench.datasets.fetch.get import Fetched, fetch
from abawbench.datasets.fetch.sets import SETS, Set, Source
from abawbench.datasets.fetch.store import cache, fetched

__all__ = ["SETS", "Fetched", "Set", "Source", "cache", "fetch", "fetched"]
