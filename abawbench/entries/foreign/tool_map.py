"""A map of columns in an entry.toml, which makes an entry of the tables of any tool without code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.entries.foreign.tools import (
    FACTS,
    Derived,
    Scores,
    Tool,
    UnitColumn,
)
from abawbench.entries.names import note_respelt
from abawbench.formats.value_forms import near_classes
from abawbench.labels import CONTEMPT, EXPRESSIONS_8, OUTSIDE, SYNONYMS, VALENCE_AROUSAL, known_name

UNIT = re.compile(r"AU[1-9]\d?")
# how tools call the columns of action units, as AU01_r, au_1, Occ_au_12
_UNIT_COLUMN = re.compile(r"(?:.*[^a-z])?au_?0*([1-9]\d?)(?:_.*)?", re.IGNORECASE)

Names = str | Annotated[tuple[str, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """Where a table holds a value.

    Attributes:
        name: name of the column, or names of several whose mean is the value.
        scale: greatest value of the column; or its least and its greatest value. By default 1; for valence and arousal
            the least value is the greatest one with a minus, unless it is given.
        threshold: value from which an action unit is present; halfway of the scale by default.
    """

    name: Names
    scale: float | tuple[float, float] | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class TableMap:
    """The columns of the tables of a tool that is not known.

    Attributes:
        columns: column of each value that the tables hold: action units as `AU12`, expressions as `Happiness`,
            `valence`, `arousal`, by these names or others that are known. A name alone, a list of names (whose mean
            counts), or a table with a scale.
        title: name of the tool.
        frame: column of the frame number; by default rows follow each other, a frame each.
        confidence: column of the confidence of a face.
        success: column that is 1 where there is a face.
        person: column that says which person a face is of.
        place: columns of the left and top edge, the width and the height of a face, which tell people apart.
        label: column that names the expression, in place of columns of scores.
        scale: scale of every column that has none of its own, as 100 for percentages.
    """

    columns: Mapping[str, Names | MappedColumn] = Field(default_factory=dict)
    title: str = "a tool that entry.toml describes"
    frame: str | None = None
    confidence: str | None = None
    success: str | None = None
    person: str | None = None
    place: tuple[str, str, str, str] | None = None
    label: str | None = None
    scale: float | tuple[float, float] = 1.0


def tool_of(table: TableMap, scores: Scores | None) -> Tool:
    """The tool that a map describes; every value is derived from columns, onto the usual range.

    Raises:
        ProblemError: E02, a value that is unknown, a scale or threshold that cannot be, valence without arousal.
    """
    problems = Problems()
    derived = {
        name: _derived(name, column, table, scores, problems) for name, column in _named(table, problems).items()
    }
    units = {name: UnitColumn(name, "probability") for name in derived if UNIT.fullmatch(name)}
    numbers = tuple(name for name in VALENCE_AROUSAL if name in derived)
    classes = tuple(name for name in derived if name not in units and name not in numbers)
    if len(numbers) == 1:
        problems.add(_problem(f"{numbers[0]} alone", "valence and arousal", "name the other column too"))
    if table.label is not None and classes:
        problems.add(_problem(f"label and columns of {classes[0]}", "one of them", "remove the label, or the columns"))
    if not derived and table.label is None:
        problems.add(_problem("no column", "a column at least", 'write columns.AU12 = "..."'))
    problems.raise_if_any()
    return Tool(
        name="map",
        title=table.title,
        sources=dict.fromkeys(FACTS, "settings"),
        marks=(),
        frame=table.frame,
        confidence=table.confidence,
        success=table.success,
        person=table.person,
        place=table.place,
        units=units,
        classes=(*EXPRESSIONS_8, CONTEMPT, *SYNONYMS) if table.label is not None else classes,
        label=table.label,
        scores=scores or "probability",
        valence_arousal=(numbers[0], numbers[1]) if len(numbers) == 2 else None,
        derived=derived,
    )


def _named(table: TableMap, problems: Problems) -> dict[str, Names | MappedColumn]:
    """The columns by the names of the vocabularies."""
    named: dict[str, Names | MappedColumn] = {}
    for name, column in table.columns.items():
        meant = known_name(name)
        if meant is None:
            near = near_classes(EXPRESSIONS_8, name)
            expected = f"an action unit as AU12, an expression, valence or arousal; anything else as {OUTSIDE}{name}"
            fix = f"did you mean {near}?" if near else "name what the column holds"
            problems.add(_problem(f"columns.{name}", expected, fix))
        elif meant in named:
            problems.add(_problem(f"columns.{name}", f"{meant} once", "remove one of them, or correct its name"))
        named.setdefault(meant or name, column)
    return named


def note_names(table: TableMap) -> tuple[str, ...]:
    """A note on the names of columns that stand for others of the vocabularies; none where there are none."""
    return note_respelt((name, known_name(name) or name) for name in table.columns)


def _derived(
    name: str, column: Names | MappedColumn, table: TableMap, scores: Scores | None, problems: Problems
) -> Derived:
    given = column if isinstance(column, MappedColumn) else MappedColumn(column)
    scale = table.scale if given.scale is None else given.scale
    is_signed = name in VALENCE_AROUSAL
    low, high = scale if isinstance(scale, tuple) else (-scale if is_signed else 0.0, scale)
    names = (given.name,) if isinstance(given.name, str) else given.name
    if not -1e9 < low < high < 1e9:
        problems.add(_problem(f"columns.{name}.scale = {scale}", "a least and a greater value", "correct the scale"))
        return Derived(names)
    if given.threshold is not None and not (UNIT.fullmatch(name) and low < given.threshold < high):
        expected = f"for an action unit a value between {low:g} and {high:g}"
        problems.add(_problem(f"columns.{name}.threshold = {given.threshold:g}", expected, "correct the threshold"))
        return Derived(names)
    if scores == "logit" and not is_signed and not UNIT.fullmatch(name):
        low, high = 0.0, 1.0
    return Derived(names, low, high, given.threshold, -1.0 if is_signed else 0.0)


def suggest_map(header: Sequence[str]) -> str:
    """A map for a table of an unknown tool, as far as the names of its columns tell.

    >>> suggest_map(("Frame", "Occ_au_1", "happy0"))
    'frame = "Frame", columns.AU1 = "Occ_au_1", columns.Happiness = "happy0"'
    """
    found: dict[str, str] = {}
    for column in header:
        unit = _UNIT_COLUMN.fullmatch(column)
        word = column.rstrip("0123456789_").casefold()
        name = f"AU{unit[1]}" if unit else known_name(word)
        # pandas writes the number of a row without a name
        key = "frame" if word.startswith("frame") or not column else f"columns.{name}" if name else ""
        if key:
            found.setdefault(key, column)
    return ", ".join(f'{key} = "{column}"' for key, column in found.items())


def _problem(found: str, expected: str, fix: str) -> Problem:
    return Problem("E02", f"settings.map: {found}", expected, fix)


def require_columns(table: TableMap, tool: Tool, header: Sequence[str], file: str) -> None:
    """Check that a table has the columns that a map names. Raises: ProblemError E18, it lacks some.

    Args:
        table: the map.
        tool: the tool that it describes, which may know fewer columns.
        header: names of the columns of the table.
        file: path of the table.
    """
    roles = {role: getattr(tool, role) for role in ("frame", "confidence", "success", "person", "label")}
    wanted = [(role, name) for role, name in roles.items() if name is not None]
    wanted += [("place", name) for name in table.place or ()]
    wanted += [(f"columns.{key}", name) for key, derived in tool.derived.items() for name in derived.columns]
    lacking = [(key, name) for key, name in wanted if name not in header]
    if lacking:
        expected = f"one of the columns {', '.join(header[:8])}{' ...' * (len(header) > 8)}"
        raise ProblemError(
            *(
                Problem("E18", f'no column "{name}"', expected, f"correct settings.map.{key}", file, count=len(lacking))
                for key, name in lacking[:3]
            )
        )
