"""Ensembles: weights of members for each task, and what the ensemble gains over the best single member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from abawbench.base.problems import Problem, ProblemError, near_names, remarks
from abawbench.challenges import Challenge
from abawbench.fill import COPYING, MOST_FILLED, Policy
from abawbench.scoring.intervals import USUAL, Resampling, warning
from abawbench.table import Floats, Table
from abawbench.tuning.ensembles.blends import Blend, blend_of
from abawbench.tuning.ensembles.members import Members
from abawbench.tuning.ensembles.rank_average import LabelRanks, ranks_for
from abawbench.tuning.ensembles.searches import Greedy, joint, simplex
from abawbench.tuning.ensembles.weights import Average, EnsembleWeights, MemberFacts, Method
from abawbench.tuning.inputs.labelled import Figure, Labelled, labelled, whole_figure_of
from abawbench.tuning.search.crossfit import CrossFit, Plan, Search, added, crossfit
from abawbench.tuning.steps.tuned import truth_hash

Approach = Literal["best_single", "equal", "ensemble"]


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A task with the statistics of its members' means.

    Attributes:
        name: name of the task.
        blend: the members.
        figure: function from statistics to the task's part of the score.
        singles: statistics of each member alone, never of ranks, shape (members, clusters, width, cells).
        ranks: what labels are ranked by, where ranks are averaged.
    """

    name: str
    blend: Blend
    figure: Figure
    singles: Floats
    ranks: LabelRanks | None

    def search(self, method: Method) -> Search[Any]:
        """The search for weights."""
        match method:
            case "greedy":
                return Greedy(self.blend, self.figure)
            case "simplex":
                return simplex(self.blend, self.figure)
            case "equal":
                return joint(self.blend.of(np.ones(self.blend.members))[None], self.figure)


def fit_ensemble(
    challenge: Challenge,
    truth: Table,
    members: Members,
    *,
    method: Method = "greedy",
    average: Average = "probability",
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    folds: int = 5,
    repeats: int = 5,
    resampling: Resampling = USUAL,
    tell: Callable[[str], None] | None = None,
) -> EnsembleWeights:
    """Fit the weights of an ensemble, each task alone, and cross-fit what they are worth.

    Every search is repeated within the training part of each fold and in each resample, that for the best single member
    too. In a resample the weights are the best of those that the searches tried, at most 100 of them.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        members: the members.
        method: `greedy` selection with replacement, ascent on the `simplex`, or `equal` weights.
        average: what is averaged: probabilities, or ranks.
        missing: fill policy for annotated rows that no member answers, one of `fill.COPYING`.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        folds: number of folds of videos (or subjects).
        repeats: number of times that the folds are dealt.
        resampling: number of resamples, seed, and subjects, if any.
        tell: called with what is being done.

    Returns:
        The weights. Their report has unit, clusters, warning, folds, repeats, resamples, seed, best_single (the member
        with the highest score), flags, and figures: for `score`, and for each of several tasks, the approaches
        `best_single`, `equal` and `ensemble` (those of the method), each with in_sample, cross_fitted, interval,
        optimism, and gain and gain_interval: the cross-fitted figure minus that of the best single member.

    Raises:
        ProblemError: the problems of `scoring.pair`; T01 units that no member answers, T10 or T13 a task that cannot be
            judged, D24 too many folds, C02 a challenge without a score or a policy that interpolates.
    """
    if missing not in COPYING:
        fix = "take one that copies a frame, which is the same frame under all weights"
        raise ProblemError(Problem("C02", f"--missing {missing}", ", ".join(COPYING), fix))
    for name, value, known in (("method", method, get_args(Method)), ("average", average, get_args(Average))):
        if value not in known:
            raise ProblemError(Problem("C02", f"{name} '{value}'", near_names(value, known), "correct the name"))
    if not challenge.metric.terms:
        found, expected = f"{challenge.id}, whose official metric is not settled", "a challenge with a score"
        raise ProblemError(Problem("C02", found, expected, "name another challenge"))
    stream = members.mean(challenge)
    paired, rows, sizes = labelled(challenge, truth, stream, missing, allow_filled, resampling.subjects)
    plan = Plan.of(sizes, resampling, folds, repeats)
    tasks = [_collect(challenge, own, members, average) for own in rows.values()]
    weights: dict[str, tuple[float, ...]] = {}
    parts: dict[str, dict[Approach, CrossFit]] = {}
    for one in tasks:
        if tell is not None:
            tell(f"{one.name}: {method} weights of {len(members.names)} members over {len(sizes)} {resampling.unit}s")
        parts[one.name], weights[one.name] = _cross_fit(one, method, plan)
    best_single, of_single = _best_single(tasks, plan)
    whole: dict[Approach, CrossFit] = {
        "best_single": of_single,
        "equal": added([part["equal"] for part in parts.values()]),
        "ensemble": added([part["ensemble"] for part in parts.values()]),
    }
    figures = {"score": whole} | (parts if len(tasks) > 1 else {})
    annotated = np.logical_or.reduce(list(paired.valid.values()))
    filled = [f"rows that no member answers were filled: {paired.answers.describe()}"] if paired.filled else []
    # a task that does not count has the plain mean
    weights |= {task.name: (1.0,) * len(members.names) for task in challenge.tasks if task.name not in weights}
    return EnsembleWeights(
        challenge=challenge.id,
        fingerprint=challenge.fingerprint,
        method=method,
        average=average,
        members=tuple(
            MemberFacts(store.card.name, identity, store.key, str(store.root))
            for store, identity in zip(members.stores, members.identities, strict=True)
        ),
        weights=weights,
        quantiles={one.name: one.ranks.members.tolist() for one in tasks if one.ranks is not None},
        mean_quantiles={
            one.name: one.ranks.mean_quantiles(np.array(weights[one.name])).tolist()
            for one in tasks
            if one.ranks is not None
        },
        truth_sha256=truth_hash(challenge, truth),
        videos=tuple(truth.videos[unit] for unit in np.unique(truth.video[annotated]).tolist()),
        report={
            "unit": resampling.unit,
            "clusters": len(sizes),
            "warning": warning(len(sizes), resampling.unit),
            "folds": folds,
            "repeats": repeats,
            "resamples": resampling.resamples,
            "seed": resampling.seed,
            "best_single": members.names[best_single],
            "figures": {name: _figures(approaches) for name, approaches in figures.items()},
            "flags": [*members.remarks, *filled, *remarks(paired.notes)],
        },
    )


