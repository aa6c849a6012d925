"""Reads posed sequences from a neutral face to an apex: CK+ by its label files, Oulu-CASIA and MMI by their folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Marks
from abawbench.datasets.readers.files import listing, read_text
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.pairs import read_pairs
from abawbench.datasets.readers.rows import FIX, LabelRows
from abawbench.datasets.readers.settings import Pairs, class_names, code_numbers, only_task, settings_of
from abawbench.datasets.readers.units import (
    UnitFile,
    UnitSettings,
    assemble_units,
    unit_files,
    unit_rows,
    without_repeats,
)
from abawbench.datasets.readers.values import is_shifted, shifted_labels
from abawbench.formats.columns import NUMBER
from abawbench.formats.text import quote

_PICTURE = re.compile(r"(?:.*[^0-9])?([0-9]{1,9})\.(?:jpg|jpeg|png|bmp|tif|tiff)", re.IGNORECASE)
_FIX = f"{FIX}; the sequence is left out"


class FacsFileSettings(UnitSettings):
    """Settings of the reader `facs-files`; the pattern has a group `frame`, the number of the last frame.

    Attributes:
        pictures: templates of the pictures' paths, as `images/{subject}/{subject}_{frame:08d}.png`. The first one
            whose beginning, up to the first field, is a folder counts; its path fills `{image}` of the label set's
            template.
    """

    pictures: tuple[str, ...] = ()


class EmotionFileSettings(FacsFileSettings):
    """Settings of the reader `emotion-files`.

    Attributes:
        take: number of last frames that are taken.
        first_as: class of the first frame, as `neutral`; empty where the first frame is not taken.
    """

    take: int = Field(3, ge=1)
    first_as: str = ""


class ExpressionFolderSettings(UnitSettings):
    """Settings of the reader `expression-folders`; the pattern has a group `expression`.

    Attributes:
        part: part of the pictures that has the expression.
        take: number of pictures that are taken from the end or the middle.
        first_as: class of the first picture, as `Neutral`; empty where the first picture is not taken.
        aliases: further names of folders, as `Happy=Happiness`.
    """

    unit: str = "{subject}_{expression}"
    part: Literal["last", "middle", "all"] = "last"
    take: int = Field(3, ge=1)
    first_as: str = ""
    aliases: Pairs = ()


def read_emotion_files(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from one file with one number for each sequence, as CK+ writes `   3.0000000e+00`.

    The number in the file's name is that of the last frame, and frames follow each other from `frame_base`. The last
    frames have the expression of the file; sequences without a file have no label.

    Problems: F01 to F03, F06, V01, V06, T06 names, D10, D12.
    """
    settings = settings_of(EmotionFileSettings, manifest, label_set)
    facts = only_task(manifest, label_set, Classes)
    first_class = _class_of_first(manifest, facts, settings.first_as)
    files = _unit_files(manifest, label_set, root, settings, problems)
    pictures = _place_of_pictures(manifest, label_set, root, settings)
    labels = [(file, label) for file in files if (label := _one_label(file, problems)) is not None]
    codes = facts.codes or tuple(range(len(facts.classes)))
    numbers = [label for _, label in labels]
    if labels and is_shifted(numbers, codes, len(codes)):
        problems.add(Problem("V06", *shifted_labels(facts.name, numbers, codes), str(root), count=len(labels)))
        labels = []
    units: list[LabelRows] = []
    for file, label in labels:
        number = _class_of(label, file, facts, problems)
        if number is not None:
            taken = _taken(label_set.frame_base, int(file.groups["frame"]), settings.take)
            frame, classes = _with_first(taken, label_set.frame_base, number, first_class)
            images = _images(pictures, file, frame)
            units.append(unit_rows(file, np.ones(len(frame), np.int64), frame, {facts.name: classes}, images))
    return assemble_units(manifest, label_set, root, units, problems)


