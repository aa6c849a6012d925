"""What a folder or zip of a user holds, apart from files of the system and from folders around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from abawbench.base.problems import SHOWN, Problem, ProblemError, inert, unreadable

# of Finder and the Windows Explorer, in lower case
NAMES = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin"})
# a file that the workers of CodaLab add
METADATA = "metadata"
# what a run of abawbench writes under hidden names: its locks, and files that it has not finished
_OWN = re.compile(r"\.lock|\.workers|\.work|\..+\.[a-z0-9_]{8}")


def is_litter(name: str) -> bool:
    """True for the path of a file below the user's folder or zip that holds nothing to read.

    >>> [is_litter(name) for name in ("a.txt", "__MACOSX/a/._b.txt", "a/.DS_Store", "metadata", "metadata/b.txt")]
    [False, True, True, True, False]
    """
    parts = PurePosixPath(name).parts
    is_hidden = any(part.startswith(".") and part != ".." for part in parts)
    return is_hidden or parts[-1:] == (METADATA,) or any(part.lower() in NAMES for part in parts)


def is_text(name: str) -> bool:
    """True for a name that is UTF-8; Linux allows any bytes, which no file of results could hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def require_text(path: Path) -> None:
    """Refuse a file or folder whose name stands for a unit. Raises: ProblemError F19, the name is not UTF-8."""
    if not is_text(path.name):
        raise ProblemError(not_text(path))


def not_text(path: Path) -> Problem:
    """F19 for a file or folder whose name is not UTF-8."""
    found, place = f"'{inert(path.name)}'", inert(str(path.parent))
    return Problem("F19", found, "a name in UTF-8", "rename it, as with convmv", place)


def without_litter(folder: Path, names: Iterable[str]) -> tuple[list[str], tuple[Problem, ...]]:
    """The names that can be read, in their order, one note about litter, and F19 for each name that is not UTF-8.

    Args:
        folder: folder or zip that holds them, for the problems.
        names: paths below it, with forward slashes.
    """
    kept: list[str] = []
    litter: list[str] = []
    problems: list[Problem] = []
    for name in names:
        if is_litter(name):
            litter.append(name)
        elif is_text(name):
            kept.append(name)
        else:
            problems.append(not_text(folder / name))
    told = [name for name in litter if not _OWN.fullmatch(PurePosixPath(name).name)]
    return kept, (*([_note(folder, told)] if told else []), *problems)


def require_names(folder: Path) -> None:
    """Refuse a folder in which some names are not UTF-8. Raises: ProblemError F19, one for each; F01."""
    problems = [problem for problem in entries(folder)[1] if not problem.is_note]
    if problems:
        raise ProblemError(*problems)


def entries(folder: Path) -> tuple[list[Path], tuple[Problem, ...]]:
    """The files and folders in a folder that can be read, sorted by name, and the problems of `without_litter`.

    Raises:
        ProblemError: F01, the folder cannot be read.
    """
    try:
        found = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    folders = [name for name in found if name == METADATA and (folder / name).is_dir()]
    kept, notes = without_litter(folder, [name for name in found if name not in folders])
    return sorted(folder / name for name in (*kept, *folders)), notes


def unfold(folder: Path) -> tuple[Path, tuple[Problem, ...]]:
    """The folder itself, or the one folder that it holds alone, and a note about that.

    Raises:
        ProblemError: F01, the folder cannot be read.
    """
    found, others = entries(folder)
    if len(found) != 1 or not found[0].is_dir() or any(not problem.is_note for problem in others):
        return folder, ()
    return found[0], (nested(folder, found[0].name),)


def nested(place: Path, name: str) -> Problem:
    """A note that a folder or zip holds a folder alone.

    Args:
        place: the folder or zip.
        name: path of the folder in it.
    """
    return Problem("N22", f"everything in '{name}'", "the files themselves", f"give what is in '{name}'", str(place))


def _note(folder: Path, names: Sequence[str]) -> Problem:
    shown = ", ".join(f"'{name}'" for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    fix = "leave them out when you copy or pack the folder"
    return Problem("N21", f"{shown}{more}", "the user's own files", fix, str(folder), count=len(names))
