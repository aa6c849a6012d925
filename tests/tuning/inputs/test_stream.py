from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.inference.store import read_store
from abawbench.table import Table
from abawbench.tuning.inputs.stream import read_stream, runs_of, table_of_stream
from tests.tuning.conftest import CARD, MTL, random_unit, write_store


def same_rows(one: Table, other: Table) -> None:
    assert one.videos == other.videos
    assert one.is_store == other.is_store
    np.testing.assert_array_equal(one.video, other.video)
    np.testing.assert_array_equal(one.frame, other.frame)
    np.testing.assert_array_equal(one.filled, other.filled)
    for task, values in one.values.items():
        np.testing.assert_array_equal(values, other.values[task])
        assert values.dtype == other.values[task].dtype


@pytest.mark.parametrize("challenge", ["abaw4-mtl", "abaw10-va", "abaw10-au"])
def test_an_untouched_stream_decides_as_the_store_does(store, challenge):
    rules = get(challenge)
    same_rows(table_of_stream(read_stream(store, rules), rules), read_store(rules, store.root))


def test_a_stream_of_an_entry_with_fewer_classes_decides_as_the_store_does(tmp_path):
    tasks = tuple(task.with_outputs(task.outputs[1:4]) for task in MTL.tasks if not task.is_real)
    card = replace(CARD, tasks=tasks)
    units = [random_unit("a", 30, np.random.default_rng(3), card=card, missing=(4, 5))]
    store = write_store(tmp_path / "store", units, card)
    stream = read_stream(store, MTL)
    same_rows(table_of_stream(stream, MTL), read_store(MTL, store.root))
    assert (stream.answers["va"][stream.valid] == 0).all()


def test_times_are_true_and_else_assumed(store):
    stream = read_stream(store, MTL)
    assert stream.units == ("a", "b", "c")
    assert stream.assumed == 1
    np.testing.assert_allclose(stream.time[:3], [0, 0.04, 0.08])
    np.testing.assert_allclose(stream.time[-1], 1 / 30)


def test_runs_bridge_a_few_frames_and_end_with_gaps_and_units(store):
    stream = read_stream(store, MTL)
    # two frames missing in a are bridged, ten in b are not
    assert [int((stream.run == run).sum()) for run in range(4)] == [38, 8, 7, 1]
    assert (stream.run[~(stream.valid | stream.filled)] == -1).all()


def runs(time, frame=None, unit=None, answered=None):
    count = len(time)
    frame = np.arange(count, dtype=np.int32) if frame is None else np.array(frame, np.int32)
    unit = np.zeros(count, np.int32) if unit is None else np.array(unit, np.int32)
    answered = np.ones(count, bool) if answered is None else np.array(answered, bool)
    return runs_of(unit, frame, np.array(time, float), answered).tolist()


def test_a_run_ends_where_time_jumps_or_goes_back():
    assert runs([0, 1, 2, 3, 9, 10]) == [0, 0, 0, 0, 1, 1]
    assert runs([0, 1, 2, 3, 8, 9]) == [0, 0, 0, 0, 0, 0]
    assert runs([0, 1, 2, 1, 2, 3]) == [0, 0, 0, 1, 1, 1]
    assert runs([0, 1, 2, 3, 4], frame=[0, 1, 2, 30, 31]) == [0, 0, 0, 1, 1]
    assert runs([0, 1, 0, 1], unit=[0, 0, 1, 1], frame=[1, 2, 3, 4]) == [0, 0, 1, 1]
    assert runs([]) == []
    assert runs([5.0], answered=[False]) == [-1]


def test_frames_that_were_sampled_are_one_run():
    assert runs(np.arange(10) * 0.2, frame=np.arange(10) * 6) == [0] * 10


def test_times_that_are_no_numbers_are_assumed(tmp_path):
    unit = random_unit("a", 5, np.random.default_rng(0), times=np.array([0, 1, np.nan, 3, 4]))
    assert read_stream(write_store(tmp_path / "store", [unit]), MTL).assumed == 1


def test_an_empty_store_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F02"):
        read_stream(write_store(tmp_path / "store", []), MTL)


def test_names_that_no_challenge_knows_are_a_problem(tmp_path):
    tasks = tuple(task.with_outputs([*task.outputs[:-1], "Boredom"]) for task in MTL.tasks if not task.is_real)
    card = replace(CARD, tasks=tasks)
    store = write_store(tmp_path / "store", [random_unit("a", 5, np.random.default_rng(0), card=card)], card)
    with pytest.raises(ProblemError, match="E16"):
        read_stream(store, MTL)
