"""Means over rows, as errors or hits by bin: ratios of additive sums, with intervals by video."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np

from abawbench.metrics.bootstrap import left_out, of_each
from abawbench.metrics.jackknife import jackknife_interval
from abawbench.scoring.intervals import LEVEL
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


def means_by_bin(sums: Floats) -> dict[int, Floats]:
    """Means by the place of a bin, from rows and sums of shape (..., bins, 2); each mean has shape (...)."""
    return dict(enumerate(np.moveaxis(mean_from(sums), -1, 0)))


def bounds_of(
    statistics: Statistics,
    figures: Callable[[Mapping[str, Floats]], dict[Name, Floats]],
    subjects: Mapping[str, str] | None = None,
    *,
    span: tuple[float, float] = (0.0, 1.0),
) -> dict[Name, Bounds]:
    """Compute the interval to quote of figures, by video, or by subject where these are given.

    Only the clusters that have rows of a figure count for it: the standard error of a bin that three of sixty videos
    have rows in has two degrees of freedom.

    Args:
        statistics: additive statistics by unit.
        figures: function from sums by task to figures by name, over leading axes; NaN where there is no row.
        subjects: subject of each unit; None for intervals by video.
        span: least and greatest value that the figures can have.
    """
    merged = statistics.by_video if subjects is None else by_subject(statistics, subjects)
    tasks = merged.counted.tasks
    points = figures({name: array.sum(0) for name, array in tasks.items()})
    alone, without = of_each(tasks, figures), left_out(tasks, figures)
    return {
        name: jackknife_interval(float(point), without[name][~np.isnan(alone[name])], LEVEL, span)
        for name, point in points.items()
    }
