from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.entries.outputs import decide
from abawbench.fill import FRAME_POLICIES, fill_frames
from abawbench.tuning.inputs.stream import read_stream, table_of_stream
from abawbench.tuning.steps.kinds import STEPS, Affine, Fill, Gate, Lag, Line, Offsets, Smoothing, Thresholds, faults_of
from abawbench.tuning.steps.transforms import (
    apply_step,
    candidates,
    confidence,
    fill,
    gate,
    match_frames,
    offset_classes,
    scale,
    shift,
)
from tests.tuning.conftest import MTL, random_unit, write_store
from tests.tuning.steps.test_smoothing import TASKS, make_stream


def test_answers_that_come_late_are_moved_to_their_time():
    stream = make_stream([50, 30], rates=(30.0, 25.0), missing=0)
    after = shift(stream, TASKS["va"], 0.1).answers["va"]
    before = stream.answers["va"]
    np.testing.assert_array_equal(after[:47], before[3:50])
    # the end of a run is held
    np.testing.assert_array_equal(after[47:50], before[[49] * 3])
    # 0.1 s lie between two frames at 25 frames a second: the earlier one counts
    np.testing.assert_array_equal(after[50:78], before[52:80])
    np.testing.assert_array_equal(shift(stream, TASKS["va"], -0.1).answers["va"][3:50], before[:47])


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(-1, 1))
def test_a_shift_takes_the_nearest_frame_of_the_run(seed, seconds):
    stream = make_stream([20, 9], seed, missing=0.3, jitter=0.5)
    after = shift(stream, TASKS["va"], seconds).answers["va"]
    rows, ticks = stream.rows, stream.timeline.ticks
    for place, row in enumerate(rows):
        same = np.flatnonzero(stream.run[rows] == stream.run[row])
        distance = np.abs(ticks[same] - (ticks[place] + round(seconds * 1e6)))
        np.testing.assert_array_equal(after[row], stream.answers["va"][rows[same[distance.argmin()]]])


def test_no_lag_changes_nothing():
    stream = make_stream([20])
    np.testing.assert_array_equal(shift(stream, TASKS["va"], 0.0).answers["va"], stream.answers["va"])


def test_offsets_decide_as_sums_of_logarithms_do():
    stream = make_stream([60], missing=0)
    offsets = np.linspace(-1, 1, 8)
    after = offset_classes(stream, TASKS["expression"], offsets).answers["expression"]
    np.testing.assert_allclose(after.sum(1), 1)
    expected = (np.log(stream.answers["expression"]) + offsets).argmax(1)
    np.testing.assert_array_equal(after.argmax(1), expected)


def test_a_class_without_probability_stays_without():
    stream = make_stream([2], missing=0)
    values = np.zeros((2, 8))
    values[0, 0] = 1
    after = offset_classes(stream.with_answers("expression", values), TASKS["expression"], np.full(8, 3.0))
    np.testing.assert_array_equal(after.answers["expression"], values)


def test_values_are_scaled_and_cut_at_the_range():
    stream = make_stream([3], missing=0).with_answers("va", np.array([[0.5, 0.1], [-1, 0], [0.9, 0]]))
    after = scale(stream, TASKS["va"], np.array([2.0, 1.0]), np.array([0.0, 0.3])).answers["va"]
    np.testing.assert_allclose(after, [[1.0, 0.4], [-1, 0.3], [1, 0.3]])


def test_labels_are_present_from_their_threshold_on():
    task = TASKS["action_units"]
    answers = np.full((1, 12), 0.5)
    assert decide(task, answers).tolist() == [[1] * 12]
    thresholds = np.array([0.5, np.nextafter(0.5, 1)] * 6)
    assert decide(task, answers, thresholds).tolist() == [[1, 0] * 6]
    stream = make_stream([1], missing=0).with_answers(task.name, answers).with_thresholds(task.name, thresholds)
    np.testing.assert_array_equal(table_of_stream(stream, MTL).values[task.name], [[1, 0] * 6])


def test_confidence_is_that_of_the_decision():
    np.testing.assert_allclose(confidence(TASKS["action_units"], np.array([[0.1, 0.7, np.nan]])), [[0.9, 0.7, 0]])
    np.testing.assert_allclose(confidence(TASKS["expression"], np.array([[0.2, 0.5], [np.nan] * 2])), [[0.5], [0]])


@pytest.fixture
def pair(tmp_path):
    random = np.random.default_rng(5)
    first = [random_unit("a", 12, random, missing=(3, 4)), random_unit("b", 6, random)]
    second = [random_unit("0", 3, random), random_unit("a", 10, random, missing=(4,), filled=(3,))]
    return tuple(
        read_stream(write_store(tmp_path / name, units), MTL) for name, units in (("one", first), ("two", second))
    )


def test_frames_meet_by_unit_and_number(pair):
    assert match_frames(*pair).tolist() == [*range(3, 13), -1, -1] + [-1] * 6


