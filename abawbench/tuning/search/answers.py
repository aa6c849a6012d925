"""The answers of a stream to annotated rows after steps, and statistics of many combinations of steps in one pass."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Task
from abawbench.table import Floats, Mask, Rows
from abawbench.tuning.inputs.labelled import Labelled
from abawbench.tuning.inputs.stream import Stream
from abawbench.tuning.search.last_steps import LastStep
from abawbench.tuning.search.procedure import Combination
from abawbench.tuning.steps.kinds import Smoothing, Step
from abawbench.tuning.steps.smoothing import Smoother
from abawbench.tuning.steps.transforms import apply_step

# frames that go through all combinations while they are in the cache; units stay whole
PART_FRAMES = 1 << 15


class StreamAnswers:
    """Answers of a stream to the annotated rows of one task; see `procedure.Answers`.

    Args:
        rows: the annotated rows.
        stream: the answers.
        other: answers of the entry that gates name.
        threads: number of parts at a time; None for one for each processor.
    """

    def __init__(self, rows: Labelled, stream: Stream, other: Stream | None, threads: int | None = None) -> None:
        self._rows, self._stream, self._other, self._threads = rows, stream, other, threads

    def __call__(self, combination: Combination) -> Floats:
        """The answers to all rows after these steps, shape (rows, width)."""
        return self._rows.answers(_Part(self._stream, self._rows.task, self._other).after(combination))

    def statistics(self, last_step: LastStep, combinations: Sequence[Combination]) -> list[NDArray[Any]]:
        """What the approximation of the last step needs of each combination, by cluster."""
        if not combinations:
            return []
        totals: list[NDArray[Any]] = []

        def one_part(bounds: tuple[int, int]) -> tuple[Rows, list[NDArray[Any]]]:
            rows, clusters = self._rows.between(*bounds)
            stream = part_of(self._stream, *bounds)
            other = None if self._other is None else with_units(self._other, stream.units)
            part = _Part(stream, rows.task, other)
            return clusters, [
                last_step.statistics(rows, rows.answers(part.after(combination))) for combination in combinations
            ]

        pool = ThreadPoolExecutor(self._threads or os.cpu_count())
        try:
            for clusters, found in pool.map(one_part, pairwise(self._bounds())):
                if not totals:
                    totals = [np.zeros((self._rows.clusters, *one.shape[1:]), one.dtype) for one in found]
                for total, one in zip(totals, found, strict=True):
                    total[clusters] += one
        finally:
            # a run that is stopped waits for no part that has not begun
            pool.shutdown(cancel_futures=True)
        return totals

    def _bounds(self) -> Iterator[int]:
        """Frames at which parts begin, and the number of frames."""
        first = np.flatnonzero(np.diff(self._stream.unit, prepend=-1))
        # a unit belongs to the part in which it begins
        yield from first[np.unique(first // PART_FRAMES, return_index=True)[1]].tolist()
        yield len(self._stream)


def part_of(stream: Stream, begin: int, end: int) -> Stream:
    """The units between two frames, which are the first of their units."""
    first, last = int(stream.unit[begin]), int(stream.unit[end - 1])
    part = _frames(stream, slice(begin, end))
    return replace(part, units=stream.units[first : last + 1], unit=part.unit - first)


def with_units(stream: Stream, names: Sequence[str]) -> Stream:
    """The frames of some units, those that the stream has."""
    wanted = np.flatnonzero(np.isin(stream.units, names))
    return _frames(stream, np.isin(stream.unit, wanted))


def _frames(stream: Stream, part: slice | Mask) -> Stream:
    return replace(
        stream,
        unit=stream.unit[part],
        frame=stream.frame[part],
        time=stream.time[part],
        valid=stream.valid[part],
        filled=stream.filled[part],
        answers={task: values[part] for task, values in stream.answers.items()},
        run=stream.run[part],
    )


class _Part:
    """A part of a stream, which remembers what combinations have in common."""

    def __init__(self, stream: Stream, task: Task, other: Stream | None) -> None:
        self._stream, self._task, self._other = stream, task, other
        self._smoother = Smoother(stream, task)
        # the last beginning alone: the combinations of a stage begin alike
        self._before: tuple[Combination, Stream] = ((), stream)

    def after(self, combination: Combination) -> Floats:
        """The answers to the frames after these steps, shape (frames, width)."""
        return self._after(combination).answers[self._task.name]

    def _after(self, combination: Combination) -> Stream:
        if not combination:
            return self._stream
        *earlier, last = combination
        if self._before[0] != tuple(earlier):
            self._before = (tuple(earlier), self._after(tuple(earlier)))
        return self._step(self._before[1], last)

    def _step(self, before: Stream, step: Step) -> Stream:
        if before is self._stream and isinstance(step, Smoothing):
            return before.with_answers(self._task.name, self._smoother.smooth(step))
        return apply_step(before, self._task, step, self._other)
