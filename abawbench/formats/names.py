"""Names of rows that are all wrong in the same way: the cause, and the right names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.formats.layout import Key

if TYPE_CHECKING:
    import pyarrow as pa

Names = Any  # pyarrow's ChunkedArray of text, which has no type stubs
IMAGES = r"\.(?i:jpe?g|png|bmp|tiff?|webp)$"
MEDIA = r"\.(?i:mp4|avi|mov|mkv|wav|jpe?g|png|0)$"
NUMBERED = {
    "path": r"^(?P<head>.*/)(?P<number>\d{1,9})(?P<tail>\.jpg)$",
    "frame-path": r"^(?P<head>.*/frame-)(?P<number>\d{1,9})(?P<tail>\.jpg)$",
    "image": r"^(?P<head>)(?P<number>\d{1,9})(?P<tail>\.jpg)$",
    "frame": r"^(?P<head>)(?P<number>\d{1,9})(?P<tail>)$",
    "id": r"^(?P<head>)(?P<number>\d{1,9})(?P<tail>)$",
}
# a cause is named when it explains at least this share of the names that are not in the list
EXPLAINED = 0.5


@dataclass(frozen=True, eq=False)
class Renaming:
    """Corrected names of rows.

    Attributes:
        keys: all names; those that were correct are unchanged.
        causes: causes of the wrong names, each worded as advice.
    """

    keys: pa.ChunkedArray
    causes: tuple[str, ...]


def _count_matches(keys: Names, wanted: Names) -> int:
    """Count the rows of the list that have a row of the same name in the file; repetitions count."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    listed = wanted.unique()
    counts = np.bincount(compute.index_in(wanted, value_set=listed).to_numpy(), minlength=len(listed))
    places = compute.index_in(keys, value_set=listed).drop_null().to_numpy()
    return int(np.minimum(counts, np.bincount(places, minlength=len(listed))).sum())


def rename(keys: Names, wanted: Names, kind: Key) -> Renaming | None:
    """Correct the names of rows; return None unless a few causes explain most of those that are not in the list.

    Known causes are blanks, backslashes, a folder too many or too few before the name, another file ending,
    leading zeros, and frames counted from the wrong number.

    Args:
        keys: row names of a file.
        wanted: row names of the list.
        kind: form of the names.
    """
    before = _count_matches(keys, wanted)
    causes: list[str] = []
    current = keys
    for cause, mend in _mends(wanted, kind):
        changed = mend(current)
        if not changed.equals(current):
            causes.append(cause)
            current = changed
    best = _count_matches(current, wanted)
    if causes and best < before:
        current, best, causes = keys, before, []
    for step in (1, -1):
        shifted = _renumbered(current, kind, _width(wanted, kind), step)
        count = _count_matches(shifted, wanted)
        if count > best:
            current, best = shifted, count
            start = "1, not from 0: add 1 to" if step == 1 else "0, not from 1: subtract 1 from"
            causes.append(f"count from {start} every number")
            break
    if not causes or best - before < EXPLAINED * (len(wanted) - before):
        return None
    return Renaming(current, tuple(causes))


def differing(keys: Names, others: Names) -> NDArray[np.int64]:
    """The places at which two columns of names differ."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    return np.flatnonzero(compute.not_equal(keys, others).to_numpy())


def _mends(wanted: Names, kind: Key) -> list[tuple[str, Callable[[Names], Names]]]:
    """Changes that leave correct names as they are, each with the advice to make it."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    first: str = wanted[0].as_py()
    mends: list[tuple[str, Callable[[Names], Names]]] = [
        ("remove the blanks around names", compute.utf8_trim_whitespace)
    ]
    if not _any_holds(wanted, "\\"):
        mends.append(("use forward slashes", lambda keys: compute.replace_substring(keys, "\\", "/")))
    depth = _same(compute.count_substring(wanted, "/"))
    if depth is not None:
        pattern = rf"^.*/((?:[^/]+/){{{depth}}}[^/]+)$"
        mends.append((f"begin names as the list does, '{first}'", lambda keys: _replaced(keys, pattern, r"\1")))
    root = first.partition("/")[0]
    if depth and depth > 1 and compute.all(compute.starts_with(wanted, f"{root}/")).as_py():
        pattern_without = rf"^({re.escape(root)}/)?"
        mends.append((f"begin names with '{root}/'", lambda keys: _replaced(keys, pattern_without, f"{root}/")))
    if kind in {"path", "frame-path", "image"}:
        mends.append(("end names with '.jpg'", _with_jpg))
    elif not _any_holds(wanted, "."):
        mends.append(("leave out the file ending", lambda keys: _replaced(keys, MEDIA, "")))
    if not _any_holds(wanted, " "):
        mends.append(("write '_' for blanks", lambda keys: compute.replace_substring(keys, " ", "_")))
    width = _width(wanted, kind)
    zeros = f"write numbers with {width} digits, zeros in front" if width > 1 else "leave out zeros before numbers"
    mends.append((f"{zeros}, as '{first}'", lambda keys: _renumbered(keys, kind, width, 0)))
    return mends


def _with_jpg(keys: Names) -> Names:
    return _replaced(_replaced(keys, IMAGES, ""), "$", ".jpg")


def _replaced(keys: Names, pattern: str, replacement: str) -> Names:
    import pyarrow.compute

    compute: Any = pyarrow.compute
    return compute.replace_substring_regex(keys, pattern, replacement, max_replacements=1)


def _any_holds(keys: Names, piece: str) -> bool:
    import pyarrow.compute

    compute: Any = pyarrow.compute
    return bool(compute.any(compute.match_substring(keys, piece)).as_py())


def _same(counts: Names) -> int | None:
    """The number that all counts have in common; None where they differ."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    bounds = compute.min_max(counts).as_py()
    return bounds["min"] if bounds["min"] == bounds["max"] else None


def _width(wanted: Names, kind: Key) -> int:
    """The least number of digits of a number in a name."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    if kind == "path":
        return 5
    width = _same(compute.utf8_length(wanted)) if kind == "id" else None
    return width or 1


def _renumbered(keys: Names, kind: Key, width: int, step: int) -> Names:
    """Names with `step` added to their number; names without a number stay as they are."""
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    if kind not in NUMBERED:
        return keys
    parts = compute.extract_regex(keys, NUMBERED[kind])
    number = compute.add(compute.struct_field(parts, "number").cast(pa.int64()), step)
    number = compute.if_else(compute.less(number, 0), None, number)
    digits = compute.utf8_lpad(number.cast(pa.string()), width, "0")
    head, tail = compute.struct_field(parts, "head"), compute.struct_field(parts, "tail")
    return compute.coalesce(compute.binary_join_element_wise(head, digits, tail, ""), keys)
