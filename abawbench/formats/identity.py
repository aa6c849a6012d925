"""Which row of a list each row of a prediction is: settled before rows are counted, filled or scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import SHOWN, Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.formats.keys import row_names
from abawbench.formats.layout import Key, prediction_layouts
from abawbench.formats.names import frame_step, legible_names, match_units, renumbered_units, respelt, step_cause
from abawbench.formats.text import quote
from abawbench.table import NO_FRAME, Alignment, Integers, Mask, Rows, Table, align, places_of, row_keys

LEAVE_OUT = "give the rows the names of the list, or leave out those of units that are not in it"


@dataclass(frozen=True, eq=False)
class Identified:
    """A prediction whose rows have the names of a list, and how they meet the rows of the list.

    Attributes:
        table: the prediction, with names and frames as the list has them.
        alignment: rows of `table` for the rows of the list.
        more_units: rows of `table` in units that are not in the list.
        more_frames: rows of `table` in listed units whose frames are not in the list.
    """

    table: Table
    alignment: Alignment
    more_units: Rows
    more_frames: Rows


@dataclass(frozen=True, eq=False)
class _Surplus:
    """The predicted rows that are not in a list, by what they are: repetitions, other frames, other units."""

    repeated: Rows
    frames: Rows
    units: Rows


def identify(challenge: Challenge, prediction: Table, wanted: Table, called_for: Mask | None = None) -> Identified:
    """Settle which row of a list each row of a prediction is.

    Names that are spelt otherwise, and frames counted from another number, are read as those of the list where they
    then match one to one; a note of the table says so. Rows that are not in the list stay in the table.

    Args:
        challenge: challenge of both.
        prediction: predicted rows.
        wanted: rows of the list, or of the truth.
        called_for: mask of the rows of `wanted` that need a prediction; by default all.

    Raises:
        ProblemError: T06, rows have no prediction and predicted rows stand beside the list that could be theirs, or two
            names fit one name of the list; T03, rows occur more often than in the list, with other values; T07, a file
            without names of rows has more rows than its unit has frames.
    """
    alignment = align(wanted, prediction)
    if not len(alignment.surplus):
        return Identified(prediction, alignment, alignment.surplus, alignment.surplus)
    key = prediction_layouts(challenge)[0].key
    is_missing = _missing(alignment, called_for)
    table, causes = prediction, ()
    if is_missing.any() or not prediction.is_store:
        table, causes = _with_names(prediction, wanted, key)
    if table is not prediction:
        _require_distinct(prediction, table, key)
        alignment = align(wanted, table)
    base = 0 if bool((wanted.frame == 0).any()) else challenge.frame_base
    step = frame_step(_names(table), _units(table, wanted), _names(wanted), base)
    if step:
        counted = replace(table, frame=np.where(table.frame == NO_FRAME, NO_FRAME, table.frame + step).astype(np.int32))
        reason = _reason_against(counted, wanted, called_for)
        if reason is None:
            table, alignment, causes = counted, align(wanted, counted), (*causes, step_cause(step))
        elif step > 0:
            raise ProblemError(*_not_counted(table, wanted, key, step, reason))
    surplus = _surplus(table, wanted, alignment)
    _require_lengths(table, wanted, surplus.frames)
    _require_copies(table, wanted, alignment, surplus.repeated, key)
    _require_settled(table, wanted, _missing(alignment, called_for), surplus, key)
    if table is not prediction:
        table = _noted(prediction, table, alignment, causes, key)
    if len(surplus.repeated):
        table = _without_copies(table, surplus.repeated, key)
        alignment = align(wanted, table)
        surplus = _surplus(table, wanted, alignment)
    return Identified(table, alignment, surplus.units, surplus.frames)


def row_text(table: Table, row: int, key: Key) -> str:
    """The name of a row in messages: as the format writes it, or the unit and the frame where it writes no unit."""
    names = None if key in {"line", "frame"} else row_names(table.take(np.array([row])), key)
    return table.name(row) if names is None else names[0].as_py()


def _with_names(prediction: Table, wanted: Table, key: Key) -> tuple[Table, tuple[str, ...]]:
    """The prediction with the list's names of units, as far as they are found, and the causes of the wrong names."""
    causes: list[str] = []
    table = prediction
    has_frames = bool((wanted.frame != NO_FRAME).any())
    if has_frames and len(table) and bool((table.frame == NO_FRAME).all()):
        names = _legible_names(table, key)
        if names is not None:
            table = replace(table, videos=names[0], video=names[1], frame=names[2])
            causes.append("give the video and the frame of each row apart")
    elif not has_frames and len(np.unique(table.video)) == len(table) and bool((table.frame != NO_FRAME).any()):
        table = replace(table, frame=np.full(len(table), NO_FRAME, np.int32))
        causes.append("give no frame: a row is a whole video or image")
    unit, why = match_units(table.videos, wanted.videos)
    if not has_frames and bool((unit < 0).any()):
        renumbered = renumbered_units(table.videos, wanted.videos)
        if renumbered is not None:
            unit, why = renumbered[0], (*why, step_cause(renumbered[1]))
    own = np.array([name == wanted.videos[place] for name, place in zip(table.videos, unit, strict=True)], bool)
    if bool(own[unit >= 0].all()):
        return table, tuple(causes)
    unknown = np.flatnonzero(unit < 0)
    place = unit.copy()
    place[unknown] = len(wanted.videos) + np.arange(len(unknown))
    videos = (*wanted.videos, *(table.videos[name] for name in unknown.tolist()))
    return replace(table, videos=videos, video=place[table.video]), (*causes, *why)


