"""Likelihood coupling: the labels of a picture are evidence of its class, and the class evidence of its labels.

A table W of shape (classes, labels) holds P(label | class), NaN where it is not known. Labels are taken as independent
given the class. The class head with the table is then a mixture model of the labels,

    p(labels | picture) = sum over classes of p(class | picture) prod over labels of W^label (1 - W)^(1 - label),

and each head is trained with whatever a picture holds; docs/coupling.md derives the parts. The functions have no
branches on values, so that `torch.vmap` runs them over several networks at once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from abawbench.models.coupling import MARGIN, refuse_widths, to_precise
from abawbench.models.settings import LikelihoodOptions


class LikelihoodParts(NamedTuple):
    """Parts of the loss of likelihood coupling, each a mean over the pictures that have it, 0 without any.

    Attributes:
        classes: of pictures with labels and without a class: minus the log likelihood of their labels, which teaches
            the class head alone.
        labels: of pictures with a class or labels: divergence of the label head from the labels that these imply, over
            labels that are not annotated, which teaches the label head alone.
        agreement: of pictures without any: divergence of the label head from the labels that the class head implies,
            which moves both.
    """

    classes: Tensor
    labels: Tensor
    agreement: Tensor


def log_likelihood(labels: Tensor, annotated: Tensor, table: Tensor, power: float = 1.0) -> Tensor:
    """Log likelihood of the annotated labels of each picture, given each class.

    Shares are clamped to [1e-6, 1 - 1e-6]. A cell that is not known counts as the mean of its label's known cells, so
    that it speaks neither for nor against its class; a label without known cells is left out.

    Args:
        labels: labels from 0 to 1, anything where not annotated, shape (pictures, labels).
        annotated: True where a label is annotated, shape (pictures, labels).
        table: P(label | class), shape (classes, labels).
        power: power of the likelihood; see `LikelihoodOptions`.

    Returns:
        Shape (pictures, classes), float32 at least; minus infinity for a class of which nothing is known.

    Raises:
        ProblemError: E17, another number of labels.
    """
    refuse_widths(table, labels=labels)
    refuse_widths(table, labels=annotated)
    with torch.autocast(labels.device.type, enabled=False):
        shares, is_class, is_label = _complete(table)
        counted = annotated & is_label
        on = torch.where(counted, labels.to(shares), 0)
        off = counted.to(shares) - on
        evidence = on @ shares.log().T + off @ (-shares).log1p().T
        return (power * evidence).masked_fill(~is_class, -torch.inf)


def class_posterior(
    class_logits: Tensor, labels: Tensor, annotated: Tensor, table: Tensor, power: float = 1.0
) -> Tensor:
    """Probability of each class given the picture and its annotated labels.

    Args:
        class_logits: logits of the classes, shape (pictures, classes).
        labels: labels as in `log_likelihood`.
        annotated: mask as in `log_likelihood`.
        table: P(label | class), shape (classes, labels).
        power: power of the likelihood; see `LikelihoodOptions`.

    Returns:
        Shape (pictures, classes), float32 at least; 0 for a class of which nothing is known.

    Raises:
        ProblemError: E17, another number of classes or labels.
    """
    return _log_joint(class_logits, labels, annotated, table, power).softmax(1)


def likelihood_parts(
    class_logits: Tensor,
    label_logits: Tensor,
    classes: Tensor,
    labels: Tensor,
    annotated: Tensor,
    table: Tensor,
    options: LikelihoodOptions | None = None,
    *,
    by_confidence: bool = False,
) -> LikelihoodParts:
    """Compute the parts of the loss of likelihood coupling.

    Args:
        class_logits: logits of the classes, shape (pictures, classes).
        label_logits: logits of the labels, shape (pictures, labels).
        classes: class numbers, -1 where not annotated, shape (pictures,).
        labels: labels from 0 to 1, anything where not annotated, shape (pictures, labels).
        annotated: True where a label is annotated, shape (pictures, labels).
        table: P(label | class), shape (classes, labels), mixed with base rates already where that is wanted
            (`abawbench.models.relatedness_tables.smoothed`).
        options: options of the coupling, of which `power` counts here; None for the defaults.
        by_confidence: True to weigh each picture by how sure its class is; see `confidence`.

    Returns:
        Three numbers, float32 at least, under autocast too; their sum is the loss.

    Raises:
        ProblemError: E17, another number of classes or labels.
    """
    refuse_widths(table, classes=class_logits, labels=label_logits)
    power = (LikelihoodOptions() if options is None else options).power
    with torch.autocast(class_logits.device.type, enabled=False):
        joint = _log_joint(class_logits, labels, annotated, table, power)
        shares, is_class, is_label = _complete(table.to(joint))
        has_class = classes >= 0
        has_labels = (annotated & is_label).any(1)
        posterior = joint.softmax(1)
        # the class head learns from labels by the first part alone
        posterior = torch.where((has_class | has_labels)[:, None], posterior.detach(), posterior)
        own = classes.clamp_min(0).long()
        implied = torch.where(has_class[:, None], shares[own], posterior @ shares).clamp(MARGIN, 1 - MARGIN)
        is_implied = ~annotated & torch.where(has_class[:, None], ~table.isnan()[own], is_label)
        answers = to_precise(label_logits)
        cost = implied * functional.softplus(-answers) + (1 - implied) * functional.softplus(answers)
        cost = cost + torch.xlogy(implied, implied) + torch.xlogy(1 - implied, 1 - implied)
        count = is_implied.sum(1)
        divergence = torch.where(is_implied, cost, 0).sum(1) / count.clamp_min(1)
        weights = torch.ones_like(divergence)
        if by_confidence:
            weights = confidence(posterior.detach(), is_class)
        label_weights = torch.where(has_class, 1, weights)
        informed = has_class | has_labels
        return LikelihoodParts(
            classes=_mean(-weights * joint.logsumexp(1), has_labels & ~has_class),
            labels=_mean(label_weights * divergence, informed & (count > 0)),
            agreement=_mean(label_weights * divergence, ~informed & (count > 0)),
        )


def likelihood_loss(
    class_logits: Tensor,
    label_logits: Tensor,
    classes: Tensor,
    labels: Tensor,
    annotated: Tensor,
    table: Tensor,
    options: LikelihoodOptions | None = None,
    *,
    by_confidence: bool = False,
) -> Tensor:
    """The loss of likelihood coupling: the sum of `likelihood_parts`, with the same arguments and errors."""
    parts = likelihood_parts(
        class_logits, label_logits, classes, labels, annotated, table, options, by_confidence=by_confidence
    )
    return parts.classes + parts.labels + parts.agreement


def confidence(chances: Tensor, is_class: Tensor) -> Tensor:
    """How sure the classes of pictures are: 1 - entropy / log(number of classes), shape (pictures,), from 0 to 1.

    Args:
        chances: probabilities of the classes, shape (pictures, classes).
        is_class: True for the classes that take part, shape (classes,); with one of them every picture is sure.
    """
    entropy = -torch.xlogy(chances, chances).sum(1)
    most = is_class.sum().clamp_min(2).to(entropy).log()
    return (1 - entropy / most).clamp(0, 1)


def _log_joint(class_logits: Tensor, labels: Tensor, annotated: Tensor, table: Tensor, power: float) -> Tensor:
    """Log of p(class | picture) times the likelihood of the labels, among the classes of which something is known."""
    refuse_widths(table, classes=class_logits)
    with torch.autocast(class_logits.device.type, enabled=False):
        logits = to_precise(class_logits)
        evidence = log_likelihood(labels, annotated, table.to(logits), power)
        return logits.masked_fill(evidence.isneginf(), -torch.inf).log_softmax(1) + evidence


def _complete(table: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The table with column means where it is not known, the classes and the labels of which something is known."""
    known, table = ~table.isnan(), to_precise(table)
    mean = torch.where(known, table, 0).sum(0) / known.sum(0).clamp_min(1)
    shares = torch.where(known, table, mean).clamp(MARGIN, 1 - MARGIN)
    return shares, known.any(1), known.any(0)


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    return torch.where(counted, values, 0).sum() / counted.sum().clamp_min(1)
