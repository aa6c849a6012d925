"""Intervals from leaving out one video at a time: the bits of `abawbench.metrics.jackknife`, in fewer words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

LEVEL = 0.95
# from here on, videos with equal statistics are computed once
MANY_VIDEOS = 10_000
# share of the span that sums of many rows may differ by
ROUNDING = 1e-12
# Gauss's rule, for Student's t
NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)


def left_out(sums: dict[str, Any], total: dict[str, Any], evaluate: Callable[[Any], Any]) -> dict[Any, Any]:
    """Figures with each video left out in turn; equal ones stand next to each other where there are many."""
    counts = np.ones(len(next(iter(sums.values()))), np.int64)
    if len(counts) >= MANY_VIDEOS:
        columns = np.concatenate([array.reshape(len(counts), -1) for array in sums.values()], axis=1)
        _, first, counts = np.unique(columns, axis=0, return_index=True, return_counts=True)
        sums = {name: array[first] for name, array in sums.items()}
    found = evaluate({name: total[name] - array for name, array in sums.items()})
    return {path: np.repeat(values, counts) for path, values in found.items()}


def interval(point: float, left_out: Any, span: Sequence[float]) -> list[float] | None:
    """The t interval about a figure without its bias, on the logit of its place in its span."""
    videos = len(left_out)
    if math.isnan(point) or np.isnan(left_out).any():
        return None
    mean = float(left_out.mean())
    square = (left_out - mean) ** 2
    total, freedom = float(square.sum()), videos - 1.0
    if total > 0:
        excess = videos * float((square / total) @ (square / total)) - 1
        freedom = min(freedom, 2 * videos / excess) if excess > 0 else freedom
    error = math.sqrt((videos - 1) / videos * total)
    low, high = span
    rounding = ROUNDING * (high - low)
    if error <= rounding or not low + rounding < point < high - rounding:
        return [point, point]
    # a correction for bias goes half of the way to an end of the span at most
    centre = min(max(point - (videos - 1) * (mean - point), (low + point) / 2), (high + point) / 2)
    share = (centre - low) / (high - low)
    half = student_quantile((1 + LEVEL) / 2, freedom) * error / ((high - low) * share * (1 - share))
    middle = math.log(share / (1 - share))
    return [low + (high - low) * ((1 + math.tanh((middle + step) / 2)) / 2) for step in (-half, half)]


def student_quantile(share: float, freedom: float) -> float:
    """The quantile of Student's t, by Newton's method."""
    nodes, weights = (1 + NODES) / 2, WEIGHTS / 2
    density = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    angle = math.atan(NormalDist().inv_cdf(share) / math.sqrt(freedom))
    for _ in range(100):
        inside = density * angle * float(weights @ np.cos(angle * nodes) ** (freedom - 1))
        step = (share - 0.5 - inside) / (density * math.cos(angle) ** (freedom - 1))
        angle += step
        if step <= 1e-14 * angle:
            break
    return math.sqrt(freedom) * math.tan(angle)
