"""Files and folders to Table: the one door for truth and predictions."""

from __future__ import annotations

import itertools
import mmap
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError, Problems, not_found, unreadable
from abawbench.challenges import Categorical, Challenge, MultiLabel
from abawbench.formats.class_folders import read_class_folders
from abawbench.formats.diagnose import reading_problems
from abawbench.formats.keys import frame_numbers, split_keys
from abawbench.formats.layout import Layout, Role, layouts
from abawbench.formats.named_columns import arrange
from abawbench.formats.parse import BOM, CORES, Parsed, body_offset, first_line, parse
from abawbench.formats.validity import is_valid
from abawbench.table import Floats, Table, Values


def read_truth(challenge: Challenge, path: Path) -> Table:
    """Annotations of a split: a file, a folder of per-unit files, or class folders of images.

    Returns:
        Rows in the file's order (folders: units in order of their names), sentinels as NaN and -1.

    Raises:
        ProblemError: every problem of every file.
    """
    return _read(challenge, path, "truth", CORES)


def read_predictions(challenge: Challenge, path: Path) -> Table:
    """Predictions in the challenge's format, as per-unit files, or as a table.

    A table is `.parquet`, or `.csv` with columns video and frame.

    Raises:
        ProblemError: every problem of every file; sentinels and values out of range are problems.
    """
    return _read(challenge, path, "prediction", CORES)


def read_both(challenge: Challenge, truth: Path, prediction: Path) -> tuple[Table, Table]:
    """Truth and prediction, read side by side.

    Raises:
        ProblemError: every problem of both.
    """
    # on two cores, two threads that parse alone are faster than two that share a pool
    cores = CORES // 2
    with ThreadPoolExecutor(2) as pool:
        reading = [
            pool.submit(_read, challenge, truth, "truth", cores),
            pool.submit(_read, challenge, prediction, "prediction", cores),
        ]
    errors = [error for error in (future.exception() for future in reading) if error is not None]
    problems = [problem for error in errors if isinstance(error, ProblemError) for problem in error.problems]
    if problems:
        raise ProblemError(*problems)
    return reading[0].result(), reading[1].result()


def load(path: Path) -> bytes:
    """A file's bytes. Raises: ProblemError F01, F02."""
    return bytes(_view(path))


def _view(path: Path) -> memoryview:
    """A file's bytes without copying them. Raises: ProblemError F01, F02."""
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                view = memoryview(b"")
            else:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "a readable file") from error
    if not bytes(view[:4096]).strip() and not bytes(view).strip():
        raise ProblemError(Problem("F02", "no row", "at least one row", "write the file again", str(path)))
    return view


def choose_layout(candidates: Sequence[Layout], data: bytes | memoryview, *, of_unit: bool) -> Layout:
    """The layout that a file's first line speaks for; the first candidate where it speaks for none.

    Args:
        candidates: the official layout first.
        data: the file's bytes.
        of_unit: True for a file of a folder of per-unit files.
    """
    first = first_line(data)
    header = first.rstrip(", ")
    for layout in candidates:
        if layout.header is not None and _has_header(data, layout):
            return layout
    fields = first.count(",") + 1
    for layout in candidates:
        if layout.by_name and layout.header is not None and layout.header.split(",")[0] in header.split(","):
            return layout
        if layout.header is None and layout.key == "frame-path" and "/frame-" in first:
            return layout
        if layout.header is None and layout.format == "ah-split" and fields >= layout.width:
            # a transcript may hold any number of commas, a trial line none
            if _is_trial(first):
                continue
            return layout
        if layout.header is None and layout.key == "id" and fields == layout.width:
            return layout
    fitting = [layout for layout in candidates if layout.per_unit == of_unit]
    return (fitting or list(candidates))[0]


def _has_header(data: bytes | memoryview, layout: Layout) -> bool:
    """True when the first line is the layout's header, commas and blanks at its end aside."""
    return first_line(data).rstrip(", ") in {layout.header, *layout.header_aliases}


def _is_trial(line: str) -> bool:
    fields = line.split(",")
    try:
        return len(fields) == 4 and abs(float(fields[1]) + float(fields[2]) - 1) < 0.5 and "." in fields[1]
    except ValueError:
        return False


