"""Fill policies: what each gives, that they are counted, and that a fill never crosses a video."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import Problem, ProblemError
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
    taken = asked.take(np.array(rows, np.int64))
    return Table(taken.videos, taken.video, taken.frame, values)


NOTE = Problem("N05", "oddly written", "plainly written", "nothing to do")
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


def test_three_missing_rows_are_named_with_the_counts_of_all_and_the_file():
    asked = replace(ASKED, source="wanted.csv")
    prediction = replace(predicted(asked, [1], [0.0]), source="mine.csv")
    with pytest.raises(ProblemError) as caught:
        fill(prediction, asked, "error")
    problems = caught.value.problems
    assert [problem.found.split(" for ")[1] for problem in problems] == ["v0 frame 1", "v0 frame 3", "v0 frame 4"]
    assert {(problem.rule, problem.count, problem.file) for problem in problems} == {("T01", 5, "mine.csv")}
    assert all("5 of 6" in problem.expected for problem in problems)


def test_nothing_to_fill_from_is_a_problem_and_nothing_to_fill_is_none():
    nothing = replace(predicted(ASKED, [], []), source="mine.csv")
    with pytest.raises(ProblemError) as caught:
        fill(nothing, ASKED, "nearest")
    (problem,) = caught.value.problems
    assert (problem.rule, problem.file) == ("F02", "mine.csv")
    table, counts = fill(predicted(ASKED, range(6), range(6)), ASKED, "error")
    assert counts == {}
    assert table.numbers("va")[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert table.filled is not None
    assert not table.filled.any()


EVERY_KIND = {
    "va": np.array([[0.2, -0.4], [1.0, 0.4]]),
    "expression": np.array([2, 7], np.int8),
    "action_units": np.array([[1, 0, 1], [0, 0, 1]], np.int8),
}


@pytest.mark.parametrize(
    ("policy", "numbers", "classes", "units", "probabilities"),
    [
        ("previous", [[0.2, -0.4]] * 3, [2, 2, 2], [[1, 0, 1]] * 3, [0.5] * 3),
        # the middle is as far from both: the earlier one counts
        ("nearest", [[0.2, -0.4]] * 2 + [[1.0, 0.4]], [2, 2, 7], [[1, 0, 1]] * 2 + [[0, 0, 1]], [0.5, 0.5, 0.9]),
        (
            "linear",
            [[0.4, -0.2], [0.6, 0.0], [0.8, 0.2]],
            [2, 2, 7],
            [[1, 0, 1], [1, 0, 1], [0, 0, 1]],
            [0.6, 0.7, 0.8],
        ),
        # of two equally frequent classes the first, of two equally frequent labels 1
        ("prior", [[0.6, 0.0]] * 3, [2, 2, 2], [[1, 0, 1]] * 3, [0.7] * 3),
    ],
)
def test_every_kind_of_value_is_filled_as_the_policy_says(policy, numbers, classes, units, probabilities):
    asked = wanted([1, 2, 3, 4, 5])
    kept = asked.take(np.array([0, 4]))
    prediction = Table(kept.videos, kept.video, kept.frame, EVERY_KIND, np.array([0.5, 0.9]))
    before = {task: values.copy() for task, values in EVERY_KIND.items()}
    table, _ = fill(prediction, asked, policy)
    middle = slice(1, 4)
    np.testing.assert_allclose(table.numbers("va")[middle], numbers)
    assert table.classes("expression")[middle].tolist() == classes
    assert table.classes("action_units")[middle].tolist() == units
    assert table.probability is not None
    assert table.probability[middle] == pytest.approx(probabilities)
    for task, values in table.values.items():
        assert values.dtype == EVERY_KIND[task].dtype
        np.testing.assert_array_equal(values[[0, 4]], EVERY_KIND[task])
        # what was predicted stays what it was
        np.testing.assert_array_equal(EVERY_KIND[task], before[task])


def test_the_prior_is_taken_of_the_predicted_rows_and_the_most_frequent_class_may_be_the_first():
    asked = wanted([1, 2, 3], [1])
    prediction = predicted(asked, [0, 1, 2], [0.0, 0.3, 0.6], [0, 0, 5])
    table, counts = fill(replace(prediction, probability=np.array([0.1, 0.2, 0.9])), asked, "linear")
    assert counts == {"prior": 1}
    assert table.numbers("va")[3, 0] == pytest.approx(0.3)
    assert table.classes("expression")[3] == 0
    assert table.probability is not None
    assert table.probability[3] == pytest.approx(0.4)


def test_the_table_names_the_videos_that_were_asked_for_and_the_file_that_was_filled():
    prediction = replace(predicted(ASKED, [1, 4], [0.0, 0.8]), source="mine.csv", notes=(NOTE,))
    table, _ = fill(prediction, replace(ASKED, source="wanted.csv"), "nearest")
    assert (table.videos, table.source, table.notes) == (ASKED.videos, "mine.csv", (NOTE,))


def test_the_only_row_of_a_video_is_no_neighbour_of_the_next_video():
    asked = wanted([1], [1, 2])
    table, _ = fill(predicted(asked, [0, 2], [0.0, 0.5]), asked, "previous")
    assert table.numbers("va")[:, 0].tolist() == [0, 0.5, 0.5]


def test_the_only_row_of_the_last_video_is_no_neighbour_of_the_one_before():
    asked = wanted([1, 9], [10])
    table, _ = fill(predicted(asked, [0, 2], [0.0, 0.5]), asked, "nearest")
    assert table.numbers("va")[:, 0].tolist() == [0, 0, 0.5]


@pytest.mark.parametrize("policy", ["previous", "nearest", "linear"])
def test_a_frame_asked_for_once_more_takes_the_answer_of_its_frame(policy):
    asked = wanted([1, 2, 2, 2, 4])
    table, _ = fill(predicted(asked, [0, 1, 2, 4], [0.0, 0.25, 0.5, 1.0]), asked, policy)
    assert table.numbers("va")[:, 0].tolist() == [0, 0.25, 0.5, 0.5, 1]


def test_interpolation_never_leaves_the_range_of_its_ends():
    asked = wanted(range(1, 60))
    for value in (0.1, -0.1, 0.7, -0.7):
        table, _ = fill(predicted(asked, [0, 58], [value, value]), asked, "linear")
        assert set(table.numbers("va")[:, 0].tolist()) == {value}


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
    result, marked = fill_frames(answers, frame, mask, policy)
    np.testing.assert_array_equal(result["task"][mask], answers["task"][mask])
    assert marked.dtype == bool


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


@pytest.mark.parametrize("policy", FRAME_POLICIES[1:])
def test_frames_before_the_first_and_behind_the_last_answer_take_it_exactly(policy):
    column = np.full((12, 1), np.nan)
    column[5] = 0.1
    result, _ = fill_frames({"va": column}, np.arange(12, dtype=np.int32), ~np.isnan(column[:, 0]), policy)
    assert set(result["va"][:, 0].tolist()) == {0.1}


def test_every_column_of_a_frame_is_filled():
    answers = np.array([[0.0, 1.0], [np.nan, np.nan], [1.0, 0.0]])
    result, marked = fill_frames({"task": answers}, np.array([1, 2, 5], np.int32), np.array([1, 0, 1], bool), "linear")
    np.testing.assert_allclose(result["task"], [[0, 1], [0.25, 0.75], [1, 0]])
    assert marked.tolist() == [False, True, False]


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
