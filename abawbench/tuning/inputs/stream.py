"""Streams: the answers of a prediction store as arrays over all frames, with their times and continuous runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge, Task
from abawbench.entries.names import check_names
from abawbench.entries.outputs import arrange, decide
from abawbench.inference.store import Predictions, Store
from abawbench.table import Floats, Integers, Mask, Rows, Table, Values

# frames a second where a store has no times; most videos of Aff-Wild2 have 30
ASSUMED_RATE = 30.0
# a run goes on over a gap of as many frame intervals: four frames without a face are no other scene
MOST_INTERVALS = 5
TICKS_PER_S = 1_000_000
# times are often written to the millisecond
SLACK = 1500


@dataclass(frozen=True, eq=False)
class Timeline:
    """The answered frames on one axis of time, in runs that nothing is carried across.

    Times are whole microseconds. Where the frames of a run lie within 1.5 ms of an even grid, they are taken to lie on
    it: many files round times to the millisecond.

    Attributes:
        ticks: microseconds, rising over all runs, shape (frames,).
        start: index of the first frame of a frame's run, shape (frames,).
        end: index behind the last frame of its run, shape (frames,).
        interval: microseconds from one number of a frame to the next, 0 in a run without an even grid, shape (frames,).
    """

    ticks: Rows
    start: Rows
    end: Rows
    interval: Rows

    @cached_property
    def bounds(self) -> Rows:
        """Index of the first frame of each run, and the number of frames, shape (runs + 1,)."""
        return np.append(np.flatnonzero(self.start == np.arange(len(self.start))), len(self.start))


def timeline_of(run: Integers, frame: Integers, time: Floats) -> Timeline:
    """Put frames on one axis of time.

    Args:
        run: run of each frame, rising, shape (frames,).
        frame: frame numbers, rising within a run, shape (frames,).
        time: seconds, not falling within a run, shape (frames,).
    """
    first = np.flatnonzero(np.diff(run, prepend=-1))
    if not len(first):
        none = np.empty(0, np.int64)
        return Timeline(none, none, none, none)
    lengths = np.diff(np.append(first, len(run)))
    start = np.repeat(first, lengths)
    own = np.rint((time - time[start]) * TICKS_PER_S)
    number = (frame - frame[start]).astype(np.int64)
    behind = first + lengths - 1
    exact = own[behind] / np.maximum(number[behind], 1)
    off = np.maximum.reduceat(np.abs(own - number * np.repeat(exact, lengths)), first)
    interval = np.repeat(np.where(off <= SLACK, np.rint(exact), 0).astype(np.int64), lengths)
    ticks = np.where(interval > 0, number * interval, own.astype(np.int64))
    # a second between runs keeps the order; windows are cut at the ends of runs all the same
    spans = ticks[behind] + TICKS_PER_S
    begin = np.cumsum(spans) - spans
    return Timeline(ticks + np.repeat(begin, lengths), start, np.repeat(first + lengths, lengths), interval)


@dataclass(frozen=True, eq=False)
class Stream:
    """The answers of an entry to all frames of a store, in the columns of a challenge.

    Attributes:
        units: names of the units.
        unit: index of each frame's unit, rising, shape (frames,).
        frame: frame numbers, rising within a unit, shape (frames,).
        time: seconds from the start of the unit's video, shape (frames,).
        valid: True where the entry answered from a crop of the frame itself, shape (frames,).
        filled: True where a fill policy made answers, shape (frames,).
        answers: by task of the challenge, shape (frames, width); NaN where there is no answer, 0 in a column that the
            entry does not answer.
        run: index of the continuous run of a frame that the store answers, rising, -1 for other frames, shape
            (frames,). A run ends with its unit, where more than four frames are missing, and where time goes back.
        assumed: number of units whose times are taken from frame numbers at 30 frames a second.
        thresholds: by multi-label task, the probability from which each label is present, shape (width,); 0.5 for a
            task that is not named.
        source: folder of the store, for messages.
    """

    units: tuple[str, ...]
    unit: Integers
    frame: Integers
    time: Floats
    valid: Mask
    filled: Mask
    answers: Mapping[str, Floats]
    run: Integers
    assumed: int = 0
    thresholds: Mapping[str, Floats] = field(default_factory=dict)
    source: str = ""

    def __len__(self) -> int:
        return len(self.frame)

    def answered(self, task: str) -> Mask:
        """True for each frame with an answer to a task, shape (frames,)."""
        return ~np.isnan(self.answers[task][:, 0])

    @cached_property
    def rows(self) -> Rows:
        """Index of each frame that is in a run."""
        return np.flatnonzero(self.run >= 0)

    @cached_property
    def timeline(self) -> Timeline:
        """The frames of `rows` on one axis of time."""
        return timeline_of(self.run[self.rows], self.frame[self.rows], self.time[self.rows])

    def with_answers(self, task: str, values: Floats, filled: Mask | None = None) -> Stream:
        """The stream with other answers to a task, and other frames that a policy filled."""
        filled = self.filled if filled is None else filled
        return self._of_the_same_frames(replace(self, answers={**self.answers, task: values}, filled=filled))

    def with_thresholds(self, task: str, thresholds: Floats) -> Stream:
        """The stream whose labels of a task are present from these probabilities on, shape (width,)."""
        return self._of_the_same_frames(replace(self, thresholds={**self.thresholds, task: thresholds}))

    def _of_the_same_frames(self, other: Stream) -> Stream:
        """The other stream, with what is computed from the frames and already known."""
        known = {name: self.__dict__[name] for name in ("rows", "timeline") if name in self.__dict__}
        other.__dict__.update(known)
        return other


def read_stream(store: Store, challenge: Challenge) -> Stream:
    """Read all answers of a store.

    Raises:
        ProblemError: P02 the files of a unit are damaged, F02 no unit is finished, E16 the entry's card has names that
            the challenge does not know.
    """
    card, names = store.card, store.units()
    if not names:
        fix = "run abawbench predict to its end"
        raise ProblemError(Problem("F02", "no finished unit", "one at least", fix, str(store.root)))
    units = [store.read(name) for name in names]
    problems = check_names(card, challenge.tasks)
    if problems:
        raise ProblemError(*problems)
    unit = np.repeat(np.arange(len(units), dtype=np.int32), [len(one.frame) for one in units])
    frame = np.concatenate([one.frame for one in units])
    valid = np.concatenate([one.valid for one in units])
    filled = np.concatenate([one.filled for one in units])
    times = [_time_of(one) for one in units]
    time = np.concatenate(
        [one.frame / ASSUMED_RATE if own is None else own for one, own in zip(units, times, strict=True)]
    )
    answers: dict[str, Floats] = {}
    for task in challenge.tasks:
        parts = [arrange(task, card, one.answers, len(one.frame)) for one in units]
        answers[task.name] = np.concatenate(parts)
        # a column that the entry does not answer is 0 on answered frames alone
        answers[task.name][~(valid | filled)] = np.nan
    return Stream(
        units=names,
        unit=unit,
        frame=frame,
        time=time,
        valid=valid,
        filled=filled,
        answers=answers,
        run=runs_of(unit, frame, time, valid | filled),
        assumed=sum(own is None for own in times),
        source=str(store.root),
    )


def _time_of(unit: Predictions) -> Floats | None:
    return unit.time if unit.time is not None and np.isfinite(unit.time).all() else None


def runs_of(unit: Integers, frame: Integers, time: Floats, answered: Mask) -> Integers:
    """The continuous run of each answered frame, shape (frames,), -1 for other frames.

    A run goes on while the next answered frame of the unit is at most five frame intervals away, in time and in
    numbers; the interval is the median of the unit.

    Args:
        unit: index of each frame's unit, rising, shape (frames,).
        frame: frame numbers, rising within a unit, shape (frames,).
        time: seconds, shape (frames,).
        answered: True for each frame with an answer, shape (frames,).
    """
    first = np.append(np.flatnonzero(np.diff(unit, prepend=-1)), len(unit))
    interval, number = np.zeros((2, len(first) - 1))
    for place in np.flatnonzero(np.diff(first) > 1).tolist():
        own = slice(first[place], first[place + 1])
        interval[place], number[place] = np.median(np.diff(time[own])), np.median(np.diff(frame[own]))
    rows = np.flatnonzero(answered)
    # half an interval more, since times are rounded
    place = np.searchsorted(first, rows[1:], side="right") - 1
    most = (MOST_INTERVALS + 0.5) * np.stack([interval, number])[:, place]
    apart, missing = np.diff(time[rows]), np.diff(frame[rows])
    same = unit[rows[1:]] == unit[rows[:-1]]
    goes_on = same & (apart >= 0) & (apart <= most[0]) & (missing <= most[1])
    run = np.full(len(unit), -1, np.int32)
    if len(rows):
        run[rows] = np.append(0, np.cumsum(~goes_on))
    return run


def table_of_stream(stream: Stream, challenge: Challenge) -> Table:
    """Decide the answers of a stream as the rows of a challenge, one for each frame with an answer to some task."""
    answered = {task.name: stream.answered(task.name) for task in challenge.tasks}
    rows = np.logical_or.reduce(list(answered.values()))
    values = {task.name: _decided(task, stream, rows, answered[task.name][rows]) for task in challenge.tasks}
    filled = stream.filled[rows]
    return Table(
        videos=stream.units,
        video=stream.unit[rows],
        frame=stream.frame[rows],
        values=values,
        filled=filled if filled.any() else None,
        source=stream.source,
        is_store=True,
    )


def _decided(task: Task, stream: Stream, rows: Mask, answered: Mask) -> Values:
    """Decided values of some rows; empty where there is no answer."""
    values = cast(Values, task.empty(int(rows.sum())))
    values[answered] = decide(task, stream.answers[task.name][rows][answered], stream.thresholds.get(task.name))
    return values
