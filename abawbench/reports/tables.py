"""The tables of a report on classes, units, rows and gains; those of the score itself are in `score_tables`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from abawbench.challenges import Challenge
from abawbench.entries.coverage import coverage_scores
from abawbench.pages.tables import Cell, Column, Value, in_form, number
from abawbench.reports.confusions import Matrix
from abawbench.reports.masking import Masking
from abawbench.reports.subject import Subject
from abawbench.reports.timelines import UnitFigures
from abawbench.scoring.breakdowns import by_class, concordance_parts, explain
from abawbench.scoring.calibration import Reliability
from abawbench.scoring.criteria import figure_name, part_of
from abawbench.scoring.intervals import quoted
from abawbench.scoring.ratios import Bounds
from abawbench.tuning.gains.gain import Gain

# units of a table at most
SHOWN_UNITS = 200


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as the template takes it.

    Attributes:
        caption: caption of the table.
        columns: its columns.
        rows: rows of cells.
        note: remark under the caption.
        is_elsewhere: True where rows were measured on other data than the report.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    note: str = ""
    is_elsewhere: bool = False


def interval_of(subject: Subject, path: Sequence[str]) -> Bounds:
    """The interval to quote of a figure of a score."""
    kinds = part_of(subject.score.intervals, path)
    best = None if kinds is None else quoted(kinds)
    return None if best is None else (best[1][0], best[1][1])


def bounds_cell(interval: Bounds, sign: str = "") -> Cell:
    """An interval as a cell, sorted by its lower bound."""
    if interval is None:
        return Cell("–", "")
    low, high = (in_form(bound, f"{sign}.4f") for bound in interval)
    return Cell(f"{low} to {high}", interval[0])


def classes(challenge: Challenge, subjects: Sequence[Subject]) -> Iterator[TableView]:
    """Precision, recall and F1 of every class and label."""
    found = [by_class(challenge, subject.score) for subject in subjects]
    several = len(subjects) > 1
    for task in challenge.tasks:
        if task.name not in found[0]:
            continue
        columns = [Column("class" if not task.is_vector else "label"), number("truth", ",")]
        for subject in subjects:
            of = f", {subject.short}" if several else ""
            columns += [
                number(f"{name}{of}", form)
                for name, form in (("predicted", ","), ("precision", ".4f"), ("recall", ".4f"), ("F1", ".4f"))
            ]
        rows = [
            [name, found[0][task.name][name]["truth"]]
            + [own[task.name][name][key] for own in found for key in ("predicted", "precision", "recall", "f1")]
            for name in found[0][task.name]
        ]
        yield TableView(f"By {'label' if task.is_vector else 'class'}: {task.name.replace('_', ' ')}", columns, rows)


def parts(challenge: Challenge, subjects: Sequence[Subject]) -> TableView | None:
    """Correlation, scale and offset of every real-valued column; None for a challenge without any."""
    rows: list[list[Value]] = []
    for subject in subjects:
        for column, found in concordance_parts(challenge, subject.score).items():
            rows.append([column, *([subject.short] if len(subjects) > 1 else []), *found.values()])
    if not rows:
        return None
    columns = [
        Column("column"),
        *([Column("prediction")] if len(subjects) > 1 else []),
        number("correlation"),
        number("scale", help="standard deviation of the prediction divided by that of the truth"),
        number("offset", "+.4f", "mean of the prediction minus that of the truth"),
        number("accuracy", help="what scale and offset leave of the correlation"),
    ]
    note = "CCC is correlation times accuracy; scale 1 and offset 0 make accuracy 1."
    return TableView("Correlation, scale and offset", columns, rows, note)


def units(
    challenge: Challenge, found: Sequence[UnitFigures], main: Sequence[str], change: Mapping[str, Any] | None, unit: str
) -> Iterator[TableView]:
    """The figures of every unit alone, and what each costs; for two predictions also the largest effects."""
    names = [path for path in (found[0].figures if found else ()) if path[0] == "metrics" and len(path) == 2]
    columns = [Column("unit"), *(number(f"rows {task.name.replace('_', ' ')}", ",") for task in challenge.tasks)]
    columns += [
        number("cost", "+.4f", "the score without the unit minus the score"),
        *(number(figure_name(path)) for path in names),
    ]
    rows = [
        [one.unit, *one.rows.values(), one.cost, *(one.figures[path] for path in names)] for one in found[:SHOWN_UNITS]
    ]
    note = (
        f"Cost: {figure_name(main)} without the unit minus {figure_name(main)} with it. Other figures are of the unit "
        "alone; the official score pools all rows."
    )
    if len(found) > SHOWN_UNITS:
        note += f" The {SHOWN_UNITS} of {len(found):,} units that cost most."
    yield TableView("By unit" if change is None else "By unit, A", columns, rows, note)
    if change is not None:
        effects = [[row["video"], row["effect"]] for row in change["videos"]]
        text = "Half of the change of the difference where the two predictions are swapped in it."
        yield TableView(
            f"The {unit}s with the largest effect on the difference",
            [Column(unit), number("effect", "+.4f")],
            effects,
            text,
        )


def labels(found: Sequence[Matrix], prefix: str, linked: AbstractSet[str]) -> Iterator[TableView]:
    """Counts of every label's confusions; counts of errors lead to their frames.

    Args:
        found: matrices of one prediction.
        prefix: beginning of the ids of its cells.
        linked: ids of the cells whose frames are on the page.
    """
    for task in dict.fromkeys(matrix.task for matrix in found if matrix.label):
        rows = [
            [matrix.label, *(_count(matrix, key, prefix, linked) for key in ((0, 0), (0, 1), (1, 0), (1, 1)))]
            for matrix in found
            if matrix.task == task and matrix.label
        ]
        columns = [
            Column("label"),
            *(Column(name, True) for name in ("both absent", "predicted alone", "truth alone", "both present")),
        ]
        yield TableView(
            f"Confusions: {task.replace('_', ' ')}", columns, rows, "A number leads to the frames behind it."
        )


def cell_id(matrix: Matrix, key: tuple[int, int], prefix: str) -> str:
    """The id of the frames of a cell on the page."""
    return "-".join((prefix, matrix.task, *([matrix.label] if matrix.label else []), *map(str, key))).replace(" ", "_")


def _count(matrix: Matrix, key: tuple[int, int], prefix: str, linked: AbstractSet[str]) -> Cell:
    from markupsafe import Markup

    cell = matrix.cells.get(key)
    if cell is None:
        return Cell("0", 0)
    place, text = cell_id(matrix, key, prefix), f"{cell.rows:,}"
    return Cell(Markup('<a href="#{}">{}</a>').format(place, text) if place in linked else text, cell.rows)


def lineage(challenge: Challenge, subject: Subject) -> TableView:
    """Every row of the truth in one bucket."""
    found = explain(challenge, subject.paired)
    tasks = found["tasks"]
    rows = [
        [bucket, meaning, *(tasks[task][bucket] for task in tasks)]
        for bucket, meaning in (*found["buckets"].items(), ("sum", "rows of the truth"))
    ]
    columns = [Column("bucket"), Column("meaning"), *(number(task.replace("_", " "), ",") for task in tasks)]
    surplus = found["surplus"]
    return TableView(
        "Every row of the truth in one bucket",
        columns,
        rows,
        f"Predicted rows without a row of the truth: {surplus:,}.",
    )


def coverage(challenge: Challenge, subjects: Sequence[Subject]) -> Iterator[TableView]:
    """What of each task is annotated, and what an entry does not answer."""
    paired, total = subjects[0].paired, len(subjects[0].paired.truth)
    rows = [
        [
            task.name.replace("_", " "),
            int(paired.valid[task.name].sum()),
            float(paired.valid[task.name].mean()) if total else None,
        ]
        for task in challenge.tasks
    ]
    yield TableView("Annotated rows", [Column("task"), number("rows", ","), number("share", ".1%")], rows)
    for subject in subjects:
        if subject.rows is None:
            continue
        found = coverage_scores(challenge, subject.paired, subject.rows.store.card)
        lacking = [
            [
                task,
                f"{len(one.covered)} of {len(one.covered) + len(one.absent)}",
                one.of_covered,
                one.absent_as_zero,
                ", ".join(one.absent),
            ]
            for task, one in found.items()
            if one.absent
        ]
        columns = [
            Column("task"),
            Column("answered"),
            number("mean F1 of these"),
            number("absent as zero"),
            Column("not answered"),
        ]
        if lacking:
            yield TableView(f"What {subject.short} does not answer", columns, lacking)


def gain_table(subject: Subject, found: Sequence[Gain], masking: Masking) -> TableView:
    """What the score would gain if one kind of error were repaired."""
    rows = [
        [
            one.error,
            masking.text(_about(one)),
            one.gain,
            bounds_cell(one.interval, "+"),
            "yes" if one.cross_fitted else "no",
            Cell(masking.text(one.advice), mark="words"),
        ]
        for one in found
    ]
    columns = [
        Column("repair"),
        Column("of"),
        number("gain", "+.4f"),
        Column("95 % interval", True),
        Column("cross-fitted", help="the settings come from other videos than they are judged on"),
        Column("in words"),
    ]
    note = "What the score would gain; gains overlap and do not add up. Repairs that know the truth are bounds."
    return TableView(f"Where the points of {subject.short} lie", columns, rows, note)


def _about(gain: Gain) -> str:
    """What a gain is about: a task, a column of it, or a video."""
    task = (gain.task or "").replace("_", " ")
    return " ".join(part for part in (task, gain.column) if part) or "all tasks"


def calibration(found: Sequence[Reliability]) -> TableView | None:
    """The calibration error of every task and label; None where there are no probabilities."""
    if not found:
        return None
    rows = [
        [
            one.part or one.task.replace("_", " "),
            sum(own.rows for own in one.bins),
            one.error,
            bounds_cell(one.interval),
        ]
        for one in found
    ]
    note = (
        "ECE: mean distance of confidence and accuracy over bins of equal mass. A little above 0 even for perfect "
        "probabilities."
    )
    columns = [Column("task or label"), number("answers", ","), number("ECE"), Column("95 % interval", True)]
    return TableView("Expected calibration error", columns, rows, note)
