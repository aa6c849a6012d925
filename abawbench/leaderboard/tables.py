"""Rows as Markdown, CSV and LaTeX: the same bytes for the same rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence

from tabulate import tabulate

from abawbench.base.latex_text import tabular
from abawbench.base.markdown_text import marked_down
from abawbench.base.problems import inert
from abawbench.challenges import Challenge
from abawbench.leaderboard.columns import COLUMNS
from abawbench.leaderboard.own import OwnChallenge
from abawbench.leaderboard.rows import KINDS, RECORDS, Row, Section, sections

GENERATED = "written by `abawbench leaderboard build` from published/ and records/; do not edit"
SPLIT_TITLES = {"test": "Test", "validation": "Validation", "train": "Training", "": "Split not said"}
NUMERIC = {"rank", *(column.title for column in COLUMNS.values())}
RECORD_PATH = re.compile(rf"{RECORDS}[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*\.json")
# first characters of formulas, in full width too
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# a paper's page is narrow: text columns wrap
LATEX_COLUMNS = {"team": r"p{0.16\linewidth}", "method": r"p{0.30\linewidth}"}


class _Numbers:
    """Numbers of texts that many rows share, in order of first use: s1, s2 for sources, n1, n2 for notes."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.texts: list[str] = []

    def of(self, text: str) -> str:
        """The number of a text; empty for an empty text."""
        if not text:
            return ""
        if text not in self.texts:
            self.texts.append(text)
        return f"{self.letter}{self.texts.index(text) + 1}"

    @property
    def listed(self) -> list[list[str]]:
        """Every number with its text."""
        return [[self.of(text), text] for text in self.texts]


def markdown(title: str, challenge: Challenge | None, rows: Sequence[Row], own: OwnChallenge | None = None) -> str:
    """Write a page: a table for each split and measure, and numbered sources and notes below.

    Args:
        title: heading of the page.
        challenge: the challenge of the rows; None for rows of no challenge of the catalogue.
        rows: the rows, in any order.
        own: description of a challenge that the catalogue does not have.
    """
    sources, notes = _Numbers("s"), _Numbers("n")
    parts = [f"<!-- {GENERATED} -->", f"# {marked_down(title)}"]
    if challenge is not None:
        parts.append(
            f"{_dated(challenge)}. Data: {marked_down(challenge.dataset)}. "
            f"Score: {marked_down(challenge.metric.formula)} (`{challenge.metric.id}`)."
        )
    if own is not None:
        venue = f"{marked_down(own.venue)}. " if own.venue else ""
        formula = f": {marked_down(own.formula)}" if own.formula else ""
        parts.append(f"{venue}Data: {marked_down(own.dataset)}. Score: {marked_down(own.measure)}{formula}.")
    kinds = {row.kind for row in rows}
    meanings = "; ".join(f"**{kind}**: {meaning}" for kind, meaning in KINDS.items() if kind in kinds)
    parts.append(
        f"{meanings}.\nFigures stand on the measure's own scale, never in percent; a cell without one is empty. "
        "A note may set a row apart: another fold, or another part of the test set."
    )
    for section in sections(rows):
        headers, cells = _grid(section, marked_down, sources, notes)
        align = ["right" if header in NUMERIC else "left" for header in headers]
        parts += [
            f"## {marked_down(heading_of(section))}",
            order_of(section, "**"),
            tabulate(cells, headers, tablefmt="pipe", disable_numparse=True, colalign=align),
        ]
    for heading, numbers in (("Sources", sources), ("Notes", notes)):
        if numbers.texts:
            lines = "\n".join(f"- {number}: {_linked(text)}" for number, text in numbers.listed)
            parts.append(f"## {heading}\n\n{lines}")
    return "\n\n".join(parts) + "\n"


def _dated(challenge: Challenge) -> str:
    """Edition and venue, or for a protocol outside the editions the venue of its data."""
    if challenge.edition:
        return f"Edition {challenge.edition}, {marked_down(challenge.venue)}"
    return f"A protocol outside the ABAW challenges, data of {marked_down(challenge.venue)}"


