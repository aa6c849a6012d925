"""The losses of a step in which a task of classes and one of labels teach each other.

Expressions and action units, identities and attributes, or any other two: see `abawbench.models.coupling`.

Source: arXiv:1910.11111, arXiv:2105.03790, arXiv:2401.01219, formulas assumed(paper).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, MultiLabel, Task
from abawbench.entries.baselines.labelled import values_of
from abawbench.models.coupling import (
    hard_classes_of_labels,
    hard_labels_of_classes,
    matching_loss,
    relation_table,
    soft_label_loss,
    soft_labels,
)
from abawbench.models.relatedness_tables import TRAINING, binary, estimate_relatedness, expert_table
from abawbench.table import Floats, Table
from abawbench.training.loss_settings import LossSettings
from abawbench.training.losses import task_losses
from abawbench.training.settings import CoupledSettings
from abawbench.training.targets import Target


@dataclass(frozen=True, eq=False)
class Coupling:
    """Two tasks and what is known of how they go together.

    Attributes:
        settings: as chosen.
        relatedness: shape (classes, labels), shares from 0 to 1, NaN where not known; of hard co-annotation.
        soft: the same, as soft co-annotation takes it.
        matching: the same, as distribution matching takes it.
        shown: of each label, whether any class shows it.
    """

    settings: CoupledSettings
    relatedness: Tensor
    soft: Tensor
    matching: Tensor
    shown: tuple[bool, ...]

    @property
    def extra_losses(self) -> tuple[str, ...]:
        """Names of the losses that `coupled_losses` gives beside those of the tasks."""
        return tuple(term for term in self.settings.terms if term != "hard_co_annotation")

    def to(self, device: torch.device | str) -> Coupling:
        """The same with its tables on another device."""
        relatedness, soft, matching = (table.to(device) for table in (self.relatedness, self.soft, self.matching))
        return Coupling(self.settings, relatedness, soft, matching, self.shown)


def coupling_of(settings: CoupledSettings, tasks: Iterable[Task], truth: Table) -> Coupling:
    """A coupling with its tables.

    Args:
        settings: as chosen.
        tasks: that the network answers.
        truth: of the training split, where relatedness is estimated on it.

    Raises:
        ProblemError: E19, a task that is not there or of another kind; E17, names that the expert table does not know,
            or no relation at all.
    """
    by_name = {task.name: task for task in tasks}
    classes, labels = by_name.get(settings.classes), by_name.get(settings.labels)
    if not isinstance(classes, Categorical) or not isinstance(labels, MultiLabel):
        wanted = ((settings.classes, Categorical, "classes"), (settings.labels, MultiLabel, "labels"))
        raise ProblemError(
            *(
                Problem("E19", f"no task {name} of {kind}", f"one of {', '.join(by_name)}", f"correct coupling.{kind}")
                for name, sort, kind in wanted
                if not isinstance(by_name.get(name), sort)
            )
        )
    if settings.relatedness == "expert":
        shares = expert_table(classes.classes, labels.columns)
    else:
        shares = _estimated(settings, classes, labels, truth)
    return coupling_from(settings, shares)


def coupling_from(settings: CoupledSettings, shares: Floats) -> Coupling:
    """A coupling with a table of one's own.

    Args:
        settings: as chosen.
        shares: shape (classes, labels), from 0 to 1, NaN where not known.

    Raises:
        ProblemError: E17, a table that is none.
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
    """The losses of the tasks and those of the coupling.

    Args:
        targets: labels of the batch, by task.
        logits: answers of the network to all frames of the batch, by task.
        losses: settings of each task's loss.
        coupling: its tables on the device of the logits.

    Returns:
        By name of the task or the term (`soft_co_annotation`, `distribution_matching`); None where the batch has no
        label for it. Hard co-annotation changes the tasks' own losses, and has no name.

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
    """Targets in which a class brings its labels, and labels bring their class, wherever people said nothing.

    A label that follows from a class weighs as much as the class shows it; what people said stays as it is (assumed).

    Args:
        targets: labels of the batch, by task; classes as numbers.
        coupling: the two tasks and their table.
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


def _estimated(settings: CoupledSettings, classes: Categorical, labels: MultiLabel, truth: Table) -> Floats:
    number, known = values_of(classes, truth)
    rows = np.where(known, number, -1).astype(np.int64)[:, 0]
    shown, annotated = values_of(labels, truth)
    return estimate_relatedness(
        rows,
        shown,
        annotated,
        classes=len(classes.classes),
        minimum=settings.least_rows,
        threshold=settings.threshold,
        split=TRAINING,
    )
