"""Reading: text files of a truth or a prediction as units, frames and values, and what is wrong with each line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from abawbench.organisers.frozen.parts.problems import Problems

# frame of a row that is a whole video or image
NO_FRAME = -1
# bytes that are read at a time, and those of the longest line
PIECE = 1 << 20
# lines that are looked at to find row numbers
LOOKED_AT = 1000
BLANKS = " \t"
BOM = b"\xef\xbb\xbf"
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
# bytes that are not UTF-8, as Python decodes them
UNDECODABLE = re.compile("[\udc80-\udcff]")
# a first field that is the name of a row, and what libraries print around values
ROW_NAME = re.compile(r"[^,;\t]*(?:/|\\|\.(?:jpe?g|png|mp4|avi)\b)", re.IGNORECASE)
PRINTED = re.compile(r"(?:^|,)\s*[\[(]|\b(?:tensor|array|Tensor|DeviceArray|(?:np|numpy|torch|jnp)\.\w+)\(")
NAMES = {
    "path": re.compile(r"(.+)/([0-9]{5}|[1-9][0-9]{5,7})\.jpg"),
    "frame-path": re.compile(r"(.+)/frame-(0|[1-9][0-9]{0,7})\.jpg"),
    "frame": re.compile(r"()([0-9]{1,9})"),
}
# names of a column of row numbers, and of the validation split
INDEX_NAMES = ("", "unnamed:0", "index", "id", "idx", "row", "no", "no.")
VALIDATION = ("val", "valid", "validation", "dev", "devel")
# files of Finder and the Windows Explorer, in lower case
LITTER = ("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin")
VALUES = {
    "V01": ("a finite number", "write a number in every field"),
    "V02": ("a finite number", "find out where the model overflows, then write a finite number"),
    "V03": ("a number in the range of the column", "clip the prediction before writing it"),
    "V04": ("a value of the column", "write a prediction: a sentinel marks a missing annotation"),
    "V05": ("an integer", "decide the class and write its number"),
    "V06": ("the number of a class", "write the position in the list of classes, counted from 0"),
    "V07": ("0 or 1", "write 1 for a probability of at least 0.5, and 0 for a smaller one"),
    "V09": ("an annotation", "compare the annotation with the organisers' file"),
}


class Rows:
    """Rows in the order of their file, as units and frames, with the values of each task and the line of each row.

    A missing annotation is NaN among real numbers and -1 among whole ones.
    """

    def __init__(self, key: str, units: list[str], unit: Any, frame: Any, lines: Any) -> None:
        self.key = key
        self.units = units
        self.unit = unit
        self.frame = frame
        self.lines = lines
        self.values: dict[str, Any] = {}
        self.probability: Any = None

    def __len__(self) -> int:
        return len(self.unit)

    def name(self, row: int) -> str:
        """The name of a row as the format writes it, or the unit and the frame where it writes no unit."""
        unit, frame = self.units[self.unit[row]], int(self.frame[row])
        if frame == NO_FRAME:
            return unit
        form = {"path": "{}/{:05d}.jpg", "frame-path": "{}/frame-{}.jpg"}.get(self.key, "{} frame {}")
        return form.format(unit, frame) if unit else str(frame)

    def codes(self) -> Any:
        """One number for each pair of a unit and a frame."""
        return (self.unit.astype(np.int64) << 32) + self.frame


def quote(text: str) -> str:
    """At most 60 characters of a text in quotes, with control characters made visible."""
    piece = text if len(text) <= 60 else text[:57] + "..."
    return "'" + "".join(char if char.isprintable() else repr(char)[1:-1] for char in piece) + "'"


def layouts_of(record: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """The layouts that a file of a role may have, with their columns: a prediction those of a submission alone."""
    found: list[dict[str, Any]] = []
    for facts in record["layouts"]:
        names = ("p0", "p1") * facts["probabilities"]
        columns: list[Any] = [{"name": name, "kind": "probability", "low": 0, "high": 1} for name in names]
        for task in record["tasks"]:
            sentinel = task["sentinel"] if role == "truth" else None
            columns += [dict(task, task=task["name"], name=name, sentinel=sentinel) for name in task["labels"]]
        columns += [{"name": "text", "kind": "text"}] * facts["text"]
        layout = dict(facts, role=role, tasks=record["tasks"], columns=columns)
        layout["width"] = len(columns) + (facts["key"] != "line")
        layout["headers"] = ([facts["header"]] if facts["header"] else []) + facts["aliases"]
        layout["is_faultless"] = faultless(layout)
        if role == "truth" or facts["format"] == record["official"]:
            found.append(layout)
    return found


def faultless(layout: dict[str, Any]) -> Any:
    """A test that only faultless lines pass, though not all of them."""
    parts = {"line": [], "frame": ["[0-9]{1,9}"]}.get(layout["key"], [r"[!#-+\--~]+"])
    for column in layout["columns"]:
        if column["kind"] == "numbers":
            part = "0(?:\\.[0-9]+)?" + "|1(?:\\.0+)?" * (column["high"] == 1)
            part = "-?" * (column["low"] == -1) + f"(?:{part})"
        elif column["kind"] in ("class", "labels"):
            part = "(?:" + "|".join(str(number) for number in range(int(column["high"]) + 1)) + ")"
        else:
            # no pattern tells whether probabilities sum to 1, and text may hold anything
            return lambda _: False
        parts = [*parts, part if column["sentinel"] is None else f"(?:{part}|{column['sentinel']:g}(?:\\.0+)?)"]
    return re.compile(",".join(parts)).fullmatch


def value_faults(column: dict[str, Any], field: str, role: str) -> list[str]:
    """The rules that a field breaks; none where it holds a value of the column."""
    if column["kind"] == "text":
        return []
    if INFINITE.fullmatch(field) or not NUMBER.fullmatch(field) or abs(float(field)) == np.inf:
        return ["V02" if INFINITE.fullmatch(field) or NUMBER.fullmatch(field) else "V01"]
    value, is_real = float(field), column["kind"] in ("numbers", "probability")
    is_whole, is_in_range = value == int(value), column["low"] <= value <= column["high"]
    is_written_whole = bool(re.fullmatch("-?[0-9]+", field))
    if role == "truth":
        return [] if value == column["sentinel"] or (is_in_range and (is_whole or is_real)) else ["V09"]
    if is_real:
        return [] if is_in_range else ["V04" if column["low"] < 0 and value == -5 else "V03"]
    if value == -1:
        return ["V04"] if is_written_whole else ["V05", "V04"]
    if is_in_range and is_whole:
        return [] if is_written_whole else ["V05"]
    return ["V07" if column["kind"] == "labels" else "V06" if is_whole else "V05"]


def load(path: str, problems: Problems) -> bytes | None:
    """The bytes of a file; None, and a problem, where it cannot be read."""
    data, why = b"", "neither a file nor a folder"
    try:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                data, why = file.read(), ""
    except (OSError, ValueError) as error:
        why = str(error)
    if why:
        problems.add("F01", why, "a file that can be read", "check its path and rights", path)
    elif not data.strip():
        problems.add("F02", "no row", "at least one row", "write the file again", path)
    return data if data.strip() else None


def as_lines(data: bytes, file: str, problems: Problems) -> bytes | None:
    """The bytes of a text with line feeds as line ends; None, and a problem, for bytes that are no such text."""
    head, expected, fix = data[:4096], "UTF-8 text whose lines end with a line feed", "save it again as UTF-8 text"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(0) > len(head) // 4:
        problems.add("F03", "UTF-16 or binary data", expected, fix, file, 1)
        return None
    if b"\n" not in data and b"\r" in data.strip():
        problems.add("F03", "line ends of old Macs", expected, fix, file, 1)
        return None
    for begin in range(0, len(data) - PIECE, PIECE):
        if data.find(b"\n", begin, begin + PIECE) < 0 and data.find(b"\r", begin, begin + PIECE) < 0:
            line, found = data.count(b"\n", 0, begin) + 1, f"more than {PIECE:,} bytes without a line end"
            problems.add("F06", found, "lines of rows", "write the file again", file, line)
            return None
    if data.startswith(BOM):
        problems.add("N02", "a byte order mark", "text without one", "save it as UTF-8 without one", file, 1)
        data = data[len(BOM) :]
    returns = data.count(b"\r\n")
    if returns:
        problems.add("N01", "carriage returns", "line feeds", "save it with Unix line ends", file, count=returns)
        data = data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n")
    return data


def pieces(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The lines of a file in pieces, each with the number of its first line."""
    begin, number = 0, 1
    while begin < len(data):
        end = data.find(b"\n", begin + PIECE) + 1 or len(data)
        lines = data[begin:end].decode("utf-8", "surrogateescape").split("\n")
        yield number, lines if lines[-1] else lines[:-1]
        begin, number = end, number + len(lines) - (not lines[-1])


