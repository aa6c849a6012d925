"""Converts columns of files to the values of a Table, and names of rows to the facts in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.datasets.manifests.model import Classes, Marks, Numbers, TaskFacts
from abawbench.datasets.readers.rows import CheckedRows, arrow_functions, same_text, text_column
from abawbench.formats.text import quote
from abawbench.table import Classes as ClassValues
from abawbench.table import Floats, Values

if TYPE_CHECKING:
    import pyarrow as pa


def task_values(
    columns: Sequence[pa.ChunkedArray], facts: TaskFacts, rows: CheckedRows, highest: float | None = None
) -> Values:
    """Convert the columns of a task in a file to its values in a Table.

    Args:
        columns: columns of the file, a single one for classes, else one for each of the facts' columns.
        facts: task of the manifest.
        rows: rows that are checked.
        highest: largest value that a mark may have (see `marks`).

    Problems: V01, V06, V09, as of `numbers`, `marks` and `classes`.
    """
    match facts:
        case Numbers():
            return numbers(columns, facts, rows)
        case Marks():
            return marks(columns, facts, rows, highest)
        case Classes():
            return classes(columns[0], facts, rows)


def numbers(columns: Sequence[pa.ChunkedArray], facts: Numbers, rows: CheckedRows) -> Floats:
    """Real values, shape (rows, columns); NaN where a field is empty or one of the `missing` values.

    Problems: V01 no number, V09 out of range.
    """
    return without_missing(_in_range(columns, facts, facts.low, facts.high, rows), facts)


def marks(
    columns: Sequence[pa.ChunkedArray], facts: Marks, rows: CheckedRows, highest: float | None = None
) -> ClassValues:
    """Marks, shape (rows, columns): 1 from `positive_from` on, 0 below, -1 where nothing is coded.

    Args:
        columns: columns of the file, one for each of the facts' columns.
        facts: task of the manifest; its `positive_from` is the least value that counts as present.
        rows: rows that are checked.
        highest: largest value that a field may have; by default 1 where 1 counts as present, else 5, as for
            intensities.

    Problems: V01 no number, V09 out of range.
    """
    top = highest if highest is not None else (1.0 if facts.positive_from <= 1 else 5.0)
    return as_marks(_in_range(columns, facts, 0, top, rows), facts)


def as_marks(numbers: Floats, facts: Marks) -> ClassValues:
    """Plain numbers as 0 and 1, and as -1 where a number is NaN or one of the `missing` values."""
    numbers = without_missing(numbers, facts)
    return np.where(np.isnan(numbers), -1, numbers >= facts.positive_from).astype(np.int8)


def without_missing(numbers: Floats, facts: Marks | Numbers) -> Floats:
    """Plain numbers with NaN in place of the `missing` values."""
    return np.where(np.isin(numbers, facts.missing), np.nan, numbers)


def _in_range(
    columns: Sequence[pa.ChunkedArray], facts: Marks | Numbers, low: float, high: float, rows: CheckedRows
) -> Floats:
    """Plain numbers, shape (rows, columns), each in the range or one of the `missing` values; NaN where empty."""
    found = np.empty((len(rows.faulty), len(columns)), np.float64, order="F")
    expected = f"a number from {low:g} to {high:g}{''.join(f', or {value:g}' for value in facts.missing)}"
    for place, (name, column) in enumerate(zip(facts.columns, columns, strict=True)):
        plain = found[:, place] = _plain(column, name, rows)
        absent = np.isnan(plain) | np.isin(plain, facts.missing)
        rows.refuse("V09", ~absent & ~((plain >= low) & (plain <= high)), _field(name, column), expected)
    return found


def classes(column: pa.ChunkedArray, facts: Classes, rows: CheckedRows) -> ClassValues:
    """Numbers of classes, shape (rows,); -1 where a field is empty or one of the `missing` values.

    Codes that are names are compared without regard to case.

    Problems: V01 no number where the codes are numbers; V06 no code of a class, or all of them one off.
    """
    codes = facts.codes or tuple(range(len(facts.classes)))
    if isinstance(codes[0], str):
        return _named_classes(column, facts, rows)
    plain = _plain(column, facts.name, rows)
    absent = np.isnan(plain) | np.isin(plain, facts.missing)
    order = np.argsort(codes)
    known = np.asarray(codes, np.float64)[order]
    place = np.minimum(np.searchsorted(known, plain), len(known) - 1)
    wrong = ~absent & (known[place] != plain)
    if wrong.any() and is_shifted(np.unique(plain[~absent]).tolist(), codes):
        rows.refuse_all("V06", *shifted_labels(facts.name, plain[~absent].tolist(), codes))
        return np.full(len(plain), -1, np.int8)
    rows.refuse("V06", wrong, _field(facts.name, column), f"one of {', '.join(map(str, codes))}")
    return np.where(absent | wrong, -1, order[place]).astype(np.int8)


def is_shifted(labels: Sequence[float], codes: Sequence[object], least: int = 3) -> bool:
    """True where labels count from one less or one more than the codes do, so that every class would be another one.

    One label alone may be a slip. Labels that are one more than the codes show it by every class, since a slip may
    just as well lie above the codes.

    Args:
        labels: the labels of a file.
        codes: the codes of the classes.
        least: number of different labels that show that all of them are one less than the codes.

    >>> is_shifted([0, 1, 6], range(1, 8)), is_shifted([0, 1, 7], range(1, 8)), is_shifted([1, 2, 3], range(3))
    (True, False, True)
    """
    numbers = {code for code in codes if isinstance(code, int)}
    if len(numbers) < len(codes) or max(numbers) - min(numbers) + 1 != len(numbers) or numbers >= set(labels):
        return False
    below, above = {label + 1 for label in labels}, {label - 1 for label in labels}
    return (len(below) >= least and numbers >= below) or numbers == above


def shifted_labels(name: str, labels: Sequence[float], codes: Sequence[object]) -> tuple[str, str, str]:
    """What is found, what is expected and what to do where labels are shifted by one."""
    found = f"{name} from {min(labels):g} to {max(labels):g}: every label would be one class off"
    fix = "bring the owners' numbers, or describe this copy in a manifest of your own; all of it is left out"
    return found, f"{codes[0]} to {codes[-1]}", fix


def listed_marks(column: pa.ChunkedArray, facts: Marks, rows: CheckedRows) -> ClassValues:
    """Marks, shape (rows, columns), from a field that lists the action units that are present, as `1+4+L12` or `null`.

    A unit that only one side of the face shows (L, R) is present. Units that are not among the facts' columns are
    ignored.

    Problems: V01 no list.
    """
    encoded = trimmed(column).combine_chunks().dictionary_encode()
    texts: list[str] = encoded.dictionary.to_pylist()
    table = np.zeros((len(texts), len(facts.columns)), np.int8)
    is_list = np.ones(len(texts), np.bool_)
    for row, text in enumerate(texts):
        units = _listed(text)
        is_list[row] = units is not None
        table[row] = [name in (units or ()) for name in facts.columns]
    which = np.asarray(encoded.indices)
    rows.refuse("V01", ~is_list[which], _field(facts.name, column), "a list as 1+4+L12, or null")
    return np.asfortranarray(table[which])


def _listed(text: str) -> frozenset[str] | None:
    parts = text.strip().split("+")
    if parts in (["null"], [""]):
        return frozenset()
    units = [part.strip().upper().removeprefix("AU").lstrip("LR") for part in parts]
    return frozenset(f"AU{int(unit)}" for unit in units) if all(unit.isdecimal() for unit in units) else None


def _named_classes(column: pa.ChunkedArray, facts: Classes, rows: CheckedRows) -> ClassValues:
    import pyarrow as pa

    compute = arrow_functions()
    given = compute.utf8_lower(trimmed(column))
    codes = pa.array([str(code).lower() for code in facts.codes])
    missing = pa.array(["", *(str(value).lower() for value in facts.missing)])
    index = compute.fill_null(compute.index_in(given, value_set=codes), -1).to_numpy().astype(np.int8)
    absent = compute.is_in(given, value_set=missing).to_numpy()
    wrong = (index < 0) & ~absent
    rows.refuse("V06", wrong, _field(facts.name, column), f"one of {', '.join(map(str, facts.codes))}")
    return index


def trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text without blanks around it; missing values become empty texts."""
    import pyarrow as pa

    compute = arrow_functions()
    text = column if pa.types.is_string(column.type) else column.cast(pa.string())
    return compute.fill_null(compute.utf8_trim(text, characters=" \t"), "")


