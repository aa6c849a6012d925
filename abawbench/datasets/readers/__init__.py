"""Readers of labels in the forms in which the owners of data sets publish them.

How labels are read: `label_files` (files) finds the label files of a local copy. The reader that the
manifest names, one module for each form of labels, turns each file into sound rows (`LabelRows` in rows); sheet and
pairs turn text into columns, values turns columns into values, and units knows files of single units. `assemble`
(labels) joins the rows of all files into `Labels`, a Table in the data set's own classes and columns. `to_abaw`
(mapping) maps them onto the vocabularies of the ABAW challenges. Rows at fault are left out and reported on the way.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

from abawbench.base.problems import Problem, ProblemError, Problems, near_names, not_found, unreadable
from abawbench.datasets.manifests.model import READERS, LabelSet, Manifest
from abawbench.datasets.readers.files import has_label_files, matches
from abawbench.datasets.readers.labels import Labels

Reader = Callable[[Manifest, LabelSet, Path, Problems], Labels]
"""(manifest, label set, root, problems) -> labels. It adds a Problem for each fault and leaves the row out."""


def read_with_problems(
    manifest: Manifest, root: Path, which: str | None = None
) -> tuple[Labels | None, tuple[Problem, ...]]:
    """Read the labels of a local copy, and leave faulty rows out.

    Args:
        manifest: facts of the data set.
        root: folder of the local copy.
        which: id of the label set; needed where the copy has labels of several that say different things.

    Returns:
        The labels, or None where no row is left; and every problem and note.
    """
    problems = Problems()
    try:
        label_set = label_set_of(manifest, which or _form_of(manifest, root))
        if not root.is_dir():
            raise not_found(root, f"a local copy of {manifest.title}")
        _refuse_unread(manifest, label_set, root)
        labels = reader_of(manifest, label_set)(manifest, label_set, root, problems)
    except ProblemError as error:
        problems.extend(error.problems)
        return None, manifest.unnamed(problems.found)
    except OSError as error:
        problems.extend(unreadable(error.filename or root, error).problems)
        return None, manifest.unnamed(problems.found)
    if not len(labels.table):
        if not problems.refuses:
            patterns = ", ".join(label_set.files)
            problems.add(Problem("F02", "no row", f"labels in {patterns}", "check the copy", str(root)))
        return None, manifest.unnamed(problems.found)
    return labels, manifest.unnamed(problems.found)


def _form_of(manifest: Manifest, root: Path) -> str | None:
    """The label set whose files a copy has; None where there is none, or where the sets say different things."""
    there = [label_set for label_set in manifest.labels if has_label_files(label_set, root)]
    if not there or any(label_set.tasks != there[0].tasks for label_set in there):
        return None
    return there[0].id


def _refuse_unread(manifest: Manifest, label_set: LabelSet, root: Path) -> None:
    """Raise F01 where a copy has a file that is known and not read, in place of the labels."""
    known = [place for place in manifest.layout if place.unread and matches(root, place.path)]
    if known and not has_label_files(label_set, root):
        expected = " or ".join(label_set.files)
        raise ProblemError(
            *(Problem("F01", f"{one.path} alone: {one.note}", expected, one.unread, str(root)) for one in known)
        )


def label_set_of(manifest: Manifest, which: str | None) -> LabelSet:
    """The label set of this id; without an id the only label set.

    Raises:
        ProblemError: D15, no label set has this id, or no id is given and there are several.
    """
    names = ", ".join(label_set.id for label_set in manifest.labels)
    if which is None and len(manifest.labels) == 1:
        return manifest.labels[0]
    for label_set in manifest.labels:
        if label_set.id == which:
            return label_set
    if not manifest.labels:
        found, expected, fix = "a manifest without labels", "a data set with labels", "choose another data set"
    else:
        found = f"{len(manifest.labels)} label sets" if which is None else f"label set '{which}'"
        expected, fix = f"one of {names}", "name one, as with `--labels`"
    raise ProblemError(Problem("D15", found, expected, fix, manifest.id))


def reader_of(manifest: Manifest, label_set: LabelSet) -> Reader:
    """The function that reads a label set; its module is imported now.

    Raises:
        ProblemError: D01, there is no reader of the name that the manifest gives.
    """
    place = READERS.get(label_set.reader)
    if place is None:
        found, expected = f"labels.{label_set.id}.reader = '{label_set.reader}'", near_names(label_set.reader, READERS)
        raise ProblemError(Problem("D01", found, expected, "correct the manifest", manifest.id))
    module, name = place.split(":")
    return cast(Reader, getattr(importlib.import_module(module), name))
