"""Plain data as TOML, which Python reads but does not write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml(record: Mapping[str, Any]) -> str:
    """A record of text, numbers, lists and tables as TOML; what is None is left out.

    >>> print(toml({"name": "a", "settings": {"width": 8, "parts": [{"kind": "b"}]}}), end="")
    name = "a"
    <BLANKLINE>
    [settings]
    width = 8
    <BLANKLINE>
    [[settings.parts]]
    kind = "b"
    """
    return "\n".join(_lines(record, "")).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Any], place: str) -> Iterable[str]:
    inner: list[tuple[str, Any]] = []
    for name, value in table.items():
        if isinstance(value, Mapping) or _is_tables(value):
            inner.append((name, value))
        elif value is not None:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in inner:
        inside = f"{place}.{_key(name)}" if place else _key(name)
        if isinstance(value, Mapping):
            yield from ("", f"[{inside}]", *_lines(value, inside))
        else:
            for part in value:
                yield from ("", f"[[{inside}]]", *_lines(part, inside))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(part, Mapping) for part in value)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(_value(part) for part in value)}]"
        case Mapping():
            inner = ", ".join(f"{_key(name)} = {_value(part)}" for name, part in value.items() if part is not None)
            return f"{{{inner}}}"
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
