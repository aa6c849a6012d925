"""Checking the files of a prediction, each against its layout and the organisers' list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from abawbench.base.problems import SHOWN, Problem, Problems
from abawbench.formats.diagnose import problems_in_submitting
from abawbench.formats.keys import PATTERNS, example
from abawbench.formats.layout import Layout, choose_by_width
from abawbench.formats.lists import RowList, UnitList
from abawbench.formats.mending import REPAIR
from abawbench.formats.parse import Parsed, parse_flawless
from abawbench.formats.parts import join_parts
from abawbench.formats.rows import Rows, compare
from abawbench.formats.settle import Settled, settle
from abawbench.formats.text import body_offset, quote
from abawbench.table import video_of


def file_problems(
    data: bytes,
    candidates: Sequence[Layout],
    file: str,
    wanted: RowList | None,
    counts: Sequence[int] = (),
) -> tuple[Problem, ...]:
    """The problems for which the organisers would refuse one file.

    Args:
        data: the whole file.
        candidates: the layouts that the file may have, the official one first.
        file: the file's name, for messages.
        wanted: the rows to predict; without them, only names that no list can have are found.
        counts: numbers of rows that the file may have; empty where they are not known.
    """
    layout = choose_by_width(candidates, data)
    parsed = parse_once(data, layout, wanted, counts)
    if parsed is not None:
        return parsed_problems(parsed, layout, file, wanted)
    settled = settle(data, candidates, file, of_unit=layout.per_unit, wanted=wanted, counts=counts)
    return settled_problems(settled, file, wanted, counts)


def parsed_problems(parsed: Parsed, layout: Layout, file: str, wanted: RowList | None) -> tuple[Problem, ...]:
    """The problems for which the organisers would refuse a file that `parse_once` has parsed: those of its rows."""
    return _row_problems(_rows(parsed, layout) if layout.has_key else None, layout, file, wanted)


def settled_problems(
    settled: Settled, file: str, wanted: RowList | None, counts: Sequence[int] = ()
) -> tuple[Problem, ...]:
    """The problems for which the organisers would refuse a file that was settled, those that were mended included."""
    problems = problems_in_submitting(settled, file, _names_with_blanks(wanted))
    found = problems.found
    rules = {problem.rule for problem in settled.faults}
    if settled.is_told or not settled.rows:
        return found
    if settled.layout.has_key:
        problems = Problems()
        problems.extend(found)
        rows = _row_problems(_settled_rows(settled), settled.layout, file, wanted)
        problems.extend(problem for problem in rows if problem.rule not in rules)
        return problems.found
    if not counts or len(settled.rows) in counts or rules & {"F10", "T03"}:
        return found
    expected = " or ".join(f"{lines:,}" for lines in counts)
    fix = "write one line for each frame, frame 1 first; repeat the last value or cut the surplus"
    return (*found, Problem("T07", f"{len(settled.rows):,} rows", f"{expected} rows", fix, file))


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
        return file_problems(data, [layout], file, None)
    return file_problems(data, [listed.layout(layout)], file, listed.rows(wanted.source), listed.lines)


def parts_problems(
    parts: Sequence[Settled], files: Sequence[str], folder: str, wanted: RowList | None
) -> tuple[Problem, ...]:
    """The problems for which the organisers would refuse files that are one prediction together.

    Args:
        parts: the files, settled.
        files: their names, for messages.
        folder: the name of their folder, for messages.
        wanted: the rows to predict.
    """
    problems = Problems()
    names = _names_with_blanks(wanted)
    for part, file in zip(parts, files, strict=True):
        problems.extend(problems_in_submitting(part, file, names).found)
    whole = join_parts(parts, folder, wanted)
    problems.extend(problem for problem in whole.mended if problem.file == folder)
    problems.extend(_row_problems(_settled_rows(whole), whole.layout, folder, wanted))
    return problems.found


def compare_units(names: Sequence[str], wanted: UnitList, layout: Layout, where: str) -> tuple[Problem, ...]:
    """Find units without a file, files without a unit, and files whose names are spelt otherwise than in the list.

    Args:
        names: names of the files of one trial.
        wanted: the units to predict.
        layout: the layout of a unit's file.
        where: the folder's name, for messages.
    """
    stems = {PurePosixPath(name).stem for name in names}
    right, causes = wanted.respelt(stems)
    advice = f"{'; '.join(causes)}, {REPAIR}"
    stems = {right.get(name, name) for name in stems}
    videos = {video_of(name) for name in stems}
    surplus = sorted(name for name in stems if wanted.find(name) is None)
    missing = [
        name for name, unit in wanted.units.items() if name not in stems and not (unit.is_video and name in videos)
    ]
    expected = f"{len(wanted.units):,} files, one for each unit of the list"
    remove = "remove it, or name it as the list does"
    return (
        *(
            Problem("T06", f"'{name}{layout.suffix}'", f"'{unit}{layout.suffix}'", advice, where, count=len(right))
            for name, unit in list(right.items())[:SHOWN]
        ),
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


def parse_whole(data: bytes, layout: Layout) -> Parsed | None:
    """Parse a file that has no fault of its own, its header included; return None for a file to be settled."""
    offset = body_offset(data, layout.header)
    header = data[:offset].decode("utf-8", "replace")
    if layout.header is not None and header.rstrip("\n") not in layout.headers:
        return None
    if layout.header is None and offset:
        return None
    return parse_flawless(data, layout, offset)


def parse_once(data: bytes, layout: Layout, wanted: RowList | None, counts: Sequence[int] = ()) -> Parsed | None:
    """Parse a file as `parse_whole` does; return None also where its rows may stand in it again."""
    parsed = parse_whole(data, layout)
    return parsed if parsed is not None and _is_as_long(len(parsed), wanted, counts) else None


def _is_as_long(count: int, wanted: RowList | None, counts: Sequence[int]) -> bool:
    """True if nothing speaks for rows that stand in the file again."""
    return (wanted is None or count <= len(wanted.keys)) and (not counts or count in counts)


def _row_problems(rows: Rows | None, layout: Layout, file: str, wanted: RowList | None) -> tuple[Problem, ...]:
    """The problems of the names of rows; `rows` is None where rows have no names."""
    if rows is None or not len(rows.lines):
        return ()
    if wanted is not None:
        return compare(rows, wanted, layout.key, file)
    return tuple(_irregular_names(rows, layout, file))


def _rows(parsed: Parsed, layout: Layout) -> Rows:
    assert parsed.keys is not None
    return Rows(parsed.keys, np.arange(layout.first_row, layout.first_row + len(parsed.keys)))


def _settled_rows(settled: Settled) -> Rows:
    """The rows of a settled file; the name of a row that is cut off may be cut off too."""
    import pyarrow as pa

    keys, numbers = settled.split()[0], settled.numbers
    if settled.is_cut and settled.rows[-1].count(",") < settled.layout.width - 1:
        keys, numbers = keys[:-1], numbers[:-1]
    texts = [key if key.isascii() else key.encode("utf-8", "replace").decode() for key in keys]
    return Rows(pa.chunked_array([texts], pa.string()), np.array(numbers, np.int64))


def _names_with_blanks(wanted: RowList | None) -> frozenset[str] | None:
    if wanted is None:
        return None
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
    if layout.key == "path" and layout.frame_base:
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
