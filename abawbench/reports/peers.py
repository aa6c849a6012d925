"""Published figures and records of the same challenge, beside the score of a report."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from abawbench import records
from abawbench.base.installed import shipped_folder
from abawbench.challenges import Challenge
from abawbench.leaderboard.published import read_folders
from abawbench.leaderboard.rows import Row, from_fact, from_record, sections

# rows of a section that are shown: the highest ones
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Peers:
    """Rows that were measured alike, the highest first.

    Attributes:
        split: split of all rows; empty where the sources do not say.
        rows: the rows that are shown, each with its figure.
        total: number of all rows with a figure.
    """

    split: str
    rows: tuple[tuple[Row, float], ...]
    total: int


def peers(challenge: Challenge, root: Path | None) -> Iterator[Peers]:
    """Rows of a challenge's own measure on its own data, by split.

    Args:
        challenge: the challenge.
        root: folder of a leaderboard with records; None for published facts alone.

    Raises:
        ProblemError: L02 a published fact, R01 a record.
    """
    facts = read_folders([shipped_folder("leaderboard/published")]).facts.get(challenge.id, ())
    rows = [from_fact(fact, challenge) for fact in facts]
    if root is not None:
        rows += [from_record(record, challenge) for record in own_records(challenge, root)]
    for section in sections(rows):
        if section.group:
            continue
        known = [(row, row.position) for row in section.rows if not math.isnan(row.position)]
        if known:
            yield Peers(section.split, tuple(known[:SHOWN]), len(known))


def own_records(challenge: Challenge, root: Path) -> Iterator[records.Record]:
    """The records of a challenge's present definition below a leaderboard's folder, in the order of their names."""
    for path in sorted((root / "records" / challenge.id).glob("*.json")):
        record = records.read(path)
        if record.fingerprint == challenge.fingerprint:
            yield record
