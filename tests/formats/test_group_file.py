"""Files of groups of people: what is read, what names no group, and what is refused with its line."""

from __future__ import annotations

import pytest

from abawbench.base.problems import ProblemError
from abawbench.formats.group_file import age_bin, read_group_file


@pytest.fixture
def read(tmp_path):
    def read(text, encoding="utf-8"):
        path = tmp_path / "groups.csv"
        path.write_bytes(text.encode(encoding))
        return read_group_file(path)

    return read


def test_names_attributes_and_line_numbers_are_read(read):
    file = read('# people\r\nvideo,gender,race\r\nann , Female,"White, Scottish"\n\nbob,male,Asian\n', "utf-8-sig")
    assert (file.keys, file.lines) == (("ann", "bob"), (3, 5))
    assert file.attributes == {"gender": ("Female", "male"), "race": ("White, Scottish", "Asian")}


def test_values_that_differ_in_case_are_one_group(read):
    assert read("video,gender\na,Female\nb,female\nc,FEMALE\n").attributes["gender"] == ("Female",) * 3


@pytest.mark.parametrize("value", ["", "Unsure", "OTHER", "Other/Unsure", "n/a", "NaN", "-", "?", "unknown"])
def test_a_value_that_names_no_group_is_left_out_and_counted(read, value):
    file = read(f"video,gender\na,{value}\nb,Male\n")
    assert file.attributes["gender"] == ("", "Male")
    assert file.left_out["gender"] == {value: 1}


def test_a_frame_belongs_to_the_name(read):
    file = read("video,frame,gender\na,00001,Male\n")
    assert (file.keys, list(file.attributes)) == (("a/00001",), ["gender"])


def test_years_are_put_into_the_bins_of_the_protocol_and_that_is_told(read):
    file = read("video,Age\na,24\nb,8.5\nc,\nd,70\n")
    assert file.attributes["Age"] == ("20-29", "3-9", "", "70+")
    assert file.remarks == ("Age: years are put into bins, from 0-2 to 70+",)


@pytest.mark.parametrize("values", [["0", "3", "8"], ["20-29", "30-39", "70+"], ["-1", "24", "30"]])
def test_numbers_of_bins_and_bins_stay_as_they_are(read, values):
    file = read("video,age\n" + "".join(f"v{place},{value}\n" for place, value in enumerate(values)))
    assert (list(file.attributes["age"]), file.remarks) == (values, ())


def test_bins_join_without_a_gap():
    assert [age_bin(years) for years in (2, 3, 9, 10, 19, 20, 69, 69.9, 70, 101)] == [
        "0-2", "3-9", "3-9", "10-19", "10-19", "20-29", "60-69", "60-69", "70+", "70+"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rule", "told"),
    [
        ("", "F02", "no row"),
        ("video,gender\n", "F02", "a header alone"),
        ("# a comment\n", "F02", "comments alone"),
        ("video;gender\na;Male\n", "F04", "video;gender"),
        ("video,gender,Gender\na,Male,Male\n", "F04", "'gender' twice"),
        ("video,gender\na,Male\nb\nc,Male,x\n", "F06", "csv:3: found 1 fields"),
        ('video,gender\na,"Male\n', "F06", "unexpected end of data"),
    ],
)
def test_a_file_that_is_no_table_of_groups_is_a_problem(read, text, rule, told):
    with pytest.raises(ProblemError, match=told) as caught:
        read(text)
    assert {problem.rule for problem in caught.value.problems} == {rule}


def test_every_line_of_another_length_is_counted(read):
    with pytest.raises(ProblemError) as caught:
        read("video,gender\n" + "a\n" * 5)
    assert caught.value.problems[0].count == 5


def test_bytes_that_are_not_utf_8_are_a_problem(read):
    with pytest.raises(ProblemError, match="F03"):
        read("video,gender\nJosé,Male\n", "latin-1")
