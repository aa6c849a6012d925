"""The lines of a text file in any encoding and with any separator, as lines of UTF-8 text separated by commas."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from abawbench.base.problems import Problem
from abawbench.formats.columns import BLANKS, is_number
from abawbench.formats.mending import Mendings
from abawbench.formats.text import BOM, UTF16_MARKS, quote

COMMENTS = ("#", "//", "%")
MARKS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
# rows that are looked at to find the separator
LOOKED_AT = 2000
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# a number behind a blank, whatever stands before it
BLANK_SEPARATED = re.compile(rf"(?:.*[{BLANKS}])?[+-]?[\d.]+(?:[eE][+-]?\d+)?", re.ASCII)
# bytes that are not UTF-8
_NO_UTF8 = re.compile("[\udc80-\udcff]")


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
    if "\r" not in text and "\ufeff" not in text and all(map(str.strip, every[:end])):
        return Lines(every[:end], list(range(1, end + 1)), is_cut, [])
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


def drop_comments(
    content: Lines, mended: Mendings, headers: Container[str], names: Callable[[], Container[str]] = frozenset
) -> None:
    """Leave out comment lines, and take the mark of a comment from the front of a header.

    Args:
        content: the lines, which are changed.
        mended: record of what is mended.
        headers: headers of the format, squeezed.
        names: gives the names that rows may have, where there are comments.
    """
    places = [place for place, line in enumerate(content.texts) if line[0] in "#/% \t" and is_comment(line)]
    if not places or len(places) == len(content.texts):
        return
    dropped: list[int] = []
    for place in places:
        line = content.texts[place]
        if squeeze(line) in headers:
            content.texts[place] = line.lstrip(f"{BLANKS}#%/")
            mended.add("F15", content.numbers[place], f"a comment, {quote(line)}", expected="the header")
        elif not _is_row(line, names()):
            dropped.append(place)
    if dropped:
        found = f"a comment, {quote(content.texts[dropped[0]])}"
        mended.add("F15", content.numbers[dropped[0]], found, len(dropped))
        content.drop(dropped)


def set_separators(content: Lines, mended: Mendings, headers: Container[str] = ()) -> None:
    """Put commas between fields, points into numbers, and take quotes away.

    Args:
        content: the lines, which are changed.
        mended: record of what is mended.
        headers: headers of the format, squeezed.
    """
    texts = content.texts
    mark = separator(texts[1:] or texts)
    changed: dict[int, str | None] = {}
    quoted: list[int] = []
    has_decimals = False
    for place, line in enumerate(texts):
        own = mark if mark is not None and mark in line else None
        if own is None and not place and "," not in line and squeeze(line) in headers:
            own = next((other for other in MARKS if other in line.strip(BLANKS)), None)
        if own is None and '"' not in line:
            continue
        if '"' in line:
            quoted.append(place)
        text, is_decimal = with_commas(line, own)
        if own is not None or is_decimal:
            changed[place] = own
        has_decimals |= is_decimal
        texts[place] = text.replace('"', "")
    if quoted:
        found = f"quotes, {quote(texts[quoted[0]])} without them"
        mended.add("F07", content.numbers[quoted[0]], found, len(quoted))
    if changed:
        own = next(reversed(changed.values()))
        parts = [f"{MARKS[own]} between fields"] if own is not None else []
        found = " and ".join([*parts, *(["decimal commas"] if has_decimals else [])])
        mended.add("F13", content.numbers[min(changed)], found, len(changed))


def table_lines(data: bytes, file: str) -> tuple[bytes, tuple[Problem, ...]]:
    """A table with a header of its own, as UTF-8 text with commas, and what was mended for that.

    Args:
        data: the whole file.
        file: the file's name, for messages.
    """
    mended = Mendings(file)
    text = decode(data, mended)
    if text is None:
        return data, ()
    content = split(text, mended)
    drop_comments(content, mended, ())
    set_separators(content, mended)
    return "\n".join([*content.texts, ""]).encode("utf-8", "surrogateescape"), mended.found


def separator(lines: Sequence[str]) -> str | None:
    """The mark between the fields of most lines, one of `MARKS`; None where it is the comma, or there is none.

    Args:
        lines: rows, without a header.
    """
    # rows at even distances tell what most rows have
    lines = lines[:: 1 + len(lines) // LOOKED_AT]
    for mark in (";", "\t", "|"):
        counts = Counter(line.rstrip(mark).count(mark) for line in lines if mark in line)
        most = max(counts.values(), default=0)
        if 2 * most > len(lines) and _is_between(lines, mark):
            return mark
    plain = [line.strip(BLANKS) for line in lines if "," not in line]
    if 2 * sum(BLANK_SEPARATED.fullmatch(line) is not None for line in plain) > len(lines):
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
    if '"' not in line:
        if mark is None:
            return line, False
        if "," not in line and mark != " " and " " not in line:
            return line.replace(mark, ","), False
    if mark == " ":
        return ",".join(line.split()), False
    fields = _unquoted(line, mark or ",") if '"' in line else line.split(mark)
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
    return not text.isascii() and _NO_UTF8.search(text) is not None


def as_latin1(text: str) -> str:
    """A text whose bytes that are not UTF-8 are read as Latin-1."""
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def _is_row(line: str, names: Container[str]) -> bool:
    """True if a line that begins as a comment is a row, whose name begins with slashes or is known."""
    name, comma, values = line.partition(",")
    is_path = line.startswith("//") and bool(comma) and all(is_number(field) for field in values.split(","))
    return is_path or name in names


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