def is_number(field: str) -> bool:
    """True for a number, which a header would not hold."""
    return bool(NUMBER.fullmatch(field.strip(BLANKS)))


def squeeze(line: str) -> str:
    """The letters of a header, to compare it by."""
    return re.sub(r"[\s,;|\"'#%/]+", "", line).lower()


def split(line: str, layout: dict[str, Any]) -> list[str]:
    """The fields of a line."""
    if layout["text"]:
        return line.split(",", layout["width"] - 1)
    return line.rsplit(",", 1) if layout["key"] == "frame-path" else line.split(",")


def has_marks(line: str, width: int, first: int) -> bool:
    """True if another mark than the comma gives a line as many fields as asked, with numbers from one place on."""
    marks = [mark for mark in (";", "\t", "|") if mark in line.strip(BLANKS)] + [None] * ("," not in line)
    every = [line.split(mark) for mark in marks]
    return any(
        len(fields) == width > 1 and all(is_number(field.replace(",", ".")) for field in fields[first:])
        for fields in every
    )


def layout_of(first: str, layouts: Sequence[dict[str, Any]], of_unit: bool) -> dict[str, Any]:
    """The layout that the first line of a file indicates, or else the first that fits the kind of file."""
    header, fields = first.rstrip(", "), first.split(",")
    is_trial = len(fields) == 4 and all(map(is_number, fields[1:3])) and "." in fields[1]
    fields = fields[fields[0].strip().isdecimal() :]
    for layout in layouts:
        if header in layout["headers"]:
            return layout
    for layout in layouts:
        if layout["by_name"] and layout["header"].split(",")[0] in first.split(","):
            return layout
        if layout["key"] == "frame-path" and "/frame-" in first:
            return layout
        if layout["text"] and len(fields) >= layout["width"] and not is_trial:
            return layout
        is_named = layout["header"] is None and layout["key"] == "id" and not layout["text"]
        if is_named and (len(fields) == layout["width"] or has_marks(first, layout["width"], 1)):
            return layout
    return next((layout for layout in layouts if layout["per_unit"] == of_unit), layouts[0])


