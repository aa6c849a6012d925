"""Reading: text files of a truth or a prediction as units, frames and values, and what is wrong with each line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from abawbench.organisers.frozen.parts.facts import HAS_LAYOUTS, HAS_PROBABILITIES
from abawbench.organisers.frozen.parts.problems import Problems

# frame of a row that is a whole video or image
NO_FRAME = -1
# bytes that are read at a time, and those of the longest line
PIECE = 1 << 20
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
COMMENT = re.compile(r"[ \t]*(?:#|//|%)")
# names of rows by the key of a layout, and a beginning of a line that is such a name
NAMES = {
    "path": re.compile(r"(.+)/([0-9]{5}|[1-9][0-9]{5,7})\.jpg"),
    "frame-path": re.compile(r"(.+)/frame-(0|[1-9][0-9]{0,7})\.jpg"),
    "frame": re.compile(r"()([0-9]{1,9})"),
}
ROW_NAME = re.compile(r"[^,;\t]*(?:/|\\|\.(?:jpe?g|png|mp4|avi)\b)", re.IGNORECASE)
# files of Finder and the Windows Explorer, in lower case
LITTER = ("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin")
# the validation split in a column `Split`
VALIDATION = ("val", "valid", "validation", "dev", "devel")
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
    """Rows in the order of their file: units, frames, values by task (missing ones are NaN or -1), and lines."""

    def __init__(self, key: str, units: list[str], unit: Any, frame: Any, lines: Any) -> None:
        self.key, self.units, self.unit, self.frame, self.lines = key, units, unit, frame, lines
        self.values: dict[str, Any] = {}
        self.probability: Any = None

    def __len__(self) -> int:
        return len(self.unit)

    def name(self, row: int) -> str:
        """The name of a row as the format writes it, or the unit and the frame where it writes no unit."""
        unit, frame = self.units[self.unit[row]], int(self.frame[row])
        form = {"path": "{}/{:05d}.jpg", "frame-path": "{}/frame-{}.jpg", "frame": "{1}"}.get(self.key, "{} frame {}")
        return unit if frame == NO_FRAME else form.format(unit, frame)


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
        layout = dict(facts, role=role, tasks=record["tasks"], columns=columns, has_key=facts["key"] != "line")
        layout.update(width=len(columns) + layout["has_key"], is_faultless=faultless(layout))
        layout["headers"] = ([facts["header"]] if facts["header"] else []) + facts["aliases"]
        if role == "truth" or facts["format"] == record["official"]:
            found.append(layout)
    return found


def faultless(layout: dict[str, Any]) -> Any:
    """A test that only faultless lines pass, though not all of them."""
    parts = {"line": [], "frame": ["[0-9]{1,9}"]}.get(layout["key"], [r"[!#-+\--~]+"])
    for column in layout["columns"]:
        if column["kind"] not in ("numbers", "class", "labels"):
            # no pattern tells whether probabilities sum to 1, and text may hold anything
            return lambda _: False
        part = "|".join(str(number) for number in range(int(column["high"]) + 1))
        if column["kind"] == "numbers":
            part = "-?" * (column["low"] == -1) + "(?:0(?:\\.[0-9]+)?" + "|1(?:\\.0+)?" * (column["high"] == 1) + ")"
        mark = "" if column["sentinel"] is None else f"|{column['sentinel']:g}(?:\\.0+)?"
        parts = [*parts, f"(?:{part}{mark})"]
    return re.compile(",".join(parts)).fullmatch


def value_fault(column: dict[str, Any], field: str, role: str) -> str | None:
    """The rule that a field breaks; None where it holds a value of the column."""
    if column["kind"] == "text":
        return None
    if INFINITE.fullmatch(field) or not NUMBER.fullmatch(field):
        return "V02" if INFINITE.fullmatch(field) else "V01"
    value = float(field)
    if abs(value) == np.inf:
        return "V02"
    is_real, is_whole = column["kind"] in ("numbers", "probability"), value == int(value)
    is_value = column["low"] <= value <= column["high"] and (is_real or is_whole)
    if role == "truth":
        return None if is_value or value == column["sentinel"] else "V09"
    if is_real:
        return None if is_value else "V04" if column["low"] < 0 and value == -5 else "V03"
    if value == -1:
        return "V04"
    if is_value:
        return None if re.fullmatch("-?[0-9]+", field) else "V05"
    return "V07" if column["kind"] == "labels" else "V06" if is_whole else "V05"


def load(path: str, problems: Problems) -> bytes | None:
    """The bytes of a file; None, and a problem, where it cannot be read."""
    try:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return file.read()
        found = "neither a file nor a folder" if os.path.exists(path) else "no such file or folder"
    except (OSError, ValueError) as error:
        found = str(error)
    problems.add("F01", found, "a file that can be read", "check its path and rights", path)
    return None


def as_lines(data: bytes, file: str, problems: Problems) -> bytes | None:
    """The bytes of a text with line feeds as line ends; None, and a problem, for bytes that are no such text."""
    head, expected, fix = data[:4096], "UTF-8 text whose lines end with a line feed", "save it again as UTF-8 text"
    is_binary = head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(0) > len(head) // 4
    if is_binary or (b"\n" not in data and b"\r" in data.strip()):
        problems.add("F03", "UTF-16, binary data, or line ends of old Macs", expected, fix, file, 1)
        return None
    for begin in range(0, len(data) - PIECE, PIECE):
        if data.find(b"\n", begin, begin + PIECE) < 0:
            problems.add("F06", f"more than {PIECE:,} bytes without a line end", "lines of rows", fix, file)
            return None
    if data.startswith(b"\xef\xbb\xbf"):
        problems.add("N02", "a byte order mark", "text without one", "save it as UTF-8 without one", file, 1)
        data = data[3:]
    returns = data.count(b"\r\n")
    if returns:
        problems.add("N01", "carriage returns", "line feeds", "save it with Unix line ends", file, None, returns)
        data = data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n")
    return data


def pieces(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The lines of a file in pieces, each with the number of its first line."""
    begin, number = 0, 1
    while begin < len(data):
        end = data.find(b"\n", begin + PIECE) + 1 or len(data)
        lines = data[begin:end].decode("utf-8", "surrogateescape").split("\n")
        yield number, lines if lines[-1] else lines[:-1]
        begin, number = end, number + len(lines) - 1


