"""The lines of a text file in any encoding and with any separator, as lines of UTF-8 text separated by commas."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from abawbench.formats.columns import BLANKS
from abawbench.formats.mending import Mendings
from abawbench.formats.text import BOM, UTF16_MARKS

COMMENTS = ("#", "//", "%")
MARKS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# a name, and numbers behind it, all separated by blanks
BLANK_SEPARATED = re.compile(rf"(?:\S+|\S.*?\S)?(?:(?:^|[{BLANKS}]+)[+-]?[\d.]+(?:[eE][+-]?\d+)?)+", re.ASCII)


@dataclass(eq=False)
class Lines:
    """The lines of a file that are neither blank nor comments.

    Attributes:
        texts: the lines, without line ends; bytes that are not UTF-8 are surrogates.
        numbers: their line numbers, rising.
        is_cut: True if the last line has no line feed behind it.
        blanks: line numbers of blank lines before the last line.
    """

    texts: list[str]
    numbers: list[int]
    is_cut: bool
    blanks: list[int]

    def drop(self, places: Sequence[int]) -> None:
        """Leave out the lines at these places."""
        left_out = set(places)
        self.keep([place for place in range(len(self.texts)) if place not in left_out])

    def keep(self, places: Sequence[int]) -> None:
        """Keep the lines at these places only."""
        self.texts = [self.texts[place] for place in places]
        self.numbers = [self.numbers[place] for place in places]


def decode(data: bytes, mended: Mendings) -> str | None:
    """The text of a file with line feeds as line ends; None for bytes that are no text.

    UTF-16, byte order marks, and line ends of Windows and of old Macs are mended.
    """
    text = _utf16(data)
    if text is not None:
        mended.add("F03", 1, "UTF-16 text")
    elif data[:4096].count(0) > len(data[:4096]) // 4 or data.startswith(UTF16_MARKS):
        return None
    else:
        if data.startswith(BOM):
            mended.add("N02", 1, "a byte order mark")
        text = data.removeprefix(BOM).decode("utf-8", "surrogateescape")
    if "\n" not in text and "\r" in text.strip():
        mended.add("F03", 1, "line ends of old Macs")
        return text.replace("\r", "\n")
    returns = text.count("\r\n")
    if returns:
        mended.add("N01", None, "carriage returns", returns)
        text = text.replace("\r\r\n", "\n").replace("\r\n", "\n")
    return text


def split(text: str, mended: Mendings) -> Lines:
    """The lines of a text, without blank lines at its end, comments, and byte order marks of files put together."""
    every = text.split("\n")
    is_cut = bool(every[-1])
    if not is_cut:
        every.pop()
    end = len(every)
    while end and not every[end - 1].strip():
        end -= 1
    if end < len(every):
        # blanks behind the last line feed are no row
        is_cut = False
        mended.add("N03", end + 1, "blank lines at the end", len(every) - end)
    lines = Lines([], [], is_cut, [])
    for number, line in enumerate(every[:end], start=1):
        text = line.rstrip("\r")
        if text.startswith("\ufeff"):
            mended.add("N02", number, "a byte order mark")
            text = text.lstrip("\ufeff")
        if not text.strip():
            lines.blanks.append(number)
            continue
        lines.texts.append(text)
        lines.numbers.append(number)
    return lines


def separator(lines: Sequence[str]) -> str | None:
    """The mark between the fields of most lines, one of `MARKS`; None where it is the comma, or there is none.

    Args:
        lines: rows, without a header.
    """
    for mark in (";", "\t", "|"):
        counts = Counter(line.rstrip(mark).count(mark) for line in lines if mark in line)
        most = max(counts.values(), default=0)
        if 2 * most > len(lines) and _is_between(lines, mark):
            return mark
    if 2 * sum(BLANK_SEPARATED.fullmatch(line.strip(BLANKS)) is not None for line in lines) > len(lines):
        counts = Counter(len(line.split()) for line in lines)
        width, most = counts.most_common(1)[0]
        if width > 1 and 2 * most > len(lines):
            return " "
    return None


def with_commas(line: str, mark: str | None) -> tuple[str, bool]:
    """A line with commas between its fields and no quotes, and whether decimal commas became points.

    Args:
        line: a line without its line end.
        mark: the mark between its fields; None for the comma.
    """
    if mark is None and '"' not in line:
        return line, False
    if mark == " ":
        return ",".join(line.split()), False
    if '"' in line:
        fields = _unquoted(line, mark or ",")
    else:
        fields = line.split(mark)
    if mark is not None:
        fields = [field.strip(BLANKS) for field in fields]
    decimals = [field.replace(",", ".") if DECIMAL_COMMA.fullmatch(field) else field for field in fields]
    return ",".join(decimals), decimals != fields


def squeeze(line: str) -> str:
    """The letters of a header, without separators, quotes, blanks, comment marks and case, to compare it by."""
    return re.sub(r"[\s,;|\"'#%/]+", "", line).lower()


def is_comment(line: str) -> bool:
    """True if a line begins as a comment does."""
    return line.lstrip(BLANKS).startswith(COMMENTS)


def describe_undecodable(line: str) -> str:
    """Describe the first byte of a line that is not UTF-8."""
    place = next(place for place, char in enumerate(line) if is_undecodable(char))
    before = len(line[:place].encode("utf-8", "surrogateescape"))
    return f"byte 0x{ord(line[place]) - 0xDC00:02x} at position {before + 1}"


def is_undecodable(text: str) -> bool:
    """True if a text holds bytes that are not UTF-8."""
    return not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text)


def as_latin1(text: str) -> str:
    """A text whose bytes that are not UTF-8 are read as Latin-1."""
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def _utf16(data: bytes) -> str | None:
    """The text of UTF-16 bytes, with or without a byte order mark; None for any others."""
    head = data[:4096]
    if data.startswith(UTF16_MARKS):
        encoding = "utf-16"
    elif len(head) >= 4 and head[1::2].count(0) > len(head) // 3:
        encoding = "utf-16-le"
    elif len(head) >= 4 and head[::2].count(0) > len(head) // 3:
        encoding = "utf-16-be"
    else:
        return None
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _is_between(lines: Sequence[str], mark: str) -> bool:
    """True if no commas but decimal ones are in the fields of most lines."""
    right = 0
    for line in lines:
        values = line.split(mark)[1:]
        fields = [field.strip(f'{BLANKS}"') for field in values]
        right += bool(values) and all("," not in field or DECIMAL_COMMA.fullmatch(field) for field in fields)
    return 2 * right > len(lines)


def _unquoted(line: str, mark: str) -> list[str]:
    try:
        (fields,) = csv.reader([line], delimiter=mark, skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        return line.replace('"', "").split(mark)
    return fields

