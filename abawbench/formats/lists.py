"""The organisers' lists: which rows, or which units, are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from abawbench.base.problems import Problem, ProblemError, not_found
from abawbench.challenges import Challenge
from abawbench.formats.diagnose import is_header, owners, shown, whose
from abawbench.formats.layout import Layout, layouts
from abawbench.formats.parse import BOM, first_line
from abawbench.formats.read import load

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class RowList:
    """Rows of a one-file format.

    Attributes:
        keys: row names in the order asked for, with repetitions.
        first: line number of the first row in a file of this list's rows.
        source: where it was read.
    """

    keys: pa.ChunkedArray
    first: int
    source: str


@dataclass(frozen=True, eq=False)
class ListedUnit:
    """One unit of a per-unit format.

    Attributes:
        lines: numbers of rows its file may have; empty where the list does not say.
        header: the template's header, where it is kept.
        keys: the template's first column, where it has one.
    """

    lines: tuple[int, ...] = ()
    header: str | None = None
    keys: pa.ChunkedArray | None = None


@dataclass(frozen=True, eq=False)
class UnitList:
    """Units of a per-unit format, by name, in the order of the list."""

    units: Mapping[str, ListedUnit]
    source: str


def read_list(challenge: Challenge, template: Path) -> RowList | UnitList:
    """The organisers' list for the challenge's prediction format.

    Row lists may hold bare names, names with a trailing comma, or dummy values; AH lists are trial or split files; ERI
    and EMI lists are tables with the id column. Unit lists hold a name in each line, or `name,count`, or are a folder
    of templates named after the units.

    Raises:
        ProblemError: F01, F02, F03, F04 when the list cannot be read or belongs to another challenge.
    """
    layout = prediction_layouts(challenge)[0]
    if not template.exists():
        raise not_found(template, "the organisers' list")
    if layout.per_unit:
        return _unit_list(layout, template)
    if template.is_dir():
        raise ProblemError(
            Problem("F01", "a folder", "the organisers' list, a file", "name the list itself", str(template))
        )
    return RowList(_row_keys(_text_bytes(template), layout, str(template)), first_row_line(layout), str(template))


def prediction_layouts(challenge: Challenge) -> tuple[Layout, ...]:
    """The layouts of the challenge's own prediction format; AH has one with and one without probabilities."""
    return tuple(layout for layout in layouts(challenge, "prediction") if layout.format == challenge.prediction_format)


def first_row_line(layout: Layout) -> int:
    """Line number of the first row in a file of this layout."""
    return 1 if layout.header is None else 2


def text_column(body: bytes, place: int) -> pa.ChunkedArray:
    """One field of every line, as text; lines may have any number of fields, and lack this one."""
    import pyarrow as pa
    from pyarrow import csv

    fields = [f"f{number}" for number in range(body.split(b"\n", 1)[0].count(b",") + 1)]
    if place < len(fields):
        name = fields[place]
        try:
            return csv.read_csv(
                pa.BufferReader(body),
                read_options=csv.ReadOptions(column_names=fields),
                parse_options=csv.ParseOptions(quote_char=False),
                convert_options=csv.ConvertOptions(include_columns=[name], column_types={name: pa.string()}),
            ).column(0)
        except pa.ArrowInvalid:
            pass
    # transcripts hold commas, so that lines differ in their number of fields
    lines = (line.rstrip("\r").split(",", place + 1) for line in body.decode("utf-8").split("\n") if line.strip())
    return pa.chunked_array([[line[place] if place < len(line) else "" for line in lines]], pa.string())


def _text_bytes(path: Path) -> bytes:
    data = load(path).removeprefix(BOM)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(
            Problem("F03", "bytes that are not UTF-8", "UTF-8 text", "use the organisers' own file", str(path))
        ) from error
    return data.rstrip(b"\r\n \t") + b"\n"


def _row_keys(data: bytes, layout: Layout, source: str) -> pa.ChunkedArray:
    import pyarrow as pa

    head = first_line(data)
    place = 0
    body = data
    if layout.header is not None and is_header(head, layout):
        names = [name.strip() for name in head.split(",")]
        official = layout.header.split(",")
        is_table = layout.key == "id" and official[0] in names
        if head.rstrip(", ") != layout.header and not is_table and not _is_row_name(head):
            raise ProblemError(_wrong_list(head, layout, source))
        if not _is_row_name(head):
            place = names.index(official[0])
            body = data[data.index(b"\n") + 1 :]
        if "Split" in names:
            body = _test_rows(body, names.index("Split"))
    if not body.strip():
        raise ProblemError(Problem("F02", "no row", "the rows asked for", "use the organisers' own file", source))
    if layout.key == "frame-path":
        lines = body.decode("utf-8").replace("\r", "").rstrip("\n").split("\n")
        return pa.chunked_array([[line.rsplit(",", 1)[0] for line in lines]], pa.string())
    return text_column(body, place)


def _is_row_name(head: str) -> bool:
    return head.split(",", maxsplit=1)[0].endswith(".jpg")


def _test_rows(body: bytes, place: int) -> bytes:
    """Of a table of all splits the rows of the test split, if it names one."""
    lines = body.decode("utf-8").splitlines()
    test = [line for line in lines if line.split(",")[place : place + 1] == ["Test"]]
    return "\n".join([*(test or lines), ""]).encode()


def _wrong_list(head: str, layout: Layout, source: str) -> Problem:
    return Problem(
        "F04",
        f"{shown(head)}{whose(head.rstrip(', '), layout)}",
        f"'{layout.header}'",
        "give the organisers' list of rows for this challenge",
        source,
        1,
    )


def _unit_list(layout: Layout, template: Path) -> UnitList:
    if template.is_dir():
        files = sorted(template.glob(f"*{layout.suffix}"))
        if not files:
            raise ProblemError(
                Problem("F02", "no template", f"files <unit>{layout.suffix}", "name their folder", str(template))
            )
        return UnitList({file.stem: _template(layout, file) for file in files}, str(template))
    head = first_line(load(template)).rstrip(", ")
    if head in {layout.header, *layout.header_aliases}:
        return UnitList({template.stem: _template(layout, template)}, str(template))
    if owners(head, layout):
        raise ProblemError(
            Problem("F04", shown(head), "the name of a unit", "give the list of units", str(template), 1)
        )
    lines = [line.rstrip(", \t\r") for line in _text_bytes(template).decode("utf-8").split("\n")]
    units: dict[str, ListedUnit] = {}
    for line in lines:
        name, comma, count = line.partition(",")
        if comma and count.strip().isdecimal():
            # the container's frame count, or the lines themselves: which of the two is not known
            units[name] = ListedUnit((int(count), int(count) + 1))
        elif line:
            units[line] = ListedUnit()
    return UnitList(units, str(template))


def _template(layout: Layout, file: Path) -> ListedUnit:
    data = _text_bytes(file)
    head = first_line(data)
    body = data[data.index(b"\n") + 1 :]
    count = body.count(b"\n") if body.strip() else 0
    if layout.key == "line":
        return ListedUnit((count,))
    return ListedUnit((count,), head.rstrip(", "), text_column(body, 0) if count else None)
