"""The group of each row of a truth: lines of a file of groups, matched with units, persons or rows by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abawbench.base.problems import SHOWN, Problem, ProblemError, did_you_mean, near_names, some_of
from abawbench.formats.group_file import GroupFile
from abawbench.formats.names import legible_names, match_units
from abawbench.formats.text import quote
from abawbench.table import Integers, Table, places_of, row_keys, video_of

# joins the groups and the names of two attributes
AND = " & "


@dataclass(frozen=True, eq=False)
class Attribute:
    """An attribute of people, and the group of each row.

    Attributes:
        name: name of the attribute, as `gender`.
        groups: names of the groups, sorted.
        row: group of each row of the truth, shape (rows,), -1 for none.
        left_out: number of lines of the file by value that names no group, as `Unsure`.
    """

    name: str
    groups: tuple[str, ...]
    row: Integers
    left_out: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class RowGroups:
    """The attributes of the rows of a truth.

    Attributes:
        attributes: the attributes in the order of the file, then the intersections.
        remarks: how names were matched, and what is missing or left over.
    """

    attributes: tuple[Attribute, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Match:
    """A way to read the names of a file: as names of units, persons or rows.

    Attributes:
        what: plural name of what is named.
        line: place of each row's line in the file, shape (rows,), -1 for none.
        is_known: True for each line whose name is in the truth.
        causes: what is spelt otherwise, worded as advice.
    """

    what: str
    line: Integers
    is_known: Sequence[bool]
    causes: tuple[str, ...]


def match_groups(
    file: GroupFile,
    truth: Table,
    subjects: Mapping[str, str] | None = None,
    intersections: Sequence[tuple[str, str]] = (),
) -> RowGroups:
    """Find the groups of every row of a truth.

    The names of the file are those of units, of the persons of `subjects`, or of rows (`video/00001.jpg`): whichever
    fits most of them. Units may be spelt otherwise, as everywhere.

    Args:
        file: lines of a file of groups.
        truth: the annotated rows.
        subjects: subject of each video, if known.
        intersections: pairs of attributes whose combinations are groups too.

    Raises:
        ProblemError: T06 no name fits; T03 two lines of one unit, person or row that differ; C02 an intersection of
            attributes that the file does not have.
    """
    names = {name.casefold(): name for name in file.attributes}
    pairs = [(_known(first, names), _known(second, names)) for first, second in intersections]
    match = _best_match(file, truth, subjects)
    attributes = [_attribute(name, file, match) for name in file.attributes]
    by_name = {attribute.name: attribute for attribute in attributes}
    attributes += [_intersection(by_name[first], by_name[second]) for first, second in pairs]
    return RowGroups(tuple(attributes), (*file.remarks, *_remarks(file, truth, match)))


def _best_match(file: GroupFile, truth: Table, subjects: Mapping[str, str] | None) -> _Match:
    ways: list[Callable[[], _Match | None]] = [lambda: _by_unit(file, truth), lambda: _by_row(file, truth)]
    if subjects is not None:
        ways.insert(1, lambda: _by_person(file, truth, subjects))
    best: _Match | None = None
    for way in ways:
        match = way()
        if match is not None and (best is None or sum(match.is_known) > sum(best.is_known)):
            best = match
        if best is not None and all(best.is_known):
            break
    if best is None or not any(best.is_known):
        found = f"{quote(file.keys[0])}; no name of {len(file.keys):,} is in the truth"
        expected = f"names of units, persons or rows, as {quote(truth.videos[0])}"
        fix = did_you_mean(file.keys[0], truth.videos, "name what the truth names; persons need --subjects")
        raise ProblemError(Problem("T06", found, expected, fix, file.source, file.lines[0], len(file.keys)))
    return best


def _by_unit(file: GroupFile, truth: Table) -> _Match:
    unit, causes = match_units(file.keys, truth.videos)
    line = _line_of(file, unit, len(truth.videos))
    return _Match("units", line[truth.video], (unit >= 0).tolist(), causes)


def _by_person(file: GroupFile, truth: Table, subjects: Mapping[str, str]) -> _Match:
    of_unit = [subjects.get(unit, subjects.get(video_of(unit), "")) for unit in truth.videos]
    people = tuple(dict.fromkeys(of_unit))
    person, causes = match_units(file.keys, people)
    line = _line_of(file, person, len(people))
    return _Match("persons", line[places_of(of_unit, people)[truth.video]], (person >= 0).tolist(), causes)


def _by_row(file: GroupFile, truth: Table) -> _Match | None:
    import pyarrow as pa

    found = legible_names(pa.chunked_array([pa.array(file.keys, pa.string())]), "path")
    if found is None:
        return None
    (videos, video, frame), _ = found
    unit, causes = match_units(videos, truth.videos)
    rows, place = np.unique(row_keys(truth.video, truth.frame), return_inverse=True)
    asked = row_keys(unit[video], frame)
    at = np.minimum(np.searchsorted(rows, asked), len(rows) - 1)
    row = np.where(rows[at] == asked, at, -1).astype(np.int32)
    return _Match("rows", _line_of(file, row, len(rows))[place], (row >= 0).tolist(), causes)


def _line_of(file: GroupFile, place: Integers, count: int) -> Integers:
    """The line of each thing, shape (count,), -1 for none, from the place of each line's thing, or -1.

    Raises:
        ProblemError: T03, two lines of one thing differ.
    """
    line = np.full(count, -1, np.int32)
    problems: list[Problem] = []
    for number, own in enumerate(place.tolist()):
        first = line[own] if own >= 0 else -1
        if first >= 0:
            other = next((name for name, values in file.attributes.items() if values[first] != values[number]), None)
            if other is not None:
                found = f"{quote(file.keys[number])} once more, with another {other} than on line {file.lines[first]}"
                fix = "keep the right one"
                problems.append(Problem("T03", found, "one group", fix, file.source, file.lines[number]))
        elif own >= 0:
            line[own] = number
    if problems:
        raise ProblemError(*problems[:SHOWN])
    return line


def _attribute(name: str, file: GroupFile, match: _Match) -> Attribute:
    values = file.attributes[name]
    used = {values[line] for line in np.unique(match.line).tolist() if line >= 0}
    groups = tuple(sorted(used - {""}, key=_in_order))
    of_line = np.append(places_of(values, groups), np.int32(-1))
    return Attribute(name, groups, of_line[match.line], file.left_out[name])


def _in_order(group: str) -> tuple[float, str]:
    """Groups that begin with a number stand in its order, before the others."""
    digits = group[: len(group) - len(group.lstrip("0123456789"))]
    return (float(digits) if digits else np.inf), group


def _intersection(first: Attribute, second: Attribute) -> Attribute:
    both = np.where((first.row < 0) | (second.row < 0), -1, first.row * len(second.groups) + second.row)
    used = np.unique(both[both >= 0])
    width = len(second.groups)
    names = [AND.join((first.groups[code // width], second.groups[code % width])) for code in used.tolist()]
    row = np.where(both < 0, -1, np.searchsorted(used, both)).astype(np.int32)
    return Attribute(AND.join((first.name, second.name)), tuple(names), row, {})


def _known(name: str, names: Mapping[str, str]) -> str:
    if name.casefold() not in names:
        fix = "name two columns of the file of groups"
        raise ProblemError(Problem("C02", f"an attribute '{name}'", near_names(name, names.values()), fix))
    return names[name.casefold()]


def _remarks(file: GroupFile, truth: Table, match: _Match) -> list[str]:
    remarks: list[str] = []
    unknown = [key for key, is_known in zip(file.keys, match.is_known, strict=True) if not is_known]
    if match.causes:
        advice = "; ".join(match.causes)
        remarks.append(f"N12 names of {match.what} in {file.source} were read as those of the truth ({advice})")
    if unknown:
        shown = f"{', '.join(unknown[:SHOWN])}{'' if len(unknown) <= SHOWN else ', ...'}"
        remarks.append(f"{file.source}: {len(unknown):,} {match.what} are not in the truth ({shown})")
    without = match.line < 0
    if without.any():
        units = [truth.videos[place] for place in np.unique(truth.video[without]).tolist()]
        remarks.append(f"{int(without.sum()):,} rows of {some_of(units)} are not in {file.source}: left out")
    return remarks
