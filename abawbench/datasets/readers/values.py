"""Columns as files write them to the values of a Table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problems
from abawbench.datasets.manifests.model import Classes, Marks, Numbers
from abawbench.datasets.readers.sheet import Lines, report
from abawbench.formats.diagnose import shown
from abawbench.table import Classes as ClassValues
from abawbench.table import Floats, Mask

if TYPE_CHECKING:
    import pyarrow as pa

_FIX = "compare the file with its owners' copy"


class Rows:
    """The rows of one file: which of them have been found faulty, and where they stand."""

    def __init__(self, file: str, line: Lines, problems: Problems) -> None:
        self.place = (file, line)
        self.faulty: Mask = np.zeros(len(line), np.bool_)
        self._problems = problems

    def refuse(self, rule: str, wrong: Mask, found: Callable[[int], str], expected: str, fix: str = _FIX) -> None:
        """Report the rows where `wrong` is True, but for those that are already refused, and leave them out."""
        report(rule, wrong & ~self.faulty, found, expected, fix, self.place, self._problems)
        self.faulty |= wrong


def numbers(columns: Sequence[pa.ChunkedArray], facts: Numbers, rows: Rows) -> Floats:
    """Shape (rows, columns), NaN where a field is empty or one of the `missing` values.

    Problems: V01 no number, V09 out of range.
    """
    values = np.empty((len(rows.faulty), len(columns)), np.float64, order="F")
    for place, (name, column) in enumerate(zip(facts.columns, columns, strict=True)):
        plain = _plain(column, name, rows)
        absent = np.isnan(plain) | np.isin(plain, facts.missing)
        wrong = ~absent & ~((plain >= facts.low) & (plain <= facts.high))
        expected = f"a number from {facts.low:g} to {facts.high:g}{_or_missing(facts.missing)}"
        rows.refuse("V09", wrong, _telling(name, column), expected)
        values[:, place] = np.where(absent, np.nan, plain)
    return values


def marks(columns: Sequence[pa.ChunkedArray], facts: Marks, rows: Rows, highest: float | None = None) -> ClassValues:
    """Shape (rows, columns): 1 from `positive_from` on, 0 below, -1 where not coded.

    Args:
        columns: one for each of the facts' columns.
        facts: says what counts as present.
        rows: takes the faults.
        highest: largest value a field may have; 1 where 1 is present, else the 5 of intensities.

    Problems: V01 no number, V09 out of range.
    """
    top = highest if highest is not None else (1.0 if facts.positive_from <= 1 else 5.0)
    values = np.empty((len(rows.faulty), len(columns)), np.int8, order="F")
    for place, (name, column) in enumerate(zip(facts.columns, columns, strict=True)):
        plain = _plain(column, name, rows)
        absent = np.isnan(plain) | np.isin(plain, facts.missing)
        wrong = ~absent & ~((plain >= 0) & (plain <= top))
        expected = f"a number from 0 to {top:g}{_or_missing(facts.missing)}"
        rows.refuse("V09", wrong, _telling(name, column), expected)
        values[:, place] = np.where(absent, -1, plain >= facts.positive_from)
    return values


def classes(column: pa.ChunkedArray, facts: Classes, rows: Rows) -> ClassValues:
    """Shape (rows,), index into the facts' classes, -1 where a field is empty or one of the `missing` values.

    Names are matched without regard to case.

    Problems: V01 no number where the codes are numbers, V06 no code of a class.
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
    rows.refuse("V06", wrong, _telling(facts.name, column), f"one of {', '.join(map(str, codes))}")
    return np.where(absent | wrong, -1, order[place]).astype(np.int8)


def listed_marks(column: pa.ChunkedArray, facts: Marks, rows: Rows) -> ClassValues:
    """Shape (rows, columns) from a field that lists what is present, as `1+4+L12` or `null`.

    A unit that only one side of the face shows (L, R) is present. What is listed beside the facts' columns is passed
    over.

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
    rows.refuse("V01", ~is_list[which], _telling(facts.name, column), "a list as 1+4+L12, or null")
    return np.asfortranarray(table[which])


def _listed(text: str) -> frozenset[str] | None:
    parts = text.strip().split("+")
    if parts in (["null"], [""]):
        return frozenset()
    units = [part.strip().upper().removeprefix("AU").lstrip("LR") for part in parts]
    return frozenset(f"AU{int(unit)}" for unit in units) if all(unit.isdecimal() for unit in units) else None


def _named_classes(column: pa.ChunkedArray, facts: Classes, rows: Rows) -> ClassValues:
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    given = compute.utf8_lower(trimmed(column))
    codes = pa.array([str(code).lower() for code in facts.codes])
    missing = pa.array(["", *(str(value).lower() for value in facts.missing)])
    index = compute.fill_null(compute.index_in(given, value_set=codes), -1).to_numpy().astype(np.int8)
    absent = compute.is_in(given, value_set=missing).to_numpy()
    wrong = (index < 0) & ~absent
    rows.refuse("V06", wrong, _telling(facts.name, column), f"one of {', '.join(map(str, facts.codes))}")
    return index


def trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text without blanks around it; missing values as empty texts."""
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    text = column if pa.types.is_string(column.type) else column.cast(pa.string())
    return compute.fill_null(compute.utf8_trim(text, characters=" \t"), "")


def _plain(column: pa.ChunkedArray, name: str, rows: Rows) -> NDArray[np.float64]:
    """Numbers as they are written, NaN where a field is empty; what is no finite number is refused."""
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
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
    rows.refuse("V01", wrong, _telling(name, column), "a finite number")
    return np.where(wrong, np.nan, plain)


def _coerced(text: pa.ChunkedArray) -> NDArray[np.float64]:
    import pandas as pd

    return np.array(pd.to_numeric(pd.Series(text.to_pylist(), dtype=object), errors="coerce"), np.float64)


def _telling(name: str, column: pa.ChunkedArray) -> Callable[[int], str]:
    return lambda row: f"{name} = {shown(str(column[row].as_py()))}"


def _or_missing(missing: Sequence[float]) -> str:
    return "".join(f", or {value:g}" for value in missing)
