"""Pictures in one folder for each class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import Classes, LabelSet, Manifest
from abawbench.datasets.readers.assemble import Part, always, assemble, texts
from abawbench.datasets.readers.finding import label_files, listing
from abawbench.datasets.readers.model import Labels
from abawbench.datasets.readers.naming import groups
from abawbench.datasets.readers.options import check_options, only_task, pairs_option, text_option, wrong_option
from abawbench.datasets.readers.values import Rows
from abawbench.formats.diagnose import shown
from abawbench.table import NO_FRAME

PICTURES = (".jpg", ".jpeg", ".png", ".bmp")


def read_class_folders(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Labels that are the names of folders: `files` names the folders that hold the class folders.

    A folder's name is a code of the class (or the class's name where no codes are given), without regard to case. A
    unit is a picture, named by its path below the root.

    Options:
        aliases: further names of folders, as `ANGRER=Anger`.
        pattern: regular expression over a picture's path, whose named group `subject` says who it shows.

    Problems: F01, D01 a label set that is not one task of classes, D14 a folder that is no class, F02 a class folder
    without pictures, T06 a path that does not fit the pattern.
    """
    facts = only_task(manifest, label_set, Classes)
    check_options(label_set, ("aliases", "pattern"))
    numbers = _numbers(facts, label_set)
    pictured = label_set.model_copy(update={"image": "{image}"})
    parts = [
        part
        for above in label_files(label_set, root, problems)
        for part in _parts(facts, numbers, above.path, above.split, root, problems)
    ]
    parts = [_with_subjects(part, label_set, problems) for part in parts]
    return assemble(manifest, pictured, root, parts, problems)


def _numbers(facts: Classes, label_set: LabelSet) -> dict[str, int]:
    codes = facts.codes or facts.classes
    numbers = {str(code).lower(): number for number, code in enumerate(codes)}
    by_name = numbers | {name.lower(): number for number, name in enumerate(facts.classes)}
    for alias, name in pairs_option(label_set, "aliases").items():
        if name.lower() not in by_name:
            raise wrong_option(label_set, "aliases", f"after '=' one of {', '.join(facts.classes)}")
        numbers[alias.lower()] = by_name[name.lower()]
    return numbers


def _parts(
    facts: Classes, numbers: Mapping[str, int], above: Path, split: str, root: Path, problems: Problems
) -> list[Part]:
    parts: list[Part] = []
    folders = listing(above, problems) or []
    for name in sorted(entry.name for entry in folders if entry.is_dir() and not entry.name.startswith(".")):
        number = numbers.get(name.lower())
        if number is None:
            known = ", ".join(numbers)
            problems.add(Problem("D14", f"folder {shown(name)}", f"one of {known}", "rename or move it", str(above)))
            continue
        parts.append(_class_part(facts, number, above / name, split, root, problems))
    if not parts:
        problems.add(Problem("F02", "no class folder", "a folder for each class", "check the copy", str(above)))
    return parts


def _class_part(facts: Classes, number: int, folder: Path, split: str, root: Path, problems: Problems) -> Part:
    import pyarrow as pa

    names = sorted(entry.name for entry in listing(folder, problems) or [] if entry.name.lower().endswith(PICTURES))
    if not names:
        problems.add(Problem("F02", "no picture", "pictures of the class", "check the copy", str(folder)))
    below = folder.relative_to(root).as_posix()
    paths = pa.array([f"{below}/{name}" for name in names], pa.string())
    count = len(names)
    return Part(
        str(folder),
        np.arange(count) + 1,
        texts(paths),
        np.full(count, NO_FRAME, np.int32),
        {facts.name: np.full(count, number, np.int8)},
        always(split, count),
        always("", count),
        paths,
    )


def _with_subjects(part: Part, label_set: LabelSet, problems: Problems) -> Part:
    pattern = text_option(label_set, "pattern")
    if not pattern or part.image is None or not len(part):
        return part
    import pyarrow as pa

    rows = Rows(part.file, part.line, problems)
    found = groups(pa.chunked_array([part.image]), pattern, rows)
    subject = texts(found["subject"]) if "subject" in found else part.subject
    return dataclasses.replace(part, subject=subject).take(~rows.faulty)
