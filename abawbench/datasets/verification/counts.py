"""Compares the sizes of splits in a manifest with those counted from the labels of a local copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from abawbench.base.files import require_plain
from abawbench.base.problems import Problem, Problems, unreadable
from abawbench.challenges import Task
from abawbench.datasets.manifests.model import LabelSet, Manifest, Split
from abawbench.table import NO_FRAME, Mask, Table, row_keys

if TYPE_CHECKING:
    from abawbench.datasets.readers import Labels

_OF_LABELS = {"units", "videos", "sequences", "subjects", "rows", "frames", "images", "valid_rows", "valid_frames"}
# the split of this name is the whole data set
WHOLE = "all"
_SAME = {"participants": "subjects"}

Tally = Mapping[str, int]
"""Numbers of one split by the names that manifests use: `units`, `rows`, `valid_rows_va`, names of classes."""


def tallies(manifest: Manifest, label_set: LabelSet, labels: Labels) -> dict[str, Tally]:
    """Count the labels of each split: a split that they name, `all`, or a split of listed subjects."""
    named = np.array(labels.splits, object)
    subjects = np.array(labels.subjects, object)
    found: dict[str, Tally] = {}
    for split in manifest.splits:
        units = (named == split.name) | (split.name == WHOLE)
        if not units.any() and split.subjects:
            units = np.isin(subjects, split.subjects)
        if units.any():
            found[split.name] = dict(_numbers(label_set, labels, units[labels.table.video]))
    return found


def _numbers(label_set: LabelSet, labels: Labels, rows: Mask) -> Iterator[tuple[str, int]]:
    table = labels.table
    units = np.unique(table.video[rows])
    frames = table.frame[rows]
    count = len(frames)
    for name in ("units", "videos", "sequences"):
        yield name, len(units)
    yield "rows", count
    if (frames != NO_FRAME).any():
        yield "frames", count
    else:
        yield "images", count
    people = {labels.subjects[unit] for unit in units.tolist()} - {""}
    if people:
        yield "subjects", len(people)
    yield "repeated_rows", count - len(np.unique(row_keys(table.video[rows], frames)))
    any_valid = np.zeros(count, np.bool_)
    for facts in label_set.tasks:
        valid = _valid(table, facts.task, rows)
        any_valid |= valid
        for name in dict.fromkeys((facts.name, label_set.id)):
            yield f"valid_rows_{name}", int(valid.sum())
            yield f"valid_frames_{name}", int(valid.sum())
        if not facts.task.is_vector:
            present = table.classes(facts.name)[rows]
            counts = np.bincount(present[present >= 0], minlength=facts.task.width)
            yield from zip(facts.task.outputs, counts.tolist(), strict=True)
    yield "labelled_rows", int(any_valid.sum())


def _valid(table: Table, task: Task, rows: Mask) -> Mask:
    """True for each row whose label is whole; the organisers leave out a row if a single column is not annotated."""
    is_annotated = task.is_annotated(table.values[task.name][rows])
    return np.asarray(is_annotated.reshape(len(is_annotated), -1).all(axis=1), np.bool_)


def listed(manifest: Manifest, root: Path, problems: Problems) -> dict[str, Tally]:
    """Count the rows in the list of each split that has a list of its own, without headers.

    Problems: F01 a list that cannot be read.
    """
    named = [split.file for split in manifest.splits]
    found: dict[str, Tally] = {}
    for split in manifest.splits:
        if split.file is None or split.count is None or named.count(split.file) > 1:
            continue
        path = root / split.file
        try:
            require_plain(path)
            with path.open("rb") as file:
                lines = sum(1 for line in file if not line.isspace())
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.extend(unreadable(path, error, "a readable list").problems)
            continue
        # lists come with and without a header
        found[split.name] = {split.unit: lines - 1 if lines == split.count + 1 else lines}
    return found


def compare(manifest: Manifest, found: Mapping[str, Mapping[str, Tally]], problems: Problems) -> tuple[list[str], int]:
    """Compare every number of the manifest's splits with the labels that were read.

    Args:
        manifest: manifest with the splits.
        found: counted numbers, by label set and split.
        problems: collection that receives D04, a split with numbers that differ.

    Returns:
        Descriptions of the numbers that could not be compared, and the count of numbers that agree.
    """
    unknown: list[str] = []
    agreed = 0
    for split in manifest.splits:
        parts = {name: tallied[split.name] for name, tallied in found.items() if split.name in tallied}
        stated = _stated(split)
        if not parts:
            if stated:
                unknown.append(f"sizes of the split {split.name}: no labels of it were read, nor a list")
            continue
        differing: list[tuple[str, str]] = []
        for name, expected in stated.items():
            what = name.replace("_", " ")
            options = _options(name, parts)
            if not options:
                unknown.append(f"{split.name}: {expected:,} {what} cannot be counted from the labels")
            elif expected in options.values():
                agreed += 1
            else:
                counted = " or ".join(f"{number:,} {what} ({where})" for where, number in options.items())
                differing.append((counted, f"{expected:,} {what}"))
        if differing:
            ours, theirs = ("; ".join(words) for words in zip(*differing, strict=True))
            fix = "compare the copy with the release that the manifest is of"
            problems.add(Problem("D04", ours, theirs, fix, f"split {split.name}"))
    return unknown, agreed


def _stated(split: Split) -> dict[str, int]:
    whole = {} if split.count is None else {split.unit: split.count}
    return whole | {_SAME.get(name, name): number for name, number in split.counts.items()}


def _options(name: str, parts: Mapping[str, Tally]) -> dict[str, int]:
    """The counts of this name by label set: of the label set that the name ends with, else of each that has one."""
    for label_set, tally in parts.items():
        plain = name.removesuffix(f"_{label_set}")
        if plain != name and plain in _OF_LABELS and plain in tally:
            return {label_set: tally[plain]}
    return {label_set: tally[name] for label_set, tally in parts.items() if name in tally}
