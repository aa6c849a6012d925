"""CelebA: attributes, split and identity of each picture, in three files joined by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.data.manifests.model import LabelSet, Manifest, Marks, Strict
from abawbench.data.readers.assemble import Part, always, assemble, texts
from abawbench.data.readers.finding import label_files
from abawbench.data.readers.model import Labels
from abawbench.data.readers.sheet import Lines, report
from abawbench.data.readers.text import read_pairs, read_text, single_blanks
from abawbench.data.readers.units import settings_of
from abawbench.errors import Problem, ProblemError, Problems
from abawbench.files.diagnose import shown
from abawbench.table import NO_FRAME, Classes

if TYPE_CHECKING:
    import pyarrow as pa

_FIX = "compare the file with its owners' copy; the row is left out"


class Settings(Strict):
    """Options of the reader; see `read_attributes`."""

    partition: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Known:
    """What a file says of names: the place of each name's text in `texts`.

    Attributes:
        file: its name, for messages.
        names: of the pictures, shape (rows,).
        codes: shape (rows,), index into `texts`.
        texts: names of splits or persons.
    """

    file: str
    names: pa.Array
    codes: NDArray[np.int32]
    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rows:
    """The sound rows of the attribute file.

    Attributes:
        names: of the pictures, shape (rows,).
        marks: shape (rows, columns), as the file writes them: -1 or 1.
        line: shape (rows,).
        total: rows of the file, those at fault included.
    """

    names: pa.Array
    marks: Classes
    line: Lines
    total: int


def read_attributes(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """A count, a line of attribute names, then `name v1 v2 ...` with -1 and 1; a unit is a picture.

    Options:
        partition: where lines `name number` give the split: glob patterns, the first that matches counts.
        splits: names of the splits 0, 1, ...
        identity: likewise, lines `name person`.

    Problems: F01 to F04, F06, V01, V06 a number that is no split, V09, T01 fewer rows than the first line says, or
    pictures without split or person, T03 a picture twice, D10.
    """
    settings = settings_of(Settings, manifest, label_set)
    facts = label_set.tasks[0]
    if len(label_set.tasks) > 1 or not isinstance(facts, Marks):
        found = f"{len(label_set.tasks)} tasks, the first of kind {facts.kind}"
        raise ProblemError(Problem("D01", found, "one task of marks", "correct the manifest", manifest.id))
    split = _known(root, settings.partition, settings.splits, problems)
    person = _known(root, settings.identity, None, problems)
    parts = [
        part
        for file in label_files(label_set, root, problems)
        if (part := _part(file.path, facts, split, person, problems)) is not None
    ]
    return assemble(manifest, label_set, root, parts, problems)


def _part(path: Path, facts: Marks, split: Known | None, person: Known | None, problems: Problems) -> Part | None:
    data = read_text(path, problems)
    if data is None:
        return None
    count, _, rest = data.partition(b"\n")
    header, _, body = rest.partition(b"\n")
    columns = header.decode().split()
    lacking = [name for name in facts.columns if name not in columns]
    if lacking or not count.strip().isdigit():
        found = f"no {', '.join(lacking)}" if lacking else f"{shown(count.decode())} for the number of rows"
        expected = f"the number of rows, then a line with {len(facts.columns)} names"
        problems.add(Problem("F04", found, expected, "copy the file again", str(path), 2 if lacking else 1))
        return None
    rows = _rows(body, len(columns), str(path), problems)
    if rows.total != int(count):
        found = f"{rows.total:,} rows"
        problems.add(Problem("T01", found, f"{int(count):,}, as line 1 says", "copy the file again", str(path)))
    unit = texts(rows.names)
    is_first = np.zeros(len(rows.line), np.bool_)
    is_first[np.unique(np.asarray(unit.indices), return_index=True)[1]] = True
    place = (str(path), rows.line)

    def name(row: int) -> str:
        return rows.names[row].as_py()

    report("T03", ~is_first, lambda row: f"{name(row)} again", "each picture once", _FIX, place, problems)
    part = Part(
        str(path),
        rows.line,
        unit,
        np.full(len(rows.line), NO_FRAME, np.int32),
        {facts.name: (rows.marks[:, [columns.index(name) for name in facts.columns]] > 0).astype(np.int8)},
        _looked_up(split, rows, problems),
        _looked_up(person, rows, problems),
        rows.names,
    )
    return part.take(is_first)


def _rows(body: bytes, width: int, file: str, problems: Problems) -> Rows:
    """All rows in one pass where they are regular, else line by line."""
    import pyarrow as pa
    from pyarrow import csv

    fields = ["name", *(f"f{place}" for place in range(width))]
    tidy = single_blanks(body).rstrip(b"\n")
    try:
        table = csv.read_csv(
            pa.BufferReader(tidy),
            read_options=csv.ReadOptions(column_names=fields, block_size=1 << 22),
            parse_options=csv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types={"name": pa.string()} | dict.fromkeys(fields[1:], pa.int8()),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return _line_by_line(body, width, file, problems)
    marks = np.empty((len(table), width), np.int8, order="F")
    for place, column in enumerate(table.columns[1:]):
        marks[:, place] = column.to_numpy()
    if not (np.abs(marks) == 1).all():
        return _line_by_line(body, width, file, problems)
    return Rows(table.column(0).combine_chunks(), marks, np.arange(len(table)) + 3, len(table))


def _line_by_line(body: bytes, width: int, file: str, problems: Problems) -> Rows:
    import pyarrow as pa

    names: list[str] = []
    marks: list[list[int]] = []
    line: list[int] = []
    total = 0
    for number, text in enumerate(body.decode().split("\n"), start=3):
        name, *values = text.split() or [""]
        if not name:
            continue
        total += 1
        if len(values) != width:
            found = f"{len(values) + 1} fields: {shown(text.strip())}"
            problems.add(Problem("F06", found, f"{width + 1} fields", _FIX, file, number))
        elif odd := [value for value in values if value not in {"1", "-1"}]:
            problems.add(Problem("V09", shown(odd[0]), "-1 or 1", _FIX, file, number))
        else:
            names.append(name)
            marks.append([int(value) for value in values])
            line.append(number)
    plain = np.array(marks, np.int8).reshape(len(names), width)
    return Rows(pa.array(names, pa.string()), plain, np.array(line, np.int64), total)


def _known(root: Path, patterns: Sequence[str], splits: Sequence[str] | None, problems: Problems) -> Known | None:
    """Lines of a name and a number; the number is a split, or stands for a person where `splits` is None."""
    import pyarrow as pa

    if not patterns:
        return None
    path = next((path for pattern in patterns for path in sorted(root.glob(pattern))), None)
    if path is None:
        fix = "complete the copy: what it says stays unknown"
        problems.add(Problem("F01", "no such file", " or ".join(patterns), fix, str(root)))
        return None
    pairs = read_pairs(path, problems)
    if pairs is None:
        return None
    names: pa.Array = pairs.keys.combine_chunks()
    if splits is None:
        numbers, codes = np.unique(pairs.values, return_inverse=True)
        return Known(str(path), names, codes.astype(np.int32), tuple(f"{number:.0f}" for number in numbers))
    wrong = ~np.isin(pairs.values, np.arange(len(splits)))
    expected = f"0 to {len(splits) - 1}: {', '.join(splits)}"
    values = pairs.values
    report("V06", wrong, lambda row: f"{values[row]:g}", expected, _FIX, (str(path), pairs.line), problems)
    good = np.flatnonzero(~wrong)
    return Known(str(path), names.take(pa.array(good)), values[good].astype(np.int32), tuple(splits))


def _looked_up(known: Known | None, rows: Rows, problems: Problems) -> pa.DictionaryArray:
    """The text of each row's name, empty where it is not known."""
    import pyarrow as pa
    import pyarrow.compute

    if known is None:
        return always("", len(rows.line))
    compute: Any = pyarrow.compute
    if rows.names.equals(known.names):
        codes = known.codes
    else:
        place = compute.fill_null(compute.index_in(rows.names, value_set=known.names), -1).to_numpy()
        codes = np.where(place >= 0, known.codes[place], len(known.texts)).astype(np.int32)
        lacking = int(np.count_nonzero(place < 0))
        if lacking:
            name = rows.names[int(np.flatnonzero(place < 0)[0])].as_py()
            found, fix = f"no {name}", "complete the file: what it says of them stays unknown"
            problems.add(Problem("T01", found, "every picture with attributes", fix, known.file, count=lacking))
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([*known.texts, ""]))
