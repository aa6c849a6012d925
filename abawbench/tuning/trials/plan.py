"""Which trials to send: the set with the highest expected best, and how much the best of several flatters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.scoring.criteria import number
from abawbench.scoring.intervals import FEW_RESAMPLED, USUAL, Resampling, percentiles, warning
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats
from abawbench.tuning.trials.optimism import expected_private
from abawbench.tuning.trials.outlook import Outlook, normal_gain, resampled_scores

# trials that most tracks take
SEND = 5
# cells of resamples x trials that the exact search may compute: some seconds
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
        most_cells: number of values that the exact search may compute.

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


def plan_trials(
    challenge: Challenge,
    names: Sequence[str],
    trials: Sequence[Statistics],
    *,
    send: int = SEND,
    resampling: Resampling = USUAL,
) -> dict[str, Any]:
    """Plan which trials to send, which to name beforehand, and what their best score will be worth.

    The resamples of videos stand for other splits of the same size. All trials are scored on the same resamples, so
    that their errors are as alike as the trials are; what they are worth on average is in `Outlook`.

    Args:
        challenge: the challenge.
        names: name of each trial.
        trials: statistics of each trial, from `several.comparable_statistics`.
        send: number of trials that may be sent.
        resampling: number of resamples and seed; the statistics are by its unit already.

    Returns:
        challenge, fingerprint, figure, unit, clusters, warning, resamples, seed, kept (share of the differences between
        the scores that is not luck), trials (all, by score: name, score, expected, interval of the score,
        probability_best), send (`method`, `shortfall`, `named`, and `trials`: name, score, expected, adds,
        probability_best among those sent), expected_best, expected_named, flatters (expected best minus expected score
        of the one named), inflation (`sent`: by how much the winner's score is expected to lie above its own worth;
        `all`: by how much the highest score of this split does), top_scores (expected best of those with the highest
        scores), correlation (`mean` and `matrix` of the errors of those sent), spread (standard deviation of their
        scores over splits), normal_gain (gain of the best of as many equally good trials of this spread and
        correlation), expected_private (of the one named, if the split is one that teams see; or None), flags.

    Raises:
        ProblemError: C02, fewer than two trials or clusters.
    """
    clusters = len(trials[0].groups) if trials else 0
    if len(trials) < 2 or clusters < 2:
        found = f"{len(trials)} trials" if len(trials) < 2 else f"{clusters} {resampling.unit} with labels"
        fix = "name the predictions of every trial that you have, over two videos at least"
        raise ProblemError(Problem("C02", found, f"two trials and two {resampling.unit}s at least", fix))
    main, scores, resampled = resampled_scores(challenge, trials, resampling.resamples, resampling.seed)
    outlook = Outlook.of(scores, resampled, resampling.seed)
    selection = select(outlook.values, send)
    order = np.argsort(-scores, kind="stable")
    everyone = range(len(trials))
    known = [
        {"name": name, "score": float(score), "expected": float(worth)}
        for name, score, worth in zip(names, scores, outlook.worth, strict=True)
    ]
    chances = outlook.chances(everyone)
    return {
        "challenge": challenge.id,
        "fingerprint": challenge.fingerprint,
        "figure": ".".join(main),
        "unit": resampling.unit,
        "clusters": clusters,
        "warning": warning(clusters, resampling.unit, FEW_RESAMPLED),
        "resamples": len(resampled),
        "seed": resampling.seed,
        "kept": outlook.share,
        "trials": [
            known[place] | {"interval": percentiles(resampled[:, place]), "probability_best": float(chances[place])}
            for place in order
        ],
        **_sent(outlook, selection, known),
        "top_scores": expected_best(outlook.values, order[: len(selection.chosen)].tolist()),
        # published pairs are of scores
        "expected_private": _expected_private(challenge, selection, known) if main == ("score",) else None,
        "flags": _alike(names, trials, resampling.unit),
    }


def _named(selection: Selection, known: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The trial to name beforehand: the one of the highest expected score among those that are sent."""
    return max((known[place] for place in selection.chosen), key=lambda trial: trial["score"])


def _sent(outlook: Outlook, selection: Selection, known: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is known about the trials that are sent; see `plan_trials`."""
    chosen, named = list(selection.chosen), _named(selection, known)
    matrix = outlook.correlation(chosen)
    between = matrix[~np.eye(len(chosen), dtype=bool)]
    correlation = float(between.mean()) if len(between) else float("nan")
    spread = float(outlook.luck[:, chosen].std(0).mean())
    reached = [expected_best(outlook.values, chosen[: place + 1]) for place in range(len(chosen))]
    best = int(np.argmax([trial["score"] for trial in known]))
    return {
        "send": {
            "method": selection.method,
            "shortfall": selection.shortfall,
            "named": named["name"],
            "trials": [
                known[place] | {"adds": float(more), "probability_best": float(chance)}
                for place, more, chance in zip(
                    chosen, np.diff(reached, prepend=0.0), outlook.chances(chosen), strict=True
                )
            ],
        },
        "expected_best": selection.expected_best,
        "expected_named": named["expected"],
        "flatters": selection.expected_best - named["expected"],
        "inflation": {
            "sent": outlook.luck_of_best(chosen),
            "all": known[best]["score"] - known[best]["expected"],
        },
        "correlation": {"mean": number(correlation), "matrix": [[number(value) for value in row] for row in matrix]},
        "spread": spread,
        "normal_gain": None if np.isnan(correlation) else normal_gain(len(chosen), spread, correlation),
    }


def _expected_private(
    challenge: Challenge, selection: Selection, known: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    expected = expected_private(challenge, _named(selection, known)["score"])
    return None if expected is None else expected.to_json()


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
