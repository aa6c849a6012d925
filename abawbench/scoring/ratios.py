"""Means over rows, as errors or hits by bin: ratios of additive sums, with intervals by video."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np

from abawbench.metrics.bootstrap import bca_interval, left_out, resampled
from abawbench.scoring.intervals import LEVEL, Resampling, percentiles, quoted
from abawbench.scoring.score import by_subject
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats

Name = TypeVar("Name", bound=Hashable)
Bounds = tuple[float, float] | None


def mean_from(sums: Floats) -> Floats:
    """Means from rows and sums.

    Args:
        sums: numbers of rows and sums over them, shape (..., 2).

    Returns:
        Shape (...), NaN where there is no row.

    >>> mean_from(np.array([[4.0, 1.0], [0.0, 0.0]])).tolist()
    [0.25, nan]
    """
    rows = sums[..., 0]
    return np.where(rows > 0, sums[..., 1] / np.maximum(rows, 1), np.nan)


def bounds_of(
    statistics: Statistics, figures: Callable[[Mapping[str, Floats]], dict[Name, Floats]], resampling: Resampling
) -> dict[Name, Bounds]:
    """Compute the interval to quote of figures, by video, or by subject where the resampling names them.

    Args:
        statistics: additive statistics by unit.
        figures: function from sums by task to figures by name, over leading axes.
        resampling: resampling of the intervals.
    """
    merged = statistics.by_video if resampling.subjects is None else by_subject(statistics, resampling.subjects)
    tasks = merged.counted.tasks
    points = figures({name: array.sum(0) for name, array in tasks.items()})
    if len(next(iter(tasks.values()))) < 2:
        return dict.fromkeys(points)
    samples = resampled(tasks, figures, resamples=resampling.resamples, seed=resampling.seed)
    jackknife = left_out(tasks, figures)
    found: dict[Name, Bounds] = {}
    for name, point in points.items():
        bca = bca_interval(float(point), samples[name], jackknife[name], LEVEL)
        one = {"bca": None if bca is None else list(bca), "percentile": percentiles(samples[name])}
        best = quoted(one)
        found[name] = None if best is None else (best[1][0], best[1][1])
    return found
