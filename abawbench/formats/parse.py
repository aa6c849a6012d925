"""Conversion of text to columns, vectorised: the path that every well-formed file takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.arrow_input import arrow_reader
from abawbench.formats.columns import Probability, Text
from abawbench.formats.layout import Layout
from abawbench.table import Values

if TYPE_CHECKING:
    import pyarrow as pa

# small blocks stay in the cache between the parser and the converters
BLOCK_BYTES = 1 << 22
CORES = os.cpu_count() or 1


# what the vectorised reader skips or misreads, and a submission may not have: these characters, blank lines, and rows
# that begin or end with a comma
SUSPICIOUS = (b"\r", b" ", b"\t", b'"', b"\0")
COMMA, LINE_FEED, ZERO, HEXADECIMAL = b",\n0x"
# bit of small letters
LOWER = 0x20
# bytes that are looked at together; their masks stay in the cache
LOOKED_AT = 1 << 16


@dataclass(frozen=True, eq=False)
class Parsed:
    """The columns of a file's rows.

    Attributes:
        keys: the first field of each row as text; None where the line number is the key.
        columns: the values of each column of the layout, in parts that follow one another: float64 for real numbers,
            int8 for whole ones; None for text, which is ignored.
    """

    keys: pa.ChunkedArray | None
    columns: tuple[tuple[Values, ...] | None, ...]

    def __len__(self) -> int:
        if self.keys is not None:
            return len(self.keys)
        return sum(len(part) for part in next(column for column in self.columns if column is not None))

    def is_valid(self, layout: Layout) -> bool:
        """True if every value lies in the range of its column or is its sentinel, and p0 + p1 == 1.0 in each row."""
        pairs = [
            (column, parts) for column, parts in zip(layout.columns, self.columns, strict=True) if parts is not None
        ]
        if not all(column.is_in_range(part) for column, parts in pairs for part in parts):
            return False
        probabilities = [np.concatenate(parts) for column, parts in pairs if isinstance(column, Probability)]
        return not probabilities or bool(np.all(np.sum(np.stack(probabilities), axis=0) == 1.0))


def parse(data: bytes | memoryview, layout: Layout, *, path: Path | None = None, cores: int = CORES) -> Parsed | None:
    """Parse rows without their header into columns, in one vectorised pass; return None if anything is irregular.

    Windows line ends, a comma at the end of every line and blank lines at the end are tolerated. `diagnose` reports
    what is irregular, line by line.

    Args:
        data: the rows of one file, or of many files of the same layout one after another.
        layout: the layout of the rows.
        path: the file that ends with `data`, where there is one: reading it touches less memory than mapping it.
        cores: number of cores to use; with one, the file is parsed in the thread of the caller.
    """
    import pyarrow as pa

    buffer = _without_blank_end(data)
    if not len(buffer):
        return None
    if layout.has_text or layout.key == "frame-path":
        return _parse_by_line(bytes(buffer), layout)
    if any(column.is_whole for column in layout.columns) and _has_hexadecimal(buffer):
        return None
    width = layout.width
    extra = _fields_of_first_row(buffer) - width
    if extra not in {0, 1}:
        return None
    fields = [f"f{i}" for i in range(width + extra)]

    def stream() -> pa.NativeFile:
        if path is None or len(buffer) < len(data):
            return arrow_reader(buffer)
        file = pa.OSFile(str(path))
        file.seek(file.size() - len(data))
        return file

    table = _read(stream(), fields, layout, pa.int8(), cores)
    if table is None and layout.role == "truth":
        # annotations may write a class as `4.0`, predictions may not
        table = _read(stream(), fields, layout, pa.float64(), cores)
    if table is None or (extra and not _all_empty(table.column(width))):
        return None
    columns: list[tuple[Values, ...]] = []
    for place, column in enumerate(layout.columns, start=layout.has_key):
        parts = tuple(as_numpy(chunk) for chunk in table.column(place).chunks)
        if column.is_whole:
            parts = _as_classes(parts)
            if parts is None:
                return None
        columns.append(parts)
    return Parsed(table.column(0) if layout.has_key else None, tuple(columns))


def parse_flawless(data: bytes, layout: Layout, begin: int = 0) -> Parsed | None:
    """Parse rows that have no fault of their own; return None for rows to be read line by line.

    Args:
        data: a file, or rows of one.
        layout: the layout of the rows.
        begin: the offset of the first row.
    """
    before = max(begin - 1, 0)
    if not data.endswith(b"\n") or data[begin : begin + 1] in {b",", b"\n"}:
        return None
    if any(data.find(mark, before) >= 0 for mark in SUSPICIOUS) or _has_odd_rows(data, before):
        return None
    parsed = parse(memoryview(data)[begin:], layout)
    return parsed if parsed is not None and parsed.is_valid(layout) else None


def _has_odd_rows(data: bytes, begin: int) -> bool:
    """True if from `begin` on a line is blank, or a row begins or ends with a comma."""
    for start in range(begin, len(data), LOOKED_AT):
        # one more, for what stands across the border of two pieces
        piece = np.frombuffer(data, np.uint8, min(LOOKED_AT + 1, len(data) - start), start)
        is_comma, is_end = piece == COMMA, piece == LINE_FEED
        if np.any(((is_comma | is_end)[:-1] & is_end[1:]) | (is_end[:-1] & is_comma[1:])):
            return True
    return False


def _has_hexadecimal(buffer: memoryview) -> bool:
    """True if a field begins with `0x` or `0X`, which Arrow reads as a whole number."""
    whole = np.frombuffer(buffer, np.uint8)
    if len(whole) > 1 and whole[0] == ZERO and whole[1] | LOWER == HEXADECIMAL:
        return True
    for start in range(0, len(whole), LOOKED_AT):
        # two more, for what stands across the border of two pieces
        piece = whole[start : start + LOOKED_AT + 2]
        before = piece[np.flatnonzero((piece[1:-1] == ZERO) & (piece[2:] | LOWER == HEXADECIMAL))]
        if np.any((before == COMMA) | (before == LINE_FEED)):
            return True
    return False


def _read(
    stream: pa.NativeFile, fields: list[str], layout: Layout, classes: pa.DataType, cores: int
) -> pa.Table | None:
    import pyarrow as pa
    from pyarrow import csv

    types = dict.fromkeys(fields, pa.string())
    for place, column in enumerate(layout.columns, start=layout.has_key):
        types[fields[place]] = classes if column.is_whole else pa.type_for_alias(column.stored)
    try:
        return csv.read_csv(
            stream,
            read_options=csv.ReadOptions(column_names=fields, block_size=BLOCK_BYTES, use_threads=cores > 1),
            parse_options=csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(column_types=types, null_values=[], strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None


def _as_classes(parts: tuple[Values, ...]) -> tuple[Values, ...] | None:
    """Class columns as int8; None where a float is no class number."""
    if all(part.dtype == np.int8 for part in parts):
        return parts
    if not all(bool(np.all((part == np.rint(part)) & (np.abs(part) < 128))) for part in parts):
        return None
    return tuple(part.astype(np.int8) for part in parts)


def as_numpy(chunk: pa.Array) -> NDArray[Any]:
    """The values of a chunk without nulls, not copied; Arrow's own conversion imports pandas."""
    kind = np.dtype(str(chunk.type).replace("double", "float64"))
    return np.frombuffer(chunk.buffers()[1], kind, len(chunk), chunk.offset * kind.itemsize)


