"""Units whose labels are files of their own: what a path says, what the manifest says of the person, the rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.datasets.manifests.model import LabelSet, Manifest, Marks, Numbers, Strict
from abawbench.datasets.readers.assemble import Part, always, assemble, paths_of
from abawbench.datasets.readers.finding import label_files
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.pictures import present
from abawbench.datasets.readers.sheet import Lines
from abawbench.formats.diagnose import shown
from abawbench.table import Classes, Floats, Values

NUMBERS = frozenset({"au", "frame"})
Settings = TypeVar("Settings", bound=Strict)


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A file or folder of a unit.

    Attributes:
        path: where it lies.
        said: what its path says, by the names of the pattern's groups.
        unit: name of the unit.
        split: the split, empty where nothing says it.
    """

    path: Path
    said: Mapping[str, str]
    unit: str
    split: str

    @property
    def subject(self) -> str:
        """The person, empty where the path does not say."""
        return self.said.get("subject", "")


def settings_of(kind: type[Settings], manifest: Manifest, label_set: LabelSet) -> Settings:
    """The options of a label set as its reader asks for them.

    Raises:
        ProblemError: D01, an option is unknown, lacking or of another type.
    """
    try:
        return kind.model_validate(label_set.options)
    except ValidationError as error:
        known = f"options {', '.join(kind.model_fields)} of the reader {label_set.reader}"
        raise ProblemError(
            *(
                Problem(
                    "D01",
                    f"labels.{label_set.id}.options.{'.'.join(map(str, fault['loc']))}: {fault['msg']}",
                    known,
                    "correct the manifest",
                    manifest.id,
                )
                for fault in error.errors()
            )
        ) from error


def unit_files(
    manifest: Manifest,
    label_set: LabelSet,
    root: Path,
    pattern: str,
    unit: str,
    problems: Problems,
    *,
    needed: Sequence[str] = (),
) -> tuple[UnitFile, ...]:
    """The label files whose path fits a pattern, in the order of their paths.

    Args:
        manifest: says the splits of subjects and units.
        label_set: says where the files lie.
        root: folder of the local copy.
        pattern: regular expression for the end of a path, with named groups; `au` and `frame` are numbers.
        unit: the unit's name, made from the groups, as `{subject}/{trial}`.
        problems: F01 no file, T06 a path that does not fit.
        needed: groups that the pattern must have.

    Raises:
        ProblemError: D01, the pattern is no regular expression, or lacks a group.
    """
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
    found_files: list[UnitFile] = []
    for file in label_files(label_set, root, problems):
        match = expression.search(file.path.relative_to(root).as_posix())
        if match is None or not all(_is_number(match[name] or "") for name in numbers):
            fix = "rename it, or move it away"
            problems.add(Problem("T06", shown(file.path.name), f"a name that fits {pattern}", fix, str(file.path)))
            continue
        said = match.groupdict("")
        name = unit.format_map(said)
        split = file.split or listed.get(said.get("subject", "")) or listed.get(name, "")
        found_files.append(UnitFile(file.path, said, name, split))
    return tuple(found_files)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text.lstrip("0")) <= 9


def unit_part(
    file: UnitFile,
    line: Lines,
    frame: NDArray[np.integer],
    values: Mapping[str, Values],
    image: Sequence[str] | None = None,
) -> Part:
    """The rows of one unit.

    Args:
        file: the file they are from.
        line: shape (rows,), where each stands in it.
        frame: shape (rows,).
        values: by task name.
        image: for each row what `{image}` stands for in the label set's template.
    """
    import pyarrow as pa

    count = len(frame)
    return Part(
        str(file.path),
        line,
        always(file.unit, count),
        frame.astype(np.int32),
        values,
        always(file.split, count),
        always(file.subject, count),
        None if image is None else pa.array(image, pa.string()),
    )


def assemble_units(
    manifest: Manifest, label_set: LabelSet, root: Path, parts: Sequence[Part], problems: Problems
) -> Labels:
    """Labels of units, as `assemble` makes them; where other units have pictures, one without any is left out, D10."""
    kept = list(parts)
    if label_set.image is not None:
        has_pictures = [_has_pictures(label_set.image, root, part) for part in parts]
        if any(has_pictures):
            for part, has_some in zip(parts, has_pictures, strict=True):
                if len(part) and not has_some:
                    found, fix = (
                        f"no picture of {part.unit[0].as_py()}",
                        "copy its pictures, or take it from the labels",
                    )
                    expected = f"the pictures of {len(part):,} rows"
                    problems.add(Problem("D10", found, expected, fix, part.file, count=len(part)))
                    kept.remove(part)
    return assemble(manifest, label_set, root, kept, problems)


def _has_pictures(template: str, root: Path, part: Part) -> bool:
    return len(part) > 0 and present(root, paths_of(part, template)) is not None


def without_repeats(files: Sequence[UnitFile], key: str, problems: Problems) -> list[UnitFile]:
    """The files but for those of a unit (and of the group `key`) that an earlier one has: D12."""
    seen: dict[tuple[str, str], Path] = {}
    kept: list[UnitFile] = []
    for file in files:
        place = (file.unit, file.said.get(key, ""))
        if place in seen:
            fix = "remove one of them: the first is kept"
            problems.add(Problem("D12", f"labels of {file.unit} again", f"only {seen[place]}", fix, str(file.path)))
        else:
            seen[place] = file.path
            kept.append(file)
    return kept


def as_marks(values: Floats, facts: Marks) -> Classes:
    """Plain numbers to 0 and 1, -1 where a value is NaN or one of the `missing` values."""
    absent = np.isnan(values) | np.isin(values, facts.missing)
    return np.where(absent, -1, values >= facts.positive_from).astype(np.int8)


def as_numbers(values: Floats, facts: Numbers) -> Floats:
    """Plain numbers with the `missing` values as NaN."""
    return np.where(np.isin(values, facts.missing), np.nan, values)


def columns_of(label_set: LabelSet) -> tuple[str, ...]:
    """Every column of the marks and numbers of a label set, once, in order."""
    return tuple(
        dict.fromkeys(name for facts in label_set.tasks if isinstance(facts, Marks | Numbers) for name in facts.columns)
    )


def valued(label_set: LabelSet, columns: Sequence[str], values: Floats) -> dict[str, Values]:
    """The values of each task of a label set from the plain numbers of its columns.

    Args:
        label_set: of marks and numbers.
        columns: names of the columns.
        values: shape (rows, columns), NaN where nothing is written.
    """
    found: dict[str, Values] = {}
    for facts in label_set.tasks:
        if isinstance(facts, Marks | Numbers):
            own = values[:, [columns.index(name) for name in facts.columns]]
            found[facts.name] = as_marks(own, facts) if isinstance(facts, Marks) else as_numbers(own, facts)
    return found
