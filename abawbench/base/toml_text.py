"""TOML that somebody else may have written."""

from __future__ import annotations

import re
import tomllib
from typing import Any, cast

from abawbench.base.json_text import check_depth, check_number

# a name of so many parts, over which `tomllib` takes the square of their number of steps
_LONG_KEY = re.compile(r"""(?:(?:(?<![\w-])[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")


def parse_toml(text: str | bytes) -> dict[str, Any]:
    """The table of a TOML text.

    Raises:
        ValueError: the text is no UTF-8 or no TOML (`tomllib.TOMLDecodeError`), is nested too deeply, or has a whole
            number of more than 64 bits.
    """
    text = text if isinstance(text, str) else text.decode()
    if _LONG_KEY.search(text):
        raise ValueError("nested too deeply")
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    check_depth(table)
    _check_numbers(table)
    return table


def _check_numbers(value: Any) -> None:
    if isinstance(value, int):
        check_number(value)
    elif isinstance(value, dict | list):
        for part in cast("list[Any]", list(value.values()) if isinstance(value, dict) else value):
            _check_numbers(part)
