"""The problems of a text file, line by line: the slow, exact path for files that the vectorised one refuses."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from abawbench.base.problems import Problem, Problems
from abawbench.formats.columns import BLANKS, FIXES, Column, Probability, Text
from abawbench.formats.layout import Layout
from abawbench.formats.lines import describe_undecodable, is_undecodable
from abawbench.formats.mending import CHANGE_VALUES
from abawbench.formats.settle import Settled, settle
from abawbench.formats.text import quote
from abawbench.formats.value_forms import describe_unknown

# number of fields of a column whose faults are remembered
REMEMBERED = 10_000


def reading_problems(data: bytes, layout: Layout, file: str) -> Problems:
    """Find the problems for which a file cannot be read, after all that `settle` mends without changing a value.

    Args:
        data: the whole file, any bytes.
        layout: the layout that the file should have; columns found by name are arranged beforehand.
        file: the file's name, for messages.
    """
    return problems_in_reading(settle(data, [layout], file), file)


def submission_problems(data: bytes, layout: Layout, file: str, names: Container[str] | None = None) -> Problems:
    """Find the problems for which the organisers would refuse a file, without regard to their list.

    Args:
        data: the whole file, any bytes.
        layout: the layout that the file should have.
        file: the file's name, for messages.
        names: row names of the organisers' list that hold blanks; None where there is no list, and any name may.
    """
    return problems_in_submitting(settle(data, [layout], file), file, names)


def problems_in_reading(settled: Settled, file: str) -> Problems:
    """The problems for which a settled file cannot be read, and its notes."""
    kept = tuple(problem for problem in settled.mended if problem.is_note or problem.rule in CHANGE_VALUES)
    return _Diagnosis(settled, file, None, kept, is_submitted=False).problems


def problems_in_submitting(settled: Settled, file: str, names: Container[str] | None = None) -> Problems:
    """The problems for which the organisers would refuse a file that was settled, those that were mended included."""
    return _Diagnosis(settled, file, names, settled.mended, is_submitted=True).problems


class _Diagnosis:
    """The faults that are left in the lines of one file."""

    def __init__(
        self,
        settled: Settled,
        file: str,
        names: Container[str] | None,
        mended: tuple[Problem, ...],
        *,
        is_submitted: bool,
    ) -> None:
        self._is_submitted = is_submitted
        self._layout = settled.layout
        self._file = file
        self._names = names
        self._faults: dict[Column, dict[str, str | None]] = {column: {} for column in settled.layout.columns}
        self.problems = Problems()
        self.problems.extend((*mended, *settled.faults))
        if not settled.rows and not settled.is_told:
            what = "no text" if settled.header is None else "a header alone"
            self._add("F02", None, what, "at least one row", "write a line for each row of the list")
        if settled.is_told or settled.is_flawless:
            return
        rows = settled.rows[:-1] if settled.is_cut else settled.rows
        faultless = self._layout.faultless_line()
        has_values = self._layout.role != "list" and bool(self._layout.columns)
        for number, row in zip(settled.numbers, rows, strict=False):
            if faultless is None or not faultless.fullmatch(f"{row}\n".encode("utf-8", "surrogateescape")):
                self._row(number, row, has_values=has_values)

    def _row(self, number: int, text: str, *, has_values: bool) -> None:
        if "\0" in text:
            self._add("F03", number, "a NUL byte", "UTF-8 text", "write the line again")
            return
        if is_undecodable(text):
            self._add("F03", number, describe_undecodable(text), "UTF-8 text", "save it again as UTF-8 text")
            return
        if not has_values:
            return
        fields = self._layout.split(text)
        width = self._layout.width
        if len(fields) != width:
            self._add("F06", number, f"{_count(text, fields)}, {quote(text)}", _columns(width), _separators(text))
            return
        if self._layout.has_key:
            self._judge_key(number, fields.pop(0))
        self._judge_values(number, fields)

    def _judge_key(self, number: int, key: str) -> None:
        if not key.strip(BLANKS):
            self._add("T06", number, "no row name", "the name of the row", "copy the names from the organisers' list")
        elif self._names is not None and any(blank in key for blank in BLANKS) and key not in self._names:
            if not self._layout.has_text:
                advice = "copy the names from the organisers' list"
                self._add("F09", number, quote(key), "a name without blanks", advice)
        elif self._layout.key == "frame" and not key.isdecimal():
            self._add("T06", number, quote(key), "a frame number", "copy the frame column of the organisers' template")

    def _judge_values(self, number: int, fields: list[str]) -> None:
        pairs = dict(zip(self._faults, fields, strict=True))
        faults = {
            column: rule
            for column, field in pairs.items()
            if not isinstance(column, Text) and (rule := self._fault(self._faults[column], column, field)) is not None
        }
        if not self._is_submitted and "V04" in faults.values():
            faults = _without_whole_sentinels(pairs, faults)
        for column, rule in faults.items():
            self._add_fault(rule, number, column, pairs[column])
        probabilities = [
            float(field) for column, field in pairs.items() if isinstance(column, Probability) and column not in faults
        ]
        if len(probabilities) == 2 and probabilities[0] + probabilities[1] != 1.0:
            self._add(
                "V08",
                number,
                f"{fields[0]} + {fields[1]} = {probabilities[0] + probabilities[1]!r}",
                "p0 + p1 == 1.0",
                "round p1 first, then print p0 as 1 - p1",
            )

    def _fault(self, known: dict[str, str | None], column: Column, value: str) -> str | None:
        if value in known:
            return known[value]
        rule = column.fault(value, self._layout.role)
        if len(known) < REMEMBERED:
            known[value] = rule
        return rule

    def _add_fault(self, rule: str, number: int, column: Column, value: str) -> None:
        if self.problems.counts_only(rule, self._file):
            return
        expected, fix = column.expected(self._layout.role), FIXES[rule]
        found = f"{column.name} = {quote(value)}" if value else f"no value for {column.name}"
        if rule == "V01" and column.classes and any(map(str.isalpha, value)) and value.casefold() != "nan":
            said, more = describe_unknown(column.classes, value)
            found, expected, fix = f"{column.name} = {said}", f"{expected}, {more}", "write the number of the class"
        self._add(rule, number, found, expected, fix)

    def _add(self, rule: str, line: int | None, found: str, wanted: str, fix: str) -> None:
        self.problems.add(Problem(rule, found, wanted, fix, self._file, line))


def _without_whole_sentinels(columns: Iterable[Column], faults: Mapping[Column, str]) -> dict[Column, str]:
    """The faults but for those of tasks whose columns all hold the sentinel, which stands for no prediction."""
    partly = {column.task for column in columns if faults.get(column) != "V04"}
    return {column: rule for column, rule in faults.items() if rule != "V04" or column.task in partly}


def _columns(width: int) -> str:
    return f"{width} fields" if width != 1 else "1 field"


def _count(text: str, fields: list[str]) -> str:
    # text is split no further than is needed
    return _columns(text.count(",") + 1 if len(fields) > 2 else len(fields))


def _separators(text: str) -> str:
    if "," not in text and any(mark in text for mark in ";\t"):
        return "separate the fields by commas"
    return "write one field for each column of the format"
