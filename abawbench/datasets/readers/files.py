"""Finds the label files of a local copy, and reads their bytes or text."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.files import read_input
from abawbench.base.folders import is_text, not_text
from abawbench.base.problems import Problem, ProblemError, Problems, not_found, unreadable
from abawbench.datasets.manifests.model import LabelSet, is_below
from abawbench.formats.text import BOM, encoding_fault, refuse_endless_lines

PICTURES = (".jpg", ".jpeg", ".png", ".bmp")
_SPLIT = re.compile(r"(?P<split>[\w -]+)=(?P<pattern>.+)")


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label file, or a folder of labels.

    Attributes:
        path: path of the file or folder.
        split: name of the split of the whole file; empty where the rows name their splits, or none is known.
    """

    path: Path
    split: str


def patterns(label_set: LabelSet) -> Mapping[str, tuple[str, ...]]:
    """The glob patterns of each split, in order of preference; patterns without a split are under the empty name."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in label_set.files:
        match = _SPLIT.fullmatch(entry)
        split, pattern = (match["split"], match["pattern"]) if match else ("", entry)
        found[split] = (*found.get(split, ()), pattern)
    return found


def label_files(label_set: LabelSet, root: Path, problems: Problems) -> tuple[LabelFile, ...]:
    """Find the files of each split: all matches of the first of its patterns that has any.

    Problems: F01 for a split without any file, D01 for a pattern that leads out of the data set's folder.
    """
    if not root.is_dir():
        problems.extend(not_found(root, "the folder of the data set").problems)
        return ()
    files: list[LabelFile] = []
    for split, globs in patterns(label_set).items():
        inside = [pattern for pattern in globs if is_below(pattern)]
        for pattern in set(globs) - set(inside):
            found, expected = f"files = '{pattern}'", "a place below the root"
            problems.add(Problem("D01", found, expected, "write it without '..'", label_set.id))
        paths = next((paths for pattern in inside if (paths := matches(root, pattern))), [])
        if inside and not paths:
            expected = (f"the labels of {split}, " if split else "") + " or ".join(inside)
            fix = "check the copy, or give the folder that holds it"
            problems.add(Problem("F01", "no such file", expected, fix, str(root)))
        for path in paths:
            if is_text(path.name):
                files.append(LabelFile(path, split))
            else:
                problems.add(not_text(path))
    return tuple(files)


def has_label_files(label_set: LabelSet, root: Path) -> bool:
    """True where a local copy has files of the label set, for some split at least."""
    globs = [pattern for patterns_ in patterns(label_set).values() for pattern in patterns_ if is_below(pattern)]
    return any(matches(root, pattern) for pattern in globs)


def matches(root: Path, pattern: str) -> list[Path]:
    """The paths below the root that match a glob pattern, sorted."""
    # glob knows no pattern for the folder itself
    return [root] if pattern in {".", "./"} else sorted(root.glob(pattern))


def listing(folder: Path, problems: Problems) -> list[os.DirEntry[str]]:
    """The entries of a folder, in the order of the file system; none, and F01, where it cannot be read.

    Names that are not UTF-8 are left out, each with F19.
    """
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError as error:
        problems.extend(unreadable(folder, error, "a readable folder").problems)
        return []
    for entry in entries:
        if not is_text(entry.name):
            problems.add(not_text(Path(entry.path)))
    return [entry for entry in entries if is_text(entry.name)]


def read_bytes(path: Path, problems: Problems) -> bytes | None:
    """The bytes of a file; None, and F01, where it cannot be read."""
    try:
        return read_input(path)
    except OSError as error:
        problems.extend(unreadable(path, error, "a readable file").problems)
    except ProblemError as error:
        problems.extend(error.problems)
    return None


def read_text_bytes(path: Path, problems: Problems) -> bytes | None:
    """The bytes of a text file; None, and a problem, where it cannot be read, is blank or is no text at all.

    A file with some bytes that are not UTF-8 is accepted: the caller may leave out just their lines.

    Problems: F01, F02, F03.
    """
    data = read_bytes(path, problems)
    if data is None:
        return None
    if not data.removeprefix(BOM).strip():
        problems.add(Problem("F02", "no row", "at least one row", "copy the file again", str(path)))
        return None
    try:
        refuse_endless_lines(data, str(path))
    except ProblemError as error:
        problems.extend(error.problems)
        return None
    wrong = encoding_fault(data)
    if wrong is not None:
        problems.add(Problem("F03", wrong, "UTF-8 text", "save it again as UTF-8 text", str(path), 1))
        return None
    return data


def read_text(path: Path, problems: Problems) -> bytes | None:
    """UTF-8 text without byte order mark, its lines ended by line feeds; None where the file cannot be read.

    Problems: F01, F02, F03.
    """
    data = read_text_bytes(path, problems)
    if data is None:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        found, expected = "bytes that are not UTF-8", "UTF-8 text"
        problems.add(Problem("F03", found, expected, "save it again as UTF-8 text", str(path)))
        return None
    return data.removeprefix(BOM).replace(b"\r\n", b"\n")
