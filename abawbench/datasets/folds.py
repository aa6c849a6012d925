"""Folds by video or subject: balanced over classes, labels, values and rows, with a hash of their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from abawbench.base.files import read_input, write_text
from abawbench.base.json_text import parse_json
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.challenges import Task
from abawbench.datasets.stratify import stratify
from abawbench.table import Floats, Rows, Table, video_of

FORMAT = "abawbench folds 1"
ROWS = "rows"
BINS = 5
Deal = Literal["balanced", "sorted"]


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of each unit, which add up over units.

    Attributes:
        names: names of the columns: `rows`, then the counts of each task, as `expression=Fear`, `AU12=1`.
        blocks: number of the task that each column belongs to, shape (columns,); 0 for `rows`.
        values: counts, shape (units, columns).
    """

    names: tuple[str, ...]
    blocks: Rows
    values: Rows

    @property
    def weights(self) -> Floats:
        """The weight of each column, shape (columns,); all tasks, and the rows, have the same weight."""
        return 1 / np.bincount(self.blocks)[self.blocks]


@dataclass(frozen=True, eq=False)
class Folds:
    """Units dealt into folds.

    Attributes:
        by: the kind of group that stays together.
        seed: seed of the order in which groups were dealt.
        members: names of the units of each fold, sorted.
        columns: names of the counts that were balanced.
        counts: the counts of each fold, shape (folds, columns).
    """

    by: Literal["video", "subject"]
    seed: int
    members: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    counts: Rows

    def __len__(self) -> int:
        return len(self.members)

    @property
    def hash(self) -> str:
        """SHA-256 over members and counts, which a report should name."""
        content = {"by": self.by, "members": self.members, "columns": self.columns, "counts": self.counts.tolist()}
        text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def unevenness(self) -> Floats:
        """Distance of each count from an equal share, as a part of that share, shape (folds, columns); 0 is even."""
        return self.counts * len(self) / np.maximum(self.counts.sum(axis=0), 1) - 1

    def of(self, table: Table) -> Rows:
        """The fold of each row, shape (rows,). Raises: ProblemError D23 for a unit that is in no fold."""
        place = {unit: number for number, units in enumerate(self.members) for unit in units}
        strange = [unit for unit in table.videos if unit not in place]
        if strange:
            raise ProblemError(_not_of(table.source, f"{_named(strange)} in no fold", "folds made of these units"))
        return np.array([place[unit] for unit in table.videos], np.int64)[table.video]

    def split(self, table: Table, fold: int) -> tuple[Rows, Rows]:
        """Rows to train on and rows to test on when one fold is held out. Raises: ProblemError D23."""
        held_out = self.of(table) == fold
        return np.flatnonzero(~held_out), np.flatnonzero(held_out)

    def to_json(self) -> dict[str, Any]:
        """The folds as the file has them."""
        parts = [
            {"members": list(units), "counts": dict(zip(self.columns, row, strict=True))}
            for units, row in zip(self.members, self.counts.tolist(), strict=True)
        ]
        return {"format": FORMAT, "by": self.by, "seed": self.seed, "sha256": self.hash, "folds": parts}


def make_folds(
    table: Table,
    *,
    folds: int = 5,
    groups: Mapping[str, str] | None = None,
    seed: int = 0,
    tasks: Sequence[Task] = (),
    deal: Deal = "balanced",
) -> Folds:
    """Make folds of whole groups.

    `balanced` folds have shares of rows, classes, labels and values that are as even as the groups allow. `sorted`
    folds are blocks of the groups in the order of their names, each a floor(groups / folds) long; the last block has
    the remainder too.

    Args:
        table: labels; the order of the rows does not matter.
        folds: number of folds.
        groups: subject of each unit, or of its video; persons of one video always stay together. Without subjects,
            videos are the groups.
        seed: seed of the order in which groups are assigned; another seed gives other folds, about as even.
        tasks: tasks of the table, for the names of classes and columns.
        deal: the way in which groups become folds.

    Source: `sorted` is the way of cikrhazo/FERSNet:data.py.

    Raises:
        ProblemError: C02 a unit without subject, D24 fewer groups than folds.
    """
    counts = count(table, tasks)
    group = groups_of(table.videos, groups)
    total = int(group.max(initial=-1)) + 1
    if not 2 <= folds <= total:
        what = "videos" if groups is None else "subjects (those of one video count as one)"
        found, expected = f"{folds} folds of {total} {what}", f"from 2 to {total} folds"
        raise ProblemError(Problem("D24", found, expected, "ask for fewer", table.source))
    if deal == "sorted":
        chosen = _blocks(table.videos, groups, group, folds)
    else:
        summed = np.zeros((total, len(counts.names)), np.int64)
        np.add.at(summed, group, counts.values)
        chosen = stratify(summed.astype(np.float64), counts.weights, folds, seed)
    dealt: list[list[str]] = [[] for _ in range(folds)]
    for unit, number in sorted(zip(table.videos, chosen[group].tolist(), strict=True)):
        dealt[number].append(unit)
    members = tuple(tuple(units) for units in dealt)
    by = "video" if groups is None else "subject"
    return Folds(by, seed, members, counts.names, _summed(counts, members, table.videos))


