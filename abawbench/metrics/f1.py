"""F1, accuracy and balanced accuracy of classes and of labels, from additive counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abawbench.metrics.concordance import same_length
from abawbench.metrics.groups import Floats, Groups

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
    """Confusion counts by group.

    Args:
        truth: shape (rows,), integers from 0 to classes - 1; any value where a row is not valid.
        prediction: shape (rows,), integers from 0 to classes - 1.
        classes: number of classes.
        groups: the group of each row.
        valid: shape (rows,), mask of the rows that count; None for all.

    Returns:
        Shape (groups, classes of the truth, classes of the prediction).
    """
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
        truth: shape (rows, labels), 0 or 1; any value where a row or cell is not valid.
        prediction: shape (rows, labels), 0 or 1.
        groups: the group of each row.
        valid: shape (rows,) for whole rows, or (rows, labels) for single cells; None for all.

    Returns:
        Shape (groups, labels, 4): numbers of rows in which neither is 1, the prediction alone, the truth alone, both.
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
            codes |= (truth[:, label].view(np.uint8) & 1) << 1
            codes |= prediction[:, label].view(np.uint8) & 1
        histogram = groups.histogram(codes, 4 ** len(block), valid).reshape(groups.count, *[4] * len(block))
        for axis, label in enumerate(block, start=1):
            others = tuple(other for other in range(1, len(block) + 1) if other != axis)
            counts[:, label] = histogram.sum(axis=others)
    return counts


def f1_per_class_from(counts: Floats) -> Floats:
    """F1 of each class from confusion counts; see `macro_f1`.

    Args:
        counts: shape (..., classes, classes), from `confusion`.

    Returns:
        Shape (..., classes), values in [0, 1]; 0 for a class in neither truth nor prediction, NaN without any row.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return _ratio(2 * hits, counts.sum(-1) + counts.sum(-2), counts.sum((-2, -1))[..., None])


def accuracy_from(counts: Floats) -> Floats:
    """Share of correct rows, shape (...), from confusion counts of shape (..., classes, classes); NaN without rows."""
    rows = counts.sum((-2, -1))
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), rows, rows)


def f1_per_label_from(counts: Floats) -> Floats:
    """F1 of the positive class of each label from label counts; see `mean_f1`.

    Args:
        counts: shape (..., labels, 4), from `label_counts`.

    Returns:
        Shape (..., labels), values in [0, 1]; 0 for a label without any positive, NaN without any row.
    """
    both = counts[..., TRUE_POSITIVE]
    return _ratio(2 * both, 2 * both + counts[..., FALSE_POSITIVE] + counts[..., FALSE_NEGATIVE], counts.sum(-1))


def label_accuracy_from(counts: Floats) -> Floats:
    """Share of correct cells of all labels, shape (...), from label counts (..., labels, 4); NaN without rows."""
    rows = counts.sum((-2, -1))
    return _ratio((counts[..., NEITHER] + counts[..., TRUE_POSITIVE]).sum(-1), rows, rows)


def recall_per_class_from(counts: Floats) -> Floats:
    """Share of the rows of each class that are predicted so, from confusion counts.

    Args:
        counts: shape (..., classes, classes), from `confusion`.

    Returns:
        Shape (..., classes), values in [0, 1]; NaN for a class without a row in the truth.
    """
    rows = counts.sum(-1)
    return _ratio(np.diagonal(counts, axis1=-2, axis2=-1), rows, rows)


def balanced_accuracy_from(counts: Floats) -> Floats:
    """Balanced accuracy from confusion counts; see `balanced_accuracy`.

    Args:
        counts: shape (..., classes, classes), from `confusion`.

    Returns:
        Shape (...), values in [0, 1]; NaN without any row.
    """
    recall = recall_per_class_from(counts)
    present = np.count_nonzero(~np.isnan(recall), axis=-1)
    return _ratio(np.nansum(recall, axis=-1), present, present)


