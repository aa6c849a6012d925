"""Lays out a table within a width: short cells stay whole, long ones are wrapped, columns are left out or set below."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# a cell of at most so many characters is wrapped only where a table would not fit otherwise
SHORT = 16
GAP = 2


class Line(NamedTuple):
    """A line of a table: its text, and whether it is one of the header."""

    text: str
    is_header: bool


def lay_out(
    rows: Sequence[Sequence[str]], headers: Sequence[str], width: int, *, keys: int = 1, optional: Sequence[str] = ()
) -> Iterator[Line]:
    """Lay out a table. No word is broken, so ids and paths can be copied; one that is too long sticks out.

    A table that is too wide is made to fit by the first of these means that suffices: cells of more than `SHORT`
    characters are wrapped; optional columns are left out, and named below; short cells are wrapped too; columns go into
    further tables.

    Args:
        rows: cells by row.
        headers: a header for each column, which may be empty.
        width: number of characters in a line.
        keys: number of first columns that each further table repeats.
        optional: headers of columns that may be left out, the first to go first.
    """
    left = list(range(len(headers)))
    dropped: list[str] = []
    cells = [list(headers), *(list(row) for row in rows)]
    order = [headers.index(name) for name in optional]
    while (widths := _fit(cells, left, width, SHORT)) is None and order:
        place = order.pop(0)
        left.remove(place)
        dropped.append(headers[place])
    if widths is None:
        left, dropped = list(range(len(headers))), []
        widths = _fit(cells, left, width, 0)
    if widths is None:
        for number, group in enumerate(_groups(cells, width, keys)):
            if number:
                yield Line("", is_header=False)
            yield from _lines(cells, group, _fit(cells, group, width, 0) or _sticking_out(cells, group, width))
        return
    yield from _lines(cells, left, widths)
    if dropped:
        for text in textwrap.wrap(f"not shown here: {', '.join(dropped)}; --json has them", width):
            yield Line(text, is_header=False)


def _lines(cells: Sequence[Sequence[str]], columns: Sequence[int], widths: Sequence[int]) -> Iterator[Line]:
    for number, row in enumerate(cells):
        parts = [_wrap(row[column], width) for column, width in zip(columns, widths, strict=True)]
        for line in itertools.zip_longest(*parts, fillvalue=""):
            text = (" " * GAP).join(part.ljust(width) for part, width in zip(line, widths, strict=True))
            yield Line(text.rstrip(), is_header=number == 0)


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) if len(text) > width else [text]


def _least(cells: Sequence[Sequence[str]], columns: Sequence[int], short: int) -> list[int]:
    """The least width of each column: its longest word, and its longest cell of at most `short` characters."""
    return [
        max(
            max((len(word) for word in row[column].split()), default=0)
            if len(row[column]) > short or number == 0
            else len(row[column])
            for number, row in enumerate(cells)
        )
        for column in columns
    ]


def _fit(cells: Sequence[Sequence[str]], columns: Sequence[int], width: int, short: int) -> list[int] | None:
    """Widths of these columns that together fit, the widest made narrower; None where they cannot."""
    widths = [max(len(row[column]) for row in cells) for column in columns]
    least = _least(cells, columns, short)
    room = width - GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        place = max(range(len(widths)), key=lambda one: (widths[one] > least[one], widths[one]))
        widths[place] -= 1
    return widths


def _sticking_out(cells: Sequence[Sequence[str]], columns: Sequence[int], width: int) -> list[int]:
    """Widths where only the longest words of the last column stick out."""
    *widths, last = _least(cells, columns, 0)
    return [*widths, max(min(last, width - sum(widths) - GAP * len(widths)), SHORT)]


def _groups(cells: Sequence[Sequence[str]], width: int, keys: int) -> Iterator[list[int]]:
    """Columns of each part of a table that does not fit; each part has the key columns and at least one more."""
    first = list(range(keys))
    group = list(first)
    for column in range(keys, len(cells[0])):
        if len(group) > keys and _fit(cells, [*group, column], width, 0) is None:
            yield group
            group = list(first)
        group.append(column)
    yield group
