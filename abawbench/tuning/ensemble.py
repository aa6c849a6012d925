"""Ensembles: weights of members for each task, and what the ensemble gains over the best single member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from abawbench.base.problems import Problem, ProblemError, remarks
from abawbench.challenges import Challenge, Task
from abawbench.fill import MOST_FILLED, Policy
from abawbench.scoring.intervals import USUAL, Resampling, warning
from abawbench.scoring.score import Paired, pair, subjects_of
from abawbench.table import Floats, Mask, Rows, Table, video_of
from abawbench.tuning.blends import BLENDS, Blend, MemberRows, figure_of
from abawbench.tuning.crossfit import CrossFit, Plan, Search, added, crossfit, deal_folds
from abawbench.tuning.ensemble_weights import Average, EnsembleWeights, MemberFacts, Method
from abawbench.tuning.members import Members
from abawbench.tuning.rank_average import LabelRanks, ranks_for
from abawbench.tuning.tuned import truth_hash
from abawbench.tuning.weight_searches import Figure, Greedy, joint, simplex

# policies that copy the answers of one frame, so that an unanswered row has the same frame under all weights
COPYING: tuple[Policy, ...] = ("error", "previous", "nearest")
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


@dataclass(frozen=True, eq=False)
class _Truth:
    """The annotated rows, with the frame of the members' that each has its answer from.

    Attributes:
        paired: truth and the mean of all members.
        names: names of the clusters with an annotated row.
        cluster: index of each row's cluster, shape (rows,), -1 where it has no annotated row.
        frame: index of the frame of the members, shape (rows,).
        prior: mask of rows of units that no member answers, which have the prior of whatever is predicted.
    """

    paired: Paired
    names: tuple[str, ...]
    cluster: Rows
    frame: Rows
    prior: Mask

    @staticmethod
    def of(paired: Paired, subjects: Mapping[str, str] | None) -> _Truth:
        truth, rows = paired.truth, paired.prediction.probability
        assert rows is not None
        of_unit = [video_of(unit) for unit in truth.videos] if subjects is None else subjects_of(truth.videos, subjects)
        scored = np.unique(truth.video[np.logical_or.reduce(list(paired.valid.values()))])
        names = tuple(dict.fromkeys(of_unit[unit] for unit in scored.tolist()))
        place = {name: number for number, name in enumerate(names)}
        cluster = np.array([place.get(name, -1) for name in of_unit], np.int64)[truth.video]
        has_answer = np.zeros(len(truth.videos), bool)
        has_answer[truth.video[paired.alignment.rows >= 0]] = True
        return _Truth(paired, names, cluster, rows.astype(np.int64), ~has_answer[truth.video])

    def rows_of(self, task: Task) -> Mask:
        """Mask of the rows that a search uses. Raises: ProblemError T10, there are none."""
        rows = self.paired.valid[task.name] & ~self.prior
        if not rows.any():
            found, fix = f"no annotated row of {task.name} that a member answers", "give the truth of these videos"
            raise ProblemError(Problem("T10", found, "one at least", fix, self.paired.truth.source))
        return rows

    @property
    def sizes(self) -> Floats:
        """Number of annotated rows of each cluster, shape (clusters,)."""
        annotated = np.logical_or.reduce(list(self.paired.valid.values()))
        return np.bincount(self.cluster[annotated], minlength=len(self.names)).astype(np.float64)


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
    too. In a resample the weights are the best of those that the searches came by, at most 100 of them.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        members: the members.
        method: `greedy` selection with replacement, ascent on the `simplex`, or `equal` weights.
        average: what is averaged: probabilities, or ranks.
        missing: fill policy for annotated rows that no member answers, one of `COPYING`.
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
        ProblemError: the problems of `scoring.pair`; D24 too many folds; T10 a task without annotated rows; C02 a
            policy that interpolates.
    """
    if missing not in COPYING:
        fix = "take one that copies a frame, which is the same frame under all weights"
        raise ProblemError(Problem("C02", f"--missing {missing}", ", ".join(COPYING), fix))
    paired = pair(challenge, truth, members.numbered_rows(challenge), missing=missing, allow_filled=allow_filled)
    known = _Truth.of(paired, resampling.subjects)
    dealt = deal_folds(known.sizes, folds=folds, repeats=repeats, seed=resampling.seed, what=f"{resampling.unit}s")
    plan = Plan(dealt, resampling.resamples, resampling.seed)
    tasks = [_collect(challenge, task, known, members, average) for task in challenge.tasks]
    weights: dict[str, tuple[float, ...]] = {}
    parts: dict[str, dict[Approach, CrossFit]] = {}
    for one in tasks:
        if tell is not None:
            tell(f"{one.name}: {method} weights of {len(members.names)} members over {len(known.names)} clusters")
        parts[one.name], weights[one.name] = _cross_fit(one, method, plan)
    best_single, of_single = _best_single(tasks, plan)
    whole: dict[Approach, CrossFit] = {
        "best_single": of_single,
        "equal": added([part["equal"] for part in parts.values()]),
        "ensemble": added([part["ensemble"] for part in parts.values()]),
    }
    figures = {"score": whole} | (parts if len(tasks) > 1 else {})
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
        videos=tuple(truth.videos[unit] for unit in np.unique(truth.video[known.cluster >= 0]).tolist()),
        report={
            "unit": resampling.unit,
            "clusters": len(known.names),
            "warning": warning(len(known.names), resampling.unit),
            "folds": folds,
            "repeats": repeats,
            "resamples": resampling.resamples,
            "seed": resampling.seed,
            "best_single": members.names[best_single],
            "figures": {name: _figures(approaches) for name, approaches in figures.items()},
            "flags": [*_flags(members, known), *remarks(paired.notes)],
        },
    )


