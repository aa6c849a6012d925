"""The files of a local copy: the places of the layout that it holds, and pictures without a label."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from abawbench.base.folders import is_text
from abawbench.base.problems import Problem, Problems, unreadable
from abawbench.datasets.manifests.model import LabelSet, Place
from abawbench.datasets.readers.files import PICTURES
from abawbench.datasets.readers.official import FRAMES_PAST_END
from abawbench.datasets.readers.rows import arrow_functions
from abawbench.table import NO_FRAME

if TYPE_CHECKING:
    from abawbench.datasets.readers import Labels

MEDIA = ("images", "videos", "audio")
# number of a place of the layout, and the rest of its pattern; the rest is empty where everything below counts
Step = tuple[int, tuple[str, ...]]


@dataclass(slots=True)
class PlaceFiles:
    """The files of a place of the layout.

    Attributes:
        matches: number of files and folders that match the place's pattern.
        files: number of files among them, and in folders below them.
    """

    matches: int = 0
    files: int = 0


def survey(layout: Sequence[Place], root: Path, problems: Problems) -> tuple[PlaceFiles, ...]:
    """Count the files of each place of the layout in one walk over the folders that the layout names.

    Folders are listed as a stream; each file is seen once, and none is opened.

    Problems: F01 a folder that cannot be listed, F02 a picture, video or sound without a byte.
    """
    found = tuple(PlaceFiles() for _ in layout)
    links: set[str] = set()
    stack: list[tuple[str, tuple[Step, ...]]] = [
        (str(root), _here((place, tuple(part.path.strip("/").split("/"))) for place, part in enumerate(layout)))
    ]
    while stack:
        folder, steps = stack.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    below = _below(entry, steps, layout, found, problems)
                    if below and not _is_seen(entry, links):
                        stack.append((entry.path, _here(below)))
        except OSError as error:
            problems.extend(unreadable(folder, error, "a readable folder").problems)
    return found


def _here(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps of a folder, each once; `**` also stands for no folder at all."""
    wanted = list(steps)
    for place, rest in wanted:
        if rest and rest[0] == "**":
            wanted.append((place, rest[1:]))
    return tuple(dict.fromkeys(wanted))


def _below(
    entry: os.DirEntry[str],
    steps: Sequence[Step],
    layout: Sequence[Place],
    found: Sequence[PlaceFiles],
    problems: Problems,
) -> list[Step]:
    """The steps to take within an entry, which is counted for the places whose pattern ends with it."""
    below: list[Step] = []
    counted: set[int] = set()
    is_folder = entry.is_dir()
    for place, rest in steps:
        if rest and rest[0] == "**":
            below.append((place, rest))
            continue
        if rest and not _fits(entry.name, rest[0]):
            continue
        if len(rest) > 1:
            below.append((place, rest[1:]))
            continue
        found[place].matches += len(rest)
        below.append((place, ()))
        if not is_folder and place not in counted:
            counted.add(place)
            found[place].files += 1
    if counted and any(layout[place].holds in MEDIA for place in counted) and entry.stat().st_size == 0:
        problems.add(Problem("F02", "no byte", "a picture, video or sound", "copy it again", entry.path))
    return below if is_folder else []


def _is_seen(entry: os.DirEntry[str], links: set[str]) -> bool:
    """True for a link to a folder that another link has led to, as links may form a circle."""
    if not entry.is_symlink():
        return False
    target = os.path.realpath(entry.path)
    is_seen = target in links
    links.add(target)
    return is_seen


def _fits(name: str, pattern: str) -> bool:
    compiled = _compiled(pattern)
    return name == pattern if compiled is None else compiled.match(name) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    return re.compile(fnmatch.translate(pattern)) if any(mark in pattern for mark in "*?[") else None


_FIX = "compare the labels with the pictures: one of them may be of another release"


def unlabelled_pictures(label_set: LabelSet, labels: Labels, root: Path, problems: Problems) -> int:
    """Find pictures without a label in the folders of labelled pictures, and return the number of pictures compared.

    Where rows name their pictures, each picture needs a row. Where rows number every frame of a unit, no picture may
    have a number past the last frame. In other data sets pictures without labels are normal.

    Problems: D05 for each picture without a label.
    """
    if labels.images is None or label_set.image is None:
        return 0
    if "{image}" in label_set.image and (labels.table.frame == NO_FRAME).all():
        return _without_row(label_set, labels, root, problems)
    if label_set.options.get("gaps"):
        return _past_the_end(label_set, labels, root, problems)
    return 0


def _without_row(label_set: LabelSet, labels: Labels, root: Path, problems: Problems) -> int:
    import pyarrow as pa

    compute = arrow_functions()
    images = pa.array(labels.images, pa.string())
    folders = compute.unique(compute.replace_substring_regex(images, r"/?[^/]*$", "")).to_pylist()
    pictures = pa.array(_pictures(root, folders), pa.string())
    surplus = pictures.filter(compute.invert(compute.is_in(pictures, value_set=images)))
    for path in surplus.to_pylist():
        problems.add(Problem("D05", path, "a row for each picture", _FIX, f"labels {label_set.id}"))
    return len(pictures)


def _past_the_end(label_set: LabelSet, labels: Labels, root: Path, problems: Problems) -> int:
    """Compare the units whose rows number every frame; a list of some frames says nothing of a video's end."""
    assert labels.images is not None
    table = labels.table
    rows = np.bincount(table.video, minlength=len(table.videos))
    last = np.full(len(table.videos), -1, np.int64)
    np.maximum.at(last, table.video, table.frame)
    with_picture = np.flatnonzero(labels.images != "")
    units, first = np.unique(table.video[with_picture], return_index=True)
    counted = 0
    for unit, row in zip(units.tolist(), with_picture[first].tolist(), strict=True):
        end = int(last[unit])
        if rows[unit] != end - label_set.frame_base + 1:
            continue
        folder = str(labels.images[row]).rpartition("/")[0]
        for path in _pictures(root, [folder]):
            counted += 1
            stem = Path(path).stem
            if stem.isdecimal() and int(stem) > end + FRAMES_PAST_END:
                expected = f"no picture past frame {end}, the last label of '{table.videos[unit]}'"
                problems.add(Problem("D05", path, expected, _FIX, f"labels {label_set.id}"))
    return counted


def _pictures(root: Path, folders: Iterable[str]) -> Iterator[str]:
    """Paths of pictures below the root; a folder that is not there has none, as in a copy of the labels alone."""
    for folder in folders:
        above = f"{folder}/" if folder else ""
        try:
            with os.scandir(root / folder) as entries:
                names = [entry.name for entry in entries if entry.name.lower().endswith(PICTURES)]
                yield from (above + name for name in names if is_text(name))
        except OSError:
            continue
