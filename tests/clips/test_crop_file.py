from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clips_of_crops, clips_of_units
from abawbench.clips.crop import ARCFACE, Crop
from abawbench.clips.crop_file import read_crop, write_crop
from abawbench.clips.open import open_clips
from abawbench.table import Table
from tests.inference.conftest import SIDE, write_crops

SMALL = Crop("box", SIDE, 0.2)


def test_what_is_written_is_read_and_always_the_same_bytes(tmp_path):
    write_crop(tmp_path, ARCFACE)
    assert (tmp_path / "crop.json").read_bytes() == b'{"crop": "arcface-112", "size": 112}\n'
    assert read_crop(tmp_path) == ARCFACE


def test_a_folder_without_the_file_says_nothing(tmp_path):
    assert read_crop(tmp_path) is None
    assert read_crop(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"crop": "wide"}', '{"crop": "round", "size": 9}', '{"crop": "wide", "size": null}', "\x00"],
)
def test_a_file_of_something_else_is_one_problem_with_the_known_names(tmp_path, text):
    (tmp_path / "crop.json").write_text(text)
    with pytest.raises(ProblemError) as caught:
        read_crop(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.file) == ("F01", str(tmp_path / "crop.json"))
    assert "arcface-112, wide, eyes-M or box-M" in problem.expected


def test_the_clips_of_a_folder_carry_what_it_says(crops):
    write_crop(crops, SMALL)
    found = open_clips(crops)
    assert [clip.video for clip in found.clips] == ["one", "three", "two"]
    assert {clip.crop for clip in found.clips} == {SMALL}
    assert found.notes == ()


def test_a_corpus_and_a_single_unit_of_it_carry_it_too(tmp_path):
    write_crops(tmp_path / "cropped_aligned", {"one": 2})
    write_crop(tmp_path / "cropped_aligned", SMALL)
    for path in (tmp_path, tmp_path / "cropped_aligned" / "one"):
        (clip,) = open_clips(path).clips
        assert (clip.video, clip.crop) == ("one", SMALL)


def test_clips_of_a_table_take_size_and_crop_from_the_folder(crops):
    write_crop(crops, SMALL)
    table = Table(("two",), np.zeros(1, np.int32), np.ones(1, np.int32), {}, "a list")
    (clip,) = clips_of_crops(crops, table)
    assert (clip.crop, clip.size, clip.frames.shape) == (SMALL, SIDE, (1, SIDE, SIDE, 3))


def test_a_folder_that_says_nothing_gives_clips_that_say_nothing(crops):
    assert {clip.crop for clip in clips_of_units(crops)} == {None}


def test_crops_of_another_size_than_their_folder_says_are_problems(crops):
    write_crop(crops, ARCFACE)
    with pytest.raises(ProblemError) as caught:
        clips_of_units(crops)
    assert {problem.rule for problem in caught.value.problems} == {"E06"}
    assert "crops of 16 x 16 pixels in one" in caught.value.problems[0].found
    assert "112 x 112 pixels" in caught.value.problems[0].expected