@pytest.mark.parametrize("task", ["expression", "action_units"])
@pytest.mark.parametrize("least", [0.0, 0.3, 0.7, 1.01])
def test_a_gate_takes_the_other_answer_where_the_confidence_is_low(pair, task, least):
    one, two = pair
    after = gate(one, TASKS[task], two, least)
    own, theirs = one.answers[task][:10], two.answers[task][3:]
    expected = np.where((confidence(TASKS[task], own) < least) & ~np.isnan(theirs), theirs, own)
    np.testing.assert_array_equal(after.answers[task][:10], expected)
    np.testing.assert_array_equal(after.answers[task][10:], one.answers[task][10:])
    assert np.flatnonzero(after.filled).tolist() == ([3] if least else [])


def test_a_gate_to_an_empty_stream_changes_nothing(pair):
    one, two = pair
    none = np.zeros(len(two), bool)
    empty = replace(
        two,
        unit=two.unit[none],
        frame=two.frame[none],
        filled=two.filled[none],
        answers={task: values[none] for task, values in two.answers.items()},
    )
    after = gate(one, TASKS["expression"], empty, 1.0)
    np.testing.assert_array_equal(after.answers["expression"], one.answers["expression"])


@pytest.mark.parametrize("policy", FRAME_POLICIES)
def test_frames_are_filled_as_predict_fills_them(store, policy):
    stream = read_stream(store, MTL)
    after = fill(stream, TASKS["va"], policy)
    for number in range(3):
        unit = stream.unit == number
        bare = {"va": np.where(stream.valid[unit][:, None], stream.answers["va"][unit], np.nan)}
        expected, mask = fill_frames(bare, stream.frame[unit], stream.valid[unit], policy)
        np.testing.assert_array_equal(after.answers["va"][unit], expected["va"])
        assert after.filled[unit][mask].all()
    table = table_of_stream(after, MTL)
    assert np.isnan(table.values["va"]).any() == (policy == "none")
    assert len(table) == (len(stream) if policy != "none" else 54)


def test_settings_that_are_tried_are_valid_and_begin_with_none():
    for task in MTL.tasks:
        for online in (False, True):
            tried = candidates(task, online=online, other=("2026_test_other", "1" * 64))
            assert set(tried) <= set(STEPS)
            for settings_of in tried.values():
                assert settings_of[0] is None
                assert len(set(settings_of)) == len(settings_of) > 1
                assert not any(list(faults_of(step, task)) for step in settings_of if step is not None)
    lags, short = (
        [step.seconds for step in candidates(TASKS[task])["lag"] if isinstance(step, Lag)]
        for task in ("va", "expression")
    )
    assert lags == sorted(lags)
    assert (lags[0], lags[-1]) == (-3, 3)
    assert max(short) == 1
    assert "gate" not in candidates(TASKS["va"], other=("2026_test_other", "1" * 64))
    assert "gate" not in candidates(TASKS["expression"])


def test_online_settings_never_look_ahead():
    for name, tried in candidates(TASKS["va"], online=True).items():
        for step in tried[1:]:
            stream = make_stream([60], missing=0.2)
            changed = stream.answers["va"].copy()
            changed[31:] *= -1
            before = apply_step(stream, TASKS["va"], step).answers["va"]
            after = apply_step(stream.with_answers("va", changed), TASKS["va"], step).answers["va"]
            np.testing.assert_array_equal(before[:31], after[:31], err_msg=f"{name} {step}")


def test_every_step_is_applied_as_its_function_does(pair):
    one, two = pair
    labels, classes = TASKS["action_units"], TASKS["expression"]
    thresholds = np.full(12, 0.5)
    thresholds[1] = 0.9
    offsets = np.zeros(8)
    offsets[3] = 0.4
    va = TASKS["va"]
    for task, step, expected in (
        (va, Lag(0.1), shift(one, va, 0.1)),
        (va, Affine({"arousal": Line(2, 0.1)}), scale(one, va, np.array([1.0, 2]), np.array([0, 0.1]))),
        (va, Fill("linear"), fill(one, va, "linear")),
        (classes, Offsets({classes.outputs[3]: 0.4}), offset_classes(one, classes, offsets)),
        (classes, Gate("2026_test_other", "1" * 64, 0.5), gate(one, classes, two, 0.5)),
        (labels, Thresholds({labels.outputs[1]: 0.9}), one.with_thresholds(labels.name, thresholds)),
    ):
        after = apply_step(one, task, step, two)
        np.testing.assert_array_equal(after.answers[task.name], expected.answers[task.name])
        np.testing.assert_array_equal(after.thresholds.get(task.name, 0), expected.thresholds.get(task.name, 0))
        np.testing.assert_array_equal(after.filled, expected.filled)
    assert (apply_step(one, va, Smoothing("mean", 0.2)).answers["va"] != one.answers["va"]).any()
