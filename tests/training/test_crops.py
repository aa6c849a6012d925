from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.models.image_input import ImageInput, half, imagenet
from abawbench.training.crops import Crops
from abawbench.training.data import split_frames
from tests.training.test_data import a_clip, a_table

TASKS = get("abaw4-mtl").tasks


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
