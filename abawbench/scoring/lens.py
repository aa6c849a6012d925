"""The convention lens: scores of the same predictions under every convention in use, the official ones marked.

The conventions are those of public challenge code; only the official ones make an official score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Part, Task
from abawbench.metrics.concordance import central, concordance_from, moments, pearson_from
from abawbench.metrics.f1 import f1_per_class_from, f1_per_label_from, label_counts
from abawbench.metrics.groups import Groups
from abawbench.scoring.criteria import criterion_of, number, probability_criterion
from abawbench.scoring.score import Paired
from abawbench.scoring.statistics import Statistics, collect
from abawbench.table import Floats, Mask

BATCH_ROWS = 64
# number that keeps a denominator from being 0
EPSILON = 1e-8


@dataclass(frozen=True, slots=True)
class Reading:
    """The figure of a task under one convention.

    Attributes:
        task: name of the task.
        point: question that the convention decides, as `divisor of the moments`.
        variant: answer of the convention, as `n - 1 in all`.
        value: figure of the task under the convention; None where undefined.
        official: True for the rule of the challenge.
    """

    task: str
    point: str
    variant: str
    value: float | None
    official: bool


@dataclass(frozen=True, eq=False)
class _Case:
    """A task of a challenge, its paired rows and their statistics."""

    challenge: Challenge
    task: Task
    paired: Paired
    statistics: Statistics


AVERAGE_PRECISION = "average precision (reported beside, does not rank)"
# totals that are in use for a kind of task, as sums of weighted criteria
TOTALS: Mapping[type[Task], tuple[tuple[str, tuple[Part, ...]], ...]] = {
    Categorical: (
        ("macro F1", (Part("f1", 1.0),)),
        ("0.67 macro F1 + 0.33 accuracy", (Part("f1", 0.67), Part("accuracy", 0.33))),
    ),
    MultiLabel: (
        ("mean F1", (Part("f1", 1.0),)),
        ("0.5 mean F1 + 0.5 accuracy of cells", (Part("f1", 0.5), Part("accuracy", 0.5))),
    ),
}


def lens(challenge: Challenge, paired: Paired) -> list[dict[str, Any]]:
    """Compute every reading of every task, all from the same paired rows."""
    statistics = collect(challenge, paired.truth, paired.prediction, valid=paired.valid)
    readings: list[Reading] = []
    for task in challenge.tasks:
        conventions = _conventions_of(challenge, task)
        if conventions is not None:
            readings.extend(conventions(_Case(challenge, task, paired, statistics)))
        readings.extend(average_precisions(challenge, task, paired))
    return [asdict(reading) for reading in readings]


def average_precisions(challenge: Challenge, task: Task, paired: Paired) -> Iterator[Reading]:
    """Compute the average precisions that the challenge reports, if the prediction has probabilities of class 1.

    Raises:
        ProblemError: C02, the challenge names an unknown criterion.
    """
    probability = paired.prediction.probability
    if probability is None:
        return
    valid = paired.valid[task.name]
    truth = paired.truth.classes(task.name)[valid]
    for name in challenge.metric.reports(task.name).of_probability:
        variant, function = probability_criterion(name)
        yield Reading(task.name, AVERAGE_PRECISION, variant, number(function(truth, probability[valid])), False)


def _conventions_of(challenge: Challenge, task: Task) -> Conventions | None:
    """The conventions of the criterion that counts in the score, or else of the one that is reported."""
    term = challenge.metric.term(task.name)
    counted = [part.criterion for part in term.parts] if term else []
    names = (*counted, *challenge.metric.reports(task.name).criteria)
    return next((CONVENTIONS[type(task), name] for name in names if (type(task), name) in CONVENTIONS), None)


def _totals(challenge: Challenge, task: Task, counts: Floats) -> Iterator[Reading]:
    """The task's total by every mixture of criteria in use, and by the challenge's own if it is none of these."""
    term = challenge.metric.term(task.name)
    variants = TOTALS[type(task)]
    if term is not None and term.parts not in [parts for _, parts in variants]:
        own = " + ".join(f"{part.weight:g} {part.criterion}" for part in term.parts)
        variants = (*variants, (own, term.parts))
    for variant, parts in variants:
        value = sum(part.weight * criterion_of(task, part.criterion).value(counts).mean() for part in parts)
        yield Reading(task.name, "total", variant, number(value), term is not None and term.parts == parts)


def _concordance(case: _Case) -> Iterator[Reading]:
    task, paired, statistics = case.task, case.paired, case.statistics
    name = task.name
    total, pilots = statistics.tasks[name].sum(0), statistics.pilots[name]
    variance_x, variance_y, covariance, offset = central(total, pilots)
    rows = total[..., 0]

    def mean_ccc(covariance_factor: Floats, variance_factor: Floats) -> float | None:
        with np.errstate(invalid="ignore"):
            whole = (variance_x + variance_y) * variance_factor + offset**2
            return number(np.mean(2 * covariance * covariance_factor / whole))

    official = number(concordance_from(total, pilots).mean())
    one, less = np.ones_like(rows), rows / np.maximum(rows - 1, 1)
    point = "divisor of the moments"
    yield Reading(name, point, "n in all", official, True)
    yield Reading(name, point, "n - 1 in all", mean_ccc(less, less), False)
    yield Reading(name, point, "covariance n, variances n - 1", mean_ccc(one, less), False)
    yield Reading(name, point, "covariance n - 1, variances n", mean_ccc(less, one), False)

    point = "aggregation"
    by_video = concordance_from(statistics.tasks[name], pilots)
    counted = statistics.tasks[name][:, 0, 0] > 0
    yield Reading(name, point, "all frames pooled", official, True)
    yield Reading(name, point, "mean over videos", number(by_video[counted].mean()) if counted.any() else None, False)
    yield Reading(
        name, point, f"mean over batches of {BATCH_ROWS} rows", _mean_over_batches(paired, task, pilots), False
    )

    yield from _constant_series(name, total, pilots)
    yield from _epsilons(name, total, pilots)

    if task.width > 1:
        *most, last = task.outputs
        columns = f"{', '.join(most)} and {last}"
        yield Reading(name, "total", f"mean of {columns}", official, True)
        yield Reading(name, "total", f"sum of {columns}", None if official is None else task.width * official, False)
        yield from _masks_of_columns(paired, task, official)


def _constant_series(name: str, total: Floats, pilots: Floats) -> Iterator[Reading]:
    """The ways to count a constant series; that equal constants count 1 is in use in public code (assumed)."""
    variance_x, variance_y, _, offset = central(total, pilots)
    agreement = concordance_from(total, pilots)
    are_equal = variance_x + variance_y + offset**2 == 0
    is_constant = (variance_x == 0) | (variance_y == 0)
    point, official = "constant series", number(agreement.mean())
    yield Reading(name, point, "0", official, True)
    yield Reading(name, point, "undefined", None if is_constant.any() else official, False)
    yield Reading(name, point, "0, but 1 for equal constants", number(np.where(are_equal, 1, agreement).mean()), False)


def _epsilons(name: str, total: Floats, pilots: Floats) -> Iterator[Reading]:
    """The denominators to which code adds a small number.

    Source: that of the correlation, dkollias/Fair-Consistent-Affect-Analysis:model_utils/validation.py (in float32,
    here in float64); that of the concordance, losses such as `abawbench.training.losses.concordance`.
    """
    variance_x, variance_y, covariance, offset = central(total, pilots)
    whole, deviations = variance_x + variance_y + offset**2, total[..., 0] * np.sqrt(variance_x * variance_y)
    with np.errstate(invalid="ignore"):
        of_correlation = 2 * covariance * deviations / ((deviations + EPSILON) * whole)
    point = "number added to a denominator"
    yield Reading(name, point, "none", number(concordance_from(total, pilots).mean()), True)
    yield Reading(name, point, f"{EPSILON:g} to that of the correlation", number(of_correlation.mean()), False)
    yield Reading(
        name,
        point,
        f"{EPSILON:g} to that of the concordance",
        number((2 * covariance / (whole + EPSILON)).mean()),
        False,
    )


def _masks_of_columns(paired: Paired, task: Task, official: float | None) -> Iterator[Reading]:
    """The ways to treat partly annotated rows, if files mark missing values by a number."""
    if task.sentinel is None:
        return
    missing = ~task.is_annotated(paired.truth.values[task.name])
    some, every = ("either is", "both are") if task.width == 2 else ("any is", "all are")
    point = "annotation mask"
    yield Reading(task.name, point, f"row left out when {some} {task.sentinel:g}", official, True)
    others: tuple[tuple[str, Mask], ...] = (
        (f"row left out when {task.outputs[0]} is {task.sentinel:g}", ~missing[:, 0]),
        ("each dimension on its own", ~missing),
        (f"row left out only when {every} {task.sentinel:g}", ~np.logical_and.reduce(missing, axis=1)),
    )
    for variant, mask in others:
        yield Reading(task.name, point, variant, _with_sentinels(paired, task, mask), False)


def _with_sentinels(paired: Paired, task: Task, mask: Mask) -> float | None:
    """Mean concordance under a mask; a sentinel that the mask lets through counts as a number."""
    values = paired.truth.numbers(task.name)
    truth = np.where(np.isnan(values), float(task.sentinel or 0), values)
    usable = mask if mask.ndim == 2 else np.repeat(mask[:, None], truth.shape[1], 1)
    usable = usable & ~paired.unpredicted[task.name][:, None]
    one_group = Groups.one(len(truth))
    figures: list[Floats] = []
    for column in range(truth.shape[1]):
        x, y, valid = truth[:, column], paired.prediction.numbers(task.name)[:, column], usable[:, column]
        if not valid.any():
            return None
        pilots = np.array([x[valid].mean(), y[valid].mean()])
        figures.append(concordance_from(moments(x, y, one_group, pilots=pilots, valid=valid)[0], pilots))
    return number(np.mean(figures))


def _mean_over_batches(paired: Paired, task: Task, pilots: Floats) -> float | None:
    valid = np.flatnonzero(paired.valid[task.name])
    if not len(valid):
        return None
    batch = (np.arange(len(valid)) // BATCH_ROWS).astype(np.int32)
    groups = Groups.of(batch, int(batch[-1]) + 1)
    x, y = paired.truth.numbers(task.name)[valid], paired.prediction.numbers(task.name)[valid]
    figures = [
        concordance_from(moments(x[:, column], y[:, column], groups, pilots=pilots[column]), pilots[column]).mean()
        for column in range(x.shape[1])
    ]
    return number(np.mean(figures))


def _pearson(case: _Case) -> Iterator[Reading]:
    task, statistics = case.task, case.statistics
    total, pilots = statistics.tasks[task.name].sum(0), statistics.pilots[task.name]
    values = pearson_from(total, pilots)
    variance_x, variance_y, _, _ = central(total, pilots)
    is_constant = (variance_x == 0) | (variance_y == 0)
    official = number(values.mean())
    yield Reading(task.name, "constant series", "0", official, True)
    yield Reading(task.name, "constant series", "undefined", None if is_constant.any() else official, False)
    yield Reading(task.name, "coefficient", "Pearson", official, True)
    yield Reading(task.name, "coefficient", "concordance", number(concordance_from(total, pilots).mean()), False)


def _absent(task: Task, point: str, f1: Floats, present: NDArray[np.bool_]) -> Iterator[Reading]:
    """The mean F1 with absent classes or labels counted as 0 or as 1, or left out."""
    yield Reading(task.name, point, "F1 0, counted", number(f1.mean()), True)
    # without any row every F1 is NaN, and so is their mean
    as_one = np.where(present | np.isnan(f1), f1, 1.0)
    yield Reading(task.name, point, "F1 1, counted", number(as_one.mean()), False)
    yield Reading(task.name, point, "left out", number(f1[present].mean()) if present.any() else None, False)


def _classes(case: _Case) -> Iterator[Reading]:
    task, statistics = case.task, case.statistics
    counts = statistics.tasks[task.name].sum(0)
    f1 = f1_per_class_from(counts)
    yield from _absent(task, "class in neither truth nor prediction", f1, counts.sum(0) + counts.sum(1) > 0)
    yield from _totals(case.challenge, task, counts)
    if task.width == 2:
        support = counts.sum(1)
        weighted = number(float((f1 * support).sum() / support.sum())) if support.sum() else None
        yield Reading(task.name, "total", "F1 weighted by the truth's classes", weighted, False)
        yield Reading(task.name, "total", f"F1 of class '{task.outputs[1]}'", number(f1[1]), False)


def _labels(case: _Case) -> Iterator[Reading]:
    task, paired = case.task, case.paired
    truth, rows = paired.truth.classes(task.name), ~paired.unpredicted[task.name]
    prediction = paired.prediction.classes(task.name)
    groups = Groups.one(len(truth))
    label = task.name.replace("_", " ").removesuffix("s")

    def counts(mask: Mask, labels: NDArray[np.int8]) -> Floats:
        usable = mask & (rows if mask.ndim == 1 else rows[:, None])
        return label_counts(labels, prediction, groups, valid=usable)[0]

    annotated = task.is_annotated(truth)
    whole = np.logical_and.reduce(annotated, axis=1)
    zeroed = np.maximum(truth, 0)
    official_counts = counts(whole, truth)
    f1 = f1_per_label_from(official_counts)
    point = "annotation mask"
    yield Reading(task.name, point, "row left out when any is -1", number(f1.mean()), True)
    for variant, mask in (
        (f"each {label} on its own", annotated),
        ("row left out only when all are -1, the rest as 0", np.logical_or.reduce(annotated, axis=1)),
        ("every -1 as 0", np.ones(len(truth), bool)),
    ):
        yield Reading(task.name, point, variant, number(f1_per_label_from(counts(mask, zeroed)).mean()), False)
    yield from _absent(task, f"{label} without any positive", f1, official_counts[:, 1:].sum(1) > 0)
    yield from _totals(case.challenge, task, official_counts)
    term = case.challenge.metric.term(task.name)
    is_counted = term is not None and any(part.criterion == "accuracy" for part in term.parts)
    exact = whole & rows
    match = number(float((truth == prediction).all(1)[exact].mean())) if exact.any() else None
    cells = number(criterion_of(task, "accuracy").value(official_counts))
    yield Reading(task.name, "accuracy", "right cells", cells, is_counted)
    yield Reading(task.name, "accuracy", f"rows with every {label} right", match, False)


Conventions = Callable[[_Case], Iterator[Reading]]
CONVENTIONS: Mapping[tuple[type[Task], str], Conventions] = {
    (Continuous, "ccc"): _concordance,
    (Continuous, "pearson"): _pearson,
    (Categorical, "f1"): _classes,
    (MultiLabel, "f1"): _labels,
}
"""Conventions in use by kind of task and criterion; a criterion without an entry has no readings."""
