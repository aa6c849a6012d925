"""Bytes of text files: loaded, cut, and quoted."""

from __future__ import annotations

import pytest

from abawbench.base.problems import ProblemError
from abawbench.formats.text import BOM, LONGEST_LINE, body_offset, encoding_fault, first_line, load, quote, view


@pytest.mark.parametrize(("data", "rule"), [(None, "F01"), (b"", "F02"), (b" \n\n", "F02")])
def test_a_file_that_holds_no_row_is_a_problem(tmp_path, data, rule):
    path = tmp_path / "file.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ProblemError) as caught:
        load(path)
    assert [problem.rule for problem in caught.value.problems] == [rule]


def test_the_first_row_begins_after_mark_and_header():
    data = BOM + b"a,b\r\n1,2\n"
    assert first_line(data) == "a,b"
    assert data[body_offset(data, "a,b") :] == b"1,2\n"
    assert data[body_offset(data, None) :] == b"a,b\r\n1,2\n"


def test_a_long_first_line_is_found_whole():
    data = b"x" * (1 << 17) + b"\n1\n"
    assert len(first_line(data)) == 1 << 17


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"a\n", None),
        ("a\n".encode("utf-16"), "UTF-16 or binary data"),
        (b"\0\0\0a", "UTF-16 or binary data"),
        (b"a\rb\r", "line ends of old Macs"),
    ],
)
def test_bytes_whose_lines_cannot_be_told_apart_are_named(data, fault):
    assert encoding_fault(data) == fault


def test_a_quoted_piece_is_short_and_printable():
    assert quote("a\tb") == r"'a\tb'"
    assert len(quote("x" * 1000)) == 62


@pytest.mark.parametrize("data", [b"a," * (1 << 21), b"x\n" + b"," * (5 << 20), b"x\n" + b'"' * (3 << 20) + b"\nx\n"])
def test_a_line_without_end_is_refused_before_it_is_taken_apart(tmp_path, data):
    (tmp_path / "mine.txt").write_bytes(data)
    with pytest.raises(ProblemError, match="F06"):
        view(tmp_path / "mine.txt")


def test_long_files_of_short_lines_and_of_old_macs_are_viewed(tmp_path):
    for end in (b"\n", b"\r", b"\r\n"):
        (tmp_path / "mine.txt").write_bytes((b"0.5,0.5" + end) * 400_000)
        assert len(view(tmp_path / "mine.txt")) > LONGEST_LINE
