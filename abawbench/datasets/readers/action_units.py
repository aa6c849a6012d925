"""Action units of videos: a file for each unit, or a table for each video.

`action-unit-files` reads DISFA, DISFA+ and the intensities of BP4D, `action-unit-tables` the occurrences of BP4D and
BP4D+.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Marks, Numbers
from abawbench.datasets.readers import values
from abawbench.datasets.readers.files import read_text
from abawbench.datasets.readers.labels import Labels
from abawbench.datasets.readers.pairs import frame_numbers, read_pairs
from abawbench.datasets.readers.rows import ROW_FIX, CheckedRows, LabelRows, Lines, repeated
from abawbench.datasets.readers.settings import only_task, settings_of
from abawbench.datasets.readers.sheet import Sheet, SheetFormat, read_sheet
from abawbench.datasets.readers.units import (
    UnitFile,
    UnitSettings,
    assemble_units,
    unit_files,
    unit_rows,
    without_repeats,
)
from abawbench.formats.text import first_line, quote
from abawbench.table import Floats, Values

_NUMBER = re.compile(r"(?:AU)?[ _]?0*([0-9]+)(?:\.0+)?", re.IGNORECASE)
_PICTURE = re.compile(r"([0-9]{1,9})\.(?:jpg|jpeg|png|bmp)", re.IGNORECASE)


class ActionUnitFileSettings(UnitSettings):
    """Settings of the reader `action-unit-files`; the pattern has a group `au`.

    Attributes:
        delimiter: a comma, or a blank for any run of blanks.
        comment: text that a line of comment begins with; empty for no comments.
        highest: largest intensity.
        names_pictures: true where a frame is the name of a picture, which then fills `{image}` of the template.
    """

    delimiter: str = Field(",", min_length=1, max_length=1)
    comment: str = ""
    highest: float = 5
    names_pictures: bool = False


class ActionUnitTableSettings(UnitSettings):
    """Settings of the reader `action-unit-tables`.

    Attributes:
        by_header: true where files code different units, so that a unit without a column is masked; else a unit without
            a column is a problem too.
        pictures: folder of a unit's pictures, as `Sequences(2D+3D)/{unit}`. Where the folder is there, the picture of a
            frame is the one with its number, whatever its digits; its name fills `{image}` of the template.
        digits: digits of the pictures' names where the folder is not there.
        ending: ending of those names.
        frame_offset: difference of a picture's number and its frame.
    """

    by_header: bool = False
    pictures: str = ""
    digits: int = Field(4, ge=0)
    ending: str = ".jpg"
    frame_offset: int = 0


@dataclass(frozen=True, eq=False)
class IntensitySeries:
    """The sound rows of the file of one action unit.

    Attributes:
        file: file of the series.
        frame: frame numbers, shape (rows,).
        values: intensities as they are written, shape (rows,).
        line: line of the file that each row stands on, shape (rows,).
        names: names of the rows' pictures, shape (rows,); empty where the file names none.
        is_whole: False where rows were left out.
    """

    file: UnitFile
    frame: NDArray[np.int64]
    values: Floats
    line: Lines
    names: NDArray[np.object_]
    is_whole: bool


def read_action_unit_files(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from lines of a frame and an intensity, in one file for each action unit of a video.

    The files of a video are joined by frame; a frame that one file lacks is "not annotated" there. A frame is a number,
    or the name of a picture that ends with one.

    Problems: F01 to F03, F06, V01, V09, T03 a frame twice, T06 names, T08 no file of an action unit, D10, D12, D16
    files of one unit that label different frames.
    """
    settings = settings_of(ActionUnitFileSettings, manifest, label_set)
    tasks = _tasks(manifest, label_set)
    files = unit_files(manifest, label_set, root, settings, problems, needed=("au",))
    by_unit: dict[str, dict[str, UnitFile]] = {}
    for file in without_repeats(files, problems, "au"):
        by_unit.setdefault(file.unit, {})[f"AU{int(file.groups['au'])}"] = file
    units = [
        rows
        for files_of_unit in by_unit.values()
        if (rows := _unit(files_of_unit, tasks, settings, problems)) is not None
    ]
    return assemble_units(manifest, label_set, root, units, problems)


