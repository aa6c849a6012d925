"""What an entry scores on the labels it knows, and on all that a challenge asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from abawbench.challenges import Challenge, MultiLabel
from abawbench.entries.model import Card
from abawbench.metrics.f1 import f1_per_label_from
from abawbench.scoring import Paired
from abawbench.scoring.criteria import number
from abawbench.scoring.statistics import collect


@dataclass(frozen=True, slots=True)
class Coverage:
    """Two totals of one multi-label task.

    Attributes:
        covered: labels that the entry answers, in the challenge's order.
        absent: labels that it does not.
        per_label: F1 of each covered label; None without annotated rows.
        of_covered: mean F1 over the covered labels alone; None where there are none.
        absent_as_zero: mean F1 over all labels, 0 for an absent one.
    """

    covered: tuple[str, ...]
    absent: tuple[str, ...]
    per_label: Mapping[str, float | None]
    of_covered: float | None
    absent_as_zero: float | None


def coverage_scores(challenge: Challenge, paired: Paired, card: Card) -> dict[str, Coverage]:
    """Both totals of each multi-label task, by its name.

    A toolkit that lacks labels of a challenge can be compared with its like by the first, with full entries by the
    second. They differ much: 0.732 and 0.488 for OpenFace 3, which has 8 of the 12 units of DISFA+.
    Source: cosanlab/py-feat:docs/benchmarks/competitors/openface3_disfaplus.json

    Args:
        challenge: the rules.
        paired: truth and prediction, as `abawbench.scoring.pair` makes them.
        card: of the entry that predicted; says what it covers.
    """
    total = collect(challenge, paired.truth, paired.prediction, valid=paired.valid).total
    result: dict[str, Coverage] = {}
    for task in challenge.tasks:
        if not isinstance(task, MultiLabel):
            continue
        own = card.task(task.name)
        known = own.outputs if isinstance(own, MultiLabel) else ()
        is_covered = np.array([name in known for name in task.columns], bool)
        f1 = f1_per_label_from(total[task.name])
        result[task.name] = Coverage(
            covered=tuple(name for name in task.columns if name in known),
            absent=tuple(name for name in task.columns if name not in known),
            per_label={name: number(value) for name, value in zip(task.columns, f1, strict=True) if name in known},
            of_covered=number(f1[is_covered].mean()) if is_covered.any() else None,
            absent_as_zero=number(np.where(is_covered | np.isnan(f1), f1, 0.0).mean()),
        )
    return result
