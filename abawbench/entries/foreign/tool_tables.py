"""Reads the table that a toolkit wrote for one video."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from abawbench.base.arrow_input import arrow_reader
from abawbench.base.problems import Problem, ProblemError, Problems, unreadable
from abawbench.entries.foreign.tools import Tool
from abawbench.table import Floats, Integers, Rows

TABLE = "a CSV file with a header"
_COLUMN = re.compile(r"In CSV column #(\d+)")


@dataclass(frozen=True, eq=False)
class Output:
    """The table of one video, a row for each frame with a face.

    Attributes:
        frame: numbers of the frames, from 1, rising, shape (frames,).
        columns: names of the columns that were read.
        values: cells, shape (frames, columns); a label is the index of its class in the tool's classes.
        without_face: number of rows that the tool marks as without a face, or whose cells are empty.
        further_faces: number of rows of frames that have a face of higher confidence, or an earlier one.
        file: path of the table.
    """

    frame: Integers
    columns: tuple[str, ...]
    values: Floats
    without_face: int
    further_faces: int
    file: str

    def of(self, columns: Sequence[str]) -> Floats:
        """Cells of some columns, shape (frames, columns)."""
        return self.values[:, [self.columns.index(name) for name in columns]]


def header_of(path: Path) -> tuple[str, ...]:
    """Names of the columns of a table.

    Raises:
        ProblemError: F01 the file cannot be read, E18 it is not a table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file), [])
    except OSError as error:
        raise unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProblemError(_problem(str(error), TABLE, path)) from error
    if not names:
        raise ProblemError(_problem("an empty file", TABLE, path))
    return tuple(name.strip() for name in names)


def read_output(path: Path, tool: Tool, columns: Sequence[str], *, frame_base: int) -> Output:
    """Read some columns of a table.

    Args:
        path: path of the CSV file.
        tool: tool that wrote it.
        columns: columns to read; all must be there.
        frame_base: number that the tool gives the first frame.

    Raises:
        ProblemError: F01 the file cannot be read; E18 it is not a table, lacks columns, or has cells that are not
            numbers, or labels that are unknown classes.
    """
    header = header_of(path)
    needed = tuple(dict.fromkeys([tool.frame, *columns, *(name for name in (tool.success, tool.box) if name)]))
    lacking = [name for name in needed if name not in header]
    if lacking:
        found = f"no column {', '.join(lacking[:3])}"
        expected = f"the columns of {tool.title}, alike in all files"
        raise ProblemError(_problem(found, expected, path, count=len(lacking)))
    # not every tool that knows a confidence writes it
    ranked = tool.confidence if tool.confidence in header else None
    table = _table(path, header, {*needed, ranked} - {None}, tool.label)
    problems = Problems()
    numbers = {name: _parse(cells, name, tool, path, problems) for name, cells in table.items()}
    frame = numbers[tool.frame]
    odd = np.flatnonzero(~np.isfinite(frame) | (frame != np.round(frame)) | (np.abs(frame) > 2**31 - 2))
    if len(odd):
        found = f"{tool.frame} = {frame[odd[0]]:g}"
        problems.add(_problem(found, "the number of a frame", path, line=int(odd[0]) + 2, count=len(odd)))
    problems.raise_if_any()
    values = np.stack([numbers[name] for name in columns], axis=1)
    is_face = np.all(np.isfinite(values), axis=1)
    if tool.success:
        is_face &= numbers[tool.success] == 1
    if tool.box:
        is_face &= np.isfinite(numbers[tool.box])
    faces = np.flatnonzero(is_face)
    kept = _select_faces(frame[faces], np.zeros(len(faces)) if ranked is None else numbers[ranked][faces])
    rows = faces[kept]
    number = (frame[rows] - frame_base + 1).astype(np.int32)
    return Output(number, tuple(columns), values[rows], len(frame) - len(faces), len(faces) - len(rows), str(path))


def _table(path: Path, header: Sequence[str], wanted: Set[str | None], label: str | None) -> dict[str, Any]:
    """Read the wanted columns alone, since landmarks make some tables a hundred times wider."""
    import pyarrow as pa
    from pyarrow import csv as tables

    # by place, since names may be repeated and are written with blanks
    place = {name: str(header.index(name)) for name in header if name in wanted}
    kinds = {number: pa.string() if name == label else pa.float64() for name, number in place.items()}
    reading = tables.ReadOptions(column_names=[str(number) for number in range(len(header))])
    conversion = tables.ConvertOptions(column_types=kinds, include_columns=list(kinds), strings_can_be_null=True)
    try:
        with path.open("rb") as file:
            file.readline()
            body = arrow_reader(file.read())
        if not body.size():
            return {name: np.empty(0) for name in place}
        table = tables.read_csv(body, read_options=reading, convert_options=conversion)
    except OSError as error:
        raise unreadable(path, error) from error
    except pa.ArrowInvalid as error:
        found = _COLUMN.sub(lambda match: f"column {header[int(match[1])]}", str(error).splitlines()[0])
        raise ProblemError(_problem(found, "numbers, as many in each row", path)) from error
    return {name: table[number].to_numpy() for name, number in place.items()}


def _parse(cells: Any, name: str, tool: Tool, path: Path, problems: Problems) -> Floats:
    if name == tool.label:
        classes = [name.casefold() for name in tool.classes]
        named = [None if cell is None else str(cell).strip().casefold() for cell in cells]
        numbers = np.array([classes.index(word) if word in classes else np.nan for word in named], np.float64)
        wrong = np.array([word is not None for word in named], bool) & np.isnan(numbers)
        expected = f"one of {', '.join(tool.classes)}"
    else:
        numbers = np.asarray(cells, np.float64)
        wrong, expected = np.isinf(numbers), "a finite number"
    places = np.flatnonzero(wrong)
    if len(places):
        found, line = f"{name} = {cells[places[0]]}", int(places[0]) + 2
        problems.add(_problem(found, expected, path, line=line, count=len(places)))
    return numbers


def _select_faces(frame: Floats, confidence: Floats) -> Rows:
    """Places of one row for each frame, frames rising: the most confident face, else the first."""
    order = np.lexsort((-np.nan_to_num(confidence, nan=-np.inf), frame))
    fresh: NDArray[np.bool_] = np.ones(len(order), bool)
    fresh[1:] = frame[order][1:] != frame[order][:-1]
    return cast(Rows, order[fresh])


def _problem(found: str, expected: str, path: Path, *, line: int | None = None, count: int = 1) -> Problem:
    return Problem("E18", found, expected, "write it again with the tool, or correct it", str(path), line, count)
