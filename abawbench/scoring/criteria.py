"""Statistics to every figure of a challenge: score, terms and metrics, over any leading axes at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.metrics.concordance import concordance_from, pearson_from
from abawbench.metrics.f1 import accuracy_from, f1_per_class_from, f1_per_label_from, label_accuracy_from

Floats = NDArray[np.float64]
Path = tuple[str, ...]

# tasks whose accuracy is a figure of its own in the official tables
WITH_ACCURACY = {"expression", "action_units"}


def evaluate(challenge: Challenge, tasks: Mapping[str, Floats], pilots: Mapping[str, Floats]) -> dict[Path, Floats]:
    """Every figure of a challenge.

    Args:
        challenge: says which criteria there are and how they make the score.
        tasks: statistics by task, each of shape (..., its own axes); equal leading axes.
        pilots: by continuous task.

    Returns:
        By path, as ("score",), ("terms", "va"), ("metrics", "f1_expression_per_class", "Fear"): shape (...), NaN where
        undefined. The score of a challenge without terms is NaN throughout.
    """
    figures: dict[Path, Floats] = {}
    criteria: dict[tuple[str, str], Floats] = {}
    for task in challenge.tasks:
        figures |= _metrics(task, tasks[task.name], pilots, criteria)
    terms: dict[Path, Floats] = {}
    for term in challenge.metric.terms:
        parts = [part.weight * criteria[term.task, part.criterion] for part in term.parts]
        terms["terms", term.task] = np.sum(parts, axis=0)
    score = np.sum(list(terms.values()), axis=0) if terms else np.full_like(next(iter(figures.values())), np.nan)
    return {("score",): score, **terms, **figures}


def _metrics(
    task: Task, statistics: Floats, pilots: Mapping[str, Floats], criteria: dict[tuple[str, str], Floats]
) -> dict[Path, Floats]:
    figures: dict[Path, Floats] = {}
    match task:
        case Continuous():
            if task.name == "va":
                values = concordance_from(statistics, pilots[task.name])
                criteria[task.name, "ccc"] = values.mean(-1)
                names: list[Path] = [("metrics", f"ccc_{column}") for column in task.columns]
            else:
                values = pearson_from(statistics, pilots[task.name])
                criteria[task.name, "pearson"] = values.mean(-1)
                names = [("metrics", "pearson", column) for column in task.columns]
            figures |= {name: values[..., place] for place, name in enumerate(names)}
        case Categorical():
            values = f1_per_class_from(statistics)
            criteria[task.name, "f1"] = values.mean(-1)
            criteria[task.name, "accuracy"] = accuracy_from(statistics)
            figures["metrics", f"f1_{task.name}"] = criteria[task.name, "f1"]
            for place, name in enumerate(task.classes):
                figures["metrics", f"f1_{task.name}_per_class", name] = values[..., place]
        case MultiLabel():
            values = f1_per_label_from(statistics)
            criteria[task.name, "f1"] = values.mean(-1)
            criteria[task.name, "accuracy"] = label_accuracy_from(statistics)
            figures["metrics", f"f1_{task.name}"] = criteria[task.name, "f1"]
            for place, name in enumerate(task.columns):
                figures["metrics", f"f1_{task.name}_per_unit", name] = values[..., place]
    if task.name in WITH_ACCURACY:
        figures["metrics", f"accuracy_{task.name}"] = criteria[task.name, "accuracy"]
    return figures


def nested(figures: Mapping[Path, Any]) -> dict[str, Any]:
    """Figures by path as nested dictionaries."""
    tree: dict[str, Any] = {}
    for path, value in figures.items():
        place = tree
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return tree


def number(value: float | np.floating[Any] | Floats) -> float | None:
    """A figure as JSON has it: null where undefined."""
    return None if np.isnan(value) else float(value)
