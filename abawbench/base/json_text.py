"""JSON that somebody else may have written."""

from __future__ import annotations

import json
import re
from typing import Any, cast

# what 64 bits hold, with or without a sign
LARGEST = 1 << 64
DEEPEST = 100
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text is no JSON, is nested too deeply, has a whole number of more than 64 bits, or escapes that
            are no characters.
    """
    try:
        plain = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        value = json.loads(plain, parse_int=_whole_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    check_depth(value)
    if _HALF.search(plain):
        # half of a character cannot be written again
        json.dumps(value, ensure_ascii=False).encode()
    return value


def parse_fields(text: str | bytes) -> dict[str, Any]:
    """The fields of a JSON object. Raises: ValueError, as `parse_json`, or the text is no object."""
    value = parse_json(text)
    if not isinstance(value, dict):
        raise ValueError(f"a {type(value).__name__} where fields are expected")
    return cast(dict[str, Any], value)


def check_depth(value: Any) -> None:
    """Check that every function may walk through lists and dictionaries. Raises: ValueError, nested too deeply."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            part
            for whole in level
            if isinstance(whole, dict | list)
            for part in cast("list[Any]", list(whole.values()) if isinstance(whole, dict) else whole)
            if isinstance(part, dict | list)
        ]
        if not level:
            return
    raise ValueError("nested too deeply")


def check_number(number: int) -> None:
    """Check that a whole number fits every array. Raises: ValueError, it has more than 64 bits."""
    if abs(number) >= LARGEST:
        raise ValueError("a whole number of more than 64 bits")


def _whole_number(text: str) -> int:
    number = int(text)
    check_number(number)
    return number
