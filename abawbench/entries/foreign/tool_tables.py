"""Reads the tables that a toolkit wrote: one for a video, or one for each picture of it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.arrow_input import arrow_reader
from abawbench.base.files import read_input, require_plain
from abawbench.base.folders import entries, unfold
from abawbench.base.problems import Problem, ProblemError, Problems, not_found, unreadable
from abawbench.clips.images import number_of
from abawbench.entries.foreign.tool_persons import (
    best_of_each_frame,
    has_several_faces,
    main_person,
    persons_by_name,
    persons_by_place,
)
from abawbench.entries.foreign.tools import Tool, of_pictures
from abawbench.table import Floats, Integers

# bytes of the longest header, of thousands of columns
LONGEST_HEADER = 1 << 20
TABLE = "a CSV file with a header"
SUFFIX = ".csv"
# folder of the tables inside of a corpus
TABLES = "tables"
_COLUMN = re.compile(r"In CSV column #(\d+)")


@dataclass(frozen=True, eq=False)
class Output:
    """The table of one video, a row for each frame in which one person is seen.

    Attributes:
        frame: numbers of the frames, from 1, rising, shape (frames,).
        columns: names of the columns that were read.
        values: cells, shape (frames, columns); a label is the index of its class in the tool's classes.
        first: least number of a frame in the table, with a face or without; 1 for a table without rows.
        last: greatest number of a frame in the table; 0 for a table without rows.
        rows: number of all rows.
        without_face: number of rows that the tool marks as without a face, or whose cells are empty.
        further_faces: number of rows of other people, and of further faces where people cannot be told apart.
        is_person_known: False where some frames have several faces, and no column tells people apart.
        file: path of the table.
    """

    frame: Integers
    columns: tuple[str, ...]
    values: Floats
    first: int
    last: int
    rows: int
    without_face: int
    further_faces: int
    is_person_known: bool
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
        require_plain(path)
        with path.open("rb") as file:
            line = file.readline(LONGEST_HEADER + 1)
        if len(line) > LONGEST_HEADER:
            raise ProblemError(_problem(f"a first line of more than {LONGEST_HEADER:,} bytes", TABLE, path))
        names = next(csv.reader([line.decode("utf-8-sig")]), [])
    except OSError as error:
        raise unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProblemError(_problem(str(error), TABLE, path)) from error
    if not names:
        raise ProblemError(_problem("an empty file", TABLE, path))
    return tuple(name.strip() for name in names)


def tables_in(folder: Path) -> dict[str, Path]:
    """The tables of a folder, or of its folder `tables`: `<unit>.csv`, or a folder of tables of pictures, by unit.

    Raises:
        ProblemError: F01 it cannot be read, E18 there is none, or a unit has both forms.
    """
    root, _ = root_of(folder)
    found = [path for path in entries(root)[0] if _is_table(path) or (path.is_dir() and _tables(path))]
    if not found:
        expected = "<unit>.csv for each unit, or <unit>/00001.csv for each picture"
        raise ProblemError(Problem("E18", "no *.csv", expected, "run the tool first", str(root)))
    units: dict[str, Path] = {}
    problems = Problems()
    for path in found:
        unit = path.name if path.is_dir() else path.stem
        if unit in units:
            problems.add(_problem(f"{units[unit].name} and {path.name}", "one table for each unit", root))
        units[unit] = path
    problems.raise_if_any()
    return units


def table_of(folder: Path, unit: str) -> Path:
    """The table of a unit, or the folder of the tables of its pictures. Raises: ProblemError F01, it has none."""
    # a look at the whole folder for each unit would take long
    path = (folder / TABLES if (folder / TABLES).is_dir() else folder) / f"{unit}{SUFFIX}"
    found = path if path.is_file() else tables_in(folder).get(unit)
    if found is None:
        raise not_found(path, "a table for each unit", "run the tool on this unit")
    return found


def tables_of_pictures(folder: Path) -> list[Path]:
    """The tables of a folder, in the order of their numbers. Raises: ProblemError E18, a name without a number."""
    problems = Problems()
    seen: dict[int, Path] = {}
    for path in _tables(folder):
        number = number_of(path)
        expected = "tables named by frame number, as 00001.csv"
        if number < 0:
            problems.add(_problem(path.name, expected, folder))
        elif number in seen:
            problems.add(_problem(f"{seen[number].name} and {path.name}", "one table for each frame", folder))
        seen[number] = path
    problems.raise_if_any()
    return [seen[number] for number in sorted(seen)]


def read_output(path: Path, tool: Tool, columns: Sequence[str], *, frame_base: int) -> Output:
    """Read some columns of the table of a video, or of the tables of its pictures, of the person seen in most frames.

    Args:
        path: path of the CSV file, or of a folder with a CSV file for each picture, named by frame number.
        tool: tool that wrote it.
        columns: columns to read, or values that the tool derives from columns; all must be there.
        frame_base: number of the first frame, in the column of the tool or in the names of the pictures' tables.

    Raises:
        ProblemError: F01 the file cannot be read; E18 it is not a table, lacks columns, or has cells that are not
            numbers, or labels that are unknown classes.
    """
    needed = [part for name in columns for part in _parts(tool, name)]
    if path.is_dir():
        tool = of_pictures(tool)
        paths = tables_of_pictures(path)
        sheets = [_read(one, tool, needed) for one in paths]
        counts = [len(next(iter(sheet.values()))) for sheet in sheets]
        frame = np.repeat(np.array([number_of(one) for one in paths], np.float64), counts)
    else:
        sheets = [_read(path, tool, needed)]
        rows = len(next(iter(sheets[0].values())))
        frame = np.arange(rows, dtype=np.float64) + frame_base if tool.frame is None else sheets[0][tool.frame]
    # not every table has the columns that tell people apart
    shared = set.intersection(*map(set, sheets))
    cells = {name: np.concatenate([sheet[name] for sheet in sheets]) for name in sheets[0] if name in shared}
    return _select(path, tool, columns, cells, frame - frame_base + 1)


def _select(path: Path, tool: Tool, columns: Sequence[str], cells: dict[str, Any], frame: Floats) -> Output:
    """The rows of one person, from the cells of all rows."""
    of_columns = [_value(tool, name, cells) for name in columns]
    values = np.stack(of_columns, axis=1)
    is_face = np.all(np.isfinite(values), axis=1)
    if tool.success is not None:
        is_face &= cells[tool.success] == 1
    if tool.box is not None:
        is_face &= np.isfinite(cells[tool.box])
    faces = np.flatnonzero(is_face)
    confidence = cells[tool.confidence][faces] if tool.confidence in cells else np.zeros(len(faces))
    person = _persons(tool, cells, frame, faces) if has_several_faces(frame[faces]) else np.zeros(len(faces), np.int32)
    is_known = person is not None
    if person is not None:
        is_main = main_person(person, frame[faces], confidence)
        faces, confidence = faces[is_main], confidence[is_main]
    rows = faces[best_of_each_frame(frame[faces], confidence)]
    return Output(
        frame=frame[rows].astype(np.int32),
        columns=tuple(columns),
        values=values[rows],
        first=int(frame.min()) if len(frame) else 1,
        last=int(frame.max(initial=0)),
        rows=len(frame),
        without_face=int((~is_face).sum()),
        further_faces=int(is_face.sum()) - len(rows),
        is_person_known=is_known,
        file=str(path),
    )


def _persons(tool: Tool, cells: dict[str, Any], frame: Floats, faces: Any) -> Integers | None:
    """Numbers of persons of the faces; None where no column tells people apart."""
    if tool.person in cells:
        names = [str(name or "") for name in cells[tool.person][faces]]
        if all(names):
            return persons_by_name(names)
    if tool.place is not None and all(name in cells for name in tool.place):
        box = np.stack([cells[name][faces] for name in tool.place], axis=1)
        if np.isfinite(box).all():
            return persons_by_place(frame[faces], box)
    return None


def _parts(tool: Tool, name: str) -> Sequence[str]:
    return tool.derived[name].columns if name in tool.derived else (name,)


def _value(tool: Tool, name: str, cells: dict[str, Any]) -> Floats:
    if name not in tool.derived:
        return cells[name]
    derived = tool.derived[name]
    return derived.of(np.stack([cells[part] for part in derived.columns], axis=1))


def root_of(folder: Path) -> tuple[Path, tuple[Problem, ...]]:
    """The folder that holds the tables of a folder: itself, its folder `tables`, or the only one in it; and notes.

    Raises:
        ProblemError: F01, it cannot be read.
    """
    root = folder / TABLES
    nested: tuple[Problem, ...] = ()
    if not root.is_dir():
        root, nested = unfold(folder)
        # the tables of the pictures of one unit
        if nested and any(number_of(path) >= 0 for path in _tables(root)):
            root, nested = folder, ()
    litter = entries(folder)[1] if root == folder else (*entries(folder)[1], *entries(root)[1])
    return root, (*nested, *litter)


def _tables(folder: Path) -> list[Path]:
    return [path for path in entries(folder)[0] if _is_table(path)]


def _is_table(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX and path.is_file()


def _read(path: Path, tool: Tool, columns: Sequence[str]) -> dict[str, Any]:
    """The cells of one file by column: numbers, and texts that name a person."""
    header = header_of(path)
    always = [name for name in (tool.frame, tool.success, tool.box) if name is not None]
    lacking = [name for name in dict.fromkeys([*always, *columns]) if name not in header]
    if lacking:
        found = f"no column {', '.join(lacking[:3])}"
        expected = f"the columns of {tool.title}, alike in all files"
        raise ProblemError(_problem(found, expected, path, count=len(lacking)))
    # not every tool that knows them writes them
    optional = [name for name in (tool.confidence, tool.person, *(tool.place or ())) if name in header]
    texts = {tool.label, tool.person} - {None}
    table = _table(path, header, {*always, *columns, *optional}, texts)
    problems = Problems()
    numbers = {
        name: cells if name == tool.person else _parse(cells, name, tool, path, problems)
        for name, cells in table.items()
    }
    if tool.frame is not None:
        frame = numbers[tool.frame]
        odd = np.flatnonzero(~np.isfinite(frame) | (frame != np.round(frame)) | (np.abs(frame) > 2**31 - 2))
        if len(odd):
            found = f"{tool.frame} = {frame[odd[0]]:g}"
            problems.add(_problem(found, "the number of a frame", path, line=int(odd[0]) + 2, count=len(odd)))
    problems.raise_if_any()
    return numbers


def _table(path: Path, header: Sequence[str], wanted: Set[str | None], texts: Set[str | None]) -> dict[str, Any]:
    """Read the wanted columns alone, since landmarks make some tables a hundred times wider."""
    import pyarrow as pa
    from pyarrow import csv as tables

    # by place, since names may be repeated and are written with blanks
    place = {name: str(header.index(name)) for name in header if name in wanted}
    kinds = {number: pa.string() if name in texts else pa.float64() for name, number in place.items()}
    reading = tables.ReadOptions(column_names=[str(number) for number in range(len(header))])
    conversion = tables.ConvertOptions(column_types=kinds, include_columns=list(kinds), strings_can_be_null=True)
    try:
        data = read_input(path)
        body = arrow_reader(memoryview(data)[data.find(b"\n") + 1 or len(data) :])
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


def _problem(found: str, expected: str, path: Path, *, line: int | None = None, count: int = 1) -> Problem:
    return Problem("E18", found, expected, "write it again with the tool, or correct it", str(path), line, count)
