"""LaTeX tables of scores for papers: a row for each prediction, intervals below the figures, marks explained below."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from abawbench.base.latex_text import Latex, escaped, tabular
from abawbench.challenges import Challenge
from abawbench.records import Record
from abawbench.records.quote import is_in_sample, quote
from abawbench.scoring.criteria import Path, criterion_of, figure_name, flat, part_of
from abawbench.scoring.intervals import LEVEL, quoted

# p from which a difference is marked, after Holm's correction
MARKED = 0.05
MARK = Latex(r"\textsuperscript{\dag}")
FLATTERED = Latex(r"\textsuperscript{*}")
DASH = Latex("--")


@dataclass(frozen=True, eq=False)
class PaperRow:
    """A prediction in a table.

    Attributes:
        name: name of the prediction.
        figures: figures by path; None where undefined.
        intervals: intervals by path, each the name of its kind and its bounds; None where there is none.
        clusters: number of clusters behind the intervals, and what they are, as `76 videos`.
        p: p of the difference from the best score, corrected for all that were compared; None where none was tested.
        is_in_sample: True for figures with values that were tuned on the same videos: they are never the highest.
    """

    name: str
    figures: Mapping[Path, float | None]
    intervals: Mapping[Path, tuple[str, Sequence[float]] | None]
    clusters: str
    p: float | None = None
    is_in_sample: bool = False

    @staticmethod
    def of_record(record: Record) -> PaperRow:
        """The row of a record: the figures to quote, which are the cross-fitted ones where values were tuned."""
        tree = record.model_dump(mode="json")
        paths = flat({key: tree[key] for key in ("score", "terms", "metrics")})
        found = {path: known for path in paths if (known := quote(record, path)) is not None}
        sizes = record.intervals
        return PaperRow(
            record.entry,
            {path: one.value for path, one in found.items()},
            {path: one.interval for path, one in found.items()},
            f"{sizes.clusters:,} {sizes.unit}s",
            is_in_sample=is_in_sample(record),
        )

    @staticmethod
    def of(name: str, score: Mapping[str, Any], p: float | None = None) -> PaperRow:
        """The row of the plain data of a score."""
        figures = flat({key: score[key] for key in ("score", "terms", "metrics")})
        sizes = score["intervals"]
        return PaperRow(
            name,
            figures,
            {path: quoted(part_of(sizes, path)) for path in figures},
            f"{sizes['clusters']:,} {sizes['unit']}s",
            p,
        )


def latex_tables(challenge: Challenge, rows: Sequence[PaperRow]) -> str:
    r"""Write a table of scores with intervals, and one of F1 by class or label for each task that has these.

    They need `\usepackage{booktabs}` and `\usepackage{graphicx}`.

    Args:
        challenge: the challenge.
        rows: the predictions, in the order of the table.
    """
    tables = [_table(challenge, "", _scores(challenge, rows), _caption(challenge, rows))]
    for task in challenge.tasks:
        paths = [] if task.is_real else criterion_of(task, "f1").part_paths(task)
        known = [path for path in paths if any(row.figures.get(path) is not None for row in rows)]
        if known:
            caption = f"F1 of each part of {task.name.replace('_', ' ')} on {challenge.id}; bold: the highest."
            tables.append(_table(challenge, f"-{task.name.replace('_', '-')}", _parts(rows, known), caption))
    return "% needs \\usepackage{booktabs} and \\usepackage{graphicx}\n\n" + "\n\n".join(tables) + "\n"


def figure_paths(challenge: Challenge, rows: Sequence[PaperRow]) -> list[Path]:
    """The figures that a table of scores shows: the score, and what it consists of, each only once."""
    offered: list[Path] = [("score",)]
    if len(challenge.metric.terms) > 1:
        offered += [("terms", term.task) for term in challenge.metric.terms]
    for task in challenge.tasks:
        term = challenge.metric.term(task.name)
        names = [part.criterion for part in term.parts] if term else challenge.metric.reports(task.name).criteria
        for criterion in (criterion_of(task, name) for name in names):
            whole = criterion.whole_path(task)
            offered += [whole] if whole else []
            offered += criterion.part_paths(task) if task.is_real else []
    columns: dict[tuple[float | None, ...], Path] = {}
    for path in offered:
        values = tuple(row.figures.get(path) for row in rows)
        if any(value is not None for value in values):
            columns.setdefault(values, path)
    return list(columns.values())


def _scores(challenge: Challenge, rows: Sequence[PaperRow]) -> str:
    paths = figure_paths(challenge, rows)
    best = {path: _highest(rows, path) for path in paths}
    cells: list[list[str]] = []
    for row in rows:
        mark = FLATTERED if row.is_in_sample else MARK if row.p is not None and row.p < MARKED else ""
        cells.append([row.name, *(_value(row, path, best[path], mark if path == paths[0] else "") for path in paths)])
        cells.append(["", *(_interval(row.intervals.get(path)) for path in paths)])
    return tabular(cells, ["", *map(figure_name, paths)], ["l", *["c"] * len(paths)])


def _parts(rows: Sequence[PaperRow], paths: Sequence[Path]) -> str:
    best = {path: _highest(rows, path) for path in paths}
    cells = [[row.name, *(_value(row, path, best[path], "") for path in paths)] for row in rows]
    return tabular(cells, ["", *(path[-1] for path in paths)], ["l", *["c"] * len(paths)])


def _highest(rows: Sequence[PaperRow], path: Path) -> str:
    """The highest figure as it is shown, if there is more than one to choose from; else nothing."""
    known = [value for row in rows if not row.is_in_sample and (value := row.figures.get(path)) is not None]
    return f"{max(known):z.3f}" if len(known) > 1 else ""


def _value(row: PaperRow, path: Path, best: str, mark: str) -> Latex:
    value = row.figures.get(path)
    if value is None:
        return DASH
    text = f"{value:z.3f}"
    # two figures that look the same are both the highest
    return Latex((rf"\textbf{{{text}}}" if text == best and not row.is_in_sample else text) + mark)


def _interval(interval: tuple[str, Sequence[float]] | None) -> str:
    if interval is None:
        return ""
    low, high = interval[1]
    return Latex(rf"{{\scriptsize [{low:z.3f}, {high:z.3f}]}}")


def _caption(challenge: Challenge, rows: Sequence[PaperRow]) -> str:
    paths = figure_paths(challenge, rows)
    kinds = sorted({kind[0] for row in rows for path in paths if (kind := row.intervals.get(path)) is not None})
    clusters = " and ".join(dict.fromkeys(row.clusters for row in rows))
    sentences = [f"{challenge.title}, {challenge.id}: {challenge.metric.formula}."]
    if kinds:
        sentences.append(f"Below each figure its {LEVEL:.0%} interval ({' and '.join(kinds)}) over {clusters}.")
    if len(rows) > 1:
        sentences.append("Bold: the highest of its column.")
    tested = sum(row.p is not None for row in rows)
    if tested:
        sentences.append(
            f"{MARK} marks scores below the highest (p < {MARKED:g}, permutation of whole clusters between the two, "
            f"Holm's correction for {tested} comparison{'s' * (tested > 1)})."
        )
    if any(row.is_in_sample for row in rows):
        sentences.append(f"{FLATTERED} marks figures with values that were tuned on the same videos, which flatter.")
    return " ".join(sentences)


def _table(challenge: Challenge, suffix: str, body: str, caption: str) -> str:
    parts = re.split(f"({re.escape(MARK)}|{re.escape(FLATTERED)})", caption)
    text = "".join(part if part in {MARK, FLATTERED} else escaped(part) for part in parts)
    return "\n".join(
        [
            r"\begin{table}[t]",
            rf"\caption{{{text}}}",
            rf"\label{{tab:{challenge.id}{suffix}}}",
            r"\centering\small",
            r"\setlength{\tabcolsep}{4pt}",
            # a table that is too wide for its column is shrunk, others stay as they are
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            body + "}",
            r"\end{table}",
        ]
    )
