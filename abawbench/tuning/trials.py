"""Which trials to send: the set with the highest expected best, and how much the best of several flatters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.metrics.bootstrap import blocks, collapsed, draws, weighted
from abawbench.scoring.criteria import Path, evaluate, number
from abawbench.scoring.intervals import USUAL, Resampling, percentiles, warning
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats
from abawbench.tuning.optimism import expected_private

# trials that most tracks take
SEND = 5
# cells of resamples x trials that the exact search may look at: some seconds
MOST_CELLS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Selection:
    """A set of trials, and what is known about how good it is.

    Attributes:
        chosen: places of the trials, the one that adds most first.
        method: `exact` where no set of this size is expected to be better, else `greedy`.
        expected_best: mean over the resamples of the best score of the set.
        shortfall: the most by which another set of this size may be better; 0 for an exact one.
    """

    chosen: tuple[int, ...]
    method: Literal["exact", "greedy"]
    expected_best: float
    shortfall: float


def expected_best(values: Floats, chosen: Sequence[int]) -> float:
    """Mean over the resamples of the highest value of the chosen trials.

    Args:
        values: figure of each trial on each resample, shape (resamples, trials).
        chosen: places of the trials, one at least.

    >>> expected_best(np.array([[0.0, 1.0], [3.0, 2.0]]), [0, 1])
    2.0
    """
    return float(values[:, list(chosen)].max(1).mean())


def select(values: Floats, send: int, most_cells: int = MOST_CELLS) -> Selection:
    """Select the trials whose best is expected to be highest.

    The expected best is monotone and submodular, so adding the trial that gains most reaches at least 1 - 1/e of what
    the best set gains over the lowest value of all; the gains that are left bound the shortfall far better. A search
    over all sets (depth first, pruned by that bound) then makes it exact, unless that takes too long.

    Args:
        values: figure of each trial on each resample, shape (resamples, trials), without NaN.
        send: number of trials to select; all where there are no more.
        most_cells: number of values that the exact search may look at.

    Source: Nemhauser, Wolsey and Fisher 1978, Mathematical Programming 14.
    """
    send = min(send, values.shape[1])
    greedy = _greedy(values, send)
    search = _Search(values, greedy, expected_best(values, greedy), most_cells)
    found = search.run(send)
    if found is not None:
        return Selection(_ordered(values, found), "exact", search.best, 0.0)
    reached = values[:, list(greedy)].max(1)
    gains = np.sort(np.maximum(values - reached[:, None], 0).mean(0))[::-1]
    return Selection(greedy, "greedy", search.best, float(gains[:send].sum()))


def _greedy(values: Floats, send: int) -> tuple[int, ...]:
    chosen: list[int] = []
    reached = np.full(len(values), values.min())
    for _ in range(send):
        totals = np.maximum(values, reached[:, None]).mean(0)
        totals[chosen] = -np.inf
        chosen.append(int(totals.argmax()))
        reached = np.maximum(reached, values[:, chosen[-1]])
    return tuple(chosen)


def _ordered(values: Floats, chosen: tuple[int, ...]) -> tuple[int, ...]:
    """The same trials, the one that adds most first."""
    places = sorted(chosen)
    return tuple(places[place] for place in _greedy(values[:, places], len(places)))


class _Search:
    """Depth-first search over sets of trials, pruned where the gains that are left cannot reach the best set so far."""

    def __init__(self, values: Floats, chosen: tuple[int, ...], best: float, most_cells: int) -> None:
        self._values = values
        self._chosen = chosen
        self._cells = most_cells
        self.best = best

    def run(self, send: int) -> tuple[int, ...] | None:
        """The best set, or None where the search was given up."""
        start = np.full(len(self._values), self._values.min())
        self._extend((), start, np.arange(self._values.shape[1]), send)
        return self._chosen if self._cells >= 0 else None

    def _extend(self, chosen: tuple[int, ...], reached: Floats, candidates: NDArray[np.int64], left: int) -> None:
        self._cells -= len(reached) * len(candidates)
        if self._cells < 0:
            return
        totals = np.maximum(self._values[:, candidates], reached[:, None]).mean(0)
        order = np.argsort(-totals, kind="stable")
        candidates, totals = candidates[order], totals[order]
        base = float(reached.mean())
        if left == 1:
            if totals[0] > self.best:
                self.best, self._chosen = float(totals[0]), (*chosen, int(candidates[0]))
            return
        # sets that begin with this candidate gain at most what it and the next ones gain one by one
        sums = np.concatenate(([0.0], np.cumsum(totals - base)))
        for place in range(len(candidates) - left + 1):
            if base + sums[place + left] - sums[place] <= self.best:
                return
            trial = int(candidates[place])
            higher = np.maximum(reached, self._values[:, trial])
            self._extend((*chosen, trial), higher, candidates[place + 1 :], left - 1)


def normal_gain(count: int, spread: float, correlation: float) -> float:
    """How far the best of several equally good trials is expected to lie above each of them, if scores are normal.

    Args:
        count: number of trials.
        spread: standard deviation of each score over splits of this size.
        correlation: correlation of the errors of any two trials.

    Source: the expected maximum of standard normal variables, times the standard deviation of what they do not share.

    >>> [round(normal_gain(5, 0.0357, correlation), 3) for correlation in (0.0, 0.5)]
    [0.042, 0.029]
    """
    normal, step = NormalDist(), 0.01
    grid = np.arange(-10, 10, step)
    below = np.array([normal.cdf(point) for point in grid.tolist()])
    density = np.exp(-grid * grid / 2) / sqrt(2 * pi)
    highest = float((grid * count * density * below ** (count - 1)).sum() * step)
    return spread * sqrt(max(1 - correlation, 0.0)) * highest


def resampled_scores(
    challenge: Challenge, trials: Sequence[Statistics], resamples: int, seed: int
) -> tuple[Path, Floats, Floats]:
    """The figure of every trial on the split, and on resamples of its videos that all trials share.

    Args:
        challenge: the challenge.
        trials: statistics of each trial about the same pilots, with the same groups in the same order.
        resamples: number of resamples.
        seed: seed of the resampling.

    Returns:
        The figure's path (the score, or the first defined figure of a challenge without one), its values of shape
        (trials,), and those on resamples, shape (resamples, trials); resamples without a defined figure are left out.
    """
    pilots = trials[0].pilots
    totals = [evaluate(challenge, trial.total, pilots) for trial in trials]
    main = next(path for path, value in totals[0].items() if not np.isnan(value))
    everything = {f"{place} {task}": array for place, trial in enumerate(trials) for task, array in trial.tasks.items()}
    different, multiplicity = collapsed(everything)
    parts: list[Floats] = []
    for begin, size in blocks(resamples, len(multiplicity)):
        weights = draws(multiplicity, size, seed + begin)
        columns: list[Floats] = []
        for place in range(len(trials)):
            sums = weighted({task: different[f"{place} {task}"] for task in trials[0].tasks}, weights)
            columns.append(evaluate(challenge, sums, pilots)[main])
        parts.append(np.stack(columns, axis=1))
    values = np.concatenate(parts)
    scores = np.array([float(total[main]) for total in totals])
    return main, scores, values[~np.isnan(values).any(1)]


def plan_trials(
    challenge: Challenge,
    names: Sequence[str],
    trials: Sequence[Statistics],
    *,
    send: int = SEND,
    resampling: Resampling = USUAL,
) -> dict[str, Any]:
    """Plan which trials to send, which to name beforehand, and what their best score will be worth.

    The resamples of videos stand for other splits of the same size, on which each trial is expected to score as it does
    here. All trials are scored on the same resamples, so that their errors are as alike as the trials are.

    Args:
        challenge: the challenge.
        names: name of each trial.
        trials: statistics of each trial, from `inputs.comparable_statistics`.
        send: number of trials that may be sent.
        resampling: number of resamples and seed; the statistics are by its unit already.

    Returns:
        challenge, fingerprint, figure, unit, clusters, warning, resamples, seed, trials (all, by score: name, score,
        expected, interval, probability_best), send (`method`, `shortfall`, `named`, and `trials`: name, expected,
        adds, probability_best among those sent), expected_best, expected_named, flatters (expected best minus expected
        score of the one named), inflation (by how much the winner's score is expected to lie above what the winner
        scores on average: `sent`, of the set that is sent, and `all`, of all trials, as of the best score here),
        top_scores (expected best of those with the highest scores), correlation (`mean` and `matrix` of those sent),
        spread, normal_gain (gain of the best of as many equally good trials of this spread and correlation),
        expected_private (of the one named, if the split is one that teams see; or None), flags.

    Raises:
        ProblemError: C02, fewer than two trials or clusters.
    """
    clusters = len(trials[0].groups) if trials else 0
    if len(trials) < 2 or clusters < 2:
        found = f"{len(trials)} trials" if len(trials) < 2 else f"{clusters} {resampling.unit} with labels"
        fix = "name the predictions of every trial that you have, over two videos at least"
        raise ProblemError(Problem("C02", found, f"two trials and two {resampling.unit}s at least", fix))
    main, scores, values = resampled_scores(challenge, trials, resampling.resamples, resampling.seed)
    selection = select(values, send)
    chosen = list(selection.chosen)
    means = values.mean(0)
    named = max(chosen, key=lambda place: (means[place], -place))
    order = np.argsort(-scores, kind="stable")
    matrix = _correlation(values[:, chosen])
    between = matrix[~np.eye(len(chosen), dtype=bool)]
    mean_correlation = float(between.mean()) if len(between) else float("nan")
    spread = float(values[:, chosen].std(0, ddof=1).mean())
    of_all, of_sent = _chances(values), _chances(values[:, chosen])
    adds = np.diff([expected_best(values, chosen[: place + 1]) for place in range(len(chosen))], prepend=0.0)
    # published pairs are of scores
    expectation = expected_private(challenge, float(scores[named])) if main == ("score",) else None
    return {
        "challenge": challenge.id,
        "fingerprint": challenge.fingerprint,
        "figure": ".".join(main),
        "unit": resampling.unit,
        "clusters": clusters,
        "warning": warning(clusters, resampling.unit),
        "resamples": len(values),
        "seed": resampling.seed,
        "trials": [
            {
                "name": names[place],
                "score": float(scores[place]),
                "expected": float(means[place]),
                "interval": percentiles(values[:, place]),
                "probability_best": float(of_all[place]),
            }
            for place in order
        ],
        "send": {
            "method": selection.method,
            "shortfall": selection.shortfall,
            "named": names[named],
            "trials": [
                {
                    "name": names[place],
                    "score": float(scores[place]),
                    "expected": float(means[place]),
                    "adds": float(more),
                    "probability_best": float(chance),
                }
                for place, more, chance in zip(chosen, adds, of_sent, strict=True)
            ],
        },
        "expected_best": selection.expected_best,
        "expected_named": float(means[named]),
        "flatters": selection.expected_best - float(means[named]),
        "inflation": {"sent": inflation(values[:, chosen]), "all": inflation(values)},
        "top_scores": expected_best(values, order[: len(chosen)].tolist()),
        "correlation": {"mean": number(mean_correlation), "matrix": [[number(v) for v in row] for row in matrix]},
        "spread": spread,
        "normal_gain": None if np.isnan(mean_correlation) else normal_gain(len(chosen), spread, mean_correlation),
        "expected_private": None if expectation is None else expectation.to_json(),
        "flags": _alike(names, trials, resampling.unit),
    }


def inflation(values: Floats) -> float:
    """By how much a resample's best score is expected to lie above what the same trial scores on average.

    Args:
        values: figure of each trial on each resample, shape (resamples, trials).
    """
    return float(values.max(1).mean() - (_chances(values) * values.mean(0)).sum())


def _chances(values: Floats) -> Floats:
    """The share of resamples in which each trial is the best; several best ones share a resample."""
    is_best = values == values.max(1, keepdims=True)
    return (is_best / is_best.sum(1, keepdims=True)).mean(0)


def _correlation(values: Floats) -> Floats:
    """Correlations of the trials' figures over the resamples; NaN for a trial whose figure does not vary."""
    centred = values - values.mean(0)
    spread = np.sqrt((centred * centred).sum(0))
    outer = np.outer(spread, spread)
    return np.divide(centred.T @ centred, outer, out=np.full(outer.shape, np.nan), where=outer > 0)


def _alike(names: Sequence[str], trials: Sequence[Statistics], unit: str) -> list[str]:
    """Remarks on trials that answer alike, of which only one is worth sending."""
    seen: dict[bytes, str] = {}
    flags: list[str] = []
    for name, trial in zip(names, trials, strict=True):
        key = b"".join(array.tobytes() for array in trial.tasks.values())
        first = seen.setdefault(key, name)
        if first != name:
            flags.append(f"{name} scores like {first} in every {unit}, so one of them adds nothing")
    return flags
