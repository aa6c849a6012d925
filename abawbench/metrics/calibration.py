"""Calibration of probabilities: expected calibration error over equal-mass bins, from additive statistics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from abawbench.metrics.groups import Floats, sums_by_bin


def equal_mass_edges(confidence: Floats, bins: int) -> Floats:
    """Inner edges of bins that hold about equally many rows; fewer where many rows are equally confident.

    Args:
        confidence: probabilities, shape (rows,).
        bins: number of bins.

    >>> equal_mass_edges(np.array([0.1, 0.2, 0.3, 0.4]), 2).tolist()
    [0.3]
    """
    ordered = np.sort(confidence)
    places = np.arange(1, bins) * len(ordered) // bins
    # rows of one confidence stay in one bin
    return np.unique(ordered[places][ordered[places] > ordered[0]]) if len(ordered) else np.empty(0)


def calibration_sums(
    confidence: Floats, hit: NDArray[np.bool_], edges: Floats, group: NDArray[np.integer], groups: int
) -> Floats:
    """Additive statistics of calibration by group: rows, sum of the confidence and hits of each bin.

    Args:
        confidence: probability of what was answered, shape (rows,).
        hit: True where the answer is right, shape (rows,).
        edges: inner edges of the bins, rising; a bin begins at its lower edge.
        group: group of each row, shape (rows,).
        groups: number of groups.

    Returns:
        Shape (groups, bins, 3).
    """
    place = np.searchsorted(edges, confidence, side="right")
    return sums_by_bin(group, groups, place, len(edges) + 1, (confidence, hit.astype(np.float64)))


def calibration_error_from(sums: Floats) -> Floats:
    """Expected calibration error: the mean distance of confidence and accuracy over bins, weighted by their rows.

    It is 0 if every bin is right as often as it is confident; of finite samples it is a little above 0 even then.

    Args:
        sums: statistics as `calibration_sums` gives them, added up, shape (..., bins, 3).

    Returns:
        Shape (...), from 0 to 1; NaN without a row.

    Source: Naeini, Cooper & Hauskrecht 2015, AAAI; bins of equal mass as in Nguyen & O'Connor 2015, EMNLP.
    """
    rows = sums[..., 0].sum(-1)
    distance = np.abs(sums[..., 1] - sums[..., 2]).sum(-1)
    return np.where(rows > 0, distance / np.maximum(rows, 1), np.nan)
