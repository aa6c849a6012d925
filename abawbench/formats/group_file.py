"""Files of groups of people: a CSV with the name of a unit, person or row, and a column for each attribute."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.formats.text import load, quote
from abawbench.labels import plain

# values that name no group, whatever their case, blanks, hyphens and underscores; the group's protocol leaves out
# Other and Unsure, the rest are empty fields by other names
NO_GROUP = ("", "?", "na", "n/a", "nan", "unknown", "unsure", "other", "other/unsure", "unsure/other")
AGE = "age"
# second column of files whose rows are named by video and frame
FRAME = "frame"
# first age of each bin of the group's protocol
AGE_BINS = (0, 3, 10, 20, 30, 40, 50, 60, 70)


@dataclass(frozen=True, eq=False)
class GroupFile:
    """The lines of a file of groups.

    Attributes:
        keys: name of the unit, person or row of each line.
        lines: number of each line in the file.
        attributes: by name of the attribute, the group of each line; empty where the line names none.
        left_out: by name of the attribute, how often each value occurs that names no group.
        source: the file, for messages.
        remarks: what was done to the values.
    """

    keys: tuple[str, ...]
    lines: tuple[int, ...]
    attributes: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, Mapping[str, int]]
    source: str
    remarks: tuple[str, ...]


def read_group_file(path: Path) -> GroupFile:
    """Read a file of groups: a header, then lines of a name and a value for each attribute.

    A second column `frame` belongs to the name. Lines that begin with # are comments.

    Values that differ only in case are one group. Ages in years are put into the nine bins of the group's protocol.

    Raises:
        ProblemError: F01 not readable, F02 empty, F03 not UTF-8, F04 a header without attributes or with one twice, F06
            a line with another number of fields.
    """
    source = str(path)
    header, rows = _read_rows(load(path), source)
    first = 2 if len(header) > 1 and plain(header[1]) == FRAME else 1
    names = [name.casefold() for name in header[first:]]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if not names or twice or "" in names:
        found = f"'{twice[0]}' twice" if twice else quote(",".join(header))
        expected = "a header with the name and at least one attribute, each once, as 'video,gender,age'"
        raise ProblemError(Problem("F04", found, expected, "write commas between the columns", source, 1))
    problems = Problems()
    for line, row in rows:
        if len(row) != len(header):
            found, expected = f"{len(row)} fields", f"{len(header)}, as in the header"
            problems.add(Problem("F06", found, expected, "quote fields that hold a comma", source, line))
    problems.raise_if_any()
    if not rows:
        raise ProblemError(Problem("F02", "a header alone", "a line for each unit", "write the file again", source))
    attributes: dict[str, tuple[str, ...]] = {}
    left_out: dict[str, dict[str, int]] = {}
    remarks: list[str] = []
    for place, name in enumerate(header[first:], start=first):
        values = [row[place] for _, row in rows]
        left_out[name] = dict(Counter(value for value in values if not _names_a_group(value)))
        groups = [value if _names_a_group(value) else "" for value in values]
        if plain(name) == AGE and _are_years(groups):
            groups = [age_bin(float(value)) if value else "" for value in groups]
            remarks.append(f"{name}: years are put into bins, from {age_bin(0)} to {age_bin(AGE_BINS[-1])}")
        spelling: dict[str, str] = {}
        attributes[name] = tuple(spelling.setdefault(value.casefold(), value) for value in groups)
    keys = tuple("/".join(row[:first]) for _, row in rows)
    return GroupFile(keys, tuple(line for line, _ in rows), attributes, left_out, source, tuple(remarks))


def _read_rows(data: bytes, source: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the number and the fields of each line that is neither blank nor a comment.

    Raises:
        ProblemError: F02 neither, F03 not UTF-8, F06 quotes that do not end.
    """
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        lines = ((reader.line_num, [field.strip() for field in row]) for row in reader)
        rows = [(number, row) for number, row in lines if any(row) and not row[0].startswith("#")]
    except UnicodeDecodeError as error:
        found = "bytes that are not UTF-8"
        raise ProblemError(Problem("F03", found, "UTF-8 text", "save it as UTF-8", source)) from error
    except csv.Error as error:
        raise ProblemError(Problem("F06", str(error), "lines of a CSV", "write the file again", source)) from error
    if not rows:
        raise ProblemError(Problem("F02", "comments alone", "a header and a line for each unit", "add them", source))
    return rows[0][1], rows[1:]


def age_bin(years: float) -> str:
    """The bin of an age in years, by the group's protocol.

    Source: dkollias/Fair-Consistent-Affect-Analysis, arXiv:2405.06841, arXiv:2408.02164.

    >>> [age_bin(years) for years in (0, 2.5, 24, 70)]
    ['0-2', '0-2', '20-29', '70+']
    """
    place = max(number for number, first in enumerate(AGE_BINS) if first <= years)
    first = AGE_BINS[place]
    return f"{first}+" if place == len(AGE_BINS) - 1 else f"{first}-{AGE_BINS[place + 1] - 1}"


def _names_a_group(value: str) -> bool:
    return plain(value) not in NO_GROUP


def _are_years(values: list[str]) -> bool:
    """True for numbers of which one is above 8; smaller ones may be numbers of bins."""
    try:
        numbers = [float(value) for value in values if value]
    except ValueError:
        return False
    return bool(numbers) and min(numbers) >= 0 and len(AGE_BINS) <= max(numbers) < 150
