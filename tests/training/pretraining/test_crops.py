from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import ProblemError
from abawbench.clips.crop import Crop
from abawbench.clips.open import ClipSource
from abawbench.training.pretraining.crops import batches, digest_of, open_crops, split
from tests.inference.conftest import write_crops


@pytest.fixture
def folder(tmp_path):
    return write_crops(tmp_path / "crops", {"b": 5, "a": 3, "c": 4}, side=32)


def test_crops_are_the_same_from_memory_and_from_disk(folder):
    crops = open_crops(folder)
    rows = np.array([7, 0, 11, 3, 7])
    for room in (1 << 30, 5 * 32 * 32 * 3):
        cached = open_crops(folder, room)
        for _ in range(2):
            np.testing.assert_array_equal(cached.read(rows)[0], crops.read(rows)[0])
    # a has 3 crops, hence crop 4 is the second of b
    np.testing.assert_array_equal(crops.read(np.array([4]))[0][0], crops.clips[1].frames[1])


def test_batches_that_are_read_ahead_come_in_their_order(folder):
    crops = open_crops(folder)
    wanted = [np.array([place, 11 - place]) for place in range(12)] * 3
    found = list(map_ahead(crops.read, wanted))
    assert len(found) == len(wanted)
    for rows, frames in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(frames[0], crops.read(rows)[0])


def test_whole_units_are_held_out(folder):
    crops = open_crops(folder)
    parts = split(crops, 0.3, 0)
    assert len(parts.units) == 1
    names = [crops.clips[place].video for place in crops.clip]
    assert {names[row] for row in parts.held_out} == set(parts.units)
    assert {names[row] for row in parts.learned}.isdisjoint(parts.units)
    assert sorted([*parts.learned, *parts.held_out]) == list(range(12))
    assert {split(crops, 0.3, seed).units for seed in range(20)} == {("a",), ("b",), ("c",)}


def test_of_one_unit_the_last_frames_are_held_out(tmp_path):
    parts = split(open_crops(write_crops(tmp_path / "one", {"a": 10}, side=32)), 0.2, 0)
    assert parts.held_out.tolist() == [8, 9]
    assert parts.learned.tolist() == list(range(8))


def test_nothing_is_held_out_where_nothing_is_asked(folder):
    parts = split(open_crops(folder), 0, 0)
    assert len(parts.learned) == 12
    assert not len(parts.held_out)


def test_an_epoch_sees_each_crop_once_but_for_a_rest():
    rows = np.arange(100, 123)
    found = batches(rows, 5, 0, 0)
    assert [len(part) for part in found] == [5, 5, 5, 5]
    assert len(set(np.concatenate(found).tolist())) == 20
    assert set(np.concatenate(found).tolist()) <= set(rows.tolist())
    assert [len(part) for part in batches(rows, 23, 0, 0)] == [23]
    assert [len(part) for part in batches(rows, 64, 0, 0)] == [23]


def test_the_order_depends_on_seed_and_epoch_alone():
    rows = np.arange(50)
    first = np.concatenate(batches(rows, 10, 3, 1))
    np.testing.assert_array_equal(first, np.concatenate(batches(rows, 10, 3, 1)))
    assert (first != np.concatenate(batches(rows, 10, 3, 2))).any()
    assert (first != np.concatenate(batches(rows, 10, 4, 1))).any()


def test_a_changed_crop_changes_the_digest(folder, tmp_path):
    before = digest_of(open_crops(folder).clips)
    assert digest_of(open_crops(folder).clips) == before
    (folder / "a" / "00001.jpg").write_bytes((folder / "b" / "00002.jpg").read_bytes())
    assert digest_of(open_crops(folder).clips) != before


def test_crops_of_two_sizes_are_refused(folder):
    write_crops(folder.parent / "crops", {"large": 2}, side=48)
    with pytest.raises(ProblemError, match=r"E19.*\n.*32 and 48 pixels"):
        open_crops(folder)


def test_crops_of_two_kinds_are_refused(folder, monkeypatch):
    kinds = {"a": Crop("wide", 32), "b": Crop("eyes", 32, 1.5)}
    clips = [replace(clip, crop_recipe=kinds[clip.video].to_json()) for clip in open_crops(folder).clips[:2]]
    monkeypatch.setattr("abawbench.training.pretraining.crops.open_clips", lambda _: ClipSource("faces", tuple(clips)))
    with pytest.raises(ProblemError, match=r"E19.*\n.*eyes-1.5 and wide"):
        open_crops(folder)


def test_a_folder_without_crops_is_refused(tmp_path):
    with pytest.raises(ProblemError, match="D30"):
        open_crops(tmp_path)
    with pytest.raises(ProblemError, match="F01"):
        open_crops(tmp_path / "nowhere")
