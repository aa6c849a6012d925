"""Tables of the relatedness of classes and labels: from the expert table, or counted on training labels.

A table has a row for each class and a column for each label: 0 where the class never shows the label, 1 where it always
does, NaN where nothing is known. Needs no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abawbench import labels
from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.labels import relatedness

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Values = NDArray[np.integer] | NDArray[np.floating]

# the expert table has no action units for Neutral because nothing moves, and none for Other because anything may
NEUTRAL = "Neutral"
TRAINING = "train"
_UNIT = re.compile(r"AU[1-9][0-9]*")


def expert_table(classes: Sequence[str], action_units: Sequence[str]) -> Floats:
    """The table W: the share of people who use each action unit in each expression, shape (classes, action units).

    1 for a prototypical unit. `Neutral` uses none; `Other` is NaN.

    Args:
        classes: names of basic or compound expressions, in the order of the rows.
        action_units: names as `AU12`, in the order of the columns.

    Raises:
        ProblemError: E17, every name that is not known.

    Source: Du, Tao and Martinez 2014, PNAS 111(15):E1454, Table 1; see `abawbench.labels`.

    >>> expert_table(["Happiness", "Neutral", "Other"], ["AU6", "AU12", "AU1"]).tolist()
    [[0.51, 1.0, 0.0], [0.0, 0.0, 0.0], [nan, nan, nan]]
    """
    known = {*relatedness(), *labels.EXPRESSIONS_8}
    problems = (
        *(_strange(name, "expression") for name in classes if name not in known),
        *(_strange(name, "action unit") for name in action_units if not _UNIT.fullmatch(name)),
    )
    if problems:
        raise ProblemError(*problems)
    table = np.full((len(classes), len(action_units)), np.nan)
    for row, name in zip(table, classes, strict=True):
        profile = relatedness().get(name, {})
        if profile or name == NEUTRAL:
            row[:] = [profile[unit].weight if unit in profile else 0.0 for unit in action_units]
    return table


def binary(table: Floats) -> Floats:
    """The table P: 1 where a table is above 0, else 0; NaN stays.

    >>> binary(np.array([[0.51, 0.0, np.nan]])).tolist()
    [[1.0, 0.0, nan]]
    """
    return np.where(np.isnan(table), np.nan, (table > 0).astype(np.float64))


def estimate_relatedness(
    expressions: NDArray[np.integer],
    action_units: Values,
    mask: Mask,
    *,
    classes: int,
    minimum: int,
    threshold: float,
    split: ArrayLike,
) -> Floats:
    """The share of rows of each class that have each label, counted on training rows that are annotated for both.

    Identities and attributes are counted the same way.

    Args:
        expressions: class number of each row, -1 where not annotated, shape (rows,).
        action_units: labels, 0 or 1, and anything where the mask is False, shape (rows, labels).
        mask: True where a label is annotated, shape (rows, labels).
        classes: number of classes.
        minimum: number of rows below which a share is not known: NaN.
        threshold: share up to which a cell is 0.
        split: name of the split of each row, or one name for all rows; only `train` is accepted.

    Returns:
        Shape (classes, labels).

    Raises:
        ProblemError: D29 rows of another split, whose labels would leak; E06 shapes that differ; V06 a class out of
            range; V07 a label neither 0 nor 1.

    Source: arXiv:2105.03790 (assumed(paper)); the split and the minimum are assumed.
    """
    shown, annotated = count_relatedness(expressions, action_units, mask, classes=classes, split=split)
    known = annotated >= max(minimum, 1)
    share = shown / np.maximum(annotated, 1)
    return np.where(known, np.where(share > threshold, share, 0.0), np.nan)


def count_relatedness(
    expressions: NDArray[np.integer], action_units: Values, mask: Mask, *, classes: int, split: ArrayLike
) -> tuple[Floats, Floats]:
    """Count the training rows of each class that have each label, and those that are annotated for it.

    Takes and raises what `estimate_relatedness` does.

    Returns:
        Two tables of counts, shape (classes, labels).
    """
    problems = tuple(_problems_of(expressions, action_units, mask, classes, np.asarray(split, np.str_)))
    if problems:
        raise ProblemError(*problems)
    rows = expressions >= 0
    number, seen = expressions[rows], mask[rows]
    active = np.where(seen, action_units[rows], 0)
    shown, annotated = np.zeros((2, classes, mask.shape[1]))
    for column in range(mask.shape[1]):
        shown[:, column] = np.bincount(number, active[:, column], classes)
        annotated[:, column] = np.bincount(number, seen[:, column], classes)
    return shown, annotated


def base_rates(action_units: Values, mask: Mask) -> Floats:
    """The share of annotated rows that have each label, with half a row more of either kind; shape (labels,).

    Args:
        action_units: labels from 0 to 1, anything where the mask is False, shape (rows, labels).
        mask: True where a label is annotated, shape (rows, labels).

    >>> base_rates(np.array([[1, 0], [1, -1]]), np.array([[True, False], [True, False]])).round(3).tolist()
    [0.833, 0.5]
    """
    return (np.where(mask, action_units, 0).sum(0) + 0.5) / (mask.sum(0) + 1)


def smoothed(table: Floats, base: Floats, rows: ArrayLike, pseudo_rows: float) -> Floats:
    """A table whose rows are mixed with base rates: (rows * share + pseudo rows * base) / (rows + pseudo rows).

    Args:
        table: shares from 0 to 1, NaN where not known, shape (classes, labels).
        base: base rate of each label, shape (labels,).
        rows: number of rows that each cell rests on, one for all or of shape (classes, labels).
        pseudo_rows: number of rows of base rates, 0 or more.

    Returns:
        Shape (classes, labels); a cell that is not known or rests on no row is the base rate, but in a class of which
        no cell is known, which stays NaN.

    >>> smoothed(np.array([[1.0, np.nan], [np.nan, np.nan]]), np.array([0.2, 0.4]), 8, 2).round(2).tolist()
    [[0.84, 0.4], [nan, nan]]
    """
    known = ~np.isnan(table)
    weight = np.where(known, np.broadcast_to(np.asarray(rows, np.float64), table.shape), 0)
    total = weight + pseudo_rows
    shares = (weight * np.where(known, table, 0) + pseudo_rows * base) / np.where(total > 0, total, 1)
    return np.where((weight > 0).any(1, keepdims=True), np.where(total > 0, shares, base), np.nan)


def _problems_of(
    expressions: NDArray[np.integer], action_units: Values, mask: Mask, classes: int, split: NDArray[np.str_]
) -> Iterable[Problem]:
    rows = expressions.shape
    fits = len(rows) == 1 and mask.shape == action_units.shape and mask.ndim == 2 and mask.shape[:1] == rows
    if not fits or split.shape not in {(), rows}:
        found = f"expressions {rows}, action units {action_units.shape}, mask {mask.shape}, split {split.shape}"
        expected = "(rows,), (rows, labels), (rows, labels), (rows,) or one name"
        yield Problem("E06", found, expected, "give every row in each of them")
        return
    strangers = np.broadcast_to(split != TRAINING, rows)
    if strangers.any():
        names = ", ".join(sorted({str(name) for name in np.unique(split[split != TRAINING])}))
        fix = "keep the training rows only: what is learned from others leaks their labels"
        yield Problem("D29", f"rows of the split {names}", f"rows of {TRAINING}", fix, count=int(strangers.sum()))
    outside = (expressions < -1) | (expressions >= classes)
    if outside.any():
        found = f"class {expressions[outside][0]}"
        expected = f"-1 or a class from 0 to {classes - 1}"
        yield Problem("V06", found, expected, "map the classes by name", count=int(outside.sum()))
    wrong = mask & (action_units != 0) & (action_units != 1)
    if wrong.any():
        found = f"label {action_units[wrong][0]:g}"
        yield Problem("V07", found, "0 or 1", "mask what is not annotated", count=int(wrong.sum()))


def _strange(name: str, kind: str) -> Problem:
    expected = f"the name of an {kind}, as {'AU12' if kind == 'action unit' else 'Happiness'}"
    known = labels.ACTION_UNITS_17 if kind == "action unit" else {*relatedness(), *labels.EXPRESSIONS_8}
    return Problem(
        "E17",
        f"{kind} {name!r}",
        expected,
        did_you_mean(name, known, "name it as abawbench.labels does, or give a table of your own"),
    )