def _legible_names(table: Table, key: Key) -> tuple[tuple[str, ...], Integers, Integers] | None:
    """Videos and frames of a table whose names of units are names of rows."""
    import pyarrow as pa

    kind: Key = "frame-path" if key == "frame-path" else "path"
    texts = pa.chunked_array([pa.array(table.videos, pa.string()).take(pa.array(table.video))])
    found = legible_names(texts, kind)
    return None if found is None else found[0]


def _require_distinct(given: Table, named: Table, key: Key) -> None:
    """Refuse names of the prediction that fall on one name of the list. Raises: ProblemError T06."""
    if len(np.unique(named.video)) == len(np.unique(given.video)):
        return
    packed = row_keys(named.video, named.frame)
    order = np.argsort(packed, kind="stable")
    same = (packed[order][1:] == packed[order][:-1]) & (given.video[order][1:] != given.video[order][:-1])
    pairs = np.flatnonzero(same)
    if not len(pairs):
        return
    fix = "keep one of the two; the names of the list are the right ones"
    raise ProblemError(
        *(
            Problem(
                "T06",
                f"{quote(row_text(given, int(order[place]), key))} and "
                f"{quote(row_text(given, int(order[place + 1]), key))}, which both fit one name of the list",
                quote(row_text(named, int(order[place]), key)),
                fix,
                given.source,
                count=len(pairs),
            )
            for place in pairs[:SHOWN].tolist()
        )
    )


def _reason_against(counted: Table, wanted: Table, called_for: Mask | None) -> str | None:
    """Why frames counted from another number do not fit the list, in words; None where they fit."""
    alignment = align(wanted, counted)
    surplus = _surplus(counted, wanted, alignment)
    bounds = _Bounds.of(wanted, wanted)
    units = _units(counted, wanted)
    have = _Bounds.of(counted, wanted)
    # such a unit may lack its first frame, or be counted as the list counts
    others = np.flatnonzero(have.first == bounds.first + 1)
    if len(others) and (have.first == bounds.first).any():
        return f"frames of '{wanted.videos[others[0]]}' begin at 1"
    beyond = surplus.frames[counted.frame[surplus.frames] > bounds.last[units[counted.video[surplus.frames]]]]
    if len(beyond):
        last = int(bounds.last[units[counted.video[beyond[0]]]])
        return f"{counted.name(int(beyond[0]))} would then lie behind the last one of the list, {last}"
    is_missing = _missing(alignment, called_for)
    if is_missing.any() and len(surplus.frames):
        return f"{wanted.name(int(np.flatnonzero(is_missing)[0]))} would then still have no row, while others stay over"
    return None


