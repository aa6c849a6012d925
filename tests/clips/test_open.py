from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.features import write_features
from abawbench.clips.open import kind_of, open_clips
from tests.inference.conftest import write_crops


def no_faces() -> Path:
    raise AssertionError("faces were not asked for")


def test_folders_of_square_numbered_pictures_are_crops(crops):
    found = open_clips(crops, faces=no_faces)
    assert found.kind == "crops"
    assert [(clip.video, len(clip)) for clip in found.clips] == [("one", 5), ("three", 9), ("two", 1)]


def test_a_folder_of_one_unit_is_crops_too(crops):
    (clip,) = open_clips(crops / "three", faces=no_faces).clips
    assert (clip.video, len(clip), clip.size) == ("three", 9, 16)


def test_a_corpus_is_known_by_its_folder_of_crops(tmp_path):
    write_crops(tmp_path / "cropped_aligned", {"one": 2})
    (tmp_path / "annotations").mkdir()
    (clip,) = open_clips(tmp_path, faces=no_faces).clips
    assert clip.video == "one"


def test_safetensors_are_features(tmp_path):
    write_features(tmp_path / "v.safetensors", np.array([3, 4, 9]), np.ones((3, 7), np.float16))
    found = open_clips(tmp_path, faces=no_faces)
    (clip,) = found.clips
    assert found.kind == "features"
    assert clip.frame.tolist() == [3, 4, 9]


def test_litter_beside_crops_or_features_is_a_note(crops, tmp_path):
    write_features(tmp_path / "v.safetensors", np.array([3]), np.ones((1, 7), np.float16))
    (tmp_path / "._v.safetensors").write_bytes(b"x")
    (crops / ".DS_Store").write_bytes(b"x")
    (crops / "one" / "Thumbs.db").write_bytes(b"x")
    for folder, units in ((tmp_path, 1), (crops, 3)):
        found = open_clips(folder, faces=no_faces)
        assert len(found.clips) == units
        assert [note.rule for note in found.notes] == ["N21"]


@pytest.mark.parametrize("kind", ["crops", "features"])
def test_what_lies_in_the_only_folder_of_a_folder_is_read_with_a_note(tmp_path, kind):
    inner = tmp_path / "downloaded"
    if kind == "crops":
        write_crops(inner, {"one": 2, "two": 1})
    else:
        inner.mkdir()
        write_features(inner / "v.safetensors", np.array([3]), np.ones((1, 7), np.float16))
    found = open_clips(tmp_path, faces=no_faces)
    assert found.kind == kind
    assert found.clips
    assert [note.rule for note in found.notes] == ["N22"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
@pytest.mark.parametrize("kind", ["crops", "corpus", "features"])
def test_a_unit_whose_name_is_no_text_is_left_out_and_named(tmp_path, kind):
    for unit in (os.fsdecode(b"v\xff"), "a\nb\x1b[2J", "good"):
        if kind == "features":
            write_features(tmp_path / f"{unit}.safetensors", np.array([3]), np.ones((1, 7), np.float16))
            continue
        root = tmp_path / "cropped_aligned" if kind == "corpus" else tmp_path
        # OpenCV writes to no such name
        (write_crops(root, {"plain": 1}) / "plain").rename(root / unit)
    found = open_clips(tmp_path, faces=no_faces)
    assert [clip.video for clip in found.clips] == ["a\nb\x1b[2J", "good"]
    assert [problem.rule for problem in found.notes] == ["F19"]


@pytest.mark.parametrize("name", ["00001.jpg", "holiday.jpg"])
def test_pictures_that_are_no_crops_go_through_faces(tmp_path, name):
    cv2.imwrite(str(tmp_path / name), np.zeros((20, 30, 3), np.uint8))
    asked: list[bool] = []

    def faces() -> Path:
        asked.append(True)
        return tmp_path / "none"

    assert kind_of(tmp_path) == "videos and pictures"
    assert not asked
    found = open_clips(tmp_path, faces=faces)
    assert found.kind == "videos and pictures"
    assert found.clips == ()
    assert asked


def test_a_path_that_is_not_there_and_an_empty_folder_are_told(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        open_clips(tmp_path / "none", faces=no_faces)
    with pytest.raises(ProblemError, match="P03"):
        open_clips(tmp_path, faces=no_faces)


def test_where_no_faces_are_cropped_only_crops_and_features_are_taken(tmp_path):
    with pytest.raises(ProblemError, match=r"D30(?s:.*)no crops"):
        open_clips(tmp_path)
    (tmp_path / "holiday.mp4").write_bytes(b"a video")
    for path in (tmp_path, tmp_path / "holiday.mp4"):
        with pytest.raises(ProblemError, match="abawbench faces"):
            open_clips(path)
    with pytest.raises(ProblemError, match="F01"):
        open_clips(tmp_path / "none")
