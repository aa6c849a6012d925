"""The group of each row: names of units, persons and rows, other spellings, what is missing and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.formats.group_file import read_group_file
from abawbench.scoring.row_groups import match_groups
from abawbench.table import Table

UNITS = ("video1", "video2_left", "video2_right")
TRUTH = Table(UNITS, np.array([0, 0, 1, 2, 2], np.int32), np.array([1, 2, 1, 1, 2], np.int32), {})


@pytest.fixture
def groups(tmp_path):
    def groups(text, *arguments):
        path = tmp_path / "groups.csv"
        path.write_text(text)
        return match_groups(read_group_file(path), TRUTH, *arguments)

    return groups


def names(attribute):
    return [attribute.groups[place] if place >= 0 else None for place in attribute.row.tolist()]


def test_every_row_of_a_unit_has_the_units_group(groups):
    (gender,) = groups("unit,gender\nvideo2_left,Male\nvideo1,Female\nvideo2_right,Female\n").attributes
    assert names(gender) == ["Female", "Female", "Male", "Female", "Female"]
    assert gender.groups == ("Female", "Male")


def test_units_may_be_spelt_otherwise_and_that_is_told(groups):
    found = groups("unit,gender\ndata/video1.mp4,Female\nvideo2_left.mp4 ,Male\nvideo2_right,Male\n")
    assert names(found.attributes[0]) == ["Female", "Female", "Male", "Male", "Male"]
    assert found.remarks[0].startswith("N12 names of units")


def test_persons_are_found_by_their_subjects(groups):
    subjects = {"video1": "ann", "video2_left": "ben", "video2_right": "ann"}
    (gender,) = groups("person,gender\nben,Male\nann,Female\n", subjects).attributes
    assert names(gender) == ["Female", "Female", "Male", "Female", "Female"]


@pytest.mark.parametrize("form", ["{}/{:05d}.jpg", "{}/{}", "{}\\{:03d}.png", "{}/frame-{}.jpg"])
def test_rows_are_found_by_video_and_frame_however_they_are_written(groups, form):
    rows = [("video1", 1, "a"), ("video1", 2, "b"), ("video2_right", 2, "a")]
    (kind,) = groups("row,kind\n" + "".join(f"{form.format(u, f)},{g}\n" for u, f, g in rows)).attributes
    assert names(kind) == ["a", "b", None, None, "a"]


def test_rows_without_a_line_and_lines_without_a_row_are_told(groups):
    remarks = groups("unit,gender\nvideo1,Female\nvideo2_left,Unsure\nvideo9,Male\n").remarks
    assert [text.split(": ")[1] for text in remarks if "not in the truth" in text] == [
        "1 units are not in the truth (video9)"
    ]
    assert any(text.startswith("2 rows of 1 units (video2_right) are not in") for text in remarks)


def test_groups_that_begin_with_a_number_stand_in_its_order(groups):
    (age,) = groups("unit,age\nvideo1,20-29\nvideo2_left,3-9\nvideo2_right,elderly\n").attributes
    assert age.groups == ("3-9", "20-29", "elderly")


def test_an_intersection_has_the_combinations_that_occur(groups):
    text = "unit,Gender,race\nvideo1,F,white\nvideo2_left,M,white\nvideo2_right,F,other\n"
    both = groups(text, None, [("gender", "race")]).attributes[-1]
    assert (both.name, both.groups) == ("Gender & race", ("F & white", "M & white"))
    assert names(both) == ["F & white", "F & white", "M & white", None, None]


def test_the_same_line_twice_is_one_line_and_another_group_is_a_problem_with_both_lines(groups):
    text = "unit,gender\nvideo1,Female\nvideo2_left,Male\nvideo1.mp4,Female\n"
    assert names(groups(text).attributes[0])[0] == "Female"
    with pytest.raises(ProblemError, match="with another gender than on line 2"):
        groups(text.replace("mp4,Female", "mp4,Male"))


def test_names_of_other_things_are_a_problem(groups):
    with pytest.raises(ProblemError, match="'ann'; no name of 2 is in the truth"):
        groups("person,gender\nann,Female\nben,Male\n")


def test_an_intersection_of_an_unknown_attribute_is_a_problem_with_a_near_name(groups):
    with pytest.raises(ProblemError, match="'gender'"):
        groups("unit,gender\nvideo1,Female\n", None, [("gendre", "gender")])
