"""The rows of a file compared with the organisers' list: missing, surplus, repeated, misnamed, misplaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import SHOWN, Problem
from abawbench.formats.layout import Key
from abawbench.formats.lists import RowList
from abawbench.formats.mending import REPAIR
from abawbench.formats.names import differing, rename
from abawbench.formats.text import quote

if TYPE_CHECKING:
    import pyarrow as pa

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a file.

    Attributes:
        keys: name of each row.
        lines: line number of each row.
    """

    keys: pa.ChunkedArray
    lines: Places


def compare(rows: Rows, wanted: RowList, key: Key, file: str) -> tuple[Problem, ...]:
    """Find the differences between the rows of a file and those of the list, their order included.

    Args:
        rows: the rows of the file.
        wanted: the organisers' list.
        key: form of the names of rows.
        file: the file's name, for messages.
    """
    if rows.keys.equals(wanted.keys):
        return ()
    problems: list[Problem] = []
    places = _places(rows.keys, wanted.keys)
    if (places < 0).any():
        renaming = rename(rows.keys, wanted.keys, key)
        if renaming is not None:
            wrong = differing(rows.keys, renaming.keys)
            advice = "; ".join(renaming.causes)
            if order_of(renaming.keys, wanted.keys) is not None:
                advice = f"{advice}, {REPAIR}"
            problems += _misnamed(rows, renaming.keys, wrong, advice, file)
            rows = Rows(renaming.keys, rows.lines)
            places = _places(rows.keys, wanted.keys)
    return (*problems, *_differences(rows, wanted, places, file))


def order_of(keys: pa.ChunkedArray, wanted: pa.ChunkedArray) -> Places | None:
    """The row of a file for each place of the list; None unless both have the same rows equally often."""
    places = _places(keys, wanted)
    if len(keys) != len(wanted) or (places < 0).any():
        return None
    position = _kth_matches(places, _places(wanted, wanted))
    if (position < 0).any():
        return None
    order = np.empty(len(keys), np.int64)
    order[position] = np.arange(len(keys))
    return order


def _places(keys: pa.ChunkedArray, wanted: pa.ChunkedArray) -> Places:
    """Each name's number among the distinct names of the list, -1 for names that are not in it."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    found = compute.index_in(keys, value_set=wanted.unique())
    return compute.fill_null(found, -1).to_numpy().astype(np.int64)


def _kth_matches(places: Places, listed: Places) -> Places:
    """The place of each row in the list, or -1; the k-th row of a name is matched with the k-th of the list."""
    count = int(listed.max(initial=-1)) + 1
    known = np.flatnonzero(places >= 0)
    names = places[known]
    listed_counts = np.bincount(listed, minlength=count)
    listed_starts = np.cumsum(listed_counts) - listed_counts
    listed_order = np.argsort(listed, kind="stable")
    row_counts = np.bincount(names, minlength=count)
    row_starts = np.cumsum(row_counts) - row_counts
    row_order = np.argsort(names, kind="stable")
    ordered = names[row_order]
    occurrence = np.arange(len(names)) - row_starts[ordered]
    meets = occurrence < listed_counts[ordered]
    position = np.full(len(places), -1, np.int64)
    position[known[row_order[meets]]] = listed_order[listed_starts[ordered[meets]] + occurrence[meets]]
    return position


def _differences(rows: Rows, wanted: RowList, places: Places, file: str) -> list[Problem]:
    listed = _places(wanted.keys, wanted.keys)
    position = _kth_matches(places, listed)
    is_missing = np.ones(len(listed), bool)
    is_missing[position[position >= 0]] = False
    is_unknown = places < 0
    problems: list[Problem] = []
    if len(rows.keys) == len(listed):
        misnamed = np.flatnonzero(is_unknown & is_missing)
        advice = "copy the names from the list: frames from 1, five digits, forward slashes"
        problems += _misnamed(rows, wanted.keys, misnamed, advice, file)
        is_unknown[misnamed] = False
        is_missing[misnamed] = False
    written = np.bincount(places[places >= 0], minlength=int(listed.max(initial=-1)) + 1)
    problems += _missing(rows, wanted, np.flatnonzero(is_missing & (written[listed] == 0)), file)
    lost = np.flatnonzero(is_missing & (written[listed] > 0))
    problems += _lost_repetitions(wanted, lost, np.bincount(listed), written, listed, file)
    repeated = np.flatnonzero((places >= 0) & (position < 0))
    before_first = _before_first(rows, wanted, is_unknown)
    problems += _zero_frames(rows, before_first, file)
    is_unknown[before_first] = False
    problems.extend(_uncalled_for(rows, np.flatnonzero(is_unknown), repeated, file))
    return problems + _misplaced(rows, wanted, position, file)


def _misnamed(rows: Rows, right: pa.ChunkedArray, wrong: Places, advice: str, file: str) -> list[Problem]:
    return [
        Problem(
            "T06",
            quote(rows.keys[place].as_py()),
            quote(right[place].as_py()),
            advice,
            file,
            int(rows.lines[place]),
            len(wrong),
        )
        for place in wrong[:SHOWN].tolist()
    ]


def _before_first(rows: Rows, wanted: RowList, is_unknown: Mask) -> Places:
    """Rows of frame 0 in a list that counts from 1."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    pattern = r"(?:^|/)0+\.jpg$"
    if compute.any(compute.match_substring_regex(wanted.keys, pattern)).as_py():
        return np.empty(0, np.int64)
    is_frame = compute.match_substring_regex(wanted.keys, r"/\d+\.jpg$")
    if not compute.all(is_frame).as_py():
        return np.empty(0, np.int64)
    return np.flatnonzero(is_unknown & compute.match_substring_regex(rows.keys, pattern).to_numpy())


