"""Records: a score and its provenance in one JSON file, from which a row of a leaderboard is made.

A record holds strings and numbers only. Its statistics by video are enough for the score, the intervals and a paired
test, without the files that it was made from.
"""

from __future__ import annotations

from abawbench.records.agreement import check_tree, read_agreeing
from abawbench.records.model import (
    Cost,
    CrossFitted,
    Disclosure,
    Interval,
    Intervals,
    Record,
    TunedUse,
    disclosure_from,
)
from abawbench.records.store import Provenance, make, read, read_provenance, statistics_of, write

__all__ = [
    "Cost",
    "CrossFitted",
    "Disclosure",
    "Interval",
    "Intervals",
    "Provenance",
    "Record",
    "TunedUse",
    "check_tree",
    "disclosure_from",
    "make",
    "read",
    "read_agreeing",
    "read_provenance",
    "statistics_of",
    "write",
]
