"""Annotations in the organisers' text formats, with the sound rows kept where others are faulty."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Challenge
from abawbench.formats import read_truth
from abawbench.formats.diagnose import is_header, reading_problems, shown
from abawbench.formats.fields import good_line
from abawbench.formats.keys import PATTERNS
from abawbench.formats.layout import Layout, layouts
from abawbench.formats.parse import BOM, first_line
from abawbench.formats.read import choose_layout, load
from abawbench.table import Table


@dataclass(frozen=True, eq=False)
class Read:
    """A table of annotations, and the rows in it that stand for faulty lines.

    Attributes:
        table: as `read_truth` gives it.
        dropped: (unit, row from 0) of rows that hold a place only: in per-unit files a line's number is its frame.
    """

    table: Table
    dropped: tuple[tuple[str, int], ...] = ()


def read_sound_rows(challenge: Challenge, path: Path, problems: Problems) -> Read | None:
    """The annotations of a file, or of a folder of per-unit files, but for faulty lines and files.

    Returns:
        None where nothing can be read.

    Problems: those of `read_truth`, of every file and with the line.
    """
    try:
        return Read(read_truth(challenge, path))
    except ProblemError as error:
        first = error
    candidates = layouts(challenge, "truth")
    files = [path] if path.is_file() else _unit_files(candidates, path)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / path.name
        if path.is_dir():
            copy.mkdir()
        found: list[Problem] = []
        dropped: list[tuple[str, int]] = []
        is_one_left = False
        for file in files:
            mended = _mended(file, candidates, found, of_unit=path.is_dir())
            if mended is None:
                continue
            data, rows = mended
            (copy / file.name if path.is_dir() else copy).write_bytes(data)
            dropped.extend((file.stem, row) for row in rows)
            is_one_left = True
        problems.extend(found or first.problems)
        if not is_one_left:
            return None
        try:
            return Read(read_truth(challenge, copy), tuple(dropped))
        except ProblemError as error:
            text = "; ".join(problem.found for problem in error.problems)
            problems.add(Problem("C03", text, "rows that can be read", "compare with the owners' copy", str(path)))
            return None


def _unit_files(candidates: tuple[Layout, ...], folder: Path) -> list[Path]:
    """The files that `read_truth` reads in a folder."""
    for layout in candidates:
        files = sorted(folder.glob(f"*{layout.suffix}")) if layout.per_unit else []
        if files:
            return files
    return []


def _mended(
    file: Path, candidates: tuple[Layout, ...], found: list[Problem], *, of_unit: bool
) -> tuple[bytes, list[int]] | None:
    """A file's sound lines, and the rows that a sentinel stands in for; None where the file is lost whole."""
    try:
        data = load(file)
    except ProblemError as error:
        found.extend(error.problems)
        return None
    layout = choose_layout(candidates, data, of_unit=of_unit)
    reasons = reading_problems(data, layout, str(file))
    faults = [problem for problem in reasons.found if not problem.is_note]
    found.extend(faults)
    if not faults and layout.key not in PATTERNS:
        return data, []
    lines = data.removeprefix(BOM).rstrip(b"\r\n").split(b"\n")
    header, body = (lines[:1], lines[1:]) if layout.header is not None else ([], lines)
    if header and (not is_header(first_line(data), layout) or any(problem.line in {None, 1} for problem in faults)):
        return None
    names = Problems()
    stand_in = _sentinels(layout)
    kept: list[bytes] = []
    replaced: list[int] = []
    for row, (line, is_sound) in enumerate(_judged(header, body, layout, str(file), names)):
        if is_sound:
            kept.append(line)
        elif stand_in is not None:
            kept.append(stand_in)
            replaced.append(row)
    found.extend(names.found)
    return (b"\n".join([*header, *kept, b""]), replaced) if len(kept) > len(replaced) else None


def _judged(
    header: list[bytes], body: list[bytes], layout: Layout, file: str, problems: Problems
) -> Iterator[tuple[bytes, bool]]:
    """Each line, and whether it is sound; names of another form are told."""
    head = b"".join(line + b"\n" for line in header)
    good = good_line(layout)
    name = re.compile(PATTERNS[layout.key]) if layout.key in PATTERNS else None
    for number, line in enumerate(body, start=len(header) + 1):
        whole = line + b"\n"
        is_sound = bool(good and good.fullmatch(whole)) or not reading_problems(head + whole, layout, file).refuses
        if is_sound and name is not None:
            text = line.decode().strip()
            key = text.rpartition(",")[0] if layout.key == "frame-path" else text.partition(",")[0]
            if not name.match(key):
                fix = "copy the names from the list"
                problems.add(Problem("T06", shown(key), "a name as the organisers write it", fix, file, number))
                is_sound = False
        yield line, is_sound


def _sentinels(layout: Layout) -> bytes | None:
    if layout.key != "line":
        return None
    return ",".join("" if column.sentinel is None else f"{column.sentinel:g}" for column in layout.columns).encode()
