"""Table and alignment: multiplicity, order, surplus and missing rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from abawbench.table import NO_FRAME, Table, align

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


def test_rows_are_named_for_messages():
    rows = table([("a", 3)])
    assert rows.name(0) == "a frame 3"
    whole = Table(("clip",), np.array([0], np.int32), np.array([NO_FRAME], np.int32), {})
    assert whole.name(0) == "clip"
