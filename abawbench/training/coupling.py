"""Losses of a step in which a task of classes and a task of labels teach each other.

The two may be expressions and action units, identities and attributes, or any other pair: see
`abawbench.models.coupling`.

Source: arXiv:1910.11111, arXiv:2105.03790, arXiv:2401.01219, formulas assumed(paper).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.models.coupling import (
    NO_CLASS,
    hard_classes_of_labels,
    hard_labels_of_classes,
    matching_loss,
    relation_table,
    soft_label_loss,
    soft_labels,
    to_precise,
)
from abawbench.models.likelihood import confidence, likelihood_loss
from abawbench.models.relatedness_tables import binary
from abawbench.models.settings import CouplingSettings, Term
from abawbench.table import Floats, Table
from abawbench.training.data import Target
from abawbench.training.losses import task_losses
from abawbench.training.relatedness import make_relatedness
from abawbench.training.settings import LossSettings


@dataclass(frozen=True, eq=False)
class Coupling:
    """Two tasks and the table of their relatedness.

    Attributes:
        settings: settings of the coupling.
        shares: table of shares from 0 to 1 as it came, shape (classes, labels), NaN where not known.
        relatedness: the same for hard co-annotation, as a tensor.
        soft: the table for soft co-annotation.
        matching: the table for distribution matching.
        likelihood: the table for likelihood coupling, mixed with base rates.
        shown: True for each label that some class shows.
        names: names of the classes and of the labels.
        notes: what a check of the table found, in sentences.
    """

    settings: CouplingSettings
    shares: Floats
    relatedness: Tensor
    soft: Tensor
    matching: Tensor
    likelihood: Tensor
    shown: tuple[bool, ...]
    names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    notes: tuple[str, ...] = ()

    @property
    def extra_losses(self) -> tuple[Term, ...]:
        """Names of the losses that `coupled_losses` adds to those of the tasks."""
        return tuple(term for term in self.settings.terms if term != "hard_co_annotation")

    def to(self, device: torch.device | str) -> Coupling:
        """The same coupling with its tables on another device."""
        names = ("relatedness", "soft", "matching", "likelihood")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    def share_of(self, epochs: float) -> float:
        """The share of its weight that the coupling has after so many epochs, from 0 to 1."""
        ramp = self.settings.ramp_epochs
        return min(epochs / ramp, 1.0) if ramp else 1.0


def make_coupling(settings: CouplingSettings, tasks: Iterable[Task], truth: Table) -> Coupling:
    """Make a coupling with its tables.

    Args:
        settings: settings of the coupling.
        tasks: tasks of the entry.
        truth: truth of the training split, on which relatedness may be estimated, and is checked.

    Raises:
        ProblemError: E19, a task that is not there or of another kind; E17, names that the expert table does not know,
            a file with faults, no row to estimate relatedness on, or no relation at all; F01 a file that cannot be
            read.
    """
    by_name = {task.name: task for task in tasks}
    # is_vector and is_real of the task of classes, and of the task of labels
    wanted = ((settings.classes, (False, False), "classes"), (settings.labels, (True, False), "labels"))
    problems = [
        Problem("E19", f"no task {name} of {kind}", f"one of {', '.join(by_name)}", f"correct training.coupling.{kind}")
        for name, form, kind in wanted
        if (task := by_name.get(name)) is None or (task.is_vector, task.is_real) != form
    ]
    if problems:
        raise ProblemError(*problems)
    classes, labels = by_name[settings.classes], by_name[settings.labels]
    relatedness = make_relatedness(settings, classes, labels, truth)
    coupling = coupling_from_table(settings, relatedness.shares, relatedness.likelihood)
    return replace(coupling, names=(classes.outputs, labels.outputs), notes=relatedness.notes)


def coupling_from_table(settings: CouplingSettings, shares: Floats, likelihood: Floats | None = None) -> Coupling:
    """Make a coupling from a table of relatedness.

    Args:
        settings: settings of the coupling.
        shares: shares from 0 to 1, shape (classes, labels), NaN where not known.
        likelihood: the same mixed with base rates, for likelihood coupling; None for `shares`.

    Raises:
        ProblemError: E17, an invalid table.
    """
    tables = {"table": relation_table(shares), "binary": relation_table(binary(shares))}
    shown = tuple(bool(column.any()) for column in (shares > 0).T)
    return Coupling(
        settings,
        shares,
        tables["table"],
        tables[settings.soft_weights],
        tables[settings.matching_weights],
        relation_table(shares if likelihood is None else likelihood),
        shown,
    )


def coupled_losses(
    targets: Mapping[str, Target],
    logits: Mapping[str, Tensor],
    losses: Mapping[str, LossSettings],
    coupling: Coupling,
    share: float = 1.0,
) -> dict[str, Tensor | None]:
    """Compute the losses of the tasks and those of the coupling.

    Args:
        targets: labels of the batch, by task.
        logits: outputs of the network for all frames of the batch, by task.
        losses: settings of the loss of each task.
        coupling: coupling with its tables on the device of the logits.
        share: share of the coupling's weight (`Coupling.share_of`), which counts in hard co-annotation; the other terms
            are weighed where losses are summed.

    Returns:
        Losses by name of the task or the term (`soft_co_annotation`, `distribution_matching`, `likelihood`); None where
        the batch has no label for it. Hard co-annotation changes the losses of the tasks, and has no loss of its own.

    Raises:
        ProblemError: E19, as `abawbench.training.losses.task_loss`; E17, tables of another width.
    """
    settings = coupling.settings
    taught = co_annotated(targets, coupling, share) if "hard_co_annotation" in settings.terms and share else targets
    result = task_losses(taught, logits, losses)
    classes, labels = logits[settings.classes], logits[settings.labels]
    if "soft_co_annotation" in settings.terms:
        result["soft_co_annotation"] = _soft_loss(targets[settings.labels], classes, coupling)
    if "distribution_matching" in settings.terms:
        result["distribution_matching"] = _matching_loss(classes, labels, coupling) if len(classes) else None
    if "likelihood" in settings.terms:
        named, known = targets[settings.classes], targets[settings.labels]
        loss = None
        if len(classes):
            loss = likelihood_loss(
                classes,
                labels,
                torch.where(named.annotated, named.values, NO_CLASS),
                known.values,
                known.annotated,
                coupling.likelihood,
                settings.likelihood,
                by_confidence=settings.picture_weights == "confidence",
            )
        result["likelihood"] = loss
    return result


def co_annotated(targets: Mapping[str, Target], coupling: Coupling, share: float = 1.0) -> dict[str, Target]:
    """Add to the targets the labels that follow from classes and the classes that follow from labels.

    Only values without annotation are added (assumed). A label that follows from a class is weighted by the table.

    Args:
        targets: labels of the batch, by task; classes as numbers.
        coupling: coupling of the two tasks.
        share: weight of what is added, from 0 to 1, beside that of the table.
    """
    settings = coupling.settings
    classes, labels = targets[settings.classes], targets[settings.labels]
    number = torch.where(classes.annotated, classes.values, NO_CLASS)
    implied = hard_labels_of_classes(number, coupling.relatedness)
    fresh = implied.annotated & ~labels.annotated
    weights = _weights_of(labels, labels.values)
    more_labels = Target(
        labels.task,
        torch.where(fresh, implied.labels.to(labels.values), labels.values),
        labels.annotated | fresh,
        torch.where(fresh, share * implied.weights.to(weights), weights),
    )
    followed = hard_classes_of_labels(labels.values, labels.annotated, coupling.relatedness)
    found = (followed >= 0) & ~classes.annotated
    own = _weights_of(classes, implied.weights[:, 0])
    more_classes = Target(
        classes.task,
        torch.where(found, followed, classes.values),
        classes.annotated | found,
        torch.where(found, share, own) if share < 1 else classes.weights,
    )
    return {**targets, settings.classes: more_classes, settings.labels: more_labels}


def _weights_of(target: Target, like: Tensor) -> Tensor:
    return torch.ones_like(like) if target.weights is None else target.weights


def _matching_loss(class_logits: Tensor, label_logits: Tensor, coupling: Coupling) -> Tensor:
    weights = None
    if coupling.settings.picture_weights == "confidence":
        is_class = ~coupling.matching.isnan().all(1)
        logits = to_precise(class_logits.detach()).masked_fill(~is_class, -torch.inf)
        weights = confidence(logits.softmax(1), is_class)
    return matching_loss(class_logits, label_logits, coupling.matching, coupling.settings.matching, weights)


def _soft_loss(labels: Target, class_logits: Tensor, coupling: Coupling) -> Tensor | None:
    if not any(count and shown for count, shown in zip(labels.numbers, coupling.shown, strict=True)):
        return None
    soft = soft_labels(labels.values, labels.annotated, coupling.soft, coupling.settings.soft)
    weights = None
    if coupling.settings.picture_weights == "confidence":
        weights = confidence(soft, ~coupling.soft.isnan().all(1))
    return soft_label_loss(class_logits, soft, coupling.soft, weights)
