"""Repairs of tasks with classes or labels: the pair that is confused most, thresholds, and offsets of classes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from abawbench.challenges import Task
from abawbench.entries.outputs import certain_answers
from abawbench.metrics.f1 import FALSE_NEGATIVE, FALSE_POSITIVE, NEITHER, TRUE_POSITIVE, label_confusion
from abawbench.table import Floats
from abawbench.tuning.gains.repairs import Bound, Case, Fitted, Repair, Sums
from abawbench.tuning.inputs.labelled import Labelled
from abawbench.tuning.search.last_steps import last_step_of
from abawbench.tuning.steps.kinds import Offsets, Thresholds

Pair = tuple[int, int]
# rows of a search at most; neighbouring frames of more say little that is new
MOST_ROWS = 300_000
# by step, the words before its values, and the form of these
DECISIONS = {"thresholds": ("decide labels from", ".2f"), "offsets": ("add to the log-probabilities of", "+.2f")}


def repairs_of_classes(case: Case, task: Task) -> Iterator[Repair]:
    """Every repair of a task with classes that exclude each other."""
    yield from _decisions(case, task, "class offsets", "offsets")
    counts = case.total[task.name]
    pairs = [(a, b) for a, b in combinations(range(task.width), 2) if counts[a, b] + counts[b, a]]
    if not pairs:
        return
    a, b = _costliest(case, task, pairs, np.stack([_classes_apart(counts, pair) for pair in pairs]))
    advice = _confusion(task, (a, b), (counts[a, b], counts[b, a]))
    yield _pair(case, task, (a, b), advice, Bound(lambda sums: {task.name: _classes_apart(sums[task.name], (a, b))}))


def repairs_of_labels(case: Case, task: Task) -> Iterator[Repair]:
    """Every repair of a task with labels that may occur together.

    Labels are errors of their own: one may be missed where another is invented without the two being confused. So pairs
    count only where both errors meet in more rows than they would by chance.
    """
    yield from _decisions(case, task, "thresholds", "thresholds")
    swapped = case.by_cluster(_swapped(case, task))
    total, counts = swapped.sum(0), case.total[task.name]
    chance = _swapped_by_chance(case, task)
    both, expected = total + total.T, chance + chance.T
    pairs = [(a, b) for a, b in combinations(range(task.width), 2) if both[a, b] > expected[a, b]]
    if not pairs:
        return
    a, b = _costliest(case, task, pairs, np.stack([_labels_apart(counts, total, pair) for pair in pairs]))
    name = f"{task.name} swapped"

    def change(sums: Sums) -> Sums:
        return {task.name: _labels_apart(sums[task.name], sums[name], (a, b))}

    told = [
        f"{int(total[missed, invented]):,} rows miss {task.outputs[missed]} and invent {task.outputs[invented]} "
        f"({chance[missed, invented]:,.0f} by chance)"
        for missed, invented in ((a, b), (b, a))
        if total[missed, invented]
    ]
    advice = f"is errors of two labels that meet, a bound: {', '.join(told)}; look at these rows"
    yield _pair(case, task, (a, b), advice, Bound(change, {name: swapped}))


def classes_as_others(filled: Floats, others: Floats) -> Floats:
    """Confusions of filled rows, with the others' share of each prediction given the class of the truth."""
    rows = others.sum(-1, keepdims=True)
    share = np.divide(others, rows, out=np.zeros_like(others), where=rows > 0)
    return np.where(rows > 0, filled.sum(-1, keepdims=True) * share, filled)


def labels_as_others(filled: Floats, others: Floats) -> Floats:
    """Counts of the labels of filled rows, with the others' share of each prediction given the truth of the label."""
    return classes_as_others(label_confusion(filled), label_confusion(others)).reshape(filled.shape)