def _tasks(manifest: Manifest, label_set: LabelSet) -> tuple[Marks | Numbers, ...]:
    tasks = tuple(facts for facts in label_set.tasks if not isinstance(facts, Classes))
    if len(tasks) < len(label_set.tasks):
        found, expected = f"labels.{label_set.id} with classes", "tasks of marks and numbers"
        raise ProblemError(Problem("D01", found, expected, "correct the manifest", manifest.id))
    return tasks


def _values(tasks: Sequence[Marks | Numbers], columns: Sequence[str], intensities: Floats) -> dict[str, Values]:
    """The values of each task from intensities, shape (rows, columns), NaN where nothing is written."""
    found: dict[str, Values] = {}
    for facts in tasks:
        own = intensities[:, [columns.index(name) for name in facts.columns]]
        found[facts.name] = (
            values.as_marks(own, facts) if isinstance(facts, Marks) else values.without_missing(own, facts)
        )
    return found


def _unit(
    files: dict[str, UnitFile], tasks: Sequence[Marks | Numbers], settings: ActionUnitFileSettings, problems: Problems
) -> LabelRows | None:
    """The rows of one unit, whose files are given by action unit; None where no file has a sound row."""
    columns = tuple(dict.fromkeys(name for facts in tasks for name in facts.columns))
    missing = sorted({value for facts in tasks for value in facts.missing})
    lacking = [name for name in columns if name not in files]
    if lacking:
        some = next(iter(files.values()))
        found = f"{some.unit} without {', '.join(lacking)}"
        fix = "complete the copy: these action units are masked"
        problems.add(Problem("T08", found, "a file for each action unit", fix, str(some.path.parent)))
    read = {name: _series(files[name], missing, settings, problems) for name in columns if name in files}
    series = {name: one for name, one in read.items() if one is not None and len(one.frame)}
    if not series:
        return None
    leader = next(iter(series.values()))
    is_same = all(np.array_equal(one.frame, leader.frame) for one in series.values())
    frame = leader.frame if is_same else np.unique(np.concatenate([one.frame for one in series.values()]))
    intensities = np.full((len(frame), len(columns)), np.nan)
    line = np.zeros(len(frame), np.int64)
    names = np.full(len(frame), "", object)
    for name, one in reversed(series.items()):
        rows = np.arange(len(frame)) if is_same else np.searchsorted(frame, one.frame)
        intensities[rows, columns.index(name)] = one.values
        line[rows] = one.line
        if settings.names_pictures:
            names[rows] = one.names
        if one.is_whole and len(one.frame) < len(frame):
            found = f"{len(one.frame):,} frames of {leader.file.unit}"
            fix = "compare the files: frames that are lacking are masked"
            expected = f"the {len(frame):,} frames of its other files"
            problems.add(Problem("D16", found, expected, fix, str(one.file.path)))
    images = names.tolist() if settings.names_pictures else None
    return unit_rows(leader.file, line, frame, _values(tasks, columns, intensities), images)


def _series(
    file: UnitFile, missing: Sequence[float], settings: ActionUnitFileSettings, problems: Problems
) -> IntensitySeries | None:
    pairs = read_pairs(file.path, problems, delimiter=settings.delimiter, comment=settings.comment)
    if pairs is None:
        return None
    keys, intensities, frame = pairs.keys, pairs.values, frame_numbers(pairs.keys)
    rows = CheckedRows(str(file.path), pairs.line, problems)
    rows.refuse("T06", frame < 0, lambda row: quote(keys[row].as_py()), "a frame's number", ROW_FIX)
    is_value = np.isin(intensities, missing) | ((intensities >= 0) & (intensities <= settings.highest))
    expected = f"a number from 0 to {settings.highest:g}{''.join(f', or {value:g}' for value in missing)}"
    rows.refuse("V09", ~is_value, lambda row: f"{intensities[row]:g}", expected, ROW_FIX)
    rows.refuse("T03", repeated(frame), lambda row: f"frame {frame[row]} again", "each frame once", ROW_FIX)
    good = ~rows.faulty
    names = keys.to_numpy()[good] if settings.names_pictures else np.empty(0, object)
    return IntensitySeries(
        file, frame[good], intensities[good], pairs.line[good], names, pairs.is_whole and bool(good.all())
    )


