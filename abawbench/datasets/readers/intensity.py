"""One file for each action unit of a video: DISFA, DISFA+, the intensities of BP4D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Strict
from abawbench.datasets.readers.assemble import Part
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.sheet import Lines, repeated, report
from abawbench.datasets.readers.text import frame_numbers, read_pairs
from abawbench.datasets.readers.units import (
    UnitFile,
    assemble_units,
    columns_of,
    settings_of,
    unit_files,
    unit_part,
    valued,
    without_repeats,
)
from abawbench.formats.diagnose import shown
from abawbench.table import Floats

_FIX = "compare the file with its owners' copy; the row is left out"


class Settings(Strict):
    """Options of the reader; see `read_action_unit_files`."""

    pattern: str
    unit: str = "{subject}"
    delimiter: str = ","
    comment: str = ""
    highest: float = 5
    names_pictures: bool = False


@dataclass(frozen=True, eq=False)
class Series:
    """The sound rows of one file.

    Attributes:
        file: where they are from.
        frame: shape (rows,).
        values: shape (rows,), intensities as they are written.
        line: shape (rows,).
        names: of the rows' pictures, shape (rows,); empty where the file names none.
        is_whole: False where rows were left out.
    """

    file: UnitFile
    frame: NDArray[np.int64]
    values: Floats
    line: Lines
    names: NDArray[np.object_]
    is_whole: bool


def read_action_unit_files(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Lines of a frame and an intensity, one file for each action unit; frames are joined by their number.

    A frame that one file lacks is "not annotated" there. A frame is a number, or the name of a picture that ends with
    one.

    Options:
        pattern: regular expression for the end of a path, with groups `subject`, `au` and those that `unit` names.
        unit: name of the unit, as `{subject}/{trial}`; the subject.
        delimiter: a comma, or a blank for any run of blanks.
        comment: what a line begins with that is no row.
        highest: largest intensity; 5.
        names_pictures: true where a frame is the name of a picture, which is then the `{image}` of the template.

    Problems: F01 to F03, F06, V01, V09, T03 a frame twice, T06 names, T08 no file of an action unit, D10, D12, D16
    files of one unit that label different frames.
    """
    settings = settings_of(Settings, manifest, label_set)
    files = unit_files(manifest, label_set, root, settings.pattern, settings.unit, problems, needed=("au",))
    by_unit: dict[str, dict[str, UnitFile]] = {}
    for file in without_repeats(files, "au", problems):
        by_unit.setdefault(file.unit, {})[f"AU{int(file.said['au'])}"] = file
    columns = columns_of(label_set)
    parts = [
        part
        for unit_of_files in by_unit.values()
        if (part := _unit(label_set, columns, unit_of_files, settings, problems)) is not None
    ]
    return assemble_units(manifest, label_set, root, parts, problems)


def _unit(
    label_set: LabelSet,
    columns: Sequence[str],
    files: dict[str, UnitFile],
    settings: Settings,
    problems: Problems,
) -> Part | None:
    lacking = [name for name in columns if name not in files]
    if lacking:
        some = next(iter(files.values()))
        found = f"{some.unit} without {', '.join(lacking)}"
        fix = "complete the copy: these action units are masked"
        problems.add(Problem("T08", found, "a file for each action unit", fix, str(some.path.parent)))
    read = {name: _series(files[name], label_set, settings, problems) for name in columns if name in files}
    series = {name: one for name, one in read.items() if one is not None and len(one.frame)}
    if not series:
        return None
    leader = next(iter(series.values()))
    is_same = all(np.array_equal(one.frame, leader.frame) for one in series.values())
    frame = leader.frame if is_same else np.unique(np.concatenate([one.frame for one in series.values()]))
    values = np.full((len(frame), len(columns)), np.nan)
    line = np.zeros(len(frame), np.int64)
    names = np.full(len(frame), "", object)
    for name, one in reversed(series.items()):
        rows = np.arange(len(frame)) if is_same else np.searchsorted(frame, one.frame)
        values[rows, columns.index(name)] = one.values
        line[rows] = one.line
        if settings.names_pictures:
            names[rows] = one.names
        if one.is_whole and len(one.frame) < len(frame):
            found = f"{len(one.frame):,} frames of {leader.file.unit}"
            fix = "compare the files: frames that are lacking are masked"
            expected = f"the {len(frame):,} frames of its other files"
            problems.add(Problem("D16", found, expected, fix, str(one.file.path)))
    images = names.tolist() if settings.names_pictures else None
    return unit_part(leader.file, line, frame, valued(label_set, columns, values), images)


def _series(file: UnitFile, label_set: LabelSet, settings: Settings, problems: Problems) -> Series | None:
    pairs = read_pairs(file.path, problems, delimiter=settings.delimiter, comment=settings.comment)
    if pairs is None:
        return None
    frame = frame_numbers(pairs.keys)
    missing = sorted({value for facts in label_set.tasks if not isinstance(facts, Classes) for value in facts.missing})
    values = pairs.values
    keys = pairs.keys
    place = (str(file.path), pairs.line)
    is_frame = frame >= 0
    report("T06", ~is_frame, lambda row: shown(keys[row].as_py()), "a frame's number", _FIX, place, problems)
    is_value = np.isin(values, missing) | ((values >= 0) & (values <= settings.highest))
    expected = f"a number from 0 to {settings.highest:g}{''.join(f', or {value:g}' for value in missing)}"
    wrong = is_frame & ~is_value
    report("V09", wrong, lambda row: f"{values[row]:g}", expected, _FIX, place, problems)
    is_again = repeated(frame)
    wrong = is_frame & is_value & is_again
    report("T03", wrong, lambda row: f"frame {frame[row]} again", "each frame once", _FIX, place, problems)
    good = is_frame & is_value & ~is_again
    names = pairs.keys.to_numpy()[good] if settings.names_pictures else np.empty(0, object)
    return Series(file, frame[good], values[good], pairs.line[good], names, pairs.is_whole and bool(good.all()))
