"""How far the probabilities of a prediction can be believed: reliability by bins, with intervals by video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from abawbench.challenges import Categorical, Challenge, MultiLabel, Task
from abawbench.metrics.calibration import calibration_error_from, calibration_sums, equal_mass_edges
from abawbench.scoring.ratios import Bounds, bounds_of, means_by_bin
from abawbench.scoring.score import Paired
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats, Integers, Mask

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of about the same confidence: their number, mean confidence, accuracy, and the interval of the accuracy."""

    rows: int
    confidence: float
    accuracy: float
    interval: Bounds


@dataclass(frozen=True, slots=True)
class Reliability:
    """The reliability of a task's probabilities, or of those of one label.

    Attributes:
        task: name of the task.
        part: name of the label; empty for the whole task.
        error: expected calibration error over equal-mass bins; chance adds to it, most where probabilities are right.
        interval: 95 % interval of the error; None where there is none. It never holds 0, and holds an error below
            about 0.05 too seldom.
        bins: bins with rows, from the least confident.
    """

    task: str
    part: str
    error: float
    interval: Bounds
    bins: tuple[Bin, ...]


def reliability(
    challenge: Challenge,
    paired: Paired,
    answers: Mapping[str, Floats],
    subjects: Mapping[str, str] | None = None,
) -> tuple[Reliability, ...]:
    """Measure the reliability of every task of classes or labels; rows without probabilities are left out.

    A class is confident by the probability of the class that is answered, and right where that is the class of the
    truth; a label by its probability, and right where the truth has it.

    Args:
        challenge: challenge of the truth.
        paired: truth and prediction.
        answers: probabilities by task, shape (rows of the truth, width), NaN where there is none.
        subjects: subject of each unit; None for intervals by video.
    """
    found: list[Reliability] = []
    for task in challenge.tasks:
        if task.name not in answers or task.is_real:
            continue
        own = answers[task.name]
        whole = _confident(task, own, paired)
        if whole is None:
            continue
        found.append(_measure(task, "", *whole, paired, subjects))
        if isinstance(task, MultiLabel):
            for place, label in enumerate(task.outputs):
                rows = paired.valid[task.name] & ~np.isnan(own[:, place])
                if rows.any():
                    hit = paired.truth.classes(task.name)[rows, place] == 1
                    part = own[rows, place], hit, paired.truth.video[rows]
                    found.append(_measure(task, label, *part, paired, subjects))
    return tuple(found)


def _confident(task: Task, answers: Floats, paired: Paired) -> tuple[Floats, Mask, Integers] | None:
    """Confidence, whether it is right, and unit of each answer of a task; None where it has no probabilities."""
    truth = paired.truth.classes(task.name)
    if isinstance(task, Categorical):
        rows = paired.valid[task.name] & ~np.isnan(answers).all(axis=1)
        if not rows.any():
            return None
        own = np.nan_to_num(answers[rows])
        return own.max(axis=1), own.argmax(axis=1) == truth[rows], paired.truth.video[rows]
    known = paired.valid[task.name][:, np.newaxis] & ~np.isnan(answers)
    if not known.any():
        return None
    unit = np.broadcast_to(paired.truth.video[:, np.newaxis], known.shape)
    return answers[known], truth[known] == 1, unit[known]


def _measure(
    task: Task,
    part: str,
    confidence: Floats,
    hit: Mask,
    unit: Integers,
    paired: Paired,
    subjects: Mapping[str, str] | None,
) -> Reliability:
    edges = equal_mass_edges(confidence, BINS)
    sums = calibration_sums(confidence, hit, edges, unit, len(paired.truth.videos))
    statistics = Statistics(paired.truth.videos, {"bins": sums}, {})
    total = sums.sum(0)
    error = bounds_of(statistics, lambda tasks: {"": calibration_error_from(tasks["bins"])}, subjects)[""]
    accuracy = bounds_of(statistics, lambda tasks: means_by_bin(tasks["bins"][..., [0, 2]]), subjects)
    bins = tuple(
        Bin(int(rows), float(certain / rows), float(hits / rows), accuracy[place])
        for place, (rows, certain, hits) in enumerate(total)
        if rows
    )
    return Reliability(task.name, part, float(calibration_error_from(total)), error, bins)