def _without_blank_end(data: bytes | memoryview) -> memoryview:
    view = memoryview(data)
    end = len(view)
    while end >= 2 and view[end - 1] == 10:
        before = end - 3 if view[end - 2] == 13 else end - 2
        if before >= 0 and view[before] != 10:
            break
        end = before + 1
    return view[:end]


def _fields_of_first_row(view: memoryview) -> int:
    head = bytes(view[: 1 << 16])
    return head.split(b"\n", 1)[0].count(b",") + 1


def _all_empty(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute

    compute: Any = pyarrow.compute

    return bool(compute.all(compute.equal(column, "")).as_py())


def _parse_by_line(data: bytes, layout: Layout) -> Parsed | None:
    """Parse rows whose names or texts may hold commas; each row has one label, which goes to all of its columns."""
    import pyarrow as pa

    try:
        lines = data.decode("utf-8").replace("\r\n", "\n").rstrip("\n").split("\n")
    except UnicodeDecodeError:
        return None
    rows = [layout.split(line) for line in lines]
    if any(len(row) != (layout.width if layout.columns else 2) for row in rows):
        return None
    if layout.key == "frame-path" and all(row[0].partition(",")[0].isdecimal() for row in rows):
        # row numbers before the names
        return None
    keys = pa.chunked_array([[row[0] for row in rows]])
    if not layout.columns:
        return Parsed(keys, ())
    labels = {"0": 0, "1": 1, "-1": -1}
    values = [labels.get(row[1]) for row in rows]
    if None in values:
        return None
    label = np.array(values, np.int8)
    return Parsed(keys, tuple(None if isinstance(column, Text) else (label,) for column in layout.columns))
