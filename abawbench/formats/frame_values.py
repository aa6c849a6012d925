"""The values of a task from the columns of a DataFrame, with what is wrong with them and the forms that they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.challenges import Categorical, Task
from abawbench.formats.columns import FIXES, Role
from abawbench.formats.text import quote
from abawbench.formats.value_forms import (
    CLASS_NAMES,
    bounds_of,
    decide_scores,
    describe_names,
    describe_unknown,
    expected_of,
    fault_of,
    note_absent,
    note_sentinels,
    read_cell,
    sentinel_of,
)
from abawbench.table import Floats, Mask, Values

if TYPE_CHECKING:
    import pandas as pd

# kinds of NumPy types that hold numbers, and those that pandas would turn into numbers without meaning it
NUMBERS = "iuf"
TIMES = "mM"


@dataclass(frozen=True, eq=False)
class Source:
    """The rows of a DataFrame.

    Attributes:
        name: origin of the rows, for messages.
        lines: shape (rows,), the line of each row.
        problems: what is wrong or odd with the rows.
    """

    name: str
    lines: NDArray[np.int64]
    problems: Problems = field(default_factory=Problems)

    def report(self, rule: str, rows: Mask, found: Callable[[int], str] | str, expected: str, fix: str) -> None:
        """Add a problem for the first three of some rows; together they stand for all of them."""
        wrong = np.flatnonzero(rows)
        for place, row in enumerate(wrong[:SHOWN].tolist()):
            count = 1 if place else max(1, len(wrong) - SHOWN + 1)
            self.problems.add(
                Problem(
                    rule,
                    found if isinstance(found, str) else found(row),
                    expected,
                    fix,
                    self.name,
                    int(self.lines[row]),
                    count,
                )
            )

    def note(self, rule: str, found: str, expected: str, fix: str, count: int) -> None:
        """Add a note on the whole of the rows."""
        self.problems.add(Problem(rule, found, expected, fix, self.name, None, count))


@dataclass(frozen=True, eq=False)
class _Read:
    """What the cells of a column stand for.

    Attributes:
        values: shape (rows,), NaN where a cell is empty or at fault.
        absent: shape (rows,), True for empty cells.
        faults: by rule, the cells that break it.
        forms: by form other than numbers, the cells that have it.
        names: names of classes among the cells.
    """

    values: Floats
    absent: Mask
    faults: dict[str, Mask]
    forms: dict[str, Mask]
    names: tuple[str, ...] = ()


def read_task(task: Task, columns: Sequence[pd.Series], role: Role, source: Source) -> Values:
    """The values of a task from the columns of its labels, NaN or -1 where a row has none.

    In a prediction, a task of which a value is missing in a row has no prediction there; nor has one whose values are
    all sentinels. Cells at fault, forms other than numbers, and rows without a prediction go to the source's problems.

    Args:
        task: the task.
        columns: one column for each label of the task.
        role: role of the rows.
        source: the rows.
    """
    reads = [_read_column(task, column) for column in columns]
    for name, column, read in zip(task.labels, columns, reads, strict=True):
        for rule, cells in read.faults.items():
            _report_cells(task, rule, cells, name, column, source)
    for form in dict.fromkeys(form for read in reads for form in read.forms):
        rows = np.logical_or.reduce([read.forms[form] for read in reads if form in read.forms])
        names = [name for read in reads for name in read.names] if form == CLASS_NAMES else []
        said = f"{form} for {task.name}{f': {describe_names(task, names)}' if names else ''}"
        source.note("N40", said, f"numbers: {expected_of(task)}", "write the numbers", int(rows.sum()))
    values = np.stack([read.values for read in reads], axis=1)
    is_empty = np.stack([read.absent for read in reads], axis=1)
    sentinel = task.sentinel if role == "truth" else sentinel_of(task)
    is_sentinel = np.zeros(values.shape, bool) if sentinel is None else values == sentinel
    absent = is_empty | is_sentinel
    if role != "truth":
        absent = _without_prediction(task, is_empty, is_sentinel, source)
    return _typed(task, values, absent)


def read_scores(task: Categorical, columns: Sequence[pd.Series], source: Source) -> Values:
    """The class of the greatest score in each row, -1 where there is no score.

    Args:
        task: the task.
        columns: one column for each class.
        source: the rows; cells that are no numbers, and rows without one greatest score, go to its problems.
    """
    read = [read_numbers(column) for column in columns]
    for name, column, (_, wrong) in zip(task.classes, columns, read, strict=True):
        source.report(
            "V01",
            wrong,
            lambda row, name=name, column=column: f"score of {name} = {show(column.iloc[row])}",
            "a finite number",
            "give a score of every class",
        )
    scores = np.stack([values for values, _ in read], axis=1)
    if any(wrong.any() for _, wrong in read):
        return task.empty(len(scores))
    decided = decide_scores(scores)
    expected = f"a score of each of the {task.width} classes"

    def said(row: int) -> str:
        return f"scores of {task.name} {', '.join(f'{score:.4g}' for score in scores[row])}"

    source.report("V01", decided.faulty, said, expected, "give a score of every class")
    source.report("V06", decided.undecided, said, "one greatest score", "decide the class: two scores are equal")
    found = f"{decided.kind} of {task.name}, of which the greatest is taken"
    source.note("N40", found, f"the number of the class: {expected_of(task)}", "write the class", len(scores))
    absent = (decided.classes < 0) & ~decided.faulty
    if absent.any():
        source.problems.add(note_absent(task.name, absent, "no score", source.name))
    return decided.classes


def read_numbers(column: pd.Series) -> tuple[Floats, Mask]:
    """The numbers of a column, NaN where a cell is empty, and True for each cell that is neither empty nor a number."""
    absent = empty_cells(column)
    kind = getattr(column.dtype, "kind", "O")
    if kind in NUMBERS:
        values = column.to_numpy(np.float64, na_value=np.nan)
        # pandas tells empty cells from NaN in a column of nullable numbers
        return values, np.isnan(values) & ~absent
    values = np.full(len(column), np.nan)
    if kind in TIMES or kind == "b":
        return values, ~absent
    codes, cells = distinct_cells(column)
    numbers = np.array([_number(cell) for cell in cells] + [np.nan])
    values = numbers[codes]
    return values, np.isnan(values) & ~absent


def empty_cells(column: pd.Series) -> Mask:
    """True for each cell without a value."""
    try:
        return column.isna().to_numpy(bool)
    except ArithmeticError:
        # a signalling NaN of Decimal does not even compare
        return np.array([cell is None for cell in column])


def distinct_cells(column: pd.Series) -> tuple[NDArray[np.int64], list[Any]]:
    """The place of each cell among the distinct cells, -1 for an empty one, and the distinct cells."""
    import pandas as pd

    try:
        codes, cells = pd.factorize(column)
        return codes.astype(np.int64), list(cells)
    except (TypeError, ArithmeticError):
        # lists and dictionaries have no hash, and signalling NaN compares with nothing
        absent = empty_cells(column)
        codes = np.where(absent, -1, np.cumsum(~absent) - 1)
        return codes, [cell for cell, is_empty in zip(column, absent, strict=True) if not is_empty]


def show(cell: object) -> str:
    """A cell for a message."""
    return quote(cell) if isinstance(cell, str) else quote(str(cell))[1:-1]


def _read_column(task: Task, column: pd.Series) -> _Read:
    absent = empty_cells(column)
    kind = getattr(column.dtype, "kind", "O")
    if kind in NUMBERS:
        values = column.to_numpy(np.float64, na_value=np.nan)
        return _Read(values, absent, _number_faults(task, values, absent), {})
    if kind in TIMES:
        return _Read(np.full(len(column), np.nan), absent, {"V01": ~absent}, {})
    codes, distinct = distinct_cells(column)
    cells = [read_cell(task, cell) for cell in distinct]
    values = np.array([cell.value for cell in cells] + [np.nan])[codes]
    rules = dict.fromkeys([cell.rule for cell in cells if cell.rule is not None])
    kinds = dict.fromkeys([cell.form for cell in cells if cell.form is not None])
    faults = {rule: _at(codes, [cell.rule == rule for cell in cells]) for rule in rules}
    forms: dict[str, Mask] = {form: _at(codes, [cell.form == form for cell in cells]) for form in kinds}
    names = tuple(
        str(cell) for cell, read in zip(distinct, cells, strict=True) if read.form == CLASS_NAMES and not read.rule
    )
    return _Read(values, absent, faults, forms, names)


def _report_cells(task: Task, rule: str, cells: Mask, name: str, column: pd.Series, source: Source) -> None:
    """Report the cells of a column that break a rule; an unknown name of a class with the names that are near."""
    expected = expected_of(task)
    if rule == "V06":
        expected = f"{expected}, {describe_unknown(task.outputs, '')[1]}"

    def found(row: int) -> str:
        cell = column.iloc[row]
        is_name = rule == "V06" and isinstance(cell, str)
        return f"{name} = {describe_unknown(task.outputs, cell)[0] if is_name else show(cell)}"

    fix = "give a number in every row" if rule == "V01" else FIXES[rule]
    source.report(rule, cells, found, expected, fix)


def _without_prediction(task: Task, is_empty: Mask, is_sentinel: Mask, source: Source) -> Mask:
    """True for each value of the rows that hold no prediction of a task, shape (rows, labels)."""
    is_blank: Mask = np.any(is_empty, axis=1)
    is_marked: Mask = np.all(is_sentinel, axis=1) & ~is_blank
    partly: Mask = np.any(is_sentinel, axis=1) & ~is_marked & ~is_blank
    if partly.any():

        def found(row: int) -> str:
            marked = [name for name, is_one in zip(task.labels, is_sentinel[row], strict=True) if is_one]
            return f"a sentinel for {', '.join(marked)} beside values of {task.name}"

        fix = "predict these labels too, or write the sentinel for all of them to leave the row to a fill policy"
        source.report("V04", partly, found, f"values, or the sentinel in all of {task.name}", fix)
    if is_blank.any():
        source.problems.add(note_absent(task.name, is_blank, "an empty value", source.name))
    if is_marked.any():
        source.problems.add(note_sentinels(task.name, is_marked, source.name))
    return np.repeat((is_blank | is_marked)[:, None], is_empty.shape[1], axis=1)


def _typed(task: Task, values: Floats, absent: Mask) -> Values:
    if task.is_real:
        return np.asfortranarray(np.where(absent, np.nan, values))
    low, high = bounds_of(task)
    # values out of range are problems by now
    classes = np.where(~absent & (values >= low) & (values <= high), values, -1).astype(np.int8)
    return np.asfortranarray(classes) if task.is_vector else classes[:, 0]


def _number_faults(task: Task, values: Floats, absent: Mask) -> dict[str, Mask]:
    """By rule, the numbers that no column of the task may hold; the same as `value_forms.fault_of`, for arrays."""
    low, high = bounds_of(task)
    sentinel = sentinel_of(task)
    is_wrong = ~absent & ~((values >= low) & (values <= high))
    if not task.is_real:
        is_wrong |= ~absent & (values != np.floor(values))
    if sentinel is not None:
        is_wrong &= values != sentinel
    if not is_wrong.any():
        return {}
    codes = np.flatnonzero(is_wrong)
    rules = np.array([fault_of(task, value) for value in values[codes].tolist()])
    faults: dict[str, Mask] = {}
    for rule in sorted(set(rules.tolist())):
        mask = np.zeros(len(values), bool)
        mask[codes[rules == rule]] = True
        faults[rule] = mask
    return faults


def _at(codes: NDArray[np.int64], flags: list[bool]) -> Mask:
    return np.array([*flags, False])[codes]


def _number(cell: object) -> float:
    """The finite number that a cell holds; NaN where it holds none."""
    if isinstance(cell, bool | np.bool_):
        return np.nan
    try:
        value = float(cell)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError):
        return np.nan
    return value
