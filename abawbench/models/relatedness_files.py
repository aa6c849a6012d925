"""Tables of relatedness in files: CSV with a row for each class and a column for each label, or TOML. Needs no torch.

A CSV table begins with a line of names, of which the first stands over the classes; an empty cell is not known:

    species,black,brown
    wren,0.1,0.9
    crow,1,

In a TOML table each class is a table of its labels, and what is not there is not known:

    [wren]
    black = 0.1
    brown = 0.9
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from abawbench.base.files import write_text
from abawbench.base.problems import Problem, ProblemError, Problems, did_you_mean, unreadable
from abawbench.base.toml_text import parse_toml
from abawbench.labels import class_named, known_name
from abawbench.models.relatedness_tables import Floats

EXPECTED = "a table of relatedness in a .csv or .toml file"


@dataclass(frozen=True, slots=True)
class _Cell:
    """A share as a file has it: names, text or number, and line."""

    group: str
    label: str
    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class _Content:
    """Classes and labels of a file with the line of each, and its cells."""

    classes: Sequence[tuple[str, int]]
    labels: Sequence[tuple[str, int]]
    cells: Sequence[_Cell]


def read_relatedness(path: Path, classes: Sequence[str], labels: Sequence[str]) -> Floats:
    """Read a table of relatedness, in the order of the classes and labels of two tasks.

    Names are matched whatever their case, blanks and hyphens, and by synonyms (`happy`, `AU01`). Names of the
    vocabularies that the tasks do not have, and names that begin with `outside:`, are left out.

    Args:
        path: file of the table.
        classes: classes of the one task.
        labels: labels of the other task.

    Returns:
        Shares from 0 to 1, shape (classes, labels), NaN where not known.

    Raises:
        ProblemError: F01 a file that cannot be read; E17 every fault of it: names that are not known, given twice or
            missing, and cells that are no shares.
    """
    try:
        text = path.read_text("utf-8-sig")
        content = {".csv": _read_csv, ".toml": _read_toml}[path.suffix.lower()](text)
    except KeyError as error:
        raise ProblemError(
            Problem("E17", f"a file {path.suffix or path.name}", EXPECTED, "rename it", str(path))
        ) from error
    except OSError as error:
        raise unreadable(path, error, EXPECTED) from error
    except (ValueError, csv.Error) as error:
        raise ProblemError(Problem("E17", str(error), EXPECTED, "correct the file", str(path))) from error
    problems = Problems()
    rows = _places(content.classes, classes, "class", path, problems)
    columns = _places(content.labels, labels, "label", path, problems)
    table = np.full((len(classes), len(labels)), np.nan)
    for cell in content.cells:
        share = _share(cell.value)
        if share is None:
            found = f"{cell.value!r} for {cell.group} and {cell.label}"
            fix = "write the share of the class that shows the label, or nothing where it is not known"
            problems.add(Problem("E17", found, "a number from 0 to 1", fix, str(path), cell.line))
        elif cell.group in rows and cell.label in columns:
            table[rows[cell.group], columns[cell.label]] = share
    problems.raise_if_any()
    return table


def write_relatedness(path: Path, table: Floats, classes: Sequence[str], labels: Sequence[str]) -> None:
    """Write a table as CSV that `read_relatedness` reads back to the same numbers. Raises: ProblemError F01."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["class", *labels])
    for name, row in zip(classes, table.tolist(), strict=True):
        writer.writerow([name, *("" if np.isnan(share) else repr(share) for share in row)])
    write_text(path, out.getvalue())


def _read_csv(text: str) -> _Content:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    head: list[str] | None = None
    classes: list[tuple[str, int]] = []
    cells: list[_Cell] = []
    for row in reader:
        fields = [field.strip() for field in row]
        if not any(fields):
            continue
        if head is None:
            head = fields
        elif len(fields) != len(head):
            raise ValueError(f"line {reader.line_num} has {len(fields)} fields, and the first line {len(head)}")
        else:
            classes.append((fields[0], reader.line_num))
            named = zip(head[1:], fields[1:], strict=True)
            cells += [_Cell(fields[0], label, value, reader.line_num) for label, value in named if value]
    return _Content(classes, [(name, 1) for name in (head or [""])[1:]], cells)


def _read_toml(text: str) -> _Content:
    content = parse_toml(text)
    lines = text.splitlines()
    classes: list[tuple[str, int]] = []
    labels: dict[str, int] = {}
    cells: list[_Cell] = []
    for name, own in content.items():
        begin = _line_of(lines, 0, name, is_table=True)
        classes.append((name, begin))
        if not isinstance(own, Mapping):
            raise ValueError(f"{name} = {own!r} outside the table of a class")
        for label, value in cast("Mapping[str, Any]", own).items():
            line = _line_of(lines, begin, label, is_table=False)
            labels.setdefault(label, line)
            cells.append(_Cell(name, label, value, line))
    return _Content(classes, list(labels.items()), cells)


def _line_of(lines: Sequence[str], begin: int, name: str, *, is_table: bool) -> int:
    """The number of the line that names a table or a key, from 1; the first one where it is written otherwise."""
    quoted = rf"[\"']?{re.escape(name)}[\"']?"
    wanted = re.compile(rf"\s*\[\s*{quoted}\s*\]" if is_table else rf"\s*{quoted}\s*=")
    return next((place for place in range(begin, len(lines)) if wanted.match(lines[place])), 0) + 1


def _places(
    named: Sequence[tuple[str, int]], known: Sequence[str], kind: str, path: Path, problems: Problems
) -> dict[str, int]:
    """The place of each name of a file among those of a task; faults are added to the problems."""
    places: dict[str, int] = {}
    taken: dict[str, str] = {}
    for name, line in named:
        meant = class_named(name, known)
        if meant is None:
            if known_name(name, known) is None:
                fix = did_you_mean(name, known, "correct it, or begin it with outside:")
                expected = f"a {kind} of the task: {', '.join(known)}"
                problems.add(Problem("E17", f"{kind} {name!r}", expected, fix, str(path), line))
        elif meant in taken:
            found = f"{kind} {meant} twice" if name == taken[meant] else f"{taken[meant]} and {name}, both {meant}"
            problems.add(Problem("E17", found, f"each {kind} once", "remove one of them", str(path), line))
        else:
            taken[meant] = name
            places[name] = known.index(meant)
    for problem in _missing(taken, known, kind, path):
        problems.add(problem)
    return places


def _missing(taken: Iterable[str], known: Sequence[str], kind: str, path: Path) -> Iterator[Problem]:
    absent = [name for name in known if name not in set(taken)]
    if absent:
        fix = "add them; leave their cells empty where nothing is known"
        yield Problem("E17", f"no {kind} {', '.join(absent)}", f"every {kind} of the task", fix, str(path))


def _share(value: Any) -> float | None:
    try:
        share = float(value)
    except (TypeError, ValueError):
        return None
    is_number = not isinstance(value, bool)
    return share if is_number and 0 <= share <= 1 else None
