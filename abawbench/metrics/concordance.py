"""Agreement of real-valued series: concordance and Pearson correlation from additive moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.metrics.groups import Floats, Groups

# the last axis of a moments array: rows, and sums of x, y, x * x, y * y, x * y about the pilots
MOMENTS = 6


def moments(
    truth: Floats,
    prediction: Floats,
    groups: Groups,
    *,
    pilots: Floats,
    valid: NDArray[np.bool_] | None = None,
) -> Floats:
    """Additive statistics of two series, by group.

    Args:
        truth: shape (rows,); any value where a row is not valid.
        prediction: shape (rows,).
        groups: the group of each row.
        pilots: shape (2,), the values that truth and prediction are centred by; near their means, to keep precision.
        valid: shape (rows,), mask of the rows that count; None for all.

    Returns:
        Shape (groups, 6): number of rows, and sums of x, y, x * x, y * y and x * y, where x is the truth minus its
        pilot and y the prediction minus its pilot.
    """
    x = truth - pilots[0]
    y = prediction - pilots[1]
    ones = np.ones(len(x)) if valid is None else valid.astype(np.float64)
    if valid is not None:
        np.putmask(x, ~valid, 0.0)
        np.putmask(y, ~valid, 0.0)
    sums = [groups.sum(ones), groups.sum(x), groups.sum(y), groups.dot(x, x), groups.dot(y, y), groups.dot(x, y)]
    return np.stack(sums, axis=-1)


def central(statistics: Floats, pilots: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Population variances of truth and prediction, their covariance, and the difference of their means.

    Every moment divides by the number of rows. A variance that is nothing but rounding is 0, and so is its covariance.

    Args:
        statistics: shape (..., 6), from `moments`.
        pilots: shape (..., 2), the pilots that the statistics were centred by.

    Returns:
        Four arrays of shape (...), the last one the mean of the truth minus that of the prediction; NaN without rows.
    """
    rows = statistics[..., 0]
    with np.errstate(invalid="ignore"):
        mean = statistics[..., 1:3] / rows[..., None]
        square = statistics[..., 3:5] / rows[..., None]
        variance = square - mean * mean
        covariance = statistics[..., 5] / rows - mean[..., 0] * mean[..., 1]
    rounding = 64 * np.finfo(np.float64).eps
    # comparisons with NaN are false: without rows nothing is constant
    constant = variance <= rounding * square + (rounding * pilots) ** 2
    variance = np.where(constant, 0.0, variance)
    covariance = np.where(constant.any(-1), 0.0, covariance)
    offset = mean[..., 0] + pilots[..., 0] - (mean[..., 1] + pilots[..., 1])
    return variance[..., 0], variance[..., 1], covariance, offset


def concordance_from(statistics: Floats, pilots: Floats) -> Floats:
    """Concordance correlation coefficient from moments; see `concordance`.

    Args:
        statistics: shape (..., 6), from `moments`.
        pilots: shape (..., 2), the pilots that the statistics were centred by.

    Returns:
        Shape (...), values in [-1, 1]; 0 where a series is constant, NaN without rows.
    """
    truth, prediction, covariance, offset = central(statistics, pilots)
    total = truth + prediction + offset * offset
    with np.errstate(invalid="ignore"):
        value = 2 * covariance / total
    return np.where(total == 0, 0.0, np.clip(value, -1.0, 1.0))


def pearson_from(statistics: Floats, pilots: Floats) -> Floats:
    """Pearson correlation from moments; see `pearson`. Arguments and result are as for `concordance_from`."""
    truth, prediction, covariance, _ = central(statistics, pilots)
    deviation = np.sqrt(truth * prediction)
    with np.errstate(invalid="ignore"):
        value = covariance / deviation
    return np.where(deviation == 0, 0.0, np.clip(value, -1.0, 1.0))


def parts_from(statistics: Floats, pilots: Floats) -> dict[str, Floats]:
    """The factors of concordance: CCC = correlation * accuracy.

    Args:
        statistics: shape (..., 6), from `moments`.
        pilots: shape (..., 2), the pilots that the statistics were centred by.

    Returns:
        By name, each of shape (...), NaN where a series is constant (`offset` is NaN only without rows):

        - `correlation`: Pearson's, in [-1, 1];
        - `scale`: standard deviation of the prediction over that of the truth, above 0;
        - `offset`: mean of the prediction minus that of the truth;
        - `accuracy`: the factor in (0, 1] by which a wrong scale and offset lower the correlation.

    Source: Lin 1989, Biometrics 45(1), bias correction factor.

    >>> statistics, pilots = _series([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])
    >>> {name: round(float(value), 3) for name, value in parts_from(statistics, pilots).items()}
    {'correlation': 1.0, 'scale': 1.0, 'offset': 1.0, 'accuracy': 0.571}
    """
    truth, prediction, covariance, offset = central(statistics, pilots)
    deviation = np.sqrt(truth * prediction)
    deviation = np.where(deviation > 0, deviation, np.nan)
    return {
        "correlation": covariance / deviation,
        "scale": deviation / truth,
        "offset": -offset,
        "accuracy": 2 * deviation / (truth + prediction + offset * offset),
    }


def concordance(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Concordance correlation coefficient (CCC): agreement of two series in shape, scale and offset.

    CCC = 2 s_xy / (s_x^2 + s_y^2 + (m_x - m_y)^2), where m_x and m_y are the means of truth x and prediction y, s_x^2
    and s_y^2 their variances and s_xy their covariance; every moment divides by the number of frames.

    Args:
        truth: shape (frames,), no missing values.
        prediction: shape (frames,), rows in the order of `truth`.

    Returns:
        Value in [-1, 1]; 0 where a series is constant (ABAW rule, assumed); NaN without frames.

    Raises:
        ProblemError: C02, the shapes differ.

    Source: Lin 1989, Biometrics 45(1).

    >>> concordance([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])
    1.0
    >>> round(concordance([0.0, 1.0, 2.0], [1.0, 2.0, 3.0]), 12)
    0.571428571429
    """
    statistics, pilots = _series(truth, prediction)
    return float(concordance_from(statistics, pilots))


def pearson(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Pearson correlation: agreement of two series in shape alone.

    r = s_xy / (s_x s_y), where s_xy is the covariance of truth x and prediction y, and s_x and s_y are their standard
    deviations. Arguments, result and errors are those of `concordance`.

    Source: Pearson 1895, Proceedings of the Royal Society of London 58.

    >>> pearson([0.0, 1.0, 2.0], [5.0, 7.0, 9.0])
    1.0
    """
    statistics, pilots = _series(truth, prediction)
    return float(pearson_from(statistics, pilots))


def _series(truth: ArrayLike, prediction: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
    same_length(x, y)
    pilots = np.array([x.mean(), y.mean()]) if len(x) else np.zeros(2)
    return moments(x, y, Groups.one(len(x)), pilots=pilots)[0], pilots


def same_length(truth: NDArray[np.generic], prediction: NDArray[np.generic]) -> None:
    """Check that two arrays have the same shape. Raises: ProblemError C02, they do not."""
    if truth.shape != prediction.shape:
        fix = "align the rows first"
        raise ProblemError(Problem("C02", f"truth {truth.shape}, prediction {prediction.shape}", "equal shapes", fix))
