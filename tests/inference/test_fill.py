from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.inference.fill import POLICIES, filled

ROWS = st.lists(st.booleans(), min_size=1, max_size=30)


def given_rows(valid, seed=0):
    random = np.random.default_rng(seed)
    answer = random.random((len(valid), 3))
    answer[~np.array(valid)] = np.nan
    frame = np.cumsum(random.integers(1, 9, len(valid))).astype(np.int32)
    return {"task": answer}, frame, np.array(valid)


@given(ROWS, st.sampled_from(POLICIES), st.integers(0, 5))
def test_valid_frames_stay_what_they_are(valid, policy, seed):
    answers, frame, mask = given_rows(valid, seed)
    result, _ = filled(answers, frame, mask, policy)
    np.testing.assert_array_equal(result["task"][mask], answers["task"][mask])


@given(ROWS, st.sampled_from(POLICIES[1:]), st.integers(0, 5))
def test_a_clip_with_one_valid_frame_is_filled_to_the_last_row(valid, policy, seed):
    answers, frame, mask = given_rows(valid, seed)
    result, marked = filled(answers, frame, mask, policy)
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
def test_each_policy_on_a_gap_worked_by_hand(policy, expected):
    column = np.array([[np.nan, 0, np.nan, np.nan, np.nan, 4, np.nan]]).T
    result, _ = filled({"va": column}, np.arange(7, dtype=np.int32), ~np.isnan(column[:, 0]), policy)
    np.testing.assert_allclose(result["va"][:, 0], expected)


def test_linear_goes_by_frame_numbers_not_by_rows():
    column = np.array([[0.0, np.nan, 10.0]]).T
    result, _ = filled({"va": column}, np.array([1, 2, 11], np.int32), ~np.isnan(column[:, 0]), "linear")
    assert result["va"][1, 0] == pytest.approx(1.0)


def test_probabilities_still_sum_to_1_when_they_are_interpolated():
    answers, frame, mask = given_rows([True, False, False, True, False])
    answers["task"] /= answers["task"].sum(axis=1, keepdims=True)
    result, _ = filled(answers, frame, mask, "linear")
    np.testing.assert_allclose(result["task"].sum(axis=1), 1)
