"""Ridge regression in closed form: penalties chosen on held-out folds, scores calibrated as probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Task
from abawbench.entries.outputs import softmax
from abawbench.table import Floats, Mask, Rows

Features = NDArray[np.float32]

# rows whose products are summed at a time
CHUNK = 16_384
# score of a class or label that training never saw: its probability is 0
NEVER = -1000.0


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over rows of features x and targets y, which add up over folds.

    Attributes:
        rows: number of rows.
        x: sum of x, shape (features,).
        y: sum of y, shape (columns,).
        xx: sum of products of x and x, shape (features, features).
        xy: sum of products of x and y, shape (features, columns).
        yy: sum of squares of y, shape (columns,).
    """

    rows: float
    x: Floats
    y: Floats
    xx: Floats
    xy: Floats
    yy: Floats

    def plus(self, other: Sums, sign: float = 1.0) -> Sums:
        """The sums over the rows of both, or without those of the other where `sign` is -1."""
        return Sums(
            self.rows + sign * other.rows,
            self.x + sign * other.x,
            self.y + sign * other.y,
            self.xx + sign * other.xx,
            self.xy + sign * other.xy,
            self.yy + sign * other.yy,
        )


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """A ridge regression of one or more columns.

    Attributes:
        weight: slopes, shape (features, columns).
        bias: intercepts, shape (columns,).
        penalty: penalty of each column, shape (columns,).
        error: mean squared error of each column on held-out folds with this penalty, shape (columns,).
        held_out: scores of each row by the fit without its fold, shape (rows, columns).
    """

    weight: Floats
    bias: Floats
    penalty: Floats
    error: Floats
    held_out: Floats


@dataclass(frozen=True, eq=False)
class LinearTask:
    """A linear map from features to the scores of a task.

    Attributes:
        task: the task.
        weight: slopes, shape (features, width).
        bias: intercepts, shape (width,).
        penalty: penalties of the columns, or the one of all classes.
        error: mean squared error on held-out folds, averaged over columns or classes.
        unseen: columns without a label, and classes that never occurred.
    """

    task: Task
    weight: Floats
    bias: Floats
    penalty: tuple[float, ...]
    error: float
    unseen: tuple[str, ...]


def fit_task(
    task: Task, values: NDArray[np.generic], annotated: Mask, features: Features, fold: Rows, penalties: Sequence[float]
) -> LinearTask:
    """Fit the scores of a task, whose softmax or sigmoid are calibrated probabilities.

    Classes and labels are regressed as 0 and 1. The scores of each row by the fit without its fold decide the penalty,
    one for all classes and one for each other column, and the calibration (see `calibrate`). A class that never occurs
    and a label without annotation get the probability 0.

    Args:
        task: the task.
        values: labels, shape (rows,) for classes, (rows, width) for others.
        annotated: True where a label is known, of the same shape.
        features: features, shape (rows, features).
        fold: number of the fold of each row, from 0, shape (rows,).
        penalties: candidates, rising.
    """
    if not task.is_vector:
        return _fit_classes(task, values, annotated, features, fold, penalties)
    width = task.width
    weight, bias = np.zeros((features.shape[1], width)), np.full(width, 0.0 if task.is_real else NEVER)
    penalty, error = np.full(width, np.nan), np.full(width, np.nan)
    # columns that are annotated on the same rows share their sums
    masks, group_of = np.unique(annotated, axis=1, return_inverse=True)
    for group in range(masks.shape[1]):
        rows, columns = np.flatnonzero(masks[:, group]), np.flatnonzero(group_of.ravel() == group)
        if not len(rows):
            continue
        targets = values[np.ix_(rows, columns)].astype(np.float64)
        fit = fit_ridge(features, rows, targets, fold[rows], penalties)
        penalty[columns], error[columns] = fit.penalty, fit.error
        for place, column in enumerate(columns.tolist()):
            slope, offset = (1.0, 0.0) if task.is_real else _label_line(fit.held_out[:, place], targets[:, place])
            weight[:, column], bias[column] = slope * fit.weight[:, place], slope * fit.bias[place] + offset
    known = np.isfinite(error)
    unseen = tuple(name for name, is_known in zip(task.outputs, known.tolist(), strict=True) if not is_known)
    return LinearTask(task, weight, bias, tuple(penalty[known].tolist()), float(error[known].mean()), unseen)


def _fit_classes(
    task: Task, values: NDArray[np.generic], annotated: Mask, features: Features, fold: Rows, penalties: Sequence[float]
) -> LinearTask:
    rows = np.flatnonzero(annotated)
    present, classes = np.unique(values[rows].astype(np.int64), return_inverse=True)
    targets = np.eye(len(present))[classes]
    fit = fit_ridge(features, rows, targets, fold[rows], penalties, is_one_penalty=True)
    scale, offsets = calibrate(fit.held_out, classes)
    weight, bias = np.zeros((features.shape[1], task.width)), np.full(task.width, NEVER)
    weight[:, present], bias[present] = scale * fit.weight, scale * fit.bias + offsets
    unseen = tuple(name for place, name in enumerate(task.outputs) if place not in present)
    return LinearTask(task, weight, bias, (float(fit.penalty[0]),), float(fit.error.mean()), unseen)


def _label_line(scores: Floats, on: Floats) -> tuple[float, float]:
    """Slope and offset that turn the score of a label into the logit of its probability."""
    if on.min() == on.max():
        return 0.0, NEVER if on[0] == 0 else -NEVER
    scale, (off_offset, on_offset) = calibrate(np.stack([1 - scores, scores], axis=1), on.astype(np.int64))
    return 2 * scale, float(on_offset - off_offset) - scale


