"""Breakdowns of a score: by video, by class, confusion matrices, and the factors of concordance."""

from __future__ import annotations

from typing import Any

import numpy as np

from abawbench.challenges import Categorical, Challenge, Continuous
from abawbench.metrics.concordance import parts_from
from abawbench.metrics.f1 import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    f1_per_class_from,
    f1_per_label_from,
)
from abawbench.scoring.criteria import evaluate, nested, number
from abawbench.scoring.score import Score
from abawbench.scoring.statistics import rows_of


def by_video(challenge: Challenge, score: Score) -> list[dict[str, Any]]:
    """Every figure of each cluster alone, clusters in the order of the truth.

    A video's own figure explains a score; official scores pool all frames and are no mean of these.
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
    """Rows in truth and prediction, precision, recall and F1 of each class and label, by task."""
    view: dict[str, dict[str, dict[str, float | int | None]]] = {}
    total = score.statistics.total
    for task in challenge.tasks:
        if isinstance(task, Continuous):
            continue
        counts = total[task.name]
        if isinstance(task, Categorical):
            names, hits = task.classes, np.diagonal(counts)
            truth, predicted, f1 = counts.sum(1), counts.sum(0), f1_per_class_from(counts)
        else:
            names, hits = task.columns, counts[:, TRUE_POSITIVE]
            truth, predicted = hits + counts[:, FALSE_NEGATIVE], hits + counts[:, FALSE_POSITIVE]
            f1 = f1_per_label_from(counts)
        view[task.name] = {
            name: {
                "truth": int(truth[place]),
                "predicted": int(predicted[place]),
                "precision": float(hits[place] / predicted[place]) if predicted[place] else None,
                "recall": float(hits[place] / truth[place]) if truth[place] else None,
                "f1": number(f1[place]),
            }
            for place, name in enumerate(names)
        }
    return view


def confusion_matrices(challenge: Challenge, score: Score) -> dict[str, Any]:
    """Counts by task: classes with a square matrix (rows: truth, columns: prediction), labels with a 2 x 2 one each."""
    view: dict[str, Any] = {}
    total = score.statistics.total
    for task in challenge.tasks:
        counts = total[task.name]
        if isinstance(task, Continuous):
            continue
        if isinstance(task, Categorical):
            view[task.name] = {"classes": list(task.classes), "counts": counts.astype(int).tolist()}
        else:
            matrices = counts.astype(int).reshape(len(task.columns), 2, 2).tolist()
            view[task.name] = {name: matrices[place] for place, name in enumerate(task.columns)}
    return view


def concordance_parts(challenge: Challenge, score: Score) -> dict[str, dict[str, float | None]]:
    """Correlation, scale, offset and accuracy of each real-valued column; see `metrics.concordance.parts_from`."""
    view: dict[str, dict[str, float | None]] = {}
    total = score.statistics.total
    for task in challenge.tasks:
        if isinstance(task, Continuous):
            parts = parts_from(total[task.name], score.statistics.pilots[task.name])
            for place, column in enumerate(task.columns):
                view[column] = {name: number(values[place]) for name, values in parts.items()}
    return view
