"""The tables of a report on the score itself: every figure, and the score among controls and published rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from abawbench.leaderboard.rows import KINDS
from abawbench.pages.charts import Scale, tick_text
from abawbench.pages.tables import Cell, Column, Value, in_form, number
from abawbench.reports.controls import Control
from abawbench.reports.drawings import SIDES, interval_mark
from abawbench.reports.peers import Peers
from abawbench.reports.subject import Subject
from abawbench.reports.tables import TableView, bounds_cell, interval_of
from abawbench.scoring.criteria import figure_name, part_of
from abawbench.scoring.ratios import Bounds

# width of a mark
MARK = 150


def _paths_of(subject: Subject) -> Iterator[tuple[str, ...]]:
    """The paths of every figure of a score, the total first."""
    yield ("score",)
    if len(subject.score.terms) > 1:
        yield from (("terms", name) for name in subject.score.terms)
    for name, value in subject.score.metrics.items():
        if isinstance(value, Mapping):
            yield from (("metrics", name, part) for part in value)
        else:
            yield ("metrics", name)


def standing(
    subjects: Sequence[Subject], found: Sequence[Sequence[Control]], others: Sequence[Peers]
) -> Iterator[TableView]:
    """The score among controls, and among published rows and records by split.

    Args:
        subjects: the predictions.
        found: controls of each prediction.
        others: rows of the same measure by split.
    """
    own = [(subject.short, subject.score.score, interval_of(subject, ("score",))) for subject in subjects]
    values = [value for _, value, _ in own] + [control.score for control in found[0]]
    values += [bound for *_, interval in own for bound in interval or ()]
    scale = _scale(values)
    columns = [Column("what"), number("score"), Column("95 % interval", True), _ends(scale)]
    for side in range(len(subjects)):
        name = f"{subjects[side].short} minus it" if len(subjects) > 1 else "difference"
        columns += [number(name, "+.4f"), Column("95 % interval", True), Column("p", True)]
    rows: list[list[Value]] = []
    for side, (name, value, interval) in enumerate(own):
        mark = Cell(interval_mark(scale, value, interval, SIDES[side]), value)
        rows.append([Cell(name, mark="best"), value, bounds_cell(interval), mark, *[Cell("", "")] * 3 * len(subjects)])
    for place, control in enumerate(found[0]):
        row: list[Value] = [
            Cell(f"control: {control.name}"),
            control.score,
            Cell("–", ""),
            Cell(interval_mark(scale, control.score, None, "quiet"), control.score),
        ]
        for each in found:
            one = each[place]
            row += [one.difference, bounds_cell(one.interval, "+"), _p_cell(one.p)]
        rows.append(row)
    yield TableView(
        "Against controls that see no face", columns, rows, "; ".join(f"{one.name}: {one.what}" for one in found[0])
    )
    for other in others:
        yield _peers(own, other)


def _peers(own: Sequence[tuple[str, float | None, Bounds]], other: Peers) -> TableView:
    rows: list[list[Value]] = []
    values = [value for _, value in other.rows] + [value for _, value, _ in own]
    scale = _scale([*values, *(bound for *_, interval in own for bound in interval or ())])
    for row, value in other.rows:
        name = ", ".join(part for part in (row.team, row.method) if part) or row.source
        interval = row.figures["score"].interval if "score" in row.figures else None
        mark = Cell(interval_mark(scale, value, interval, "quiet"), value)
        rows.append([name, row.kind, value, bounds_cell(interval), mark, Cell(row.source, mark="source")])
    for side, (name, value, interval) in enumerate(own):
        mark = Cell(interval_mark(scale, value, interval, SIDES[side]), value)
        rows.append([Cell(name, mark="best"), "this report", value, bounds_cell(interval), mark, ""])
    rows.sort(key=lambda row: -(row[2] if isinstance(row[2], float) else float("-inf")))
    more = f", the {len(other.rows)} highest of {other.total}" if other.total > len(other.rows) else ""
    kinds = "; ".join(
        f"{kind}: {text}" for kind, text in KINDS.items() if any(row.kind == kind for row, _ in other.rows)
    )
    columns = [
        Column("team, method"),
        Column("kind"),
        number("score"),
        Column("95 % interval", True),
        _ends(scale),
        Column("source"),
    ]
    caption = f"{'Records' if other.is_this_truth else 'Published and recorded'}: {other.what}{more}"
    return TableView(caption, columns, rows, kinds, is_elsewhere=not other.is_this_truth)


def _scale(values: Sequence[float | None]) -> Scale:
    known = [value for value in values if value is not None]
    low, high = min([*known, 0.0]), max([*known, 1e-9])
    return Scale(low, high, 6, MARK)


def _ends(scale: Scale) -> Column:
    """The column of the marks on a scale, with its ends as the header."""
    return Column(f"{tick_text(round(scale.low, 2))} to {tick_text(round(scale.high, 2))}")


def figures(subjects: Sequence[Subject], change: Mapping[str, Any] | None) -> TableView:
    """Every figure with its interval; for two predictions also their difference.

    Args:
        subjects: the predictions.
        change: result of `scoring.difference.difference`; None for one prediction.
    """
    paths = list(_paths_of(subjects[0]))
    own = [part_of(subjects[0].score.to_json(), path) for path in paths]
    bounds = [interval_of(subjects[0], path) for path in paths]
    scale = _scale([*own, *(bound for interval in bounds for bound in interval or ())])
    columns = [Column("figure")]
    for subject in subjects:
        columns += [number(subject.short), Column("95 % interval", True)]
    columns += [_ends(scale)] if change is None else [number("difference", "+.4f"), Column("95 % interval", True)]
    rows: list[list[Value]] = []
    for path, value, interval in zip(paths, own, bounds, strict=True):
        row: list[Value] = [figure_name(path)]
        for subject in subjects:
            row += [part_of(subject.score.to_json(), path), bounds_cell(interval_of(subject, path))]
        if change is None:
            row.append(Cell(interval_mark(scale, value, interval), value))
        else:
            part = change["figures"][".".join(path)]
            outside = part["interval"] is not None and (part["interval"][0] > 0 or part["interval"][1] < 0)
            text = "–" if part["difference"] is None else in_form(part["difference"], "+.4f")
            row += [Cell(text, part["difference"], "best" if outside else ""), bounds_cell(part["interval"], "+")]
        rows.append(row)
    note = "" if change is None else "The difference stands in bold where its interval leaves out 0."
    return TableView("Figures and 95 % intervals", columns, rows, note)


def _p_cell(p: float | None) -> Cell:
    """A probability as a cell."""
    return Cell("–", "") if p is None else Cell("< 0.001" if p < 0.001 else f"{p:.3f}", p)
