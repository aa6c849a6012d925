from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, get
from abawbench.clips.clip import clip_in_memory
from abawbench.models.temporal.settings import TemporalSettings
from abawbench.table import Table
from abawbench.training.batching import (
    balancing_weights,
    databases_of,
    epoch_batches,
    frame_steps,
    packs,
    segment_steps,
    video_order,
    video_steps,
)
from abawbench.training.data import split_frames

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
    return split_frames(clips, table, get("abaw4-mtl").tasks)


def test_single_frames_with_a_label_are_seen_once_an_epoch_in_an_order_of_its_own(part):
    plans = [frame_steps(databases_of(part, "one"), 8, 0, epoch) for epoch in (0, 0, 1)]
    places = [np.concatenate([step.places for step in plan]) for plan in plans]
    for found in places:
        assert sorted(found) == np.flatnonzero(part.labelled).tolist()
    np.testing.assert_array_equal(places[0], places[1])
    assert not np.array_equal(places[0], places[2])
    assert all(step.lengths.tolist() == [1] * len(step.places) for step in plans[0])


def test_databases_are_sets_of_tasks_and_each_step_has_some_of_all(part):
    databases = databases_of(part, "labels")
    assert {name: len(places) for name, places in databases.items()} == {"va": 25, "expression": 9}
    for step in frame_steps(databases, 12, 0, 0):
        assert all(np.isin(step.places, places).any() for places in databases.values())


def test_segments_are_those_that_are_answered_and_none_without_a_label(part):
    temporal = TemporalSettings("gru", segment=5)
    steps = segment_steps(part, temporal, "rows", 10, 0, 0)
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
    part = split_frames([clip], table, get("abaw4-mtl").tasks)
    (step,) = segment_steps(part, TemporalSettings("transformer", segment=10), "frames", 100, 0, 0)
    parts = np.split(step.places, np.cumsum(step.lengths)[:-1])
    assert sorted(part.tolist() for part in parts) == [[0, 1, 2, 3, 4], [5], [6]]


def test_whole_videos_go_on_where_their_segment_ended(part):
    temporal = TemporalSettings("lstm", segment=5)
    steps = video_steps(part, temporal, "rows", 3, 0, 0)
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


SIZES = st.dictionaries(st.sampled_from(["va", "au", "expr", "id"]), st.integers(1, 200), min_size=1)


@given(SIZES, st.integers(1, 64), st.integers(0, 3), st.integers(0, 3))
@settings(max_examples=100)
def test_steps_hold_every_database_in_proportion(sizes, batch, seed, epoch):
    steps = epoch_batches(sizes, batch, seed=seed, epoch=epoch)
    total = sum(sizes.values())
    shares = {n: max(1, round(batch * size / total)) for n, size in sizes.items()}
    assert len(steps) == max(math.ceil(size / shares[name]) for name, size in sizes.items())
    for name, size in sizes.items():
        lengths = {len(step[name]) for step in steps}
        stream = np.concatenate([step[name] for step in steps])
        assert min(lengths) >= 1
        if math.ceil(size / shares[name]) == len(steps):
            assert sorted(stream) == list(range(size))
            assert max(lengths) <= shares[name]
            assert max(lengths) - min(lengths) <= 1
        else:
            assert lengths == {shares[name]}
            # each pass is a whole shuffle
            for start in range(0, len(stream) - size + 1, size):
                assert sorted(stream[start : start + size]) == list(range(size))


def test_a_stream_begins_anew_with_another_shuffle():
    steps = epoch_batches({"large": 100, "small": 10}, 16, seed=0, epoch=0)
    stream = np.concatenate([step["large"] for step in steps])
    assert sorted(stream[:100]) == list(range(100))
    assert len(stream) == 150
    assert stream[:50].tolist() != stream[100:].tolist()


