"""Smooth random series and stretches of rows, whole arrays at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def stream(seed: int, *place: int) -> np.random.Generator:
    """A generator of its own for each place (a kind of draw, the number of a unit), whatever else is drawn."""
    return np.random.default_rng([seed, *place])


def smooth_step(share: Floats) -> Floats:
    """From 0 to 1 with level ends, for shares in [0, 1]."""
    return share * share * (3 - 2 * share)


def smooth_noise(generator: np.random.Generator, frames: int, columns: int, knot: int) -> Floats:
    """Stationary Gaussian series with mean 0, variance 1 and a continuous slope, shape (frames, columns).

    Independent values stand `knot` frames apart, the first at a random place; between two of them lies
    cos(a) * left + sin(a) * right, whose variance is 1 everywhere.
    """
    count = frames // knot + 3
    values = generator.normal(size=(count, 1, columns))
    angle = np.pi / 2 * smooth_step(np.arange(knot) / knot)[:, np.newaxis]
    series = np.cos(angle) * values[:-1] + np.sin(angle) * values[1:]
    first = int(generator.integers(knot))
    return series.reshape(-1, columns)[first : first + frames]


def moving_mean(series: Floats, width: int) -> Floats:
    """Mean over `width` frames about each frame (fewer at both ends), shape as given."""
    frames = len(series)
    sums = np.concatenate([np.zeros((1, *series.shape[1:])), np.cumsum(series, axis=0)])
    place = np.arange(frames)
    begin, end = np.maximum(place - width // 2, 0), np.minimum(place + (width + 1) // 2, frames)
    counts = (end - begin).reshape(-1, *(1,) * (series.ndim - 1))
    return (sums[end] - sums[begin]) / counts


def stretches(generator: np.random.Generator, rows: int, share: float, length: int) -> Mask:
    """True on a share of the rows, rounded up to whole stretches of `length` rows, shape (rows,)."""
    if share <= 0 or rows == 0:
        return np.zeros(rows, bool)
    # shorter ones where the rows are few, so that the share is met
    length = max(1, min(length, int(rows * min(share, 1 - share) / 3)))
    blocks = -(-rows // length)
    chosen = np.zeros(blocks, bool)
    chosen[generator.permutation(blocks)[: int(np.ceil(share * rows / length))]] = True
    return np.roll(np.repeat(chosen, length)[:rows], int(generator.integers(length)))