def _plain(column: pa.ChunkedArray, name: str, rows: CheckedRows) -> NDArray[np.float64]:
    """Numbers as they are written, NaN where a field is empty; a row without a finite number is refused."""
    import pyarrow as pa

    compute = arrow_functions()
    if pa.types.is_string(column.type):
        text = trimmed(column)
        empty = compute.equal(text, "").to_numpy()
        try:
            cast = compute.if_else(compute.equal(text, ""), None, text).cast(pa.float64())
            plain = compute.fill_null(cast, np.nan).to_numpy()
        except pa.ArrowInvalid:
            plain = _coerced(text)
    else:
        empty = compute.is_null(column).to_numpy()
        plain = compute.fill_null(column.cast(pa.float64()), np.nan).to_numpy()
        empty |= np.isnan(plain)
    wrong = ~empty & ~np.isfinite(plain)
    rows.refuse("V01", wrong, _field(name, column), "a finite number")
    return np.where(wrong, np.nan, plain)


def _coerced(text: pa.ChunkedArray) -> NDArray[np.float64]:
    import pandas as pd

    return np.array(pd.to_numeric(pd.Series(text.to_pylist(), dtype=object), errors="coerce"), np.float64)


def _field(name: str, column: pa.ChunkedArray) -> Callable[[int], str]:
    return lambda row: f"{name} = {quote(str(column[row].as_py()))}"


