"""The problems of a text file, line by line: the slow, exact path for files that the vectorised one refuses."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

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
        # the rule that a field of each column breaks
        self._known: list[dict[str, str | None]] = [{} for _ in settled.layout.columns]
        self._probabilities = [
            place for place, column in enumerate(settled.layout.columns) if isinstance(column, Probability)
        ]
        self.problems = Problems()
        self.problems.extend((*mended, *settled.faults))
        if not settled.rows and not settled.is_told:
            what = "no text" if settled.header is None else "a header alone"
            self._add("F02", None, what, "at least one row", "write a line for each row of the list")
        if settled.is_told or settled.is_flawless:
            return
        rows = settled.rows[:-1] if settled.is_cut else settled.rows
        faultless = self._layout.faultless_row
        has_values = self._layout.role != "list" and bool(self._layout.columns)
        for number, row in zip(settled.numbers, rows, strict=False):
            if faultless is None or not faultless.fullmatch(row):
                self._row(number, row, has_values=has_values)

    def _row(self, number: int, text: str, *, has_values: bool) -> None:
        if "\0" in text or is_undecodable(text):
            if not self._is_counted("F03"):
                found, fix = _unreadable(text)
                self._add("F03", number, found, "UTF-8 text", fix)
            return
        if not has_values:
            return
        fields = self._layout.split(text)
        width = self._layout.width
        if len(fields) != width:
            if not self._is_counted("F06"):
                self._add("F06", number, f"{_count(text, fields)}, {quote(text)}", _columns(width), _separators(text))
            return
        if self._layout.has_key:
            self._judge_key(number, fields.pop(0))
        self._judge_values(number, fields)

    def _judge_key(self, number: int, key: str) -> None:
        if not key.strip(BLANKS):
            if not self._is_counted("T06"):
                self._add(
                    "T06", number, "no row name", "the name of the row", "copy the names from the organisers' list"
                )
        elif self._names is not None and any(blank in key for blank in BLANKS) and key not in self._names:
            if not self._layout.has_text and not self._is_counted("F09"):
                advice = "copy the names from the organisers' list"
                self._add("F09", number, quote(key), "a name without blanks", advice)
        elif self._layout.key == "frame" and not key.isdecimal() and not self._is_counted("T06"):
            self._add("T06", number, quote(key), "a frame number", "copy the frame column of the organisers' template")

    def _judge_values(self, number: int, fields: list[str]) -> None:
        columns = self._layout.columns
        faults = {
            place: rule
            for place, (field, known) in enumerate(zip(fields, self._known, strict=True))
            if (rule := known[field] if field in known else self._fault(place, field)) is not None
        }
        if not self._is_submitted and "V04" in faults.values():
            faults = _without_whole_sentinels(columns, faults)
        for place, rule in faults.items():
            self._add_fault(rule, number, columns[place], fields[place])
        probabilities = [float(fields[place]) for place in self._probabilities if place not in faults]
        if len(probabilities) == 2 and probabilities[0] + probabilities[1] != 1.0 and not self._is_counted("V08"):
            self._add(
                "V08",
                number,
                f"{fields[0]} + {fields[1]} = {probabilities[0] + probabilities[1]!r}",
                "p0 + p1 == 1.0",
                "round p1 first, then print p0 as 1 - p1",
            )

    def _fault(self, place: int, value: str) -> str | None:
        column, known = self._layout.columns[place], self._known[place]
        rule = None if isinstance(column, Text) else column.fault(value, self._layout.role)
        if len(known) < REMEMBERED:
            known[value] = rule
        return rule

    def _add_fault(self, rule: str, number: int, column: Column, value: str) -> None:
        if self._is_counted(rule):
            return
        expected, fix = column.expected(self._layout.role), FIXES[rule]
        found = f"{column.name} = {quote(value)}" if value else f"no value for {column.name}"
        if rule == "V01" and column.classes and any(map(str.isalpha, value)) and value.casefold() != "nan":
            said, more = describe_unknown(column.classes, value)
            found, expected, fix = f"{column.name} = {said}", f"{expected}, {more}", "write the number of the class"
        self._add(rule, number, found, expected, fix)

    def _is_counted(self, rule: str) -> bool:
        """Count an occurrence of a rule of which enough are kept, and return True; else return False."""
        return self.problems.counts_only(rule, self._file)

    def _add(self, rule: str, line: int | None, found: str, wanted: str, fix: str) -> None:
        self.problems.add(Problem(rule, found, wanted, fix, self._file, line))


def _without_whole_sentinels(columns: Sequence[Column], faults: Mapping[int, str]) -> dict[int, str]:
    """The faults but for those of tasks whose columns all hold the sentinel, which stands for no prediction."""
    partly = {column.task for place, column in enumerate(columns) if faults.get(place) != "V04"}
    return {place: rule for place, rule in faults.items() if rule != "V04" or columns[place].task in partly}


def _columns(width: int) -> str:
    return f"{width} fields" if width != 1 else "1 field"


def _count(text: str, fields: list[str]) -> str:
    # text is split no further than is needed
    return _columns(text.count(",") + 1 if len(fields) > 2 else len(fields))


def _unreadable(text: str) -> tuple[str, str]:
    """What is in a line that is no text, and what to do about it."""
    if "\0" in text:
        return "a NUL byte", "write the line again"
    return describe_undecodable(text), "save it again as UTF-8 text"


def _separators(text: str) -> str:
    if "," not in text and any(mark in text for mark in ";\t"):
        return "separate the fields by commas"
    return "write one field for each column of the format"
