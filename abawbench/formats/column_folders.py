"""Units whose columns are in a folder each, as `valence/` and `arousal/`: models that answer one column apiece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from abawbench.base.folders import entries
from abawbench.base.problems import Problem, Problems
from abawbench.formats.diagnose import problems_in_reading
from abawbench.formats.layout import Layout
from abawbench.formats.mending import Mendings, as_notes
from abawbench.formats.settle import Settled, settle
from abawbench.formats.text import load
from abawbench.formats.unit_files import unit_files


def column_folders(path: Path, layout: Layout) -> dict[str, Path]:
    """The folder of each column, by the column's name; empty unless every column of several has one."""
    folders = {entry.name.lower(): entry for entry in entries(path)[0] if entry.is_dir()}
    names = [column.name for column in layout.columns]
    found = {name: folders[name.lower()] for name in names if name.lower() in folders}
    return found if len(found) == len(names) > 1 and layout.key == "line" else {}


def columns_problem(folders: Mapping[str, Path], path: Path) -> Problem:
    """Z10 for folders of columns."""
    mended = Mendings(str(path))
    mended.add("Z10", None, f"the folders {' and '.join(folders)}")
    return mended.found[0]


def settle_columns(
    layout: Layout, folders: Mapping[str, Path], path: Path
) -> tuple[list[tuple[str, bytes]], tuple[Problem, ...]]:
    """The rows of each unit with all columns, sorted by the unit's name, and notes on how they were read.

    Args:
        layout: the layout of a unit's file with all columns.
        folders: the folder of each column, with a file `<unit><suffix>` for each unit.
        path: the folder around them, for messages.

    Raises:
        ProblemError: the problems of every file, T08 a unit lacks a column, T07 columns differ in their length.
    """
    problems = Problems()
    notes = list(as_notes([columns_problem(folders, path)]))
    columns: list[dict[str, Settled]] = []
    for column in layout.columns:
        single = replace(layout, header=column.name, columns=(column,))
        files, odd = unit_files(folders[column.name], layout.suffix)
        notes.extend(odd)
        settled = {file.stem: settle(load(file), [single], str(file), of_unit=True) for file in files}
        for file in files:
            problems.extend(problems_in_reading(settled[file.stem], str(file)).found)
            notes.extend(as_notes(settled[file.stem].mended))
        columns.append(settled)
    units: list[tuple[str, bytes]] = []
    for name in sorted({name for settled in columns for name in settled}):
        lacking = [column.name for column, settled in zip(layout.columns, columns, strict=True) if name not in settled]
        if lacking:
            found, expected = f"no {' and no '.join(lacking)} for '{name}'", "a file in every folder"
            fix = f"write '{folders[lacking[0]].name}/{name}{layout.suffix}'"
            problems.add(Problem("T08", found, expected, fix, str(path)))
            continue
        rows = [settled[name].rows for settled in columns]
        if len({len(part) for part in rows}) > 1:
            found = f"{' and '.join(f'{len(part):,}' for part in rows)} rows for '{name}'"
            fix = "write one line for each frame in every column"
            problems.add(Problem("T07", found, "as many rows in every column", fix, str(path)))
            continue
        units.append((name, "".join(f"{','.join(row)}\n" for row in zip(*rows, strict=True)).encode()))
    if not units and not problems.refuses:
        fix = f"write files <unit>{layout.suffix}"
        problems.add(Problem("F02", "no file of a unit", "a file for each unit in every folder", fix, str(path)))
    problems.raise_if_any()
    return units, tuple(notes)
