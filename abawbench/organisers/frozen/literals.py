"""Plain data as Python writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 120


def literal(value: Any, indent: str = "", room: int = WIDTH) -> str:
    """A value as Python writes it, broken into lines where it is long, with short parts side by side.

    Args:
        value: text, a number, a truth value, None, or lists and dictionaries of these.
        indent: blanks before the line in which the value ends.
        room: characters that a line may have where the value begins.

    >>> print(literal({"a": ["b", 1.0], "c": None}))
    {"a": ["b", 1.0], "c": None}
    """
    if isinstance(value, str):
        return _text(value, indent, room)
    if not isinstance(value, Mapping | list):
        return repr(value)
    begin, end = "{}" if isinstance(value, Mapping) else "[]"
    items: list[tuple[str, Any]] = (
        [(f"{literal(name)}: ", part) for name, part in value.items()]
        if isinstance(value, Mapping)
        else [("", part) for part in value]
    )
    whole = begin + ", ".join(name + literal(part, room=10**9) for name, part in items) + end
    if len(indent) + len(whole) + 1 <= room:
        return whole
    if isinstance(value, list) and len(items) == 1 and isinstance(value[0], Mapping):
        return f"[{literal(value[0], indent, room - 2)}]"
    inner = indent + "    "
    texts = [name + literal(part, inner, WIDTH - len(name)) for name, part in items]
    return f"{begin}\n{_filled(texts, inner)}{indent}{end}"


def _text(value: str, indent: str, room: int) -> str:
    """A text; one that is too long for a line in pieces below each other."""
    whole = _quoted(value)
    if len(indent) + len(whole) + 1 <= room:
        return whole
    # an escaped character takes at most 12 others
    size = (WIDTH - len(indent) - 6) // (1 if value.isprintable() and value.isascii() and '"' not in value else 12)
    pieces = [value[begin : begin + size] for begin in range(0, len(value), size)]
    return "(\n" + "".join(f"{indent}    {_quoted(piece)}\n" for piece in pieces) + f"{indent})"


def _quoted(value: str) -> str:
    """A text in double quotes, unless it holds some."""
    text = ascii(value)
    return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text


def _filled(texts: Sequence[str], indent: str) -> str:
    """Lines of texts with a comma behind each; a text of several lines, or a list of texts, has lines of its own."""
    lines: list[str] = []
    is_open = False
    for text in texts:
        is_alone = "\n" in text or text.startswith("{")
        if is_open and not is_alone and len(lines[-1]) + len(text) + 2 <= WIDTH:
            lines[-1] += f" {text},"
        else:
            lines.append(f"{indent}{text},")
        is_open = not is_alone
    return "".join(f"{line}\n" for line in lines)
