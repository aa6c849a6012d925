"""YAML of plain data, which every reader of YAML 1.1 and 1.2 takes for the same data; it needs no library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast


def to_yaml(value: Mapping[str, Any] | list[Any]) -> str:
    """Plain data as YAML: blocks of mappings and lists, texts in double quotes.

    Args:
        value: mappings with plain words as keys, lists, texts, finite numbers, booleans and None.

    >>> print(to_yaml({"name": "a: b", "values": [1, 0.5, 1e-07], "none": {}}), end="")
    name: "a: b"
    values:
      - 1
      - 0.5
      - 1.0e-07
    none: {}
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping) and value:
        pairs = cast(Mapping[str, Any], value)
        return [line for key, part in pairs.items() for line in _entry(f"{key}:", part)]
    if isinstance(value, list) and value:
        lines: list[str] = []
        for part in cast(list[Any], value):
            first, *others = _lines(part)
            lines += [f"- {first}", *(f"  {line}" for line in others)]
        return lines
    return [_scalar(value)]


def _entry(head: str, value: Any) -> list[str]:
    if isinstance(value, Mapping | list) and value:
        return [head, *(f"  {line}" for line in _lines(value))]
    return [f"{head} {_scalar(value)}"]


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return '"' + "".join(map(_character, value)) + '"'
    text = json.dumps(value, allow_nan=False)
    # YAML 1.1 takes 1e-07 for a word
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
