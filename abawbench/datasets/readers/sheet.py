"""Reads columns of delimited text and Parquet files, with the line that each row stands on."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from abawbench.base.arrow_input import arrow_reader, open_parquet
from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.datasets.readers.files import read_text_bytes
from abawbench.datasets.readers.rows import Lines, arrow_functions, report
from abawbench.formats.text import BOM, first_line, quote
from abawbench.table import Mask

if TYPE_CHECKING:
    import pyarrow as pa

BLANKS = "blanks"
_REPLACED = "\ufffd"
_WIDTH_FIX = "write one field for each column"


@dataclass(frozen=True, eq=False)
class Sheet:
    """Some columns of a file.

    Attributes:
        file: name of the file, for messages.
        columns: columns by name; they hold text where the file is text.
        line: line that each row stands on, shape (rows,); in Parquet the number of the row, from 1.
        first: line of the first row.
    """

    file: str
    columns: Mapping[str, pa.ChunkedArray]
    line: Lines
    first: int

    def __len__(self) -> int:
        return len(self.line)

    def take(self, keep: Mask) -> Sheet:
        """The rows where `keep` is True."""
        import pyarrow as pa

        rows = pa.array(keep)
        columns = {name: column.filter(rows) for name, column in self.columns.items()}
        return Sheet(self.file, columns, self.line[keep], self.first)


@dataclass(frozen=True, slots=True)
class SheetFormat:
    """The format of a text file.

    Attributes:
        delimiter: single character, or `blanks` for any run of blanks and tabs.
        header: True where the first line names the columns; `detect` where only some copies have such a line.
        names: names of the columns, in order, where no header names them; by default the numbers from 0.
        quote: character around texts that hold the delimiter; empty for none.
    """

    delimiter: str = ","
    header: bool | Literal["detect"] = True
    names: tuple[str, ...] = ()
    quote: str = '"'


def read_sheet(path: Path, wanted: Sequence[str | int], form: SheetFormat, problems: Problems) -> Sheet | None:
    """Read some columns of a file, with every row that has the right number of fields; None where it cannot be read.

    Args:
        path: path of the file.
        wanted: columns to read, by name or by place from 0.
        form: format of a text file; not used for a Parquet file.
        problems: collection that receives F01, F02, F03, F04 of the file, and F03, F06, F10 of lines, which are then
            left out.
    """
    if path.suffix == ".parquet":
        return _read_parquet(path, wanted, problems)
    data = read_text_bytes(path, problems)
    return None if data is None else _read_text(data, wanted, form, str(path), problems)


def _read_text(
    data: bytes, wanted: Sequence[str | int], form: SheetFormat, file: str, problems: Problems
) -> Sheet | None:
    is_text = (data.isascii() or _is_utf8(data)) and b"\0" not in data
    if not is_text:
        data = data.decode("utf-8", "replace").encode()
    if form.delimiter == BLANKS:
        data = re.sub(rb"(?m)^ | (?=\r?$)", b"", re.sub(rb"[ \t]+", b" ", data))
    delimiter = " " if form.delimiter == BLANKS else form.delimiter
    head = _fields(data, delimiter, form.quote)
    has_header = form.header is True or (form.header == "detect" and _names_any(head, wanted))
    names = list(head) if has_header else list(form.names) or [str(place) for place in range(len(head))]
    chosen = _choose(names, wanted, file, 1, problems)
    if chosen is None:
        return None
    first = 2 if has_header else 1
    begin = (data.find(b"\n") + 1 or len(data)) if has_header else len(BOM) * data.startswith(BOM)
    body = _Body(data, begin, _end(data), first, file)
    if begin >= body.end:
        problems.add(Problem("F02", "a header alone", "at least one row", "copy the file again", file))
        return None
    columns, line = _rows(body, delimiter, form.quote, len(names), chosen, problems)
    sheet = Sheet(file, {str(name): column for name, column in zip(wanted, columns, strict=True)}, line, first)
    return sheet if is_text else _without_odd_bytes(sheet, problems)


@dataclass(frozen=True, eq=False)
class _Body:
    """The rows of a file: its bytes from `begin` to `end`; the first row stands on line `first`."""

    data: bytes
    begin: int
    end: int
    first: int
    file: str

    def has_blank_line(self) -> bool:
        marks = (b"\n\n", b"\n\r\n")
        start = max(0, self.begin - 1)
        return self.data.startswith((b"\n", b"\r\n"), self.begin) or any(
            self.data.find(mark, start, self.end) >= 0 for mark in marks
        )


def _end(data: bytes) -> int:
    """The offset at which the last line that is not blank ends."""
    end = len(data)
    # slices are copies, and files are large
    while end and (rest := data[max(0, end - 4096) : end]):
        kept = rest.rstrip(b"\r\n")
        if kept:
            return end - len(rest) + len(kept)
        end -= len(rest)
    return end


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _fields(data: bytes, delimiter: str, mark: str) -> list[str]:
    import csv

    line = first_line(data)
    fields = line.split(delimiter)
    if mark:
        # a line that the module refuses is no header either: its names will not be found
        with contextlib.suppress(csv.Error):
            fields = next(csv.reader([line], delimiter=delimiter, quotechar=mark), [""])
    return [field.strip(" \t" + mark) for field in fields]


def _names_any(head: Sequence[str], wanted: Sequence[str | int]) -> bool:
    return any(name in head for name in wanted if isinstance(name, str))


def _choose(
    names: Sequence[str], wanted: Sequence[str | int], file: str, line: int | None, problems: Problems
) -> list[int] | None:
    """Places of the wanted columns; None, and F04, where one is missing."""
    missing = [str(name) for name in wanted if not _has(names, name)]
    if missing:
        found = f"no column {', '.join(missing)} among {quote(', '.join(names))}"
        fix = "name the columns in the manifest's options as the file names them"
        problems.add(Problem("F04", found, ", ".join(map(str, wanted)), fix, file, line))
        return None
    return [name if isinstance(name, int) else names.index(name) for name in wanted]


def _has(names: Sequence[str], name: str | int) -> bool:
    return 0 <= name < len(names) if isinstance(name, int) else name in names


def _rows(
    body: _Body, delimiter: str, mark: str, width: int, chosen: Sequence[int], problems: Problems
) -> tuple[list[pa.ChunkedArray], Lines]:
    import pyarrow as pa
    from pyarrow import csv

    compute = arrow_functions()
    fields = [f"f{place}" for place in range(width)]
    skipped: list[tuple[int, int, str]] = []

    def skip(row: Any) -> str:
        skipped.append((row.number, row.actual_columns, row.text))
        return "skip"

    def read(*, whole: bool) -> pa.Table:
        return csv.read_csv(
            arrow_reader(memoryview(body.data)[body.begin : body.end]),
            read_options=csv.ReadOptions(column_names=fields, use_threads=whole),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                quote_char=mark or False,
                ignore_empty_lines=False,
                invalid_row_handler=None if whole else skip,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(fields, pa.string()),
                include_columns=[fields[place] for place in dict.fromkeys(chosen)],
                strings_can_be_null=False,
            ),
        )

    try:
        table = read(whole=True)
    except pa.ArrowInvalid:
        try:
            table = read(whole=False)
        except pa.ArrowInvalid as error:
            found = str(error).split("\n")[0]
            problems.add(Problem("F06", found, f"lines of {width} fields", _WIDTH_FIX, body.file))
            return [pa.chunked_array([[]], pa.string()) for _ in chosen], np.empty(0, np.int64)
    odd = np.array([number for number, _, _ in skipped], np.int64)
    lines = np.setdiff1d(np.arange(table.num_rows + len(skipped)) + 1, odd, assume_unique=True) + (body.first - 1)
    for number, count, text in skipped[:SHOWN]:
        found = f"{count} field{'s' * (count != 1)}, {quote(text)}"
        problems.add(Problem("F06", found, f"{width} fields", _WIDTH_FIX, body.file, number + body.first - 1))
    if len(skipped) > SHOWN:
        problems.add(Problem("F06", "more", f"{width} fields", _WIDTH_FIX, body.file, count=len(skipped) - SHOWN))
    columns = [table.column(fields[place]) for place in chosen]
    if mark not in {"", '"'}:
        # a blank before the quote makes it part of the text
        columns = [compute.utf8_trim(column, characters=f" \t{mark}") for column in columns]
    return _without_blank_lines(columns, lines, body, problems)


def _without_blank_lines(
    columns: list[pa.ChunkedArray], lines: Lines, body: _Body, problems: Problems
) -> tuple[list[pa.ChunkedArray], Lines]:
    import pyarrow as pa

    compute = arrow_functions()
    blank = np.ones(len(lines), np.bool_)
    for column in columns:
        blank &= compute.equal(column, "").to_numpy()
        if not blank.any():
            return columns, lines
    if not body.has_blank_line():
        return columns, lines
    report("F10", blank, lambda _: "a blank line", "a row", "remove the line", (body.file, lines), problems)
    keep = pa.array(~blank)
    return [column.filter(keep) for column in columns], lines[~blank]


def _without_odd_bytes(sheet: Sheet, problems: Problems) -> Sheet:
    """The rows of a file that is not plain UTF-8 throughout, without those that hold other bytes or NUL."""
    compute = arrow_functions()
    wrong = np.zeros(len(sheet), np.bool_)
    for column in sheet.columns.values():
        for mark in (_REPLACED, "\0"):
            wrong |= compute.match_substring(column, mark).to_numpy()
    place = (sheet.file, sheet.line)
    report(
        "F03", wrong, lambda _: "bytes that are no text", "UTF-8 without NUL bytes", "save it as UTF-8", place, problems
    )
    return sheet.take(~wrong)


def _read_parquet(path: Path, wanted: Sequence[str | int], problems: Problems) -> Sheet | None:
    try:
        with open_parquet(path) as file:
            chosen = _choose(file.schema_arrow.names, wanted, str(path), None, problems)
            if chosen is None:
                return None
            names = [file.schema_arrow.names[place] for place in chosen]
            table = file.read(columns=list(dict.fromkeys(names)))
            if len(set(table.column_names)) < len(table.column_names):
                raise ValueError("columns of one name")
    except (OSError, ValueError) as error:
        found = str(error).split("\n")[0]
        problems.add(Problem("F01", found, "a Parquet file", "write it again", str(path)))
        return None
    columns: dict[str, pa.ChunkedArray] = {}
    for name, given in zip(wanted, names, strict=True):
        column = _plain_column(table.column(given))
        if column is None:
            found = f"column {given} of type {table.column(given).type}"
            problems.add(Problem("F04", found, "numbers or texts", "write the column anew", str(path)))
            return None
        columns[str(name)] = column
    return Sheet(str(path), columns, np.arange(table.num_rows) + 1, 1)


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column of numbers as it is, any other as text; None where it cannot be written as text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column
    try:
        return column.cast(pa.int8() if pa.types.is_boolean(kind) else pa.string())
    except pa.ArrowException:
        return None
