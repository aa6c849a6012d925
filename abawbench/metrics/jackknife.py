"""Intervals from leaving out one cluster at a time, which cover where few clusters decide a figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from abawbench.metrics.groups import Floats

# far more of Newton's steps than any quantile takes
STEPS = 100
# share of the span that sums of many rows may differ by
ROUNDING = 1e-12


@dataclass(frozen=True)
class Jackknife:
    """What leaving out one cluster at a time says about a figure.

    Attributes:
        bias: estimated bias of the figure: its mean over splits of this size minus its value over all videos there are.
        error: standard error of the figure.
        freedom: degrees of freedom of the standard error, at most the number of clusters minus 1; few where few
            clusters decide the figure, as the videos of a rare class do, but never below 2 of three clusters or more.
    """

    bias: float
    error: float
    freedom: float


def jackknife_of(point: float, left_out: Floats) -> Jackknife | None:
    """Bias, standard error and its degrees of freedom; None where the figure is undefined without some cluster.

    Args:
        point: figure of the whole sample.
        left_out: figures with each cluster left out in turn, shape (clusters,).

    Source: Efron & Stein 1981, Annals of Statistics 9(3), for bias and error; Satterthwaite 1946, Biometrics Bulletin
        2(6), for the degrees of freedom of a sum of squares, 2 n / (kurtosis - 1) for n influence values.
    """
    clusters = len(left_out)
    if clusters < 2 or math.isnan(point) or np.isnan(left_out).any():
        return None
    mean = float(left_out.mean())
    square = (left_out - mean) ** 2
    total = float(square.sum())
    freedom = clusters - 1.0
    if total > 0:
        excess = clusters * float((square / total) @ (square / total)) - 1
        freedom = min(freedom, 2 * clusters / excess) if excess > 0 else freedom
    return Jackknife((clusters - 1) * (mean - point), math.sqrt((clusters - 1) / clusters * total), freedom)


@dataclass(frozen=True, slots=True)
class Jackknives:
    """What leaving out one cluster at a time says about several figures: the fields of `Jackknife`, (figures,) each.

    All fields are NaN for a figure that is undefined without some cluster.
    """

    bias: Floats
    error: Floats
    freedom: Floats


def jackknives_of(points: Floats, left_out: Floats) -> Jackknives:
    """Bias, standard error and its degrees of freedom of several figures, as `jackknife_of` gives them for one.

    Args:
        points: figures of the whole sample, shape (figures,).
        left_out: figures with each cluster left out in turn, shape (figures, clusters).
    """
    figures, clusters = left_out.shape
    if clusters < 2:
        nothing = np.full(figures, np.nan)
        return Jackknives(nothing, nothing, nothing)
    mean = left_out.mean(1)
    square = (left_out - mean[:, None]) ** 2
    total = square.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = clusters * np.sum((square / total[:, None]) ** 2, axis=1) - 1
        freedom = np.where(excess > 0, np.minimum(clusters - 1.0, 2 * clusters / excess), clusters - 1.0)
    error = np.sqrt((clusters - 1) / clusters * total)
    return Jackknives((clusters - 1) * (mean - points), error, np.where(np.isnan(total), np.nan, freedom))


def jackknife_interval(
    point: float, left_out: Floats, level: float, span: tuple[float, float]
) -> tuple[float, float] | None:
    """The t interval about the figure without its bias, on the logit of its place in its span.

    The logit keeps the bounds inside the span, and makes the interval longer towards the far end of it, as the errors
    of a share or of a concordance are. For a span of -1 to 1 it is Fisher's z. No resampling is needed.

    Args:
        point: figure of the whole sample.
        left_out: figures with each cluster left out in turn, shape (clusters,).
        level: share of samples whose interval holds the true figure, as 0.95.
        span: least and greatest value that the figure can have.

    Returns:
        The bounds; twice the point where no cluster makes a difference but for rounding, or where the point is an end
        of the span; None as for `jackknife_of`.
    """
    found = jackknife_of(point, left_out)
    if found is None:
        return None
    low, high = span
    rounding = ROUNDING * (high - low)
    if found.error <= rounding or not low + rounding < point < high - rounding:
        return point, point
    # a correction for bias goes half of the way to an end of the span at most
    centre = min(max(point - found.bias, (low + point) / 2), (high + point) / 2)
    share = (centre - low) / (high - low)
    half = student_quantile((1 + level) / 2, found.freedom) * found.error / ((high - low) * share * (1 - share))
    middle = math.log(share / (1 - share))
    lower, upper = (low + (high - low) * _logistic(middle + step) for step in (-half, half))
    return lower, upper


def _logistic(value: float) -> float:
    return (1 + math.tanh(value / 2)) / 2


def student_quantile(share: float, freedom: float) -> float:
    """The quantile of Student's t; scipy would take longer to import than a score takes.

    With t = sqrt(freedom) * tan(angle), the density of the angle is a power of its cosine, which Gauss's rule
    integrates to ten digits for whole degrees of freedom, and for others from 2 on or up to a share of 0.9995. The
    integral is concave in the angle, so Newton's steps from the normal quantile never overshoot.

    Args:
        share: probability below the quantile, from 0.5 and below 1.
        freedom: degrees of freedom, from 1; not only whole numbers.

    >>> round(student_quantile(0.975, 10), 6)
    2.228139
    """
    nodes, weights = _gauss()
    density = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    angle = math.atan(NormalDist().inv_cdf(share) / math.sqrt(freedom))
    for _ in range(STEPS):
        inside = density * angle * float(weights @ np.cos(angle * nodes) ** (freedom - 1))
        step = (share - 0.5 - inside) / (density * math.cos(angle) ** (freedom - 1))
        angle += step
        if step <= 1e-14 * angle:
            break
    return math.sqrt(freedom) * math.tan(angle)


def student_shares(values: Floats, freedom: Floats) -> Floats:
    """The probability below each value in Student's t distribution; `student_quantile` gives the value for a share.

    Args:
        values: shape (figures,), from 0.
        freedom: degrees of freedom of each, from 1, shape (figures,).

    >>> student_shares(np.array([2.228139]), np.array([10.0])).round(6).tolist()
    [0.975]
    """
    nodes, weights = _gauss()
    gammas = [math.lgamma((one + 1) / 2) - math.lgamma(one / 2) for one in freedom.tolist()]
    angle = np.arctan(values / np.sqrt(freedom))
    inside = np.cos(angle[:, None] * nodes) ** (freedom[:, None] - 1) @ weights
    return 0.5 + np.exp(gammas) / math.sqrt(math.pi) * angle * inside


@lru_cache
def _gauss() -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss's rule on 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    return (1 + nodes) / 2, weights / 2