def squeeze(line: str) -> str:
    """The letters of a header, to compare it by."""
    return re.sub(r"[\s,;|\"'#%/]+", "", line).lower()


def split(line: str, layout: dict[str, Any]) -> list[str]:
    """The fields of a line."""
    if layout["text"]:
        return line.split(",", layout["width"] - 1)
    return line.rsplit(",", 1) if layout["key"] == "frame-path" else line.split(",")


def layout_of(first: str, layouts: Sequence[dict[str, Any]], of_unit: bool) -> dict[str, Any]:
    """The layout that the first line of a file indicates, or else the first that fits the kind of file."""
    fields = first.rstrip(", ").split(",")
    is_trial = len(fields) == 4 and all(map(NUMBER.fullmatch, fields[1:3])) and "." in fields[1]
    for layout in layouts:
        if ",".join(fields) in layout["headers"] or (layout["key"] == "frame-path" and "/frame-" in first):
            return layout
    for layout in layouts:
        if layout["by_name"] and layout["header"].split(",")[0] in fields:
            return layout
        if layout["text"] and len(fields) >= layout["width"] and not is_trial:
            return layout
        if layout["format"] == "ah-trial" and layout["width"] in [len(first.split(mark)) for mark in ",;\t|"]:
            return layout
    return next((layout for layout in layouts if layout["per_unit"] == of_unit), layouts[0])


def line_fault(line: str, layout: dict[str, Any], width: int) -> tuple[str, str, str] | None:
    """The rule that a line breaks as a whole, what is expected and a cure; None for a line of so many fields."""
    fields, (first, _, behind) = split(line, layout), line.partition(",")
    is_full, ended = len(fields) == width, line.rstrip(", \t")
    is_named = layout["key"] in ("path", "image") and ROW_NAME.match(behind)
    is_numbered = (
        first.strip().isdecimal() and len(split(behind, layout)) == width and (is_named or layout["is_counted"])
    )
    values = behind if layout["has_key"] else line
    for rule, is_broken, expected, fix in (
        ("F03", re.search("[\0\udc80-\udcff]", line), "UTF-8 text", "save it again as UTF-8 text"),
        ("F06", layout["text"] and not is_full, f"{width} fields", "write the fields of the format"),
        ("F15", COMMENT.match(line) and not (is_full and layout["has_key"]), "rows alone", "remove the comments"),
        ("F07", '"' in line, "fields without quotes", "write without quotes"),
        ("F13", re.search("[;\t]", values) if is_full else re.search("[;\t|]", line), "commas", "separate by commas"),
        ("F18", re.search(r"(?:^|,)\s*[\[(]|\w\.*\(", values), "a plain number", "write the value itself, x.item()"),
        ("F08", ended != line and len(split(ended, layout)) == width, "its last value", "remove what follows it"),
        ("F14", is_numbered, "the row alone", "write without an index (index=False in pandas)"),
        ("F09", any(field != field.strip(" \t") for field in fields), "fields without blanks", "remove the blanks"),
        ("F06", not is_full, f"{width} fields", "write one field for each column of the format"),
    ):
        if is_broken and (rule in ("F03", "F06") or not layout["text"]):
            return rule, expected, fix
    return None


