"""Losses of a step in which a task of classes and a task of labels teach each other.

The two may be expressions and action units, identities and attributes, or any other pair: see
`abawbench.models.coupling`.

Source: arXiv:1910.11111, arXiv:2105.03790, arXiv:2401.01219, formulas assumed(paper).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.models.coupling import (
    hard_classes_of_labels,
    hard_labels_of_classes,
    matching_loss,
    relation_table,
    soft_label_loss,
    soft_labels,
)
from abawbench.models.relatedness_tables import TRAINING, binary, estimate_relatedness, expert_table
from abawbench.models.settings import CouplingSettings
from abawbench.table import Floats, Table
from abawbench.training.data import Target
from abawbench.training.losses import task_losses
from abawbench.training.settings import LossSettings


@dataclass(frozen=True, eq=False)
class Coupling:
    """Two tasks and the table of their relatedness.

    Attributes:
        settings: settings of the coupling.
        relatedness: table of shares from 0 to 1, shape (classes, labels), NaN where not known; for hard co-annotation.
        soft: the table for soft co-annotation.
        matching: the table for distribution matching.
        shown: True for each label that some class shows.
    """

    settings: CouplingSettings
    relatedness: Tensor
    soft: Tensor
    matching: Tensor
    shown: tuple[bool, ...]

    @property
    def extra_losses(self) -> tuple[str, ...]:
        """Names of the losses that `coupled_losses` adds to those of the tasks."""
        return tuple(term for term in self.settings.terms if term != "hard_co_annotation")

    def to(self, device: torch.device | str) -> Coupling:
        """The same coupling with its tables on another device."""
        relatedness, soft, matching = (table.to(device) for table in (self.relatedness, self.soft, self.matching))
        return Coupling(self.settings, relatedness, soft, matching, self.shown)


def make_coupling(settings: CouplingSettings, tasks: Iterable[Task], truth: Table) -> Coupling:
    """Make a coupling with its tables.

    Args:
        settings: settings of the coupling.
        tasks: tasks of the entry.
        truth: truth of the training split, on which relatedness may be estimated.

    Raises:
        ProblemError: E19, a task that is not there or of another kind; E17, names that the expert table does not know,
            or no relation at all.
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
    if settings.relatedness == "expert":
        shares = expert_table(classes.outputs, labels.outputs)
    else:
        shares = _estimated(settings, classes, labels, truth)
    return coupling_from_table(settings, shares)


def coupling_from_table(settings: CouplingSettings, shares: Floats) -> Coupling:
    """Make a coupling from a table of relatedness.

    Args:
        settings: settings of the coupling.
        shares: shares from 0 to 1, shape (classes, labels), NaN where not known.

    Raises:
        ProblemError: E17, an invalid table.
    """
    tables = {"table": relation_table(shares), "binary": relation_table(binary(shares))}
    shown = tuple(bool(column.any()) for column in (shares > 0).T)
    return Coupling(settings, tables["table"], tables[settings.soft_weights], tables[settings.matching_weights], shown)


def coupled_losses(
    targets: Mapping[str, Target],
    logits: Mapping[str, Tensor],
    losses: Mapping[str, LossSettings],
    coupling: Coupling,
) -> dict[str, Tensor | None]:
    """Compute the losses of the tasks and those of the coupling.

    Args:
        targets: labels of the batch, by task.
        logits: outputs of the network for all frames of the batch, by task.
        losses: settings of the loss of each task.
        coupling: coupling with its tables on the device of the logits.

    Returns:
        Losses by name of the task or the term (`soft_co_annotation`, `distribution_matching`); None where the batch has
        no label for it. Hard co-annotation changes the losses of the tasks, and has no loss of its own.

    Raises:
        ProblemError: E19, as `abawbench.training.losses.task_loss`; E17, tables of another width.
    """
    settings = coupling.settings
    taught = co_annotated(targets, coupling) if "hard_co_annotation" in settings.terms else targets
    result = task_losses(taught, logits, losses)
    classes, labels = logits[settings.classes], logits[settings.labels]
    if "soft_co_annotation" in settings.terms:
        result["soft_co_annotation"] = _soft_loss(targets[settings.labels], classes, coupling)
    if "distribution_matching" in settings.terms:
        matched = matching_loss(classes, labels, coupling.matching, settings.matching) if len(classes) else None
        result["distribution_matching"] = matched
    return result


def co_annotated(targets: Mapping[str, Target], coupling: Coupling) -> dict[str, Target]:
    """Add to the targets the labels that follow from classes and the classes that follow from labels.

    Only values without annotation are added (assumed). A label that follows from a class is weighted by the table.

    Args:
        targets: labels of the batch, by task; classes as numbers.
        coupling: coupling of the two tasks.
    """
    settings = coupling.settings
    classes, labels = targets[settings.classes], targets[settings.labels]
    number = torch.where(classes.annotated, classes.values, -1)
    implied = hard_labels_of_classes(number, coupling.relatedness)
    fresh = implied.annotated & ~labels.annotated
    weights = torch.ones_like(labels.values) if labels.weights is None else labels.weights
    more_labels = Target(
        labels.task,
        torch.where(fresh, implied.labels.to(labels.values), labels.values),
        labels.annotated | fresh,
        torch.where(fresh, implied.weights.to(weights), weights),
    )
    followed = hard_classes_of_labels(labels.values, labels.annotated, coupling.relatedness)
    found = (followed >= 0) & ~classes.annotated
    more_classes = Target(
        classes.task, torch.where(found, followed, classes.values), classes.annotated | found, classes.weights
    )
    return {**targets, settings.classes: more_classes, settings.labels: more_labels}


def _soft_loss(labels: Target, class_logits: Tensor, coupling: Coupling) -> Tensor | None:
    if not any(count and shown for count, shown in zip(labels.numbers, coupling.shown, strict=True)):
        return None
    soft = soft_labels(labels.values, labels.annotated, coupling.soft, coupling.settings.soft)
    return soft_label_loss(class_logits, soft, coupling.soft)


def _estimated(settings: CouplingSettings, classes: Task, labels: Task, truth: Table) -> Floats:
    number, known = classes.annotations_of(truth)
    rows = np.where(known, number, -1).astype(np.int64)[:, 0]
    shown, annotated = labels.annotations_of(truth)
    return estimate_relatedness(
        rows,
        shown,
        annotated,
        classes=classes.width,
        minimum=settings.least_rows,
        threshold=settings.threshold,
        split=TRAINING,
    )
