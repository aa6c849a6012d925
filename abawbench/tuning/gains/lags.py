"""Moments of truth and prediction at every shift in time, from one correlation by Fourier transform for each unit."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from abawbench.challenges import Task
from abawbench.metrics.concordance import MOMENTS
from abawbench.scoring import Paired
from abawbench.table import Floats, Integers, Table

# greatest shift tried, in frames; at 30 frames a second three seconds, which annotators need at most
MOST = 90


def lags(truth: Table) -> Integers:
    """The shifts to try, in frames: multiples of the distance between rows, which is that of most neighbours."""
    steps = np.diff(truth.frame)[truth.video[1:] == truth.video[:-1]]
    steps = steps[steps > 0]
    step = int(np.bincount(steps).argmax()) if len(steps) else 1
    reach = max(1, MOST // step)
    return (np.arange(-reach, reach + 1) * step).astype(np.int32)


def lagged_moments(paired: Paired, task: Task, pilots: Floats, offered: Integers) -> Floats:
    """Moments by unit for each shift: a shift k compares the truth of frame f with the prediction of frame f + k.

    Frames without a prediction take that of the nearest one before, and beyond the ends that of the end. No shift
    crosses a unit.

    Args:
        paired: truth and prediction.
        task: a real-valued task.
        pilots: shape (columns, 2), the values that truth and prediction are centred by.
        offered: shifts in frames, rising, in equal steps.

    Returns:
        Shape (units, shifts, columns, 6).
    """
    truth, width = paired.truth, task.width
    order = np.lexsort((truth.frame, truth.video))
    starts = np.searchsorted(truth.video[order], np.arange(len(truth.videos) + 1))
    valid, lacking = paired.valid[task.name], paired.unpredicted[task.name]
    x, y = truth.numbers(task.name), paired.prediction.numbers(task.name)
    reach = int(offered[-1])
    result = np.zeros((len(truth.videos), len(offered), width, MOMENTS))
    for unit in range(len(truth.videos)):
        rows = order[starts[unit] : starts[unit + 1]]
        own, known = rows[valid[rows]], rows[~lacking[rows]]
        if not len(own):
            continue
        first, last = int(truth.frame[own[0]]), int(truth.frame[own[-1]])
        place, length = truth.frame[own] - first, last - first + 1
        at = np.searchsorted(truth.frame[known], np.arange(first - reach, last + reach + 1), side="right") - 1
        count = np.bincount(place, minlength=length).astype(np.float64)
        for column in range(width):
            centred = x[own, column] - pilots[column, 0]
            held = y[known[np.maximum(at, 0)], column] - pilots[column, 1]
            summed: Floats = np.bincount(place, weights=centred, minlength=length).astype(np.float64)
            sums = _sums_of_products(np.stack([count, count, summed]), np.stack([held, held * held, held]), reach)
            moments = result[unit, :, column]
            moments[:, 0], moments[:, 1], moments[:, 3] = len(own), centred.sum(), np.dot(centred, centred)
            moments[:, [2, 4, 5]] = sums[:, reach + offered].T
    return result


def _sums_of_products(first: Floats, second: Floats, reach: int) -> Floats:
    """Sums of `first[f] * second[f + k]` over f, for k from 0 to 2 * reach.

    Args:
        first: shape (series, length).
        second: shape (series, length + 2 * reach).
        reach: half of the greatest k.

    Returns:
        Shape (series, 2 * reach + 1).
    """
    size = 1 << max(9, (4 * reach).bit_length())
    block = size - 2 * reach
    count = -(-first.shape[1] // block)
    short = count * block - first.shape[1]
    pieces = np.pad(first, ((0, 0), (0, short))).reshape(len(first), count, block)
    windows = sliding_window_view(np.pad(second, ((0, 0), (0, short))), size, axis=1)[:, ::block]
    # the pieces of a series add up before they are transformed back
    product = (np.conj(np.fft.rfft(pieces, size)) * np.fft.rfft(windows, size)).sum(1)
    return np.fft.irfft(product, size)[:, : 2 * reach + 1]