class Reader:
    """A text file on its way to rows: line by line, then as a whole."""

    def __init__(
        self,
        data: bytes,
        layouts: Sequence[dict[str, Any]],
        file: str,
        problems: Problems,
        of_unit: bool,
        odd: Any = None,
    ) -> None:
        # names that may hold blanks are odd; a last line without line feed may be cut off
        self.data, self.file, self.problems, self.odd = data, file, problems, odd
        self.cut_line = 0 if data.endswith(b"\n") else data.count(b"\n") + 1
        self.is_torn = False
        self.units: dict[str, int] = {}
        self.count = 0
        headers = {squeeze(header) for layout in layouts for header in layout["headers"]}
        lines = list(enumerate(next(pieces(data), (1, [""]))[1], 1))
        rows = [(number, line) for number, line in lines if line.strip()]
        own = [(number, line) for number, line in rows if squeeze(line) in headers or not COMMENT.match(line)]
        self.start, self.first = own[0] if own else (0, "")
        self.layout = layout_of(self.first, layouts, of_unit) if HAS_LAYOUTS else layouts[0]
        firsts = [line.partition(",")[0] for _, line in own[1:100]]
        counts = any(firsts == [str(begin + place) for place in range(len(firsts))] for begin in (0, 1, 2))
        is_counted = self.layout["key"] in ("line", "id", "frame-path") and counts and len(firsts) > 2
        self.layout = dict(self.layout, is_counted=is_counted)
        self.headers = [squeeze(header) for header in self.layout["headers"]]

    def tell(self, rule: str, found: str, expected: str, fix: str, line: int | None = None, count: int = 1) -> None:
        """Add a problem of this file."""
        self.problems.add(rule, found, expected, fix, self.file, line, count)

    def read(self, counts: Sequence[int] = ()) -> Rows:
        """The rows, of which there may be as many as `counts` says; what is wrong with them is told."""
        is_faultless, is_header = self.layout["is_faultless"], self.start and self.is_header()
        parts, blanks, last, seen = [], [], 0, False
        for begin, lines in pieces(self.data):
            rows, numbers = [], []
            for number, line in enumerate(lines, begin):
                row: list[str] | None = None
                if is_faultless(line):
                    row = line.split(",")
                elif not line.strip():
                    blanks.append(number)
                    continue
                elif number != self.start or not is_header:
                    row, seen = self.row_of(line, number), True
                last = number
                if row is not None:
                    rows.append(row)
                    numbers.append(number)
            self.count += len(rows)
            if rows:
                parts.append(self.arrays_of(rows, numbers))
        ends = [number for number in blanks if number > last]
        if ends:
            self.tell("N03", "blank lines at the end", "the last row as the last line", "end the file there", ends[0])
        if len(blanks) > len(ends) and last:
            self.tell("F10", "a blank line", "a row", "remove blank lines", blanks[0], len(blanks) - len(ends))
        if not seen and not self.count:
            self.tell("F02", "no row", "at least one row", "write a line for each row")
        if self.cut_line == last and last:
            rule = "F05" if self.is_torn or (counts and self.count not in counts) else "N10"
            self.tell(rule, "no line feed", "a line feed behind the last row", "write the file again, to its end", last)
        return self.joined(parts)

    def is_header(self) -> bool:
        """True if the first line is no row; what is wrong with it is told."""
        header, line = self.layout["header"], self.first
        if self.layout["header"] is None:
            last = line.rpartition(",")[2].strip()
            is_row = not last.replace("_", "").isalnum() or bool(re.search("[0-9]", last)) or self.layout["text"]
            if not is_row and "," in line:
                self.tell("F11", quote(line), "the first row", "remove the header: the format has none", self.start)
            return not is_row and "," in line
        is_known = line in self.layout["headers"] or (self.layout["role"] == "truth" and line.rstrip(", ") == header)
        if is_known or (self.layout["by_name"] and self.layout["role"] == "truth"):
            return True
        fault = line_fault(line, dict(self.layout, key="line"), header.count(",") + 1)
        rule, _, fix = fault or ("F04", "", "copy the header of the organisers' list")
        rule = rule if squeeze(line) in self.headers and rule != "F06" else "F04"
        self.tell(rule, quote(line), f"'{header}'", fix, self.start)
        return not self.layout["is_faultless"](line)

    def row_of(self, line: str, number: int) -> list[str] | None:
        """The fields of a row, with zeros for values that are none; None for a line without a row."""
        layout, role = self.layout, self.layout["role"]
        if squeeze(line) in self.headers and not NUMBER.fullmatch(line.rpartition(",")[2]):
            self.tell("F16", "the first line once more", "one header", "write the header once", number)
            return None
        fault = line_fault(line, layout, layout["width"])
        text = line.rstrip(", \t") if fault is not None and fault[0] == "F08" else line
        fields = split(text, layout) if layout["text"] else [field.strip(" \t") for field in split(text, layout)]
        if number == self.cut_line and not (len(fields) == layout["width"] and all(fields)):
            self.is_torn = True
            return None
        if fault is not None and fault[0] in ("F08", "F09") and layout["takes_blanks"] and "," not in line[len(text) :]:
            is_blank = line.split(",", maxsplit=1)[0] == fields[0]
            fault = ("N06", "values without blanks", "remove the blanks beside values") if is_blank else fault
        if fault is not None and (role != "truth" or fault[0] not in ("F08", "F09")):
            self.tell(fault[0], quote(line), *fault[1:], number)
        if len(fields) != layout["width"] or (fault is not None and fault[0] not in ("F08", "F09", "N06")):
            return None
        for name in fields[: layout["has_key"]]:
            if not name or (layout["key"] == "frame" and not name.isdecimal()):
                self.tell("T06", quote(name), "the name of a row", "copy the names from the list", number)
            elif self.odd is not None and re.search("[ \t]", name) and name not in self.odd:
                self.tell("F09", quote(name), "a name without blanks", "copy the names from the list", number)
        is_right, values = True, fields[layout["has_key"] :]
        for column, value in zip(layout["columns"], values, strict=True):
            rule = value_fault(column, value, role)
            if rule is not None:
                is_right = False
                self.tell(rule, f"{column['name']} = {quote(value)}", *VALUES[rule], number)
        if layout["probabilities"] and is_right and float(values[0]) + float(values[1]) != 1.0:
            found = f"{values[0]} + {values[1]} = {float(values[0]) + float(values[1])!r}"
            self.tell("V08", found, "p0 + p1 == 1.0", "round p1 first, then print p0 as 1 - p1", number)
        return fields if is_right else fields[: layout["has_key"]] + ["0"] * len(values)

    def arrays_of(self, rows: Sequence[list[str]], numbers: Sequence[int]) -> list[Any]:
        """Line, unit, frame and values of rows, each as an array."""
        fields = list(zip(*rows, strict=True))
        if self.layout["has_key"]:
            unit, frame = named(fields.pop(0), self.layout["key"], self.units)
        else:
            self.units.setdefault("", 0)
            last = self.layout["frame_base"] + self.count
            unit, frame = np.zeros(len(rows), np.int32), np.arange(last - len(rows), last, dtype=np.int32)
        arrays = [np.array(numbers, np.int32), unit, frame]
        for column, texts in zip(self.layout["columns"], fields, strict=True):
            values = np.array([0.0] * len(texts) if column["kind"] == "text" else list(map(float, texts)))
            arrays.append(values.astype(np.int8) if column["kind"] in ("class", "labels") else values)
        return arrays

    def joined(self, parts: Sequence[list[Any]]) -> Rows:
        """All rows."""
        columns = self.layout["columns"]
        empty = [np.empty(0, np.int32)] * 3 + [np.empty(0)] * len(columns)
        lines, unit, frame, *values = [np.concatenate(part) for part in zip(*(parts or [empty]), strict=True)]
        rows = Rows(self.layout["key"], list(self.units), unit, frame, lines)
        for task in self.layout["tasks"]:
            blocks = [values[place] for place, column in enumerate(columns) if column.get("task") == task["name"]]
            table = blocks[0] if task["kind"] == "class" else np.array(blocks).T
            if task["kind"] == "numbers" and self.layout["role"] == "truth":
                table[table == task["sentinel"]] = np.nan
            rows.values[task["name"]] = table
        if HAS_PROBABILITIES:
            rows.probability = values[1] if self.layout["probabilities"] else None
        return rows


