"""One prediction file against its layout and the organisers' list."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.formats.diagnose import encoding_fault, is_header, shown, submission_problems
from abawbench.formats.keys import PATTERNS
from abawbench.formats.layout import Layout
from abawbench.formats.lists import RowList, first_row_line
from abawbench.formats.parse import BOM, Parsed, body_offset, first_line, parse
from abawbench.formats.rows import Rows, compare
from abawbench.formats.validity import is_valid

# the vectorised reader passes over these, or reads them as something else; a submission may not have them
SUSPICIOUS = (b"\r", b" ", b"\t", b'"', b",\n", b",0x", b"\n0x", b"\n\n", b"\n,")


def layout_for(candidates: tuple[Layout, ...], data: bytes) -> Layout:
    """Of the layouts of one format the one that has as many fields as the first line; the first where none has."""
    fields = first_line(data).rstrip(",").count(",") + 1
    return next((layout for layout in candidates if layout.width == fields), candidates[0])


def file_problems(data: bytes, layout: Layout, file: str, wanted: RowList | None) -> tuple[Problem, ...]:
    """What the organisers would object to in one file.

    Args:
        data: the whole file.
        layout: what it should look like.
        file: its name, for the messages.
        wanted: the rows asked for; without them only names that no list has are found.
    """
    problems = Problems()
    parsed = flawless(data, layout)
    if parsed is None:
        problems = submission_problems(data, layout, file, _names_with_blanks(wanted))
    if encoding_fault(data) or layout.key == "line":
        return problems.found
    rows = _loose_rows(data, layout) if parsed is None else _rows(parsed, layout)
    if not len(rows.lines):
        return problems.found
    if wanted is not None:
        problems.extend(compare(rows, wanted, layout.key, file))
    else:
        problems.extend(_irregular_names(rows, layout, file))
    return problems.found


def flawless(data: bytes, layout: Layout) -> Parsed | None:
    """The columns of a file that has no fault of its own; None where it must be looked at line by line."""
    offset = body_offset(data, layout)
    header = data[:offset].decode("utf-8", "replace")
    if layout.header is not None and header.rstrip("\n") not in {layout.header, *layout.header_aliases}:
        return None
    if layout.header is None and offset:
        return None
    begin = max(offset - 1, 0)
    if not data.endswith(b"\n") or data.startswith(b",") or any(data.find(piece, begin) >= 0 for piece in SUSPICIOUS):
        return None
    parsed = parse(memoryview(data)[offset:], layout)
    return parsed if parsed is not None and is_valid(parsed, layout) else None


def row_count(data: bytes, layout: Layout) -> int:
    """How many lines are neither blank nor a header."""
    lines = sum(1 for line in io.BytesIO(data) if line.strip())
    return lines - (lines > 0 and is_header(first_line(data), layout))


def _rows(parsed: Parsed, layout: Layout) -> Rows:
    assert parsed.keys is not None
    first = first_row_line(layout)
    return Rows(parsed.keys, np.arange(first, first + len(parsed.keys)))


def _loose_rows(data: bytes, layout: Layout) -> Rows:
    """Row names of any text: what stands before the first comma (frame paths: before the last)."""
    import pyarrow as pa

    keys: list[str] = []
    numbers: list[int] = []
    for number, line in enumerate(io.BytesIO(data), start=1):
        piece = line.removeprefix(BOM) if number == 1 else line
        if not piece.strip() or (number == 1 and is_header(first_line(data), layout)):
            continue
        text = piece.decode("utf-8", "replace").rstrip("\r\n").replace('"', "")
        if not line.endswith(b"\n") and text.count(",") < layout.width - 1:
            # a row that is cut off may have a name that is cut off
            continue
        key = text.rpartition(",")[0] if layout.key == "frame-path" else text.partition(",")[0]
        keys.append(key if layout.key == "frame-path" else key.strip(" \t"))
        numbers.append(number)
    return Rows(pa.chunked_array([keys], pa.string()), np.array(numbers, np.int64))


def _names_with_blanks(wanted: RowList | None) -> frozenset[str]:
    if wanted is None:
        return frozenset()
    import pyarrow.compute

    compute: Any = pyarrow.compute
    return frozenset(wanted.keys.filter(compute.match_substring(wanted.keys, " ")).to_pylist())


def _irregular_names(rows: Rows, layout: Layout, file: str) -> list[Problem]:
    pattern = {**PATTERNS, "frame": r"^\d+$"}.get(layout.key)
    if pattern is None:
        return []
    import pyarrow.compute

    compute: Any = pyarrow.compute
    is_regular = compute.match_substring_regex(rows.keys, pattern)
    if layout.key == "path":
        is_regular = compute.and_(is_regular, compute.invert(compute.ends_with(rows.keys, "/00000.jpg")))
    if compute.all(is_regular).as_py():
        return []
    wrong = np.flatnonzero(~is_regular.to_numpy())
    example = {"frame-path": "video/frame-0.jpg", "frame": "1"}.get(layout.key, "video/00001.jpg")
    return [
        Problem(
            "T06",
            shown(rows.keys[place].as_py()),
            f"a name like '{example}'",
            "copy the names from the organisers' list: frames from 1, five digits, forward slashes"
            if layout.key == "path"
            else "copy the names from the organisers' list",
            file,
            int(rows.lines[place]),
            len(wrong),
        )
        for place in wrong[:SHOWN].tolist()
    ]
