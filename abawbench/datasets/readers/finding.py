"""Where the label files of a local copy lie."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.problems import Problem, Problems, not_found, unreadable
from abawbench.datasets.manifests.model import LabelSet, is_below

_SPLIT = re.compile(r"(?P<split>[\w -]+)=(?P<pattern>.+)")


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label file or folder, and the split it is of: empty where its rows say so, or nothing does."""

    path: Path
    split: str


def patterns(label_set: LabelSet) -> Mapping[str, tuple[str, ...]]:
    """The glob patterns of each split, in order of preference; all under the empty name where no split is named."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in label_set.files:
        match = _SPLIT.fullmatch(entry)
        split, pattern = (match["split"], match["pattern"]) if match else ("", entry)
        found[split] = (*found.get(split, ()), pattern)
    return found


def label_files(label_set: LabelSet, root: Path, problems: Problems) -> tuple[LabelFile, ...]:
    """The files of each split, by the first of its patterns that matches.

    Problems: F01 for a split without any file, D01 for a pattern that leaves the data set's folder.
    """
    if not root.is_dir():
        problems.extend(not_found(root, "the folder of the data set").problems)
        return ()
    files: list[LabelFile] = []
    for split, globs in patterns(label_set).items():
        inside = [pattern for pattern in globs if is_below(pattern)]
        for pattern in set(globs) - set(inside):
            problems.add(
                Problem("D01", f"files = '{pattern}'", "a place below the root", "write it without '..'", label_set.id)
            )
        found = next((paths for pattern in inside if (paths := matches(root, pattern))), [])
        if inside and not found:
            what = f"the labels of {split}, " if split else ""
            problems.add(
                Problem(
                    "F01",
                    "no such file",
                    what + " or ".join(inside),
                    "check the copy, or give the folder that holds it",
                    str(root),
                )
            )
        files.extend(LabelFile(path, split) for path in found)
    return tuple(files)


def matches(root: Path, pattern: str) -> list[Path]:
    """What a glob pattern matches below the root, sorted."""
    # glob knows no pattern for the folder itself
    return [root] if pattern in {".", "./"} else sorted(root.glob(pattern))


def bytes_of(path: Path, problems: Problems) -> bytes | None:
    """What a file holds; None, and F01, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        problems.extend(unreadable(path, error, "a readable file").problems)
        return None


def listing(folder: Path, problems: Problems) -> list[os.DirEntry[str]] | None:
    """What a folder holds, in the order of the file system; None, and F01, where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        problems.extend(unreadable(folder, error, "a readable folder").problems)
        return None
