"""The mean F1 of an entry over the labels that it answers, and over all labels of a challenge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from abawbench.challenges import Challenge, MultiLabel
from abawbench.entries.model import Card
from abawbench.entries.outputs import covered
from abawbench.metrics.f1 import f1_per_label_from
from abawbench.scoring import Paired
from abawbench.scoring.criteria import number
from abawbench.scoring.statistics import collect


@dataclass(frozen=True, slots=True)
class Coverage:
    """Two totals of one multi-label task.

    Attributes:
        covered: labels that the entry answers, in the challenge's order.
        absent: labels that the entry does not answer.
        per_label: F1 of each covered label; None for a label without annotated rows.
        of_covered: mean F1 over the covered labels; None where there are none.
        absent_as_zero: mean F1 over all labels, with 0 for each absent one.
    """

    covered: tuple[str, ...]
    absent: tuple[str, ...]
    per_label: Mapping[str, float | None]
    of_covered: float | None
    absent_as_zero: float | None


def coverage_scores(challenge: Challenge, paired: Paired, card: Card) -> dict[str, Coverage]:
    """The mean F1 over the covered labels and over all labels of each multi-label task, by the name of the task.

    The mean over the covered labels compares a toolkit that lacks some labels with other toolkits; the mean over all
    labels compares it with entries that answer everything. The two differ much: 0.732 and 0.488 for OpenFace 3, which
    has 8 of the 12 units of DISFA+.
    Source: cosanlab/py-feat:docs/benchmarks/competitors/openface3_disfaplus.json

    Args:
        challenge: challenge that was predicted.
        paired: truth and prediction, paired by `abawbench.scoring.pair`.
        card: card of the entry that predicted.
    """
    total = collect(challenge, paired.truth, paired.prediction, valid=paired.valid).total
    result: dict[str, Coverage] = {}
    for task in challenge.tasks:
        if not isinstance(task, MultiLabel):
            continue
        known = covered(card, task)
        is_known = np.array([name in known for name in task.columns], bool)
        f1 = f1_per_label_from(total[task.name])
        result[task.name] = Coverage(
            covered=known,
            absent=tuple(name for name in task.columns if name not in known),
            per_label={name: number(value) for name, value in zip(task.columns, f1, strict=True) if name in known},
            of_covered=number(f1[is_known].mean()) if is_known.any() else None,
            absent_as_zero=number(np.where(is_known | np.isnan(f1), f1, 0.0).mean()),
        )
    return result
