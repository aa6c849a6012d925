"""The board as files: JSON, CSV, Markdown, a page for browsers, and LaTeX that compiles by itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from tabulate import tabulate

from abawbench.base.latex_text import Latex, escaped, tabular
from abawbench.base.markdown_text import marked_down
from abawbench.base.number_text import format_figure, format_interval
from abawbench.base.problems import inert
from abawbench.organisers.mail.account import said
from abawbench.organisers.mail.board import Board, Standing, TrialRow
from abawbench.organisers.mail.room import as_json
from abawbench.pages.page import render_page
from abawbench.pages.tables import Column, Value, number
from abawbench.scoring.criteria import figure_name

PACKAGE = "abawbench.organisers.mail"
# what spreadsheets take for a formula
ACTIVE = ("=", "+", "-", "@", "\t", "\r")
# rows of a table that fit a page of paper
ROWS_OF_A_PAGE = 38
LONGEST = 60


def board_files(board: Board) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a board; equal boards give equal bytes."""
    yield "board.json", as_json(board.to_json())
    yield "board.csv", csv_text(_HEADERS, [_cells(one) for one in board.standings]).encode()
    yield "trials.csv", csv_text(_TRIAL_HEADERS, [_trial_cells(one) for one in board.trials]).encode()
    yield "board.md", _markdown(board).encode()
    yield "board.html", _page(board).encode()
    yield "board.tex", latex_board(board).encode()


_RANKS = ("rank", "best_rank", "worst_rank")
_HEADERS = (*_RANKS, "team", "value", "low", "high", "scored", "sent", "trial", "date", "sha256")
_TRIAL_HEADERS = ("team", "trial", "date", "state", "rules", "value", "low", "high", "sha256")


def _cells(one: Standing) -> list[str | float | int | None]:
    low, high = one.interval or (None, None)
    ranks = [one.rank, *one.range]
    return [*ranks, one.team, one.value, low, high, one.scored, one.sent, one.trial, one.when, one.sha256]


def _trial_cells(one: TrialRow) -> list[str | float | int | None]:
    low, high = one.interval or (None, None)
    return [one.team, one.trial, one.when, one.state, " ".join(one.rules), one.value, low, high, one.sha256]


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula, in one inert line.

    >>> guarded("=1+1"), guarded("Team -1")
    ("'=1+1", 'Team -1')
    """
    plain = inert(text)
    return f"'{plain}" if text.startswith(ACTIVE) or plain.lstrip().startswith(ACTIVE) else plain


def csv_text(headers: Sequence[str], rows: Sequence[Sequence[str | float | int | None]]) -> str:
    """Rows as CSV, whose texts no spreadsheet takes for formulas."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(headers)
    # None becomes an empty cell
    writer.writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return stream.getvalue()


def _reach(one: Standing) -> str:
    best, worst = one.range
    return str(best) if best == worst else f"{best}–{worst}"


def remarks_on(board: Board) -> list[str]:
    """How the board is to be read."""
    last = "last" if board.terms.counts == "last" else "best"
    texts = [
        f"Each team stands with its {last} trial of at most {board.terms.total}. Equal figures share a rank.",
        f"Intervals hold 95 % and are over {board.clusters:,} videos; the range has every rank that differences of "
        "the teams over these videos leave open, all ranges together with 95 %.",
    ]
    if board.without:
        texts.append(f"Without a scored trial: {', '.join(map(_short, board.without))}.")
    return texts


def _markdown(board: Board) -> str:
    rows = [
        [
            str(one.rank),
            _reach(one),
            marked_down(one.team),
            format_figure(one.value),
            format_interval(one.interval),
            f"{one.scored} of {one.sent}",
            one.when,
        ]
        for one in board.standings
    ]
    headers = ["rank", "range", "team", figure_name(board.figure), "95 % interval", "scored", "sent on"]
    align = ("right", "right", "left", "right", "left", "left", "left")
    trials = [
        [
            marked_down(one.team),
            marked_down(_short(one.trial)),
            one.when,
            f"{one.state} {' '.join(one.rules)}".strip(),
            format_figure(one.value),
            format_interval(one.interval),
        ]
        for one in board.trials
    ]
    parts = [
        f"# {marked_down(board.terms.title)}",
        f"{board.challenge.id}{', ' + marked_down(board.terms.phase) if board.terms.phase else ''}",
        *(
            [tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=align)]
            if rows
            else ["No team yet."]
        ),
        *map(marked_down, remarks_on(board)),
    ]
    if trials:
        names = ["team", "trial", "sent on", "outcome", figure_name(board.figure), "95 % interval"]
        parts += ["## All trials", tabulate(trials, names, tablefmt="pipe", disable_numparse=True)]
    return "\n\n".join(parts) + "\n"


