"""Building all tables of a leaderboard from facts and records, and comparing them with those on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from tabulate import tabulate

from abawbench import records
from abawbench.base.files import read_input
from abawbench.base.installed import shipped_folder
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.leaderboard.own import OwnChallenge
from abawbench.leaderboard.published import OTHER, read_folders
from abawbench.leaderboard.rows import KINDS, Kind, Row, from_fact, from_record, sections
from abawbench.leaderboard.tables import comma_separated, latex, markdown, marked_down

BEGIN = "<!-- leaderboard: begin, written by `abawbench leaderboard build` -->"
END = "<!-- leaderboard: end -->"
HIGHEST = ("highest test score, organiser", "highest validation score, reproduced")
# rule of a record of another definition
OUTDATED = "R02"
FIX = "run `abawbench leaderboard build` and commit what it writes"


def build(root: Path, published: Sequence[Path] = ()) -> dict[Path, str]:
    """Build the text of every table, by path.

    Args:
        root: folder with `published/` and `records/`; without either, the facts that come with abawbench are taken.
        published: further folders of published facts, each with a CSV file for each challenge.

    Returns:
        A page, a CSV and a LaTeX file for each challenge with a row, and for `other`; and the index README.md, whose
        text outside the markers stays.

        A record of an earlier definition of its challenge is left out; see `outdated`.

    Raises:
        ProblemError: L02 a published fact, R01 a record, L01 an index whose markers are gone.
    """
    rows, own = _collect(root, published)
    titles = _titles(own)
    texts: dict[Path, str] = {}
    for place, found in rows.items():
        title = titles[place] if place == OTHER else f"{place}: {titles[place]}"
        texts[root / f"{place}.md"] = markdown(title, CHALLENGES.get(place), found, own.get(place))
        texts[root / f"{place}.csv"] = comma_separated(found)
        texts[root / f"{place}.tex"] = latex(title, found)
    texts[root / "README.md"] = _index(root / "README.md", rows, titles)
    return texts


def check(root: Path, published: Sequence[Path] = ()) -> tuple[Problem, ...]:
    """Find what is wrong with the tables on disk and the records.

    Returns:
        L01 for each table that is stale, missing or not written by `build`; R02 for each record of an earlier
        definition of its challenge, which is on no table.

    Raises:
        ProblemError: as `build`.
    """
    wanted = build(root, published)
    problems = list(outdated(root))
    for path, text in wanted.items():
        if not path.is_file():
            problems.append(Problem("L01", "no such file", "a table", FIX, str(path)))
            continue
        present = read_input(path).decode("utf-8", "replace")
        if present != text:
            line, found, expected = _first_difference(present, text)
            problems.append(Problem("L01", found, expected, FIX, str(path), line))
    surplus = {path for ending in ("md", "csv", "tex") for path in root.glob(f"*.{ending}")} - set(wanted)
    problems += [
        Problem("L01", "a table without rows", "no such file", "delete it", str(path)) for path in sorted(surplus)
    ]
    return tuple(problems)


def _collect(root: Path, published: Sequence[Path]) -> tuple[dict[str, list[Row]], Mapping[str, OwnChallenge]]:
    """The rows of facts and records by challenge, and the challenges that the catalogue does not have.

    Challenges are in the order of editions, those of no catalogue behind them by name, `other` last.

    Raises:
        ProblemError: L02, R01.
    """
    problems = records.check_tree(root / "records")
    left_out = {problem.file for problem in problems if problem.rule == OUTDATED}
    wrong = [problem for problem in problems if problem.rule != OUTDATED]
    if wrong:
        raise ProblemError(*wrong)
    folders = {folder.resolve(): folder for folder in (facts_folder(root), *published)}
    facts = read_folders(list(folders.values()))
    rows: dict[str, list[Row]] = {place: [] for place in _titles(facts.own)}
    for place, found in facts.facts.items():
        rows[place] += [from_fact(fact, CHALLENGES.get(place), facts.own.get(place)) for fact in found]
    for path in sorted((root / "records").rglob("*.json")):
        if str(path) in left_out:
            continue
        record = records.read(path)
        rows[record.challenge].append(from_record(record, CHALLENGES[record.challenge]))
    return {place: found for place, found in rows.items() if found}, facts.own


def _titles(own: Mapping[str, OwnChallenge]) -> dict[str, str]:
    """Title by the name of every table there may be, in the order of the index."""
    return {
        **{place: challenge.title for place, challenge in CHALLENGES.items()},
        **{place: own[place].title for place in sorted(own)},
        OTHER: "Other data and tasks",
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


def _index(path: Path, rows: Mapping[str, list[Row]], titles: Mapping[str, str]) -> str:
    text = read_input(path).decode("utf-8", "replace") if path.is_file() else f"# Leaderboards\n\n{BEGIN}\n{END}\n"
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ProblemError(
            Problem("L01", "no place for the index", f"the lines {BEGIN} and {END}", "put both lines back", str(path))
        )
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{_table(rows, titles)}\n\n{END}{after}"


def _table(rows: Mapping[str, list[Row]], titles: Mapping[str, str]) -> str:
    lines: list[list[str]] = []
    for place, found in rows.items():
        counts = [sum(row.kind == kind for row in found) for kind in KINDS]
        lines.append(
            [
                f"[{place}]({place}.md)",
                marked_down(titles[place]),
                *(str(count or "") for count in counts),
                _highest(found, "organiser", "test"),
                _highest(found, "reproduced", "validation"),
                f"[csv]({place}.csv) [tex]({place}.tex)",
            ]
        )
    headers = ["challenge", "", *KINDS, *HIGHEST, "data"]
    align = ["left", "left", *("right" for _ in KINDS), "left", "left", "left"]
    return tabulate(lines, headers, tablefmt="pipe", disable_numparse=True, colalign=align)


def _highest(rows: list[Row], kind: Kind, split: str) -> str:
    """The first printed score of this kind on this split, under the challenge's own measure."""
    wanted = [row for row in rows if (row.kind, row.split, row.group) == (kind, split, "")]
    for section in sections(wanted):
        for row in section.rows:
            if "score" in row.figures:
                return row.figures["score"].shown
    return ""


def _first_difference(present: str, wanted: str) -> tuple[int, str, str]:
    pairs = zip_longest(present.split("\n"), wanted.split("\n"))
    for line, (found, expected) in enumerate(pairs, start=1):
        if found != expected:
            characters = enumerate(zip_longest(found or "", expected or ""))
            same = next(place for place, (one, other) in characters if one != other) if found and expected else 0
            return line, _excerpt(found, same), _excerpt(expected, same)
    raise AssertionError("texts are equal")


def _excerpt(line: str | None, place: int) -> str:
    """The characters of a line around a place."""
    if line is None:
        return "the end of the file"
    begin, end = max(0, place - 30), place + 30
    return f"'{'...' if begin else ''}{line[begin:end]}{'...' if end < len(line) else ''}'"
