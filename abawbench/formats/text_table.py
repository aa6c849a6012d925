"""The columns of a text as a Table: names of rows become videos and frames, sentinels become NaN."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.challenges import Challenge
from abawbench.formats.columns import Probability
from abawbench.formats.keys import PATTERNS, Names, example
from abawbench.formats.layout import Layout
from abawbench.formats.names import LEGIBLE, read_names
from abawbench.formats.parse import Parsed
from abawbench.formats.value_forms import note_sentinels
from abawbench.table import Floats, Table, Values


@dataclass(frozen=True, eq=False)
class TextColumns:
    """The columns of a text, their layout, and notes on how it was read."""

    parsed: Parsed
    layout: Layout
    notes: tuple[Problem, ...]


@dataclass(frozen=True)
class Unit:
    """A unit with a file of its own, and the number of rows in it."""

    name: str
    path: Path
    rows: int


def rows_table(challenge: Challenge, text: TextColumns, source: str, known: Names | None = None) -> Table:
    """The table of a text whose rows are told by their names.

    Args:
        challenge: the challenge whose tasks the columns answer.
        text: the columns.
        source: the file's name, for messages.
        known: what `formats.keys.split_keys` gives for the names of the rows, where it is known already.

    Raises:
        ProblemError: T06, names that name no frame of a video.
    """
    assert text.parsed.keys is not None
    layout = text.layout
    found = (known, ()) if known is not None else read_names(text.parsed.keys, layout.key, layout.role, source)
    if found is None:
        raise ProblemError(*_name_problems(text.parsed, text.layout, source))
    (videos, video, frame), notes = found
    values, probability = _values(challenge, text.layout, text.parsed)
    notes = (*text.notes, *notes)
    return _with_sentinels(Table(videos, video, frame, values, probability, source=source, notes=notes), text)


def units_table(challenge: Challenge, text: TextColumns, units: Sequence[Unit], source: str) -> Table:
    """The table of a text whose rows are those of one unit after another.

    Args:
        challenge: the challenge whose tasks the columns answer.
        text: the columns, rows told by their place or by frame numbers.
        units: the units with their numbers of rows, in the order of the rows.
        source: the name of the file, or of the folder of all files, for messages.

    Raises:
        ProblemError: T06, fields that are no frame numbers.
    """
    parsed, layout, notes = text.parsed, text.layout, text.notes
    counts = np.array([unit.rows for unit in units])
    video = np.repeat(np.arange(len(units), dtype=np.int32), counts)
    if layout.key == "line":
        begins = (np.cumsum(counts) - counts - layout.frame_base).astype(np.int32)
        frame = np.arange(len(video), dtype=np.int32) - np.repeat(begins, counts)
    else:
        assert parsed.keys is not None
        found = read_names(parsed.keys, layout.key, layout.role, source)
        if found is None:
            raise ProblemError(*_frame_problems(parsed, units))
        (_, _, frame), odd = found
        notes = (*notes, *odd)
    values, probability = _values(challenge, layout, parsed)
    names = tuple(unit.name for unit in units)
    is_by_place = layout.key == "line"
    table = Table(names, video, frame, values, probability, source=source, notes=notes, is_by_place=is_by_place)
    return _with_sentinels(table, text)


def _with_sentinels(table: Table, text: TextColumns) -> Table:
    """The table, with a note on the rows of a prediction that hold sentinels."""
    if text.layout.role != "prediction" or all(column.sentinel is None for column in text.layout.columns):
        return table
    notes = [note_sentinels(task, rows, table.source) for task, rows in table.unanswered().items()]
    return replace(table, notes=(*table.notes, *notes))


def _values(challenge: Challenge, layout: Layout, parsed: Parsed) -> tuple[dict[str, Values], Floats | None]:
    """The values of each task, and the probability of class 1 where the file holds it."""
    rows = len(parsed)
    values: dict[str, Any] = {}
    for task in challenge.tasks:
        shape = (rows, len(task.labels)) if task.is_vector else (rows,)
        values[task.name] = np.empty(shape, np.float64 if task.is_real else np.int8, order="F")
    probability = None
    for column, parts in zip(layout.columns, parsed.columns, strict=True):
        if parts is None:
            continue
        if isinstance(column, Probability) and column.of_class == 1:
            probability = np.concatenate(parts).astype(np.float64, copy=False)
        if column.task is not None:
            block = values[column.task]
            _gather(parts, block if block.ndim == 1 else block[:, column.place], column.sentinel)
    return values, probability


def _gather(parts: Sequence[Values], out: Values, sentinel: float | None) -> None:
    """Write the parts of a column one after another, a sentinel among real numbers as NaN."""
    begin = 0
    for part in parts:
        end = begin + len(part)
        out[begin:end] = part
        if sentinel is not None and out.dtype == np.float64:
            np.putmask(out[begin:end], part == sentinel, np.nan)
        begin = end


def _name_problems(parsed: Parsed, layout: Layout, source: str) -> tuple[Problem, ...]:
    """T06 for names of rows that name no frame of a video, each with its line."""
    pattern = re.compile(PATTERNS[layout.key] if layout.role == "truth" else LEGIBLE[layout.key])
    expected = f"a name like '{example(layout.key)}'"
    problems = Problems()
    assert parsed.keys is not None
    for line, key in enumerate(parsed.keys.to_pylist(), start=layout.first_row):
        if not pattern.match(key):
            problems.add(Problem("T06", f"'{key}'", expected, "copy the names from the list", source, line))
    return problems.found


def _frame_problems(parsed: Parsed, units: Sequence[Unit]) -> tuple[Problem, ...]:
    """T06 for fields that are no frame numbers, each with its file and line."""
    problems = Problems()
    fix = "copy the frames of the list"
    assert parsed.keys is not None
    keys = iter(parsed.keys.to_pylist())
    for unit in units:
        for line, key in enumerate(itertools.islice(keys, unit.rows), start=2):
            if not (key.isascii() and key.isdigit() and len(key) < 10):
                problems.add(Problem("T06", f"frame '{key}'", "a frame number", fix, str(unit.path), line))
    return problems.found
