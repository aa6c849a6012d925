"""Writing a mended copy of a prediction, where there is only one way to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from abawbench.base.files import check_output, write_file, write_folder
from abawbench.base.problems import Problem, ProblemError, Problems, not_found
from abawbench.challenges import Challenge
from abawbench.formats.archive import is_archive
from abawbench.formats.file_problems import compare_units, settled_problems
from abawbench.formats.layout import Layout, prediction_layouts
from abawbench.formats.lists import RowList, UnitList, read_list
from abawbench.formats.mending import describe
from abawbench.formats.names import differing, rename
from abawbench.formats.parts import is_of_units, join_parts, settle_parts, unit_files_problem
from abawbench.formats.rows import order_of
from abawbench.formats.settle import Settled, settle
from abawbench.formats.text import load
from abawbench.formats.unit_files import own_files, unit_files


@dataclass(frozen=True, slots=True)
class Repair:
    """One kind of fault that was mended in a file.

    Attributes:
        rule: id of the rule that was broken.
        what: what was done, in words.
        count: number of times that it was done.
        file: path of the file.
    """

    rule: str
    what: str
    count: int
    file: str

    def to_json(self) -> dict[str, str | int]:
        """The repair as `--json` prints it."""
        return {"rule": self.rule, "what": self.what, "count": self.count, "file": self.file}


def repair(challenge: Challenge, path: Path, template: Path | None, out: Path) -> tuple[Repair, ...]:
    """Write a mended copy that `check` accepts, and return what was done.

    Mended is what `settle` mends: the encoding, separators, row numbers, comments, headers, copies of rows, printed
    arrays, and the faults of rows. Rounding errors of at most 1e-6 beyond a range, and p0 where p0 + p1 is within 1e-3
    of 1, are set right too. With a list it also covers row names that are all wrong in the same way, the order of the
    rows, and answers behind the sample. The files of a folder that are one prediction together become one file. Values
    are never invented.

    Args:
        challenge: challenge whose prediction format the file should have.
        path: a prediction file or a folder of per-unit files.
        template: the organisers' list, or None.
        out: the copy to write, a file or a new folder.

    Raises:
        ProblemError: problems that have to be mended by hand; F12, the copy would replace an input. Nothing is written
            then.
    """
    check_output(out, path, template, suffix=prediction_layouts(challenge)[0].suffix if path.is_dir() else None)
    if is_archive(path):
        raise ProblemError(
            Problem("C02", "a zip", "a file or a folder", "unpack it, repair each file, and pack them again", str(path))
        )
    if not path.exists():
        raise not_found(path)
    wanted = None if template is None else read_list(challenge, template, path)
    layouts = prediction_layouts(challenge)
    if not path.is_dir():
        data, repairs, remaining = _copy(path, layouts, wanted)
        _raise_remaining(remaining)
        write_file(out, data)
        return tuple(repairs)
    if not layouts[0].per_unit:
        data, repairs, remaining = _joined(challenge, path, layouts, wanted if isinstance(wanted, RowList) else None)
        _raise_remaining(remaining)
        write_file(out, data)
        return tuple(repairs)
    files = unit_files(path, layouts[0].suffix)[0]
    problems: list[Problem] = []
    if not files:
        fix = "name the folder of the files, or the file itself"
        problems.append(Problem("Z08", "no file of a unit", "one file for each unit", fix, str(path)))
    copies: dict[str, bytes] = {}
    repairs = []
    right, causes = wanted.respelt([file.stem for file in files]) if isinstance(wanted, UnitList) else ({}, ())
    for file in files:
        name = right.get(file.stem, file.stem)
        copies[f"{name}{file.suffix}"], done, remaining = _copy(file, layouts, wanted, name)
        repairs += done
        if name != file.stem:
            repairs.append(Repair("T06", f"file named as in the list: {'; '.join(causes)}", 1, str(file)))
        problems += remaining
    if isinstance(wanted, UnitList):
        problems += compare_units(list(copies), wanted, layouts[0], str(path))
    _raise_remaining(problems)
    write_folder(out, copies)
    return tuple(repairs)


def _joined(
    challenge: Challenge, folder: Path, layouts: tuple[Layout, ...], wanted: RowList | None
) -> tuple[bytes, list[Repair], tuple[Problem, ...]]:
    """The bytes of the one file that the files of a folder are together, the repairs, and the remaining problems."""
    files = {str(path): load(path) for path in own_files(folder)[0] if path.suffix in {".txt", ".csv"}}
    if files and is_of_units(challenge, list(files.values())):
        return b"", [], (unit_files_problem(challenge.id, len(files), str(folder)),)
    parts = settle_parts(files, layouts)
    if parts is None:
        found, fix = f"{len(files)} files that are not parts of one", "name the file of the prediction itself"
        return b"", [], (Problem("Z08", found, "files without a row in common", fix, str(folder)),)
    whole = join_parts(parts, str(folder), wanted)
    repairs = _repairs(whole)
    if wanted is not None and not whole.faults:
        whole, ordered = _by_list(whole, wanted, str(folder))
        repairs += ordered
    return whole.to_bytes(), repairs, settled_problems(replace(whole, mended=()), str(folder), wanted)


def _repairs(settled: Settled) -> list[Repair]:
    """What was mended, by rule and file."""
    firsts = {(problem.rule, problem.file): problem for problem in settled.mended}
    return [
        Repair(problem.rule, describe(problem.rule, problem.count), problem.count, problem.file or "")
        for problem in firsts.values()
    ]


def _raise_remaining(problems: Sequence[Problem]) -> None:
    remaining = Problems()
    remaining.extend(problems)
    remaining.raise_if_any()


def _copy(
    path: Path, layouts: tuple[Layout, ...], wanted: RowList | UnitList | None, unit: str | None = None
) -> tuple[bytes, list[Repair], tuple[Problem, ...]]:
    """The mended bytes of a file, the repairs, and the remaining problems.

    Args:
        path: the file.
        layouts: the layouts that it may have.
        wanted: the organisers' list, or None.
        unit: name of its unit in the list, by default that of the file.
    """
    data = load(path)
    candidates: Sequence[Layout] = layouts
    listed = wanted.find(unit or path.stem) if isinstance(wanted, UnitList) else None
    rows = wanted if isinstance(wanted, RowList) else None
    counts: tuple[int, ...] = ()
    if listed is not None:
        candidates, rows, counts = [listed.layout(layouts[0])], listed.rows(str(path)), listed.lines
    of_unit = layouts[0].per_unit
    settled = settle(data, candidates, str(path), of_unit=of_unit, wanted=rows, counts=counts)
    repairs = _repairs(settled)
    if rows is not None and not settled.faults:
        settled, ordered = _by_list(settled, rows, str(path))
        repairs += ordered
    left = replace(settled, mended=())
    return settled.to_bytes(), repairs, settled_problems(left, str(path), rows, counts)


def _by_list(copy: Settled, wanted: RowList, file: str) -> tuple[Settled, list[Repair]]:
    """Give the rows the names and the order of the list, if they then are exactly the rows of the list."""
    import pyarrow as pa

    names, values = copy.split()
    keys = pa.chunked_array([names], pa.string())
    repairs: list[Repair] = []
    order = order_of(keys, wanted.keys)
    if order is None:
        renaming = rename(keys, wanted.keys, copy.layout.key)
        order = None if renaming is None else order_of(renaming.keys, wanted.keys)
        if renaming is None or order is None:
            return copy, []
        count = len(differing(keys, renaming.keys))
        repairs.append(Repair("T06", f"names set right: {'; '.join(renaming.causes)}", count, file))
        names = renaming.keys.to_pylist()
    moved = int((order != np.arange(len(order))).sum())
    if moved:
        repairs.append(Repair("T05", "rows put in the order of the list", moved, file))
    # a row without a comma has a name and nothing else
    rows = [f"{name},{value}" if value else name for name, value in zip(names, values, strict=True)]
    return replace(copy, rows=[rows[place] for place in order.tolist()]), repairs