def _collect(challenge: Challenge, rows: Labelled, members: Members, average: Average) -> _Fitted:
    name, frames = rows.task.name, rows.copied
    answers, alone = members.answers[name], members.own(name)
    blend = blend_of(rows, answers[:, frames])
    apart = blend if alone is answers else blend_of(rows, alone[:, frames])
    singles = apart.moved(np.zeros(len(answers)), [(member, 1.0) for member in range(len(answers))])
    ranks = None
    if average == "rank":
        # ranks are those among all answered frames, annotated or not
        answers, ranks = ranks_for(rows.task, answers[:, members.answered])
        place = np.cumsum(members.answered) - 1
        blend = blend_of(rows, answers[:, place[frames]], None if ranks is None else ranks.threshold)
    return _Fitted(name, blend, whole_figure_of(challenge, rows), singles, ranks)


def _cross_fit(task: _Fitted, method: Method, plan: Plan) -> tuple[dict[Approach, CrossFit], tuple[float, ...]]:
    """What the approaches are worth in a task, and the weights that the method finds."""
    equal = crossfit(task.search("equal"), plan)
    parts: dict[Approach, CrossFit] = {
        "best_single": crossfit(joint(task.singles, task.figure), plan),
        "equal": equal,
    }
    if method == "equal":
        parts["ensemble"] = equal
        return parts, (1.0,) * task.blend.members
    search = task.search(method)
    parts["ensemble"] = crossfit(search, plan)
    (weights,) = search.fit(np.ones((1, search.clusters)))
    return parts, tuple(float(weight) for weight in weights)


def _best_single(tasks: Sequence[_Fitted], plan: Plan) -> tuple[int, CrossFit]:
    """The member with the highest score, the same one for all tasks, and what choosing it so is worth."""
    flat = np.concatenate([one.singles.reshape(*one.singles.shape[:2], -1) for one in tasks], axis=-1)
    ends = np.cumsum([int(np.prod(one.singles.shape[2:])) for one in tasks])

    def score(sums: Floats) -> Floats:
        # one row, so that it is a statistic of (width, cells) as any other
        columns = np.split(sums[..., 0, :], ends[:-1], axis=-1)
        parts = [
            one.figure(column.reshape(*column.shape[:-1], *one.singles.shape[2:]))
            for one, column in zip(tasks, columns, strict=True)
        ]
        return np.sum(parts, axis=0)

    search = joint(flat[:, :, None], score)
    return int(search.fit(np.ones((1, search.clusters)))[0, 0]), crossfit(search, plan)


def _figures(approaches: Mapping[Approach, CrossFit]) -> dict[str, dict[str, Any]]:
    """The figures of each approach as plain data, with what it gains over the best single member."""
    single = approaches["best_single"]
    result: dict[str, dict[str, Any]] = {}
    for name, one in approaches.items():
        resamples = {**one.resamples, "before": single.resamples["cross_fitted"]} if one.resamples else {}
        over_single = replace(one, before=single.cross_fitted, resamples=resamples)
        result[name] = {
            "in_sample": one.in_sample,
            "cross_fitted": one.cross_fitted,
            "interval": one.interval("cross_fitted"),
            "optimism": one.optimism,
            "gain": over_single.gain,
            "gain_interval": over_single.interval("gain"),
        }
    return result
