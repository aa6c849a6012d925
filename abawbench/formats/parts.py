"""A prediction in several files, each in the format of one file: one for each video, together the submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from abawbench.base.problems import Problem
from abawbench.challenges import Challenge
from abawbench.formats.layout import Layout, choose_layout, layouts
from abawbench.formats.lists import RowList
from abawbench.formats.mending import Mendings
from abawbench.formats.settle import Settled, settle


def may_be_parts(files: Sequence[bytes | memoryview]) -> bool:
    """True unless two files begin with the same row, as trials do: a look at the second line of each."""
    if len(files) < 2:
        return False
    lines = [bytes(data[:4096]).split(b"\n", 2)[1:2] for data in files]
    names = [line[0].split(b",")[0] if line else b"" for line in lines]
    return len(set(names)) == len(names)


def settle_parts(files: Mapping[str, bytes], candidates: Sequence[Layout]) -> tuple[Settled, ...] | None:
    """Bring every file into its official form; None where some answer the same rows, as trials do.

    Args:
        files: the bytes of each file, by its name for messages.
        candidates: the layouts that the files may have, the official one first.
    """
    if not may_be_parts(list(files.values())):
        return None
    parts = tuple(settle(data, candidates, name) for name, data in files.items())
    seen: set[str] = set()
    for part in parts:
        names = set(part.split()[0])
        if not names or not seen.isdisjoint(names) or part.layout != parts[0].layout:
            return None
        seen |= names
    return parts


def join_parts(parts: Sequence[Settled], folder: str, wanted: RowList | None) -> Settled:
    """One file of all parts, in the order of the list as far as it has the first row of each.

    Args:
        parts: files without a row in common.
        folder: name of their folder, for messages.
        wanted: the rows that the file should have; None where they are not known.
    """
    if wanted is not None:
        place = {name: number for number, name in enumerate(wanted.keys.to_pylist())}
        parts = sorted(parts, key=lambda part: place.get(part.split()[0][0], len(place)))
    mended = Mendings(folder)
    mended.add("Z09", None, f"{len(parts)} files, each with rows of its own", len(parts))
    rows = [row for part in parts for row in part.rows]
    header = parts[0].layout.header
    first = parts[0].layout.first_row
    return replace(
        parts[0],
        header=header,
        rows=rows,
        numbers=list(range(first, first + len(rows))),
        mended=(*mended.found, *(problem for part in parts for problem in part.mended)),
        faults=tuple(problem for part in parts for problem in part.faults),
        is_told=any(part.is_told for part in parts),
        is_cut=False,
    )


def is_of_units(challenge: Challenge, files: Sequence[bytes]) -> bool:
    """True for files of units that readers of the challenge take, though a submission is one file."""
    candidates = layouts(challenge, "prediction")
    return all(choose_layout(candidates, data, of_unit=False).per_unit for data in files)


def unit_files_problem(challenge_id: str, count: int, folder: str) -> Problem:
    """Z09 for a folder of files of units, where the challenge asks for one file."""
    fix = f"`abawbench write {challenge_id} {folder} --template LIST --out FILE` makes the file of them"
    return Problem("Z09", f"{count} files, one for each unit", "one file with the rows of all units", fix, folder)
