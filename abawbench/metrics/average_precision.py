"""Average precision of class 1, by its usual step-wise definition and by that of the A/H data chair's code."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abawbench.metrics.concordance import same_length
from abawbench.metrics.groups import Floats


def average_precision(truth: ArrayLike, probability: ArrayLike) -> float:
    """Average precision, step-wise: precision weighed by the steps in recall, without interpolation.

    AP = sum over k of (R_k - R_(k-1)) P_k, where P_k and R_k are precision and recall with the k-th highest distinct
    probability as the threshold, and R_0 = 0.

    Args:
        truth: shape (rows,), 0 or 1.
        probability: shape (rows,), of class 1.

    Returns:
        Value in [0, 1]; NaN without a positive row.

    Raises:
        ProblemError: C02, the shapes differ.

    Source: scikit-learn, documentation of `average_precision_score` (the definition, not the code).

    >>> average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.8333333333333333
    """
    return step_precision(*_columns(truth, probability))


def step_precision(label: NDArray[np.bool_], score: Floats) -> float:
    """Average precision by steps of positive rows and their probabilities, both of shape (rows,)."""
    positives = int(label.sum())
    if not positives:
        return np.nan
    order = np.argsort(-score)
    label, score = label[order], score[order]
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    hits = np.cumsum(label)[last]
    precision = hits / (last + 1)
    steps = np.diff(np.concatenate(([0], hits))) / positives
    return float(np.sum(precision * steps))


def grid_average_precision(truth: ArrayLike, probability: ArrayLike) -> float:
    """Average precision on a grid: the area under precision over recall by trapezoids.

    AP = sum over k of (R_k - R_(k+1)) (P_k + P_(k+1)) / 2, where P_k and R_k are precision and recall at the threshold
    k / 1000, for k from 0 to 999. A row is predicted positive when its probability reaches the threshold; precision is
    0 where nothing is predicted. The data chair's code computes the probability by a softmax of two logits; here it is
    an argument.

    Arguments, range and errors are those of `average_precision`.

    Source: sbelharbi/bah-dataset:bah_metrics.py (the definition, not the code).

    >>> round(grid_average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.5417
    """
    return grid_precision(*_columns(truth, probability))


def grid_precision(label: NDArray[np.bool_], score: Floats) -> float:
    """Average precision on a grid of positive rows and their probabilities, both of shape (rows,)."""
    positives = np.sort(score[label])
    if not len(positives):
        return np.nan
    thresholds = np.arange(1000) / 1000
    every = np.sort(score)
    predicted = len(every) - np.searchsorted(every, thresholds)
    hits = len(positives) - np.searchsorted(positives, thresholds)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / len(positives)
    return float(-np.sum(np.diff(recall) * (precision[1:] + precision[:-1]) / 2))


def _columns(truth: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    label, score = np.asarray(truth) == 1, np.asarray(probability, np.float64)
    same_length(label, score)
    return label, score
