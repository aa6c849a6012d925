"""Dataclasses of the model from plain data that somebody else wrote, with every wrong field named."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from abawbench.base.problems import did_you_mean, near_names
from abawbench.challenges.model import Categorical, Continuous, MultiLabel

Steps = tuple[str | int, ...]

KINDS = {kind.__name__: kind for kind in (Continuous, Categorical, MultiLabel)}
LONGEST = 10_000
# a field that may say nothing
MAY_BE_EMPTY = "detail"
_WRONG: Any = object()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a challenge.

    Attributes:
        steps: keys and places of lists that lead to the field.
        found: what the field has.
        expected: what it should have.
        fix: advice on what to do about it.
        rule: id of the rule that is broken.
    """

    steps: Steps
    found: str
    expected: str
    fix: str = "correct the field"
    rule: str = "C05"

    @property
    def place(self) -> str:
        """The field in dotted form, as `tasks[0].low`."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        return text.removeprefix(".")


def read_fields(kind: type[Any], table: object, faults: list[Fault]) -> Any:
    """Make a dataclass of plain data; None where a field is wrong, missing or unknown, which goes to the faults.

    Lists become tuples. An optional field, list or table may be left out. Which task is meant is said by its `kind`.
    """
    before = len(faults)
    made = _of_dataclass(kind, table, (), faults)
    return None if len(faults) > before else made


def _read(hint: Any, value: object, steps: Steps, faults: list[Fault]) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        kinds = [part for part in inner if part is not type(None)]
        return _of_task(value, steps, faults) if len(kinds) > 1 else _read(kinds[0], value, steps, faults)
    if origin is Literal:
        return value if value in inner else _wrong(steps, value, near_names(str(value), inner), faults)
    if origin is tuple:
        if not isinstance(value, list):
            return _wrong(steps, value, "a list", faults)
        parts = cast("list[object]", value)
        return tuple(_read(inner[0], part, (*steps, place), faults) for place, part in enumerate(parts))
    if origin is Mapping:
        if not isinstance(value, dict):
            return _wrong(steps, value, "a table", faults)
        return {
            _text(name, steps, faults): _read(inner[1], part, (*steps, name), faults)
            for name, part in cast("dict[str, object]", value).items()
        }
    if is_dataclass(hint):
        return _of_dataclass(cast("type[Any]", hint), value, steps, faults)
    if hint is str:
        return _text(value, steps, faults)
    return _number(hint, value, steps, faults)


def _of_task(value: object, steps: Steps, faults: list[Fault]) -> Any:
    table = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        found = value if not table else kind
        return _wrong((*steps, "kind"), found, near_names(str(kind), KINDS), faults)
    return _of_dataclass(KINDS[kind], {name: part for name, part in table.items() if name != "kind"}, steps, faults)


def _of_dataclass(kind: type[Any], value: object, steps: Steps, faults: list[Fault]) -> Any:
    if not isinstance(value, dict):
        return _wrong(steps, value, "a table", faults)
    table = cast("dict[str, object]", value)
    hints, made, before = _hints(kind), dict[str, Any](), len(faults)
    for name in sorted(table.keys() - hints.keys()):
        fix = did_you_mean(name, hints, "leave it out")
        faults.append(Fault((*steps, name), "a field that is not known", near_names(name, hints), fix))
    for name, hint in hints.items():
        if name in table:
            made[name] = _read(hint, table[name], (*steps, name), faults)
            continue
        default = _absent(kind, name, hint)
        if default is _WRONG:
            fix = "add it; a file of `abawbench challenges new` has every field"
            faults.append(Fault((*steps, name), "no such field", f"a value for {name}", fix))
        made[name] = default
    return kind(**made) if len(faults) == before else _WRONG


def _absent(kind: type[Any], name: str, hint: Any) -> Any:
    """The value of a field that is left out; `_WRONG` where it may not be."""
    default = next(field.default for field in fields(kind) if field.name == name)
    if default is not MISSING:
        return default
    if type(None) in get_args(hint):
        return None
    if name == MAY_BE_EMPTY:
        return ""
    return {tuple: (), Mapping: {}}.get(get_origin(hint), _WRONG)


@functools.cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _text(value: object, steps: Steps, faults: list[Fault]) -> Any:
    if not isinstance(value, str):
        quoted = '; a name with a dot in it is quoted, as "sizes.test"' if isinstance(value, dict) else ""
        return _wrong(steps, value, f"text{quoted}", faults)
    if not value.isprintable() or len(value) > LONGEST:
        return _wrong(steps, value, f"text in one line, of at most {LONGEST:,} letters", faults)
    if value != value.strip() or (not value and steps[-1] != MAY_BE_EMPTY):
        return _wrong(steps, value, "text without blanks around it", faults)
    return value


def _number(hint: type[Any], value: object, steps: Steps, faults: list[Fault]) -> Any:
    if hint is int:
        is_right = isinstance(value, int) and not isinstance(value, bool)
        return value if is_right else _wrong(steps, value, "a whole number", faults)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return _wrong(steps, value, "a number", faults)
    return float(value)


def _wrong(steps: Steps, value: object, expected: str, faults: list[Fault]) -> Any:
    faults.append(Fault(steps, _shown(value), expected))
    return _WRONG


def _shown(value: object) -> str:
    text = "a table" if isinstance(value, dict) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def lines_of(text: str) -> Mapping[Steps, int]:
    """The line of each table and key of a TOML text, as far as it is laid out in the usual way."""
    return dict(reversed(list(_lines(text))))


def _lines(text: str) -> Iterator[tuple[Steps, int]]:
    above: Steps = ()
    counts: dict[Steps, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("[["):
            names = _names(stripped.strip("[] ").partition("]]")[0])
            counts[names] = counts.get(names, -1) + 1
            above = (*names, counts[names])
            yield above, number
        elif stripped.startswith("[") and not line.startswith(" "):
            above = _names(stripped[1:].partition("]")[0])
            yield above, number
        elif "=" in stripped and not stripped.startswith("#"):
            yield (*above, *_names(stripped.partition("=")[0])), number


def _names(key: str) -> tuple[str, ...]:
    """The parts of a key; a quoted one is one part."""
    key = key.strip()
    if key[:1] in {'"', "'"}:
        return (key.strip("\"'"),)
    return tuple(part.strip().strip("\"'") for part in key.split("."))
