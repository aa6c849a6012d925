"""Mending the fields of a row where there is only one way to do it."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Protocol

from abawbench.formats.columns import BLANKS, Probability
from abawbench.formats.layout import Layout
from abawbench.formats.text import quote

# largest error of p0 + p1 that comes from rounding them separately
NEAR_ONE = 1e-3
_BLANK = re.compile(f"[{BLANKS}]")
# what arrays, tensors and NumPy's numbers print around their values
_NAME = r"(?:tensor|array|Tensor|DeviceArray|(?:np|numpy|torch|jnp)\.\w+)\("
_CALL = re.compile(rf"\b{_NAME}")
_KEYWORD = re.compile(
    r",\s*(?:device|dtype|grad_fn|requires_grad|size|shape)\s*=\s*(?:'[^']{0,99}'|<[^>]{0,99}>|\w[\w.]*(?:\([^)]{0,99}\))?)"
)
# a field that begins as such a text does
_PRINTED = re.compile(rf"(?:(?<=,)|(?<=^))\s*(?=[\[(]|{_NAME})")


class Tell(Protocol):
    """Called for a fault that is mended; `expected` is given where it depends on the column."""

    def __call__(self, rule: str, *, found: str, expected: str | None = None) -> None:
        """Take note of the fault."""
        ...


def mend_row(line: str, layout: Layout, tell: Tell) -> str:
    """Mend one row; faults that cannot be mended stay.

    Args:
        line: a line whose fields are separated by commas.
        layout: the layout of the row.
        tell: called for each fault that is mended.
    """
    if layout.has_text:
        return line
    if layout.key == "frame-path":
        line = _without_end_comma(line, tell)
    stripped = line.rstrip(BLANKS)
    fields = layout.split(stripped)
    if len(fields) == layout.width + 1 and not fields[-1].strip(BLANKS):
        fields.pop()
        tell("F08", found=f"a comma at the end, {quote(line[-20:])}")
    elif stripped != line and layout.takes_blanks:
        tell("N06", found=quote(line[-20:]))
    elif stripped != line:
        tell("F08", found=f"a blank at the end, {quote(line[-20:])}")
    trimmed = [field.strip(BLANKS) for field in fields]
    if trimmed != fields:
        is_accepted = layout.takes_blanks and trimmed[:1] == fields[:1]
        tell("N06" if is_accepted else "F09", found=quote(line))
    if len(trimmed) != layout.width or layout.role == "truth":
        return ",".join(trimmed)
    for place, column in enumerate(layout.columns, start=layout.has_key):
        field = trimmed[place]
        trimmed[place], rule = column.mend(field)
        if rule is not None:
            tell(rule, found=f"{column.name} = {quote(field)}", expected=column.expected(layout.role))
    _mend_sum(trimmed, layout, tell)
    return ",".join(trimmed)


def is_past_mending(line: str, layout: Layout) -> bool:
    """True for a line that `mend_row` leaves as it is, for its number of fields and want of blanks: a quick test."""
    return (
        not 0 <= layout.width - line.count(",") <= 1
        and layout.key != "frame-path"
        and line.isascii()
        and _BLANK.search(line) is None
    )


def unwrap_row(line: str, layout: Layout, tell: Tell) -> str:
    """A row with plain values in the place of printed arrays and tensors."""
    begin = line.find(",") + 1 if layout.has_key else 0
    printed = _PRINTED.search(line, begin) if begin or not layout.has_key else None
    if printed is None:
        return line
    values = line[printed.end() :]
    plain = unwrap(values)
    if plain == values:
        return line
    tell("F18", found=quote(values))
    return line[: printed.end()] + plain


def unwrap(values: str) -> str:
    """The values of a printed array or tensor; a text of another form comes back as it is.

    >>> [unwrap(text) for text in ("tensor(0.25, device='cuda:0')", "[1]", "array([0.1, 0.2])", "np.float32(0.3)")]
    ['0.25', '1', '0.1,0.2', '0.3']
    """
    text, calls = _CALL.subn("(", _KEYWORD.sub("", values))
    inner = text.replace("[", "").replace("]", "")
    if calls or re.fullmatch(r"[\s(]*\([^()]*?,?\)[\s)]*", inner):
        inner = inner.replace("(", "").replace(")", "")
    if "(" in inner or ")" in inner:
        return values
    fields = [part for field in inner.split(",") for part in field.split()]
    return ",".join(fields)


def _without_end_comma(line: str, tell: Tell) -> str:
    """A row whose name may hold commas, without the comma behind its value."""
    values = line[line.rfind("/frame-") :].split(",")[1:]
    if len(values) > 1 and values[0].strip(BLANKS) and not any(value.strip(BLANKS) for value in values[1:]):
        tell("F08", found=f"a comma at the end, {quote(line[-20:])}")
        return line.rstrip(f",{BLANKS}")
    return line


def _mend_sum(row: list[str], layout: Layout, tell: Tell) -> None:
    places = [place for place, column in enumerate(layout.columns, start=1) if isinstance(column, Probability)]
    if len(places) != 2:
        return
    try:
        low, high = (Decimal(row[place]) for place in places)
    except InvalidOperation:
        return
    total = float(low) + float(high)
    if total == 1.0 or not abs(total - 1) <= NEAR_ONE or not 0 <= high <= 1:
        return
    tell("V08", found=f"{row[places[0]]} + {row[places[1]]} = {total!r}")
    # the floats nearest to p1 and to 1 - p1 always sum to exactly 1
    row[places[0]] = f"{1 - high:f}"
