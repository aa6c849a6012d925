"""What the header and the columns of a file seem to be, where they are not those of the format."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from abawbench.formats.columns import is_number
from abawbench.formats.layout import Layout, describe_owners
from abawbench.formats.text import quote

# rows that are looked at
LOOKED_AT = 1000


def describe_header(text: str, layout: Layout) -> tuple[str, str]:
    """Describe a header that is not that of the format, and what to do about it."""
    assert layout.header is not None
    names = [name.strip().lower() for name in text.split(",")]
    official = layout.header.split(",")
    values = official[1:] if layout.has_key else official
    owners = describe_owners(text.rstrip(", \t"), layout)
    missing = [name for name in official if name.lower() not in names]
    known = [name for name in values if name.lower() in names]
    if len(names) == len(set(names)) and is_part(text, layout) and known:
        if len(values) > len(layout.columns):
            found = f"{len(known)} classes, without {_listed(missing)}"
            fix = (
                f"the challenge has {len(values)} classes in the order of its header: predict those, copy the header "
                "and write positions in it as classes"
            )
            return found + owners, fix
        if missing != official[: layout.has_key]:
            folders = " and ".join(values) if len(values) == 2 else "of all columns"
            fix = f"write all columns into one file, or give `score` or `write` the folder of the folders {folders}"
            return f"{_listed(known)} alone, without {_listed(missing)}{owners}", fix
    if known and not missing and len(names) > len(official):
        more = [name for name in text.split(",") if name.strip().lower() not in layout.header.lower().split(",")]
        return f"{_listed(more)} beside the columns of the format", "leave out the columns that the format has not"
    return quote(text) + owners, "copy the header of the organisers' list"


def is_part(text: str, layout: Layout) -> bool:
    """True for a header that has some of the names of the format's, and no others."""
    names = {name.strip().lower() for name in text.split(",")}
    return bool(names) and names < {name.lower() for name in (layout.header or "").split(",")}


def describe_columns(rows: Sequence[str], layout: Layout) -> str:
    """Describe the columns that most rows have, as `3 columns: names, whole numbers from 0 to 6 in 2 columns`.

    Args:
        rows: rows with commas between their fields.
        layout: the layout that they should have.
    """
    split = [row.split(",") for row in rows[:LOOKED_AT]]
    counts = [len(fields) for fields in split]
    width = max(set(counts), key=counts.count)
    columns = list(zip(*(fields for fields in split if len(fields) == width), strict=True))
    parts: list[str] = []
    for kind, group in groupby(columns, _kind):
        members = list(group)
        low = min((float(field) for column in members for field in column if is_number(field)), default=0)
        high = max((float(field) for column in members for field in column if is_number(field)), default=0)
        numbers = f"{kind} from {low:g} to {high:g}" if "number" in kind else kind
        times = f" in {len(members)} columns" if len(members) > 1 else ""
        parts.append(f"{numbers}{times}{_guess(kind, members, layout)}")
    return f"{width} column{'s' * (width > 1)}: {', '.join(parts)}"


def expected_columns(layout: Layout) -> str:
    """The columns of the format, in words."""
    names = [column.name for column in layout.columns]
    text = [*(["the name of the row"] if layout.has_key else []), *names]
    return f"{layout.width} column{'s' * (layout.width > 1)}: {_listed(text, 16)}"


def _kind(column: Sequence[str]) -> str:
    if not all(is_number(field) for field in column):
        return "names" if any(field.strip() for field in column) else "nothing"
    return "whole numbers" if all(float(field).is_integer() for field in column) else "numbers"


def _guess(kind: str, members: Sequence[Sequence[str]], layout: Layout) -> str:
    """What columns seem to be, in parentheses; empty where there is no guess."""
    classes = [int(column.high) + 1 for column in layout.columns if column.is_whole and column.high > 1]
    if not classes or kind == "names":
        return ""
    if kind == "numbers" and len(members) > 2:
        return f" (perhaps the scores of {len(members)} classes)"
    is_class = (
        kind == "whole numbers" and len(members) == 1 and all(float(field) in range(classes[0]) for field in members[0])
    )
    return " (perhaps classes)" if is_class else ""


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
