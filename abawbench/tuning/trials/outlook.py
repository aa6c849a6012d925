"""What trials are expected to score on other splits: their own worth, the luck of a split, and the gain of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt
from statistics import NormalDist

import numpy as np

from abawbench.challenges import Challenge
from abawbench.metrics.bootstrap import blocks, collapsed, draws, weighted
from abawbench.scoring.criteria import Path, evaluate
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats


@dataclass(frozen=True, eq=False)
class Outlook:
    """The scores that trials are expected to have on other splits of the same size.

    High scores here are partly luck. How much they differ beyond the errors that trials do not share says how much of
    their differences is worth: this share of each trial's distance from the mean of all is kept.

    Attributes:
        share: share of the differences that is kept, from 0 (all trials are equally good) to 1.
        worth: expected score of each trial, shape (trials,).
        luck: what a split adds to each trial, with mean 0, shape (splits, trials).
        values: scores on other splits, shape (splits, trials): worth, what is not known about it, and luck.
    """

    share: float
    worth: Floats
    luck: Floats
    values: Floats

    @staticmethod
    def of(scores: Floats, resampled: Floats, seed: int) -> Outlook:
        """The outlook from the scores here, shape (trials,), and on resamples of this split, shape (resamples, trials).

        Source: Efron and Morris 1975, JASA 70(350), for the worth of exchangeable trials; what is not known about it
        has the share-fold variance of the errors that trials do not share.
        """
        luck = resampled - resampled.mean(0)
        # errors that all trials share change no choice
        own = luck - luck.mean(1, keepdims=True)
        noise = float((own * own).sum(1).mean()) / (luck.shape[1] - 1)
        spread = float(scores.var(ddof=1))
        share = max(0.0, 1 - noise / spread) if spread > 0 else 0.0
        worth = scores.mean() + share * (scores - scores.mean())
        unknown = np.sqrt(share) * np.random.default_rng(seed).permutation(own)
        return Outlook(share, worth, luck, worth + unknown + luck)

    def chances(self, chosen: Sequence[int]) -> Floats:
        """The probability of each of the chosen trials to be the best of them; equally good ones share it."""
        return _shares(self.values[:, list(chosen)]).mean(0)

    def luck_of_best(self, chosen: Sequence[int]) -> float:
        """By how much the score of the best of the chosen trials is expected to lie above that trial's own worth."""
        places = list(chosen)
        return float((_shares(self.values[:, places]) * self.luck[:, places]).sum(1).mean())

    def correlation(self, chosen: Sequence[int]) -> Floats:
        """Correlations of the luck of the chosen trials; NaN for a trial whose score does not vary."""
        own = self.luck[:, list(chosen)]
        spread = np.sqrt((own * own).sum(0))
        outer = np.outer(spread, spread)
        return np.divide(own.T @ own, outer, out=np.full(outer.shape, np.nan), where=outer > 0)


def _shares(values: Floats) -> Floats:
    """For each row, 1 at the highest value; several highest ones share it."""
    is_best = values == values.max(1, keepdims=True)
    return is_best / is_best.sum(1, keepdims=True)


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
