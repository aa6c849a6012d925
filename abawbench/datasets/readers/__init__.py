"""Labels of data sets, each in the form its owners publish: one door for all of them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import cast

from abawbench.base.problems import Problem, ProblemError, Problems, not_found, unreadable
from abawbench.datasets.manifests.forms import READERS
from abawbench.datasets.manifests.model import LabelSet, Manifest
from abawbench.datasets.readers.model import Labels, Reader


def read_labels(manifest: Manifest, root: Path, which: str | None = None) -> Labels:
    """The labels of a local copy, all or nothing.

    Args:
        manifest: facts of the data set.
        root: folder of the local copy.
        which: id of the label set; needed where the manifest has several.

    Raises:
        ProblemError: every problem that was found, and notes beside them.
    """
    labels, problems = read_with_problems(manifest, root, which)
    if labels is None or any(not problem.is_note for problem in problems):
        raise ProblemError(*problems)
    return labels


def read_with_problems(
    manifest: Manifest, root: Path, which: str | None = None
) -> tuple[Labels | None, tuple[Problem, ...]]:
    """What can be read of a local copy, and what was left out.

    Args:
        manifest: facts of the data set.
        root: folder of the local copy.
        which: id of the label set; needed where the manifest has several.

    Returns:
        The labels without the rows that are at fault, None where no row is left; and every problem and note.
    """
    problems = Problems()
    try:
        label_set = label_set_of(manifest, which)
        if not root.is_dir():
            raise not_found(root, f"a local copy of {manifest.title}")
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


def label_set_of(manifest: Manifest, which: str | None) -> LabelSet:
    """The label set of this id, or the only one.

    Raises:
        ProblemError: D15, there is none of this id, or no id and several label sets.
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
    """The function that reads a label set, imported now.

    Raises:
        ProblemError: D01, the manifest names no reader.
    """
    place = READERS.get(label_set.reader)
    if place is None:
        raise ProblemError(
            Problem(
                "D01",
                f"labels.{label_set.id}.reader = '{label_set.reader}'",
                f"one of {', '.join(sorted(READERS))}",
                "correct the manifest",
                manifest.id,
            )
        )
    module, name = place.split(":")
    return cast(Reader, getattr(importlib.import_module(module), name))
