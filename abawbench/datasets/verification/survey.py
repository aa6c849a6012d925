"""What of a manifest's layout a local copy holds: one walk over the folders that the layout names."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.problems import Problem, Problems, unreadable
from abawbench.datasets.manifests.model import Place

MEDIA = ("images", "videos", "audio")

# a place of the layout by its number, and what is left of its pattern; nothing is left where everything below counts
Step = tuple[int, tuple[str, ...]]


@dataclass(slots=True)
class Found:
    """What of a place is there.

    Attributes:
        matches: files and folders that the place's pattern names.
        files: files among them, and in folders below them.
    """

    matches: int = 0
    files: int = 0


def survey(layout: Sequence[Place], root: Path, problems: Problems) -> tuple[Found, ...]:
    """For each place of the layout what is there.

    Folders are listed as a stream, each file is looked at once, and none is opened.

    Problems: F01 a folder that cannot be listed, F02 a picture, video or sound without a byte.
    """
    found = tuple(Found() for _ in layout)
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
    """The steps of a folder, each once; `**` stands for no folder as well."""
    wanted = list(steps)
    for place, rest in wanted:
        if rest and rest[0] == "**":
            wanted.append((place, rest[1:]))
    return tuple(dict.fromkeys(wanted))


def _below(
    entry: os.DirEntry[str], steps: Sequence[Step], layout: Sequence[Place], found: Sequence[Found], problems: Problems
) -> list[Step]:
    """The steps to take within an entry; counts it for the places that end with it."""
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
    """True for a link to a folder that another link has led to: links may go in circles."""
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
