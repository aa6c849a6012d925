"""Images in folders that are named after their class."""

from __future__ import annotations

import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats import read_truth
from abawbench.formats.class_folders import read_class_folders

LSD = get("abaw4-lsd")


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def classes(table):
    return dict(zip(table.videos, table.classes("expression").tolist(), strict=True))


def test_class_folders_are_read_with_their_misspelling(tmp_path):
    make(tmp_path, "ANGRER/1.jpg", "FEAR/2.jpg", "FEAR/notes.txt")
    assert classes(read_truth(LSD, tmp_path)) == {"1.jpg": 0, "2.jpg": 2}


def test_names_that_occur_in_two_folders_are_told_apart_by_the_folder(tmp_path):
    make(tmp_path, "ANGER/1.jpg", "FEAR/1.jpg")
    assert classes(read_class_folders(LSD, tmp_path)) == {"ANGER/1.jpg": 0, "FEAR/1.jpg": 2}


@pytest.mark.parametrize(("name", "rule"), [("JOY/1.jpg", "C03"), ("FEAR/1.txt", "F02"), ("1.jpg", "C03")])
def test_a_folder_of_no_class_and_folders_without_an_image_are_problems(tmp_path, name, rule):
    make(tmp_path, name)
    with pytest.raises(ProblemError) as caught:
        read_class_folders(LSD, tmp_path)
    assert [problem.rule for problem in caught.value.problems] == [rule]
