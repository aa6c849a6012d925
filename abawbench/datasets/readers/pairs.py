"""Reads text files whose lines are a key and a number, as `frame,intensity` or `picture split`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abawbench.base.arrow_input import arrow_reader
from abawbench.base.problems import Problem, Problems
from abawbench.datasets.readers.files import read_text
from abawbench.datasets.readers.rows import ROW_FIX, Lines, arrow_functions, report
from abawbench.formats.columns import NUMBER
from abawbench.formats.text import quote
from abawbench.table import Floats

if TYPE_CHECKING:
    import pyarrow as pa

Frames = NDArray[np.int64]
# nine digits fit a frame's 32 bits
MOST_FRAMES = 10**9
_NUMBER_AT_END = r"(?:^|[^0-9.])(?P<number>[0-9]{1,9})(?:\.0*)?(?:\.[A-Za-z]+)?$"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Lines of a key and a number.

    Attributes:
        keys: keys of the lines, shape (rows,).
        values: finite numbers, shape (rows,).
        line: line of the file that each row stands on, shape (rows,).
        is_whole: False where lines were left out.
    """

    keys: pa.ChunkedArray
    values: Floats
    line: Lines
    is_whole: bool


def read_pairs(path: Path, problems: Problems, *, delimiter: str = " ", comment: str = "") -> Pairs | None:
    """Read the lines of a file that hold a key and a finite number; blank lines and comments are skipped.

    Args:
        path: path of the file.
        problems: collection that receives F01, F02, F03 of the file, and F06, V01 of lines, which are then left out.
        delimiter: single character; a blank stands for any run of blanks and tabs.
        comment: text that a line of comment begins with; empty for no comments.
    """
    data = read_text(path, problems)
    if data is None:
        return None
    data = data.rstrip(b"\n")
    tidy = single_blanks if delimiter == " " else bytes
    whole = _parsed(tidy(data), delimiter)
    if whole is not None and not comment:
        return Pairs(*whole, np.arange(len(whole[1])) + 1, True)
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
    return Pairs(*whole, np.array(kept), True)


def single_blanks(data: bytes) -> bytes:
    """The lines without blanks around them and with a single blank between fields."""
    data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")


def _parsed(data: bytes, delimiter: str) -> tuple[pa.ChunkedArray, Floats] | None:
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(
            arrow_reader(data),
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
    report("F06", ~has_width, lambda row: quote(texts[row]), "2 fields", ROW_FIX, place, problems)
    wrong = has_width & ~is_number
    report("V01", wrong, lambda row: quote(fields[row][1]), "a finite number", ROW_FIX, place, problems)
    good = np.flatnonzero(has_width & is_number)
    keys = pa.chunked_array([pa.array([fields[row][0].strip() for row in good], pa.string())])
    return Pairs(keys, np.array([float(fields[row][1]) for row in good]), line[good], False)


def frame_numbers(names: pa.ChunkedArray) -> Frames:
    """The frame that each name ends with, as 12 in `take/012.jpg`, shape (rows,); -1 where it ends with no number."""
    import pyarrow as pa

    compute = arrow_functions()
    plain = compute.utf8_trim_whitespace(names)
    try:
        numbers = np.asarray(plain.cast(pa.int64()).to_numpy(), np.int64)
        return np.where(numbers < MOST_FRAMES, numbers, -1)
    except pa.ArrowInvalid:
        found = pa.chunked_array([compute.extract_regex(plain, _NUMBER_AT_END).combine_chunks()])
        digits = compute.struct_field(found, "number").cast(pa.int64())
        return np.asarray(compute.fill_null(digits, -1).to_numpy(), np.int64)
