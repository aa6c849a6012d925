"""Criteria: functions from a task's statistics to its figures, and from these to the score, over any leading axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from abawbench.base.problems import Problem, ProblemError, near_names
from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.metrics.average_precision import average_precision, grid_average_precision
from abawbench.metrics.concordance import concordance_from, pearson_from
from abawbench.metrics.f1 import (
    accuracy_from,
    balanced_accuracy_from,
    f1_per_class_from,
    f1_per_label_from,
    label_accuracy_from,
    label_balanced_accuracy_from,
)
from abawbench.scoring.statistics import kind_of, rows_of
from abawbench.table import Floats

Path = tuple[str, ...]

# of a correlation
SIGNED = (-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion for one kind of task.

    Attributes:
        kind: kind of the task.
        value: function of statistics, shape (..., own axes of the kind), and of the pilots if the task is real-valued.
        whole: path of the criterion's figure, with `{task}` for the task's name; None where only the parts are shown.
        parts: path of the figure of a column, class or label, with `{part}` for its name; `value` then has shape (...,
            parts) and the criterion is the mean of the parts. With None, `value` has shape (...).
        span: least and greatest value that the criterion can have.
    """

    kind: type[Task]
    value: Callable[..., Floats]
    whole: Path | None = None
    parts: Path | None = None
    span: tuple[float, float] = (0.0, 1.0)

    def whole_path(self, task: Task) -> Path | None:
        """Path of the criterion's figure."""
        return None if self.whole is None else tuple(name.format(task=task.name) for name in self.whole)

    def part_paths(self, task: Task) -> tuple[Path, ...]:
        """Paths of the figures of the columns, classes or labels; empty where there are none."""
        return tuple(
            tuple(name.format(task=task.name, part=part) for name in self.parts or ())
            for part in (task.outputs if self.parts else ())
        )


CRITERIA: Mapping[str, tuple[Criterion, ...]] = {
    "ccc": (Criterion(Continuous, concordance_from, parts=("metrics", "ccc_{part}"), span=SIGNED),),
    "pearson": (Criterion(Continuous, pearson_from, parts=("metrics", "pearson", "{part}"), span=SIGNED),),
    "f1": (
        Criterion(
            Categorical, f1_per_class_from, ("metrics", "f1_{task}"), ("metrics", "f1_{task}_per_class", "{part}")
        ),
        Criterion(MultiLabel, f1_per_label_from, ("metrics", "f1_{task}"), ("metrics", "f1_{task}_per_unit", "{part}")),
    ),
    "accuracy": (
        Criterion(Categorical, accuracy_from, ("metrics", "accuracy_{task}")),
        Criterion(MultiLabel, label_accuracy_from, ("metrics", "accuracy_{task}")),
    ),
    "balanced_accuracy": (
        Criterion(Categorical, balanced_accuracy_from, ("metrics", "balanced_accuracy_{task}")),
        Criterion(
            MultiLabel,
            label_balanced_accuracy_from,
            ("metrics", "balanced_accuracy_{task}"),
            ("metrics", "balanced_accuracy_{task}_per_unit", "{part}"),
        ),
    ),
}
"""Every criterion by the name that terms and reports of a challenge use, once for each kind of task."""

OF_PROBABILITY: Mapping[str, tuple[str, Callable[[ArrayLike, ArrayLike], float]]] = {
    "grid_average_precision": ("threshold grid of 0.001, trapezoids", grid_average_precision),
    "average_precision": ("steps at every score", average_precision),
}
"""Every criterion of the probability of class 1: its description, and its function of truth and probability."""


def criterion_of(task: Task, name: str) -> Criterion:
    """Get a criterion by name for a task.

    Raises:
        ProblemError: C02, there is no criterion of this name for the task's kind.
    """
    found = next((one for one in CRITERIA.get(name, ()) if isinstance(task, one.kind)), None)
    if found is None:
        known = [other for other, ways in CRITERIA.items() if any(isinstance(task, one.kind) for one in ways)]
        raise _unknown(f"criterion '{name}' for the task {task.name}", name, known)
    return found


def probability_criterion(name: str) -> tuple[str, Callable[[ArrayLike, ArrayLike], float]]:
    """Get the description and the function of a criterion of the probability of class 1.

    Raises:
        ProblemError: C02, there is no criterion of this name.
    """
    if name not in OF_PROBABILITY:
        raise _unknown(f"criterion '{name}' of a probability", name, list(OF_PROBABILITY))
    return OF_PROBABILITY[name]


def _unknown(found: str, name: str, known: list[str]) -> ProblemError:
    fix = "name it so, or add it to abawbench/scoring/criteria.py"
    return ProblemError(Problem("C02", found, near_names(name, known), fix))


