"""One table of action units for each video: the occurrence files of BP4D and BP4D+."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import LabelSet, Manifest, Marks, Strict
from abawbench.datasets.readers import values
from abawbench.datasets.readers.assemble import Part
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.options import only_task
from abawbench.datasets.readers.sheet import Form, Sheet, read_sheet, repeated
from abawbench.datasets.readers.text import frame_numbers, read_text
from abawbench.datasets.readers.units import (
    UnitFile,
    assemble_units,
    settings_of,
    unit_files,
    unit_part,
    without_repeats,
)
from abawbench.formats.diagnose import shown
from abawbench.formats.parse import first_line

_NUMBER = re.compile(r"(?:AU)?[ _]?0*([0-9]+)(?:\.0+)?", re.IGNORECASE)
_PICTURE = re.compile(r"([0-9]{1,9})\.(?:jpg|jpeg|png|bmp)", re.IGNORECASE)


class Settings(Strict):
    """Options of the reader; see `read_action_unit_tables`."""

    pattern: str
    unit: str = "{subject}"
    by_header: bool = False
    pictures: str = ""
    digits: int = 4
    ending: str = ".jpg"
    frame_offset: int = 0


def read_action_unit_tables(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Tables whose first column is the frame and whose header numbers or names the action units.

    The first column is found by its place, as some headers give it the number of an action unit. The header `0, 1, ...,
    99` and one that names a few units are read alike.

    Options:
        pattern: regular expression for the end of a path, with groups `subject` and those that `unit` names.
        unit: name of the unit, as `{subject}/{task}`; the subject.
        by_header: true where files code different units; one that a header lacks is masked. Else it is a problem too.
        pictures: folder of a unit's pictures, as `Sequences(2D+3D)/{unit}`. Where it is there, the picture of a frame
            is the one with its number, whatever its digits; it is the `{image}` of the template.
        digits: of the pictures' names where the folder is not there.
        ending: of those names.
        frame_offset: what is added to a frame for the number of its picture.

    Problems: F01 to F04, F06, F10, V01, V09, T03 a frame twice, T06 names, D10, D12.
    """
    settings = settings_of(Settings, manifest, label_set)
    facts = only_task(manifest, label_set, Marks)
    files = unit_files(manifest, label_set, root, settings.pattern, settings.unit, problems)
    parts = [
        part
        for file in without_repeats(files, "", problems)
        if (part := _part(file, facts, settings, root, problems)) is not None
    ]
    return assemble_units(manifest, label_set, root, parts, problems)


def _part(file: UnitFile, facts: Marks, settings: Settings, root: Path, problems: Problems) -> Part | None:
    places = _places(file, facts, settings, problems)
    if places is None:
        return None
    wanted = [0, *places.values()]
    sheet = read_sheet(file.path, wanted, Form(), problems)
    if sheet is None:
        return None
    rows = values.Rows(sheet.file, sheet.line, problems)
    coded = facts.model_copy(update={"columns": tuple(places)})
    found = values.marks([sheet.columns[str(place)] for place in places.values()], coded, rows)
    frame = _frames(sheet, rows)
    whole = np.full((len(frame), len(facts.columns)), -1, np.int8)
    whole[:, [facts.columns.index(name) for name in places]] = found
    images = _pictures(root, file, frame, settings) if settings.pictures else None
    return unit_part(file, sheet.line, frame, {facts.name: whole}, images).take(~rows.faulty)


def _places(file: UnitFile, facts: Marks, settings: Settings, problems: Problems) -> dict[str, int] | None:
    """The place of each action unit among the columns; None where the header names none."""
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
        problems.add(Problem("F04", shown(first_line(data)), expected, "copy the file again", str(file.path), 1))
        return None
    if lacking and not settings.by_header:
        found = f"no column of {', '.join(lacking)}"
        fix = "copy the file again: these action units are masked"
        problems.add(Problem("F04", found, "a column for each action unit", fix, str(file.path), 1))
    return places


def _frames(sheet: Sheet, rows: values.Rows) -> NDArray[np.int64]:
    names = sheet.columns["0"]
    frame = frame_numbers(names)
    rows.refuse("T06", frame < 0, lambda row: shown(names[row].as_py()), "a frame's number")
    rows.refuse("T03", repeated(frame), lambda row: f"frame {frame[row]} again", "each frame once")
    return frame


def _pictures(root: Path, file: UnitFile, frame: NDArray[np.integer], settings: Settings) -> list[str]:
    """Names of the frames' pictures: those of the unit's folder, else by the number of digits."""
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
