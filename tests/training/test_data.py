from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.clips.clip import clip_in_memory
from abawbench.clips.features import FeatureClip
from abawbench.models.image_input import half
from abawbench.table import Table
from abawbench.training.data import Crops, features_of, part_of

TASKS = get("abaw4-mtl").tasks


def a_table(rows: list[tuple[str, int, float]]) -> Table:
    """Rows with a valence and an arousal, and nothing else."""
    videos = tuple(dict.fromkeys(video for video, _, _ in rows))
    return Table(
        videos,
        np.array([videos.index(video) for video, _, _ in rows], np.int32),
        np.array([frame for _, frame, _ in rows], np.int32),
        {"va": np.array([[value, value] for _, _, value in rows])},
    )


def a_clip(video: str, frames: list[int], missing: tuple[int, ...] = (), side: int = 8):
    crops = np.stack([np.full((side, side, 3), [len(video), frame, 7], np.uint8) for frame in frames])
    valid = np.array([frame not in missing for frame in frames])
    return clip_in_memory(video, crops, frame=np.array(frames, np.int32), valid=valid)


@pytest.fixture
def part():
    clips = [a_clip("ww", [2, 3, 4, 9], missing=(3, 4)), a_clip("v", [1, 2, 3]), a_clip("unasked", [1])]
    table = a_table([("v", 2, 0.2), ("ww", 9, 0.9), ("ww", 3, 0.3), ("v", 2, 0.5), ("v", 8, 0.8), ("x", 1, 0.1)])
    return part_of(clips, table, TASKS)


def test_every_frame_of_the_units_of_the_table_has_a_place_and_its_label(part):
    assert [clip.video for clip in part.clips] == ["v", "ww"]
    assert part.begins.tolist() == [0, 3, 7]
    assert part.frame.tolist() == [1, 2, 3, 2, 3, 4, 9]
    # a repeated row counts once, the first; a frame without a crop has no label
    assert part.row.tolist() == [-1, 0, -1, -1, -1, -1, 1]
    assert part.labelled.tolist() == [False, True, False, False, False, False, True]
    assert part.targets["va"].values[[1, 6]].tolist() == pytest.approx(np.array([[0.2, 0.2], [0.9, 0.9]]))


def test_the_nearest_frame_stands_for_one_without_a_crop_the_earlier_of_two(part):
    assert part.nearest.tolist() == [0, 1, 2, 3, 3, 6, 6]
    clip = a_clip("v", [1, 2, 3], missing=(2,))
    assert part_of([clip], a_table([("v", 1, 0.0)]), TASKS).nearest.tolist() == [0, 0, 2]


@pytest.mark.parametrize("kept", [0, 2, 5])
def test_crops_are_those_of_the_frames_however_many_are_kept(part, kept):
    image_inputs = (half(8), half(4))
    crops = Crops(part, image_inputs, kept * (3 * 64 + 3 * 16))
    places = np.array([6, 1, 4, 1, 5])
    for _ in range(2):
        large, small = crops.load(places)
        assert large.shape == (5, 8, 8, 3)
        assert small.shape == (5, 4, 4, 3)
        for found in (large, small):
            assert found[:, 0, 0].tolist() == [[2, 9, 7], [1, 2, 7], [2, 2, 7], [1, 2, 7], [2, 9, 7]]


def test_crops_that_are_kept_are_read_once():
    read: list[int] = []
    clip = a_clip("v", [1, 2, 3, 4])

    def noted(positions):
        read.extend(positions.tolist())
        return clip.source(positions)

    part = part_of([replace(clip, source=noted)], a_table([("v", 1, 0.0)]), TASKS)
    for room, expected in ((2**20, [0, 1, 2, 3]), (2 * 3 * 64, [0, 1, 2, 3, 2, 3])):
        read.clear()
        crops = Crops(part, (half(8),), room)
        for places in ([0, 1], [2, 3], [3, 1], [0, 2]):
            crops.load(np.array(places))
        assert sorted(read) == sorted(expected)


def test_features_of_a_frame_without_any_are_those_of_the_nearest():
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    clips = [
        FeatureClip(
            video=video,
            frame=np.array([1, 2, 5, 6], np.int32),
            valid=np.array([True, False, True, True]),
            size=0,
            source=lambda positions: positions,
            vectors=lambda scale=scale: vectors * scale,
            width=2,
        )
        for video, scale in (("v", 1), ("w", 10))
    ]
    part = part_of(clips, a_table([("w", 1, 0.0), ("v", 1, 0.0)]), TASKS)
    found = features_of(part, 2).numpy()
    expected = vectors[[0, 0, 1, 2]]
    np.testing.assert_array_equal(found, np.concatenate([expected * 10, expected]))
