"""Checking the files of a prediction, each against its layout and the organisers' list."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.formats.columns import BLANKS
from abawbench.formats.diagnose import submission_problems
from abawbench.formats.keys import PATTERNS, example
from abawbench.formats.layout import Layout, is_header
from abawbench.formats.lists import RowList, UnitList
from abawbench.formats.parse import Parsed, parse
from abawbench.formats.rows import Rows, compare
from abawbench.formats.text import BOM, body_offset, encoding_fault, first_line, quote
from abawbench.table import video_of

# pieces that the vectorised reader skips or misreads; a submission may not have them
SUSPICIOUS = (b"\r", b" ", b"\t", b'"', b",\n", b",0x", b"\n0x", b"\n\n", b"\n,")


def file_problems(data: bytes, layout: Layout, file: str, wanted: RowList | None) -> tuple[Problem, ...]:
    """The problems for which the organisers would refuse one file.

    Args:
        data: the whole file.
        layout: the layout that the file should have.
        file: the file's name, for messages.
        wanted: the rows to predict; without them, only names that no list can have are found.
    """
    problems = Problems()
    parsed = parse_flawless(data, layout)
    if parsed is None:
        problems = submission_problems(data, layout, file, _names_with_blanks(wanted))
    if encoding_fault(data) or not layout.has_key:
        return problems.found
    rows = _rough_rows(data, layout) if parsed is None else _rows(parsed, layout)
    if not len(rows.lines):
        return problems.found
    if wanted is not None:
        problems.extend(compare(rows, wanted, layout.key, file))
    else:
        problems.extend(_irregular_names(rows, layout, file))
    return problems.found


def unit_problems(data: bytes, layout: Layout, name: str, file: str, wanted: UnitList | None) -> tuple[Problem, ...]:
    """The problems for which the organisers would refuse the file of one unit.

    Args:
        data: the whole file.
        layout: the layout of a unit's file.
        name: the unit's name.
        file: the file's name, for messages.
        wanted: the units to predict.
    """
    listed = None if wanted is None else wanted.find(name)
    if wanted is None or listed is None:
        return file_problems(data, layout, file, None)
    layout = listed.layout(layout)
    found = file_problems(data, layout, file, listed.rows(wanted.source))
    count = 0 if encoding_fault(data) else _row_count(data, layout)
    if listed.keys is not None or not listed.lines or not count or count in listed.lines:
        return found
    expected = " or ".join(f"{lines:,}" for lines in listed.lines)
    fix = "write one line for each frame, frame 1 first; repeat the last value or cut the surplus"
    return (*found, Problem("T07", f"{count:,} rows", f"{expected} rows", fix, file))


def compare_units(names: Sequence[str], wanted: UnitList, layout: Layout, where: str) -> tuple[Problem, ...]:
    """Find units without a file, and files without a unit.

    Args:
        names: names of the files of one trial.
        wanted: the units to predict.
        layout: the layout of a unit's file.
        where: the folder's name, for messages.
    """
    stems = {PurePosixPath(name).stem for name in names}
    videos = {video_of(name) for name in stems}
    surplus = sorted(name for name in stems if wanted.find(name) is None)
    missing = [
        name for name, unit in wanted.units.items() if name not in stems and not (unit.is_video and name in videos)
    ]
    expected = f"{len(wanted.units):,} files, one for each unit of the list"
    remove = "remove it, or name it as the list does"
    return (
        *(
            Problem(
                "T08",
                f"{len(stems):,} files, none for '{name}'",
                expected,
                f"write '{name}{layout.suffix}'",
                where,
                count=len(missing),
            )
            for name in missing[:SHOWN]
        ),
        *(
            Problem("T09", f"'{name}{layout.suffix}'", expected, remove, where, count=len(surplus))
            for name in surplus[:SHOWN]
        ),
    )


def parse_flawless(data: bytes, layout: Layout) -> Parsed | None:
    """Parse a file that has no fault of its own; return None for a file to be read line by line."""
    offset = body_offset(data, layout.header)
    header = data[:offset].decode("utf-8", "replace")
    if layout.header is not None and header.rstrip("\n") not in layout.headers:
        return None
    if layout.header is None and offset:
        return None
    begin = max(offset - 1, 0)
    if not data.endswith(b"\n") or data.startswith(b",") or any(data.find(piece, begin) >= 0 for piece in SUSPICIOUS):
        return None
    parsed = parse(memoryview(data)[offset:], layout)
    return parsed if parsed is not None and parsed.is_valid(layout) else None


def _row_count(data: bytes, layout: Layout) -> int:
    """Number of lines that are neither blank nor a header."""
    lines = sum(1 for line in io.BytesIO(data) if line.strip())
    return lines - (lines > 0 and is_header(first_line(data), layout))


def _rows(parsed: Parsed, layout: Layout) -> Rows:
    assert parsed.keys is not None
    return Rows(parsed.keys, np.arange(layout.first_row, layout.first_row + len(parsed.keys)))


def _rough_rows(data: bytes, layout: Layout) -> Rows:
    """The rows of any text, as far as their names are legible."""
    import pyarrow as pa

    keys: list[str] = []
    numbers: list[int] = []
    for number, line in enumerate(io.BytesIO(data), start=1):
        piece = line.removeprefix(BOM) if number == 1 else line
        if not piece.strip() or (number == 1 and is_header(first_line(data), layout)):
            continue
        text = piece.decode("utf-8", "replace").rstrip("\r\n").replace('"', "")
        if not line.endswith(b"\n") and text.count(",") < layout.width - 1:
            # the name of a row that is cut off may be cut off too
            continue
        key = layout.row_name(text)
        keys.append(key if layout.key == "frame-path" else key.strip(BLANKS))
        numbers.append(number)
    return Rows(pa.chunked_array([keys], pa.string()), np.array(numbers, np.int64))


def _names_with_blanks(wanted: RowList | None) -> frozenset[str]:
    if wanted is None:
        return frozenset()
    import pyarrow.compute

    compute: Any = pyarrow.compute
    return frozenset(wanted.keys.filter(compute.match_substring(wanted.keys, " ")).to_pylist())


def _irregular_names(rows: Rows, layout: Layout, file: str) -> list[Problem]:
    """Names that no list of the format can have."""
    pattern = {**PATTERNS, "frame": r"^\d+$"}.get(layout.key)
    if pattern is None:
        return []
    import pyarrow.compute

    compute: Any = pyarrow.compute
    is_regular = compute.match_substring_regex(rows.keys, pattern)
    fix = "copy the names from the organisers' list"
    if layout.key == "path":
        is_regular = compute.and_(is_regular, compute.invert(compute.ends_with(rows.keys, "/00000.jpg")))
        fix += ": frames from 1, five digits, forward slashes"
    if compute.all(is_regular).as_py():
        return []
    wrong = np.flatnonzero(~is_regular.to_numpy())
    expected = f"a name like '{example(layout.key)}'"
    return [
        Problem("T06", quote(rows.keys[place].as_py()), expected, fix, file, int(rows.lines[place]), len(wrong))
        for place in wrong[:SHOWN].tolist()
    ]