def test_batches_depend_on_seed_and_epoch_alone():
    def stream(seed: int, epoch: int) -> list[int]:
        return np.concatenate([s["a"] for s in epoch_batches({"a": 50}, 8, seed=seed, epoch=epoch)]).tolist()

    assert stream(1, 2) == stream(1, 2)
    assert len({tuple(stream(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


def test_a_database_more_leaves_the_order_of_the_others():
    alone = np.concatenate([step["a"] for step in epoch_batches({"a": 50}, 10, seed=0, epoch=0)])
    beside = np.concatenate([step["a"] for step in epoch_batches({"b": 30, "a": 50}, 10, seed=0, epoch=0)])
    assert alone.tolist() == beside.tolist()


def test_wanted_frames_come_more_often():
    weights = np.array([3.0, 1.0, 0.0, 0.0])
    steps = epoch_batches({"a": 4}, 2, seed=0, epoch=0, weights={"a": weights})
    assert Counter(np.concatenate([step["a"] for step in steps]).tolist()) == {0: 3, 1: 1}


@pytest.mark.parametrize(("sizes", "batch"), [({}, 4), ({"a": 0, "b": 3}, 4), ({"a": 3}, 0)])
def test_what_cannot_be_sampled_is_refused(sizes, batch):
    with pytest.raises(ProblemError) as caught:
        epoch_batches(sizes, batch, seed=0, epoch=0)
    assert caught.value.problems[0].rule == "E19"


WEIGHTS = arrays(np.float64, st.integers(1, 40), elements=st.sampled_from([0.0, 0.25, 1.0, 1 / 3, 7.0]))


def drawn_by(weights: np.ndarray, epoch: int) -> np.ndarray:
    """The frames of an epoch over one database, in their order."""
    steps = epoch_batches({"a": len(weights)}, 7, seed=0, epoch=epoch, weights={"a": weights})
    return np.concatenate([step["a"] for step in steps])


@given(WEIGHTS.filter(lambda weights: weights.sum() > 0), st.integers(0, 20))
def test_a_position_comes_as_often_as_expected_give_or_take_less_than_one(weights, epoch):
    drawn, count = drawn_by(weights, epoch), len(weights)
    assert len(drawn) == count
    found = np.bincount(drawn, minlength=len(weights))
    assert (np.abs(found - count * weights / weights.sum()) < 1 + 1e-9).all()
    assert (found[weights == 0] == 0).all()


def test_draws_come_in_random_order_and_differ_by_epoch():
    draws = [drawn_by(np.ones(20), epoch).tolist() for epoch in range(3)]
    assert all(sorted(drawn) == list(range(20)) and drawn != list(range(20)) for drawn in draws)
    assert len({tuple(drawn) for drawn in draws}) == 3
    assert drawn_by(np.ones(20), 1).tolist() == draws[1]


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -0.5], [np.nan]])
def test_weights_from_which_nothing_can_be_drawn_are_refused(weights):
    with pytest.raises(ProblemError, match="E19"):
        drawn_by(np.array(weights), 0)


def table_of(**values: np.ndarray) -> Table:
    rows = len(next(iter(values.values())))
    return Table(("a",), np.zeros(rows, np.int32), np.arange(rows, dtype=np.int32), values)


def test_classes_are_wanted_alike():
    classes = np.array([0] * 6 + [1] * 3 + [2] + [-1] * 2, np.int8)
    weights = balancing_weights(Categorical("e", ("x", "y", "z"), -1), table_of(e=classes))
    sums = [weights[classes == number].sum() for number in range(3)]
    assert sums == pytest.approx([10 / 3] * 3)
    assert weights[classes == -1].tolist() == [1, 1]


def test_labels_are_wanted_on_as_often_as_off():
    on = np.array([[1], [0], [0], [0], [-1]], np.int8)
    weights = balancing_weights(MultiLabel("u", ("AU1",), -1), table_of(u=on))
    assert weights.tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3, 1])


def test_a_row_of_several_labels_has_the_mean_of_its_columns():
    values = np.array([[1, 0], [0, 1], [0, 1], [0, -1]], np.int8)
    weights = balancing_weights(MultiLabel("u", ("AU1", "AU2"), -1), table_of(u=values))
    expected = np.array([(4 + 3) / 2, (4 / 3 + 1.5) / 2, (4 / 3 + 1.5) / 2, 4 / 3])
    assert weights == pytest.approx(expected / expected.mean())


def test_bins_of_a_column_are_wanted_alike():
    # 20 bins from -1 to 1: .31 and .39 share one, 1 falls in the last
    values = np.array([[0.31], [0.39], [0.35], [1.0], [np.nan]])
    weights = balancing_weights(Continuous("v", ("valence",), -1, 1, -5), table_of(v=values))
    assert weights.tolist() == pytest.approx([2 / 3] * 3 + [2, 1])


def test_no_row_is_wanted_without_limit():
    classes = np.array([0] * 999 + [1], np.int8)
    task = Categorical("e", ("x", "y"), -1)
    assert balancing_weights(task, table_of(e=classes)).max() == 10
    assert balancing_weights(task, table_of(e=classes), most=1000.0).max() == pytest.approx(500)


def test_a_table_without_labels_is_seen_as_it_is():
    task = Categorical("e", ("x", "y"), -1)
    assert balancing_weights(task, table_of(e=np.full(3, -1, np.int8))).tolist() == [1, 1, 1]
    assert balancing_weights(task, table_of(other=np.zeros(3, np.int8))).tolist() == [1, 1, 1]


def test_every_video_comes_once_in_another_order_each_epoch():
    orders = [video_order(12, seed=3, epoch=epoch).tolist() for epoch in range(3)]
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3


SEQUENCE_LENGTHS = st.lists(st.integers(1, 100), max_size=60)


@given(SEQUENCE_LENGTHS, st.integers(1, 300), st.integers(0, 5))
def test_packs_hold_every_sequence_once_within_their_size(lengths, frames, epoch):
    found = packs(lengths, frames, seed=0, epoch=epoch)
    assert sorted(place for pack in found for place in pack.tolist()) == list(range(len(lengths)))
    for pack in found:
        inside = [lengths[place] for place in pack]
        assert inside[0] == max(inside)
        assert len(pack) == 1 or len(pack) * max(inside) <= frames


@given(SEQUENCE_LENGTHS, st.integers(1, 300))
def test_packs_hold_neighbours_in_length(lengths, frames):
    spans = sorted((lengths[pack[-1]], lengths[pack[0]]) for pack in packs(lengths, frames, seed=0, epoch=0))
    assert all(longest <= shortest for (_, longest), (shortest, _) in pairwise(spans))


def test_hardly_any_padding_is_computed():
    lengths = np.random.default_rng(0).integers(20, 250, 400)
    area = sum(len(pack) * lengths[pack].max() for pack in packs(lengths, 4096, seed=0, epoch=0))
    # in the order they come it is 1.8 times
    assert area < 1.1 * lengths.sum()


def test_sequences_of_one_length_meet_others_each_epoch():
    found = [{frozenset(pack.tolist()) for pack in packs([50] * 40, 250, seed=0, epoch=epoch)} for epoch in range(2)]
    assert not found[0] & found[1]
    assert packs([50] * 9, 100, seed=0, epoch=0)[0].tolist() == packs([50] * 9, 100, seed=0, epoch=0)[0].tolist()