def group_column(groups: Mapping[str, pa.ChunkedArray], name: str, count: int) -> pa.DictionaryArray:
    """What a named group has matched in each of `count` names; empty texts where the pattern has no such group."""
    return text_column(groups[name]) if name in groups else same_text("", count)


def name_groups(names: pa.ChunkedArray, pattern: str, rows: CheckedRows) -> dict[str, pa.ChunkedArray]:
    r"""What the named groups of a pattern match in each name; a name that does not fit the pattern is refused.

    Args:
        names: names of the rows, shape (rows,).
        pattern: regular expression with named groups, as `(?P<subject>S\d+)`.
        rows: rows that are checked.

    Problems: T06 a name that does not fit.

    Raises:
        ProblemError: D01, the pattern is no regular expression or has no named group.
    """
    import pyarrow as pa

    compute = arrow_functions()
    try:
        parts = pa.chunked_array([compute.extract_regex(names, pattern).combine_chunks()])
    except pa.ArrowInvalid as error:
        found = f"pattern = '{pattern}': {str(error).splitlines()[0]}"
        wanted = r"a regular expression with named groups, as (?P<subject>S\d+)"
        raise ProblemError(Problem("D01", found, wanted, "correct the manifest")) from error
    wrong = np.asarray(compute.is_null(parts).to_numpy())
    fix = "correct the name, or the pattern in the manifest"
    rows.refuse("T06", wrong, lambda row: quote(names[row].as_py()), f"a name that fits {pattern}", fix)
    return {
        name: compute.fill_null(compute.struct_field(parts, name), "") for name in re.findall(r"\(\?P<(\w+)>", pattern)
    }
