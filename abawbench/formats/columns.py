"""The kinds of columns: how their values are read, checked, mended and written."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges.model import Task
from abawbench.labels import CLASS_SENTINEL, VALENCE_AROUSAL_SENTINEL
from abawbench.table import Floats, Table, Values

if TYPE_CHECKING:
    import pyarrow as pa

Role = Literal["truth", "prediction", "list"]

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
INTEGER = re.compile(r"-?\d+", re.ASCII)
INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
BLANKS = " \t"
# six decimals: an error of at most 5e-7, and no exponents, which shortest exact digits would have
DECIMALS = 6
# values this far out of range come from rounding, not from a model
ROUNDING = 1e-6

FIXES = {
    "V01": "write a finite number, or leave the row out: `abawbench write --fill` fills rows that are not there",
    "V02": "find out where the model overflows, then write a finite number",
    "V03": "clip the prediction to the range of the column before writing it",
    "V04": "write a prediction: a sentinel marks a missing annotation and would be counted as wrong; "
    "`abawbench write --fill` fills rows of sentinels",
    "V05": "decide the class and write its number",
    "V06": "write the position of the class in the challenge's list, counted from 0",
    "V07": "write 1 for a probability of at least 0.5, or of your own threshold, and 0 for a smaller one",
    "V09": "compare the annotation with the organisers' file",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a line that holds a value; each kind of column is a subclass.

    Attributes:
        name: name in messages.
        low: least value.
        high: greatest value.
        sentinel: value of a missing annotation; None where the file may not hold one.
        task: name of the task that the column belongs to; None where it belongs to no task.
        place: position of the column within its task.
        classes: names of the classes, where the column holds the number of one.
        stored: Arrow's name of the type of the parsed values.
        is_whole: True where values are whole numbers.
        example: a value, for documentation.
    """

    name: str
    low: float = 0
    high: float = 0
    sentinel: float | None = None
    task: str | None = None
    place: int = 0
    classes: tuple[str, ...] = ()

    stored: ClassVar[str] = "double"
    is_whole: ClassVar[bool] = False
    example: ClassVar[str] = "0.25"

    def fault(self, field: str, role: Role) -> str | None:
        """The rule that a field breaks; None where the field holds a value of the column.

        Args:
            field: text of the field without blanks around it.
            role: role of the file. A truth may hold sentinels, and classes written as `4.0`; a prediction may not.
        """
        if INFINITE.fullmatch(field):
            return "V02"
        if not NUMBER.fullmatch(field):
            return "V01"
        value = float(field)
        if math.isinf(value):
            return "V02"
        if role != "truth":
            return self._prediction_fault(field)
        is_value = self.low <= value <= self.high and (not self.is_whole or value == int(value))
        return None if is_value or value == self.sentinel else "V09"

    @property
    def no_prediction(self) -> float | None:
        """The value that stands for a missing prediction; None where every number could be a prediction."""
        return None

    def expected(self, role: Role) -> str:
        """The values that the column may hold, in words."""
        text = self._range()
        return f"{text}, or {self.sentinel:g}" if role == "truth" and self.sentinel is not None else text

    def pattern(self, role: Role) -> str | None:
        """A regular expression that only faultless fields match, though not all of them; None where there is none."""
        part = self._value_pattern()
        if part is None or role != "truth" or self.sentinel is None:
            return part
        return f"(?:{part}|{self.sentinel:g}(?:\\.0+)?)"

    def is_in_range(self, values: Values) -> bool:
        """True if every value lies in the range or is the sentinel; NaN is no value."""
        low, high = float(values.min()), float(values.max())
        # NaN fails both comparisons
        if low >= self.low and high <= self.high:
            return True
        if self.sentinel is None or not high <= self.high:
            return False
        if self.is_whole and self.sentinel == self.low - 1:
            return low >= self.sentinel
        return bool(np.all((values >= self.low) | (values == self.sentinel)))

    def mend(self, field: str) -> tuple[str, str | None]:
        """Mend a field if there is only one way to do it; return the field, and the rule that it broke or None."""
        mended = self._mended(field) if NUMBER.fullmatch(field) else None
        return (field, None) if mended is None else mended

    def predictions(self, table: Table) -> pa.Array:
        """The column of a prediction, as it is written.

        Raises:
            ProblemError: V01, a number is not finite, or the table has no probabilities for a column that needs them.
        """
        raise NotImplementedError

    def annotations(self, table: Table) -> pa.Array:
        """The column of a truth, as it is written: exact, with the sentinel where a row is not annotated.

        Raises:
            ProblemError: V09, a row is not annotated and the column has no sentinel.
        """
        raise NotImplementedError

    def _range(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def _value_pattern(self) -> str | None:
        return None

    def _prediction_fault(self, field: str) -> str | None:
        raise NotImplementedError

    def _mended(self, field: str) -> tuple[str, str] | None:
        raise NotImplementedError

    def _values(self, table: Table) -> Any:
        assert self.task is not None
        block = table.values[self.task]
        # only contiguous arrays are passed to Arrow without copying
        return np.ascontiguousarray(block if block.ndim == 1 else block[:, self.place])

    def _with_sentinels(self, table: Table, absent: Any) -> Any:
        """The values of a truth, with the sentinel where they are absent."""
        values = self._values(table)
        if not absent.any():
            return values
        if self.sentinel is None:
            found, expected = f"no {self.name} for {table.name(int(np.flatnonzero(absent)[0]))}", "a value in every row"
            fix = "annotate the row or leave it out: the format has no mark for missing annotations"
            raise ProblemError(Problem("V09", found, expected, fix, table.source, count=int(absent.sum())))
        return np.where(absent, self.sentinel, values).astype(values.dtype)


@dataclass(frozen=True, slots=True)
class Number(Column):
    """A real number in a range."""

    def predictions(self, table: Table) -> pa.Array:
        """Numbers with six decimals."""
        return _decimals(self._finite(self._values(table), table))

    def annotations(self, table: Table) -> pa.Array:
        """Numbers with the fewest digits that read back exactly."""
        import pyarrow as pa

        return pa.array(self._with_sentinels(table, np.isnan(self._values(table)))).cast(pa.string())

    def _value_pattern(self) -> str | None:
        if (self.low, self.high) not in {(-1, 1), (0, 1)}:
            return None
        return ("-?" if self.low < 0 else "") + "(?:0(?:\\.\\d+)?|1(?:\\.0+)?)"

    @property
    def no_prediction(self) -> float | None:
        """-5 among numbers that can be negative, and that it is none of."""
        mark = float(VALENCE_AROUSAL_SENTINEL)
        return None if self.low >= 0 or self.low <= mark <= self.high else mark

    def _prediction_fault(self, field: str) -> str | None:
        value = float(field)
        if self.low <= value <= self.high:
            return None
        return "V04" if value == self.no_prediction else "V03"

    def _mended(self, field: str) -> tuple[str, str] | None:
        value = float(field)
        for bound in (self.low, self.high):
            if 0 < abs(value - bound) <= ROUNDING and not self.low <= value <= self.high:
                return f"{bound:.1f}", "V03"
        return None

    def _finite(self, values: Floats, table: Table) -> Floats:
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            found = f"{self.name} = {values[wrong[0]]} for {table.name(int(wrong[0]))}"
            expected = self.expected("prediction")
            fix = "leave the row out and name a fill policy, or correct the model"
            raise ProblemError(Problem("V01", found, expected, fix, table.source, count=len(wrong)))
        return values


@dataclass(frozen=True, slots=True)
class Whole(Column):
    """A whole number from 0: the index of a class.

    Attributes:
        broken: the rules that a number between two classes, and one beyond them, breaks.
    """

    stored: ClassVar[str] = "int8"
    is_whole: ClassVar[bool] = True
    example: ClassVar[str] = "1"
    broken: ClassVar[tuple[str, str]] = ("V05", "V06")

    def predictions(self, table: Table) -> pa.Array:
        """The numbers."""
        import pyarrow as pa

        return pa.array(self._values(table))

    def annotations(self, table: Table) -> pa.Array:
        """The numbers."""
        import pyarrow as pa

        return pa.array(self._with_sentinels(table, self._values(table) < 0))

    def _range(self) -> str:
        return f"an integer from 0 to {self.high:g}" if self.high > 1 else "0 or 1"

    def _value_pattern(self) -> str | None:
        return f"[0-{self.high:g}]" if self.high <= 9 else None

    @property
    def no_prediction(self) -> float | None:
        """-1 among numbers from 0."""
        return float(CLASS_SENTINEL)

    def _prediction_fault(self, field: str) -> str | None:
        value = float(field)
        if value == self.no_prediction:
            return "V04"
        is_in_range = self.low <= value <= self.high
        if is_in_range and INTEGER.fullmatch(field):
            return None
        between, beyond = self.broken
        if value != int(value):
            return between
        return "V05" if is_in_range else beyond

    def _mended(self, field: str) -> tuple[str, str] | None:
        value = float(field)
        if not INTEGER.fullmatch(field) and (value in range(int(self.high) + 1) or value == self.no_prediction):
            return str(int(value)), "V05"
        return None


@dataclass(frozen=True, slots=True)
class Label(Whole):
    """0 or 1: a label that a row has or has not, beside others."""

    broken: ClassVar[tuple[str, str]] = ("V07", "V07")


@dataclass(frozen=True, slots=True)
class Probability(Number):
    """The probability of class 0 or of class 1; the two of a row sum to exactly 1.

    Attributes:
        of_class: the class.
    """

    high: float = 1
    of_class: Literal[0, 1] = 1

    def predictions(self, table: Table) -> pa.Array:
        """Probabilities with six decimals; that of class 0 is made from the rounded one of class 1."""
        if table.probability is None:
            raise ProblemError(
                Problem("V01", "no probabilities", "p0 and p1", "use the format with labels alone", table.source)
            )
        whole = 10**DECIMALS
        parts = np.rint(self._finite(table.probability, table) * whole)
        return _decimals((parts if self.of_class else whole - parts) / whole)

    def annotations(self, table: Table) -> pa.Array:
        """Probabilities as a prediction has them."""
        return self.predictions(table)

    def _value_pattern(self) -> str | None:
        # no pattern of a line tells whether the two sum to 1
        return None


@dataclass(frozen=True, slots=True)
class Text(Column):
    """Text of any kind: ignored when read, empty when written."""

    stored: ClassVar[str] = "string"
    example: ClassVar[str] = "Yes, I do."

    def predictions(self, table: Table) -> pa.Array:
        """Empty text."""
        import pyarrow as pa

        return pa.array([""] * len(table), pa.string())

    def annotations(self, table: Table) -> pa.Array:
        """Empty text."""
        return self.predictions(table)


def task_columns(task: Task, role: Role) -> tuple[Column, ...]:
    """The columns that a task takes in a line.

    Args:
        task: the task.
        role: role of the file; only a truth may hold the task's sentinel.
    """
    kind = Number if task.is_real else Label if task.is_vector else Whole
    low, high = task.span if task.is_vector else (0, task.width - 1)
    sentinel = None if task.sentinel is None or role != "truth" else float(task.sentinel)
    classes = () if task.is_vector else task.outputs
    return tuple(kind(name, low, high, sentinel, task.name, place, classes) for place, name in enumerate(task.labels))


def is_number(field: str) -> bool:
    """True for a number, which a header would not hold."""
    return bool(NUMBER.fullmatch(field.strip(BLANKS)))


def _decimals(values: Floats) -> pa.Array:
    import pyarrow as pa

    # the wide type takes any finite prediction a model may make; the check then judges its range
    return pa.array(np.clip(values, -1e9, 1e9)).cast(pa.decimal128(18, DECIMALS), safe=False)