def line_fault(text: str, layout: dict[str, Any], *, is_header: bool = False) -> tuple[str, str, str] | None:
    """The rule that a line breaks as a whole, what is expected and a cure; None for a line of fields."""
    width = layout["header"].count(",") + 1 if is_header else layout["width"]
    fields = text.split(",") if is_header else split(text, layout)
    first, _, behind = text.partition(",")
    if "\0" in text or UNDECODABLE.search(text):
        return "F03", "UTF-8 text", "save it again as UTF-8 text"
    if layout["text"]:
        return None if len(fields) == width else ("F06", f"{width} fields", "write the fields of the format")
    if '"' in text:
        return "F07", "fields without quotes", "write without quotes"
    if has_marks(text, width, width if is_header else layout["key"] != "line"):
        return "F13", "commas between fields, points in numbers", "separate the fields by commas"
    if PRINTED.search(text if layout["key"] == "line" else behind) and not is_header:
        return "F18", "a plain number", "write the value itself, x.item()"
    ended = text.rstrip("," + BLANKS)
    if ended != text and len(split(ended, layout)) == width:
        return "F08", "a line that ends with its last value", "remove what follows the last value"
    is_before_name = layout["key"] in ("path", "frame-path", "image") and ROW_NAME.match(behind)
    is_longer = len(fields) == width + 1 or layout["key"] == "frame-path"
    if first.strip().isdecimal() and is_longer and (layout.get("is_indexed") or is_before_name):
        return "F14", "the row alone", "write without an index (index=False in pandas)"
    if any(field != field.strip(BLANKS) for field in fields):
        return "F09", "fields without blanks", "remove the blanks"
    return None if len(fields) == width else ("F06", f"{width} fields", "write one field for each column of the format")


def named(names: Sequence[str], key: str, units: dict[str, int]) -> tuple[Any, Any]:
    """The number of the unit of each row, and its frame; new units are added to those that are known."""
    pattern = NAMES.get(key, re.compile("(?!)"))
    found = [pattern.fullmatch(name) or name for name in names]
    parts = [(name, NO_FRAME) if isinstance(name, str) else name.groups() for name in found]
    unit = np.array([units.setdefault(name, len(units)) for name, _ in parts], np.int32)
    return unit, np.array([int(number) for _, number in parts], np.int32)


