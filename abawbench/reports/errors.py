"""Errors of single rows, and how they depend on the face, on gaps and on the length of a unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abawbench.challenges import Challenge, Task
from abawbench.clips.crop_index import MEASURES, MISSING, index_files, read_index
from abawbench.metrics.groups import sums_by_bin
from abawbench.reports.subject import Subject
from abawbench.scoring.ratios import Bounds, bounds_of, mean_from, means_by_bin
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats, Rows

BINS = 6
NO_FACES = "no index of faces beside the predictions: name a folder that abawbench faces wrote with --crops"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that an error may depend on.

    Attributes:
        name: name of it, with its unit.
        values: value for each row, shape (rows,); NaN where it is not known.
        reason: why it is not known at all; empty where it is.
    """

    name: str
    values: Floats
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ErrorBin:
    """Rows of about the same condition: their number, mean error, and its interval."""

    rows: int
    error: float
    interval: Bounds


@dataclass(frozen=True, slots=True)
class ErrorCurve:
    """The mean error of a task over a condition.

    Attributes:
        task: name of the task.
        measure: what the error is.
        condition: name of the condition.
        subject: what the prediction is called.
        edges: edges of the bins, rising.
        bins: bins between the edges; None for one without rows.
    """

    task: str
    measure: str
    condition: str
    subject: str
    edges: tuple[float, ...]
    bins: tuple[ErrorBin | None, ...]


def row_error(task: Task, subject: Subject) -> tuple[Floats, str]:
    """Error of each row, shape (rows,), NaN where it does not count, and what it measures.

    The distance of numbers, averaged over the columns; 1 for a wrong class; the share of wrong labels.
    """
    truth, prediction = subject.paired.truth.values[task.name], subject.paired.prediction.values[task.name]
    if task.is_real:
        error, measure = np.abs(prediction - truth).mean(axis=1), "mean absolute error"
    elif task.is_vector:
        error, measure = (prediction != truth).mean(axis=1), "share of wrong labels"
    else:
        error, measure = (prediction != truth).astype(np.float64), "share of wrong classes"
    return np.where(subject.paired.valid[task.name], error, np.nan), measure


def conditions(subject: Subject, crops: Path | None) -> tuple[Condition, ...]:
    """What errors may depend on: size and sharpness of the face, distance to a gap, length of the unit.

    Args:
        subject: the prediction.
        crops: folder that `abawbench faces` wrote; None where there is none.

    Raises:
        ProblemError: F01, an index of the faces cannot be read.
    """
    truth = subject.paired.truth
    nothing = np.full(len(truth), np.nan)
    found = None if crops is None else _faces(subject, crops)
    if found is None:
        size, blur = (Condition(name, nothing, NO_FACES) for name in ("face size (pixels)", "sharpness of the crop"))
    else:
        size = Condition("face size (pixels)", found["size"])
        blur = Condition("sharpness of the crop", found["blur"])
    if subject.rows is None:
        gap = Condition("frames to the nearest gap", nothing, "a prediction file does not say which frames had a crop")
    elif not np.isfinite(subject.rows.gap).any():
        gap = Condition("frames to the nearest gap", nothing, "every frame of the store has a crop")
    else:
        gap = Condition("frames to the nearest gap", np.where(np.isinf(subject.rows.gap), np.nan, subject.rows.gap))
    length = np.bincount(truth.video, minlength=len(truth.videos))[truth.video].astype(np.float64)
    same = len(np.unique(length)) < 2
    return (
        size,
        blur,
        gap,
        Condition("rows of the unit", length, "all units have the same number of rows" if same else ""),
    )


def _faces(subject: Subject, crops: Path) -> Mapping[str, Floats] | None:
    """Side of the face box in pixels and sharpness of the crop for each row; None where no unit has an index."""
    truth = subject.paired.truth
    place = {name: number for number, name in enumerate(subject.units)}
    size, blur = (np.full(len(truth), np.nan) for _ in range(2))
    is_known = False
    for path in index_files(crops):
        index = read_index(path)
        for unit in index.units:
            rows = np.flatnonzero(truth.video == place.get(unit, -1))
            own = index.rows_of(unit)
            own = own[index.state[own] != MISSING]
            if not len(rows) or not len(own):
                continue
            is_known = True
            at = np.minimum(np.searchsorted(index.frame[own], truth.frame[rows]), len(own) - 1)
            hit = index.frame[own][at] == truth.frame[rows]
            left, top, right, bottom = (index.measures[own[at[hit]], side].astype(np.float64) for side in range(4))
            size[rows[hit]] = np.sqrt(np.maximum((right - left) * (bottom - top), 0))
            blur[rows[hit]] = index.measures[own[at[hit]], MEASURES.index("blur")]
    return {"size": size, "blur": blur} if is_known else None


def error_curves(
    challenge: Challenge,
    predictions: Sequence[Subject],
    found: Sequence[Sequence[Condition]],
    subjects: Mapping[str, str] | None = None,
) -> Iterator[tuple[ErrorCurve, ...]]:
    """The mean error of each task in bins of each condition that is known, with intervals by video.

    Args:
        challenge: the challenge.
        predictions: predictions of one truth.
        found: for each prediction the same conditions in the same order.
        subjects: subject of each unit; None for intervals by video.

    Yields:
        For a condition and a task one curve of each prediction for which it is known, all over the same bins.
    """
    for own in zip(*found, strict=True):
        known = [(subject, one.values) for subject, one in zip(predictions, own, strict=True) if not one.reason]
        for task in challenge.tasks if known else ():
            rows = [np.flatnonzero(subject.paired.valid[task.name] & ~np.isnan(values)) for subject, values in known]
            edges = _edges(np.concatenate([values[kept] for (_, values), kept in zip(known, rows, strict=True)]))
            if edges is not None:
                yield tuple(
                    _curve(task, subject, own[0].name, values, kept, edges, subjects)
                    for (subject, values), kept in zip(known, rows, strict=True)
                )


def _curve(
    task: Task,
    subject: Subject,
    condition: str,
    values: Floats,
    rows: Rows,
    edges: Floats,
    subjects: Mapping[str, str] | None,
) -> ErrorCurve:
    error, measure = row_error(task, subject)
    truth, bins = subject.paired.truth, len(edges) - 1
    place = np.searchsorted(edges[1:-1], values[rows], side="right")
    sums = sums_by_bin(truth.video[rows], len(truth.videos), place, bins, (error[rows],))
    statistics = Statistics(truth.videos, {"bins": sums}, {})
    # no error is further than the range of the task
    span = 0.0, (task.span[1] - task.span[0]) if task.is_real else 1.0
    bounds = bounds_of(statistics, lambda tasks: means_by_bin(tasks["bins"]), subjects, span=span)
    means, counts = mean_from(sums.sum(0)), sums.sum(0)[:, 0]
    found = [ErrorBin(int(n), float(means[at]), bounds[at]) if n else None for at, n in enumerate(counts)]
    return ErrorCurve(task.name, measure, condition, subject.short, tuple(edges.tolist()), tuple(found))


def _edges(values: Floats) -> Floats | None:
    """Edges of bins of about equally many rows, from the least value to the greatest; None for fewer than two bins."""
    if not len(values):
        return None
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
    return edges if len(edges) > 2 else None
