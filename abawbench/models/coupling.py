"""Losses and labels that couple two tasks in training: one with a single class for each picture, one with many labels.

These may be expressions and action units, identities and attributes, or any other two. They are coupled by a table of
shape (classes, labels): the share of a class that shows a label, from 0 to 1, NaN where it is not known.
A class of which nothing is known takes no part; a label that no class shows is left out of the matching.

Source: arXiv:1910.11111, arXiv:2105.03790, arXiv:2401.01219, formulas assumed(paper).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.models.settings import MatchingOptions, SoftLabelOptions

NO_CLASS = -1
# probabilities are kept this far from 0 and 1
MARGIN = 1e-6


class HardLabels(NamedTuple):
    """Labels that follow from classes, each of shape (pictures, labels).

    Attributes:
        labels: 1 where the class shows the label, else 0.
        annotated: True for the same labels; the others are not known, which does not mean off.
        weights: weight of each label in the loss, the value of the table; 0 where not annotated.
    """

    labels: Tensor
    annotated: Tensor
    weights: Tensor


def relation_table(values: ArrayLike) -> Tensor:
    """Check a table of relatedness, and make it a float32 tensor for the functions of this module.

    Raises:
        ProblemError: E17, every fault of the table.
    """
    table = np.asarray(values, np.float64)
    problems: list[Problem] = []
    if table.ndim != 2:
        problems.append(Problem("E17", f"a table of shape {table.shape}", "(classes, labels)", "correct the shape"))
    outside = (table < 0) | (table > 1)
    if outside.any():
        found, fix = f"{table[outside][0]:g} in a table of relatedness", "give shares"
        problems.append(Problem("E17", found, "values from 0 to 1", fix, count=int(outside.sum())))
    if not (table > 0).any():
        expected = "a class that shows a label"
        problems.append(Problem("E17", "a table without relations", expected, "lower the threshold or the minimum"))
    if problems:
        raise ProblemError(*problems)
    return torch.tensor(table, dtype=torch.float32)


def implied_labels(class_logits: Tensor, table: Tensor) -> Tensor:
    """Probability of each label that the classes imply: q_i, the sum over classes of p(class) table[class, i].

    Where the cells of some classes are not known, the sum runs over the others, whose probabilities are scaled to sum
    to 1.

    Args:
        class_logits: logits of the classes, shape (pictures, classes).
        table: relatedness, shape (classes, labels).

    Returns:
        Shape (pictures, labels), from 0 to 1, float32 at least.

    Raises:
        ProblemError: E17, another number of classes.
    """
    refuse_widths(table, classes=class_logits)
    with torch.autocast(class_logits.device.type, enabled=False):
        logits = to_precise(class_logits)
        weights, known = _split(table, logits)
        chance = _log_probabilities(logits, known).exp()
        smallest = torch.finfo(chance.dtype).tiny
        # rounding may go beyond 1
        return ((chance @ weights) / (chance @ known).clamp_min(smallest)).clamp_max(1)


def matching_loss(
    class_logits: Tensor,
    label_logits: Tensor,
    table: Tensor,
    options: MatchingOptions | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The loss of distribution matching: the mean distance of the labels' probabilities from those the classes imply.

    Pictures without annotation take part. Probabilities are clamped to [1e-6, 1 - 1e-6].

    Args:
        class_logits: logits of the classes, shape (pictures, classes).
        label_logits: logits of the labels, shape (pictures, labels).
        table: relatedness, shape (classes, labels); binary in the papers.
        options: options of the matching; None for the defaults.
        weights: weight of each picture, shape (pictures,); None for 1 each. The mean is over the number of pictures.

    Returns:
        A number, float32 at least, under autocast too; 0 without pictures.

    Raises:
        ProblemError: E17, another number of classes or labels.
    """
    refuse_widths(table, classes=class_logits, labels=label_logits)
    options = MatchingOptions() if options is None else options
    implied = implied_labels(class_logits, table).clamp(MARGIN, 1 - MARGIN)
    predicted = to_precise(label_logits).sigmoid().clamp(MARGIN, 1 - MARGIN)
    if options.target == "labels":
        cost = _cost(predicted, implied, options)
    elif options.target == "classes":
        cost = _cost(implied, predicted, options)
    else:
        cost = (_cost(predicted, implied, options) + _cost(implied, predicted, options)) / 2
    cost = cost if weights is None else cost * weights[:, None].to(cost)
    shown = (table > 0).any(0).to(cost)
    total = (cost * shown).sum() / max(len(cost), 1)
    return total / shown.sum().clamp_min(1) if options.reduction == "mean" else total