class Reader:
    """One text file, line by line, and what has to wait for its end.

    Attributes:
        layout: the layout of its rows.
        headers: line numbers of headers below the first line.
        is_told: True if it makes no sense to compare its rows.
    """

    def __init__(
        self,
        data: bytes,
        layouts: Sequence[dict[str, Any]],
        file: str,
        problems: Problems,
        *,
        of_unit: bool = False,
        odd: Any = (),
        counts: Sequence[int] = (),
    ) -> None:
        self.data = data
        self.file = file
        self.problems = problems
        # names of the list that hold blanks or begin as comments do, and numbers of rows that there may be
        self.odd = odd
        self.counts = counts
        self.squeezed = {squeeze(header) for layout in layouts for header in layout["headers"]}
        lines = [line.strip("\r\ufeff") for line in next(pieces(data), (1, [""]))[1][:LOOKED_AT]]
        lines = [line for line in lines if line.strip() and not self.is_comment(line)] or [""]
        self.layout = dict(layout_of(lines[0].replace('"', ""), layouts, of_unit))
        firsts = [line.partition(",")[0] for line in lines[1:] if line.count(",") == self.layout["width"]]
        if self.layout["key"] in ("line", "id") and 2 < len(firsts) == len(lines) - 1 and firsts[1].isdecimal():
            begin = int(firsts[1]) - 1
            self.layout["is_indexed"] = begin < 3 and firsts == [str(begin + place) for place in range(len(firsts))]
        self.cut_line = 0 if data.endswith(b"\n") else data.count(b"\n") + 1
        self.is_begun = self.is_torn = self.is_told = self.is_wrong = self.is_part = False
        self.names: list[str] = []
        self.headers: list[int] = []
        self.blanks: list[int] = []
        self.last = self.misfits = self.count = self.seen = 0
        # a row of a wrong number of fields, and rows without values: name, line, whether fields lack too
        self.example: Any = None
        self.empty: list[tuple[str, int, bool]] = []
        self.is_validation: list[bool] = []
        self.units: dict[str, int] = {}

    def tell(self, rule: str, found: str, expected: str, fix: str, line: int | None = None, count: int = 1) -> None:
        """Add a problem of this file."""
        self.problems.add(rule, found, expected, fix, self.file, line, count)

    def read(self) -> Rows:
        """The rows, and what is wrong with them."""
        is_faultless, parts = self.layout["is_faultless"], []
        for begin, lines in pieces(self.data):
            rows, numbers = [], []
            for number, line in enumerate(lines, begin):
                if self.is_begun and is_faultless(line):
                    row: list[str] | None = line.split(",")
                    self.seen += 1
                else:
                    row = self.row_of(line, number)
                if row is not None:
                    rows.append(row)
                    numbers.append(number)
                    self.count += 1
            self.last = max([self.last, *numbers[-1:]])
            if rows:
                parts.append(self.arrays_of(rows, numbers))
        rows = self.joined(parts)
        self.finish(rows)
        return rows

    def is_comment(self, text: str) -> bool:
        """True for a comment, and not for a row whose name begins as one does, nor for a header."""
        if not text.lstrip(BLANKS).startswith(("#", "//", "%")) or squeeze(text) in self.squeezed:
            return False
        name, comma, values = text.partition(",")
        is_path = text.startswith("//") and comma and all(map(is_number, values.split(",")))
        return not is_path and name not in self.odd

    def row_of(self, line: str, number: int) -> list[str] | None:
        """The fields of a row, with zeros for values that are none; None for a line without row."""
        text = line.rstrip("\r")
        if text.startswith("\ufeff"):
            self.tell("N02", "a byte order mark", "text without one", "save each file as UTF-8 without one", number)
            text = text.lstrip("\ufeff")
        if not text.strip():
            self.blanks.append(number)
            return None
        self.last = number
        if self.is_comment(text):
            self.tell("F15", f"a comment, {quote(text)}", "rows alone", "remove the comments", number)
            return None
        if not self.is_begun:
            self.is_begun = True
            if self.is_header(text, number):
                return None
        elif squeeze(text) in self.squeezed and not is_number(text.rpartition(",")[2]):
            self.headers.append(number)
            return None
        return self.fields_of(text, number)

    def is_header(self, text: str, number: int) -> bool:
        """True if the first line is meant as a header; what is wrong with it is told."""
        layout, expected = self.layout, f"'{self.layout['header']}'"
        names = [name.strip() for name in text.split(",")]
        if layout["header"] is None:
            values = [re.sub("[_ \t]", "", name) for name in names[1:]] or [""]
            is_named = all(value.isalnum() and not value.isdigit() for value in values) and not ROW_NAME.match(text)
            if is_named and not layout["text"]:
                self.tell("F11", quote(text), "the first row", "remove the header: the format has none", number)
            return is_named and not layout["text"]
        if layout["by_name"] and layout["role"] == "truth" and set(layout["header"].split(",")) <= set(names):
            self.names = names
            return True
        if names[0].replace(" ", "").lower() in INDEX_NAMES and squeeze(text.partition(",")[2]) in self.squeezed:
            self.layout["is_indexed"] = True
            text = text.partition(",")[2]
        if text in layout["headers"] or (layout["role"] == "truth" and text.rstrip(", ") in layout["headers"]):
            return True
        self.is_wrong = squeeze(text) not in self.squeezed
        self.is_part = {name.lower() for name in names} < set(layout["header"].lower().split(","))
        fault = None
        if text.lstrip(BLANKS).startswith(("#", "//", "%")):
            fault = "F15", expected, "remove the mark of a comment"
        elif not self.is_wrong or UNDECODABLE.search(text) or "\0" in text:
            fault = line_fault(text, layout, is_header=True)
        rule, _, fix = fault or ("F04", expected, "copy the header of the organisers' list")
        self.tell(rule, quote(text), expected, fix, number)
        self.squeezed.add(squeeze(text))
        return True

    def fields_of(self, text: str, number: int) -> list[str] | None:
        """The fields of a row, with zeros for values that are none; None for a row that cannot be read."""
        layout = self.layout
        if self.names and text.count(",") + 1 == len(self.names):
            fields = dict(zip(self.names, text.split(","), strict=True))
            self.is_validation.append(fields.get("Split", "").strip().lower() in VALIDATION)
            text = ",".join(fields[name] for name in layout["header"].split(","))
        fault = line_fault(text, layout)
        self.seen += 1
        fields = split(text.rstrip("," + BLANKS) if fault is not None and fault[0] == "F08" else text, layout)
        if not layout["text"]:
            fields = [field.strip(BLANKS) for field in fields]
        key, values = fields[: layout["key"] != "line"], fields[layout["key"] != "line" :]
        if number == self.cut_line and not (len(fields) == layout["width"] and all(fields)):
            self.is_torn = True
            return None
        if key and not "".join(values).strip(", ") and (fault is None or fault[0] == "F06"):
            self.empty.append((key[0], number, fault is not None))
            return None
        is_blank = fields == [field.strip(BLANKS) for field in text.split(",")] and fields[0] == text.split(",")[0]
        if fault is not None and is_blank and layout["takes_blanks"] and fault[0] in ("F08", "F09"):
            fault = "N06", "values without blanks", "remove the blanks around values"
        if fault is not None and fault[0] == "F06":
            self.misfits += 1
            self.example = self.example or (text, number)
            return None
        if fault is not None and (layout["role"] != "truth" or fault[0] not in ("F08", "F09")):
            self.tell(fault[0], quote(text), fault[1], fault[2], number)
        if len(fields) != layout["width"] or (fault is not None and fault[0] not in ("F08", "F09", "N06")):
            return None
        return self.judged(key, values, number)

    def judged(self, key: list[str], values: list[str], number: int) -> list[str]:
        """The fields of a row, with zeros for values that are none; what is wrong with them is told."""
        role, columns = self.layout["role"], self.layout["columns"]
        is_right = True
        for name in key:
            if not name or (self.layout["key"] == "frame" and not name.isdecimal()):
                self.tell("T06", quote(name), "the name of a row", "copy the names from the organisers' list", number)
            elif role == "prediction" and re.search("[ \t]", name) and name not in self.odd:
                self.tell("F09", quote(name), "a name without blanks", "copy the names from the list", number)
        for column, value in zip(columns, values, strict=True):
            for rule in value_faults(column, value, role):
                is_right = False
                found = f"{column['name']} = {quote(value)}" if value else f"no value for {column['name']}"
                self.tell(rule, found, *VALUES[rule], number)
        if is_right and columns[0]["kind"] == "probability" and float(values[0]) + float(values[1]) != 1.0:
            found = f"{values[0]} + {values[1]} = {float(values[0]) + float(values[1])!r}"
            self.tell("V08", found, "p0 + p1 == 1.0", "round p1 first, then print p0 as 1 - p1", number)
            is_right = False
        return key + (values if is_right else ["0"] * len(values))

    def arrays_of(self, rows: Sequence[list[str]], numbers: Sequence[int]) -> list[Any]:
        """Line, unit, frame and values of rows, each as an array."""
        fields = list(zip(*rows, strict=True))
        if self.layout["key"] == "line":
            self.units.setdefault("", 0)
            first = self.layout["frame_base"] + self.count - len(rows)
            unit, frame = np.zeros(len(rows), np.int32), np.arange(first, first + len(rows), dtype=np.int32)
        else:
            unit, frame = named(fields.pop(0), self.layout["key"], self.units)
        arrays = [np.array(numbers, np.int32), unit, frame]
        for column, texts in zip(self.layout["columns"], fields, strict=True):
            values = np.array(list(map(float, texts)) if column["kind"] != "text" else [0.0] * len(texts))
            arrays.append(values.astype(np.int8) if column["kind"] in ("class", "labels") else values)
        return arrays

    def joined(self, parts: Sequence[list[Any]]) -> Rows:
        """All rows."""
        columns = self.layout["columns"]
        empty = [np.empty(0, np.int32)] * 3 + [np.empty(0)] * len(columns)
        lines, unit, frame, *values = [np.concatenate(part) for part in zip(*(parts or [empty]), strict=True)]
        rows = Rows(self.layout["key"], list(self.units), unit, frame, lines)
        for task in self.layout["tasks"]:
            blocks = [
                block for column, block in zip(columns, values, strict=True) if column.get("task") == task["name"]
            ]
            table = blocks[0] if task["kind"] == "class" else np.array(blocks).T
            if task["kind"] == "numbers" and task["sentinel"] is not None and self.layout["role"] == "truth":
                table[table == task["sentinel"]] = np.nan
            rows.values[task["name"]] = table
        if self.layout["probabilities"]:
            rows.probability = values[1]
        return rows

    def finish(self, rows: Rows) -> None:
        """Tell what shows at the end of the file only."""
        ends = [number for number in self.blanks if number > self.last]
        inner = len(self.blanks) - len(ends)
        if ends:
            fix = "end the file after the last row"
            self.tell("N03", "blank lines at the end", "the last row as the last line", fix, ends[0], len(ends))
        if inner and len(rows):
            self.tell("F10", "a blank line", "a row", "remove the blank lines", self.blanks[0], inner)
        if not self.seen:
            self.tell("F02", "no row", "at least one row", "write a line for each row")
        answered = {rows.name(row) for row in range(len(rows))} if self.empty else set()
        lines = [number for _, number, _ in self.empty]
        if self.empty and all(name in answered for name, _, _ in self.empty):
            fix = "leave out the rows of the sample"
            self.tell("F17", "rows of the sample, without values", "answers alone", fix, lines[0], len(lines))
        elif self.empty:
            unfit = sum(is_unfit for _, _, is_unfit in self.empty)
            self.misfits += unfit
            self.example = self.example or self.empty[0]
            if len(lines) > unfit:
                self.tell("V01", "no values", *VALUES["V01"], lines[0], len(lines) - unfit)
            self.is_told = True
        if self.misfits:
            self.judge_width()
        if self.cut_line and not ends and (len(rows) or self.is_torn):
            is_complete = not self.counts or any(size and len(rows) % size == 0 for size in self.counts)
            rule = "F05" if self.is_torn or not is_complete else "N10"
            found, fix = "no line feed at the end", "write the file again, to its end"
            self.tell(rule, found, "a line feed behind the last row", fix, self.cut_line)

    def judge_width(self) -> None:
        """Tell wrong numbers of fields; where most rows have it, the header may account for it."""
        count = self.count + self.misfits
        if 2 * self.misfits > count and self.is_part:
            return
        if 2 * self.misfits > count > 2 and self.is_wrong:
            self.problems.drop("F04", self.file)
        found, expected = quote(str(self.example[0])), f"{self.layout['width']} fields"
        fix = "write one field for each column of the format"
        self.tell("F06", found, expected, fix, self.example[1], self.misfits)