def read_facs_files(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from one file for each sequence that lists the action units of its last frame as `AU intensity`.

    A listed unit is present, whatever its intensity: 0 means that the intensity was not scored. A unit that is not
    listed is absent. Each file makes one row; a file with a line at fault is left out.

    Problems: F01 to F03, F06, V01, V09 an action unit that the manifest does not have, T06 names, D10, D12.
    """
    settings = settings_of(FacsFileSettings, manifest, label_set)
    facts = only_task(manifest, label_set, Marks)
    files = _unit_files(manifest, label_set, root, settings, problems)
    pictures = _place_of_pictures(manifest, label_set, root, settings)
    units: list[LabelRows] = []
    for file in files:
        pairs = read_pairs(file.path, problems)
        # a list with a gap does not tell which units are absent
        if pairs is None or not pairs.is_whole:
            continue
        marks = np.zeros((1, len(facts.columns)), np.int8)
        for key, line in zip(pairs.keys.to_pylist(), pairs.line.tolist(), strict=True):
            name = f"AU{float(key):g}" if NUMBER.fullmatch(key) else key
            if name in facts.columns:
                marks[0, facts.columns.index(name)] = 1
            else:
                expected, fix = f"one of {', '.join(facts.columns)}", "compare the file; the line is left out"
                problems.add(Problem("V09", f"action unit {quote(key)}", expected, fix, str(file.path), line))
        frame = np.array([int(file.groups["frame"])])
        images = _images(pictures, file, frame)
        units.append(unit_rows(file, np.ones(1, np.int64), frame, {facts.name: marks}, images))
    return assemble_units(manifest, label_set, root, units, problems)


def read_expression_folders(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from a folder of pictures for each sequence, whose name is the expression; a picture is a row.

    `files` names the folders. Pictures are ordered by the number at the end of their names.

    Problems: F01, F02 a folder without pictures, T06 names, T03 two pictures of one number, D12, D14 a folder that is
    no class, D10 a sequence with gaps.
    """
    settings = settings_of(ExpressionFolderSettings, manifest, label_set)
    facts = only_task(manifest, label_set, Classes)
    first_class = _class_of_first(manifest, facts, settings.first_as)
    numbers = class_names(facts, facts.classes, settings.aliases, label_set)
    files = unit_files(manifest, label_set, root, settings, problems, needed=("expression",))
    units: list[LabelRows] = []
    for file in without_repeats([file for file in files if file.path.is_dir()], problems):
        number = numbers.get(file.groups["expression"].lower())
        if number is None:
            expected = f"one of {', '.join(facts.classes)}"
            fix = "rename or move it"
            problems.add(Problem("D14", f"folder {quote(file.path.name)}", expected, fix, str(file.path)))
            continue
        pictures = _pictures(file, problems)
        if not pictures:
            continue
        there = np.array(sorted(pictures))
        frame, classes = _with_first(_part_of(there, settings), int(there[0]), number, first_class)
        above = file.path.relative_to(root).as_posix()
        images = [f"{above}/{pictures[one]}" for one in frame.tolist()]
        units.append(unit_rows(file, np.ones(len(frame), np.int64), frame, {facts.name: classes}, images))
    return assemble(manifest, label_set.model_copy(update={"image": "{image}"}), root, units, problems)


def _class_of_first(manifest: Manifest, facts: Classes, name: str) -> int | None:
    if not name:
        return None
    if name not in facts.classes:
        found, expected = f"first_as = '{name}'", f"one of {', '.join(facts.classes)}"
        raise ProblemError(Problem("D01", found, expected, "correct the manifest", manifest.id))
    return facts.classes.index(name)


def _unit_files(
    manifest: Manifest, label_set: LabelSet, root: Path, settings: FacsFileSettings, problems: Problems
) -> list[UnitFile]:
    files = unit_files(manifest, label_set, root, settings, problems, needed=("frame",))
    return without_repeats(files, problems)


def _place_of_pictures(manifest: Manifest, label_set: LabelSet, root: Path, settings: FacsFileSettings) -> str:
    """The template of the pictures' paths whose folder is there, else the first one; empty without any template."""
    fields = {**dict.fromkeys(re.compile(settings.pattern).groupindex, ""), "unit": "", "frame": 0}
    for template in settings.pictures:
        try:
            template.format_map(fields)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            found = f"labels.{label_set.id}.options.pictures = '{template}' ({error})"
            expected = f"fields {', '.join(fields)}"
            raise ProblemError(Problem("D01", found, expected, "correct the manifest", manifest.id)) from error
    there = (template for template in settings.pictures if (root / template.partition("{")[0]).is_dir())
    return next(there, next(iter(settings.pictures), ""))


def _images(template: str, file: UnitFile, frames: NDArray[np.integer]) -> list[str] | None:
    if not template:
        return None
    return [template.format_map({**file.groups, "unit": file.unit, "frame": frame}) for frame in frames.tolist()]


def _one_label(file: UnitFile, problems: Problems) -> float | None:
    data = read_text(file.path, problems)
    if data is None:
        return None
    fields = data.decode().split()
    place = str(file.path)
    if len(fields) != 1:
        problems.add(Problem("F06", f"{len(fields)} fields", "one number", _FIX, place))
        return None
    if not NUMBER.fullmatch(fields[0]):
        problems.add(Problem("V01", quote(fields[0]), "a number", _FIX, place, 1))
        return None
    return float(fields[0])


def _class_of(label: float, file: UnitFile, facts: Classes, problems: Problems) -> int | None:
    codes = code_numbers(facts)
    number = codes.get(label)
    if number is None:
        expected = f"one of {', '.join(str(code) for code in codes)}"
        problems.add(Problem("V06", f"{label:g}", expected, _FIX, str(file.path), 1))
    return number


def _taken(first: int, last: int, count: int) -> NDArray[np.int64]:
    return np.arange(max(first, last - count + 1), last + 1)


def _with_first(
    taken: NDArray[np.int64], first: int, number: int, first_class: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Frames and their classes; the first frame is added with its own class, unless it is taken already or has none."""
    classes = np.full(len(taken), number, np.int8)
    if first_class is None or first in taken:
        return taken, classes
    return np.insert(taken, 0, first), np.insert(classes, 0, first_class).astype(np.int8)


def _part_of(frames: NDArray[np.int64], settings: ExpressionFolderSettings) -> NDArray[np.int64]:
    count = len(frames)
    if settings.part == "all" or count <= settings.take:
        return frames
    begin = count - settings.take if settings.part == "last" else (count - settings.take) // 2
    return frames[begin : begin + settings.take]


def _pictures(file: UnitFile, problems: Problems) -> dict[int, str]:
    """Names of a folder's pictures by their number; F02 where there is none."""
    found: dict[int, str] = {}
    entries = listing(file.path, problems)
    for name in sorted(entry.name for entry in entries):
        match = _PICTURE.fullmatch(name)
        if match is None:
            continue
        number = int(match[1])
        if number in found:
            fix = "remove one of them: the first is kept"
            problems.add(Problem("T03", quote(name), f"one picture {number}", fix, str(file.path)))
        found.setdefault(number, name)
    if not found:
        problems.add(Problem("F02", "no picture", "pictures of the sequence", "check the copy", str(file.path)))
        return found
    gaps = sorted({*range(min(found), max(found))} - found.keys())
    if gaps:
        shown_gaps = ", ".join(map(str, gaps[:3])) + (", ..." if len(gaps) > 3 else "")
        expected = f"pictures {min(found)} to {max(found)}"
        fix = "complete the copy: the pictures that are there were taken"
        problems.add(Problem("D10", f"no picture {shown_gaps}", expected, fix, str(file.path), count=len(gaps)))
    return found