def _blocks(units: Sequence[str], subjects: Mapping[str, str] | None, group: Rows, folds: int) -> Rows:
    """The fold of each group, shape (groups,): groups in the order of their first names, in blocks of one length."""
    first: dict[int, str] = {}
    for unit, number in zip(units, group.tolist(), strict=True):
        name = video_of(unit) if subjects is None else _subject(unit, subjects)
        first[number] = min(first.get(number, name), name)
    places = np.empty(len(first), np.int64)
    places[sorted(first, key=lambda number: first[number])] = np.arange(len(first))
    return np.minimum(places // (len(first) // folds), folds - 1)


def _subject(unit: str, subjects: Mapping[str, str]) -> str:
    return subjects[unit] if unit in subjects else subjects[video_of(unit)]


def count(table: Table, tasks: Sequence[Task] = ()) -> Counts:
    """Count the labels of each unit of a table.

    The counts are of rows, rows of each class, zeros and ones of each label, and rows in each fifth of each continuous
    column (fifths of the whole table). Rows that are not annotated count as rows only; counts that no unit has are left
    out.
    """
    known = {task.name: task for task in tasks}
    names, blocks, columns = [ROWS], [0], [np.bincount(table.video, minlength=len(table.videos))]
    for block, (task, values) in enumerate(table.values.items(), start=1):
        for name, codes in _coded(task, values, known.get(task)):
            size = len(name)
            keep = codes >= 0
            cells = np.bincount(table.video[keep] * size + codes[keep], minlength=len(table.videos) * size)
            for place, column in enumerate(cells.reshape(-1, size).T):
                if column.any():
                    names.append(name[place])
                    blocks.append(block)
                    columns.append(column)
    dense = np.unique(np.array(blocks, np.int64), return_inverse=True)[1]
    return Counts(tuple(names), dense.astype(np.int64), np.stack(columns, axis=1).astype(np.int64))


def _coded(task: str, values: Any, known: Task | None) -> list[tuple[list[str], Rows]]:
    """Columns of a task as codes and their names: classes, 0 and 1, or fifths; -1 where not annotated."""
    if values.ndim == 1:
        codes = values.astype(np.int64)
        classes = map(str, range(int(codes.max(initial=-1)) + 1)) if known is None else known.outputs
        return [([f"{task}={name}" for name in classes], codes)]
    columns = [f"{task}[{place}]" for place in range(values.shape[1])] if known is None else known.outputs
    if values.dtype.kind == "i":
        return [([f"{name}=0", f"{name}=1"], values[:, place].astype(np.int64)) for place, name in enumerate(columns)]
    return [_fifths(name, values[:, place]) for place, name in enumerate(columns)]


def _fifths(name: str, column: Floats) -> tuple[list[str], Rows]:
    annotated = ~np.isnan(column)
    if not annotated.any():
        return [name], np.full(len(column), -1)
    edges = np.unique(np.quantile(column[annotated], np.arange(1, BINS) / BINS))
    codes = np.where(annotated, np.searchsorted(edges, column, side="left"), -1)
    bounds = ["<=" + format(edge, ".3g") for edge in edges] + [">" + format(edges[-1], ".3g")]
    names = [f"{name} {place} of {len(bounds)} ({bound})" for place, bound in enumerate(bounds, start=1)]
    return names, codes


def groups_of(units: Sequence[str], subjects: Mapping[str, str] | None) -> Rows:
    """The number of each unit's group: units that share a video or a subject, directly or through others."""
    without = [
        unit for unit in units if subjects is not None and unit not in subjects and video_of(unit) not in subjects
    ]
    if without:
        fix = "add a line 'video,subject' for each"
        expected = "a subject for every video"
        raise ProblemError(Problem("C02", f"no subject for {_named(without)}", expected, fix, count=len(without)))
    leader: dict[tuple[str, str], tuple[str, str]] = {}

    def find(node: tuple[str, str]) -> tuple[str, str]:
        while leader.setdefault(node, node) != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for unit in units:
        video = find(("video", video_of(unit)))
        if subjects is not None:
            leader[video] = find(("subject", _subject(unit, subjects)))
    found = [find(("video", video_of(unit))) for unit in units]
    # numbered by their first unit in order of names, so that the order of the rows does not matter
    first: dict[tuple[str, str], str] = {}
    for unit, node in zip(units, found, strict=True):
        first[node] = min(first.get(node, unit), unit)
    number = {node: place for place, node in enumerate(sorted(first, key=lambda node: first[node]))}
    return np.array([number[node] for node in found], np.int64)


def write_folds(folds: Folds, path: Path) -> None:
    """Save folds as JSON. Raises: ProblemError F01."""
    write_text(path, json.dumps(folds.to_json(), indent=1, ensure_ascii=False) + "\n")


def read_folds(path: Path, table: Table | None = None, tasks: Sequence[Task] = ()) -> Folds:
    """Read the folds in a file; with a table, check that they are folds of it (see `check_folds`).

    Raises:
        ProblemError: F01 not readable; D23 no folds, a hash other than that of the content, or folds of other data.
    """
    try:
        content = parse_json(read_input(path))
    except OSError as error:
        raise unreadable(path, error, "a file of folds") from error
    except ValueError as error:
        raise ProblemError(_not_of(str(path), f"no JSON: {error}", f"a file of {FORMAT}")) from error
    try:
        folds, stated = _from_json(content), str(content["sha256"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ProblemError(
            _not_of(str(path), f"a field is missing or wrong: {error}", f"a file of {FORMAT}")
        ) from error
    if folds.hash != stated:
        found = f"sha256 {folds.hash} of members and counts"
        raise ProblemError(_not_of(str(path), found, f"sha256 {stated}, as the file says"))
    if table is not None:
        check_folds(folds, table, tasks, source=str(path))
    return folds


def check_folds(folds: Folds, table: Table, tasks: Sequence[Task] = (), *, source: str = "folds") -> None:
    """Refuse folds that were made of other data.

    The units and their rows are compared; given the tasks that the folds were made with, every count is.

    Raises:
        ProblemError: D23, with everything that differs.
    """
    members = {unit for units in folds.members for unit in units}
    units = set(table.videos)
    problems: list[Problem] = []
    if extra := sorted(members - units):
        problems.append(_not_of(source, f"{_named(extra)} not in the data", "the units of the data"))
    if absent := sorted(units - members):
        problems.append(_not_of(source, f"{_named(absent)} of the data in no fold", "the units of the data"))
    if not problems:
        counts = count(table, tasks)
        sums = _summed(counts, folds.members, table.videos)
        names = counts.names if tasks else (ROWS,)
        said = dict(zip(folds.columns, folds.counts.T.tolist(), strict=True))
        has = dict(zip(counts.names, sums.T.tolist(), strict=True))
        different = [name for name in names if said.get(name) != has[name]]
        if different:
            found = f"{said.get(different[0], 'no counts')} of {_named(different)}"
            problems.append(_not_of(source, found, f"{has[different[0]]}, as the data have"))
    if problems:
        raise ProblemError(*problems)


def _summed(counts: Counts, members: Sequence[Sequence[str]], units: Sequence[str]) -> Rows:
    """The counts of each fold's members, shape (folds, columns)."""
    place = {unit: number for number, names in enumerate(members) for unit in names}
    sums = np.zeros((len(members), len(counts.names)), np.int64)
    np.add.at(sums, [place[unit] for unit in units], counts.values)
    return sums


def _from_json(content: Any) -> Folds:
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']!r}")
    parts = content["folds"]
    if not parts:
        raise ValueError("no fold")
    columns = tuple(parts[0]["counts"])
    if ROWS not in columns or any(tuple(part["counts"]) != columns for part in parts):
        raise ValueError("counts of other things in different folds")
    members = tuple(tuple(map(str, part["members"])) for part in parts)
    names = [unit for units in members for unit in units]
    if len(set(names)) < len(names):
        raise ValueError("a unit in two folds")
    counts = np.array([list(part["counts"].values()) for part in parts], np.int64)
    if content["by"] not in {"video", "subject"}:
        raise ValueError(f"by {content['by']!r}")
    return Folds(content["by"], int(content["seed"]), members, columns, counts)


def _not_of(source: str, found: str, expected: str) -> Problem:
    return Problem("D23", found, expected, "make the folds again: abawbench data folds", source or None)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
