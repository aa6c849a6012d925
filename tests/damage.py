"""Good files turned into bad ones: bytes cut off and changed, and fields that are missing, new, or of another type."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from abawbench.base.problems import ProblemError

DEEP: Any = json.loads("[" * 90 + "]" * 90)
# in place of any value
ODD: tuple[Any, ...] = (
    *(None, True, -1, 10**18, 1e308, float("nan")),
    *("", "x\n\ud800", "../x"),
    *([], [[1, "a"]], {}, {"a": {}}, DEEP),
)


def changed_bytes(data: bytes, number: int = 60, seed: int = 0) -> Iterator[bytes]:
    """Copies with a few bytes changed, cut short, or with bytes added; the same ones for each seed."""
    chance = random.Random(seed)
    yield from (b"", data[:1], data[: len(data) // 2], data[:-1], data + b"\0", data * 2)
    for _ in range(number):
        place = chance.randrange(len(data))
        # the ends of many formats hold their lengths and places
        place = chance.choice((place, place % 64, len(data) - 1 - place % 64)) % len(data)
        new = chance.randbytes(chance.randrange(4))
        yield data[:place] + new + data[place + chance.choice((len(new), len(new), 1)) :]


def changed_fields(record: Any) -> Iterator[Any]:
    """Copies of a JSON value: each field left out, one added to each object, and each value replaced by odd ones."""
    before = json.dumps(record)
    for place in ((), *_places(record)):
        inside = record
        for key in place:
            inside = inside[key]
        others = (*ODD, {**inside, "surplus": 1}) if isinstance(inside, dict) else ODD
        for change in (*(_with(record, place, value) for value in others), _without(record, place)):
            if json.dumps(change) != before:
                yield change


def outcome(read: Callable[[], Any]) -> Any:
    """What a reader gives, or the problems that it raises; any other error is raised."""
    try:
        return read()
    except ProblemError as error:
        str(error).encode()
        return error


def _places(value: Any) -> Iterator[tuple[Any, ...]]:
    keys = value.keys() if isinstance(value, dict) else range(min(2, len(value))) if isinstance(value, list) else ()
    for key in keys:
        yield (key,)
        yield from ((key, *rest) for rest in _places(value[key]))


def _with(record: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    whole = copy.copy(record)
    whole[place[0]] = _with(record[place[0]], place[1:], value)
    return whole


def _without(record: Any, place: tuple[Any, ...]) -> Any:
    if not place:
        return record
    whole = copy.copy(record)
    if len(place) == 1:
        whole.pop(place[0])
    else:
        whole[place[0]] = _without(record[place[0]], place[1:])
    return whole
