"""Small text files as their bytes, and lines of a key and a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.readers.finding import bytes_of
from abawbench.datasets.readers.sheet import Lines, report
from abawbench.formats.diagnose import encoding_fault, shown
from abawbench.formats.fields import NUMBER
from abawbench.formats.parse import BOM
from abawbench.table import Floats

if TYPE_CHECKING:
    import pyarrow as pa

Frames = NDArray[np.int64]
# nine digits fit a frame's 32 bits
MOST_FRAMES = 10**9
_NUMBER_AT_END = r"(?:^|[^0-9.])(?P<number>[0-9]{1,9})(?:\.0*)?(?:\.[A-Za-z]+)?$"
_FIX = "compare the file with its owners' copy; the row is left out"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Lines of a key and a number.

    Attributes:
        file: its name, for messages.
        keys: texts, shape (rows,).
        values: shape (rows,), finite.
        line: shape (rows,), the number of the line a row stands on.
        is_whole: False where lines were left out.
    """

    file: str
    keys: pa.ChunkedArray
    values: Floats
    line: Lines
    is_whole: bool

    def __len__(self) -> int:
        return len(self.line)


def read_text(path: Path, problems: Problems) -> bytes | None:
    """A UTF-8 text without byte order mark, its lines ended by line feeds; None where it cannot be read.

    Problems: F01, F02, F03.
    """
    data = bytes_of(path, problems)
    if data is None:
        return None
    data = data.removeprefix(BOM)
    if not data.strip():
        problems.add(Problem("F02", "no row", "at least one row", "copy the file again", str(path)))
        return None
    wrong = encoding_fault(data)
    if wrong is None:
        try:
            data.decode()
        except UnicodeDecodeError:
            wrong = "bytes that are not UTF-8"
    if wrong is not None:
        problems.add(Problem("F03", wrong, "UTF-8 text", "save it again as UTF-8 text", str(path)))
        return None
    return data.replace(b"\r\n", b"\n")


def read_pairs(path: Path, problems: Problems, *, delimiter: str = " ", comment: str = "") -> Pairs | None:
    """Lines of a key and a finite number; blank lines and comments are passed over.

    Args:
        path: the file.
        problems: F01, F02, F03 for the file; F06, V01 for lines, which are then left out.
        delimiter: one character; a blank stands for any run of blanks and tabs.
        comment: what a line begins with that is no row; empty for none.
    """
    data = read_text(path, problems)
    if data is None:
        return None
    data = data.rstrip(b"\n")
    tidy = single_blanks if delimiter == " " else bytes
    whole = _parsed(tidy(data), delimiter)
    if whole is not None and not comment:
        return Pairs(str(path), *whole, np.arange(len(whole[1])) + 1, True)
    lines = data.split(b"\n")
    mark = comment.encode()
    kept = [
        number
        for number, line in enumerate(lines, start=1)
        if line and not line.isspace() and not (mark and line.lstrip().startswith(mark))
    ]
    if not kept:
        problems.add(Problem("F02", "no row", "at least one row", "copy the file again", str(path)))
        return None
    whole = _parsed(tidy(b"\n".join([lines[number - 1] for number in kept])), delimiter)
    if whole is None:
        return _line_by_line(str(path), lines, kept, delimiter, problems)
    return Pairs(str(path), *whole, np.array(kept), True)


def single_blanks(data: bytes) -> bytes:
    """Lines without blanks around them, their fields one blank apart."""
    data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")


def _parsed(data: bytes, delimiter: str) -> tuple[pa.ChunkedArray, Floats] | None:
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            read_options=csv.ReadOptions(column_names=["key", "value"], use_threads=False),
            parse_options=csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types={"key": pa.string(), "value": pa.float64()}, null_values=[], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    values = table.column("value").to_numpy()
    # a carriage return ends a line for the parser alone
    is_sound = len(values) == data.count(b"\n") + 1 and bool(np.isfinite(values).all())
    return (table.column("key"), values) if is_sound else None


def _line_by_line(file: str, lines: list[bytes], kept: list[int], delimiter: str, problems: Problems) -> Pairs:
    import pyarrow as pa

    texts = [lines[number - 1].decode() for number in kept]
    fields = [text.split(None if delimiter == " " else delimiter) for text in texts]
    line = np.array(kept)
    has_width = np.array([len(parts) == 2 for parts in fields])
    is_number = np.array([NUMBER.fullmatch(parts[-1].strip()) is not None for parts in fields])
    place = (file, line)
    report("F06", ~has_width, lambda row: shown(texts[row]), "2 fields", _FIX, place, problems)
    wrong = has_width & ~is_number
    report("V01", wrong, lambda row: shown(fields[row][1]), "a finite number", _FIX, place, problems)
    good = np.flatnonzero(has_width & is_number)
    keys = pa.chunked_array([pa.array([fields[row][0].strip() for row in good], pa.string())])
    return Pairs(file, keys, np.array([float(fields[row][1]) for row in good]), line[good], False)


def frame_numbers(names: pa.ChunkedArray) -> Frames:
    """The number that each name ends with before its ending, as 12 in `take/012.jpg`; -1 where there is none.

    Returns:
        Shape (rows,), int64.
    """
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    plain = compute.utf8_trim_whitespace(names)
    try:
        numbers = np.asarray(plain.cast(pa.int64()).to_numpy(), np.int64)
        return np.where(numbers < MOST_FRAMES, numbers, -1)
    except pa.ArrowInvalid:
        found = pa.chunked_array([compute.extract_regex(plain, _NUMBER_AT_END).combine_chunks()])
        digits = compute.struct_field(found, "number").cast(pa.int64())
        return np.asarray(compute.fill_null(digits, -1).to_numpy(), np.int64)
