"""Delimited text and Parquet to columns, with the line that each row stands on."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.datasets.readers.finding import bytes_of
from abawbench.formats.diagnose import encoding_fault, shown
from abawbench.formats.parse import BOM, first_line

if TYPE_CHECKING:
    import pyarrow as pa

Lines = NDArray[np.int64]
BLANKS = "blanks"
_REPLACED = "\ufffd"
_WIDTH_FIX = "write one field for each column"


@dataclass(frozen=True, eq=False)
class Sheet:
    """The columns of a file that were asked for.

    Attributes:
        file: its name, for messages.
        columns: by name; text where the file is text.
        line: shape (rows,), the number of the line a row stands on; in Parquet the row's number from 1.
        first: line of the first row.
    """

    file: str
    columns: Mapping[str, pa.ChunkedArray]
    line: Lines
    first: int

    def __len__(self) -> int:
        return len(self.line)


@dataclass(frozen=True, slots=True)
class Form:
    """How a text file is written.

    Attributes:
        delimiter: one character, or `blanks` for any run of blanks and tabs.
        header: True where the first line names the columns; `detect` where only some copies have it.
        names: of the columns, in order, where the file does not name them; numbers from 0 where not given.
        quote: character around texts that hold the delimiter; empty for none.
    """

    delimiter: str = ","
    header: bool | Literal["detect"] = True
    names: tuple[str, ...] = ()
    quote: str = '"'


def report(
    rule: str,
    wrong: NDArray[np.bool_],
    found: Callable[[int], str],
    expected: str,
    fix: str,
    place: tuple[str, Lines],
    problems: Problems,
) -> None:
    """One problem for each of the first rows where `wrong` is True; the first carries the count of those not shown.

    Args:
        rule: id of the rule that the rows break.
        wrong: shape (rows,).
        found: what a row says, by its index.
        expected: what the rule asks for.
        fix: what to do.
        place: the file, and the line of each row.
        problems: takes them.
    """
    file, line = place
    rows = np.flatnonzero(wrong)
    for number, row in enumerate(rows[:SHOWN].tolist()):
        count = 1 if number else max(1, len(rows) - SHOWN + 1)
        problems.add(Problem(rule, found(row), expected, fix, file, int(line[row]), count))


def repeated(keys: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which rows hold what an earlier row held already, shape (rows,)."""
    if len(keys) < 2 or bool(np.all(keys[1:] > keys[:-1])):
        return np.zeros(len(keys), np.bool_)
    again = np.ones(len(keys), np.bool_)
    again[np.unique(keys, return_index=True)[1]] = False
    return again


def read_sheet(path: Path, wanted: Sequence[str | int], form: Form, problems: Problems) -> Sheet | None:
    """The columns of these names (or places, from 0) with every row that has the right number of fields.

    Returns:
        None where the file cannot be read at all.

    Problems: F01, F02, F03, F04 for the file; F03, F06 and F10 for lines, which are then left out.
    """
    if path.suffix == ".parquet":
        return _read_parquet(path, wanted, problems)
    data = bytes_of(path, problems)
    if data is None:
        return None
    if not data or data.isspace():
        problems.add(Problem("F02", "no row", "at least one row", "copy the file again", str(path)))
        return None
    wrong = encoding_fault(data)
    if wrong is not None:
        problems.add(Problem("F03", wrong, "UTF-8 text", "save it again as UTF-8 text", str(path), 1))
        return None
    return _read_text(data, wanted, form, str(path), problems)


def _read_text(data: bytes, wanted: Sequence[str | int], form: Form, file: str, problems: Problems) -> Sheet | None:
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
    """The rows of a file's bytes, from `begin` to `end`; the first stands on line `first`."""

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
    """Where the last line that is not blank ends; slices are copies, and files are large."""
    end = len(data)
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


def _fields(data: bytes, delimiter: str, quote: str) -> list[str]:
    import csv

    line = first_line(data)
    fields = line.split(delimiter)
    if quote:
        # a line that the module refuses is no header either: its names will not be found
        with contextlib.suppress(csv.Error):
            fields = next(csv.reader([line], delimiter=delimiter, quotechar=quote), [""])
    return [field.strip(" \t" + quote) for field in fields]