def _page(board: Board) -> str:
    parts = list(dict.fromkeys(name for one in board.standings for name in one.parts))
    columns = [
        number("rank"),
        Column("range"),
        Column("team"),
        number(figure_name(board.figure)),
        Column("95 % interval"),
        *(number(name.replace("_", " ")) for name in parts),
        Column("scored"),
        Column("sent on"),
    ]
    rows: list[list[Value]] = [
        [
            one.rank,
            _reach(one),
            inert(one.team),
            one.value,
            format_interval(one.interval),
            *(one.parts.get(name) for name in parts),
            f"{one.scored} of {one.sent}",
            one.when,
        ]
        for one in board.standings
    ]
    trial_columns = [
        Column("team"),
        Column("trial"),
        Column("sent on"),
        Column("outcome"),
        number(figure_name(board.figure)),
        Column("95 % interval"),
    ]
    trials: list[list[Value]] = [
        [
            inert(one.team),
            inert(one.trial),
            one.when,
            f"{one.state} {' '.join(one.rules)}".strip(),
            one.value,
            format_interval(one.interval),
        ]
        for one in board.trials
    ]
    values = {
        "title": inert(board.terms.title),
        "challenge": board.challenge.id,
        "fingerprint": board.challenge.fingerprint,
        "phase": inert(board.terms.phase),
        "organisers": inert(board.terms.organisers),
        "newest": None if board.newest is None else said(board.newest),
        "teams": len(board.standings),
        "columns": columns,
        "rows": rows,
        "trial_columns": trial_columns,
        "trials": trials,
        "remarks": [inert(text) for text in remarks_on(board)],
    }
    return render_page(PACKAGE, "board.html.j2", values)


def latex_board(board: Board) -> str:
    """The board as a LaTeX document of its own, with as many pages as it needs."""
    rows = [
        [
            str(one.rank),
            _reach(one),
            escaped(_short(one.team)),
            f"{one.value:z.4f}",
            "" if one.interval is None else Latex(f"[{one.interval[0]:z.4f}, {one.interval[1]:z.4f}]"),
            f"{one.scored}/{one.sent}",
        ]
        for one in board.standings
    ]
    headers = ["rank", "range", "team", figure_name(board.figure), "95 % interval", "trials"]
    align = ["r", "c", "p{6.2cm}", "r", "c", "c"]
    tables = [tabular(part, headers, align) for part in _pages(rows)] or ["No team yet."]
    phase = f", {escaped(board.terms.phase)}" if board.terms.phase else ""
    newest = "" if board.newest is None else f" Trials until {escaped(said(board.newest))}."
    body = "\n\n\\clearpage\n".join(f"\\noindent\n{table}" for table in tables)
    return "\n".join(
        [
            *PREAMBLE,
            r"\begin{document}",
            rf"\noindent{{\Large\bfseries {escaped(_short(board.terms.title))}}}\\[4pt]",
            rf"{escaped(board.challenge.id)}{phase}. {escaped(_short(board.terms.organisers))}\par\bigskip",
            body,
            r"\par\bigskip",
            rf"\noindent {escaped(' '.join(remarks_on(board)))}{newest}",
            r"\end{document}",
            "",
        ]
    )


def _pages(rows: Sequence[Sequence[str]]) -> Iterator[Sequence[Sequence[str]]]:
    """Rows by page of paper."""
    for begin in range(0, len(rows), ROWS_OF_A_PAGE):
        yield rows[begin : begin + ROWS_OF_A_PAGE]


PREAMBLE = (
    r"\documentclass[10pt,a4paper]{article}",
    r"\usepackage[utf8]{inputenc}",
    r"\usepackage[margin=2cm]{geometry}",
    r"\usepackage{booktabs}",
    r"\pagestyle{plain}",
)


def _short(text: str) -> str:
    plain = inert(text)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."
