"""Smoothing over true time: means, medians, Gaussian and exponential weights, within continuous runs.

The window of a frame holds the frames of its run whose distance in time is at most its reach. Every kernel divides by
the sum of its weights, so the ends of a run, and missing frames in it, need no rule of their own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from abawbench.challenges import Task
from abawbench.entries.outputs import sums_to_one
from abawbench.table import Floats, Mask, Rows
from abawbench.tuning.inputs.stream import SLACK, TICKS_PER_S, Stream, Timeline
from abawbench.tuning.steps.kinds import Smoothing

# standard deviations at which a Gaussian ends
GAUSSIAN_REACH = 4.0
# time constants in a block of exponential sums, whose weights must not overflow
BLOCK_CONSTANTS = 600
# time constants after which a weight is less than the rounding of 1
CONSTANTS_REACH = 37
# rows that are worked on at a time stay in the cache
BLOCK_ROWS = 1 << 14
# windows whose medians are found at a time, and the length from which sorting each alone is faster
NETWORK_ROWS = 1 << 12
LONG_WINDOW = 128
# bits of the sum of a window, one of them the sign
SUM_BITS = 62

# the lanes of the lesser and the greater value, and whether each is needed
Exchange = tuple[int, int, bool, bool]


class Smoother:
    """Smooths the answers to one task of a stream; what many settings share is computed once.

    Args:
        stream: the answers.
        task: task of the challenge.
    """

    def __init__(self, stream: Stream, task: Task) -> None:
        self._stream, self._task = stream, task

    def smooth(self, step: Smoothing) -> Floats:
        """The smoothed answers, shape (frames, width); frames outside of runs stay as they are.

        Probabilities of classes sum to 1 again, and all answers stay in the range of the task.
        """
        before = self._stream.answers[self._task.name]
        rows, timeline = self._stream.rows, self._stream.timeline
        width = round(step.seconds * TICKS_PER_S)
        if not width or not len(rows):
            return before
        match step.kind:
            case "mean":
                values = self._means(*windows(timeline, width, online=step.online))
            case "median":
                values = medians(self._values, *windows(timeline, width, online=step.online))
                if sums_to_one(self._task):
                    values /= np.maximum(values.sum(1, keepdims=True), np.finfo(float).tiny)
            case "gaussian":
                values = gaussian(self._values, timeline, width, online=step.online)
            case "exponential":
                values = exponential(self._values, timeline, width, online=step.online)
        # weights may round to a bit more than 1
        np.clip(values, *self._task.span, out=values)
        if len(rows) == len(before):
            return values
        result = before.copy()
        result[rows] = values
        return result

    @cached_property
    def _values(self) -> Floats:
        """The answers of the frames in runs, shape (rows, width)."""
        answers, rows = self._stream.answers[self._task.name], self._stream.rows
        return answers if len(rows) == len(answers) else answers[rows]

    @cached_property
    def _bits(self) -> int:
        """Bits behind the point with which no sum of a run overflows."""
        longest = int(np.diff(self._stream.timeline.bounds).max())
        return SUM_BITS - math.ceil(math.log2(longest * max(map(abs, self._task.span)) + 1))

    @cached_property
    def _sums(self) -> Rows:
        """Cumulative sums of the answers as whole numbers, which have no rounding, shape (rows + 1, width)."""
        values = self._values
        sums = np.zeros((len(values) + 1, values.shape[1]), np.int64)
        for begin in range(0, len(values), BLOCK_ROWS):
            block = slice(begin, begin + BLOCK_ROWS)
            part = sums[1:][block]
            part[:] = np.rint(values[block] * 2.0**self._bits)
            part[0] += sums[begin]
            # sums of all runs may overflow, the difference of two in a run is right all the same
            np.cumsum(part, axis=0, out=part)
        return sums

    def _means(self, first: Rows, last: Rows) -> Floats:
        """The mean over each window, shape (rows, width)."""
        result = np.empty_like(self._values)
        factor = 2.0**-self._bits / (last - first)
        behind, ahead = _most_common(first, last)
        for begin in range(0, len(result), BLOCK_ROWS):
            end = min(begin + BLOCK_ROWS, len(result))
            rows = np.arange(begin, end)
            ends, begins = last[begin:end], first[begin:end]
            if begin >= behind and end + ahead <= len(result):
                # most windows are alike: neighbouring rows of the sums, without a look-up
                sums = self._sums[begin + ahead : end + ahead] - self._sums[begin - behind : end - behind]
                others = np.flatnonzero((begins != rows - behind) | (ends != rows + ahead))
                sums[others] = self._sums[ends[others]] - self._sums[begins[others]]
            else:
                sums = self._sums[ends] - self._sums[begins]
            np.multiply(sums, factor[begin:end, None], out=result[begin:end])
        return result


def windows(timeline: Timeline, width: int, *, online: bool) -> tuple[Rows, Rows]:
    """The first row of each row's window, and the row behind the last one, shape (rows,) each.

    Args:
        timeline: times and runs of the rows.
        width: width of the windows in ticks, to both sides alike.
        online: True for windows that end at their row, and reach back by the whole width.
    """
    back, ahead = (width, 0) if online else (width // 2, width // 2)
    rows = np.arange(len(timeline.ticks))
    first = np.maximum(np.searchsorted(timeline.ticks, timeline.ticks - (back + SLACK)), timeline.start)
    if online:
        return first, rows + 1
    last = np.searchsorted(timeline.ticks, timeline.ticks + (ahead + SLACK), side="right")
    return first, np.minimum(last, timeline.end)


def _most_common(first: Rows, last: Rows) -> tuple[int, int]:
    """How many rows before and behind a row most windows begin and end."""
    rows = np.arange(len(first))
    behind, ahead = np.bincount(rows - first), np.bincount(last - rows)
    return int(behind.argmax()), int(ahead.argmax())


def medians(values: Floats, first: Rows, last: Rows) -> Floats:
    """The median of each column over each window, shape (rows, width).

    Short windows of one length are sorted side by side: a network of minima and maxima over whole arrays, of which only
    that is computed which the middle depends on.

    Args:
        values: shape (rows, width).
        first: first row of each window, shape (rows,).
        last: row behind the last one, shape (rows,).

    Source: Knuth 1998, The Art of Computer Programming 3, algorithm 5.2.2M (Batcher's merge exchange).
    """
    result = np.empty_like(values)
    columns = np.ascontiguousarray(values.T)
    lengths = last - first
    for length in np.unique(lengths).tolist():
        alike = np.flatnonzero(lengths == length)
        network = _median_network(length) if length < LONG_WINDOW else None
        for begin in range(0, len(alike), NETWORK_ROWS):
            rows = alike[begin : begin + NETWORK_ROWS]
            places = first[rows] + np.arange(length)[:, None]
            for number, column in enumerate(columns):
                lanes = column[places]
                result[rows, number] = np.median(lanes, axis=0) if network is None else _sorted_middle(lanes, network)
    return result


def _sorted_middle(values: Floats, network: Sequence[Exchange]) -> Floats:
    """The median of each column of values, shape (length, columns), by a network."""
    lanes = list(values)
    spare = np.empty(values.shape[1])
    for low, high, keeps_low, keeps_high in network:
        one, other = lanes[low], lanes[high]
        if keeps_low:
            np.minimum(one, other, out=spare)
        if keeps_high:
            np.maximum(one, other, out=other)
        if keeps_low:
            lanes[low], spare = spare, one
    return (lanes[(len(lanes) - 1) // 2] + lanes[len(lanes) // 2]) / 2


@functools.cache
def _median_network(length: int) -> tuple[Exchange, ...]:
    """The exchanges after which the middle of some lanes is in its place."""
    exchanges: list[tuple[int, int]] = []
    largest = 1 << max(0, (length - 1).bit_length() - 1)
    step = largest if length > 1 else 0
    while step:
        bound, bit, distance = largest, 0, step
        while distance:
            exchanges += [(lane, lane + distance) for lane in range(length - distance) if lane & step == bit]
            distance, bound, bit = bound - step, bound // 2, step
        step //= 2
    needed = {(length - 1) // 2, length // 2}
    kept: list[Exchange] = []
    for low, high in reversed(exchanges):
        if needed & {low, high}:
            kept.append((low, high, low in needed, high in needed))
            needed |= {low, high}
    return tuple(reversed(kept))


def exponential(values: Floats, timeline: Timeline, constant: int, *, online: bool) -> Floats:
    """Means weighted by exp(-distance / constant), shape (rows, width).

    Args:
        values: shape (rows, width).
        timeline: times and runs of the rows.
        constant: time constant in ticks.
        online: True if only the rows up to a row count for it.
    """
    rows = np.arange(len(values))
    begins, ends = timeline.start == rows, timeline.end == rows + 1
    distance = np.diff(timeline.ticks)[~ends[:-1]]
    if not len(distance) or distance.min() > CONSTANTS_REACH * constant:
        return values.copy()
    # a further column for the sum of the weights
    extended = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    sums = _exponential_sums(extended, timeline.ticks, begins, constant)
    if not online:
        backwards = _exponential_sums(extended[::-1], -timeline.ticks[::-1], ends[::-1], constant)
        # the row itself is in both
        backwards -= extended[::-1]
        sums += backwards[::-1]
    return sums[:, :-1] / sums[:, -1:]


def _exponential_sums(values: Floats, ticks: Rows, begins: Mask, constant: int) -> Floats:
    """Sums over the rows of a run up to each row, weighted by exp(-distance / constant), shape (rows, width).

    Args:
        values: shape (rows, width).
        ticks: shape (rows,), rising.
        begins: True for the first row of each run, shape (rows,).
        constant: time constant in ticks.
    """
    result = np.empty_like(values)
    first = np.maximum.accumulate(np.where(begins, np.arange(len(ticks)), 0))
    block = (ticks - ticks[first]) // (BLOCK_CONSTANTS * constant)
    cuts = np.flatnonzero(begins | (np.diff(block, prepend=-1) != 0))
    for begin, end in zip(cuts.tolist(), [*cuts[1:].tolist(), len(ticks)], strict=True):
        # weights relative to the first row of a block only rise, so the sums lose nothing
        growth = np.exp((ticks[begin:end] - ticks[begin]) / constant)[:, None]
        part = result[begin:end]
        np.multiply(values[begin:end], growth, out=part)
        if not begins[begin]:
            part[0] += result[begin - 1] * math.exp((ticks[begin - 1] - ticks[begin]) / constant)
        np.cumsum(part, axis=0, out=part)
        part /= growth
    return result


def gaussian(values: Floats, timeline: Timeline, deviation: int, *, online: bool) -> Floats:
    """Means weighted by a Gaussian of the distance, which ends at four standard deviations, shape (rows, width).

    Args:
        values: shape (rows, width).
        timeline: times and runs of the rows.
        deviation: standard deviation in ticks.
        online: True if only the rows up to a row count for it.
    """
    result = np.empty_like(values)
    for interval in np.unique(timeline.interval).tolist():
        rows = np.flatnonzero(timeline.interval == interval)
        if interval:
            result[rows] = _on_grid(values, timeline, rows, deviation, online=online)
        else:
            result[rows] = _off_grid(values, timeline, rows, deviation, online=online)
    return result


def _off_grid(values: Floats, timeline: Timeline, rows: Rows, deviation: int, *, online: bool) -> Floats:
    """Gaussian means of some rows at any distances, one place of the windows at a time."""
    reach = round(GAUSSIAN_REACH * deviation)
    first, last = (ends[rows] for ends in windows(timeline, reach if online else 2 * reach, online=online))
    sums, weights = np.zeros((len(rows), values.shape[1])), np.zeros(len(rows))
    for place in range(int((last - first).max())):
        inside = np.flatnonzero(first + place < last)
        others = first[inside] + place
        distance = (timeline.ticks[others] - timeline.ticks[rows[inside]]) / deviation
        weight = np.exp(-0.5 * distance**2)
        sums[inside] += weight[:, None] * values[others]
        weights[inside] += weight
    return sums / weights[:, None]


def _on_grid(values: Floats, timeline: Timeline, rows: Rows, deviation: int, *, online: bool) -> Floats:
    """Gaussian means of the rows of runs with one interval: a matrix product over blocks of a dense grid."""
    interval = int(timeline.interval[rows[0]])
    longest = int((timeline.ticks[timeline.end[rows] - 1] - timeline.ticks[timeline.start[rows]]).max()) // interval
    reach = min((round(GAUSSIAN_REACH * deviation) + SLACK) // interval, longest)
    place = _grid_places(timeline, rows, interval, reach)
    size = min(max(64, reach), 512)
    blocks = int(place[-1]) // size + 1
    # the weights of a block's places for the places of the block and those within reach of it
    distance = np.arange(size + 2 * reach)[:, None] - reach - np.arange(size)
    counts = (np.abs(distance) <= reach) & (distance <= (0 if online else reach))
    weights = np.where(counts, np.exp(-0.5 * (distance * interval / deviation) ** 2), 0.0)
    dense = np.zeros(blocks * size + 2 * reach)

    def weighted_sums(column: Floats | float) -> Floats:
        dense[reach + place] = column
        views = np.lib.stride_tricks.sliding_window_view(dense, size + 2 * reach)[::size]
        return (np.ascontiguousarray(views) @ weights).ravel()[place]

    total = weighted_sums(1.0)
    return np.stack([weighted_sums(values[rows, column]) / total for column in range(values.shape[1])], axis=1)


def _grid_places(timeline: Timeline, rows: Rows, interval: int, reach: int) -> Rows:
    """The place of each row on a grid on which runs are more than `reach` places apart, shape (rows,)."""
    start = timeline.start[rows]
    own = (timeline.ticks[rows] - timeline.ticks[start]) // interval
    first = np.flatnonzero(np.diff(start, prepend=-1))
    lengths = np.diff(np.append(first, len(rows)))
    spans = own[first + lengths - 1] + 1 + reach
    return own + np.repeat(np.cumsum(spans) - spans, lengths)