def read(path: str, role: str, record: dict[str, Any]) -> tuple[Rows | None, list[dict[str, Any]]]:
    """The rows of a file, or of a folder of files of units, and problems; None where it cannot be read."""
    problems, layouts, files = Problems(), layouts_of(record, role), [path]
    if os.path.isdir(path):
        for place in record["places"]:
            if os.path.exists(os.path.join(path, place)):
                return read(os.path.join(path, place), role, dict(record, places=[]))
        files = [file for file in own_files(path) if file.endswith((".txt", ".csv"))]
        of_units = [one for one in layouts if one["per_unit"] and any(file.endswith(one["suffix"]) for file in files)]
        if not of_units and len(files) != 1:
            expected = "one file, or one file for each unit"
            problems.add("F01", f"{len(files)} text files", expected, "name the file or folder itself", path)
            return None, problems.listed()
        if of_units:
            rows_of = {unit_of(file): read_text(file, of_units, problems, of_unit=True) for file in files}
            return (None if problems.refuses else joined_units(rows_of)), problems.listed()
    rows = read_text(files[0], layouts, problems)
    return (None if problems.refuses else rows), problems.listed()


def read_text(
    path: str, layouts: Sequence[dict[str, Any]], problems: Problems, *, of_unit: bool = False
) -> Rows | None:
    """The rows of one file of a truth; None, and problems, where it cannot be read."""
    data = load(path, problems)
    data = None if data is None else as_lines(data, path, problems)
    if data is None:
        return None
    reader = Reader(data, layouts, path, problems, of_unit=of_unit)
    rows = reader.read()
    for line in reader.headers[:1]:
        reader.tell("F16", "the first line once more", "one header", "write the header once", line, len(reader.headers))
    tell_irregular(rows, path, problems)
    if any(reader.is_validation) and not problems.refuses:
        rows = taken(rows, np.flatnonzero(reader.is_validation))
    return joined_units({unit_of(path): rows}) if reader.layout["per_unit"] and not of_unit else rows