def _names_any(head: Sequence[str], wanted: Sequence[str | int]) -> bool:
    return any(name in head for name in wanted if isinstance(name, str))


def _choose(
    names: Sequence[str], wanted: Sequence[str | int], file: str, line: int | None, problems: Problems
) -> list[int] | None:
    """Places of the wanted columns; None where one is missing, which is a problem."""
    missing = [str(name) for name in wanted if not _has(names, name)]
    if missing:
        found = f"no column {', '.join(missing)} among {shown(', '.join(names))}"
        fix = "name the columns in the manifest's options as the file names them"
        problems.add(Problem("F04", found, ", ".join(map(str, wanted)), fix, file, line))
        return None
    return [name if isinstance(name, int) else names.index(name) for name in wanted]


def _has(names: Sequence[str], name: str | int) -> bool:
    return 0 <= name < len(names) if isinstance(name, int) else name in names


def _rows(
    body: _Body, delimiter: str, quote: str, width: int, chosen: Sequence[int], problems: Problems
) -> tuple[list[pa.ChunkedArray], Lines]:
    import pyarrow as pa
    import pyarrow.compute
    from pyarrow import csv

    compute: Any = pyarrow.compute
    fields = [f"f{place}" for place in range(width)]
    skipped: list[tuple[int, int, str]] = []

    def skip(row: Any) -> str:
        skipped.append((row.number, row.actual_columns, row.text))
        return "skip"

    def read(*, whole: bool) -> pa.Table:
        return csv.read_csv(
            pa.BufferReader(pa.py_buffer(memoryview(body.data)[body.begin : body.end])),
            read_options=csv.ReadOptions(column_names=fields, use_threads=whole),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                quote_char=quote or False,
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
        found = f"{count} field{'s' * (count != 1)}, {shown(text)}"
        problems.add(Problem("F06", found, f"{width} fields", _WIDTH_FIX, body.file, number + body.first - 1))
    if len(skipped) > SHOWN:
        problems.add(Problem("F06", "more", f"{width} fields", _WIDTH_FIX, body.file, count=len(skipped) - SHOWN))
    columns = [table.column(fields[place]) for place in chosen]
    if quote not in {"", '"'}:
        # a blank before the quote makes it part of the text
        columns = [compute.utf8_trim(column, characters=f" \t{quote}") for column in columns]
    return _without_blank_lines(columns, lines, body, problems)


def _without_blank_lines(
    columns: list[pa.ChunkedArray], lines: Lines, body: _Body, problems: Problems
) -> tuple[list[pa.ChunkedArray], Lines]:
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
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
    """Rows of a file that is not plain UTF-8 throughout, without those that hold other bytes or NUL."""
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    wrong = np.zeros(len(sheet), np.bool_)
    for column in sheet.columns.values():
        for mark in (_REPLACED, "\0"):
            wrong |= compute.match_substring(column, mark).to_numpy()
    place = (sheet.file, sheet.line)
    report(
        "F03", wrong, lambda _: "bytes that are no text", "UTF-8 without NUL bytes", "save it as UTF-8", place, problems
    )
    keep = pa.array(~wrong)
    columns = {name: column.filter(keep) for name, column in sheet.columns.items()}
    return Sheet(sheet.file, columns, sheet.line[~wrong], sheet.first)


def _read_parquet(path: Path, wanted: Sequence[str | int], problems: Problems) -> Sheet | None:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        chosen = _choose(file.schema_arrow.names, wanted, str(path), None, problems)
        if chosen is None:
            return None
        names = [file.schema_arrow.names[place] for place in chosen]
        table = file.read(columns=list(dict.fromkeys(names)))
    except (pa.ArrowInvalid, OSError) as error:
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
    """Numbers as they are, anything else as text; None where it has no text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column
    try:
        return column.cast(pa.int8() if pa.types.is_boolean(kind) else pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
