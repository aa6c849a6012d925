"""The prediction and annotation files in a folder, without files of the system and without a folder around them."""

from __future__ import annotations

from pathlib import Path

from abawbench.base.folders import entries, require_names, unfold
from abawbench.base.problems import Problem


def own_files(folder: Path) -> tuple[list[Path], tuple[Problem, ...]]:
    """The user's files in a folder, sorted by name, and notes on what else it holds.

    A folder that holds nothing but another folder stands for that one.

    Raises:
        ProblemError: F01 the folder cannot be read, F19 a name is not UTF-8.
    """
    inner, notes = unfold(folder)
    require_names(inner)
    found, litter = entries(inner)
    if inner != folder:
        litter = (*entries(folder)[1], *litter)
    return [path for path in found if path.is_file()], (*notes, *litter)


def unit_files(folder: Path, suffix: str) -> tuple[list[Path], tuple[Problem, ...]]:
    """The files of `own_files` with this ending, and the notes. Raises: ProblemError F01, F19."""
    files, notes = own_files(folder)
    return [path for path in files if path.suffix == suffix], notes
