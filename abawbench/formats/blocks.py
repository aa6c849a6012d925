"""Rows that stand in a file more than once: files put together, units written twice, answers behind the sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Copies:
    """What stands more than once in a file.

    Attributes:
        kept: places of the rows that remain.
        dropped: places of rows that stand in the file again, with the same values.
        sample: places of rows of the organisers' sample, which others answer.
        unlike: places of rows that another row contradicts.
    """

    kept: tuple[int, ...]
    dropped: tuple[int, ...] = ()
    sample: tuple[int, ...] = ()
    unlike: tuple[int, ...] = ()


def has_copies(keys: Iterable[str]) -> bool:
    """True if a name stands more than once."""
    seen: set[str] = set()
    return any(key in seen or seen.add(key) for key in keys)


def of_named_rows(keys: Sequence[str], values: Sequence[str], starts: Sequence[int], listed: Counter[str]) -> Copies:
    """Find copies among rows that have names.

    Args:
        keys: name of each row.
        values: the rest of each row.
        starts: places at which a header stood before the row.
        listed: how often the list has each name; empty where there is no list. Without it, a name may stand in each
            part between two headers as often as in the first part that has it.
    """
    empty = [place for place, value in enumerate(values) if not value.strip(", ")]
    if empty:
        answered = {key for key, value in zip(keys, values, strict=True) if value.strip(", ")}
        if all(keys[place] in answered for place in empty):
            return Copies(_without(len(keys), empty), sample=tuple(empty))
    counts = Counter(keys)
    if listed and not any(count > listed[key] > 0 for key, count in counts.items()):
        return Copies(tuple(range(len(keys))))
    parts = _parts(len(keys), starts)
    again = _parts_within_others(keys, values, parts)
    if again:
        return Copies(_without(len(keys), again), dropped=tuple(again))
    allowed = listed or _once_in_the_first_part(keys, parts)
    if not any(count > allowed[key] > 0 for key, count in counts.items()):
        return Copies(tuple(range(len(keys))))
    again = []
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    unlike: list[int] = []
    firsts: list[int] = []
    for key, found in places.items():
        often = allowed[key]
        if not 0 < often < len(found):
            continue
        first = found[:often]
        firsts += first
        for place, earlier in zip(found[often:], first * (len(found) // often + 1), strict=False):
            (again if values[place] == values[earlier] else unlike).append(place)
    if unlike and listed and _is_sample(keys, values, firsts, listed):
        return Copies(_without(len(keys), firsts), sample=tuple(sorted(firsts)))
    if unlike:
        return Copies(tuple(range(len(keys))), unlike=tuple(sorted(unlike)))
    return Copies(_without(len(keys), again), dropped=tuple(sorted(again)))


def of_numbered_rows(rows: Sequence[str], starts: Sequence[int], counts: Sequence[int]) -> Copies:
    """Find copies in the file of one unit, whose rows are told by their place.

    Args:
        rows: the rows.
        starts: places at which a header stood before the row.
        counts: numbers of rows that the unit may have; empty where they are not known.
    """
    every = tuple(range(len(rows)))
    if not rows or len(rows) in counts:
        return Copies(every)
    ranges = _parts(len(rows), starts)
    if len(ranges) == 1:
        size = next((count for count in counts if count and len(rows) % count == 0), None)
        if size is None:
            return Copies(every)
        ranges = [range(begin, begin + size) for begin in range(0, len(rows), size)]
    parts = [(part.start, rows[part.start : part.stop]) for part in ranges]
    # the longest part is the unit; a shorter one is a run that was stopped
    begin, unit = max(parts, key=lambda part: len(part[1]))
    unlike = [
        start + place
        for start, part in parts
        for place, (row, right) in enumerate(zip(part, unit, strict=False))
        if row != right
    ]
    if unlike:
        return Copies(every, unlike=tuple(unlike))
    kept = tuple(range(begin, begin + len(unit)))
    return Copies(kept, dropped=_without(len(rows), kept))


def _parts(size: int, starts: Sequence[int]) -> list[range]:
    """The rows between two headers."""
    return [range(begin, end) for begin, end in pairwise(sorted({0, *starts, size})) if end > begin]


def _parts_within_others(keys: Sequence[str], values: Sequence[str], parts: Sequence[range]) -> list[int]:
    """Places of the rows of parts that are, names and values, within a longer or an earlier part."""
    if len(parts) < 2:
        return []
    rows = {part: Counter((keys[place], values[place]) for place in part) for part in parts}
    kept: list[range] = []
    for part in sorted(parts, key=len, reverse=True):
        if not any(rows[part] <= rows[other] for other in kept):
            kept.append(part)
    return [place for part in parts if part not in kept for place in part]


def _once_in_the_first_part(keys: Sequence[str], parts: Sequence[range]) -> Counter[str]:
    """How often each name stands in the first part that has it, where a later part has no other names; else empty."""
    names = [Counter(keys[place] for place in part) for part in parts]
    allowed: Counter[str] = Counter()
    for number, part in enumerate(names):
        if any(part.keys() <= other.keys() or other.keys() <= part.keys() for other in names[:number]):
            for key in part:
                allowed[key] = next(other[key] for other in names if key in other)
    return allowed


def _is_sample(keys: Sequence[str], values: Sequence[str], firsts: Sequence[int], listed: Counter[str]) -> bool:
    """True if the first rows of the file are the list, all with one value or none, and the answers follow."""
    size = sum(listed.values())
    is_whole = len(firsts) == size and len(keys) == 2 * size and set(firsts) == set(range(size))
    return is_whole and len(set(values[:size])) == 1 and len(set(values[size:])) > 1


def _without(size: int, places: Sequence[int]) -> tuple[int, ...]:
    left_out = set(places)
    return tuple(place for place in range(size) if place not in left_out)
