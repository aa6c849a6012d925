"""JSON that somebody else may have written."""

from __future__ import annotations

import json
from typing import Any

# what 64 bits hold, with or without a sign
LARGEST = 1 << 64


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: the text is no JSON, is nested too deeply, or has a whole number of more than 64 bits.
    """
    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _whole_number(text: str) -> int:
    number = int(text)
    if abs(number) >= LARGEST:
        raise ValueError("a whole number of more than 64 bits")
    return number
