"""The convention lens: the same predictions under every convention in use, the official one marked.

The conventions are those of public challenge code (project notes, "metric conventions in use"); only the marked ones
make an official score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.metrics.average_precision import average_precision, grid_average_precision
from abawbench.metrics.concordance import central, concordance_from, moments, pearson_from
from abawbench.metrics.f1 import accuracy_from, f1_per_class_from, f1_per_label_from, label_accuracy_from, label_counts
from abawbench.metrics.groups import Groups
from abawbench.scoring.criteria import number
from abawbench.scoring.score import Paired
from abawbench.scoring.statistics import Statistics, collect
from abawbench.table import Mask

Floats = NDArray[np.float64]

BATCH_ROWS = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """One convention and what it gives.

    Attributes:
        task: the challenge's task.
        point: what is decided, as `divisor of the moments`.
        variant: how.
        value: the task's figure under this convention; None where undefined.
        official: True for the rule of the challenge.
    """

    task: str
    point: str
    variant: str
    value: float | None
    official: bool


AVERAGE_PRECISION = "average precision (reported beside, does not rank)"


def average_precisions(task: Task, paired: Paired) -> list[Reading]:
    """Average precision of class 1 by both definitions, where the prediction carries probabilities."""
    probability = paired.prediction.probability
    if probability is None or not isinstance(task, Categorical):
        return []
    valid = paired.valid[task.name]
    truth = paired.truth.classes(task.name)[valid]
    definitions: tuple[tuple[str, Callable[..., float]], ...] = (
        ("threshold grid of 0.001, trapezoids", grid_average_precision),
        ("steps at every score", average_precision),
    )
    return [
        Reading(task.name, AVERAGE_PRECISION, variant, number(function(truth, probability[valid])), False)
        for variant, function in definitions
    ]


def lens(challenge: Challenge, paired: Paired) -> list[dict[str, Any]]:
    """Every reading of every task; each of the same paired rows."""
    statistics = collect(challenge, paired.truth, paired.prediction, valid=paired.valid)
    readings: list[Reading] = []
    for task in challenge.tasks:
        match task:
            case Continuous() if task.name == "va":
                readings.extend(_concordance(statistics, paired, task))
            case Continuous():
                readings.extend(_pearson(statistics, task))
            case Categorical():
                readings.extend(_classes(challenge, statistics, paired, task))
            case MultiLabel():
                readings.extend(_labels(challenge, paired, task))
    return [asdict(reading) for reading in readings]


def _concordance(statistics: Statistics, paired: Paired, task: Continuous) -> Iterator[Reading]:
    name = task.name
    total, pilots = statistics.tasks[name].sum(0), statistics.pilots[name]
    variance_x, variance_y, covariance, offset = central(total, pilots)
    rows = total[..., 0]

    def mean_ccc(covariance_factor: Floats, variance_factor: Floats) -> float | None:
        with np.errstate(divide="ignore", invalid="ignore"):
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
    with np.errstate(invalid="ignore"):
        by_video = concordance_from(statistics.tasks[name], pilots)
    counted = statistics.tasks[name][:, 0, 0] > 0
    yield Reading(name, point, "all frames pooled", official, True)
    yield Reading(name, point, "mean over videos", number(by_video[counted].mean()) if counted.any() else None, False)
    yield Reading(
        name, point, f"mean over batches of {BATCH_ROWS} rows", _mean_over_batches(paired, task, pilots), False
    )

    point = "constant series"
    is_constant = (variance_x == 0) | (variance_y == 0)
    yield Reading(name, point, "0", official, True)
    yield Reading(name, point, "undefined", None if is_constant.any() else official, False)

    yield Reading(name, "total", "mean of valence and arousal", official, True)
    yield Reading(name, "total", "sum of valence and arousal", None if official is None else 2 * official, False)

    missing = np.isnan(paired.truth.numbers(name))
    masks: list[tuple[str, Mask, bool]] = [
        ("row left out when either is -5", ~np.logical_or.reduce(missing, axis=1), True),
        ("row left out when valence is -5", ~missing[:, 0], False),
        ("each dimension on its own", ~missing, False),
        ("row left out only when both are -5", ~np.logical_and.reduce(missing, axis=1), False),
    ]
    for variant, mask, is_official in masks:
        value = official if is_official else _with_sentinels(paired, task, mask)
        yield Reading(name, "annotation mask", variant, value, is_official)


def _with_sentinels(paired: Paired, task: Continuous, mask: Mask) -> float | None:
    """Mean concordance under a mask; a sentinel that the mask lets through counts as the number -5."""
    values = paired.truth.numbers(task.name)
    truth = np.where(np.isnan(values), float(task.sentinel or 0), values)
    usable = mask if mask.ndim == 2 else np.repeat(mask[:, None], truth.shape[1], 1)
    usable = usable & ~paired.unpredicted[:, None]
    one_group = Groups.of(np.zeros(len(truth), np.int32), 1)
    figures: list[Floats] = []
    for column in range(truth.shape[1]):
        x, y, valid = truth[:, column], paired.prediction.numbers(task.name)[:, column], usable[:, column]
        if not valid.any():
            return None
        pilots = (float(x[valid].mean()), float(y[valid].mean()))
        figures.append(
            concordance_from(moments(x, y, one_group, pilots=pilots, valid=valid)[0], np.array(pilots, np.float64))
        )
    return number(np.mean(figures))


def _mean_over_batches(paired: Paired, task: Continuous, pilots: Floats) -> float | None:
    valid = np.flatnonzero(paired.valid[task.name])
    if not len(valid):
        return None
    batch = (np.arange(len(valid)) // BATCH_ROWS).astype(np.int32)
    groups = Groups.of(batch, int(batch[-1]) + 1)
    x, y = paired.truth.numbers(task.name)[valid], paired.prediction.numbers(task.name)[valid]
    figures = [
        concordance_from(
            moments(x[:, column], y[:, column], groups, pilots=(pilots[column, 0], pilots[column, 1])), pilots[column]
        ).mean()
        for column in range(x.shape[1])
    ]
    return number(np.mean(figures))


def _pearson(statistics: Statistics, task: Continuous) -> Iterator[Reading]:
    total, pilots = statistics.tasks[task.name].sum(0), statistics.pilots[task.name]
    values = pearson_from(total, pilots)
    variance_x, variance_y, _, _ = central(total, pilots)
    still = (variance_x == 0) | (variance_y == 0)
    official = number(values.mean())
    yield Reading(task.name, "constant series", "0", official, True)
    yield Reading(task.name, "constant series", "undefined", None if still.any() else official, False)
    yield Reading(task.name, "coefficient", "Pearson", official, True)
    yield Reading(task.name, "coefficient", "concordance", number(concordance_from(total, pilots).mean()), False)


def _classes(challenge: Challenge, statistics: Statistics, paired: Paired, task: Categorical) -> Iterator[Reading]:
    counts = statistics.tasks[task.name].sum(0)
    f1 = f1_per_class_from(counts)
    present = counts.sum(0) + counts.sum(1) > 0
    official = number(f1.mean())
    point = "class in neither truth nor prediction"
    yield Reading(task.name, point, "F1 0, counted", official, True)
    yield Reading(task.name, point, "F1 1, counted", number(np.where(present, f1, 1.0).mean()), False)
    yield Reading(task.name, point, "left out", number(f1[present].mean()) if present.any() else None, False)
    settled = bool(challenge.metric.terms)
    weights = {part.criterion for term in challenge.metric.terms if term.task == task.name for part in term.parts}
    right = number(accuracy_from(counts))
    mixture = None if official is None or right is None else 0.67 * official + 0.33 * right
    yield Reading(task.name, "total", "macro F1", official, settled and "accuracy" not in weights)
    yield Reading(task.name, "total", "0.67 macro F1 + 0.33 accuracy", mixture, "accuracy" in weights)
    if len(task.classes) == 2:
        support = counts.sum(1)
        weighted = number(float((f1 * support).sum() / support.sum())) if support.sum() else None
        yield Reading(task.name, "total", "F1 weighted by the truth's classes", weighted, False)
        yield Reading(task.name, "total", f"F1 of class '{task.classes[1]}'", number(f1[1]), False)
    yield from average_precisions(task, paired)


def _labels(challenge: Challenge, paired: Paired, task: MultiLabel) -> Iterator[Reading]:
    truth, rows = paired.truth.classes(task.name), ~paired.unpredicted
    prediction = paired.prediction.classes(task.name)
    groups = Groups.of(np.zeros(len(truth), np.int32), 1)

    def counts(mask: Mask, labels: NDArray[np.int8]) -> Floats:
        usable = mask & (rows if mask.ndim == 1 else rows[:, None])
        return label_counts(labels, prediction, groups, valid=usable)[0]

    annotated = truth >= 0
    whole = np.logical_and.reduce(annotated, axis=1)
    zeroed = np.maximum(truth, 0)
    official_counts = counts(whole, truth)
    f1 = f1_per_label_from(official_counts)
    official = number(f1.mean())
    point = "annotation mask"
    yield Reading(task.name, point, "row left out when any is -1", official, True)
    for variant, mask in (
        ("each action unit on its own", annotated),
        ("row left out only when all are -1, the rest as 0", np.logical_or.reduce(annotated, axis=1)),
        ("every -1 as 0", np.ones(len(truth), bool)),
    ):
        yield Reading(task.name, point, variant, number(f1_per_label_from(counts(mask, zeroed)).mean()), False)
    present = official_counts[:, 1:].sum(1) > 0
    point = "action unit without any positive"
    yield Reading(task.name, point, "F1 0, counted", official, True)
    yield Reading(task.name, point, "F1 1, counted", number(np.where(present, f1, 1.0).mean()), False)
    yield Reading(task.name, point, "left out", number(f1[present].mean()) if present.any() else None, False)
    weights = {part.criterion for term in challenge.metric.terms if term.task == task.name for part in term.parts}
    cells = number(label_accuracy_from(official_counts))
    mixture = None if official is None or cells is None else 0.5 * official + 0.5 * cells
    yield Reading(task.name, "total", "mean F1", official, "accuracy" not in weights)
    yield Reading(task.name, "total", "0.5 mean F1 + 0.5 accuracy of cells", mixture, "accuracy" in weights)
    exact = whole & rows
    match = number(float((truth == prediction).all(1)[exact].mean())) if exact.any() else None
    yield Reading(task.name, "accuracy", "right cells", cells, "accuracy" in weights)
    yield Reading(task.name, "accuracy", "rows with every action unit right", match, False)