def tell_irregular(rows: Rows, file: str, problems: Problems, *, is_zero_odd: bool = False) -> None:
    """Tell names of frames that no list can have."""
    if rows.key in NAMES:
        is_odd = (rows.frame == NO_FRAME) | ((rows.frame == 0) & (is_zero_odd and rows.key == "path"))
        for row in np.flatnonzero(is_odd).tolist():
            fix = "copy the names from the organisers' list: frames from 1, five digits, forward slashes"
            problems.add("T06", quote(rows.name(row)), "the name of a frame", fix, file, int(rows.lines[row]))


def taken(rows: Rows, places: Any) -> Rows:
    """The rows at some places."""
    found = Rows(rows.key, rows.units, rows.unit[places], rows.frame[places], rows.lines[places])
    found.values = {task: np.asfortranarray(values[places]) for task, values in rows.values.items()}
    found.probability = None if rows.probability is None else rows.probability[places]
    return found


def joined_units(rows_of: dict[str, Any]) -> Rows:
    """The rows of the files of units, one unit after the other."""
    every = list(rows_of.values())
    unit = np.repeat(np.arange(len(every), dtype=np.int32), [len(rows) for rows in every])
    frame, lines = (np.concatenate([getattr(rows, name) for rows in every]) for name in ("frame", "lines"))
    joined = Rows("unit", list(rows_of), unit, frame, lines)
    for task in every[0].values:
        joined.values[task] = np.asfortranarray(np.concatenate([rows.values[task] for rows in every]))
    return joined


def own_files(folder: str) -> list[str]:
    """The files in a folder, sorted by name, without those of the system; a folder that it holds alone is opened."""
    for _ in range(2):
        paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if not is_litter(name)]
        if len(paths) != 1 or not os.path.isdir(paths[0]):
            break
        folder = paths[0]
    return [path for path in paths if os.path.isfile(path)]


def is_litter(name: str) -> bool:
    """True for the path of a file that an operating system or a platform adds."""
    parts = [part for part in name.split("/") if part]
    is_hidden = any(part.startswith(".") and part != ".." for part in parts)
    return is_hidden or parts[-1:] == ["metadata"] or any(part.lower() in LITTER for part in parts)


def unit_of(path: str) -> str:
    """The name of the unit of a file."""
    return os.path.splitext(os.path.basename(path))[0]
