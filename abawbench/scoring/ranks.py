"""Ranks of several predictions: the ranges that a split leaves open, tiers, and how probable each rank is."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abawbench.metrics.jackknife import ROUNDING, jackknives_of, student_shares
from abawbench.scoring.intervals import LEVEL, RESAMPLES
from abawbench.table import Floats

Order = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranks:
    """Ranks of entries, 1 for the highest figure, in the order of the entries.

    Attributes:
        ranks: shape (entries,), the plain rank; equal figures share the better one.
        ranges: shape (entries, 2), best and worst rank. All ranges hold the true rank together with the level.
        tiers: shape (entries,), from 1; every entry of a tier is not separated from its leader, the highest of it.
        probability: shape (entries, entries), by entry the share of resamples in which it has rank 1, 2, ...; equal
            entries share their ranks evenly.
    """

    ranks: Order
    ranges: Order
    tiers: Order
    probability: Floats

    def to_json(self) -> list[dict[str, Any]]:
        """By entry: rank, range ([best, worst]), tier, probability (of rank 1, 2, ...)."""
        columns = (self.ranks.tolist(), self.ranges.tolist(), self.tiers.tolist(), self.probability.tolist())
        return [
            {"rank": rank, "range": reach, "tier": tier, "probability": probability}
            for rank, reach, tier, probability in zip(*columns, strict=True)
        ]


def rank_ranges(
    figures: ArrayLike, samples: Floats, *, above: NDArray[np.bool_] | None = None, level: float = LEVEL
) -> Ranks:
    """Rank entries by a figure, with what resampling leaves open.

    The best rank of an entry is 1 plus the number of entries that are separated from it and above; the worst leaves out
    those below it that are separated. By the resamples, two entries are separated where the interval of their
    difference excludes 0. The intervals hold together: their half-width is the same multiple of the standard deviation
    of each difference, and the multiple is the quantile of the greatest deviation of all pairs in a resample.

    Args:
        figures: shape (entries,), the figure of each; all defined.
        samples: shape (entries, resamples), the figure of each in the same resamples; resamples in which some figure
            is undefined do not count.
        above: shape (entries, entries), where the entry of the row is separated from that of the column and above it,
            as `separated` or tests of all pairs say. By default the resamples say it, which is right for the normal
            draws of `rank_ranges_from`; resamples of few clusters separate too much.
        level: probability that all ranges hold.

    Source: Mogstad, Romano, Shaikh & Wilhelm 2024, Review of Economic Studies 91(1), "Inference for Ranks".
    """
    points = np.asarray(figures, np.float64)
    drawn = samples[:, ~np.isnan(samples).any(0)]
    above = _separated(points, drawn, level) if above is None else above
    return Ranks(
        ranks=1 + (points[None] > points[:, None]).sum(1),
        ranges=np.stack([1 + above.sum(0), len(points) - above.sum(1)], axis=1),
        tiers=_tiers(points, above),
        probability=_probability(drawn),
    )


def separated(figures: ArrayLike, without: Floats, *, level: float = LEVEL) -> NDArray[np.bool_]:
    """Where the jackknife interval of a difference excludes 0, at an error rate for all pairs together (Bonferroni).

    Args:
        figures: shape (entries,), the figure of each.
        without: shape (entries, clusters), the figure of each with every cluster left out in turn.
        level: probability that no pair is separated wrongly.

    Returns:
        Shape (entries, entries), where the entry of the row is above that of the column by more than chance.
    """
    points = np.asarray(figures, np.float64)
    above = np.zeros((len(points), len(points)), np.bool_)
    share = 1 - (1 - level) / 2 / max(len(points) * (len(points) - 1) / 2, 1)
    for entry in range(len(points)):
        below = np.flatnonzero(points[entry] - points > ROUNDING)
        change = points[entry] - points[below]
        found = jackknives_of(change, without[entry] - without[below])
        distance = change - found.bias
        # a t distribution has longer tails than a normal one
        far = np.flatnonzero(distance > NormalDist().inv_cdf(share) * found.error)
        with np.errstate(divide="ignore"):
            reached = student_shares(distance[far] / found.error[far], found.freedom[far])
        above[entry, below[far[reached > share]]] = True
    return above


def rank_ranges_from(
    figures: ArrayLike, standard_errors: ArrayLike, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Ranks:
    """Rank entries of which only figures and their standard errors are known, as if their errors were independent.

    Entries that are scored on the same videos mostly err together, so their differences are smaller than this assumes
    and the ranges are too wide rather than too narrow.

    Args:
        figures: shape (entries,).
        standard_errors: shape (entries,), from 0.
        level: probability that all ranges hold.
        resamples: number of draws.
        seed: seed of the draws.
    """
    points, errors = np.asarray(figures, np.float64), np.asarray(standard_errors, np.float64)
    draws = np.random.default_rng(seed).standard_normal((len(points), resamples))
    return rank_ranges(points, points[:, None] + errors[:, None] * draws, level=level)


def _separated(points: Floats, samples: Floats, level: float) -> NDArray[np.bool_]:
    """Where the entry of the row is above that of the column by more than chance, shape (entries, entries)."""
    entries, resamples = samples.shape
    if resamples < 2:
        return np.zeros((entries, entries), np.bool_)
    greatest, spread = np.zeros(resamples), np.zeros((entries, entries))
    for entry in range(entries - 1):
        later = slice(entry + 1, None)
        change = samples[entry] - samples[later]
        deviation = change.std(1, ddof=1)
        spread[entry, later] = spread[later, entry] = deviation
        differs = deviation > 0
        centred = change[differs] - (points[entry] - points[later])[differs, None]
        greatest = np.maximum(greatest, np.max(np.abs(centred) / deviation[differs, None], axis=0, initial=0.0))
    return points[:, None] - points[None] > np.quantile(greatest, level) * spread


def _tiers(points: Floats, above: NDArray[np.bool_]) -> Order:
    tiers = np.ones(len(points), np.int64)
    order = np.argsort(-points, kind="stable")
    leader, tier = order[:1], 1
    for entry in order:
        if above[leader, entry]:
            leader, tier = entry, tier + 1
        tiers[entry] = tier
    return tiers


def _probability(samples: Floats) -> Floats:
    entries, resamples = samples.shape
    probability = np.zeros((entries, entries))
    for entry, own in enumerate(samples):
        higher, equal = (samples > own).sum(0), (samples == own).sum(0)
        for ties in np.unique(equal):
            first = np.bincount(higher[equal == ties], minlength=entries)
            for shift in range(int(ties)):
                probability[entry, shift:] += first[: entries - shift] / ties
    return probability / max(resamples, 1)