def label_confusion(counts: Floats) -> Floats:
    """Label counts as a confusion of two classes, absent and present, for each label.

    Args:
        counts: shape (..., labels, 4), from `label_counts`.

    Returns:
        Shape (..., labels, 2, 2): the truth, then the prediction.
    """
    return counts.reshape(*counts.shape[:-1], 2, 2)


def label_balanced_accuracy_from(counts: Floats) -> Floats:
    """Balanced accuracy of each label: the mean of the shares of its positives and of its negatives that are right.

    Args:
        counts: shape (..., labels, 4), from `label_counts`.

    Returns:
        Shape (..., labels), values in [0, 1]; the one share where a label is always on or always off, NaN without rows.
    """
    return balanced_accuracy_from(label_confusion(counts))


def _ratio(part: Floats, whole: Floats, rows: Floats) -> Floats:
    value = np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 0)
    return np.where(rows > 0, value, np.nan)


def macro_f1(truth: ArrayLike, prediction: ArrayLike, *, classes: int) -> float:
    """Macro F1: the unweighted mean of the F1 of every class of the challenge.

    F1 = 2 TP / (2 TP + FP + FN), where TP is the number of frames of the class that are predicted so, FP that of frames
    of other classes that are predicted so, and FN that of its frames that are predicted otherwise.

    Args:
        truth: shape (frames,), integers from 0 to classes - 1.
        prediction: shape (frames,).
        classes: number of classes of the challenge; a class that occurs in neither series counts as 0 (assumed).

    Returns:
        Value in [0, 1]; NaN without frames.

    Raises:
        ProblemError: C02, the shapes differ.

    Source: Opitz and Burst 2019, arXiv:1911.03347: the mean of the F1, not the F1 of mean precision and recall.

    >>> macro_f1([0, 0, 1, 2], [0, 1, 1, 2], classes=3)
    0.7777777777777777
    """
    return float(f1_per_class_from(_one_group(truth, prediction, classes)).mean())


def accuracy(truth: ArrayLike, prediction: ArrayLike, *, classes: int) -> float:
    """Accuracy: the share of frames whose class is correct.

    Args:
        truth: shape (frames,), integers from 0 to classes - 1.
        prediction: shape (frames,).
        classes: number of classes of the challenge.

    Returns:
        Value in [0, 1]; NaN without frames.

    Raises:
        ProblemError: C02, the shapes differ.

    >>> accuracy([0, 0, 1, 2], [0, 1, 1, 2], classes=3)
    0.75
    """
    return float(accuracy_from(_one_group(truth, prediction, classes)))


def balanced_accuracy(truth: ArrayLike, prediction: ArrayLike, *, classes: int) -> float:
    """Balanced accuracy: the mean of the recall of every class of the truth, also called unweighted average recall.

    The recall of a class is the share of its frames that are predicted so.

    Args:
        truth: shape (frames,), integers from 0 to classes - 1.
        prediction: shape (frames,).
        classes: number of classes of the challenge; those without a frame in the truth are left out of the mean.

    Returns:
        Value in [0, 1]; NaN without frames.

    Raises:
        ProblemError: C02, the shapes differ.

    Source: Brodersen et al. 2010, ICPR, "The balanced accuracy and its posterior distribution".

    >>> balanced_accuracy([0, 0, 0, 1], [0, 0, 1, 1], classes=3)
    0.8333333333333333
    """
    return float(balanced_accuracy_from(_one_group(truth, prediction, classes)))


def mean_f1(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Mean over the labels (action units) of the F1 of the positive class.

    F1 = 2 TP / (2 TP + FP + FN), where TP is the number of frames with the label in truth and prediction, FP in the
    prediction alone, and FN in the truth alone.

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
    counts = label_counts(x, y, Groups.one(len(x)))
    return float(f1_per_label_from(counts[0]).mean())


def _one_group(truth: ArrayLike, prediction: ArrayLike, classes: int) -> Floats:
    x, y = np.asarray(truth, np.int8), np.asarray(prediction, np.int8)
    same_length(x, y)
    return confusion(x, y, classes, Groups.one(len(x)))[0]
