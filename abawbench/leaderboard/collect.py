"""Facts and records of a leaderboard's folders, by what they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from abawbench import records
from abawbench.base.installed import shipped_folder
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge, find, get, known
from abawbench.leaderboard.own import OwnChallenge
from abawbench.leaderboard.published import OTHER, read_folders
from abawbench.leaderboard.rows import Row, from_fact, from_record

# rule of a record of another definition
OUTDATED = "R02"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a board is about, and its rows.

    Attributes:
        name: id of the challenge, name of one of one's own, or `other`.
        title: title for a reader.
        challenge: the challenge; None where the catalogue does not have it.
        own: description of a challenge of one's own.
        rows: its rows, facts before records.
    """

    name: str
    title: str
    challenge: Challenge | None
    own: OwnChallenge | None
    rows: tuple[Row, ...]


def collect(root: Path, published: Sequence[Path] = ()) -> dict[str, Subject]:
    """Read facts and records, by name of their board.

    Challenges are in the order of editions, those of no catalogue behind them by name, `other` last. A record of an
    earlier definition of its challenge is left out; see `outdated`.

    Args:
        root: folder with `published/` and `records/`; without either, the facts that come with abawbench are taken.
        published: further folders of published facts, each with a CSV file for each challenge.

    Raises:
        ProblemError: L02 a published fact, R01 a record.
    """
    problems = records.check_tree(root / "records")
    left_out = {problem.file for problem in problems if problem.rule == OUTDATED}
    wrong = [problem for problem in problems if problem.rule != OUTDATED]
    if wrong:
        raise ProblemError(*wrong)
    folders = {folder.resolve(): folder for folder in (facts_folder(root), *published)}
    facts = read_folders(list(folders.values()))
    titles = _titles(facts.own)
    rows: dict[str, list[Row]] = {place: [] for place in titles}
    for place, found in facts.facts.items():
        rows[place] += [from_fact(fact, find(place), facts.own.get(place)) for fact in found]
    for path in sorted((root / "records").rglob("*.json")):
        if str(path) in left_out:
            continue
        record = records.read(path)
        rows[record.challenge].append(from_record(record, get(record.challenge)))
    return {
        place: Subject(place, titles[place], find(place), facts.own.get(place), tuple(found))
        for place, found in rows.items()
        if found
    }


def outdated(root: Path) -> tuple[Problem, ...]:
    """R02 for each record whose challenge was defined otherwise when it was made; its score may mean something else."""
    problems: list[Problem] = []
    for path in sorted((root / "records").rglob("*.json")):
        try:
            records.read(path)
        except ProblemError as error:
            problems += [problem for problem in error.problems if problem.rule == OUTDATED]
    return tuple(problems)


def facts_folder(root: Path) -> Path:
    """The folder of published facts: that of a root, or the one that comes with abawbench where a root has no rows."""
    own = root / "published"
    return own if own.is_dir() or (root / "records").is_dir() else shipped_folder("leaderboard/published")


def _titles(own: Mapping[str, OwnChallenge]) -> dict[str, str]:
    """Title by the name of every board there may be, in the order of the index."""
    return {
        **{place: challenge.title for place, challenge in known().items()},
        **{place: own[place].title for place in sorted(own)},
        OTHER: "Other data and tasks",
    }
