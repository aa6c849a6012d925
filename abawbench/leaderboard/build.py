"""Building all tables of a leaderboard from facts and records, and comparing them with those on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from tabulate import tabulate

from abawbench.base.files import read_input
from abawbench.base.markdown_text import marked_down
from abawbench.base.problems import Problem, ProblemError
from abawbench.leaderboard.collect import Subject, collect, outdated
from abawbench.leaderboard.evidence import unfit_pages
from abawbench.leaderboard.published import OTHER
from abawbench.leaderboard.rows import KINDS, Kind, Row, sections
from abawbench.leaderboard.tables import comma_separated, latex, markdown

BEGIN = "<!-- leaderboard: begin, written by `abawbench leaderboard build` -->"
END = "<!-- leaderboard: end -->"
# the same for the README above the folder, which need not have them
ABOVE_BEGIN = "<!-- boards: begin, written by `abawbench leaderboard build` -->"
ABOVE_END = "<!-- boards: end -->"
# kind and split of the highest scores that an index shows, with the heading
HIGHEST: Mapping[tuple[Kind, str], str] = {
    ("organiser", "test"): "highest test score, organiser",
    ("reproduced", "validation"): "highest validation score, reproduced",
}
FIX = "run `abawbench leaderboard build` and commit what it writes"


def build(root: Path, published: Sequence[Path] = ()) -> dict[Path, str]:
    """Build the text of every table, by path.

    Args:
        root: folder with `published/` and `records/`; without either, the facts that come with abawbench are taken.
        published: further folders of published facts, each with a CSV file for each challenge.

    Returns:
        A page, a CSV and a LaTeX file for each challenge with a row, and for `other`; the index README.md, and the
        README.md of the folder above where it has the markers. Their text outside the markers stays.

        A record of an earlier definition of its challenge is left out; see `outdated`.

    Raises:
        ProblemError: L02 a published fact, R01 a record, L01 an index whose markers are gone.
    """
    subjects = collect(root, published)
    texts: dict[Path, str] = {}
    for place, one in subjects.items():
        title = one.title if place == OTHER else f"{place}: {one.title}"
        texts[root / f"{place}.md"] = markdown(title, one.challenge, one.rows, one.own)
        texts[root / f"{place}.csv"] = comma_separated(one.rows)
        texts[root / f"{place}.tex"] = latex(title, one.rows)
    texts[root / "README.md"] = _index(root / "README.md", subjects)
    above = root.parent / "README.md"
    if above.is_file() and ABOVE_BEGIN in (text := read_input(above).decode("utf-8", "replace")):
        texts[above] = _between(above, text, ABOVE_BEGIN, ABOVE_END, _newest(root.name, subjects))
    return texts


def check(root: Path, published: Sequence[Path] = ()) -> tuple[Problem, ...]:
    """Find what is wrong with the tables on disk and the records.

    Returns:
        L01 for each table that is stale, missing or not written by `build`; R02 for each record of an earlier
        definition of its challenge, which is on no table; L03 for each report and each second run of no record.

    Raises:
        ProblemError: as `build`.
    """
    wanted = build(root, published)
    problems = [*outdated(root), *unfit_pages(root)]
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


def _index(path: Path, subjects: Mapping[str, Subject]) -> str:
    text = read_input(path).decode("utf-8", "replace") if path.is_file() else f"# Leaderboards\n\n{BEGIN}\n{END}\n"
    return _between(path, text, BEGIN, END, _table(subjects))


def _between(path: Path, text: str, begin: str, end: str, inside: str) -> str:
    """A text with something else between two lines. Raises: ProblemError L01, the lines are not there, each once."""
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise ProblemError(
            Problem("L01", "no place for the index", f"the lines {begin} and {end}", "put both lines back", str(path))
        )
    before, after = text.partition(begin)[0], text.partition(end)[2]
    return f"{before}{begin}\n\n{inside}\n\n{end}{after}"


def _newest(folder: str, subjects: Mapping[str, Subject]) -> str:
    """The newest board of each track of the editions, in a short table."""
    newest = {
        place.partition("-")[2]: (place, one)
        for place, one in subjects.items()
        if one.challenge is not None and one.challenge.edition
    }
    lines = [
        [
            f"[{place}]({folder}/{place}.md)",
            marked_down(one.title),
            *(_highest(one.rows, *wanted) for wanted in HIGHEST),
        ]
        for place, one in newest.values()
    ]
    return tabulate(lines, ["newest board", "", *HIGHEST.values()], tablefmt="pipe", disable_numparse=True)


def _table(subjects: Mapping[str, Subject]) -> str:
    lines: list[list[str]] = []
    for place, one in subjects.items():
        counts = [sum(row.kind == kind for row in one.rows) for kind in KINDS]
        lines.append(
            [
                f"[{place}]({place}.md)",
                marked_down(one.title),
                *(str(count or "") for count in counts),
                *(_highest(one.rows, *wanted) for wanted in HIGHEST),
                f"[csv]({place}.csv) [tex]({place}.tex)",
            ]
        )
    headers = ["challenge", "", *KINDS, *HIGHEST.values(), "data"]
    align = ["left", "left", *("right" for _ in KINDS), "left", "left", "left"]
    return tabulate(lines, headers, tablefmt="pipe", disable_numparse=True, colalign=align)


def _highest(rows: Sequence[Row], kind: Kind, split: str) -> str:
    """The highest printed score of this kind on this split, under the challenge's own measure; empty for none."""
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
