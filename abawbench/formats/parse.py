"""Text to columns, vectorised: the path that every well-formed file takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.formats.layout import Layout
from abawbench.table import Values

if TYPE_CHECKING:
    import pyarrow as pa

BOM = b"\xef\xbb\xbf"
# small blocks stay in the cache between the parser and the converters
BLOCK_BYTES = 1 << 22
CORES = os.cpu_count() or 1


@dataclass(frozen=True, eq=False)
class Parsed:
    """The columns of a file's rows.

    Attributes:
        keys: the first field of each row as text; None where the line number is the key.
        columns: for each column of the layout its values in parts, one after another: float64 for numbers and
            probabilities, int8 for the others; None for text that is read over.
    """

    keys: pa.ChunkedArray | None
    columns: tuple[tuple[Values, ...] | None, ...]

    def __len__(self) -> int:
        if self.keys is not None:
            return len(self.keys)
        return sum(len(part) for part in next(column for column in self.columns if column is not None))


def first_line(data: bytes | memoryview) -> str:
    """The first line without byte order mark and line end; bytes that are no UTF-8 become replacement characters."""
    return _head(data).removeprefix(BOM).rstrip(b"\r\n").decode("utf-8", "replace")


def body_offset(data: bytes | memoryview, layout: Layout) -> int:
    """Where the first row begins, behind byte order mark and header."""
    head = _head(data)
    if layout.header is None:
        return len(BOM) if head.startswith(BOM) else 0
    return len(head)


def _head(data: bytes | memoryview) -> bytes:
    """The first line with its line end."""
    size = 1 << 16
    while True:
        head = bytes(data[:size])
        end = head.find(b"\n")
        if end >= 0:
            return head[: end + 1]
        if len(head) == len(data):
            return head
        size *= 16


def parse(data: bytes | memoryview, layout: Layout, *, path: Path | None = None, cores: int = CORES) -> Parsed | None:
    """Rows (without header) to columns in one vectorised pass.

    Tolerates Windows line ends, a comma at the end of every line and blank lines at the end.

    Args:
        data: the rows of one file, or of many files of the same layout one after another.
        layout: what a row looks like; `ah-split` rows are split at the first two commas, frame lists at the last.
        path: the file that ends with `data`, where there is one: reading it touches less memory than mapping it.
        cores: how many to use; with one, the file is parsed in the thread of the caller.

    Returns:
        None where anything is irregular: the line-by-line reader then says what.
    """
    import pyarrow as pa

    buffer = _without_blank_end(data)
    if not len(buffer):
        return None
    if layout.format in {"ah-split", "ah-frames"}:
        return _parse_paths_with_commas(bytes(buffer), layout)
    width = layout.width
    extra = _fields_of_first_row(buffer) - width
    if extra not in {0, 1}:
        return None
    fields = [f"f{i}" for i in range(width + extra)]

    def stream() -> pa.NativeFile:
        if path is None or len(buffer) < len(data):
            return pa.BufferReader(pa.py_buffer(buffer))
        file = pa.OSFile(str(path))
        file.seek(file.size() - len(data))
        return file

    table = _read(stream(), fields, layout, pa.int8(), cores)
    if table is None and layout.role == "truth":
        # annotations may write a class as `4.0`, predictions may not
        table = _read(stream(), fields, layout, pa.float64(), cores)
    if table is None or (extra and not _all_empty(table.column(width))):
        return None
    first = 0 if layout.key == "line" else 1
    columns: list[tuple[Values, ...] | None] = []
    for place, column in enumerate(layout.columns, start=first):
        parts = None if column.kind == "text" else tuple(as_numpy(chunk) for chunk in table.column(place).chunks)
        if parts is not None and column.kind in {"integer", "binary"}:
            parts = _as_classes(parts)
            if parts is None:
                return None
        columns.append(parts)
    return Parsed(None if first == 0 else table.column(0), tuple(columns))


def _read(
    stream: pa.NativeFile, fields: list[str], layout: Layout, classes: pa.DataType, cores: int
) -> pa.Table | None:
    import pyarrow as pa
    from pyarrow import csv

    kinds = {"number": pa.float64(), "probability": pa.float64(), "text": pa.string()}
    types = dict.fromkeys(fields, pa.string())
    for place, column in enumerate(layout.columns, start=0 if layout.key == "line" else 1):
        types[fields[place]] = kinds.get(column.kind, classes)
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


def _parse_paths_with_commas(data: bytes, layout: Layout) -> Parsed | None:
    import pyarrow as pa

    try:
        lines = data.decode("utf-8").replace("\r\n", "\n").rstrip("\n").split("\n")
    except UnicodeDecodeError:
        return None
    if layout.format == "ah-split":
        rows = [line.split(",", 2) for line in lines]
        complete = all(len(row) == 3 for row in rows)
    else:
        rows = [line.rsplit(",", 1) for line in lines]
        complete = all(len(row) == 2 for row in rows)
    if not complete:
        return None
    if not layout.columns:
        return Parsed(pa.chunked_array([[row[0] for row in rows]]), ())
    labels = {"0": 0, "1": 1, "-1": -1}
    values = [labels.get(row[1]) for row in rows]
    if None in values:
        return None
    label = np.array(values, np.int8)
    columns = tuple(None if column.kind == "text" else (label,) for column in layout.columns)
    return Parsed(pa.chunked_array([[row[0] for row in rows]]), columns)
