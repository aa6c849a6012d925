"""The problems of a text file, line by line: the slow, exact path for files that the vectorised one refuses."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Container
from dataclasses import replace

from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.formats.columns import BLANKS, FIXES, Column, Probability, Text
from abawbench.formats.layout import Layout, describe_owners, is_header
from abawbench.formats.text import BOM, encoding_fault, note, quote

# rules that a reader tolerates; a submission has to keep them
READERS_TOLERATE = frozenset({"F05", "F08", "F09", "N06"})
# number of fields of a column whose faults are remembered
REMEMBERED = 10_000


def reading_problems(data: bytes, layout: Layout, file: str) -> Problems:
    """Find the problems for which a file cannot be read.

    Commas and blanks at the ends of lines, blanks around values, and a whole last row without a line feed are
    tolerated. A byte order mark, Windows line ends and blank lines at the end are notes.

    Args:
        data: the whole file, any bytes.
        layout: the layout that the file should have; columns found by name are arranged beforehand.
        file: the file's name, for messages.
    """
    return _Diagnosis(layout, file, READERS_TOLERATE, ()).of(data)


def submission_problems(data: bytes, layout: Layout, file: str, names: Container[str] = ()) -> Problems:
    """Find the problems for which the organisers would refuse a file, without regard to their list.

    Args:
        data: the whole file, any bytes.
        layout: the layout that the file should have.
        file: the file's name, for messages.
        names: row names of the organisers' list that hold blanks.
    """
    return _Diagnosis(layout, file, frozenset(), names).of(data)


class _Diagnosis:
    """The faults that were found in the lines of one file so far."""

    def __init__(self, layout: Layout, file: str, tolerated: frozenset[str], names: Container[str]) -> None:
        self._layout = layout
        self._file = file
        self._tolerated = tolerated
        self._names = names
        self._counts: Counter[str] = Counter()
        self._kept: dict[str, list[Problem]] = {}
        self._faults: dict[Column, dict[str, str | None]] = {column: {} for column in layout.columns}
        self._has_values = layout.role != "list" and bool(layout.columns)

    def of(self, data: bytes) -> Problems:
        self._read(data)
        problems = Problems()
        for rule, kept in self._kept.items():
            surplus = self._counts[rule] - sum(problem.count for problem in kept)
            for problem in (replace(kept[0], count=kept[0].count + surplus), *kept[1:]):
                problems.add(problem)
        return problems

    def _read(self, data: bytes) -> None:
        if not data.strip():
            self._add("F02", 1, "no text", "at least one row", "write the file again")
            return
        wrong = encoding_fault(data)
        if wrong is not None:
            self._add("F03", 1, wrong, "UTF-8 text whose lines end with a line feed", "save it again as UTF-8 text")
            return
        if data.startswith(BOM):
            self._add_note("N02", 1)
        returns = data.count(b"\r\n")
        if returns:
            self._add_note("N01", None, returns)
        self._lines(io.BytesIO(data))

    def _lines(self, lines: io.BytesIO) -> None:
        faultless = self._layout.faultless_line() if self._has_values else None
        # numbers of the first blank lines since the last row, and how many there are
        blank: list[int] = []
        blanks = rows = 0
        for number, line in enumerate(lines, start=1):
            if number == 1 and self._takes_header(line.removeprefix(BOM)):
                continue
            if not line.strip():
                blank = [*blank, number][:SHOWN]
                blanks += 1
                continue
            for place in blank:
                self._add("F10", place, "a blank line", "a row", "remove the line, or write the row that belongs there")
            if blanks:
                self._counts["F10"] += blanks - len(blank)
                blank, blanks = [], 0
            rows += 1
            if faultless is None or not faultless.fullmatch(line):
                self._row(number, line.removeprefix(BOM) if number == 1 else line)
        if blanks:
            self._add_note("N03", blank[0], blanks)
        if not rows:
            self._add("F02", None, "a header alone", "at least one row", "write a line for each row of the list")

    def _takes_header(self, line: bytes) -> bool:
        """Check the first line if it is a header, and return True; return False for a row."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        header = self._layout.header
        if not is_header(text, self._layout):
            if header is not None:
                self._add("F04", 1, f"a row, {quote(text)}", f"'{header}'", "write the header as the first line")
            return False
        if header is None:
            self._add("F11", 1, quote(text), "the first row", "remove the header: the format has no header")
        elif text not in self._layout.headers:
            self._judge_header(text, line, header)
        return True

    def _judge_header(self, text: str, line: bytes, header: str) -> None:
        wanted = self._layout.headers
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            self._add("F03", 1, "bytes that are not UTF-8", "UTF-8 text", "save it again as UTF-8 text")
            return
        if "\0" in text:
            self._add("F03", 1, "a NUL byte", "UTF-8 text", "save it again as UTF-8 text")
        elif '"' in text:
            self._add("F07", 1, quote(text), f"'{header}'", "write the header without quotes")
        elif text.rstrip(", \t") in wanted:
            self._add_unless_tolerated(
                "F08", 1, quote(text[-20:]), "the header and nothing after it", "end the line after the last name"
            )
        elif text.replace(" ", "").rstrip(",") in {name.replace(" ", "") for name in wanted}:
            self._add_unless_tolerated("F09", 1, quote(text), f"'{header}'", "remove the blanks from the header")
        else:
            found = quote(text) + describe_owners(text.rstrip(", \t"), self._layout)
            self._add("F04", 1, found, f"'{header}'", "copy the header of the organisers' list")

    def _row(self, number: int, line: bytes) -> None:
        if b"\0" in line:
            self._add("F03", number, "a NUL byte", "UTF-8 text", "write the line again")
            return
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            found = f"byte 0x{line[error.start]:02x} at position {error.start + 1}"
            self._add("F03", number, found, "UTF-8 text", "save it again as UTF-8 text")
            return
        if not self._has_values:
            return
        has_text = self._layout.has_text
        if '"' in text and not has_text:
            self._add("F07", number, quote(text), "fields without quotes", "write the fields without quotes")
            text = text.replace('"', "")
        has_end_blank = text[-1:] in {*BLANKS} and not has_text
        if has_end_blank:
            text = text.rstrip(BLANKS)
        is_cut = not line.endswith(b"\n")
        fields = self._layout.split(text)
        width = self._layout.width
        has_end_comma = not is_cut and len(fields) == width + 1 and not fields[-1]
        if has_end_comma:
            fields.pop()
        if has_end_blank and self._layout.takes_blanks and not has_end_comma:
            self._note_blank(number, f"{text} "[-20:])
        elif has_end_comma or has_end_blank:
            wanted = "a line that ends with its last value"
            self._add_unless_tolerated("F08", number, quote(text[-20:]), wanted, "remove what follows the last value")
        if is_cut and not self._is_last_row_whole(number, text, fields):
            return
        if len(fields) != width:
            self._add("F06", number, f"{_count(text, fields)}, {quote(text)}", _columns(width), _separators(text))
            return
        if self._layout.has_key:
            self._judge_key(number, fields.pop(0))
        self._judge_values(number, fields)

    def _is_last_row_whole(self, number: int, text: str, fields: list[str]) -> bool:
        is_whole = len(fields) == self._layout.width and all(field.strip(BLANKS) for field in fields)
        if not is_whole or "F05" not in self._tolerated:
            self._add(
                "F05",
                number,
                f"{quote(text)} without a line feed",
                "a whole row and a line feed",
                "write the file again, to its end: a number that is cut off cannot be told from a short one",
            )
        return is_whole

    def _judge_key(self, number: int, key: str) -> None:
        if not key.strip(BLANKS):
            self._add("T06", number, "no row name", "the name of the row", "copy the names from the organisers' list")
        elif any(blank in key for blank in BLANKS) and key not in self._names and not self._layout.has_text:
            self._add_unless_tolerated(
                "F09", number, quote(key), "a name without blanks", "copy the names from the organisers' list"
            )
        elif self._layout.key == "frame" and not key.isdecimal():
            self._add("T06", number, quote(key), "a frame number", "copy the frame column of the organisers' template")

    def _judge_values(self, number: int, fields: list[str]) -> None:
        probabilities: list[float] = []
        for (column, known), field in zip(self._faults.items(), fields, strict=True):
            if isinstance(column, Text):
                continue
            value = field.strip(BLANKS)
            if value != field and self._layout.takes_blanks:
                self._note_blank(number, field)
            elif value != field:
                self._add_unless_tolerated(
                    "F09", number, quote(field), "a value without blanks", "remove the blanks around values"
                )
            rule = self._fault(known, column, value)
            if rule is not None:
                self._add_fault(rule, number, column, value)
            elif isinstance(column, Probability):
                probabilities.append(float(value))
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
        if self._counts[rule] >= SHOWN:
            self._counts[rule] += 1
            return
        found = f"{column.name} = {quote(value)}" if value else f"no value for {column.name}"
        self._add(rule, number, found, column.expected(self._layout.role), FIXES[rule])

    def _note_blank(self, number: int, text: str) -> None:
        self._add_unless_tolerated(
            "N06", number, quote(text), "a value without blanks", "remove the blanks around values"
        )

    def _add_unless_tolerated(self, rule: str, line: int, found: str, wanted: str, fix: str) -> None:
        if rule not in self._tolerated:
            self._add(rule, line, found, wanted, fix)

    def _add_note(self, rule: str, line: int | None, count: int = 1) -> None:
        self._counts[rule] += count
        self._kept.setdefault(rule, []).append(note(rule, self._file, line, count))

    def _add(self, rule: str, line: int | None, found: str, wanted: str, fix: str, count: int = 1) -> None:
        self._counts[rule] += count
        kept = self._kept.setdefault(rule, [])
        if len(kept) < SHOWN:
            kept.append(Problem(rule, found, wanted, fix, self._file, line, count))


def _columns(width: int) -> str:
    return f"{width} fields" if width != 1 else "1 field"


def _count(text: str, fields: list[str]) -> str:
    # text is split no further than is needed
    return _columns(text.count(",") + 1 if len(fields) > 2 else len(fields))


def _separators(text: str) -> str:
    if "," not in text and any(mark in text for mark in ";\t"):
        return "separate the fields by commas"
    return "write one field for each column of the format"