def _collect(challenge: Challenge, task: Task, known: _Truth, members: Members, average: Average) -> _Fitted:
    rows = known.rows_of(task)
    frames = known.frame[rows]
    truth = known.paired.truth.values[task.name][rows]
    centre = truth.mean(0) if task.is_real else np.zeros(0)
    pilots = [np.stack([centre, centre], axis=1)] if task.is_real else []
    answers, alone, kind = members.answers[task.name], members.own(task.name), BLENDS[type(task)]
    own = MemberRows(answers[:, frames], truth, known.cluster[rows], len(known.names))
    blend = kind(own, centre)
    apart = blend if alone is answers else kind(replace(own, answers=alone[:, frames]), centre)
    singles = apart.moved(np.zeros(own.members), [(member, 1.0) for member in range(own.members)])
    ranks = None
    if average == "rank":
        # ranks are those among all answered frames, annotated or not
        answers, ranks = ranks_for(task, answers[:, members.answered])
        place = np.cumsum(members.answered) - 1
        threshold = None if ranks is None else ranks.threshold
        blend = kind(replace(own, answers=answers[:, place[frames]], thresholds=threshold), centre)
    return _Fitted(task.name, blend, figure_of(challenge, task, pilots), singles, ranks)


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


def _flags(members: Members, known: _Truth) -> list[str]:
    flags = [
        f"{name} does not answer {lacking:,} of {int(members.answered.sum()):,} frames: there the mean of the members "
        "that do stands in for it"
        for name, lacking in zip(members.names, members.stood_in.tolist(), strict=True)
        if lacking
    ]
    for task, columns in members.columns.items():
        for name, own in zip(members.names, columns, strict=True):
            if not own.all():
                flags.append(
                    f"{name} answers {int(own.sum())} of {len(own)} columns of {task}: for the others the mean of the "
                    "members that do stands in"
                )
    if known.paired.filled:
        flags.append(f"rows that no member answers were filled: {known.paired.answers.describe()}")
    if known.prior.any():
        flags.append(
            f"{int(known.prior.sum()):,} rows are of units that no member answers: the search leaves them out, and "
            "`score` gives them the prior"
        )
    return flags