def named(names: Sequence[str], key: str, units: dict[str, int]) -> tuple[Any, Any]:
    """The number of the unit of each row, and its frame; new units are added to those that are known."""
    pattern = NAMES.get(key, re.compile("(?!)"))
    found = [pattern.fullmatch(name) or name for name in names]
    parts = [(name, NO_FRAME) if isinstance(name, str) else name.groups() for name in found]
    unit = np.array([units.setdefault(name, len(units)) for name, _ in parts], np.int32)
    return unit, np.array([int(number) for _, number in parts], np.int32)


def read(path: str, role: str, record: dict[str, Any]) -> tuple[Rows | None, list[dict[str, Any]]]:
    """The rows of a file, or of a folder of files of units, and problems; None where it cannot be read."""
    problems, layouts, files, of_unit = Problems(), layouts_of(record, role), [path], False
    if os.path.isdir(path):
        for place in record["places"]:
            if os.path.exists(os.path.join(path, place)):
                return read(os.path.join(path, place), role, dict(record, places=[]))
        files = [file for file in own_files(path) if file.endswith((".txt", ".csv"))]
        if layouts[0]["per_unit"] or HAS_LAYOUTS:
            heads = [(load(file, problems) or b"").partition(b"\n")[0].decode("utf-8", "replace") for file in files[:1]]
            of_unit = all(layout_of(head.strip("\r\ufeff"), layouts, True)["per_unit"] for head in heads)
    if not files or (len(files) > 1 and not of_unit):
        expected = "one file, or one file for each unit"
        problems.add("F01", f"{len(files)} text files", expected, "name the file or folder itself", path)
    rows_of = {unit_of(file): read_text(file, layouts, problems, of_unit) for file in files if not problems.refuses}
    if problems.refuses:
        return None, problems.listed()
    rows = next(iter(rows_of.values()))
    if layouts[0]["per_unit"] or HAS_LAYOUTS:
        rows = joined_units(rows_of) if rows.key in ("line", "frame") else rows
    return rows, problems.listed()


