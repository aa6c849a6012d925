from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, get
from abawbench.clips.clip import clip_in_memory
from abawbench.clips.features import FeatureClip
from abawbench.models.image_input import ImageInput, half, imagenet
from abawbench.table import NO_FRAME, Table
from abawbench.training.data import Crops, read_features, split_frames, targets_of

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
    return split_frames(clips, table, TASKS)


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
    assert split_frames([clip], a_table([("v", 1, 0.0)]), TASKS).nearest.tolist() == [0, 0, 2]


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
    part = split_frames(clips, a_table([("w", 1, 0.0), ("v", 1, 0.0)]), TASKS)
    found = read_features(part, 2).numpy()
    expected = vectors[[0, 0, 1, 2]]
    np.testing.assert_array_equal(found, np.concatenate([expected * 10, expected]))


VA = Continuous("va", ("valence", "arousal"), -1, 1, -5)


EXPRESSION = Categorical("expression", ("Neutral", "Anger", "Fear"), -1)


UNITS = MultiLabel("action_units", ("AU1", "AU2"), -1)


KINDS_OF_TASK = (VA, EXPRESSION, UNITS)


def truth() -> Table:
    return Table(
        videos=("a",),
        video=np.zeros(3, np.int32),
        frame=np.arange(1, 4, dtype=np.int32),
        values={
            "va": np.array([[0.5, -0.25], [np.nan, np.nan], [0.0, np.nan]]),
            "expression": np.array([2, -1, 0], np.int8),
            "action_units": np.array([[1, 0], [-1, 1], [-1, -1]], np.int8),
        },
    )


def test_labels_come_in_the_order_that_is_asked_for():
    targets = targets_of(KINDS_OF_TASK, truth(), np.array([2, 0, 0]))
    assert targets["va"].values.tolist() == [[0, 0], [0.5, -0.25], [0.5, -0.25]]
    assert targets["va"].annotated.tolist() == [[True, False], [True, True], [True, True]]
    assert targets["expression"].values.tolist() == [0, 2, 2]
    assert targets["action_units"].values.tolist() == [[0, 0], [1, 0], [1, 0]]


def test_types_are_those_of_losses():
    targets = targets_of(KINDS_OF_TASK, truth(), np.array([0]))
    kinds = [targets[name].values.dtype for name in ("va", "expression", "action_units")]
    assert kinds == [torch.float32, torch.int64, torch.float32]
    assert all(target.annotated.dtype == torch.bool for target in targets.values())


def test_sentinels_are_not_annotated():
    targets = targets_of(KINDS_OF_TASK, truth(), np.arange(3))
    assert targets["expression"].annotated.tolist() == [True, False, True]
    assert targets["action_units"].annotated.tolist() == [[True, True], [False, True], [False, False]]
    assert {name: target.numbers for name, target in targets.items()} == {
        "va": (2, 1),
        "expression": (2,),
        "action_units": (1, 2),
    }


def test_a_frame_without_a_row_has_no_label():
    targets = targets_of(KINDS_OF_TASK, truth(), np.array([-1, 0]))
    assert [target.annotated[0].any().item() for target in targets.values()] == [False] * 3
    assert [target.annotated[1].all().item() for target in targets.values()] == [True] * 3


def test_a_task_that_the_table_does_not_know_has_no_labels():
    other = MultiLabel("attributes", ("hat", "beard", "glasses"), None)
    target = targets_of([other], truth(), np.arange(3))["attributes"]
    assert target.values.shape == (3, 3)
    assert target.numbers == (0, 0, 0)


def test_everything_that_does_not_fit_is_told_at_once():
    fewer = (Categorical("expression", ("Neutral", "Anger"), -1), MultiLabel("action_units", ("AU1",), -1))
    with pytest.raises(ProblemError, match="class 2") as caught:
        targets_of(fewer, truth(), np.arange(3))
    assert [problem.rule for problem in caught.value.problems] == ["E19", "E19"]


def test_counts_follow_the_frames_that_are_taken():
    target = targets_of(KINDS_OF_TASK, truth(), np.arange(3))["va"]
    assert target.take(torch.tensor([2, 2])).numbers == (2, 0)
    assert target.take(torch.tensor([True, False, False])).numbers == (1, 1)
    assert target.to("cpu").numbers == (2, 1)


@pytest.fixture
def frames():
    clips = [a_clip("ww", [2, 3, 4, 9], missing=(3, 4)), a_clip("v", [1, 2, 3])]
    return split_frames(clips, a_table([("v", 2, 0.2), ("ww", 9, 0.9)]), TASKS)


@pytest.mark.parametrize("kept", [0, 2, 5])
def test_crops_are_those_of_the_frames_however_many_are_kept(frames, kept):
    image_inputs = (half(8), half(4))
    crops = Crops(frames.clips, kept * (3 * 64 + 3 * 16), image_inputs)
    places = np.array([6, 1, 4, 1, 5])
    for _ in range(2):
        large, small = crops.read(frames.crop[places])
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

    frames = split_frames([replace(clip, source=noted)], a_table([("v", 1, 0.0)]), TASKS)
    for room, expected in ((2**20, [0, 1, 2, 3]), (2 * 3 * 64, [0, 1, 2, 3, 2, 3])):
        read.clear()
        crops = Crops(frames.clips, room, (half(8),))
        for places in ([0, 1], [2, 3], [3, 1], [0, 2]):
            crops.read(frames.crop[np.array(places)])
        assert sorted(read) == sorted(expected)


def test_networks_of_one_size_that_resize_differently_get_crops_of_their_own():
    crops_of_clip = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    clip = replace(a_clip("v", [1, 2, 3]), source=lambda positions: crops_of_clip[positions])
    frames = split_frames([clip], a_table([("v", 1, 0.0)]), TASKS)
    image_inputs = (half(4), ImageInput(4, resize="none"), imagenet(4))
    crops = Crops(frames.clips, 2**20, image_inputs)
    for _ in range(2):
        read = dict(zip(crops.geometries, crops.read(frames.crop), strict=True))
        assert len(read) == 2
        for image_input in image_inputs:
            assert np.array_equal(read[image_input.geometry], image_input.resized(crops_of_clip))


def test_a_picture_takes_the_row_that_names_no_frame():
    table = a_table([("train_1", NO_FRAME, 0.4), ("train_2", NO_FRAME, 0.8)])
    part = split_frames([a_clip("train_2", [1]), a_clip("train_1", [1])], table, TASKS)
    assert part.targets["va"].values[:, 0].tolist() == pytest.approx([0.4, 0.8])
    assert part.targets["va"].annotated.all()