def fit_ridge(
    features: Features,
    rows: Rows,
    targets: Floats,
    fold: Rows,
    penalties: Sequence[float],
    *,
    is_one_penalty: bool = False,
) -> RidgeFit:
    """Minimise the squared error plus penalty * squared weights, with an intercept that is not penalised.

    The sums of a fold are taken from those of all rows, so every candidate is tried on every fold after one pass over
    the features. The largest penalty wins a tie.

    Args:
        features: features, shape (all rows, features).
        rows: rows of `features` to fit, shape (rows,).
        targets: targets of these rows, shape (rows, columns).
        fold: number of the fold of these rows, shape (rows,).
        penalties: candidates, rising; scikit-learn calls them alpha.
        is_one_penalty: True for one penalty for all columns.

    Source: Hoerl and Kennard 1970, Technometrics.
    """
    places = [np.flatnonzero(fold == number) for number in np.unique(fold)]
    sums = [_sum(features, rows[own], targets[own]) for own in places]
    total = sums[0]
    for part in sums[1:]:
        total = total.plus(part)
    fits = [_solve(total.plus(part, -1.0), penalties) for part in sums]
    squares = np.stack([_errors(part, *fit) for part, fit in zip(sums, fits, strict=True)])
    errors = squares.sum(axis=0) / len(rows)
    judged = errors.sum(axis=1, keepdims=True).repeat(errors.shape[1], axis=1) if is_one_penalty else errors
    chosen = len(penalties) - 1 - judged[::-1].argmin(axis=0)
    columns = np.arange(targets.shape[1])
    held_out = np.empty_like(targets)
    for own, (weight, bias) in zip(places, fits, strict=True):
        slopes, offsets = weight[chosen, :, columns].T, bias[chosen, columns]
        for part in _chunks(own):
            held_out[part] = features[rows[part]].astype(np.float64) @ slopes + offsets
    weight, bias = _solve(total, penalties)
    return RidgeFit(
        weight[chosen, :, columns].T,
        bias[chosen, columns],
        np.asarray(penalties)[chosen],
        errors[chosen, columns],
        held_out,
    )


def calibrate(scores: Floats, classes: Rows) -> tuple[float, Floats]:
    """The scale, 0 or more, and an offset for each class, for which softmax(scale * scores + offsets) is most likely.

    The targets are drawn in as by Platt: (n + 1) / (n + 2) for a class of n rows, the rest to the other classes, so
    that scores which separate the classes do not give probabilities of 1.

    Args:
        scores: scores of rows that were not used to fit them, shape (rows, classes).
        classes: class of each row, shape (rows,); each occurs.

    Source: Platt 1999, Advances in Large Margin Classifiers; Guo et al. 2017, arXiv:1706.04599.
    """
    from scipy.optimize import minimize

    rows, width = scores.shape
    if width == 1:
        return 0.0, np.zeros(1)
    counts = np.bincount(classes, minlength=width)
    sure = (counts + 1) / (counts + 2)
    targets = np.repeat(((1 - sure) / (width - 1))[:, np.newaxis], width, axis=1)
    np.fill_diagonal(targets, sure)
    # the scores are centred, else the scale and the offsets pull at each other
    centre = scores.mean(axis=0)
    centred, wanted = scores - centre, targets[classes]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        odds = softmax(parameters[0] * centred + parameters[1:])
        off = odds - wanted
        cost = -float((wanted * np.log(np.maximum(odds, 1e-300))).sum()) / rows
        return cost, np.array([(off * centred).sum(), *off.sum(axis=0)]) / rows

    start = np.array([1.0, *np.log(counts / rows)])
    bounds = [(0.0, None), *[(None, None)] * width]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13, "gtol": 1e-8})
    scale = float(found.x[0])
    return scale, found.x[1:] - scale * centre


def _sum(features: Features, rows: Rows, targets: Floats) -> Sums:
    width, columns = features.shape[1], targets.shape[1]
    total = Sums(
        0.0, np.zeros(width), np.zeros(columns), np.zeros((width, width)), np.zeros((width, columns)), np.zeros(columns)
    )
    for part in _chunks(np.arange(len(rows))):
        x, y = features[rows[part]].astype(np.float64), targets[part]
        total = total.plus(Sums(len(x), x.sum(axis=0), y.sum(axis=0), x.T @ x, x.T @ y, (y**2).sum(axis=0)))
    return total


def _chunks(places: Rows) -> Iterator[Rows]:
    return (places[begin : begin + CHUNK] for begin in range(0, len(places), CHUNK))


def _solve(sums: Sums, penalties: Sequence[float]) -> tuple[Floats, Floats]:
    """Weights (penalties, features, columns) and biases (penalties, columns); 0 where there is no row."""
    rows = max(sums.rows, 1.0)
    mean_x, mean_y = sums.x / rows, sums.y / rows
    values, vectors = np.linalg.eigh(sums.xx - rows * np.outer(mean_x, mean_x))
    turned = vectors.T @ (sums.xy - rows * np.outer(mean_x, mean_y))
    spread = np.maximum(values, 0)[:, np.newaxis]
    weight = np.stack([vectors @ (turned / (spread + penalty)) for penalty in penalties])
    return weight, mean_y - mean_x @ weight


def _errors(sums: Sums, weight: Floats, bias: Floats) -> Floats:
    """Sums of squared errors of fits on the rows of `sums`, shape (penalties, columns)."""
    of_x = np.stack([((sums.xx @ one) * one).sum(axis=0) for one in weight])
    crossed = (weight * sums.xy).sum(axis=1)
    shifted = bias * (2 * (sums.x @ weight - sums.y) + sums.rows * bias)
    return sums.yy - 2 * crossed + of_x + shifted
