"""Mending the lines of a prediction file where there is only one way to do it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from abawbench.formats.columns import BLANKS, Probability
from abawbench.formats.layout import Layout, is_header
from abawbench.formats.text import BOM

# largest error of p0 + p1 that comes from rounding them separately
NEAR_ONE = 1e-3
PROBABILITY_DIGITS = Decimal("0.000001")
DONE = {
    "N01": "Windows line ends replaced",
    "N02": "byte order mark removed",
    "N03": "blank lines at the end removed",
    "F04": "header put first",
    "F05": "line feed added to the last row",
    "F07": "quotes removed",
    "F08": "commas and blanks removed from line ends",
    "F09": "blanks around values removed",
    "F11": "header removed",
    "V03": "rounding errors beyond the range clipped to it",
    "V05": "integers written without decimal point",
    "V08": "p0 recomputed as 1 - p1",
}


@dataclass(frozen=True, eq=False)
class Mended:
    """The lines of a file after mending.

    Attributes:
        header: the first line; None where the format has no header.
        keys: the name of each row; empty where the line number is the name.
        values: the rest of each row, after its name.
        done: by rule, the number of mendings.
    """

    header: str | None
    keys: list[str]
    values: list[str]
    done: Counter[str] = field(default_factory=Counter)

    def to_bytes(self) -> bytes:
        """The mended file."""
        pairs = zip(self.keys, self.values, strict=True) if self.keys else ()
        # a row without a comma has a name and nothing else
        rows = [f"{key},{value}" if value else key for key, value in pairs] if self.keys else self.values
        return "\n".join([*([] if self.header is None else [self.header]), *rows, ""]).encode("utf-8")


def mend(data: bytes, layout: Layout) -> Mended | None:
    """Mend each row of a file on its own; return None for bytes that are not UTF-8 text or hold no row.

    Faults that cannot be mended stay, for the check to find.
    """
    done: Counter[str] = Counter()
    if data.startswith(BOM):
        done["N02"] = 1
    try:
        lines = data.removeprefix(BOM).decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
    if lines[-1]:
        done["F05"] = 1
    else:
        lines.pop()
    done["N01"] = sum(line.endswith("\r") for line in lines)
    lines = [line.removesuffix("\r") for line in lines]
    while lines and not lines[-1].strip():
        lines.pop()
        done["N03"] += 1
    header = None
    if lines and is_header(lines[0], layout):
        header = _header(lines.pop(0), layout, done)
    elif layout.header is not None and not layout.header_aliases:
        header = layout.header
        done["F04"] = 1
    if not lines:
        return None
    keys: list[str] = []
    values: list[str] = []
    faultless = layout.faultless_line()
    for line in lines:
        if faultless is not None and faultless.fullmatch(f"{line}\n".encode()):
            row = line.split(",", 1) if layout.has_key else [line]
        else:
            row = _row(line, layout, done)
        if layout.has_key:
            keys.append(row.pop(0))
        values.append(",".join(row))
    return Mended(header, keys, values, +done)


def _header(line: str, layout: Layout, done: Counter[str]) -> str | None:
    if layout.header is None:
        done["F11"] += 1
        return None
    wanted = layout.headers
    if line in wanted:
        return line
    unquoted = line.replace('"', "").rstrip(f",{BLANKS}").replace(" ", "")
    right = next((header for header in wanted if header.replace(" ", "") == unquoted), None)
    if right is None:
        return line
    done["F07" if '"' in line else "F08" if line.startswith(right) else "F09"] += 1
    return right


def _row(line: str, layout: Layout, done: Counter[str]) -> list[str]:
    if '"' in line:
        done["F07"] += 1
        line = line.replace('"', "")
    stripped = line.rstrip(BLANKS)
    fields = layout.split(stripped)
    if len(fields) == layout.width + 1 and not fields[-1]:
        fields.pop()
        done["F08"] += 1
    elif stripped != line:
        done["F08"] += 1
    trimmed = [name.strip(BLANKS) for name in fields]
    if trimmed != fields:
        done["F09"] += 1
    if len(trimmed) != layout.width:
        return trimmed
    for place, column in enumerate(layout.columns, start=layout.has_key):
        trimmed[place], rule = column.mend(trimmed[place])
        if rule is not None:
            done[rule] += 1
    _mend_sum(trimmed, layout, done)
    return trimmed


def _mend_sum(row: list[str], layout: Layout, done: Counter[str]) -> None:
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
    for p1 in (high, high.quantize(PROBABILITY_DIGITS, ROUND_HALF_EVEN)):
        p0 = 1 - p1
        if float(p0) + float(p1) == 1.0:
            row[places[0]], row[places[1]] = f"{p0:f}", f"{p1:f}"
            done["V08"] += 1
            return


def describe(rule: str, count: int) -> str:
    """Describe in words what was mended."""
    return f"{DONE[rule]} ({count:,} times)" if count > 1 else DONE[rule]