def read_action_unit_tables(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from tables whose first column is the frame and whose header numbers or names the action units.

    The first column is found by its place, as some headers give it the number of an action unit. The header `0, 1, ...,
    99` and one that names a few units are read alike.

    Problems: F01 to F04, F06, F10, V01, V09, T03 a frame twice, T06 names, D10, D12.
    """
    settings = settings_of(ActionUnitTableSettings, manifest, label_set)
    facts = only_task(manifest, label_set, Marks)
    files = unit_files(manifest, label_set, root, settings, problems)
    units = [
        rows
        for file in without_repeats(files, problems)
        if (rows := _table(file, facts, settings, root, problems)) is not None
    ]
    return assemble_units(manifest, label_set, root, units, problems)


def _table(
    file: UnitFile, facts: Marks, settings: ActionUnitTableSettings, root: Path, problems: Problems
) -> LabelRows | None:
    places = _places(file, facts, settings, problems)
    if places is None:
        return None
    wanted = [0, *places.values()]
    sheet = read_sheet(file.path, wanted, SheetFormat(), problems)
    if sheet is None:
        return None
    rows = CheckedRows(sheet.file, sheet.line, problems)
    coded = facts.model_copy(update={"columns": tuple(places)})
    found = values.marks([sheet.columns[str(place)] for place in places.values()], coded, rows)
    frame = _frames(sheet, rows)
    whole = np.full((len(frame), len(facts.columns)), -1, np.int8)
    whole[:, [facts.columns.index(name) for name in places]] = found
    images = _pictures(root, file, frame, settings) if settings.pictures else None
    return unit_rows(file, sheet.line, frame, {facts.name: whole}, images).take(~rows.faulty)


def _places(
    file: UnitFile, facts: Marks, settings: ActionUnitTableSettings, problems: Problems
) -> dict[str, int] | None:
    """The place of each action unit among the columns of a table; None where the header names none."""
    data = read_text(file.path, problems)
    if data is None:
        return None
    header = [field.strip(' \t"') for field in first_line(data).split(",")]
    numbered = [
        (f"AU{int(match[1])}", place)
        for place, field in enumerate(header[1:], start=1)
        if (match := _NUMBER.fullmatch(field))
    ]
    at = dict(numbered)
    places = {name: at[name] for name in facts.columns if name in at}
    lacking = [name for name in facts.columns if name not in at]
    # a file without header begins with a row, which is full of 0 and 9
    if not places or len(at) < len(numbered):
        expected = f"a frame column, then {', '.join(facts.columns)} by number or name"
        problems.add(Problem("F04", quote(first_line(data)), expected, "copy the file again", str(file.path), 1))
        return None
    if lacking and not settings.by_header:
        found = f"no column of {', '.join(lacking)}"
        fix = "copy the file again: these action units are masked"
        problems.add(Problem("F04", found, "a column for each action unit", fix, str(file.path), 1))
    return places


def _frames(sheet: Sheet, rows: CheckedRows) -> NDArray[np.int64]:
    names = sheet.columns["0"]
    frame = frame_numbers(names)
    rows.refuse("T06", frame < 0, lambda row: quote(names[row].as_py()), "a frame's number")
    rows.refuse("T03", repeated(frame), lambda row: f"frame {frame[row]} again", "each frame once")
    return frame


def _pictures(root: Path, file: UnitFile, frame: NDArray[np.integer], settings: ActionUnitTableSettings) -> list[str]:
    """Names of the frames' pictures: those in the unit's folder, else names with the digits of the settings."""
    folder = root / settings.pictures.replace("{unit}", file.unit)
    there: dict[int, str] = {}
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError:
        names = []
    for name in names:
        if match := _PICTURE.fullmatch(name):
            there.setdefault(int(match[1]), name)
    digits, ending = settings.digits, settings.ending
    return [there.get(number) or f"{number:0{digits}d}{ending}" for number in (frame + settings.frame_offset).tolist()]