def _decisions(case: Case, task: Task, error: str, step: str) -> Iterator[Repair]:
    """The step that turns probabilities to classes or labels, which `abawbench tune` searches.

    Args:
        case: the case.
        task: a task with classes or labels.
        error: name of the error.
        step: name of the step, as in `kinds.STEPS`.
    """
    words, form = DECISIONS[step]
    if case.challenge.metric.term(task.name) is None or task.name in case.tuned:
        return
    figure = case.figure_of(task)
    answers = case.answers.get(task.name)
    if answers is None:
        name = task.name.replace("_", " ")
        advice = f"what {error} cost {name} is not known without probabilities: give the store of `predict`"
        yield Repair(error, task.name, None, figure, advice, None)
        return
    rows = np.flatnonzero(case.paired.valid[task.name])
    every = -(-len(rows) // MOST_ROWS)
    rows = rows[::every]
    # without an answer of its own a row keeps what was decided for it
    decided = case.paired.prediction.classes(task.name)[rows].reshape(len(rows), -1).astype(np.float64)
    known = answers[rows]
    known = np.where(np.isnan(known), certain_answers(task, decided), known)
    labelled = Labelled(
        task,
        case.paired.truth.values[task.name][rows],
        case.cluster[case.paired.truth.video[rows]].astype(np.int64),
        len(case.names),
        rows,
        rows,
        None,
    )
    last_step = last_step_of(case.challenge, labelled, known, {step}, None)
    search = last_step.search(known, last_step.approximation(last_step.statistics(labelled, known)))
    found = last_step.step(search.fit(np.ones((1, len(case.names)))))
    if isinstance(found, Thresholds | Offsets):
        shown = ", ".join(f"{name} {value:{form}}" for name, value in found.values.items())
        thinned = f" (searched on one row of {every})" * (every > 1)
        yield Repair(error, task.name, None, figure, f"is {error}: {words} {shown}{thinned}", Fitted(search, 1.0))


def _costliest(case: Case, task: Task, pairs: list[Pair], repaired: Floats) -> Pair:
    """The pair with the highest figure of the task if it were told apart."""
    figures = case.with_task(task, repaired)[case.figure_of(task)]
    return pairs[int(np.argmax(figures))]


def _pair(case: Case, task: Task, pair: Pair, advice: str, method: Bound) -> Repair:
    names = " and ".join(task.outputs[place] for place in pair)
    return Repair("most confused pair", task.name, names, case.figure_of(task), advice, method)


def _confusion(task: Task, pair: Pair, rows: tuple[float, float]) -> str:
    one, other = (task.outputs[place] for place in pair)
    told = [
        f"{int(count):,} rows have {instead} instead of {right}"
        for count, right, instead in ((rows[0], one, other), (rows[1], other, one))
        if count
    ]
    return f"is one confusion, a bound: {', '.join(told)}; look at these rows"


def _classes_apart(counts: Floats, pair: Pair) -> Floats:
    """Confusion counts, shape (..., classes, classes), with the confusions of two classes on the diagonal."""
    result = counts.copy()
    for one, other in (pair, pair[::-1]):
        result[..., one, one] += counts[..., one, other]
        result[..., one, other] = 0
    return result


def _labels_apart(counts: Floats, swapped: Floats, pair: Pair) -> Floats:
    """Label counts, shape (..., labels, 4), with both labels right where one was missed and the other invented."""
    result = counts.copy()
    for missed, invented in (pair, pair[::-1]):
        rows = swapped[..., missed, invented]
        result[..., missed, FALSE_NEGATIVE] -= rows
        result[..., missed, TRUE_POSITIVE] += rows
        result[..., invented, FALSE_POSITIVE] -= rows
        result[..., invented, NEITHER] += rows
    return result


def _swapped_by_chance(case: Case, task: Task) -> Floats:
    """Rows in which one label (first axis) is missed and another invented, if each erred apart from the other.

    Given the truth of both labels, with each label's own rates of errors.
    """
    present = (case.paired.truth.classes(task.name)[case.paired.valid[task.name]] > 0).astype(np.float32)
    together = (present.T @ present).astype(np.float64)
    counts = case.total[task.name]

    def rate(error: int, right: int) -> Floats:
        rows = counts[:, error] + counts[:, right]
        return np.divide(counts[:, error], rows, out=np.zeros(len(rows)), where=rows > 0)

    missed, invented = rate(FALSE_NEGATIVE, TRUE_POSITIVE), rate(FALSE_POSITIVE, NEITHER)
    return (np.diag(together)[:, None] - together) * missed[:, None] * invented


def _swapped(case: Case, task: Task) -> Floats:
    """By unit, the number of rows in which a label (second axis) is missed and another (third axis) invented."""
    truth, prediction = case.paired.truth, case.paired.prediction
    rows = np.flatnonzero(case.paired.valid[task.name])
    rows = rows[np.argsort(truth.video[rows], kind="stable")]
    bounds = np.searchsorted(truth.video[rows], np.arange(len(truth.videos) + 1))
    wanted, found = truth.classes(task.name)[rows] > 0, prediction.classes(task.name)[rows] > 0
    missed, invented = (wanted & ~found).astype(np.float32), (found & ~wanted).astype(np.float32)
    result = np.zeros((len(truth.videos), task.width, task.width))
    for unit in np.flatnonzero(np.diff(bounds)).tolist():
        own = slice(bounds[unit], bounds[unit + 1])
        result[unit] = missed[own].T @ invented[own]
    return result
