"""What may be chosen of the losses and of their sum, and what is counted on the training labels. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.entries.baselines.labelled import values_of
from abawbench.table import Table

Kind = Literal["ccc", "mse", "cross_entropy", "focal", "bce"]

# by kind of task, its losses, the usual one first, and the options that each of them heeds
KINDS: dict[type[Task], dict[Kind, tuple[str, ...]]] = {
    Continuous: {"ccc": (), "mse": ("denominator",)},
    Categorical: {
        "cross_entropy": ("class_weights", "logit_adjustment", "class_shares", "label_smoothing"),
        "focal": ("class_weights", "logit_adjustment", "class_shares", "label_smoothing", "focus"),
    },
    MultiLabel: {"bce": ("positive_weights", "reduction"), "focal": ("positive_weights", "reduction", "focus")},
}


@dataclass(frozen=True, slots=True)
class LossSettings:
    """The loss of one task. An option that its kind does not heed is refused by `settled`.

    Attributes:
        kind: `ccc`, `mse` for continuous tasks; `cross_entropy`, `focal` for classes; `bce`, `focal` for labels. None
            for the first of these.
        denominator: what `mse` divides by: the `valid` places, or `all` of the batch, as released by AIM3-RUC.
        class_weights: of the classes, `balanced` for frames / (classes * frames of the class), or numbers.
        logit_adjustment: tau; tau log(share of the class) is added to the logits in training only. 0 for none. Source:
            arXiv:2007.07314.
        class_shares: of the classes in training, for the adjustment; counted where empty.
        label_smoothing: share of a label that is spread over all classes, from 0 to below 1.
        focus: gamma of the focal loss. Source: arXiv:1708.02002.
        positive_weights: of a label that is on, `balanced` for frames without it / frames with it, or numbers.
        reduction: labels are averaged per `image`, then over images, or over every annotated `entry` alike.

    Raises:
        ValueError: a number out of range.
    """

    kind: Kind | None = None
    denominator: Literal["valid", "all"] = "valid"
    class_weights: Literal["none", "balanced"] | tuple[float, ...] = "none"
    logit_adjustment: float = 0.0
    class_shares: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    focus: float = 2.0
    positive_weights: Literal["none", "balanced"] | tuple[float, ...] = "none"
    reduction: Literal["image", "entry"] = "image"

    def __post_init__(self) -> None:
        for name in ("class_weights", "class_shares", "positive_weights"):
            numbers = getattr(self, name)
            if not isinstance(numbers, str) and not all(0 < number < np.inf for number in numbers):
                raise ValueError(f"{name} = {numbers} are not all above 0")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing = {self.label_smoothing:g} is not from 0 to below 1")
        for name in ("logit_adjustment", "focus"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} = {getattr(self, name):g} is not at least 0")


@dataclass(frozen=True, slots=True)
class WeightingSettings:
    """How the losses of a step become one number.

    Attributes:
        kind: `fixed`, the weighted sum; `uncertainty`, with a learned variance for each; `dynamic`, by how much each
            fell in the last epochs.
        weights: by name of the loss, times whatever the kind says; 1 where not named.
        temperature: of `dynamic`; the higher, the more alike its factors.

    Raises:
        ValueError: a number out of range.
    """

    kind: Literal["fixed", "uncertainty", "dynamic"] = "fixed"
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    temperature: float = 2.0

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if not 0 <= weight < np.inf:
                raise ValueError(f"the weight of {name}, {weight:g}, is not at least 0")
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"temperature = {self.temperature:g} is not above 0")


def settled(settings: LossSettings, task: Task, table: Table) -> LossSettings:
    """The settings with everything named: the kind, and what is counted on the labels of the training split.

    Args:
        settings: as chosen.
        task: whose loss it is.
        table: truth of the training split.

    Raises:
        ProblemError: E19, everything of the settings that does not fit the task.
    """
    kinds = KINDS[type(task)]
    named = replace(settings, kind=settings.kind or next(iter(kinds)))
    problems = tuple(_problems_of(named, task))
    if problems:
        raise ProblemError(*problems)
    counted: dict[str, tuple[float, ...]] = {}
    if isinstance(task, Categorical):
        if named.class_weights == "balanced":
            counted["class_weights"] = class_weights_of(task, table)
        if named.logit_adjustment and not named.class_shares:
            counted["class_shares"] = class_shares_of(task, table)
    elif isinstance(task, MultiLabel) and named.positive_weights == "balanced":
        counted["positive_weights"] = positive_weights_of(task, table)
    return replace(named, **counted)


def class_weights_of(task: Categorical, table: Table) -> tuple[float, ...]:
    """Frames / (classes * frames of the class), for each class; 1 for a class without frames."""
    counts = _class_counts(task, table)
    weights = np.where(counts > 0, counts.sum() / (len(counts) * np.maximum(counts, 1)), 1.0)
    return tuple(weights.tolist())


def class_shares_of(task: Categorical, table: Table) -> tuple[float, ...]:
    """The share of frames of each class; a class without frames counts as one of a single frame (assumed)."""
    counts = np.maximum(_class_counts(task, table), 1)
    return tuple((counts / counts.sum()).tolist())


def positive_weights_of(task: MultiLabel, table: Table) -> tuple[float, ...]:
    """Frames without the label / frames with it, for each column; 1 where it is always or never on."""
    values, annotated = values_of(task, table)
    on = (annotated & (values > 0)).sum(0)
    off = annotated.sum(0) - on
    weights = np.where((on > 0) & (off > 0), off / np.maximum(on, 1), 1.0)
    return tuple(weights.tolist())


def _class_counts(task: Categorical, table: Table) -> NDArray[np.int64]:
    values, annotated = values_of(task, table)
    return np.bincount(values[annotated].astype(np.int64), minlength=len(task.classes))


def _problems_of(settings: LossSettings, task: Task) -> Iterable[Problem]:
    kinds = KINDS[type(task)]
    if settings.kind not in kinds:
        found = f"a loss of kind {settings.kind} for {task.name}"
        yield Problem("E19", found, f"one of {', '.join(kinds)}", "choose one of them")
        return
    for option in fields(settings):
        name, value = option.name, getattr(settings, option.name)
        if name == "kind" or value == option.default:
            continue
        if name not in kinds[settings.kind]:
            found = f"{name} for the loss {settings.kind} of {task.name}"
            expected = f"an option it heeds: {', '.join(kinds[settings.kind]) or 'it has none'}"
            yield Problem("E19", found, expected, f"remove {name}, or choose another kind")
        elif isinstance(value, tuple):
            width = len(task.classes if isinstance(task, Categorical) else task.columns)
            if len(value) != width:
                found = f"{len(value)} {name} for {task.name}"
                yield Problem("E19", found, f"{width}, one for each", "correct the number of values")
