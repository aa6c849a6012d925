"""Units with label files of their own: the facts in the path of a file, and the rows of one unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import LabelSet, Manifest, Strict
from abawbench.datasets.readers.files import label_files
from abawbench.datasets.readers.labels import Labels, assemble, has_pictures
from abawbench.datasets.readers.rows import LabelRows, Lines, same_text
from abawbench.formats.text import quote
from abawbench.table import Values

NUMBERS = frozenset({"au", "frame"})


class UnitSettings(Strict):
    """Settings of every reader of files of units.

    Attributes:
        pattern: regular expression for the end of a path, with a named group for each fact in it.
        unit: name of the unit, made from the groups, as `{subject}/{trial}`.
    """

    pattern: str
    unit: str = "{subject}"


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A file or folder of a unit.

    Attributes:
        path: path of the file or folder.
        groups: facts in the path, by the names of the pattern's groups.
        unit: name of the unit.
        split: name of the split, empty where it is not known.
    """

    path: Path
    groups: Mapping[str, str]
    unit: str
    split: str

    @property
    def subject(self) -> str:
        """Name of the person, empty where the path does not name one."""
        return self.groups.get("subject", "")


def unit_files(
    manifest: Manifest,
    label_set: LabelSet,
    root: Path,
    settings: UnitSettings,
    problems: Problems,
    *,
    needed: Sequence[str] = (),
) -> tuple[UnitFile, ...]:
    """The label files whose path fits the pattern of the settings, in the order of their paths.

    Args:
        manifest: manifest, which may list the subjects or units of a split.
        label_set: label set with the patterns of the files.
        root: folder of the local copy.
        settings: pattern of a path and name of a unit; the groups `au` and `frame` are numbers.
        problems: the collection for F01 no file, T06 a path that does not fit.
        needed: groups that the pattern must have.

    Raises:
        ProblemError: D01, the pattern is no regular expression, or lacks a group.
    """
    pattern, unit = settings.pattern, settings.unit
    try:
        expression = re.compile(f"(?:^|/)(?:{pattern})$")
        unit.format_map(dict.fromkeys(expression.groupindex, ""))
        if lacking := [name for name in needed if name not in expression.groupindex]:
            raise KeyError(*lacking)
    except (re.error, KeyError, ValueError, IndexError, AttributeError) as error:
        found = f"labels.{label_set.id}.options: pattern '{pattern}', unit '{unit}' ({error})"
        groups = "".join(f", with a group {name}" for name in needed)
        expected = f"a regular expression whose named groups make the unit{groups}"
        raise ProblemError(Problem("D01", found, expected, "correct the manifest", manifest.id)) from error
    numbers = NUMBERS & expression.groupindex.keys()
    listed = {member: split.name for split in manifest.splits for member in split.subjects}
    files: list[UnitFile] = []
    for file in label_files(label_set, root, problems):
        match = expression.search(file.path.relative_to(root).as_posix())
        if match is None or not all(_is_number(match[name] or "") for name in numbers):
            fix = "rename it, or move it away"
            problems.add(Problem("T06", quote(file.path.name), f"a name that fits {pattern}", fix, str(file.path)))
            continue
        groups_of_path = match.groupdict("")
        name = unit.format_map(groups_of_path)
        split = file.split or listed.get(groups_of_path.get("subject", "")) or listed.get(name, "")
        files.append(UnitFile(file.path, groups_of_path, name, split))
    return tuple(files)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text.lstrip("0")) <= 9


def without_repeats(files: Sequence[UnitFile], problems: Problems, group: str = "") -> list[UnitFile]:
    """The first file of each unit, or of each unit and value of the named group; D12 for every further one."""
    seen: dict[tuple[str, str], Path] = {}
    kept: list[UnitFile] = []
    for file in files:
        key = (file.unit, file.groups.get(group, ""))
        if key in seen:
            fix = "remove one of them: the first is kept"
            problems.add(Problem("D12", f"labels of {file.unit} again", f"only {seen[key]}", fix, str(file.path)))
        else:
            seen[key] = file.path
            kept.append(file)
    return kept


def unit_rows(
    file: UnitFile,
    line: Lines,
    frame: NDArray[np.integer],
    values: Mapping[str, Values],
    image: Sequence[str] | None = None,
) -> LabelRows:
    """The rows of one unit.

    Args:
        file: file of the unit.
        line: line of the file that each row stands on, shape (rows,).
        frame: frame numbers, shape (rows,).
        values: values by task name.
        image: text that fills `{image}` in the label set's template, for each row.
    """
    import pyarrow as pa

    count = len(frame)
    return LabelRows(
        str(file.path),
        line,
        same_text(file.unit, count),
        frame.astype(np.int32),
        values,
        same_text(file.split, count),
        same_text(file.subject, count),
        None if image is None else pa.array(image, pa.string()),
    )


def assemble_units(
    manifest: Manifest, label_set: LabelSet, root: Path, units: Sequence[LabelRows], problems: Problems
) -> Labels:
    """Labels of units, as `assemble` makes them.

    Where some units have pictures, a unit without any is left out: D10.
    """
    template = label_set.image
    if template is not None:
        pictured = [has_pictures(root, template, rows) for rows in units]
        if any(pictured):
            for rows in (rows for rows, has_some in zip(units, pictured, strict=True) if not has_some and len(rows)):
                found, expected = f"no picture of {rows.unit[0].as_py()}", f"the pictures of {len(rows):,} rows"
                fix = "copy its pictures, or take it from the labels"
                problems.add(Problem("D10", found, expected, fix, rows.file, count=len(rows)))
            units = [rows for rows, has_some in zip(units, pictured, strict=True) if has_some or not len(rows)]
    return assemble(manifest, label_set, root, units, problems)
