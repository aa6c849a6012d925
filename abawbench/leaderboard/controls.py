"""What an answer that looks at nothing scores, by the definition of a challenge's measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.scoring.criteria import criterion_of

METHOD = "one answer for every row"
# F1 of a label that is always on depends on the data, and may be high
NO_LABEL = ", no label on"


@dataclass(frozen=True, slots=True)
class Constant:
    """What one answer for every row scores.

    Attributes:
        value: the score, or its least upper bound.
        is_bound: True where the score lies between 0 and `value`, and depends on the shares of the classes.
        reason: why, in words.
        method: what is answered.
    """

    value: float
    is_bound: bool
    reason: str
    method: str = METHOD


# by criterion and kind of task: the value, or the bound that the most frequent class cannot pass, and why
_Known = tuple[Callable[[Task], float], bool, str]
_CONSTANT: Mapping[tuple[str, type[Task]], _Known] = {
    ("ccc", Continuous): (lambda _: 0.0, False, "a constant series has no concordance"),
    ("pearson", Continuous): (lambda _: 0.0, False, "a constant series has no correlation"),
    ("f1", Categorical): (lambda task: 1 / task.width, True, "one class has an F1 of at most 1, the others of 0"),
    ("f1", MultiLabel): (lambda _: 0.0, False, "a label that is never on has an F1 of 0"),
    ("balanced_accuracy", Categorical): (lambda task: 1 / task.width, False, "one class is recalled, the others not"),
    ("balanced_accuracy", MultiLabel): (lambda _: 0.5, False, "of each label one value is recalled, the other not"),
}


def constant_of(challenge: Challenge) -> Constant | None:
    """What one answer for every row scores; None where it depends on the data alone, as an accuracy does."""
    value, is_bound, method = 0.0, False, METHOD
    reasons: dict[str, None] = {}
    for term in challenge.metric.terms:
        task = challenge.task(term.task)
        for part in term.parts:
            known = _CONSTANT.get((part.criterion, criterion_of(task, part.criterion).kind))
            if known is None:
                return None
            of_task, bound, reason = known
            value += part.weight * of_task(task)
            is_bound |= bound
            reasons[reason] = None
            if isinstance(task, MultiLabel) and part.criterion == "f1":
                method = METHOD + NO_LABEL
    return Constant(value, is_bound, "; ".join(reasons), method) if reasons else None
