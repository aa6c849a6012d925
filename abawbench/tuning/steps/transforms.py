"""What tuned values do to the answers of a stream: one function for each step, and the settings that are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from abawbench.challenges import Task
from abawbench.entries.outputs import THRESHOLD, sums_to_one
from abawbench.fill import FRAME_POLICIES, FramePolicy, fill_frames
from abawbench.table import Floats, Rows, places_of, row_keys
from abawbench.tuning.inputs.stream import TICKS_PER_S, Stream
from abawbench.tuning.steps.kinds import (
    Affine,
    Fill,
    Gate,
    Kernel,
    Lag,
    Line,
    Offsets,
    Smoothing,
    Step,
    Thresholds,
    steps_for,
)
from abawbench.tuning.steps.smoothing import Smoother

# settings that are tried, in seconds: each about 1.4 times the one before
_WIDTHS = (0.1, 0.17, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
_DEVIATIONS = (0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8, 1.1, 1.6, 2.2)
# the median of a long window is slow, and seldom better than its mean
_MEDIAN_WIDTHS = _WIDTHS[:7]
_LAGS = tuple(round(0.1 * number, 1) for number in range(-10, 11))
# people who annotate numbers while a video plays react late
_LONG_LAGS = tuple(0.25 * number for number in range(5, 13))
_CONFIDENCES = tuple(round(0.05 * number, 2) for number in range(1, 21))


def candidates(
    task: Task, *, online: bool = False, other: tuple[str, str] | None = None
) -> dict[str, tuple[Step | None, ...]]:
    """By the name of a step, the settings that are tried for a task; None, the first, is no step at all.

    Thresholds, offsets and lines are not among them: these are searched, not listed.

    Args:
        task: task of the challenge.
        online: True for settings that need no answer of the future.
        other: name and identity of another entry, for gates to it.
    """
    seconds: dict[Kernel, tuple[float, ...]] = {
        "mean": _WIDTHS,
        "median": _MEDIAN_WIDTHS,
        "gaussian": _DEVIATIONS,
        "exponential": _DEVIATIONS,
    }
    smoothing = [Smoothing(kind, one, online) for kind, all_of in seconds.items() for one in all_of]
    longer = _LONG_LAGS if task.is_real else ()
    all_lags = (*(-one for one in reversed(longer)), *_LAGS, *longer)
    lags = [Lag(one) for one in all_lags if one and (one < 0 or not online)]
    # no answer is less sure
    least = 1 / task.width if sums_to_one(task) else 0.5
    gates = [] if other is None else [Gate(*other, one) for one in _CONFIDENCES if one > least]
    # frames without any answer are those of --missing, which copies a neighbour as these do
    fills = [] if online else [Fill(policy) for policy in FRAME_POLICIES if policy != "none"]
    found: dict[str, Sequence[Step]] = {"smoothing": smoothing, "lag": lags, "gate": gates, "fill": fills}
    return {name: (None, *found[name]) for name in steps_for(task) if found.get(name)}


def shift(stream: Stream, task: Task, seconds: float) -> Stream:
    """Answers that come some seconds late, at the time for which they are.

    A frame gets the answer of the frame that is nearest to `seconds` later, the earlier of two equally near, and the
    first or last one of its run beyond the run's ends.
    """
    timeline = stream.timeline
    ticks, wanted = timeline.ticks, timeline.ticks + round(seconds * TICKS_PER_S)
    after = np.clip(np.searchsorted(ticks, wanted), timeline.start, timeline.end - 1)
    before = np.maximum(after - 1, timeline.start)
    source = np.where(ticks[after] - wanted < wanted - ticks[before], after, before)
    values = stream.answers[task.name].copy()
    values[stream.rows] = values[stream.rows[source]]
    return stream.with_answers(task.name, values)


def offset_classes(stream: Stream, task: Task, offsets: Floats) -> Stream:
    """Add numbers to the logarithms of the classes' probabilities, shape (width,); they sum to 1 again."""
    values = stream.answers[task.name] * np.exp(offsets)
    total = values.sum(axis=1, keepdims=True)
    return stream.with_answers(task.name, values / np.where(total > 0, total, 1))


