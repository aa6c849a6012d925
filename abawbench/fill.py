"""Rows without prediction get a value by a named policy, and are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.table import Mask, Table, Values, align

Policy = Literal["error", "previous", "nearest", "linear", "prior"]
POLICIES: tuple[Policy, ...] = get_args(Policy)


def fill(prediction: Table, wanted: Table, policy: Policy) -> tuple[Table, dict[str, int]]:
    """Predictions for exactly the rows of `wanted`, in their order.

    - `previous` takes the last predicted frame of the video, else the next one;
    - `nearest` takes the closer one, the earlier of two equally close;
    - `linear` interpolates numbers between both neighbours, and takes the nearest class or label;
    - `prior` takes the mean of all predicted numbers, the most frequent class, the majority of each label;
    - `error` fills nothing.

    A video without any prediction gets the prior under every policy.

    Args:
        prediction: the rows there are.
        wanted: the rows asked for; only their keys are used.
        policy: one of `POLICIES`.

    Returns:
        The table of `wanted`'s rows with the mask `filled`, and how many rows each policy filled.

    Raises:
        ProblemError: T01 with policy `error` when a row has no prediction.
    """
    alignment = align(wanted, prediction)
    missing = alignment.rows < 0
    total = int(missing.sum())
    if total and policy == "error":
        raise ProblemError(*_missing_problems(wanted, np.flatnonzero(missing), prediction.source))
    taken = prediction.take(np.where(missing, 0, alignment.rows)) if len(prediction) else None
    if taken is None:
        raise ProblemError(Problem("F02", "no prediction at all", "rows", "predict something", prediction.source))
    values = {task: array.copy() for task, array in taken.values.items()}
    probability = None if taken.probability is None else taken.probability.copy()
    counts: dict[str, int] = {}
    if total:
        has_neighbour, before, after, weight = _neighbours(wanted, missing)
        use_prior = missing & (~has_neighbour if policy != "prior" else True)
        counts = {policy: total - int(use_prior.sum()), "prior": int(use_prior.sum())}
        counts = {name: count for name, count in counts.items() if count}
        interpolated = missing & ~use_prior
        for array in (*values.values(), *(() if probability is None else (probability,))):
            _place(array, interpolated, before, after, weight, policy)
        for task, array in values.items():
            array[use_prior] = _prior(prediction.values[task])
        if probability is not None and prediction.probability is not None:
            probability[use_prior] = float(prediction.probability.mean())
    result = Table(
        wanted.videos, wanted.video, wanted.frame, values, probability, missing, prediction.source, prediction.notes
    )
    return result, counts


def _missing_problems(wanted: Table, rows: NDArray[np.int64], source: str) -> tuple[Problem, ...]:
    """T01 with both counts and the first rows that lack a prediction."""
    return tuple(
        Problem(
            "T01",
            f"no row for {wanted.name(int(row))}",
            f"a prediction for every row asked for ({len(rows):,} of {len(wanted):,} lack one)",
            "predict these rows, or name a policy for them: previous, nearest, linear, prior",
            source,
            count=len(rows),
        )
        for row in rows[:3]
    )


def _neighbours(wanted: Table, missing: Mask) -> tuple[Mask, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """For every row: has its video a prediction, which rows before and after have one, how far it lies between."""
    count = len(wanted)
    order = np.lexsort((np.arange(count), wanted.frame, wanted.video))
    known = ~missing[order]
    video = wanted.video[order]
    position = np.arange(count)
    last = np.maximum.accumulate(np.where(known, position, -1))
    following = np.minimum.accumulate(np.where(known, position, count)[::-1])[::-1]
    has_before = (last >= 0) & (video[np.maximum(last, 0)] == video)
    has_after = (following < count) & (video[np.minimum(following, count - 1)] == video)
    before = np.where(has_before, last, np.minimum(following, count - 1))
    after = np.where(has_after, following, np.maximum(before, 0))
    frame = wanted.frame[order].astype(np.float64)
    span = frame[after] - frame[before]
    share = np.where(span > 0, (frame - frame[before]) / np.where(span > 0, span, 1), 0.0)
    back = np.empty(count, np.int64)
    back[order] = position
    return (has_before | has_after)[back], order[before][back], order[after][back], share[back]


def _place(
    array: Values,
    rows: Mask,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    share: NDArray[np.float64],
    policy: Policy,
) -> None:
    if policy == "previous":
        array[rows] = array[before[rows]]
    elif policy == "linear" and array.dtype == np.float64:
        weight = share[rows] if array.ndim == 1 else share[rows, None]
        # the clip keeps rounding from leaving the range that both ends lie in
        low, high = (
            np.minimum(array[before[rows]], array[after[rows]]),
            np.maximum(array[before[rows]], array[after[rows]]),
        )
        array[rows] = np.clip(array[before[rows]] * (1 - weight) + array[after[rows]] * weight, low, high)
    else:
        nearest = np.where(share <= 0.5, before, after)
        array[rows] = array[nearest[rows]]


def _prior(values: Values) -> NDArray[np.float64] | np.int8 | NDArray[np.int8]:
    if values.dtype == np.float64:
        return values.mean(axis=0)
    if values.ndim == 1:
        return np.int8(np.bincount(values).argmax())
    return (values.mean(axis=0) >= 0.5).astype(np.int8)


def describe(counts: Mapping[str, int]) -> str:
    """Filled rows in words, as `12 rows by previous`."""
    return ", ".join(f"{count:,} row{'s' * (count != 1)} by {policy}" for policy, count in counts.items()) or "no row"
