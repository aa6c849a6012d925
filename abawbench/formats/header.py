"""The first line of a file: whether it is a header or a row, and how a header is brought into its official form."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from abawbench.formats.columns import BLANKS, is_number
from abawbench.formats.describe import describe_header
from abawbench.formats.layout import Layout, is_header, layout_of
from abawbench.formats.lines import Lines, describe_undecodable, is_undecodable, squeeze
from abawbench.formats.mend import unwrap
from abawbench.formats.mending import Mendings, Report
from abawbench.formats.text import quote

# first fields of a header above row numbers
INDEX_NAMES = {"", "unnamed:0", "index", "id", "idx", "row", "no", "no."}
# a first field that is the name of a row
# names between commas and blanks; other white space belongs to them
_WORDS = re.compile(f"[^,{BLANKS}]+")
ROW_NAME = re.compile(r"[^,;\t]*(?:/|\\|\.(?:jpe?g|png|mp4|avi)\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """The header of a file.

    Attributes:
        official: the header in its official form, as far as there is one way to get there; None for no header.
        found: the first line of the file as it was found, where it is a header.
    """

    official: str | None = None
    found: str | None = None


def squeezed_headers(layouts: Sequence[Layout]) -> frozenset[str]:
    """The headers of layouts, squeezed to compare them by."""
    return frozenset(squeeze(header) for layout in layouts for header in layout.headers)


def begins_with_index(header: str) -> bool:
    """True if the first field of a header is that of a column of row numbers."""
    return header.partition(",")[0].strip(BLANKS).replace(" ", "").lower() in INDEX_NAMES


def layout_under(first: str, candidates: Sequence[Layout], *, of_unit: bool) -> Layout:
    """The layout of the rows under a first line, which may begin with a column of row numbers.

    Args:
        first: the first line, with commas between its fields; empty where there is none.
        candidates: the layouts that the file may have, the official one first.
        of_unit: True for the file of one unit.
    """
    layout = layout_of(candidates, first, of_unit=of_unit)
    number, _, behind = first.partition(",")
    if layout.header is None and number.strip().isdecimal():
        # behind a row number, which is dropped later
        return layout_of(candidates, behind, of_unit=of_unit)
    squeezed = {squeeze(first), squeeze(behind)}
    named = (other for other in candidates for header in other.headers if squeeze(header) in squeezed)
    return next(named, layout)


def take_header(content: Lines, layout: Layout, headers: Container[str], mended: Mendings, report: Report) -> Header:
    """Take the first line out of the rows if it is a header, and judge it.

    Args:
        content: the lines, which are changed.
        layout: the layout of the rows.
        headers: headers of the format, squeezed.
        mended: takes what was mended.
        report: takes what has to be mended by hand.
    """
    if not content.texts:
        return Header()
    wanted, text, number = layout.header, content.texts[0], content.numbers[0]
    if _is_row(text, layout, headers):
        if wanted is None:
            return Header()
        found, expected = f"a row, {quote(text)}", f"'{wanted}'"
        if layout.header_aliases:
            report("F04", 1, found, expected, "write the header as the first line", 1)
            return Header()
        mended.add("F04", number, found, expected=expected)
        return Header(wanted)
    content.drop([0])
    if wanted is None:
        mended.add("F11", number, quote(text))
        return Header(None, text)
    for piece in (text, text.partition(",")[2]) if begins_with_index(text) else (text,):
        right = next((header for header in layout.headers if squeeze(header) == squeeze(piece)), None)
        if right is not None:
            _judge_spelling(piece, right, number, layout, mended)
            return Header(right, text)
    if is_undecodable(text):
        report("F03", number, describe_undecodable(text), "UTF-8 text", "save it again as UTF-8 text", 1)
    elif "\0" in text:
        report("F03", number, "a NUL byte", "UTF-8 text", "save it again as UTF-8 text", 1)
    else:
        found, fix = describe_header(text, layout)
        report("F04", number, found, f"'{wanted}'", fix, 1)
    return Header(text, text)


def drop_headers(content: Lines, headers: Sequence[str | None]) -> tuple[list[int], list[int]]:
    """Drop headers among the rows.

    Args:
        content: the lines, which are changed.
        headers: the header of the file in every form; None for a form that it does not have.

    Returns:
        The line numbers of the headers that were dropped, and the place of the row behind each of them.
    """
    known = {squeeze(text) for text in headers if text is not None}
    if not known:
        return [], []
    firsts = {header[0] for header in known if header}
    places = [
        place
        for place, text in enumerate(content.texts)
        if (not text[:1].isalnum() or text[:1].lower() in firsts)
        and not is_number(text.rpartition(",")[2])
        and squeeze(text) in known
    ]
    if not places:
        return [], []
    numbers = [content.numbers[place] for place in places]
    content.drop(places)
    return numbers, [place - before for before, place in enumerate(places)]


def _is_row(text: str, layout: Layout, headers: Container[str]) -> bool:
    """True if a first line is a row and not a header, right or wrong."""
    if squeeze(text) in headers:
        return False
    if not is_header(text, layout):
        return True
    if layout.header is None:
        # a row number may have a name too
        return text.count(",") + 1 - begins_with_index(text) != layout.width
    if layout.has_key:
        return bool(ROW_NAME.match(text))
    fields = unwrap(text).split(",")
    return bool(text.strip()) and all(is_number(field) or field in {"True", "False", "nan"} for field in fields)


def _judge_spelling(text: str, right: str, number: int, layout: Layout, mended: Mendings) -> None:
    if text in layout.headers:
        return
    if text.rstrip(f",{BLANKS}") == right:
        end = "a comma" if "," in text[len(right) :] else "a blank"
        mended.add("F08", number, f"{end} at the end, {quote(text[-20:])}", expected="the header alone")
    elif text.replace(" ", "").rstrip(",") == right.replace(" ", ""):
        mended.add("F09", number, quote(text), expected=f"'{right}'")
    elif _WORDS.findall(text) != _WORDS.findall(right) or ",," in text:
        mended.add("F04", number, quote(text), expected=f"'{right}'")
