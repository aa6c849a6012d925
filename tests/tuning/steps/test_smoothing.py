from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.tuning.inputs.stream import SLACK, TICKS_PER_S, Stream, runs_of
from abawbench.tuning.steps.kinds import Smoothing
from abawbench.tuning.steps.smoothing import GAUSSIAN_REACH, Smoother, medians
from tests.tuning.conftest import MTL, random_answers

KINDS = ("mean", "median", "gaussian", "exponential")
LINEAR = ("mean", "gaussian", "exponential")
TASKS = {task.name: task for task in MTL.tasks}


def make_stream(lengths, seed=0, *, rates=(30.0, 25.0, 29.97), missing=0.1, jitter=0.0):
    """A stream of units with these numbers of frames, some without an answer."""
    random = np.random.default_rng(seed)
    unit = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    frame = np.concatenate([np.arange(length, dtype=np.int32) for length in lengths])
    time = np.concatenate(
        [
            np.cumsum(np.full(length, 1 / rates[number % len(rates)]) * (1 + jitter * random.uniform(-1, 1, length)))
            for number, length in enumerate(lengths)
        ]
    )
    valid = random.random(len(unit)) >= missing
    answers = random_answers(MTL.tasks, len(unit), random)
    for values in answers.values():
        values[~valid] = np.nan
    return Stream(
        units=tuple(f"u{number}" for number in range(len(lengths))),
        unit=unit,
        frame=frame,
        time=time,
        valid=valid,
        filled=np.zeros(len(unit), bool),
        answers=answers,
        run=runs_of(unit, frame, time, valid),
    )


def smooth(stream, step, task="action_units"):
    return Smoother(stream, TASKS[task]).smooth(step)


def reference(stream, step, task):
    """Smoothing as a loop over frames, straight from its definition."""
    before = stream.answers[task.name]
    result = before.copy()
    width = round(step.seconds * TICKS_PER_S)
    rows, ticks = stream.rows, stream.timeline.ticks
    values = before[rows]
    for place, row in enumerate(rows):
        in_run = np.flatnonzero(stream.run[rows] == stream.run[row])
        distance = ticks[in_run] - ticks[place]
        past = in_run <= place
        if step.kind in {"mean", "median"}:
            reach = width if step.online else width // 2
        else:
            reach = np.inf if step.kind == "exponential" else round(GAUSSIAN_REACH * width)
        counts = (np.abs(distance) <= reach + SLACK) & (past if step.online else True)
        inside, distance = values[in_run[counts]], distance[counts] / width
        if step.kind == "median":
            found = np.median(inside, axis=0)
            found = found if task.is_vector else found / found.sum()
        else:
            weight = {
                "mean": np.ones(len(inside)),
                "gaussian": np.exp(-0.5 * distance**2),
                "exponential": np.exp(-np.abs(distance)),
            }[step.kind]
            found = weight @ inside / weight.sum()
        result[row] = found
    return result


STEPS = st.builds(
    Smoothing, st.sampled_from(KINDS), st.sampled_from([0.02, 0.04, 0.1, 0.3, 1.0, 5.0, 60.0]), online=st.booleans()
)
STREAMS = st.builds(
    make_stream,
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.integers(0, 10_000),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
    jitter=st.sampled_from([0.0, 0.02, 0.9]),
)


@settings(max_examples=60)
@given(STREAMS, STEPS, st.sampled_from(list(TASKS)))
def test_smoothing_is_that_of_a_loop_over_frames(stream, step, task):
    expected = reference(stream, step, TASKS[task])
    np.testing.assert_allclose(smooth(stream, step, task), expected, rtol=0, atol=1e-12, equal_nan=True)


@settings(max_examples=30)
@given(STREAMS, STEPS, st.floats(0, 1))
def test_a_constant_stays_constant(stream, step, value):
    constant = np.where(np.isnan(stream.answers["action_units"]), np.nan, value)
    after = smooth(stream.with_answers("action_units", constant), step)
    np.testing.assert_allclose(after, constant, rtol=0, atol=1e-14, equal_nan=True)


@settings(max_examples=30)
@given(STREAMS, STEPS.filter(lambda step: step.kind in LINEAR))
def test_means_are_linear(stream, step):
    first = stream.answers["action_units"]
    second = np.random.default_rng(1).random(first.shape)
    second[np.isnan(first)] = np.nan
    mixed = smooth(stream.with_answers("action_units", 0.3 * first + 0.7 * second), step)
    apart = 0.3 * smooth(stream, step) + 0.7 * smooth(stream.with_answers("action_units", second), step)
    np.testing.assert_allclose(mixed, apart, rtol=0, atol=1e-12, equal_nan=True)


@settings(max_examples=30)
@given(STREAMS, STEPS)
def test_the_order_of_units_changes_nothing(stream, step):
    order = np.lexsort((stream.frame, -stream.unit))
    unit = (len(stream.units) - 1 - stream.unit[order]).astype(np.int32)
    frame, time, valid = stream.frame[order], stream.time[order], stream.valid[order]
    turned = replace(
        stream,
        unit=unit,
        frame=frame,
        time=time,
        valid=valid,
        answers={task: values[order] for task, values in stream.answers.items()},
        run=runs_of(unit, frame, time, valid),
    )
    np.testing.assert_allclose(smooth(turned, step), smooth(stream, step)[order], rtol=0, atol=1e-13, equal_nan=True)