def _read(challenge: Challenge, path: Path, role: Role, cores: int) -> Table:
    if not path.exists():
        raise not_found(path)
    if path.suffix in {".parquet", ".csv"} and path.is_file():
        from abawbench.formats.dataframe import from_file

        table = from_file(challenge, path, role)
        if table is not None:
            return table
    candidates = layouts(challenge, role)
    if path.is_dir():
        return _read_folder(challenge, path, candidates, role, cores)
    data = _view(path)
    layout = choose_layout(candidates, data, of_unit=False)
    arranged, keep = None, None
    if layout.by_name:
        arranged, layout, keep = arrange(bytes(data), layout, str(path))
        data = memoryview(arranged)
    parsed, notes = _parse_whole(data, layout, str(path), None if arranged else path, cores)
    if layout.per_unit:
        return _units_table(challenge, layout, [_Unit(path.stem, path, len(parsed))], parsed, str(path), notes)
    table = _rows_table(challenge, layout, parsed, str(path), notes)
    return table if keep is None else table.take(np.flatnonzero(keep))


@dataclass(frozen=True)
class _Unit:
    name: str
    path: Path
    rows: int


def _notes(data: bytes | memoryview, file: str) -> list[tuple[str, str]]:
    head, end = bytes(data[:4096]), bytes(data[-3:])
    notes: list[tuple[str, str]] = []
    if head.startswith(BOM):
        notes.append(("N02", file))
    if b"\r\n" in head:
        notes.append(("N01", file))
    if end.endswith((b"\n\n", b"\n\r\n")):
        notes.append(("N03", file))
    return notes


def _parse_whole(
    data: memoryview, layout: Layout, file: str, path: Path | None, cores: int
) -> tuple[Parsed, list[tuple[str, str]]]:
    is_ours = layout.header is None or _has_header(data, layout)
    parsed = parse(data[body_offset(data, layout) :], layout, path=path, cores=cores) if is_ours else None
    if parsed is None or not is_valid(parsed, layout):
        whole = bytes(data)
        reading_problems(whole, layout, file).raise_if_any()
        parsed = parse(_mended(whole, layout), layout)
        if parsed is None:
            raise ProblemError(
                Problem("F06", "rows that differ in their form", "rows of one form", "see formats in the docs", file)
            )
    return parsed, _notes(data, file)


def _mended(data: bytes, layout: Layout) -> bytes:
    """The rows without what a reader tolerates: commas and blanks at line ends, blank lines at the end."""
    body = data[body_offset(data, layout) :]
    return b"\n".join(line.strip(b" \t\r").rstrip(b", ") for line in body.rstrip(b"\r\n").split(b"\n")) + b"\n"


def _values(challenge: Challenge, layout: Layout, parsed: Parsed) -> tuple[dict[str, Values], Floats | None]:
    values: dict[str, Values] = {}
    probability = None
    for task in challenge.tasks:
        if isinstance(task, Categorical):
            values[task.name] = np.empty(len(parsed), np.int8)
        else:
            kind = np.int8 if isinstance(task, MultiLabel) else np.float64
            block: Any = np.empty((len(parsed), len(task.columns)), kind, order="F")
            values[task.name] = block
    for column, parts in zip(layout.columns, parsed.columns, strict=True):
        if parts is None:
            continue
        if column.name == "p1":
            probability = np.concatenate(parts).astype(np.float64, copy=False)
        if column.task is not None:
            block = values[column.task]
            _gather(parts, block if block.ndim == 1 else block[:, column.place], column.sentinel)
    return values, probability


def _gather(parts: Sequence[Values], out: Values, sentinel: float | None) -> None:
    """Write the parts of a column one after another, a sentinel among numbers as NaN."""
    begin = 0
    for part in parts:
        end = begin + len(part)
        out[begin:end] = part
        if sentinel is not None and out.dtype == np.float64:
            np.putmask(out[begin:end], part == sentinel, np.nan)
        begin = end


def _rows_table(
    challenge: Challenge, layout: Layout, parsed: Parsed, source: str, notes: Sequence[tuple[str, str]]
) -> Table:
    assert parsed.keys is not None
    names = split_keys(parsed.keys, layout.key)
    if names is None:
        raise ProblemError(*_name_problems(parsed, layout, source))
    videos, video, frame = names
    values, probability = _values(challenge, layout, parsed)
    return Table(videos, video, frame, values, probability, source=source, notes=tuple(notes))


