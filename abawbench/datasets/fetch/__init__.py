"""Openly licensed sets, downloaded once and checked against their hashes.

How a set is fetched: `SETS` (sets) has the address, hash and licence of every file. `fetch` (get) takes
each file that is not there from the network (download) or from files at hand, checks its hash, unpacks it and records
it (store). `fetched` gives the folder of a set that is whole.
"""

from __future__ import annotations

from abawbench.datasets.fetch.get import Fetched, fetch
from abawbench.datasets.fetch.sets import SETS, Set, Source, get_set
from abawbench.datasets.fetch.store import cache, fetched

__all__ = ["SETS", "Fetched", "Set", "Source", "cache", "fetch", "fetched", "get_set"]
