"""Annotations in the organisers' text formats, with the sound rows kept where others are faulty."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from abawbench.challenges import Challenge
from abawbench.errors import Problem, ProblemError, Problems
from abawbench.files import read_truth
from abawbench.files.diagnose import is_header, reading_problems
from abawbench.files.fields import good_line
from abawbench.files.layout import Layout, layouts
from abawbench.files.parse import BOM, first_line
from abawbench.files.read import choose_layout, load
from abawbench.table import Table


@dataclass(frozen=True, eq=False)
class Read:
    """A table of annotations, and the rows in it that stand for faulty lines.

    Attributes:
        table: as `read_truth` gives it.
        dropped: (unit, frame) of rows that hold a place only: in per-unit files a line's number is its frame.
    """

    table: Table
    dropped: tuple[tuple[str, int], ...] = ()


def read_sound_rows(challenge: Challenge, path: Path, problems: Problems) -> Read | None:
    """The annotations of a file, or of a folder of per-unit files, but for faulty lines and files.

    Returns:
        None where nothing can be read.

    Problems: those of `read_truth`, each with file and line.
    """
    try:
        return Read(read_truth(challenge, path))
    except ProblemError as error:
        problems.extend(error.problems)
    candidates = layouts(challenge, "truth")
    files = [path] if path.is_file() else _unit_files(candidates, path)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / path.name
        if path.is_dir():
            copy.mkdir()
        dropped: list[tuple[str, int]] = []
        is_one_left = False
        for file in files:
            mended = _without_faults(file, candidates, of_unit=path.is_dir())
            if mended is None:
                continue
            data, lines = mended
            (copy / file.name if path.is_dir() else copy).write_bytes(data)
            dropped.extend((file.stem, line - 2 + challenge.frame_base) for line in lines)
            is_one_left = True
        if not is_one_left:
            return None
        try:
            return Read(read_truth(challenge, copy), tuple(dropped))
        except ProblemError as error:
            problems.add(
                Problem("C03", str(error), "rows that can be read", "compare with the owners' copy", str(path))
            )
            return None


def _unit_files(candidates: tuple[Layout, ...], folder: Path) -> list[Path]:
    """The files that `read_truth` reads in a folder."""
    for layout in candidates:
        files = sorted(folder.glob(f"*{layout.suffix}")) if layout.per_unit else []
        if files:
            return files
    return []


def _without_faults(file: Path, candidates: tuple[Layout, ...], *, of_unit: bool) -> tuple[bytes, list[int]] | None:
    """A file's sound lines, and the lines that a sentinel stands in for; None where the file is lost whole."""
    try:
        data = load(file)
    except ProblemError:
        return None
    layout = choose_layout(candidates, data, of_unit=of_unit)
    body = data.removeprefix(BOM).rstrip(b"\r\n").split(b"\n")
    header: list[bytes] = []
    if layout.header is not None:
        if _is_lost(data, layout, str(file)):
            return None
        header, body = body[:1], body[1:]
    good = good_line(layout)
    head = header[0] + b"\n" if header else b""
    stand_in = _sentinels(layout)
    kept: list[bytes] = []
    replaced: list[int] = []
    for number, line in enumerate(body, start=len(header) + 1):
        whole = line + b"\n"
        if (good is not None and good.fullmatch(whole)) or not _is_faulty(head + whole, layout):
            kept.append(line)
        elif stand_in is not None:
            kept.append(stand_in)
            replaced.append(number)
    return (b"\n".join([*header, *kept, b""]), replaced) if kept else None


def _is_lost(data: bytes, layout: Layout, file: str) -> bool:
    """True where the header, or the file as a whole, is at fault."""
    if not is_header(first_line(data), layout):
        return True
    found = reading_problems(data, layout, file).found
    return any(problem.line in {None, 1} and not problem.is_note and problem.rule != "F02" for problem in found)


def _is_faulty(text: bytes, layout: Layout) -> bool:
    return reading_problems(text, layout, "").refuses


def _sentinels(layout: Layout) -> bytes | None:
    if layout.key != "line":
        return None
    return ",".join("" if column.sentinel is None else f"{column.sentinel:g}" for column in layout.columns).encode()
