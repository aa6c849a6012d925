"""One field of a line: is it a value of its column, and if not, which rule does it break."""

from __future__ import annotations

import math
import re

from abawbench.formats.layout import Column, Layout, Role
from abawbench.labels import CLASS_SENTINEL, VALENCE_AROUSAL_SENTINEL

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
INTEGER = re.compile(r"-?\d+", re.ASCII)
INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
BLANKS = " \t"

FIXES = {
    "V01": "write a finite number in every row; `abawbench write --fill` names policies for rows without prediction",
    "V02": "find where the model overflows, then write a finite number",
    "V03": "clip the prediction to the range of the column before writing",
    "V04": "write a prediction: a sentinel marks a missing annotation and would be counted as wrong",
    "V05": "write the integer alone: 4, not 4.0",
    "V06": "write the class's position in the challenge's list, counted from 0",
    "V07": "apply the threshold before writing",
    "V09": "compare the annotation with the organisers' file",
}


def verdict(column: Column, field: str, role: Role) -> str | None:
    """The rule that a field breaks, None where it is a value of its column.

    Args:
        column: what the field should hold.
        field: the text without blanks around it.
        role: a truth may hold the column's sentinel, and classes written as `4.0`; a prediction may not.
    """
    if column.kind == "text":
        return None
    if INFINITE.fullmatch(field):
        return "V02"
    if not NUMBER.fullmatch(field):
        return "V01"
    value = float(field)
    if math.isinf(value):
        return "V02"
    if role == "truth":
        is_whole = column.kind in {"number", "probability"} or value == int(value)
        is_value = (column.low <= value <= column.high and is_whole) or value == column.sentinel
        return None if is_value else "V09"
    return _prediction_verdict(column, field, value)


def _prediction_verdict(column: Column, field: str, value: float) -> str | None:
    in_range = column.low <= value <= column.high
    if column.kind in {"number", "probability"}:
        if in_range:
            return None
        return "V04" if column.low < 0 and value == VALENCE_AROUSAL_SENTINEL else "V03"
    if value == CLASS_SENTINEL:
        return "V04"
    is_two_valued = column.kind == "binary" or column.high == 1
    if in_range and INTEGER.fullmatch(field):
        return None
    if value != int(value):
        return "V07" if is_two_valued else "V05"
    if in_range:
        return "V05"
    return "V07" if is_two_valued else "V06"


def expected(column: Column, role: Role) -> str:
    """What a column holds, in words."""
    match column.kind:
        case "number" | "probability":
            text = f"a number from {column.low:g} to {column.high:g}"
        case "integer" if column.high > 1:
            text = f"an integer from 0 to {column.high:g}"
        case "text":
            text = "any text"
        case _:
            text = "0 or 1"
    return f"{text}, or {column.sentinel:g}" if role == "truth" and column.sentinel is not None else text


def is_number(field: str) -> bool:
    """True for a field that a header would not hold."""
    return bool(NUMBER.fullmatch(field.strip(BLANKS)))


def good_line(layout: Layout) -> re.Pattern[bytes] | None:
    """A pattern that only faultless lines match, for passing over them quickly; None where there is none.

    It need not match every faultless line.
    """
    # visible ASCII but for the comma and the quote
    parts = {"line": [], "frame": ["[0-9]+"]}.get(layout.key, ["[!#-+\\--~]+"])
    for column in layout.columns:
        match column.kind:
            case "number" if (column.low, column.high) in {(-1, 1), (0, 1)}:
                part = ("-?" if column.low < 0 else "") + "(?:0(?:\\.\\d+)?|1(?:\\.0+)?)"
            case "integer" if column.high <= 9:
                part = f"[0-{column.high:g}]"
            case "binary":
                part = "[01]"
            case _:
                return None
        if layout.role == "truth" and column.sentinel is not None:
            part = f"(?:{part}|{column.sentinel:g}(?:\\.0+)?)"
        parts.append(part)
    return re.compile((",".join(parts) + "\\r?\\n").encode()) if layout.columns else None
