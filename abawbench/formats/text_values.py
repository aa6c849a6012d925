"""Names and scores of classes, True and False in a text file, written as the numbers of the format."""

from __future__ import annotations

import numpy as np

from abawbench.challenges import Categorical, MultiLabel, Task
from abawbench.formats.columns import BLANKS, Column, Label, is_number
from abawbench.formats.layout import Layout
from abawbench.formats.lines import Lines
from abawbench.formats.mending import Mendings, Report
from abawbench.formats.text import quote
from abawbench.formats.value_forms import CLASS_NAMES, decide_scores, describe_names, read_cell, score_columns


def settle_scores(content: Lines, layout: Layout, header: str | None, mended: Mendings, report: Report) -> bool:
    """Write the class of the greatest score in the place of the scores of all classes; return True if there are scores.

    The scores of a row stand where its class should stand, in the order of the header if that names the classes, else
    in the order of the classes if they are probabilities. Rows with two greatest scores stay, and are reported.

    Args:
        content: rows with commas between their fields, changed in place.
        layout: the layout of the rows.
        header: the first line of the file; None where it is a row.
        mended: takes what was mended.
        report: takes what has to be mended by hand.
    """
    label = next((place for place, column in enumerate(layout.columns, layout.has_key) if column.classes), None)
    if label is None or layout.has_text or layout.role != "prediction":
        return False
    classes = layout.columns[label - layout.has_key].classes
    task = Categorical(layout.columns[label - layout.has_key].name, classes, None)
    # probabilities that the format asks for stay, and the label behind them is added
    place = layout.has_key if layout.has_probabilities else label
    width = label if layout.has_probabilities else layout.width - 1 + len(classes)
    scores = slice(place, place + len(classes))
    wide = {row: text.split(",") for row, text in enumerate(content.texts) if text.count(",") == width - 1}
    wide = {row: fields for row, fields in wide.items() if all(map(is_number, fields[scores]))}
    if 2 * len(wide) <= len(content.texts):
        return False
    decided = decide_scores(np.array([fields[scores] for fields in wide.values()], np.float64))
    order = _order(task, header, place, layout)
    # 1,0 could also be a label and its opposite
    if order is None and decided.kind in {"scores", *(["one-hot rows"] if task.width == 2 else [])}:
        return False
    undecided: list[int] = []
    for row, number, is_open in zip(wide, decided.classes.tolist(), decided.undecided.tolist(), strict=True):
        fields = wide[row]
        if is_open and {field.strip(BLANKS) for field in fields[scores]} != {"-1"}:
            undecided.append(row)
            continue
        chosen = "-1" if is_open else str(number if order is None else order[number])
        kept = fields if layout.has_probabilities else fields[:place]
        content.texts[row] = ",".join([*kept, chosen, *fields[place + task.width :]])
    if undecided:
        found, fix = f"two greatest scores, {quote(content.texts[undecided[0]])}", "decide the class of these rows"
        report("V06", content.numbers[undecided[0]], found, "one greatest score", fix, len(undecided))
    if len(wide) > len(undecided):
        found = f"{decided.kind} of {task.width} classes"
        mended.add("F06", content.numbers[next(iter(wide))], found, len(wide) - len(undecided))
    return True


def settle_names(content: Lines, layout: Layout, mended: Mendings) -> None:
    """Write names of classes as their numbers, and True and False as 1 and 0.

    Args:
        content: rows with commas between their fields, changed in place.
        layout: the layout of the rows.
        mended: takes what was mended.
    """
    tasks = {place: _task_of(column) for place, column in enumerate(layout.columns, layout.has_key)}
    named = {place: task for place, task in tasks.items() if task is not None}
    if not named or layout.role != "prediction" or layout.has_text:
        return
    rows: dict[str, list[int]] = {}
    names: dict[str, Categorical] = {}
    for row, text in enumerate(content.texts):
        fields = layout.split(text)
        if len(fields) != layout.width:
            continue
        for place, task in named.items():
            field = fields[place].strip(BLANKS)
            if not field or is_number(field):
                continue
            cell = read_cell(task, field)
            if cell.rule is None and cell.form is not None:
                fields[place] = str(int(cell.value))
                rows.setdefault(cell.form, []).append(row)
                if isinstance(task, Categorical) and cell.form == CLASS_NAMES:
                    names[field] = task
        content.texts[row] = ",".join(fields)
    for form, places in rows.items():
        said = describe_names(next(iter(names.values())), names) if form == CLASS_NAMES else ""
        mended.add("V01", content.numbers[places[0]], f"{form}{f': {said}' if said else ''}", len(set(places)))


def _task_of(column: Column) -> Task | None:
    """The task of a column whose cells may be names or truth values; None for other columns."""
    if column.classes:
        return Categorical(column.name, column.classes, None)
    return MultiLabel(column.name, (column.name,), None) if isinstance(column, Label) else None


def _order(task: Categorical, header: str | None, place: int, layout: Layout) -> list[int] | None:
    """The class of each column of scores, by a header that names the classes; None where it does not."""
    first = layout.header if header is None else header
    columns = score_columns(task, (first or "").split(","))
    if columns is None or sorted(columns) != list(range(place, place + task.width)):
        return None
    order = [0] * task.width
    for number, column in enumerate(columns):
        order[column - place] = number
    return order