def scale(stream: Stream, task: Task, scales: Floats, offsets: Floats) -> Stream:
    """Scale the values of the columns, then add offsets, shape (width,) each; what leaves the range is clipped."""
    return stream.with_answers(task.name, np.clip(stream.answers[task.name] * scales + offsets, *task.span))


def confidence(task: Task, answers: Floats) -> Floats:
    """How sure probabilities are: that of the likeliest class, or of each label that it is present or not.

    Returns:
        Shape (frames, 1) for classes, (frames, width) for labels; 0 where there is no answer.
    """
    sure = answers.max(axis=1, keepdims=True) if sums_to_one(task) else np.maximum(answers, 1 - answers)
    return np.where(np.isnan(sure), 0.0, sure)


def match_frames(stream: Stream, other: Stream) -> Rows:
    """The place in another stream of each frame, shape (frames,); -1 where it is not there."""
    if not len(other):
        return np.full(len(stream), -1)
    unit = places_of(other.units, stream.units)[other.unit]
    keys = row_keys(unit, other.frame)
    order = np.argsort(keys, kind="stable")
    wanted = row_keys(stream.unit, stream.frame)
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    found = order[place]
    return np.where(keys[found] == wanted, found, -1)


def gate(stream: Stream, task: Task, other: Stream, least: float) -> Stream:
    """Take the answers of another entry where the confidence is below a number, and where there is no answer.

    With labels each one is taken alone. Frames that the other does not answer stay as they are; 0 changes nothing.
    """
    own, place = stream.answers[task.name], match_frames(stream, other)
    found = np.flatnonzero(place >= 0)
    theirs, is_filled = np.full_like(own, np.nan), np.zeros(len(own), bool)
    theirs[found] = other.answers[task.name][place[found]]
    is_filled[found] = other.filled[place[found]]
    chosen = (confidence(task, own) < least) & ~np.isnan(theirs)
    filled = stream.filled | (is_filled & chosen[:, 0] & np.isnan(own[:, 0]))
    return stream.with_answers(task.name, np.where(chosen, theirs, own), filled)


def fill(stream: Stream, task: Task, policy: FramePolicy) -> Stream:
    """Answer the frames without a crop by a policy; what a policy filled before is dropped first."""
    own = stream.answered(task.name) & ~stream.filled
    values = np.where(own[:, None], stream.answers[task.name], np.nan)
    filled = stream.filled.copy()
    bounds = np.searchsorted(stream.unit, np.arange(len(stream.units) + 1))
    for begin, end in pairwise(bounds.tolist()):
        unit = slice(begin, end)
        made, mask = fill_frames({task.name: values[unit]}, stream.frame[unit], own[unit], policy)
        values[unit] = made[task.name]
        filled[unit] |= mask
    return stream.with_answers(task.name, values, filled)


def apply_step(stream: Stream, task: Task, step: Step, other: Stream | None = None) -> Stream:
    """The stream after a step of a task.

    Args:
        stream: the answers.
        task: task of the challenge.
        step: the step; for many smoothings, a `Smoother` computes once what they share.
        other: answers of the entry that a gate names; no other step needs it.
    """
    match step:
        case Smoothing():
            return stream.with_answers(task.name, Smoother(stream, task).smooth(step))
        case Thresholds():
            return stream.with_thresholds(task.name, _by_output(task, step.values, THRESHOLD))
        case Offsets():
            return offset_classes(stream, task, _by_output(task, step.values, 0.0))
        case Affine():
            lines = [step.values.get(name, Line(1.0, 0.0)) for name in task.outputs]
            return scale(
                stream, task, np.array([line.scale for line in lines]), np.array([line.offset for line in lines])
            )
        case Lag():
            return shift(stream, task, step.seconds)
        case Gate():
            assert other is not None
            return gate(stream, task, other, step.confidence)
        case Fill():
            return fill(stream, task, step.policy)


def _by_output(task: Task, values: Mapping[str, float], otherwise: float) -> Floats:
    return np.array([values.get(name, otherwise) for name in task.outputs])