def _not_counted(table: Table, wanted: Table, key: Key, step: int, reason: str) -> list[Problem]:
    rows = np.flatnonzero((_units(table, wanted)[table.video] >= 0) & (table.frame == 0))
    moved = replace(table, frame=(table.frame + step).astype(np.int32))
    advice = f"{step_cause(step)}, or remove the rows of frame 0; which of the two is not clear: {reason}"
    return [
        Problem(
            "T06",
            quote(row_text(table, row, key)),
            f"frames from 1, as {quote(row_text(moved, row, key))}",
            advice,
            table.source,
            count=len(rows),
        )
        for row in rows[:SHOWN].tolist()
    ]


def _require_lengths(table: Table, wanted: Table, rows: Rows) -> None:
    """Refuse files in which the place of a row is its frame, if they are too long. Raises: ProblemError T07."""
    if not table.is_by_place or not len(rows):
        return
    have, listed = _Bounds.of(table, wanted), _Bounds.of(wanted, wanted)
    # decoders find up to two frames more than a container says
    wrong = np.flatnonzero(have.last > listed.last + 2)
    fix = "write one line for each frame, frame 1 first; where a file holds its rows twice, keep one copy"
    problems = [
        Problem(
            "T07",
            f"{have.last[unit] - have.first[unit] + 1:,} rows for '{wanted.videos[unit]}'",
            f"{listed.last[unit] - listed.first[unit] + 1:,}, one for each frame",
            fix,
            table.source,
            count=len(wrong),
        )
        for unit in wrong[:SHOWN].tolist()
    ]
    if problems:
        raise ProblemError(*problems)


def _require_copies(table: Table, wanted: Table, alignment: Alignment, rows: Rows, key: Key) -> None:
    """Refuse rows that occur more often than in the list, unless they are copies. Raises: ProblemError T03."""
    if not len(rows):
        return
    listed = row_keys(wanted.video, wanted.frame)
    order = np.argsort(listed, kind="stable")
    own = row_keys(_units(table, wanted)[table.video[rows]], table.frame[rows])
    first = alignment.rows[order[np.searchsorted(listed[order], own)]]
    is_copy = np.ones(len(rows), bool)
    blocks = [*table.values.values(), *(() if table.probability is None else (table.probability,))]
    for block in blocks:
        same = (block[rows] == block[first]) | ((block[rows] != block[rows]) & (block[first] != block[first]))
        is_copy &= same if same.ndim == 1 else np.all(same, axis=1)
    other = rows[~is_copy]
    problems = [
        Problem(
            "T03",
            f"{quote(row_text(table, row, key))} once more, with other values",
            "each row as often as in the list",
            "keep one row of each name",
            table.source,
            count=len(other),
        )
        for row in other[:SHOWN].tolist()
    ]
    if problems:
        raise ProblemError(*problems)


def _without_copies(table: Table, rows: Rows, key: Key) -> Table:
    """The table without rows that occur more often than in the list, and a note about them."""
    found = f"{quote(row_text(table, int(rows[0]), key))} once more, with the same values: read once"
    fix = "keep one row of each name"
    note = Problem("N14", found, "each row as often as in the list", fix, table.source, count=len(rows))
    kept = table.take(np.setdiff1d(np.arange(len(table)), rows))
    return replace(kept, notes=(*kept.notes, note))


def _require_settled(table: Table, wanted: Table, is_missing: Mask, surplus: _Surplus, key: Key) -> None:
    """Refuse rows beside the list that could be those that are missing. Raises: ProblemError T06."""
    if not is_missing.any():
        return
    problems = _misplaced_frames(table, wanted, is_missing, surplus.frames, key)
    if not table.is_store:
        problems += _unknown_units(table, wanted, is_missing, surplus.units, key)
    if problems:
        raise ProblemError(*problems)