def _name_problems(parsed: Parsed, layout: Layout, source: str) -> tuple[Problem, ...]:
    import re

    from abawbench.formats.keys import PATTERNS

    pattern = re.compile(PATTERNS[layout.key])
    example = "video/frame-0.jpg" if layout.key == "frame-path" else "video/00001.jpg"
    problems = Problems()
    begin = 1 if layout.header is None else 2
    assert parsed.keys is not None
    for line, key in enumerate(parsed.keys.to_pylist(), start=begin):
        if not pattern.match(key):
            problems.add(
                Problem("T06", f"'{key}'", f"a name like '{example}'", "copy the names from the list", source, line)
            )
    return problems.found


def _frame_problems(parsed: Parsed, units: Sequence[_Unit]) -> tuple[Problem, ...]:
    """Frame numbers that are none, with the file and line of each."""
    problems = Problems()
    assert parsed.keys is not None
    keys = iter(parsed.keys.to_pylist())
    for unit in units:
        for line, key in enumerate(itertools.islice(keys, unit.rows), start=2):
            if not (key.isascii() and key.isdigit() and len(key) < 10):
                problems.add(
                    Problem(
                        "T06", f"frame '{key}'", "a frame number", "copy the frames of the list", str(unit.path), line
                    )
                )
    return problems.found


def _units_table(
    challenge: Challenge,
    layout: Layout,
    units: Sequence[_Unit],
    parsed: Parsed,
    source: str,
    notes: Sequence[tuple[str, str]],
) -> Table:
    counts = np.array([unit.rows for unit in units])
    video = np.repeat(np.arange(len(units), dtype=np.int32), counts)
    if layout.key == "line":
        begins = (np.cumsum(counts) - counts - layout.frame_base).astype(np.int32)
        frame = np.arange(len(video), dtype=np.int32) - np.repeat(begins, counts)
    else:
        assert parsed.keys is not None
        numbers = frame_numbers(parsed.keys)
        if numbers is None:
            raise ProblemError(*_frame_problems(parsed, units))
        frame = numbers
    values, probability = _values(challenge, layout, parsed)
    return Table(
        tuple(unit.name for unit in units), video, frame, values, probability, source=source, notes=tuple(notes)
    )


def _read_folder(challenge: Challenge, path: Path, candidates: Sequence[Layout], role: Role, cores: int) -> Table:
    for place in challenge.annotation_places.get("validation", ()):
        if role == "truth" and (path / place).exists():
            return _read(challenge, path / place, role, cores)
    for layout in candidates:
        if layout.format == "lsd" and role == "truth":
            return read_class_folders(challenge, path)
        files = sorted(path.glob(f"*{layout.suffix}")) if layout.per_unit else []
        if files:
            return _read_units(challenge, layout, files, path)
    files = sorted(file for file in path.iterdir() if file.suffix in {".txt", ".csv"})
    if len(files) == 1:
        return _read(challenge, files[0], role, cores)
    suffix = next((layout.suffix for layout in candidates if layout.per_unit), None)
    expected = (
        f"one file '<unit>{suffix}' for each unit" if suffix else f"one file in the format {candidates[0].format}"
    )
    raise ProblemError(
        Problem(
            "C03", f"{len(files)} text files that do not fit", expected, "name the file or folder itself", str(path)
        )
    )


def _read_units(challenge: Challenge, layout: Layout, files: Sequence[Path], folder: Path) -> Table:
    bodies: list[bytes] = []
    units: list[_Unit] = []
    notes: list[tuple[str, str]] = []
    whole = True
    for file in files:
        data = load(file)
        body = data[body_offset(data, layout) :]
        if not body.endswith(b"\n"):
            body += b"\n"
        elif body.endswith((b"\n\n", b"\n\r\n")):
            body = body.rstrip(b"\r\n") + b"\n"
        whole = whole and _has_header(data, layout) and len(body) > 1
        bodies.append(body)
        units.append(_Unit(file.stem, file, body.count(b"\n")))
        notes.extend(_notes(data, file.name))
    parsed = parse(b"".join(bodies), layout) if whole else None
    if parsed is None or not is_valid(parsed, layout):
        problems = Problems()
        pieces: list[bytes] = []
        for file in files:
            data = load(file)
            problems.extend(reading_problems(data, layout, str(file)).found)
            pieces.append(_mended(data, layout))
        problems.raise_if_any()
        units = [_Unit(file.stem, file, piece.count(b"\n")) for file, piece in zip(files, pieces, strict=True)]
        parsed = parse(b"".join(pieces), layout)
        if parsed is None:
            raise ProblemError(
                Problem("F06", "files that differ in their form", "files of one form", "write them alike", str(folder))
            )
    return _units_table(challenge, layout, units, parsed, str(folder), notes)
