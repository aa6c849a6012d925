"""Resampling clusters: every figure of every resample from one matrix product over additive statistics."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from statistics import NormalDist
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from abawbench.metrics.groups import Floats

Counts = NDArray[np.int64]
Name = TypeVar("Name", bound=Hashable)
Evaluate = Callable[[Mapping[str, Floats]], dict[Name, Floats]]

# the counts of one block of resamples: 8 MB
BLOCK_CELLS = 1 << 20
# from here on clusters are compared with each other before they are drawn
MANY_CLUSTERS = 10_000


def collapsed(tasks: Mapping[str, Floats]) -> tuple[dict[str, Floats], Counts]:
    """Join clusters with equal statistics, and count how many clusters each of the result stands for.

    If every image is a cluster, there are a hundred thousand of them, but only a few dozen different ones. Fewer than
    10,000 clusters are not joined.

    Args:
        tasks: statistics by task, shape (clusters, ...).

    Returns:
        Statistics by task, shape (different clusters, ...), and their multiplicity, shape (different clusters,).
    """
    clusters = len(next(iter(tasks.values())))
    if clusters < MANY_CLUSTERS:
        return dict(tasks), np.ones(clusters, np.int64)
    columns = np.concatenate([array.reshape(clusters, -1) for array in tasks.values()], axis=1)
    _, first, counts = np.unique(columns, axis=0, return_index=True, return_counts=True)
    return {name: array[first] for name, array in tasks.items()}, counts


def draws(multiplicity: Counts, resamples: int, seed: int) -> Floats:
    """Draw resamples of clusters, with replacement.

    Args:
        multiplicity: shape (clusters,), number of clusters that each stands for.
        resamples: number of rows.
        seed: seed of the generator.

    Returns:
        How often each cluster is drawn, shape (resamples, clusters); each row sums to the number of all clusters.
    """
    generator = np.random.default_rng(seed)
    clusters = len(multiplicity)
    if (multiplicity > 1).any():
        total = int(multiplicity.sum())
        return generator.multinomial(total, multiplicity / total, resamples).astype(np.float64)
    index = generator.integers(0, clusters, (resamples, clusters), dtype=np.int32)
    index += (np.arange(resamples) * clusters)[:, None]
    return np.bincount(index.ravel(), minlength=resamples * clusters).reshape(resamples, clusters).astype(np.float64)


def blocks(resamples: int, clusters: int) -> Iterator[tuple[int, int]]:
    """Begin and size of blocks of resamples whose counts take little memory."""
    block = max(1, min(resamples, BLOCK_CELLS // clusters))
    for begin in range(0, resamples, block):
        yield begin, min(block, resamples - begin)


def weighted(tasks: Mapping[str, Floats], weights: Floats) -> dict[str, Floats]:
    """Weighted sums over clusters.

    Args:
        tasks: statistics by task, shape (clusters, ...).
        weights: weight of each cluster, shape (resamples, clusters).

    Returns:
        Statistics by task, shape (resamples, ...).
    """
    # one product for all tasks: the columns of all statistics side by side
    columns = np.concatenate([array.reshape(len(array), -1) for array in tasks.values()], axis=1)
    product = weights @ columns
    result: dict[str, Floats] = {}
    begin = 0
    for name, array in tasks.items():
        size = int(np.prod(array.shape[1:]))
        result[name] = product[:, begin : begin + size].reshape(len(weights), *array.shape[1:])
        begin += size
    return result


def resampled(
    tasks: Mapping[str, Floats], evaluate: Evaluate[Name], *, resamples: int, seed: int
) -> dict[Name, Floats]:
    """Figures of resamples of clusters, drawn with replacement.

    Args:
        tasks: statistics by task, shape (clusters, ...).
        evaluate: function from statistics to figures by name, over leading axes.
        resamples: number of resamples.
        seed: seed of the generator.

    Returns:
        By name of the figure, shape (resamples,).

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap; clusters are the units drawn.
    """
    different, multiplicity = collapsed(tasks)
    parts = [
        evaluate(weighted(different, draws(multiplicity, size, seed + begin)))
        for begin, size in blocks(resamples, len(multiplicity))
    ]
    return {name: np.concatenate([figures[name] for figures in parts]) for name in parts[0]}


def of_each(tasks: Mapping[str, Floats], evaluate: Evaluate[Name]) -> dict[Name, Floats]:
    """Figures of each cluster alone: by name, shape (clusters,), equal clusters next to each other."""
    different, multiplicity = collapsed(tasks)
    return {name: np.repeat(values, multiplicity) for name, values in evaluate(different).items()}


def left_out(tasks: Mapping[str, Floats], evaluate: Evaluate[Name]) -> dict[Name, Floats]:
    """Figures with each cluster left out in turn: by name, shape (clusters,), in the order of `of_each`."""
    total = {name: array.sum(0) for name, array in tasks.items()}
    return of_each(tasks, lambda own: evaluate({name: total[name] - array for name, array in own.items()}))


def percentile_interval(samples: Floats, level: float) -> tuple[float, float] | None:
    """The interval that holds the middle share `level` of the resampled figures; None if all of them are undefined."""
    defined = samples[~np.isnan(samples)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bca_interval(point: float, samples: Floats, jackknife: Floats, level: float) -> tuple[float, float] | None:
    """Bias-corrected and accelerated interval; None where it is undefined.

    Args:
        point: figure of the whole sample.
        samples: figures of the resamples, shape (resamples,).
        jackknife: figures with each cluster left out, shape (clusters,).
        level: share of the distribution inside the interval, as 0.95.

    Source: Efron 1987, JASA 82(397), equations 6.6 and 7.3.
    """
    defined = samples[~np.isnan(samples)]
    influence = jackknife[~np.isnan(jackknife)]
    if not len(defined) or len(influence) < 2 or np.isnan(point):
        return None
    below = (np.count_nonzero(defined < point) + 0.5 * np.count_nonzero(defined == point)) / len(defined)
    if below in {0.0, 1.0}:
        return None
    normal = NormalDist()
    bias = normal.inv_cdf(float(below))
    distance = influence.mean() - influence
    spread = float(np.sum(distance**2))
    acceleration = float(np.sum(distance**3)) / (6 * spread**1.5) if spread > 0 else 0.0
    bounds: list[float] = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        shift = bias + normal.inv_cdf(tail)
        denominator = 1 - acceleration * shift
        if denominator <= 0:
            return None
        bounds.append(normal.cdf(bias + shift / denominator))
    low, high = np.quantile(defined, bounds)
    return float(low), float(high)