def _misplaced_frames(table: Table, wanted: Table, is_missing: Mask, rows: Rows, key: Key) -> list[Problem]:
    """T06 for listed units with rows outside the frames of the list, if another first number would take them all in."""
    if not len(rows):
        return []
    units = _units(table, wanted)
    have, listed = _Bounds.of(table, wanted), _Bounds.of(wanted, wanted)
    lacks = np.zeros(len(wanted.videos), bool)
    lacks[wanted.video[is_missing]] = True
    is_outside = (have.first < listed.first) | (have.last > listed.last)
    could_move = have.last - have.first <= listed.last - listed.first
    is_open = lacks & is_outside & (could_move | (have.first == NO_FRAME))
    wrong = rows[is_open[units[table.video[rows]]]]
    problems: list[Problem] = []
    for unit in np.unique(units[table.video[wrong]])[:SHOWN].tolist():
        row = int(wrong[units[table.video[wrong]] == unit][0])
        first, last = int(listed.first[unit]), int(listed.last[unit])
        found = f"{quote(row_text(table, row, key))}; frames of '{wanted.videos[unit]}' from {have.first[unit]}"
        expected = f"frames from {first} to {last}, as in the list"
        fix = "number the frames as the list does, or remove the rows of frames that are not in it"
        problems.append(Problem("T06", f"{found} to {have.last[unit]}", expected, fix, table.source, count=len(wrong)))
    return problems


def _unknown_units(table: Table, wanted: Table, is_missing: Mask, rows: Rows, key: Key) -> list[Problem]:
    """T06 for units that are not in the list, if a unit of the list has no row at all."""
    answered = np.zeros(len(wanted.videos), bool)
    units = _units(table, wanted)[table.video]
    answered[units[units >= 0]] = True
    lacking = np.flatnonzero(is_missing & ~answered[wanted.video])
    if not len(lacking):
        return []
    count = len(np.unique(wanted.video[lacking]))
    have = "unit has" if count == 1 else "units have"
    example = quote(row_text(wanted, int(lacking[0]), key))
    firsts = np.sort(np.unique(table.video[rows], return_index=True)[1])
    return [
        Problem(
            "T06",
            f"{quote(row_text(table, row, key))}, which is not in the list",
            f"{example} or another name of the list, of which {count:,} {have} no row",
            LEAVE_OUT,
            table.source,
            count=len(rows),
        )
        for row in rows[firsts][:SHOWN].tolist()
    ]


def _noted(given: Table, table: Table, alignment: Alignment, causes: Sequence[str], key: Key) -> Table:
    """The table with a note on the rows that have another name than they were given."""
    before = places_of(given.videos, table.videos)
    changed = (before[given.video] != table.video) | (given.frame != table.frame)
    changed[alignment.surplus] = False
    rows = np.flatnonzero(changed)
    if not len(rows):
        return table
    found, right = (row_text(one, int(rows[0]), key) for one in (given, table))
    return replace(table, notes=(*table.notes, respelt(found, right, causes, table.source, len(rows))))


@dataclass(frozen=True, eq=False)
class _Bounds:
    """First and last frame of each unit; of a unit without rows, the first is above all and the last below."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @staticmethod
    def of(table: Table, wanted: Table) -> _Bounds:
        """The bounds in a table of each unit of a list."""
        units = _units(table, wanted)[table.video]
        known, count = units >= 0, len(wanted.videos)
        first, last = np.full(count, np.iinfo(np.int32).max, np.int64), np.full(count, -2, np.int64)
        np.minimum.at(first, units[known], table.frame[known])
        np.maximum.at(last, units[known], table.frame[known])
        return _Bounds(first, last)


def _surplus(table: Table, wanted: Table, alignment: Alignment) -> _Surplus:
    rows = alignment.surplus
    units = _units(table, wanted)[table.video[rows]]
    is_repeated = np.isin(row_keys(units, table.frame[rows]), row_keys(wanted.video, wanted.frame)) & (units >= 0)
    return _Surplus(rows[is_repeated], rows[(units >= 0) & ~is_repeated], rows[units < 0])


def _units(table: Table, wanted: Table) -> Integers:
    """The index of each unit of a table in the list, -1 where it is not in it."""
    return places_of(table.videos, wanted.videos)


def _names(table: Table) -> tuple[tuple[str, ...], Integers, Integers]:
    return table.videos, table.video, table.frame


def _missing(alignment: Alignment, called_for: Mask | None) -> Mask:
    absent = alignment.rows < 0
    return absent if called_for is None else absent & called_for
