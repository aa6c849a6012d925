from __future__ import annotations

import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.clips.clip import clip_in_memory
from abawbench.models.temporal.settings import TemporalSettings
from abawbench.table import Table
from abawbench.training.batching import databases_of, frames_plan, segments_plan, videos_plan
from abawbench.training.data import part_of

LENGTHS = {"a": 13, "b": 4, "c": 9, "d": 21}


@pytest.fixture(scope="module")
def part():
    """Valence in the clips a and b, expressions in c alone; d has labels in its first eight frames."""
    clips = [clip_in_memory(name, np.zeros((count, 2, 2, 3), np.uint8)) for name, count in LENGTHS.items()]
    video = np.repeat(np.arange(4, dtype=np.int32), list(LENGTHS.values()))
    frame = np.concatenate([np.arange(1, count + 1, dtype=np.int32) for count in LENGTHS.values()])
    affect = np.where((video < 2) | ((video == 3) & (frame <= 8)), 0.5, np.nan)
    expression = np.where(video == 2, 3, -1).astype(np.int8)
    table = Table(tuple(LENGTHS), video, frame, {"va": np.stack([affect, affect], 1), "expression": expression})
    return part_of(clips, table, get("abaw4-mtl").tasks)


def test_single_frames_with_a_label_are_seen_once_an_epoch_in_an_order_of_its_own(part):
    plans = [frames_plan(databases_of(part, "one"), 8, 0, epoch) for epoch in (0, 0, 1)]
    places = [np.concatenate([step.places for step in plan]) for plan in plans]
    for found in places:
        assert sorted(found) == np.flatnonzero(part.labelled).tolist()
    np.testing.assert_array_equal(places[0], places[1])
    assert not np.array_equal(places[0], places[2])
    assert all(step.lengths.tolist() == [1] * len(step.places) for step in plans[0])


def test_databases_are_sets_of_tasks_and_each_step_has_some_of_all(part):
    databases = databases_of(part, "labels")
    assert {name: len(places) for name, places in databases.items()} == {"va": 25, "expression": 9}
    for step in frames_plan(databases, 12, 0, 0):
        assert all(np.isin(step.places, places).any() for places in databases.values())


def test_segments_are_those_that_are_answered_and_none_without_a_label(part):
    temporal = TemporalSettings("gru", segment=5)
    steps = segments_plan(part, temporal, "rows", 10, 0, 0)
    found = sorted((step.places[end - length], length) for step in steps for length, end in _ends(step))
    expected = [(0, 5), (5, 5), (10, 3), (13, 4), (17, 5), (22, 4), (26, 5), (31, 5)]
    assert found == expected
    for step in steps:
        assert not step.goes_on
        for length, end in _ends(step):
            sequence = step.places[end - length : end]
            assert (np.diff(sequence) == 1).all()


def test_segments_by_frames_leave_gaps_where_the_video_has_them():
    frame = np.array([1, 2, 3, 9, 10, 12, 40], np.int32)
    clip = clip_in_memory("v", np.zeros((7, 2, 2, 3), np.uint8), frame=frame)
    table = Table(("v",), np.zeros(7, np.int32), frame, {"va": np.zeros((7, 2))})
    part = part_of([clip], table, get("abaw4-mtl").tasks)
    (step,) = segments_plan(part, TemporalSettings("transformer", segment=10), "frames", 100, 0, 0)
    parts = np.split(step.places, np.cumsum(step.lengths)[:-1])
    assert sorted(part.tolist() for part in parts) == [[0, 1, 2, 3, 4], [5], [6]]


def test_whole_videos_go_on_where_their_segment_ended(part):
    temporal = TemporalSettings("lstm", segment=5)
    steps = videos_plan(part, temporal, "rows", 3, 0, 0)
    assert sorted(np.concatenate([step.places for step in steps])) == list(range(len(part)))
    before: list[int] = []
    for step in steps:
        parts = np.split(step.places, np.cumsum(step.lengths)[:-1])
        if step.goes_on:
            assert [part[0] - 1 for part in parts] == before[: len(parts)]
        else:
            assert all(part[0] in {0, 13, 17, 26} for part in parts)
        before = [int(part[-1]) for part in parts]


def _ends(step):
    return zip(step.lengths.tolist(), np.cumsum(step.lengths).tolist(), strict=True)