def _zero_frames(rows: Rows, places: Places, file: str) -> list[Problem]:
    """T06 for rows of frame 0: they may be over, or all frames may be counted from 0."""
    advice = "find out whether all frames are counted from 0: then add 1 to each number; else remove these rows"
    return [
        Problem(
            "T06",
            quote(rows.keys[place].as_py()),
            "frames from 1",
            advice,
            file,
            int(rows.lines[place]),
            len(places),
        )
        for place in places[:SHOWN].tolist()
    ]


def _missing(rows: Rows, wanted: RowList, missing: Places, file: str) -> list[Problem]:
    return [
        Problem(
            "T01",
            f"{len(rows.keys):,} rows, none for {quote(wanted.keys[place].as_py())}",
            f"the {len(wanted.keys):,} rows of the list, this one at line {wanted.first + place:,}",
            "predict every row of the list; `abawbench write --fill` names policies for rows without a prediction",
            file,
            None,
            len(missing),
        )
        for place in missing[:SHOWN].tolist()
    ]


def _lost_repetitions(
    wanted: RowList, lost: Places, listed_counts: Places, written: Places, listed: Places, file: str
) -> list[Problem]:
    return [
        Problem(
            "T04",
            f"{quote(wanted.keys[place].as_py())} {_times(int(written[listed[place]]))}",
            f"{_times(int(listed_counts[listed[place]]))}, again at line {wanted.first + place:,} of the list",
            "go through the list row by row, not through its distinct names",
            file,
            None,
            len(lost),
        )
        for place in lost[:SHOWN].tolist()
    ]


def _uncalled_for(rows: Rows, surplus: Places, repeated: Places, file: str) -> Iterator[Problem]:
    """T02 for rows that the list does not have, and T03 for those that it has fewer times."""
    remove, once = "remove the row, or check that the list belongs to this challenge", "write each row of the list once"
    for rule, places, more, expected, fix in (
        ("T02", surplus, "", "rows of the list only", remove),
        ("T03", repeated, " once more", "as many as in the list", f"{once}, under its own name"),
    ):
        for place in places[:SHOWN].tolist():
            found = f"{quote(rows.keys[place].as_py())}{more}"
            yield Problem(rule, found, expected, fix, file, int(rows.lines[place]), len(places))


def _misplaced(rows: Rows, wanted: RowList, position: Places, file: str) -> list[Problem]:
    met = np.flatnonzero(position >= 0)
    positions = position[met]
    right = np.sort(positions)
    wrong = np.flatnonzero(positions != right)
    return [
        Problem(
            "T05",
            quote(rows.keys[int(met[place])].as_py()),
            quote(wanted.keys[int(right[place])].as_py()),
            "copy the order of the list, never sort",
            file,
            int(rows.lines[met[place]]),
            len(wrong),
        )
        for place in wrong[:SHOWN].tolist()
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
