"""Random streams, smooth random series, and random stretches of rows; whole arrays at a time."""

from __future__ import annotations

import numpy as np

from abawbench.table import Floats, Mask


def stream(seed: int, *place: int) -> np.random.Generator:
    """A random generator for one purpose, which depends on nothing that is drawn for another.

    Args:
        seed: seed of the corpus.
        place: numbers that name the purpose, such as the kind of draw and the index of the unit.
    """
    return np.random.default_rng([seed, *place])


def smooth_step(share: Floats) -> Floats:
    """The cubic from 0 to 1 whose slope is 0 at both ends, for shares in [0, 1]."""
    return share * share * (3 - 2 * share)


def smooth_noise(generator: np.random.Generator, frames: int, columns: int, knot: int) -> Floats:
    """Stationary Gaussian series with mean 0, variance 1 and a continuous slope, shape (frames, columns).

    Independent values stand `knot` frames apart, the first at a random position. Between two of them, the series is
    cos(a) * left + sin(a) * right with an angle a that goes smoothly from 0 to 90 degrees, so its variance is 1
    everywhere.

    Args:
        generator: source of the random numbers.
        frames: length of the series.
        columns: number of independent series.
        knot: distance of the independent values, in frames.
    """
    count = frames // knot + 3
    values = generator.normal(size=(count, 1, columns))
    angle = np.pi / 2 * smooth_step(np.arange(knot) / knot)[:, np.newaxis]
    series = np.cos(angle) * values[:-1] + np.sin(angle) * values[1:]
    first = int(generator.integers(knot))
    return series.reshape(-1, columns)[first : first + frames]


def moving_mean(series: Floats, width: int) -> Floats:
    """Mean over `width` frames around each frame (fewer at both ends), in the shape of the series."""
    frames = len(series)
    sums = np.concatenate([np.zeros((1, *series.shape[1:])), np.cumsum(series, axis=0)])
    place = np.arange(frames)
    begin, end = np.maximum(place - width // 2, 0), np.minimum(place + (width + 1) // 2, frames)
    counts = (end - begin).reshape(-1, *(1,) * (series.ndim - 1))
    return (sums[end] - sums[begin]) / counts


def stretches(generator: np.random.Generator, rows: int, share: float, length: int) -> Mask:
    """A random mask that is True on a share of the rows, in stretches, shape (rows,).

    Args:
        generator: source of the random numbers.
        rows: number of rows.
        share: share of True, rounded up to whole stretches.
        length: number of rows of a stretch.
    """
    if share <= 0 or rows == 0:
        return np.zeros(rows, bool)
    # shorter stretches if there are few rows, so that the share is met
    length = max(1, min(length, int(rows * min(share, 1 - share) / 3)))
    blocks = -(-rows // length)
    chosen = np.zeros(blocks, bool)
    chosen[generator.permutation(blocks)[: int(np.ceil(share * rows / length))]] = True
    return np.roll(np.repeat(chosen, length)[:rows], int(generator.integers(length)))