def read_text(path: str, layouts: Sequence[dict[str, Any]], problems: Problems, of_unit: bool) -> Any:
    """The rows of one file; None where it cannot be read."""
    data = load(path, problems)
    data = None if data is None else as_lines(data, path, problems)
    if data is None:
        return None
    kept: Any = None
    if layouts[0]["by_name"]:
        data, kept = arranged(data, layouts[0])
    rows = Reader(data, layouts, path, problems, of_unit).read()
    tell_irregular(rows, path, problems)
    if layouts[0]["by_name"] and kept is not None and not problems.refuses:
        rows.unit, rows.frame, rows.lines = rows.unit[kept], rows.frame[kept], rows.lines[kept]
        rows.values = {task: values[kept] for task, values in rows.values.items()}
    return rows


def arranged(data: bytes, layout: dict[str, Any]) -> tuple[bytes, Any]:
    """A truth with its columns in the order of the format, and the rows for validation by a column `Split`, if any."""
    wanted = layout["header"].split(",")
    header, *lines = data.decode("utf-8", "surrogateescape").rstrip("\n").split("\n")
    names = [name.strip() for name in header.split(",")]
    if names == wanted or not set(wanted) <= set(names):
        return data, None
    rows = [dict(zip(names, line.split(","), strict=False)) for line in lines]
    lines = [",".join(row.get(name, "") for name in wanted) for row in rows]
    is_kept = np.array([row.get("Split", "").strip().lower() in VALIDATION for row in rows])
    data = "\n".join([layout["header"], *lines, ""]).encode("utf-8", "surrogateescape")
    return data, np.flatnonzero(is_kept) if is_kept.any() else None


def tell_irregular(rows: Rows, file: str, problems: Problems, *, is_zero_odd: bool = False) -> None:
    """Tell names of frames that no list can have."""
    is_odd = (rows.frame == NO_FRAME) | ((rows.frame == 0) & (is_zero_odd and rows.key == "path"))
    for row in np.flatnonzero(is_odd).tolist() if rows.key in NAMES else ():
        fix = "copy the names from the organisers' list: frames from 1, five digits, forward slashes"
        problems.add("T06", quote(rows.name(row)), "the name of a frame", fix, file, int(rows.lines[row]))


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
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if not is_litter(name)]
    if len(paths) == 1 and os.path.isdir(paths[0]):
        folder = paths[0]
        paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if not is_litter(name)]
    return [path for path in paths if os.path.isfile(path)]


def is_litter(name: str) -> bool:
    """True for the path of a file that an operating system or a platform adds."""
    parts = [part for part in name.split("/") if part]
    is_hidden = any(part.startswith(".") and part != ".." for part in parts)
    return is_hidden or parts[-1:] == ["metadata"] or any(part.lower() in LITTER for part in parts)


def unit_of(path: str) -> str:
    """The name of the unit of a file."""
    return os.path.splitext(os.path.basename(path))[0]
