"""Breakdowns of a score: by video, by class, confusion matrices, factors of concordance, and rows by treatment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Challenge
from abawbench.metrics.concordance import parts_from
from abawbench.scoring.criteria import criterion_of, evaluate, nested, number
from abawbench.scoring.score import Paired, Score
from abawbench.scoring.statistics import kind_of, rows_of
from abawbench.table import Mask, Table

BUCKETS = {
    "scored": "annotated and predicted",
    "repeated": "scored once more: the truth repeats the row",
    "filled": "scored with a value that the fill policy made",
    "partly annotated": "left out: some columns of the task are annotated, others not",
    "not annotated": "left out: no annotation for the task",
    "no prediction": "left out: neither annotated for any task nor predicted",
}


def by_video(challenge: Challenge, score: Score) -> list[dict[str, Any]]:
    """Compute every figure for each cluster alone, in the order of the truth.

    Figures of single videos help to explain a score; the official score pools all frames and is not their mean.
    """
    statistics = score.statistics
    figures = evaluate(challenge, statistics.tasks, statistics.pilots)
    valid = {task.name: rows_of(task, statistics.tasks[task.name]) for task in challenge.tasks}
    return [
        {"video": name, "valid": {task: int(rows[place]) for task, rows in valid.items()}}
        | nested({path: number(values[place]) for path, values in figures.items()})
        for place, name in enumerate(statistics.groups)
    ]


def by_class(challenge: Challenge, score: Score) -> dict[str, dict[str, dict[str, float | int | None]]]:
    """Count the rows of each class and label in truth and prediction, and compute precision, recall and F1, by task."""
    classes: dict[str, dict[str, dict[str, float | int | None]]] = {}
    total = score.statistics.total
    for task in challenge.tasks:
        outcomes_of = kind_of(task).outcomes
        if outcomes_of is None:
            continue
        counts = total[task.name]
        rows, f1 = outcomes_of(counts), criterion_of(task, "f1").value(counts)
        classes[task.name] = {
            name: {
                "truth": int(rows.truth[place]),
                "predicted": int(rows.predicted[place]),
                "precision": float(rows.hits[place] / rows.predicted[place]) if rows.predicted[place] else None,
                "recall": float(rows.hits[place] / rows.truth[place]) if rows.truth[place] else None,
                "f1": number(f1[place]),
            }
            for place, name in enumerate(task.outputs)
        }
    return classes


def confusion_matrices(challenge: Challenge, score: Score) -> dict[str, Any]:
    """Count confusions by task: a matrix of classes (rows: truth, columns: prediction), or of 2 x 2 for each label."""
    total = score.statistics.total
    return {
        task.name: matrices(task, total[task.name])
        for task in challenge.tasks
        if (matrices := kind_of(task).matrices) is not None
    }


def concordance_parts(challenge: Challenge, score: Score) -> dict[str, dict[str, float | None]]:
    """Correlation, scale, offset and accuracy of each real-valued column; see `metrics.concordance.parts_from`."""
    columns: dict[str, dict[str, float | None]] = {}
    total = score.statistics.total
    for task in challenge.tasks:
        if task.is_real:
            parts = parts_from(total[task.name], score.statistics.pilots[task.name])
            for place, column in enumerate(task.outputs):
                columns[column] = {name: number(values[place]) for name, values in parts.items()}
    return columns


def explain(challenge: Challenge, paired: Paired) -> dict[str, Any]:
    """Count the rows of the truth by bucket, for each task, in all and by video; each sum is the number of all rows.

    Returns:
        buckets (their meaning), tasks (bucket -> rows, and `sum`), videos (video -> task -> bucket -> rows, buckets
        without rows left out), surplus (number of prediction rows without a truth row), flags.
    """
    truth = paired.truth
    repeated = _is_repetition(truth)
    filled = paired.prediction.filled if paired.filled and paired.prediction.filled is not None else None
    videos: dict[str, dict[str, dict[str, int]]] = {name: {} for name in truth.videos}
    tasks: dict[str, dict[str, int]] = {}
    names = list(BUCKETS)
    for task in challenge.tasks:
        valid = paired.valid[task.name]
        annotated = task.is_annotated(truth.values[task.name])
        some = annotated.any(1) if task.is_vector else annotated
        bucket = np.full(len(truth), names.index("not annotated"), np.int8)
        bucket[paired.unpredicted[task.name]] = names.index("no prediction")
        bucket[some & ~valid] = names.index("partly annotated")
        bucket[valid] = names.index("scored")
        bucket[valid & repeated] = names.index("repeated")
        if filled is not None:
            bucket[valid & filled] = names.index("filled")
        tasks[task.name] = _counts(bucket, names) | {"sum": len(truth)}
        table = np.bincount(truth.video * np.int64(len(names)) + bucket, minlength=len(truth.videos) * len(names))
        for name, row in zip(truth.videos, table.reshape(-1, len(names)).tolist(), strict=True):
            videos[name][task.name] = {names[place]: count for place, count in enumerate(row) if count}
    return {
        "buckets": BUCKETS,
        "tasks": tasks,
        "videos": videos,
        "surplus": len(paired.alignment.surplus),
        "flags": list(paired.flags),
    }


def _counts(bucket: NDArray[np.int8], names: list[str]) -> dict[str, int]:
    return dict(zip(names, np.bincount(bucket, minlength=len(names)).tolist(), strict=True))


def _is_repetition(truth: Table) -> Mask:
    """True for the second and later occurrences of a (video, frame)."""
    order = np.lexsort((np.arange(len(truth)), truth.frame, truth.video))
    video, frame = truth.video[order], truth.frame[order]
    again = np.zeros(len(truth), bool)
    again[order[1:]] = (video[1:] == video[:-1]) & (frame[1:] == frame[:-1])
    return again
