"""Fill policies: what each gives, that they are counted, and that a fill never crosses a video."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.fill import FRAME_POLICIES, POLICIES, fill, fill_frames
from abawbench.table import Table


def wanted(*frames_of_videos):
    video = np.concatenate([np.full(len(frames), v) for v, frames in enumerate(frames_of_videos)]).astype(np.int32)
    frame = np.concatenate(frames_of_videos).astype(np.int32)
    names = tuple(f"v{number}" for number in range(len(frames_of_videos)))
    return Table(names, video, frame, {})


def predicted(asked, rows, numbers, classes=None):
    values = {"va": np.array(numbers, np.float64).reshape(-1, 1)}
    if classes is not None:
        values["expression"] = np.array(classes, np.int8)
    taken = asked.take(np.array(rows))
    return Table(taken.videos, taken.video, taken.frame, values)


ASKED = wanted([1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("previous", [0.0, 0.0, 0.0, 0.0, 0.8, 0.8]),
        ("nearest", [0.0, 0.0, 0.0, 0.8, 0.8, 0.8]),
        ("linear", [0.0, 0.0, 0.8 / 3, 1.6 / 3, 0.8, 0.8]),
        ("prior", [0.4, 0.0, 0.4, 0.4, 0.8, 0.4]),
    ],
)
def test_each_policy_gives_what_it_says(policy, expected):
    table, counts = fill(predicted(ASKED, [1, 4], [0.0, 0.8]), ASKED, policy)
    assert table.numbers("va")[:, 0] == pytest.approx(expected)
    assert counts == {policy: 4}
    assert table.filled is not None
    assert table.filled.tolist() == [True, False, True, True, False, True]


def test_linear_takes_the_nearest_class():
    table, _ = fill(predicted(ASKED, [0, 5], [0.0, 1.0], [2, 7]), ASKED, "linear")
    assert table.classes("expression").tolist() == [2, 2, 2, 7, 7, 7]


POLICIES_THAT_FILL = [policy for policy in POLICIES if policy != "error"]


@pytest.mark.parametrize("policy", POLICIES_THAT_FILL)
def test_a_row_without_a_class_gets_that_of_others(policy):
    table, counts = fill(predicted(ASKED, [0, 5], [0.0, 1.0], [-1, 3]), ASKED, policy)
    assert table.classes("expression").tolist() == [3] * 6
    assert sum(counts.values()) == 5


@pytest.mark.parametrize("policy", POLICIES_THAT_FILL)
def test_a_task_without_any_prediction_is_refused(policy):
    with pytest.raises(ProblemError, match="no prediction of expression at all"):
        fill(predicted(ASKED, [0, 5], [0.0, 1.0], [-1, -1]), ASKED, policy)


@pytest.mark.parametrize("policy", POLICIES_THAT_FILL)
def test_a_row_that_lacks_one_task_is_filled_in_that_task_alone(policy):
    table, counts = fill(
        predicted(ASKED, range(6), [0.0, np.nan, 0.4, 0.6, 0.8, 1.0], [1, 2, 3, 4, 5, 6]), ASKED, policy
    )
    assert table.classes("expression").tolist() == [1, 2, 3, 4, 5, 6]
    numbers = table.numbers("va")[:, 0]
    assert numbers[1] == pytest.approx({"previous": 0, "nearest": 0, "linear": 0.2, "prior": 0.56}[policy])
    assert numbers[[0, 2, 3, 4, 5]].tolist() == [0.0, 0.4, 0.6, 0.8, 1.0]
    assert counts == {policy: 1}
    assert table.filled is not None
    assert table.filled.tolist() == [False, True, False, False, False, False]


def test_rows_that_need_no_value_are_left_alone():
    needed = {"va": np.array([True, False, True, True, True, True])}
    table, counts = fill(predicted(ASKED, [0, 2, 3, 4, 5], [0.0, 0.4, 0.6, 0.8, 1.0]), ASKED, "error", needed)
    assert counts == {}
    assert table.numbers("va")[2:, 0].tolist() == [0.4, 0.6, 0.8, 1.0]


def test_error_counts_and_names_the_missing_rows():
    with pytest.raises(ProblemError) as caught:
        fill(predicted(ASKED, [0, 1], [0.0, 1.0]), ASKED, "error")
    (first, *_) = caught.value.problems
    assert (first.rule, first.count) == ("T01", 4)
    assert "v0 frame 3" in first.found


def test_a_video_without_any_prediction_gets_the_prior_and_is_counted_so():
    asked = wanted([1, 2], [1, 2])
    table, counts = fill(predicted(asked, [0, 1], [0.2, 0.4]), asked, "previous")
    assert table.numbers("va")[:, 0] == pytest.approx([0.2, 0.4, 0.3, 0.3])
    assert counts == {"prior": 2}


@given(st.sets(st.integers(0, 11), min_size=1), st.sampled_from([p for p in POLICIES if p != "error"]))
def test_predicted_rows_stay_and_filled_ones_stay_in_range(rows, policy):
    asked = wanted([1, 2, 4, 8], [1, 2, 3, 4], [2, 4, 6, 8])
    given_rows = sorted(rows)
    numbers = np.linspace(-1, 1, len(given_rows))
    table, counts = fill(predicted(asked, given_rows, numbers), asked, policy)
    values = table.numbers("va")[:, 0]
    np.testing.assert_array_equal(values[given_rows], numbers)
    assert (np.abs(values) <= 1).all()
    assert sum(counts.values()) == 12 - len(given_rows)


def test_repeated_rows_are_filled_alike():
    asked = wanted([1, 2, 2, 3])
    table, _ = fill(predicted(asked, [0, 3], [0.0, 1.0]), asked, "linear")
    assert table.numbers("va")[:, 0] == pytest.approx([0, 0.5, 0.5, 1])


ROWS = st.lists(st.booleans(), min_size=1, max_size=30)


def clip_answers(valid, seed=0):
    random = np.random.default_rng(seed)
    answer = random.random((len(valid), 3))
    answer[~np.array(valid)] = np.nan
    frame = np.cumsum(random.integers(1, 9, len(valid))).astype(np.int32)
    return {"task": answer}, frame, np.array(valid)


@given(ROWS, st.sampled_from(FRAME_POLICIES), st.integers(0, 5))
def test_valid_frames_stay_what_they_are(valid, policy, seed):
    answers, frame, mask = clip_answers(valid, seed)
    result, _ = fill_frames(answers, frame, mask, policy)
    np.testing.assert_array_equal(result["task"][mask], answers["task"][mask])


@given(ROWS, st.sampled_from(FRAME_POLICIES[1:]), st.integers(0, 5))
def test_a_clip_with_one_valid_frame_is_filled_to_the_last_row(valid, policy, seed):
    answers, frame, mask = clip_answers(valid, seed)
    result, marked = fill_frames(answers, frame, mask, policy)
    if mask.any():
        assert np.isfinite(result["task"]).all()
        np.testing.assert_array_equal(marked, ~mask)
        low, high = np.nanmin(answers["task"], axis=0), np.nanmax(answers["task"], axis=0)
        assert (result["task"] >= low - 1e-12).all()
        assert (result["task"] <= high + 1e-12).all()
    else:
        assert np.isnan(result["task"]).all()
        assert not marked.any()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("none", [np.nan, 0, np.nan, np.nan, np.nan, 4, np.nan]),
        ("previous", [0, 0, 0, 0, 0, 4, 4]),
        ("nearest", [0, 0, 0, 0, 4, 4, 4]),
        ("linear", [0, 0, 1, 2, 3, 4, 4]),
    ],
)
def test_each_policy_on_a_gap_of_frames_worked_by_hand(policy, expected):
    column = np.array([[np.nan, 0, np.nan, np.nan, np.nan, 4, np.nan]]).T
    result, _ = fill_frames({"va": column}, np.arange(7, dtype=np.int32), ~np.isnan(column[:, 0]), policy)
    np.testing.assert_allclose(result["va"][:, 0], expected)


def test_linear_goes_by_frame_numbers_not_by_rows():
    column = np.array([[0.0, np.nan, 10.0]]).T
    result, _ = fill_frames({"va": column}, np.array([1, 2, 11], np.int32), ~np.isnan(column[:, 0]), "linear")
    assert result["va"][1, 0] == pytest.approx(1.0)


def test_probabilities_still_sum_to_1_when_they_are_interpolated():
    answers, frame, mask = clip_answers([True, False, False, True, False])
    answers["task"] /= answers["task"].sum(axis=1, keepdims=True)
    result, _ = fill_frames(answers, frame, mask, "linear")
    np.testing.assert_allclose(result["task"].sum(axis=1), 1)


def test_an_unknown_policy_is_refused_with_a_near_one():
    typo: Any = "nearst"
    with pytest.raises(ProblemError, match="nearest"):
        fill(predicted(ASKED, [1, 4], [0.0, 0.8]), ASKED, typo)
    answers, frame, mask = clip_answers([True, False])
    with pytest.raises(ProblemError, match="nearest"):
        fill_frames(answers, frame, mask, typo)
