"""Reads labels from pictures in one folder for each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest, Strict
from abawbench.datasets.readers.files import PICTURES, LabelFile, label_files, listing
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.rows import CheckedRows, LabelRows, same_text, text_column
from abawbench.datasets.readers.settings import Pairs, class_names, only_task, settings_of
from abawbench.datasets.readers.values import group_column, is_shifted, name_groups, shifted_labels
from abawbench.formats.text import quote
from abawbench.table import NO_FRAME


class ClassFolderSettings(Strict):
    """Settings of the reader `class-folders`.

    Attributes:
        aliases: further names of folders, as `ANGRER=Anger`.
        pattern: regular expression for a picture's path, whose named group `subject` is the person; empty for unknown
            persons.
    """

    aliases: Pairs = ()
    pattern: str = ""


def read_class_folders(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels that are the names of folders: `files` names the folders that hold the class folders.

    A folder's name is a code of the class (or the class's name where no codes are given), without regard to case. A
    unit is a picture, named by its path below the root.

    Problems: F01, D01 a label set that is not one task of classes, D14 a folder that is no class, V06 folders that are
    all one class off, F02 a class folder without pictures, T06 a path that does not fit the pattern.
    """
    facts = only_task(manifest, label_set, Classes)
    settings = settings_of(ClassFolderSettings, manifest, label_set)
    numbers = class_names(facts, facts.codes or facts.classes, settings.aliases, label_set)
    folders = [
        _with_subjects(rows, settings.pattern, problems)
        for above in label_files(label_set, root, problems)
        for rows in _class_folders(facts, numbers, above, root, problems)
    ]
    return assemble(manifest, label_set.model_copy(update={"image": "{image}"}), root, folders, problems)


def _class_folders(
    facts: Classes, numbers: Mapping[str, int], above: LabelFile, root: Path, problems: Problems
) -> list[LabelRows]:
    found: list[LabelRows] = []
    entries = listing(above.path, problems)
    names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    labels = [int(name) for name in names if name.isdecimal()]
    if len(labels) == len(names) > 0 and is_shifted(labels, facts.codes):
        problems.add(Problem("V06", *shifted_labels("folders", labels, facts.codes), str(above.path), count=len(names)))
        return []
    for name in names:
        number = numbers.get(name.lower())
        if number is None:
            expected, place = f"one of {', '.join(numbers)}", str(above.path)
            problems.add(Problem("D14", f"folder {quote(name)}", expected, "rename or move it", place))
            continue
        found.append(_class_folder(facts, number, LabelFile(above.path / name, above.split), root, problems))
    if not found:
        problems.add(Problem("F02", "no class folder", "a folder for each class", "check the copy", str(above.path)))
    return found


def _class_folder(facts: Classes, number: int, folder: LabelFile, root: Path, problems: Problems) -> LabelRows:
    import pyarrow as pa

    entries = listing(folder.path, problems)
    names = sorted(entry.name for entry in entries if entry.name.lower().endswith(PICTURES))
    if not names:
        problems.add(Problem("F02", "no picture", "pictures of the class", "check the copy", str(folder.path)))
    below = folder.path.relative_to(root).as_posix()
    paths = pa.array([f"{below}/{name}" for name in names], pa.string())
    count = len(names)
    return LabelRows(
        str(folder.path),
        np.arange(count) + 1,
        text_column(paths),
        np.full(count, NO_FRAME, np.int32),
        {facts.name: np.full(count, number, np.int8)},
        same_text(folder.split, count),
        same_text("", count),
        paths,
    )


def _with_subjects(rows: LabelRows, pattern: str, problems: Problems) -> LabelRows:
    if not pattern or rows.image is None or not len(rows):
        return rows
    import pyarrow as pa

    checked = CheckedRows(rows.file, rows.line, problems)
    groups = name_groups(pa.chunked_array([rows.image]), pattern, checked)
    subject = group_column(groups, "subject", len(rows))
    return replace(rows, subject=subject).take(~checked.faulty)