def latex(title: str, rows: Sequence[Row]) -> str:
    """Write a `tabular` for each split and measure, and one with the sources; LaTeX needs the package booktabs."""
    sources = _Numbers("s")
    parts = [
        f"% {inert(title)}: {GENERATED}",
        "% needs \\usepackage{booktabs}; put each tabular into a float; notes stand in the other two formats",
    ]
    for section in sections(rows):
        headers, cells = _grid(section, inert, sources)
        align = [LATEX_COLUMNS.get(header, "r" if header in NUMERIC else "l") for header in headers]
        parts.append(f"% {inert(heading_of(section))}. {order_of(section, '')}\n{tabular(cells, headers, align)}")
    listed = [[number, inert(source)] for number, source in sources.listed]
    parts.append("% Sources\n" + tabular(listed, ["", "source"], ["l", r"p{0.85\linewidth}"]))
    return "\n\n".join(parts) + "\n"


def comma_separated(rows: Sequence[Row]) -> str:
    """Write every row as CSV: figures as in their source, and the bounds of intervals in columns of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    figures = [name for column in COLUMNS for name in (column, f"{column}_low", f"{column}_high")]
    writer.writerow(
        ["kind", "split", "dataset", "group", "metric", "rank", "team", "method", *figures, "note", "source"]
    )
    for section in sections(rows):
        for row in section.rows:
            numbers: list[str] = []
            for column in COLUMNS:
                figure = row.figures.get(column)
                interval = None if figure is None else figure.interval
                numbers.append("" if figure is None else figure.text)
                numbers += ["", ""] if interval is None else [repr(bound) for bound in interval]
            text = [row.kind, row.split, row.dataset, row.group, row.metric, row.rank, row.team, row.method]
            words = [_no_formula(inert(word)) for word in (*text, row.note, row.source)]
            writer.writerow([*words[: len(text)], *numbers, *words[len(text) :]])
    return out.getvalue()


def _no_formula(text: str) -> str:
    """A text that a spreadsheet shows and does not work out: one that begins like a formula gets an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _grid(
    section: Section, escape: Callable[[str], str], sources: _Numbers, notes: _Numbers | None = None
) -> tuple[list[str], list[list[str]]]:
    """Headers and cells of a section, without empty columns.

    Args:
        section: the rows.
        escape: function that makes published text safe for the format.
        sources: numbers of the sources.
        notes: numbers of the notes; None for a table without them.
    """
    columns = columns_of(section)
    headers = [*(COLUMNS[column].title for column in columns), "kind", "rank", "team", "method", "source", "note"]
    cells = [
        [
            *(row.figures[column].shown if column in row.figures else "" for column in columns),
            row.kind,
            row.rank,
            escape(row.team),
            escape(row.method),
            sources.of(row.source),
            "" if notes is None else notes.of(row.note),
        ]
        for row in section.rows
    ]
    kept = [place for place in range(len(headers)) if any(row[place] for row in cells)]
    return [headers[place] for place in kept], [[row[place] for place in kept] for row in cells]


def columns_of(section: Section) -> list[str]:
    """Columns of figures, without parts that only repeat the score."""

    def says_more(column: str) -> bool:
        return any(
            column in row.figures
            and ("score" not in row.figures or row.figures[column].value != row.figures["score"].value)
            for row in section.rows
        )

    return [column for column in COLUMNS if column == section.ordered_by or says_more(column)]


def heading_of(section: Section) -> str:
    """Heading of a section: its split, and what sets its rows apart."""
    return SPLIT_TITLES[section.split] + (f", {section.group}" if section.group else "")


def order_of(section: Section, mark: str) -> str:
    """What the rows of a section stand by, in a sentence; `mark` stands around the column's title."""
    if section.ordered_by is None:
        return "No source gives a figure; rows stand by rank."
    if not any(section.ordered_by in row.figures for row in section.rows):
        return "No source prints a score; rows stand by what their parts come to under the challenge's measure."
    text = f"Rows stand by {mark}{COLUMNS[section.ordered_by].title}{mark}, highest first"
    if section.has_derived:
        text += "; where a source prints the parts alone, what they come to decides the place and the cell stays empty"
    return f"{text}."


def _linked(text: str) -> str:
    """A source as Markdown; a record's path becomes a link."""
    path, comma, rest = text.partition(", ")
    if RECORD_PATH.fullmatch(path):
        return f"[{path}]({path}){comma}{marked_down(rest)}"
    return marked_down(text)
