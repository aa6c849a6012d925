"""F1 and accuracy of classes and of labels, from additive counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abawbench.metrics.concordance import same_length
from abawbench.metrics.groups import Groups

Floats = NDArray[np.float64]

# the last axis of a label count: both 0, prediction alone, truth alone, both 1
NEITHER, FALSE_POSITIVE, FALSE_NEGATIVE, TRUE_POSITIVE = range(4)


def confusion(
    truth: NDArray[np.int8],
    prediction: NDArray[np.int8],
    classes: int,
    groups: Groups,
    *,
    valid: NDArray[np.bool_] | None = None,
) -> Floats:
    """Confusion counts by group, shape (groups, classes of the truth, classes of the prediction)."""
    codes = truth.astype(np.int16) * classes + prediction
    return groups.histogram(codes, classes * classes, valid).reshape(groups.count, classes, classes)


def label_counts(
    truth: NDArray[np.int8],
    prediction: NDArray[np.int8],
    groups: Groups,
    *,
    valid: NDArray[np.bool_] | None = None,
) -> Floats:
    """Counts of the four outcomes of each label, by group.

    Args:
        truth: shape (rows, labels), 0 or 1; any value where not valid.
        prediction: shape (rows, labels), 0 or 1.
        groups: the group of each row.
        valid: shape (rows,) for whole rows, or (rows, labels) for single cells; None for all.

    Returns:
        Shape (groups, labels, 4): neither, prediction alone, truth alone, both.
    """
    labels = truth.shape[1]
    counts = np.empty((groups.count, labels, 4))
    if valid is not None and valid.ndim == 2:
        for label in range(labels):
            codes = (truth[:, label] * 2 + prediction[:, label]).astype(np.uint8)
            counts[:, label] = groups.histogram(codes, 4, valid[:, label])
        return counts
    # four labels to a byte: one histogram of 256 codes serves them all
    for first in range(0, labels, 4):
        block = range(first, min(first + 4, labels))
        codes = np.zeros(len(truth), np.uint8)
        for label in block:
            codes <<= 2
            codes |= (truth[:, label].view(np.uint8) << 1) & 2
            codes |= prediction[:, label].view(np.uint8) & 1
        histogram = groups.histogram(codes, 4 ** len(block), valid).reshape(groups.count, *[4] * len(block))
        for axis, label in enumerate(block, start=1):
            others = tuple(other for other in range(1, len(block) + 1) if other != axis)
            counts[:, label] = histogram.sum(axis=others)
    return counts


def f1_per_class_from(counts: Floats) -> Floats:
    """F1 of each class, shape (..., classes), from confusion counts (..., classes, classes).

    0 for a class without truth and prediction (fixed class count); NaN without any row.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return _ratio(2 * hits, counts.sum(-1) + counts.sum(-2), counts.sum((-2, -1))[..., None])


def accuracy_from(counts: Floats) -> Floats:
    """Share of right rows, shape (...), from confusion counts; NaN without rows."""
    rows = counts.sum((-2, -1))
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), rows, rows)


def f1_per_label_from(counts: Floats) -> Floats:
    """F1 of each label, shape (..., labels), from label counts (..., labels, 4); 0 without any positive."""
    both = counts[..., TRUE_POSITIVE]
    return _ratio(2 * both, 2 * both + counts[..., FALSE_POSITIVE] + counts[..., FALSE_NEGATIVE], counts.sum(-1))


def label_accuracy_from(counts: Floats) -> Floats:
    """Share of right cells over all labels, shape (...), from label counts; NaN without rows."""
    rows = counts.sum((-2, -1))
    return _ratio((counts[..., NEITHER] + counts[..., TRUE_POSITIVE]).sum(-1), rows, rows)


def _ratio(part: Floats, whole: Floats, rows: Floats) -> Floats:
    value = np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 0)
    return np.where(rows > 0, value, np.nan)


def macro_f1(truth: ArrayLike, prediction: ArrayLike, *, classes: int) -> float:
    """Unweighted mean of the classes' F1, every class of the challenge counted.

    Args:
        truth: shape (frames,), integers from 0 to classes - 1.
        prediction: shape (frames,).
        classes: number of classes of the challenge; a class that occurs in neither series counts as 0 (assumed).

    Returns:
        Value in [0, 1]; NaN without frames.

    Raises:
        ProblemError: C02, the shapes differ.

    >>> macro_f1([0, 0, 1, 2], [0, 1, 1, 2], classes=3)
    0.7777777777777777
    """
    return float(f1_per_class_from(_one_group(truth, prediction, classes)).mean())


def accuracy(truth: ArrayLike, prediction: ArrayLike, *, classes: int) -> float:
    """Share of frames whose class is right.

    Raises:
        ProblemError: C02, the shapes differ.

    >>> accuracy([0, 0, 1, 2], [0, 1, 1, 2], classes=3)
    0.75
    """
    return float(accuracy_from(_one_group(truth, prediction, classes)))


def mean_f1(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Mean over the labels (action units) of the F1 of the positive class.

    Args:
        truth: shape (frames, labels), 0 or 1.
        prediction: shape (frames, labels), 0 or 1.

    Returns:
        Value in [0, 1]; a label without any positive counts as 0 (assumed); NaN without frames.

    Raises:
        ProblemError: C02, the shapes differ.

    >>> mean_f1([[1, 0], [1, 1], [0, 0]], [[1, 0], [0, 1], [0, 0]])
    0.8333333333333333
    """
    x, y = np.asarray(truth, np.int8), np.asarray(prediction, np.int8)
    same_length(x, y)
    counts = label_counts(x, y, Groups.of(np.zeros(len(x), np.int32), 1))
    return float(f1_per_label_from(counts[0]).mean())


def _one_group(truth: ArrayLike, prediction: ArrayLike, classes: int) -> Floats:
    x, y = np.asarray(truth, np.int8), np.asarray(prediction, np.int8)
    same_length(x, y)
    return confusion(x, y, classes, Groups.of(np.zeros(len(x), np.int32), 1))[0]
