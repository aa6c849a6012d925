"""CelebA: attributes, split and identity of each picture, in three files joined by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abawbench.base.arrow_input import arrow_reader
from abawbench.base.problems import Problem, Problems
from abawbench.datasets.manifests.model import LabelSet, Manifest, Marks, Strict
from abawbench.datasets.readers.files import label_files, read_text
from abawbench.datasets.readers.labels import Labels, assemble
from abawbench.datasets.readers.pairs import read_pairs, single_blanks
from abawbench.datasets.readers.rows import (
    ROW_FIX,
    LabelRows,
    Lines,
    arrow_functions,
    repeated,
    report,
    same_text,
    text_column,
)
from abawbench.datasets.readers.settings import only_task, settings_of
from abawbench.formats.text import quote
from abawbench.table import NO_FRAME, Classes

if TYPE_CHECKING:
    import pyarrow as pa

# after the count and the names
FIRST_LINE = 3


class AttributeSettings(Strict):
    """Settings of the reader `attributes`.

    Attributes:
        partition: glob patterns of the file whose lines `name number` give the split; the first that matches counts.
        splits: names of the splits 0, 1, ...
        identity: glob patterns of the file whose lines `name number` give the person; the first that matches counts.
    """

    partition: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class NamedTexts:
    """The split, or the person, of each picture that a file names.

    Attributes:
        file: name of the file, for messages.
        names: names of the pictures, shape (rows,).
        codes: index into `texts`, shape (rows,).
        texts: names of splits or persons.
    """

    file: str
    names: pa.Array
    codes: NDArray[np.int32]
    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AttributeRows:
    """The sound rows of the attribute file.

    Attributes:
        names: names of the pictures, shape (rows,).
        marks: -1 or 1, as the file writes them, shape (rows, columns).
        line: line of the file that each row stands on, shape (rows,).
        total: number of all rows of the file, those at fault included.
    """

    names: pa.Array
    marks: Classes
    line: Lines
    total: int


def read_attributes(manifest: Manifest, label_set: LabelSet, root: Path, problems: Problems) -> Labels:
    """Read labels from a count, a line of attribute names, then `name v1 v2 ...` with -1 and 1; a unit is a picture.

    Problems: F01 to F04, F06, V01, V06 a number that is no split, V09, T01 fewer rows than the first line says, or
    pictures without split or person, T03 a picture twice, D10.
    """
    settings = settings_of(AttributeSettings, manifest, label_set)
    facts = only_task(manifest, label_set, Marks)
    split = _named_texts(label_set, root, settings.partition, settings.splits, problems)
    person = _named_texts(label_set, root, settings.identity, None, problems)
    files = [
        rows
        for file in label_files(label_set, root, problems)
        if (rows := _read_file(file.path, facts, split, person, problems)) is not None
    ]
    return assemble(manifest, label_set, root, files, problems)


def _read_file(
    path: Path, facts: Marks, split: NamedTexts | None, person: NamedTexts | None, problems: Problems
) -> LabelRows | None:
    data = read_text(path, problems)
    if data is None:
        return None
    count, _, rest = data.partition(b"\n")
    header, _, body = rest.partition(b"\n")
    columns = header.decode().split()
    lacking = [name for name in facts.columns if name not in columns]
    if lacking or not count.strip().isdigit():
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        found = f"no {', '.join(lacking[:3])}{more}" if lacking else f"{quote(count.decode())} for the number of rows"
        expected = f"the number of rows, then a line with {len(facts.columns)} names"
        problems.add(Problem("F04", found, expected, "copy the file again", str(path), 2 if lacking else 1))
        return None
    rows = _rows(body, len(columns), str(path), problems)
    if rows.total != int(count):
        found = f"{rows.total:,} rows"
        problems.add(Problem("T01", found, f"{int(count):,}, as line 1 says", "copy the file again", str(path)))
    unit = text_column(rows.names)
    again = repeated(np.asarray(unit.indices))
    place = (str(path), rows.line)

    def name(row: int) -> str:
        return rows.names[row].as_py()

    report("T03", again, lambda row: f"{name(row)} again", "each picture once", ROW_FIX, place, problems)
    whole = LabelRows(
        str(path),
        rows.line,
        unit,
        np.full(len(rows.line), NO_FRAME, np.int32),
        {facts.name: (rows.marks[:, [columns.index(name) for name in facts.columns]] > 0).astype(np.int8)},
        _looked_up(split, rows, problems),
        _looked_up(person, rows, problems),
        rows.names,
    )
    return whole.take(~again)


def _rows(body: bytes, width: int, file: str, problems: Problems) -> AttributeRows:
    """The sound rows; lines are checked one by one only where the fast parser meets a fault."""
    lines = single_blanks(body).rstrip(b"\n").split(b"\n")
    whole = _parsed(b"\n".join(lines), width)
    if whole is not None:
        return AttributeRows(*whole, np.arange(len(lines)) + FIRST_LINE, len(lines))
    sound = re.compile(rb"[^\s]+(?: -?1){%d}" % width)
    kept: list[int] = []
    total = 0
    for place, line in enumerate(lines):
        total += bool(line)
        if sound.fullmatch(line):
            kept.append(place)
        elif line:
            problems.add(_fault(line.decode(), width, file, place + FIRST_LINE))
    parsed = _parsed(b"\n".join([lines[place] for place in kept]), width) if kept else None
    names, marks = parsed or _nothing(width)
    return AttributeRows(names, marks, np.array(kept, np.int64) + FIRST_LINE, total)


def _fault(line: str, width: int, file: str, number: int) -> Problem:
    fields = line.split()
    if len(fields) != width + 1:
        found = f"{len(fields)} field{'s'[: len(fields) != 1]}: {quote(line)}"
        return Problem("F06", found, f"{width + 1} fields", ROW_FIX, file, number)
    odd = next(value for value in fields[1:] if value not in {"1", "-1"})
    return Problem("V09", quote(odd), "-1 or 1", ROW_FIX, file, number)


def _parsed(data: bytes, width: int) -> tuple[pa.Array, Classes] | None:
    """Names and marks of all rows, parsed in one pass; None where a row is at fault."""
    import pyarrow as pa
    from pyarrow import csv

    fields = ["name", *(f"f{place}" for place in range(width))]
    try:
        table = csv.read_csv(
            arrow_reader(data),
            read_options=csv.ReadOptions(column_names=fields, block_size=1 << 22),
            parse_options=csv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types={"name": pa.string()} | dict.fromkeys(fields[1:], pa.int8()),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    # a carriage return ends a line for the parser alone
    if len(table) != data.count(b"\n") + 1:
        return None
    marks = np.empty((len(table), width), np.int8, order="F")
    for place, column in enumerate(table.columns[1:]):
        marks[:, place] = column.to_numpy()
    return (table.column(0).combine_chunks(), marks) if (np.abs(marks) == 1).all() else None


def _nothing(width: int) -> tuple[pa.Array, Classes]:
    import pyarrow as pa

    return pa.array([], pa.string()), np.empty((0, width), np.int8)


def _named_texts(
    label_set: LabelSet, root: Path, patterns: tuple[str, ...], splits: Sequence[str] | None, problems: Problems
) -> NamedTexts | None:
    """The texts of a file with lines of a name and a number; the number is a split, or a person without `splits`."""
    import pyarrow as pa

    if not patterns:
        return None
    files = label_files(label_set.model_copy(update={"files": patterns}), root, problems)
    if not files:
        return None
    path = files[0].path
    pairs = read_pairs(path, problems)
    if pairs is None:
        return None
    names: pa.Array = pairs.keys.combine_chunks()
    if splits is None:
        numbers, codes = np.unique(pairs.values, return_inverse=True)
        return NamedTexts(str(path), names, codes.astype(np.int32), tuple(f"{number:.0f}" for number in numbers))
    wrong = ~np.isin(pairs.values, np.arange(len(splits)))
    expected = f"0 to {len(splits) - 1}: {', '.join(splits)}"
    values = pairs.values
    report("V06", wrong, lambda row: f"{values[row]:g}", expected, ROW_FIX, (str(path), pairs.line), problems)
    good = np.flatnonzero(~wrong)
    return NamedTexts(str(path), names.take(pa.array(good)), values[good].astype(np.int32), tuple(splits))


def _looked_up(known: NamedTexts | None, rows: AttributeRows, problems: Problems) -> pa.DictionaryArray:
    """The split or person of each row, empty where the file does not name the picture."""
    import pyarrow as pa

    if known is None:
        return same_text("", len(rows.line))
    compute = arrow_functions()
    if rows.names.equals(known.names):
        codes = known.codes
    else:
        place = compute.fill_null(compute.index_in(rows.names, value_set=known.names), -1).to_numpy()
        codes = np.where(place >= 0, known.codes[place], len(known.texts)).astype(np.int32)
        lacking = int(np.count_nonzero(place < 0))
        if lacking:
            name = rows.names[int(np.flatnonzero(place < 0)[0])].as_py()
            found, fix = f"no {name}", "complete the file: its values for them stay unknown"
            problems.add(Problem("T01", found, "every picture with attributes", fix, known.file, count=lacking))
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([*known.texts, ""]))
