"""Published figures and records of the same challenge, beside the score of a report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from abawbench import records
from abawbench.base.installed import shipped_folder
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.leaderboard.collect import OUTDATED, facts_folder
from abawbench.leaderboard.published import read_folders
from abawbench.leaderboard.rows import Row, from_fact, from_record, sections

# rows of a section that are shown: the highest ones
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Peers:
    """Rows that were measured alike, the highest first.

    Attributes:
        what: what all rows were measured on: this truth, or a split of the challenge.
        is_this_truth: True for records of the very truth of the report.
        rows: the rows that are shown, each with its figure.
        total: number of all rows with a figure.
    """

    what: str
    is_this_truth: bool
    rows: tuple[tuple[Row, float], ...]
    total: int


def peers(challenge: Challenge, truth_sha256: str, root: Path | None) -> Iterator[Peers]:
    """Records of the same truth, then rows of the challenge's own measure on its own data by split.

    Args:
        challenge: the challenge.
        truth_sha256: hash of the truth of the report.
        root: folder of a leaderboard with records; None for published facts alone.

    Raises:
        ProblemError: F01 no such folder, L02 a published fact, R01 a record.
    """
    if root is not None and not root.is_dir():
        expected = "a folder with records/ or published/"
        raise ProblemError(Problem("F01", "no such folder", expected, "check the path", str(root)))
    found = [] if root is None else list(own_records(challenge, root))
    same = [from_record(record, challenge) for record in found if record.truth_sha256 == truth_sha256]
    yield from _highest("this very truth", same, is_this_truth=True)
    folder = shipped_folder("leaderboard/published") if root is None else facts_folder(root)
    rows = [from_fact(fact, challenge) for fact in read_folders([folder]).facts.get(challenge.id, ())]
    rows += [from_record(record, challenge) for record in found if record.truth_sha256 != truth_sha256]
    for section in sections(rows):
        if not section.group:
            yield from _highest(section.split or "split not said", section.rows, is_this_truth=False)


def _highest(what: str, rows: Sequence[Row], *, is_this_truth: bool) -> Iterator[Peers]:
    known = [(row, row.position) for row in rows if not math.isnan(row.position)]
    known.sort(key=lambda one: -one[1])
    if known:
        yield Peers(what, is_this_truth, tuple(known[:SHOWN]), len(known))


def own_records(challenge: Challenge, root: Path) -> Iterator[records.Record]:
    """The records of a challenge below a leaderboard's folder, by name; those of another definition are left out.

    Raises:
        ProblemError: R01, a record is damaged or disagrees with its statistics.
    """
    for path in sorted((root / "records" / challenge.id).glob("*.json")):
        try:
            yield records.read_agreeing(path)
        except ProblemError as error:
            if any(problem.rule != OUTDATED for problem in error.problems):
                raise
