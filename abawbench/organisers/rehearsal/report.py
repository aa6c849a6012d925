"""A rehearsal as a page, and as lines: what a participant would see of each submission."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from abawbench.base.problems import inert
from abawbench.organisers.rehearsal.outcome import Outcome
from abawbench.organisers.rehearsal.run import Rehearsal
from abawbench.pages.page import render_page
from abawbench.pages.tables import Cell, Column, number

TEMPLATE = "rehearsal.html.j2"
# folder of one run, which no platform has
RUN_FOLDER = re.compile(r"[^\s\"']*/rehearsal-\w+/")
# lines and characters of standard error that a table and a list show
MOST_LINES, LONGEST_LINE = 12, 160
STATES = {
    "scored": "scored",
    "refused": "refused",
    "failed": "failed, and the team is not told why",
    "unscored": "finished without scores",
    "not run": "not run",
}
COLUMNS = (
    Column("submission"),
    Column("phase"),
    Column("profile"),
    Column("the platform says"),
    Column("outcome"),
    Column("place on the board"),
    number("score", ".6f"),
    Column("as it should be"),
)


def render_rehearsal(rehearsal: Rehearsal) -> str:
    """The rehearsal as one self-contained page, on which nothing that a submission holds is markup."""
    values: Mapping[str, Any] = {
        "rehearsal": rehearsal,
        "columns": COLUMNS,
        "rows": [_row(outcome) for outcome in rehearsal.outcomes],
        "problems": [problem for problem in rehearsal.all_problems if not problem.is_note],
        "notes": [problem for problem in rehearsal.all_problems if problem.is_note],
        "told": [(outcome, list(lines_of(outcome.errors))) for outcome in rehearsal.outcomes],
        "counts": counted(rehearsal),
    }
    return render_page("abawbench.organisers.rehearsal", TEMPLATE, values)


def counted(rehearsal: Rehearsal) -> str:
    """How many submissions were scored, refused, and so on, in words.

    A submission that is not as it should be is also counted.
    """
    counts = rehearsal.counts()
    parts = [f"{counts[state]:,} {text}" for state, text in STATES.items() if counts[state]]
    wrong = sum(not outcome.is_right for outcome in rehearsal.outcomes)
    return f"{', '.join(parts) or 'nothing was run'}; {wrong:,} not as it should be"


def table_rows(outcomes: Sequence[Outcome]) -> Iterator[list[object]]:
    """The cells of a table for the terminal, a row for each outcome; a file has its name alone where that is clear."""
    paths = {outcome.submission for outcome in outcomes}
    names = Counter(path.rpartition("/")[2] for path in paths)
    for outcome in outcomes:
        name = outcome.submission.rpartition("/")[2]
        score = next(iter(outcome.scores.values()), None) if outcome.state == "scored" else None
        yield [
            name if names[name] == 1 else outcome.submission,
            outcome.stage,
            outcome.profile,
            outcome.platform_says,
            outcome.state,
            "yes" if outcome.is_on_board else "no",
            None if score is None else f"{score:.6f}",
            "" if outcome.state == "not run" else "yes" if outcome.is_right else "NO",
        ]


def told(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, list[str], list[str]]]:
    """What teams read, with the profiles under which they do: the same text of a submission is told once."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for outcome in outcomes:
        lines = (*lines_of(outcome.errors), *(f"({inert(remark)})" for remark in outcome.remarks))
        if lines:
            found.setdefault((outcome.submission, lines), []).append(outcome.profile)
    for (name, lines), profiles in found.items():
        yield name, list(dict.fromkeys(profiles)), list(lines)


def lines_of(text: str) -> Iterator[str]:
    """The first lines of a text from outside, each inert and of bounded length."""
    lines = [RUN_FOLDER.sub("", line) for line in text.splitlines() if line.strip()]
    for line in lines[:MOST_LINES]:
        yield inert(line[:LONGEST_LINE])
    if len(lines) > MOST_LINES:
        yield f"... {len(lines) - MOST_LINES:,} more lines"


def _row(outcome: Outcome) -> list[Cell | str | float | None]:
    score = next(iter(outcome.scores.values()), None) if outcome.state == "scored" else None
    is_right = "" if outcome.state == "not run" else "yes" if outcome.is_right else "NO"
    return [
        inert(outcome.submission),
        outcome.stage,
        outcome.profile,
        outcome.platform_says,
        STATES[outcome.state],
        "yes" if outcome.is_on_board else "no",
        score,
        Cell(is_right, mark="" if outcome.is_right else "best"),
    ]