def soft_labels(labels: Tensor, annotated: Tensor, table: Tensor, options: SoftLabelOptions | None = None) -> Tensor:
    """Probabilities of the classes that follow from the labels of a picture.

    The score of a class is the share of its labels, weighted by the table, that are on; a softmax turns the scores into
    probabilities. A class with none of its labels annotated is left out of the softmax.

    Args:
        labels: labels from 0 to 1, anything where not annotated, shape (pictures, labels).
        annotated: True where a label is annotated, shape (pictures, labels).
        table: relatedness, shape (classes, labels).
        options: options of the soft labels; None for the defaults.

    Returns:
        Shape (pictures, classes), without gradient; all 0 for a picture whose annotated labels belong to no class.

    Raises:
        ProblemError: E17, another number of labels.
    """
    refuse_widths(table, labels=labels)
    refuse_widths(table, labels=annotated)
    options = SoftLabelOptions() if options is None else options
    with torch.no_grad(), torch.autocast(labels.device.type, enabled=False):
        present = torch.where(annotated, to_precise(labels), 0)
        weights, known = _split(table, present)
        reachable = annotated.to(present) @ weights.T
        score = (present @ weights.T) / reachable.clamp_min(torch.finfo(present.dtype).tiny)
        without_profile = (known.sum(1) > 0) & (weights.sum(1) == 0)
        if options.without_profile == "complement":
            score = torch.where(without_profile, 1 - present.amax(1, keepdim=True), score)
        covered = reachable > 0
        scaled = (score / options.temperature).masked_fill(~(covered | without_profile), -torch.inf)
        return torch.where(covered.any(1, keepdim=True), scaled.softmax(1), 0)


def soft_label_loss(class_logits: Tensor, soft: Tensor, table: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of the classes with soft labels, over the pictures that have them.

    Args:
        class_logits: logits of the classes, shape (pictures, classes).
        soft: probabilities from `soft_labels`, shape (pictures, classes).
        table: relatedness, shape (classes, labels); classes of which nothing is known take no part.
        weights: weight of each picture, shape (pictures,); None for 1 each. The mean is over the number of pictures.

    Returns:
        A number, float32 at least, under autocast too; 0 where no picture has soft labels.

    Raises:
        ProblemError: E17, another number of classes.
    """
    refuse_widths(table, classes=class_logits)
    refuse_widths(table, classes=soft)
    logits = to_precise(class_logits)
    _, known = _split(table, logits)
    entropy = -(soft.to(logits) * _log_probabilities(logits, known).masked_fill(soft == 0, 0)).sum(1)
    entropy = entropy if weights is None else entropy * weights.to(entropy)
    return entropy.sum() / (soft.sum(1) > 0).sum().clamp_min(1)


def hard_labels_of_classes(classes: Tensor, table: Tensor) -> HardLabels:
    """Labels of pictures whose class is known: those that the class shows are on, the others are not annotated.

    Args:
        classes: class numbers, -1 where not annotated, shape (pictures,).
        table: relatedness, shape (classes, labels).
    """
    rows = torch.where(table > 0, table, 0).to(classes.device)[classes.clamp_min(0).long()]
    weights = torch.where((classes >= 0)[:, None], rows, 0)
    annotated = weights > 0
    return HardLabels(annotated.to(weights.dtype), annotated, weights)


def hard_classes_of_labels(labels: Tensor, annotated: Tensor, table: Tensor) -> Tensor:
    """The class of each picture whose labels are all on, as far as they are annotated.

    Of several such classes, the one with the most annotated labels counts. A class without any is no candidate.

    Args:
        labels: labels, 0 or 1, anything where not annotated, shape (pictures, labels).
        annotated: True where a label is annotated, shape (pictures, labels).
        table: relatedness, shape (classes, labels).

    Returns:
        Shape (pictures,), int64; -1 without a candidate, and where two have equally many (assumed).

    Raises:
        ProblemError: E17, another number of labels.
    """
    refuse_widths(table, labels=labels)
    refuse_widths(table, labels=annotated)
    with torch.no_grad(), torch.autocast(labels.device.type, enabled=False):
        shown = (table > 0).float().T.to(labels.device)
        required = annotated.float() @ shown
        present = (annotated & (labels == 1)).float() @ shown
        size = torch.where(present == required, required, 0)
        most, best = size.max(1)
        tied = (size == most[:, None]).sum(1) > 1
        return torch.where((most == 0) | tied, NO_CLASS, best)


def _cost(target: Tensor, answer: Tensor, options: MatchingOptions) -> Tensor:
    target = target.detach() if options.stop_gradient else target
    cost = _entropy(target, answer, options)
    return cost - _entropy(target, target, options) if options.subtract_target_entropy else cost


def _entropy(target: Tensor, answer: Tensor, options: MatchingOptions) -> Tensor:
    one_side = -target * answer.log()
    return one_side if options.form == "one_sided" else one_side - (1 - target) * (-answer).log1p()


def _log_probabilities(logits: Tensor, known: Tensor) -> Tensor:
    """Log probabilities among the classes of which something is known; minus infinity for the others."""
    return logits.masked_fill(known.sum(1) == 0, -torch.inf).log_softmax(1)


def _split(table: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """The table with 0 where it is not known, and 1 where it is known, else 0."""
    known = ~table.isnan()
    return torch.where(known, table, 0).to(like), known.to(like)


def to_precise(values: Tensor) -> Tensor:
    """The values in float32, or in float64 where they are."""
    return values if values.dtype == torch.float64 else values.float()


def refuse_widths(table: Tensor, *, classes: Tensor | None = None, labels: Tensor | None = None) -> None:
    """Check that values of classes and of labels are as wide as a table. Raises: ProblemError E17, they are not."""
    widths = (("classes", classes, 0), ("labels", labels, 1))
    problems = [
        Problem(
            "E17",
            f"{name} of shape {tuple(values.shape)}",
            f"(pictures, {table.shape[axis]}), the number of {name} in the table",
            "make the table from the names that the head answers",
        )
        for name, values, axis in widths
        if values is not None and (values.ndim != 2 or values.shape[1] != table.shape[axis])
    ]
    if problems:
        raise ProblemError(*problems)
