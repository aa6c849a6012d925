"""Rows of a label file: their lines, their faults, and the units and frames that they label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.table import Integers, Mask, Values

if TYPE_CHECKING:
    import pyarrow as pa

Lines = NDArray[np.int64]
FIX = "compare the file with its owners' copy"
ROW_FIX = f"{FIX}; the row is left out"


def report(
    rule: str,
    wrong: Mask,
    found: Callable[[int], str],
    expected: str,
    fix: str,
    place: tuple[str, Lines],
    problems: Problems,
) -> None:
    """Add a problem for each of the first rows where `wrong` is True; the first also counts the rows not shown.

    Args:
        rule: id of the rule that the rows break.
        wrong: mask of the faulty rows, shape (rows,).
        found: function from the index of a row to its faulty content.
        expected: values that the rule allows.
        fix: correction.
        place: name of the file, and the line of each row.
        problems: collection that receives the problems.
    """
    file, line = place
    rows = np.flatnonzero(wrong)
    for number, row in enumerate(rows[:SHOWN].tolist()):
        count = 1 if number else max(1, len(rows) - SHOWN + 1)
        problems.add(Problem(rule, found(row), expected, fix, file, int(line[row]), count))


def repeated(keys: NDArray[np.integer]) -> Mask:
    """True for each row whose key an earlier row has already, shape (rows,)."""
    if len(keys) < 2 or bool(np.all(keys[1:] > keys[:-1])):
        return np.zeros(len(keys), np.bool_)
    again = np.ones(len(keys), np.bool_)
    again[np.unique(keys, return_index=True)[1]] = False
    return again


class CheckedRows:
    """The rows of one file while its columns are checked, one after the other.

    Attributes:
        place: name of the file, and the line of each row.
        faulty: True for each row that a check has refused, shape (rows,).
        is_refused: True where a check has refused all rows, since none can be believed.
    """

    def __init__(self, file: str, line: Lines, problems: Problems) -> None:
        self.place = (file, line)
        self.faulty: Mask = np.zeros(len(line), np.bool_)
        self.is_refused = False
        self._problems = problems

    def refuse(self, rule: str, wrong: Mask, found: Callable[[int], str], expected: str, fix: str = FIX) -> None:
        """Mark the rows where `wrong` is True as faulty, and report those that no earlier check has refused."""
        report(rule, wrong & ~self.faulty, found, expected, fix, self.place, self._problems)
        self.faulty |= wrong

    def refuse_all(self, rule: str, found: str, expected: str, fix: str) -> None:
        """Mark every row as faulty, for one fault of the whole file."""
        file, line = self.place
        self._problems.add(Problem(rule, found, expected, fix, file, int(line[0]), len(line)))
        self.faulty[:], self.is_refused = True, True


@dataclass(frozen=True, eq=False)
class LabelRows:
    """The sound rows of one file.

    Attributes:
        file: name of the file, for messages.
        line: line of the file that each row stands on, shape (rows,).
        unit: video, sequence or picture that each row labels, a dictionary of texts, shape (rows,).
        frame: frame numbers, shape (rows,).
        values: values by task name, as in a Table.
        split: name of the split, empty where it is not known, a dictionary of texts, shape (rows,).
        subject: name of the person, empty where it is not known, a dictionary of texts, shape (rows,).
        image: name of each row's picture in the file, which fills `{image}`; None where it names no pictures.
        folder: path of the file's folder below the root, which fills `{folder}`.
    """

    file: str
    line: Lines
    unit: pa.DictionaryArray
    frame: Integers
    values: Mapping[str, Values]
    split: pa.DictionaryArray
    subject: pa.DictionaryArray
    image: pa.Array | None = None
    folder: str = ""

    def __len__(self) -> int:
        return len(self.line)

    def take(self, keep: Mask) -> LabelRows:
        """The rows where `keep` is True."""
        import pyarrow as pa

        if keep.all():
            return self
        rows = pa.array(keep)
        return replace(
            self,
            line=self.line[keep],
            unit=self.unit.filter(rows),
            frame=self.frame[keep],
            values={name: values[keep] for name, values in self.values.items()},
            split=self.split.filter(rows),
            subject=self.subject.filter(rows),
            image=None if self.image is None else self.image.filter(rows),
        )


def same_text(text: str, count: int) -> pa.DictionaryArray:
    """A column that holds one text in each of `count` rows."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text]))


def text_column(column: pa.ChunkedArray | pa.Array) -> pa.DictionaryArray:
    """A column of texts as a dictionary array, which keeps each different text once."""
    import pyarrow as pa

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole if isinstance(whole, pa.DictionaryArray) else whole.cast(pa.string()).dictionary_encode()


def arrow_functions() -> Any:
    """The functions of `pyarrow.compute`, which have no types."""
    import pyarrow.compute

    return pyarrow.compute
