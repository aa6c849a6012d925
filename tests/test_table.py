"""Table and alignment: multiplicity, order, surplus and missing rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import Problem
from abawbench.table import NO_FRAME, Table, align, person_suffix, video_of

keys = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 4)), max_size=25)


def table(rows, values=None):
    names = tuple(dict.fromkeys(video for video, _ in rows))
    video = np.array([names.index(video) for video, _ in rows], np.int32)
    frame = np.array([frame for _, frame in rows], np.int32)
    column = np.arange(len(rows), dtype=np.float64) if values is None else np.array(values, np.float64)
    return Table(names, video, frame, {"va": column[:, None]})


def reference(truth, prediction):
    """The k-th occurrence meets the k-th, row by row."""
    places, used = {}, {}
    for row, key in enumerate(prediction):
        places.setdefault(key, []).append(row)
    result = []
    for key in truth:
        k = used.get(key, 0)
        used[key] = k + 1
        result.append(places[key][k] if k < len(places.get(key, [])) else -1)
    return result


@given(keys, keys)
def test_the_kth_occurrence_meets_the_kth(truth, prediction):
    alignment = align(table(truth), table(prediction))
    expected = reference(truth, prediction)
    assert alignment.rows.tolist() == expected
    assert alignment.same_order is (truth == prediction)
    assert sorted(alignment.surplus.tolist()) == sorted(set(range(len(prediction))) - set(expected))


@given(keys)
def test_the_same_rows_in_the_same_order_meet_directly(rows):
    alignment = align(table(rows), table(rows))
    assert alignment.same_order
    assert alignment.rows.tolist() == list(range(len(rows)))


@given(keys, st.randoms(use_true_random=False))
def test_shuffling_the_prediction_loses_no_row(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    alignment = align(table(rows), table([rows[i] for i in order]))
    assert (alignment.rows >= 0).all()
    assert not len(alignment.surplus)
    assert [rows[order[i]] for i in alignment.rows] == rows


def test_videos_in_another_order_of_names_still_meet():
    truth = Table(("a", "b"), np.array([0, 1], np.int32), np.array([1, 1], np.int32), {})
    prediction = Table(("b", "a"), np.array([1, 0], np.int32), np.array([1, 1], np.int32), {})
    alignment = align(truth, prediction)
    assert alignment.same_order


def test_frames_at_both_ends_of_their_range_are_kept_apart_by_video():
    rows = [("a", NO_FRAME), ("a", 0), ("a", 2**31 - 1), ("b", NO_FRAME), ("b", 0), ("b", 2**31 - 1)]
    surplus = [("c", NO_FRAME), ("c", 2**31 - 1)]
    alignment = align(table(rows), table([*surplus, *rows[::-1]]))
    assert alignment.rows.tolist() == [7, 6, 5, 4, 3, 2]
    assert alignment.surplus.tolist() == [0, 1]


@pytest.mark.parametrize(("truth", "prediction"), [([], [("a", 1)]), ([("a", 1)], []), ([("b", 1)], [("a", 1)])])
def test_rows_that_have_nothing_in_common_do_not_meet(truth, prediction):
    alignment = align(table(truth), table(prediction))
    assert alignment.rows.tolist() == [-1] * len(truth)
    assert alignment.surplus.tolist() == list(range(len(prediction)))
    assert not alignment.same_order


def test_taken_rows_keep_every_column_the_names_and_the_source():
    note = Problem("N05", "oddly written", "plainly written", "nothing to do")
    values = {"va": np.array([[0.0], [1.0], [2.0]]), "expression": np.array([3, 4, 5], np.int8)}
    filled, probability = np.array([True, False, False]), np.array([0.1, 0.2, 0.3])
    whole = Table(
        ("a", "b"), np.array([0, 0, 1]), np.array([1, 2, 1]), values, probability, filled, "mine.csv", (note,)
    )
    part = whole.take(np.array([2, 0]))
    assert (part.videos, part.source, part.notes) == (("a", "b"), "mine.csv", (note,))
    assert [part.name(row) for row in range(2)] == ["b frame 1", "a frame 1"]
    assert part.numbers("va").tolist() == [[2], [0]]
    assert part.classes("expression").tolist() == [5, 3]
    assert part.probability is not None
    assert part.probability.tolist() == [0.3, 0.1]
    assert part.filled is not None
    assert part.filled.tolist() == [False, True]
    bare = Table(("a",), np.array([0]), np.array([1]), {}).take(np.array([0]))
    assert bare.probability is None
    assert bare.filled is None


@pytest.mark.parametrize("flags", [{"is_store": True}, {"is_by_place": True}])
def test_taken_rows_keep_what_their_names_and_places_mean(flags):
    part = replace(table([("a", 1), ("a", 2)]), **flags).take(np.array([1]))
    assert {"is_store": part.is_store, "is_by_place": part.is_by_place} == {
        "is_store": False,
        "is_by_place": False,
        **flags,
    }


def test_persons_are_suffixes_of_their_video_left_right_and_by_number():
    units = [f"talk{person_suffix(place)}" for place in range(12)]
    assert units[:3] == ["talk_left", "talk_right", "talk_person3"]
    assert units[11] == "talk_person12"
    assert {video_of(unit) for unit in units} == {"talk"}
    assert [video_of(name) for name in ("talk_person2", "talk_left_1", "left")] == [
        "talk_person2",
        "talk_left_1",
        "left",
    ]


def test_rows_are_named_for_messages():
    rows = table([("a", 3)])
    assert rows.name(0) == "a frame 3"
    whole = Table(("clip",), np.array([0], np.int32), np.array([NO_FRAME], np.int32), {})
    assert whole.name(0) == "clip"
