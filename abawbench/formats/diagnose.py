"""What is wrong with a text file, line by line: the slow, exact path behind the vectorised reader."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Container
from dataclasses import replace

from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.formats.fields import BLANKS, FIXES, expected, good_line, is_number, verdict
from abawbench.formats.layout import Column, Layout, Role, layouts
from abawbench.formats.parse import BOM

# what a reader passes over; a submission may not
READERS_TOLERATE = frozenset({"F05", "F08", "F09"})
UNICODE_MARKS = (b"\xff\xfe", b"\xfe\xff")
# verdicts of a column's fields are remembered up to this many
REMEMBERED = 10_000


def reading_problems(data: bytes, layout: Layout, file: str) -> Problems:
    """What stops a reader.

    Passed over: commas and blanks at the ends of lines, blanks around values, a last row without line feed that is
    whole. Byte order mark, Windows line ends and blank lines at the end are notes.

    Args:
        data: the whole file, any bytes.
        layout: what it should look like; columns found by name are arranged beforehand.
        file: its name, for the messages.
    """
    return _Diagnosis(layout, file, READERS_TOLERATE, ()).of(data)


def submission_problems(data: bytes, layout: Layout, file: str, names: Container[str] = ()) -> Problems:
    """What the organisers would object to in a file on its own, without their list.

    Args:
        data: the whole file, any bytes.
        layout: what it should look like.
        file: its name, for the messages.
        names: row names of the organisers' list, which may hold blanks.
    """
    return _Diagnosis(layout, file, frozenset(), names).of(data)


def shown(text: str) -> str:
    """A piece of a file as a message quotes it: control characters made visible, at most 60 characters."""
    piece = text if len(text) <= 60 else f"{text[:57]}..."
    return "'" + "".join(char if char.isprintable() else repr(char)[1:-1] for char in piece) + "'"


def encoding_fault(data: bytes) -> str | None:
    """Why no rows can be told apart in these bytes, None where they can."""
    head = data[:4096]
    if head.startswith(UNICODE_MARKS) or head.count(0) > len(head) // 4:
        return "UTF-16 or binary data"
    if b"\n" not in data and b"\r" in data.strip():
        return "line ends of old Macs"
    return None


def is_header(line: str, layout: Layout) -> bool:
    """True when a first line is meant as a header, right or wrong, and not as a row."""
    fields = line.replace('"', "").rstrip(", \t\r").split(",")
    if layout.header is None:
        values = fields[1 : 1 + max(1, len(layout.columns))]
        names = [field.strip(BLANKS).replace("_", "").replace(" ", "") for field in values]
        return (
            bool(layout.columns and names)
            and fields[0].strip(BLANKS)[-4:] not in {".jpg", ".mp4"}
            and all(name.isalnum() and not name.isdigit() for name in names)
        )
    if line.rstrip(", ") in {layout.header, *layout.header_aliases}:
        return True
    values = fields if layout.key == "line" else fields[1:]
    return not (len(fields) == layout.width and all(is_number(field) for field in values))


class _Diagnosis:
    """The lines of one file, the faults found in them so far."""

    def __init__(self, layout: Layout, file: str, tolerated: frozenset[str], names: Container[str]) -> None:
        self._layout = layout
        self._file = file
        self._tolerated = tolerated
        self._names = names
        self._counts: Counter[str] = Counter()
        self._kept: dict[str, list[Problem]] = {}
        self._verdicts: dict[Column, dict[str, str | None]] = {column: {} for column in layout.columns}
        self._has_key = layout.key != "line"
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
            self._add("F03", 1, wrong, "UTF-8 text, lines that end with a line feed", "save it again as UTF-8 text")
            return
        if data.startswith(BOM):
            self._add("N02", 1, "a byte order mark", "the first character of the text", "save as UTF-8 without it")
        returns = data.count(b"\r\n")
        if returns:
            self._add("N01", None, "carriage returns", "a line feed alone", "save with Unix line ends", returns)
        self._lines(io.BytesIO(data))

    def _lines(self, lines: io.BytesIO) -> None:
        good = good_line(self._layout) if self._has_values else None
        # numbers of the first blank lines since the last row, and how many there are
        blank: list[int] = []
        blanks = rows = 0
        for number, line in enumerate(lines, start=1):
            if number == 1 and self._is_first_line_done(line.removeprefix(BOM)):
                continue
            if not line.strip():
                blank = [*blank, number][:SHOWN]
                blanks += 1
                continue
            for place in blank:
                self._add("F10", place, "a blank line", "a row", "remove the line, or write the row it stands for")
            if blanks:
                self._counts["F10"] += blanks - len(blank)
                blank, blanks = [], 0
            rows += 1
            if good is None or not good.fullmatch(line):
                self._row(number, line.removeprefix(BOM) if number == 1 else line)
        if blanks:
            self._add("N03", blank[0], "blank lines at the end", "a row", "end the file after the last row", blanks)
        if not rows:
            self._add("F02", None, "a header alone", "at least one row", "write a line for each row of the list")

    def _is_first_line_done(self, line: bytes) -> bool:
        """True where the first line is a header, which is then judged; a row is judged with the others."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        header = self._layout.header
        if not is_header(text, self._layout):
            if header is not None:
                self._add("F04", 1, f"a row, {shown(text)}", f"'{header}'", "put the header line first")
            return False
        if header is None:
            self._add("F11", 1, shown(text), "the first row", "remove the header: the format has none")
        elif text not in {header, *self._layout.header_aliases}:
            self._judge_header(text, line, header)
        return True

    def _judge_header(self, text: str, line: bytes, header: str) -> None:
        wanted = {header, *self._layout.header_aliases}
        unquoted = text.replace('"', "")
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            self._add("F03", 1, "bytes that are not UTF-8", "UTF-8 text", "save it again as UTF-8")
            return
        if "\0" in text:
            self._add("F03", 1, "a NUL byte", "UTF-8 text", "save it again as UTF-8 text")
        elif '"' in text:
            self._add("F07", 1, shown(text), f"'{header}'", "write the header without quotes")
        elif text.rstrip(", \t") in wanted:
            self._add_unless_tolerated(
                "F08", 1, shown(text[-20:]), "the header and nothing after it", "end the line after the last name"
            )
        elif unquoted.replace(" ", "").rstrip(",") in {name.replace(" ", "") for name in wanted}:
            self._add_unless_tolerated("F09", 1, shown(text), f"'{header}'", "remove the blanks")
        else:
            found = shown(text) + whose(text.rstrip(", \t"), self._layout)
            self._add("F04", 1, found, f"'{header}'", "copy the header of the organisers' list")

    def _row(self, number: int, line: bytes) -> None:
        if b"\0" in line:
            self._add("F03", number, "a NUL byte", "UTF-8 text", "write the line again")
            return
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            found = f"byte 0x{line[error.start]:02x} at position {error.start + 1}"
            self._add("F03", number, found, "UTF-8 text", "save it again as UTF-8")
            return
        if not self._has_values:
            return
        has_text = self._layout.columns[-1].kind == "text"
        if '"' in text and not has_text:
            self._add("F07", number, shown(text), "fields without quotes", "write the fields without quotes")
            text = text.replace('"', "")
        has_end_blank = text[-1:] in {*BLANKS} and not has_text
        if has_end_blank:
            text = text.rstrip(BLANKS)
        is_cut = not line.endswith(b"\n")
        fields = self._split(text)
        width = self._layout.width
        has_end_comma = not is_cut and len(fields) == width + 1 and not fields[-1]
        if has_end_comma:
            fields.pop()
        if has_end_comma or has_end_blank:
            wanted = "a line that ends with its last value"
            self._add_unless_tolerated("F08", number, shown(text[-20:]), wanted, "remove what follows the last value")
        if is_cut and not self._is_last_row_whole(number, text, fields):
            return
        if len(fields) != width:
            self._add("F06", number, f"{_count(text, fields)}, {shown(text)}", _columns(width), _separators(text))
            return
        if self._has_key:
            self._judge_key(number, fields[0])
        self._judge_values(number, fields[1:] if self._has_key else fields)

    def _is_last_row_whole(self, number: int, text: str, fields: list[str]) -> bool:
        is_whole = len(fields) == self._layout.width and all(field.strip(BLANKS) for field in fields)
        if not is_whole or "F05" not in self._tolerated:
            self._add(
                "F05",
                number,
                f"{shown(text)} without a line feed",
                "a whole row and a line feed",
                "write the file again, to its end: a number that is cut off cannot be told from a short one",
            )
        return is_whole

    def _split(self, text: str) -> list[str]:
        if self._layout.format == "ah-split":
            return text.split(",", 2)
        if self._layout.key == "frame-path":
            return text.rsplit(",", 1)
        # one more than the format has shows that there are too many
        return text.split(",", self._layout.width + 1)

    def _judge_key(self, number: int, key: str) -> None:
        if not key.strip(BLANKS):
            self._add("T06", number, "no row name", "the name of the row", "copy the names from the organisers' list")
        elif any(blank in key for blank in BLANKS) and key not in self._names and self._layout.format != "ah-split":
            self._add_unless_tolerated(
                "F09", number, shown(key), "a name without blanks", "copy the names from the organisers' list"
            )
        elif self._layout.key == "frame" and not key.isdecimal():
            self._add("T06", number, shown(key), "a frame number", "copy the frame column of the organisers' template")

    def _judge_values(self, number: int, fields: list[str]) -> None:
        probabilities: list[float] = []
        for (column, known), field in zip(self._verdicts.items(), fields, strict=True):
            if column.kind == "text":
                continue
            value = field.strip(BLANKS)
            if value != field:
                self._add_unless_tolerated(
                    "F09", number, shown(field), "a value without blanks", "remove the blanks around values"
                )
            rule = self._verdict(known, column, value)
            if rule is not None:
                self._value_fault(rule, number, column, value)
            elif column.kind == "probability":
                probabilities.append(float(value))
        if len(probabilities) == 2 and probabilities[0] + probabilities[1] != 1.0:
            self._add(
                "V08",
                number,
                f"{fields[0]} + {fields[1]} = {probabilities[0] + probabilities[1]!r}",
                "p0 + p1 == 1.0",
                "round p1 first, then print p0 as 1 - p1",
            )

    def _verdict(self, known: dict[str, str | None], column: Column, value: str) -> str | None:
        if value in known:
            return known[value]
        rule = verdict(column, value, self._layout.role)
        if len(known) < REMEMBERED:
            known[value] = rule
        return rule

    def _value_fault(self, rule: str, number: int, column: Column, value: str) -> None:
        if self._counts[rule] >= SHOWN:
            self._counts[rule] += 1
            return
        found = f"{column.name} = {shown(value)}" if value else f"no value for {column.name}"
        self._add(rule, number, found, expected(column, self._layout.role), FIXES[rule])

    def _add_unless_tolerated(self, rule: str, line: int, found: str, wanted: str, fix: str) -> None:
        if rule not in self._tolerated:
            self._add(rule, line, found, wanted, fix)

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


def owners(header: str, layout: Layout) -> list[str]:
    """Ids of the challenges that have this header in a format other than the layout's."""
    from abawbench.challenges import CHALLENGES

    role: Role = "truth" if layout.role == "list" else layout.role
    return [
        challenge.id
        for challenge in CHALLENGES.values()
        for other in layouts(challenge, role)
        if other.format in {challenge.annotation_format, challenge.prediction_format}
        and header in {other.header, *other.header_aliases}
        and (other.format, other.columns) != (layout.format, layout.columns)
    ]


def whose(header: str, layout: Layout) -> str:
    """A remark on the challenges that have this header, empty where none has."""
    ids = owners(header, layout)
    more = " and others" if len(ids) > SHOWN else ""
    return f", the header of {', '.join(ids[:SHOWN])}{more}" if ids else ""
