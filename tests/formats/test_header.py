"""The first line of a file: header or row, and what becomes of it."""

from __future__ import annotations

import pytest

from abawbench.challenges import get
from abawbench.formats.header import Header, drop_headers, layout_under, squeezed_headers, take_header
from abawbench.formats.layout import prediction_layouts
from abawbench.formats.lines import Lines
from abawbench.formats.mending import Mendings

ROWS = prediction_layouts(get("abaw10-va"))
FRAMES = prediction_layouts(get("abaw8-ah"))
OFFICIAL = "image_location,valence,arousal"
ROW = "1-30/00001.jpg,0.1,0.2"


def lines_of(*texts):
    return Lines(list(texts), list(range(1, len(texts) + 1)), is_cut=False, blanks=[])


def take(content, layouts):
    """The header, and the rules of what was mended and of what is left."""
    mended = Mendings("x")
    faults = []
    header = take_header(content, layouts[0], squeezed_headers(layouts), mended, lambda rule, *_: faults.append(rule))
    return header, [problem.rule for problem in mended.found], faults


@pytest.mark.parametrize(
    ("first", "official", "mended", "faults"),
    [
        (OFFICIAL, OFFICIAL, [], []),
        (f"{OFFICIAL},", OFFICIAL, ["F08"], []),
        ("image_location, valence, arousal", OFFICIAL, ["F09"], []),
        ("image_location\u00a0valence,arousal", OFFICIAL, ["F04"], []),
        ("Image_Location,Valence,Arousal", OFFICIAL, ["F04"], []),
        (f"index,{OFFICIAL}", OFFICIAL, [], []),
        ("image_location,arousal", "image_location,arousal", [], ["F04"]),
        ("image_location,\udcff", "image_location,\udcff", [], ["F03"]),
    ],
)
def test_a_first_line_that_is_no_row_leaves_the_rows(first, official, mended, faults):
    content = lines_of(first, ROW)
    assert take(content, ROWS) == (Header(official, first), mended, faults)
    assert (content.texts, content.numbers) == ([ROW], [2])


def test_a_header_that_lacks_is_added_and_the_first_row_stays():
    content = lines_of(ROW)
    assert take(content, ROWS) == (Header(OFFICIAL, None), ["F04"], [])
    assert content.texts == [ROW]


def test_a_header_goes_where_the_format_has_none():
    content = lines_of("name,label", "99001/Visite_1/x_Video.mp4/frame-0.jpg,0")
    assert take(content, FRAMES) == (Header(None, "name,label"), ["F11"], [])
    assert content.numbers == [2]


def test_headers_among_rows_are_dropped_with_the_places_where_they_stood():
    content = lines_of(ROW, OFFICIAL, ROW, ROW, OFFICIAL, ROW)
    assert drop_headers(content, (OFFICIAL, None)) == ([2, 5], [1, 3])
    assert (content.texts, content.numbers) == ([ROW] * 4, [1, 3, 4, 6])


def test_the_layout_is_that_of_a_header_behind_the_name_of_row_numbers():
    trials = prediction_layouts(get("abaw11-ah"))
    assert layout_under("0,a.mp4,0.7,0.3,0", trials, of_unit=False) == layout_under(
        "a.mp4,0.7,0.3,0", trials, of_unit=False
    )
    assert layout_under("0,a.mp4,0", trials, of_unit=False) == layout_under("a.mp4,0", trials, of_unit=False)
    assert layout_under(f"index,{OFFICIAL}", ROWS, of_unit=False) == ROWS[0]
