"""Fairness between groups of people: parity of predictions, equalised odds and gaps, from additive counts by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abawbench.metrics.f1 import label_confusion
from abawbench.metrics.groups import Floats


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of each class or label in each group, all of shape (..., groups, outputs) and in [0, 1].

    Attributes:
        selection: share of all rows that are predicted so; NaN in a group without rows.
        true_positive: share of the rows of the class that are predicted so; NaN where the group has none.
        false_positive: share of the other rows that are predicted so; NaN where the group has none.
    """

    selection: Floats
    true_positive: Floats
    false_positive: Floats


def class_rates(counts: Floats) -> Rates:
    """Rates of each class against all others.

    Args:
        counts: shape (..., groups, classes of the truth, classes of the prediction), from `f1.confusion`.
    """
    rows = counts.sum((-2, -1))[..., None]
    truth, predicted = counts.sum(-1), counts.sum(-2)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return Rates(
        selection=_share(predicted, rows),
        true_positive=_share(hits, truth),
        false_positive=_share(predicted - hits, rows - truth),
    )


def label_rates(counts: Floats) -> Rates:
    """Rates of each label.

    Args:
        counts: shape (..., groups, labels, 4), from `f1.label_counts`.
    """
    present = class_rates(label_confusion(counts))
    return Rates(present.selection[..., 1], present.true_positive[..., 1], present.false_positive[..., 1])


def gap(values: Floats) -> Floats:
    """Greatest minus least value of the groups.

    Args:
        values: shape (..., groups), NaN where a group has no value.

    Returns:
        Shape (...), at least 0; NaN with fewer than two groups that have a value.

    >>> float(gap(np.array([0.5, 0.75, np.nan])))
    0.25
    """
    two_or_more = np.count_nonzero(~np.isnan(values), axis=-1) > 1
    spread = np.fmax.reduce(values, axis=-1, initial=-np.inf) - np.fmin.reduce(values, axis=-1, initial=np.inf)
    return np.where(two_or_more, spread, np.nan)[()]


def mean_of_defined(values: Floats) -> Floats:
    """Mean over the last axis of the values that are not NaN, shape (...); NaN where all are."""
    count = np.count_nonzero(~np.isnan(values), axis=-1)
    return _share(np.nansum(values, axis=-1), np.asarray(count, np.float64))[()]


def statistical_parity(selection: Floats) -> Floats:
    """Statistical parity of classes: how differently the classes are predicted in two groups, over all pairs of groups.

    SP = mean over pairs (g, h) of 1/2 sum over classes c of |P(prediction is c | g) - P(prediction is c | h)|, which is
    the mean total variation distance of the predictions of two groups. It ignores the truth.

    Args:
        selection: shares of the predictions, shape (..., groups, classes), from `class_rates`.

    Returns:
        Shape (...), values from 0, which is ideal, to 1; NaN with fewer than two groups that have rows.

    Source: dkollias/Fair-Consistent-Affect-Analysis:fair/ (the definition, not the code), where below .1 is fair.

    >>> float(statistical_parity(np.array([[0.5, 0.5], [0.25, 0.75]])))
    0.25
    """
    first, second = np.triu_indices(selection.shape[-2], 1)
    distance = np.abs(selection[..., first, :] - selection[..., second, :]).sum(-1) / 2
    return mean_of_defined(distance)


def demographic_parity_difference(rates: Rates) -> Floats:
    """Demographic parity difference of each class or label: the gap of the shares that are predicted so.

    DPD = max over g of P(predicted | g) - min over g of P(predicted | g). It ignores the truth.

    Args:
        rates: rates by group, from `class_rates` or `label_rates`.

    Returns:
        Shape (..., outputs), values in [0, 1]; NaN with fewer than two groups that have rows.

    Source: fairlearn, documentation of `demographic_parity_difference`; the group's protocol takes the mean over action
    units (dkollias/Fair-Consistent-Affect-Analysis:fair/).

    >>> counts = np.array([[[2.0, 0.0, 0.0, 2.0]], [[1.0, 0.0, 0.0, 3.0]]])
    >>> demographic_parity_difference(label_rates(counts))
    array([0.25])
    """
    return gap(np.swapaxes(rates.selection, -1, -2))


def equal_opportunity_difference(rates: Rates) -> Floats:
    """Equal opportunity difference of each class or label: the gap of the true positive rates; shape (..., outputs).

    Source: Hardt, Price and Srebro 2016, arXiv:1610.02413. A group without a row of the class has no such rate and is
    left out here; fairlearn counts its rate as 0.
    """
    return gap(np.swapaxes(rates.true_positive, -1, -2))


def equalised_odds_difference(rates: Rates) -> Floats:
    """Equalised odds difference of each class or label: the greater gap of true and false positive rates.

    Args:
        rates: rates by group, from `class_rates` or `label_rates`.

    Returns:
        Shape (..., outputs), values in [0, 1]; NaN where neither gap is defined.

    Source: Hardt, Price and Srebro 2016, arXiv:1610.02413, as a difference in fairlearn, documentation of
    `equalized_odds_difference`. A rate without rows is left out, where fairlearn counts it as 0.
    """
    return np.fmax(equal_opportunity_difference(rates), gap(np.swapaxes(rates.false_positive, -1, -2)))


def _share(part: Floats, whole: Floats) -> Floats:
    shape = np.broadcast_shapes(part.shape, whole.shape)
    return np.divide(part, whole, out=np.full(shape, np.nan), where=whole > 0)