def evaluate(challenge: Challenge, tasks: Mapping[str, Floats], pilots: Mapping[str, Floats]) -> dict[Path, Floats]:
    """Compute every figure of a challenge.

    Args:
        challenge: the challenge, which names the criteria and their weights.
        tasks: statistics by task, each of shape (..., own axes of the kind), with equal leading axes.
        pilots: pilots of the real-valued tasks; see `Statistics`.

    Returns:
        By path, as ("score",), ("terms", "va"), ("metrics", "f1_expression_per_class", "Fear"): shape (...), NaN where
        undefined. The score of a challenge without terms is NaN throughout.

    Raises:
        ProblemError: C02, the challenge names a criterion that the task's kind does not have.
    """

    def value(task: Task, criterion: Criterion) -> Floats:
        return criterion.value(tasks[task.name], *([pilots[task.name]] if task.is_real else []))

    first = challenge.tasks[0]
    return _composed(challenge, value, np.full(np.shape(rows_of(first, tasks[first.name])), np.nan))


def spans(challenge: Challenge) -> dict[Path, tuple[float, float]]:
    """The least and the greatest value that each figure of a challenge can have, by the paths of `evaluate`."""

    def value(task: Task, criterion: Criterion) -> Floats:
        ends = np.array(criterion.span)
        return np.repeat(ends[:, None], task.width, axis=1) if criterion.parts else ends

    ends = _composed(challenge, value, np.full(2, np.nan))
    return {path: (float(low), float(high)) for path, (low, high) in ends.items()}


def unseen(challenge: Challenge, total: Mapping[str, Floats]) -> set[Path]:
    """Figures of classes and labels that no row of the truth has: they are 0 by a rule, and nothing is known of them.

    Args:
        challenge: the challenge.
        total: statistics of the whole split by task.
    """
    found: set[Path] = set()
    for task in challenge.tasks:
        outcomes = kind_of(task).outcomes
        if outcomes is not None:
            absent = outcomes(total[task.name]).truth == 0
            for name in challenge.metric.reports(task.name).criteria:
                paths = criterion_of(task, name).part_paths(task)
                found |= {path for path, is_absent in zip(paths, absent, strict=bool(paths)) if is_absent}
    return found


def _composed(
    challenge: Challenge, value_of: Callable[[Task, Criterion], Floats], undefined: Floats
) -> dict[Path, Floats]:
    """Every figure by path, from the values of criteria of tasks; `undefined` is the score where there are no terms."""
    figures: dict[Path, Floats] = {}
    values: dict[tuple[str, str], Floats] = {}
    for task in challenge.tasks:
        term, reported = challenge.metric.term(task.name), challenge.metric.reports(task.name).criteria
        for name in dict.fromkeys((*reported, *(part.criterion for part in (term.parts if term else ())))):
            criterion = criterion_of(task, name)
            value = value_of(task, criterion)
            values[task.name, name] = value.mean(-1) if criterion.parts else value
            if name in reported:
                figures |= _figures(task, criterion, value, values[task.name, name])
    terms: dict[Path, Floats] = {}
    for term in challenge.metric.terms:
        parts = [part.weight * values[term.task, part.criterion] for part in term.parts]
        terms["terms", term.task] = np.sum(parts, axis=0)
    score = np.sum(list(terms.values()), axis=0) if terms else undefined
    return {("score",): score, **terms, **figures}


def _figures(task: Task, criterion: Criterion, value: Floats, whole: Floats) -> Iterator[tuple[Path, Floats]]:
    path = criterion.whole_path(task)
    if path is not None:
        yield path, whole
    for place, part in enumerate(criterion.part_paths(task)):
        yield part, value[..., place]


def figure_name(path: Sequence[str]) -> str:
    """The name of a figure for a reader: `F1 expression, Fear` for `metrics.f1_expression_per_class.Fear`.

    >>> figure_name(("metrics", "f1_expression_per_class", "Fear")), figure_name(("metrics", "ccc_valence"))
    ('F1 expression, Fear', 'CCC valence')
    >>> figure_name(("score",)), figure_name(("terms", "action_units"))
    ('score', 'action units (term)')
    """
    if len(path) == 1:
        return path[0]
    if path[0] == "terms":
        return f"{path[1].replace('_', ' ')} (term)"
    name = path[1].removesuffix("_per_class").removesuffix("_per_unit").replace("_", " ")
    words = [{"f1": "F1", "ccc": "CCC"}.get(word, word) for word in name.split(" ")]
    return ", ".join((" ".join(words), *path[2:]))


def nested(figures: Mapping[Path, Any]) -> dict[str, Any]:
    """Turn figures by path into nested dictionaries."""
    tree: dict[str, Any] = {}
    for path, value in figures.items():
        place = tree
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return tree


def flat(tree: Mapping[str, Any], above: Path = ()) -> dict[Path, Any]:
    """Turn nested dictionaries into values by path, as `nested` would nest them.

    >>> flat({"score": 0.4, "terms": {"va": 0.4}})
    {('score',): 0.4, ('terms', 'va'): 0.4}
    """
    values: dict[Path, Any] = {}
    for name, value in tree.items():
        path = (*above, name)
        values |= flat(value, path) if isinstance(value, Mapping) else {path: value}
    return values


def part_of(tree: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The part of nested dictionaries at a path; None where there is none."""
    found: Any = tree
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def number(value: float | np.floating[Any] | Floats) -> float | None:
    """A figure for JSON; None where it is undefined."""
    return None if np.isnan(value) else float(value)
