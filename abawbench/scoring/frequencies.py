"""Shares of predicted classes beside published ones: all that can be compared where no labels are public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Challenge
from abawbench.table import Table

C_EXPR = (
    "the C-EXPR article (CVPR 2023), as av-savchenko/face-emotion-recognition:src/ABAW/ABAW7/cexpr.ipynb quotes it; "
    "frames of the whole data set, not of the videos of the challenge"
)
# by data set: frames of each class, and the source of these numbers
PUBLISHED: Mapping[str, tuple[Mapping[str, int], str]] = MappingProxyType(
    {
        "C-EXPR-DB": (
            {
                "Fearfully_Surprised": 14_445,
                "Happily_Surprised": 24_915,
                "Sadly_Surprised": 10_780,
                "Disgustedly_Surprised": 10_637,
                "Angrily_Surprised": 10_535,
                "Sadly_Fearful": 10_112,
                "Sadly_Angry": 8_878,
            },
            C_EXPR,
        )
    }
)


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How often each class of a task is predicted.

    Attributes:
        task: name of the task.
        predicted: number of rows by class; rows without a prediction are left out.
        published: number of frames by class; empty where none are known.
        divergence: Kullback-Leibler divergence of the predicted shares from the published ones, in nats, from 0 for
            equal shares; None without published frames or without predicted rows.
        source: source of the published frames.
    """

    task: str
    predicted: Mapping[str, int]
    published: Mapping[str, int]
    divergence: float | None
    source: str

    def to_json(self) -> dict[str, Any]:
        """The frequencies as plain data."""
        return {
            "task": self.task,
            "predicted": dict(self.predicted),
            "published": dict(self.published),
            "kl_divergence": self.divergence,
            "source": self.source,
        }


def frequencies(challenge: Challenge, prediction: Table) -> tuple[Frequencies, ...]:
    """Count the predicted rows of each class, for each task of classes.

    Raises:
        ProblemError: C02, the challenge has no task of classes.
    """
    tasks = [task for task in challenge.tasks if isinstance(task, Categorical)]
    if not tasks:
        found = f"no task of classes in {challenge.id}"
        raise ProblemError(Problem("C02", found, "a challenge with classes", "name another, as abaw7-ce"))
    return tuple(_of_task(task, challenge.dataset, prediction) for task in tasks)


def _of_task(task: Categorical, dataset: str, prediction: Table) -> Frequencies:
    classes = prediction.classes(task.name)
    counts = np.bincount(classes[classes >= 0].astype(np.int64), minlength=task.width)
    known, source = PUBLISHED.get(dataset, ({}, ""))
    published = {name: known[name] for name in task.classes} if set(task.classes) <= set(known) else {}
    divergence = None
    if published and counts.sum():
        share = counts / counts.sum()
        other = np.array(list(published.values())) / sum(published.values())
        there = share > 0
        divergence = float((share[there] * np.log(share[there] / other[there])).sum())
    predicted = dict(zip(task.classes, counts.tolist(), strict=True))
    return Frequencies(task.name, predicted, published, divergence, source if published else "")