@settings(max_examples=30)
@given(STREAMS, STEPS, st.data())
def test_online_smoothing_never_looks_ahead(stream, step, data):
    step = replace(step, online=True)
    now = data.draw(st.integers(0, len(stream) - 1))
    changed = stream.answers["action_units"].copy()
    changed[now + 1 :] = np.where(np.isnan(changed[now + 1 :]), np.nan, 1 - changed[now + 1 :])
    before, after = smooth(stream, step), smooth(stream.with_answers("action_units", changed), step)
    np.testing.assert_array_equal(before[: now + 1], after[: now + 1])


@settings(max_examples=30)
@given(STREAMS, STEPS, st.data())
def test_nothing_is_carried_across_runs(stream, step, data):
    run = data.draw(st.integers(-1, int(stream.run.max())))
    changed = stream.answers["action_units"].copy()
    others = (stream.run != run)[:, None]
    changed = np.where(others & ~np.isnan(changed), 1 - changed, changed)
    before, after = smooth(stream, step), smooth(stream.with_answers("action_units", changed), step)
    np.testing.assert_array_equal(before[stream.run == run], after[stream.run == run])


@settings(max_examples=30)
@given(STREAMS, STEPS)
def test_probabilities_of_classes_still_sum_to_one(stream, step):
    after = smooth(stream, step, "expression")[stream.rows]
    np.testing.assert_allclose(after.sum(1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_no_width_changes_nothing(kind):
    stream = make_stream([50, 20])
    np.testing.assert_array_equal(smooth(stream, Smoothing(kind, 0.0)), stream.answers["action_units"])
    np.testing.assert_array_equal(smooth(stream, Smoothing(kind, 1e-7)), stream.answers["action_units"])
    np.testing.assert_allclose(smooth(stream, Smoothing(kind, 1e-6)), stream.answers["action_units"], atol=1e-14)


def test_a_mean_of_three_frames_worked_by_hand():
    stream = make_stream([4], rates=(30.0,), missing=0)
    values = np.full((4, 12), 0.5)
    values[:, 0] = [0.0, 0.3, 0.6, 0.0]
    after = smooth(stream.with_answers("action_units", values), Smoothing("mean", 0.07))
    np.testing.assert_allclose(after[:, 0], [0.15, 0.3, 0.3, 0.3], rtol=0, atol=1e-15)
    online = smooth(stream.with_answers("action_units", values), Smoothing("mean", 0.07, online=True))
    np.testing.assert_allclose(online[:, 0], [0.0, 0.15, 0.3, 0.3], rtol=0, atol=1e-15)


def test_a_median_leaves_out_a_single_frame():
    stream = make_stream([5], rates=(30.0,), missing=0)
    values = np.full((5, 12), 0.2)
    values[2] = 0.9
    after = smooth(stream.with_answers("action_units", values), Smoothing("median", 0.07))
    np.testing.assert_array_equal(after, np.full((5, 12), 0.2))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8, 9, 30, 33, 64, 127, 128])
def test_medians_of_windows_are_those_of_their_sorted_values(length):
    # also zeros and ones: a network that sorts these sorts everything
    random = np.random.default_rng(length)
    values = np.stack([random.random(300), random.integers(0, 2, 300)], axis=1)
    first = np.arange(300 - length)
    found = medians(values, np.append(first, [0] * length), np.append(first + length, [1] * length))
    expected = np.median(np.lib.stride_tricks.sliding_window_view(values, length, axis=0), axis=-1)
    np.testing.assert_array_equal(found[: 300 - length], expected[: 300 - length])


def test_windows_hold_seconds_and_not_frames():
    fast, slow = make_stream([200], rates=(50.0,), missing=0), make_stream([200], rates=(10.0,), missing=0)
    values = np.zeros((200, 12))
    values[100] = 1
    step = Smoothing("mean", 1.0)
    reached = [(smooth(one.with_answers("action_units", values), step)[:, 0] > 0).sum() for one in (fast, slow)]
    assert reached == [51, 11]


def test_times_that_are_rounded_to_the_millisecond_are_even():
    stream = make_stream([300], rates=(30.0,), missing=0)
    rounded = replace(stream, time=np.round(stream.time, 3))
    assert np.ptp(rounded.timeline.interval) == 0
    assert abs(rounded.timeline.interval[0] - 33_333) <= 5
    assert (make_stream([300], jitter=0.9, missing=0).timeline.interval == 0).all()
    for kind in ("mean", "median"):
        np.testing.assert_array_equal(smooth(rounded, Smoothing(kind, 0.3)), smooth(stream, Smoothing(kind, 0.3)))


def test_long_runs_and_blocks_lose_no_precision():
    stream = make_stream([20_000, 3], rates=(30.0,), missing=0.02)
    for kind in LINEAR:
        for seconds in (0.2, 8.0):
            step = Smoothing(kind, seconds)
            after = smooth(stream, step)
            for row in (17, 16_384, 20_001):
                if stream.run[row] < 0:
                    continue
                expected = reference_row(stream, step, row)
                np.testing.assert_allclose(after[row], expected, rtol=0, atol=1e-12)


def reference_row(stream, step, row):
    rows, ticks, width = stream.rows, stream.timeline.ticks, step.seconds * TICKS_PER_S
    place = int(np.flatnonzero(rows == row)[0])
    same = stream.run[rows] == stream.run[row]
    distance = np.abs(ticks - ticks[place]) / width
    weight = {
        "mean": (distance <= 0.5 + SLACK / width) * 1.0,
        "gaussian": np.exp(-0.5 * distance**2) * (distance <= GAUSSIAN_REACH + SLACK / width),
        "exponential": np.exp(-distance),
    }[step.kind]
    weight = weight * same
    return weight @ stream.answers["action_units"][rows] / weight.sum()
