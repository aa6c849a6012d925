"""Face identification and verification: rates from similarity scores, exact where scores are tied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.metrics.bootstrap import Counts, blocks, draws, percentile_interval, resampled
from abawbench.metrics.concordance import same_length
from abawbench.metrics.groups import Floats, Groups

RESAMPLES = 2_000
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Roc:
    """The trade-off of verification, from the strictest threshold to the one that accepts every pair.

    Attributes:
        threshold: the distinct scores, descending, shape (thresholds,); a pair is accepted from the threshold on.
        false_accept: share of the pairs of two people that are accepted, shape (..., thresholds).
        true_accept: share of the pairs of one person that are accepted, shape (..., thresholds).
    """

    threshold: Floats
    false_accept: Floats
    true_accept: Floats

    def true_accept_at(self, rate: float) -> Floats:
        """The greatest share of accepted pairs of one person with at most this share of false accepts.

        Args:
            rate: greatest share of false accepts, from 0 to 1.

        Returns:
            Shape (...), values in [0, 1]; 0 where even the strictest threshold accepts too many, NaN without pairs of
            either sort.
        """
        if not len(self.threshold):
            return np.full(self.true_accept.shape[:-1], np.nan)
        # no interpolation: a threshold cannot take a part of the pairs whose scores are equal
        allowed = np.count_nonzero(self.false_accept <= rate, axis=-1)[..., None]
        reached = np.take_along_axis(self.true_accept, np.maximum(allowed - 1, 0), axis=-1)
        is_undefined = np.isnan(self.false_accept[..., -1:] + self.true_accept[..., -1:])
        return np.where(is_undefined, np.nan, np.where(allowed > 0, reached, 0.0))[..., 0]


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate in [0, 1] and its percentile interval over resampled identities; None where undefined."""

    value: float | None
    interval: tuple[float, float] | None


def first_ranks(scores: ArrayLike, gallery: ArrayLike, probes: ArrayLike) -> Floats:
    """Success of the best match of each probe: closed-set identification at rank 1, before it is averaged.

    Args:
        scores: similarity of each probe to each gallery picture, shape (probes, gallery); the higher, the more alike.
        gallery: identity of each gallery picture, shape (gallery,), integers.
        probes: identity of each probe, shape (probes,), integers, each of which is in the gallery.

    Returns:
        Shape (probes,), 1 where the best gallery picture shows the same person, else 0; where several are equally
        good, the share of these that do, which is what a random choice among them finds on average.

    Raises:
        ProblemError: C02, the shapes do not fit, a score is not a number, or a probe is not in the gallery.
    """
    table, known, wanted = np.asarray(scores, np.float64), np.asarray(gallery), np.asarray(probes)
    if table.shape != (len(wanted), len(known)) or not len(known):
        expected = f"shape ({len(wanted)}, {len(known)}), with a picture in the gallery"
        raise ProblemError(Problem("C02", f"scores of shape {table.shape}", expected, "score probes by gallery"))
    _require_numbers(table)
    strangers = np.setdiff1d(wanted, known)
    if len(strangers):
        found = f"{len(strangers)} identities of probes without a gallery picture, as {strangers[0]}"
        fix = "leave their probes out: nothing in the gallery is right for them"
        raise ProblemError(Problem("C02", found, "closed-set identification", fix, count=len(strangers)))
    is_best = table == table.max(axis=1, keepdims=True)
    is_same = wanted[:, None] == known
    return np.count_nonzero(is_best & is_same, axis=1) / np.count_nonzero(is_best, axis=1)


def rank_one(scores: ArrayLike, gallery: ArrayLike, probes: ArrayLike) -> float:
    """Rank-1 identification rate: the share of probes whose most similar gallery picture shows the same person.

    Arguments, ties and errors are those of `first_ranks`.

    Returns:
        Value in [0, 1]; NaN without probes.

    Source: Phillips, Grother and Micheals 2011, Handbook of Face Recognition, chapter 21.

    >>> rank_one([[0.9, 0.1], [0.8, 0.2], [0.5, 0.5]], gallery=[0, 1], probes=[0, 1, 1])
    0.5
    """
    successes = first_ranks(scores, gallery, probes)
    return float(successes.mean()) if len(successes) else np.nan


def rank_one_rate(
    scores: ArrayLike, gallery: ArrayLike, probes: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> Rate:
    """Rank-1 identification rate with an interval from resampled identities of the probes; the gallery stays whole.

    Args:
        scores: similarity of each probe to each gallery picture, shape (probes, gallery).
        gallery: identity of each gallery picture, shape (gallery,), integers.
        probes: identity of each probe, shape (probes,), integers, each of which is in the gallery.
        resamples: number of resamples.
        seed: seed of the resampling.

    Raises:
        ProblemError: C02, as `first_ranks`.
    """
    successes = first_ranks(scores, gallery, probes)
    people, place = np.unique(np.asarray(probes), return_inverse=True)
    # by person: successes, and number of probes
    people_of = Groups.of(place, len(people))
    sums = np.stack([people_of.sum(successes), people_of.sum(np.ones(len(place)))], axis=-1)

    def share(tasks: Mapping[str, Floats]) -> dict[str, Floats]:
        return {"rank one": tasks["probes"][..., 0] / tasks["probes"][..., 1]}

    if len(people) < 2:
        return Rate(float(successes.mean()) if len(people) else None, None)
    samples = resampled({"probes": sums}, share, resamples=resamples, seed=seed)["rank one"]
    return Rate(float(successes.mean()), percentile_interval(samples, LEVEL))


def roc(same: ArrayLike, scores: ArrayLike) -> Roc:
    """The trade-off of verification from the scores of pairs, with one point for each distinct score.

    Args:
        same: shape (pairs,), True for pairs of one person.
        scores: similarity of each pair, shape (pairs,); the higher, the more alike.

    Raises:
        ProblemError: C02, the shapes differ, or a score is not a number.
    """
    is_same, score = np.asarray(same, np.bool_), np.asarray(scores, np.float64)
    same_length(is_same, score)
    _require_numbers(score)
    order = np.argsort(-score)
    return _roc_of_sorted(is_same[order], score[order], np.ones(len(score)))


def verification_rate(same: ArrayLike, scores: ArrayLike, *, false_accepts: float) -> float:
    """Verification rate: the share of pairs of one person accepted where few pairs of two people are accepted.

    The threshold is the lowest one whose share of false accepts is not above the given one. Equal scores are accepted
    together, and nothing is interpolated. With fewer than 1 / false_accepts pairs of two people, none may be accepted.

    Args:
        same: shape (pairs,), True for pairs of one person.
        scores: similarity of each pair, shape (pairs,); the higher, the more alike.
        false_accepts: greatest share of accepted pairs of two people, from 0 to 1.

    Returns:
        Value in [0, 1]; NaN without pairs of either sort.

    Raises:
        ProblemError: C02, the shapes differ, or a score is not a number.

    Source: Phillips, Grother and Micheals 2011, Handbook of Face Recognition, chapter 21.

    >>> verification_rate([1, 1, 1, 0, 0, 0], [0.9, 0.7, 0.4, 0.7, 0.2, 0.1], false_accepts=0.1)
    0.3333333333333333
    >>> verification_rate([1, 1, 1, 0, 0, 0], [0.9, 0.7, 0.4, 0.7, 0.2, 0.1], false_accepts=0.4)
    1.0
    """
    return float(roc(same, scores).true_accept_at(false_accepts))


def verification_rates(
    people: ArrayLike,
    scores: ArrayLike,
    *,
    false_accepts: Sequence[float] = (0.1, 0.01, 0.001),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Rate, ...]:
    """Verification rates at fixed shares of false accepts, with intervals from resampled identities.

    Pairs that share a person are not independent, so people are drawn with replacement, not pairs. A pair of one person
    counts as often as the person is drawn, and a pair of two people as often as the product of both.

    Args:
        people: the two identities of each pair, shape (pairs, 2), integers.
        scores: similarity of each pair, shape (pairs,); the higher, the more alike.
        false_accepts: greatest shares of accepted pairs of two people, each from 0 to 1.
        resamples: number of resamples.
        seed: seed of the resampling.

    Returns:
        A rate for each of `false_accepts`, as `verification_rate`.

    Raises:
        ProblemError: C02, the shapes do not fit, or a score is not a number.

    Source: Snijders and Borgatti 1999, Connections 22(2): the vertex bootstrap. That a person who is drawn twice makes
    no pair with itself is assumed.
    """
    pairs, score = np.asarray(people), np.asarray(scores, np.float64)
    if pairs.shape != (len(score), 2):
        expected = f"shape ({len(score)}, 2)"
        raise ProblemError(Problem("C02", f"people of shape {pairs.shape}", expected, "give both people of each pair"))
    _require_numbers(score)
    order = np.argsort(-score)
    score = score[order]
    names, place = np.unique(pairs[order], return_inverse=True)
    first, second = place.reshape(pairs.shape).T
    is_same = first == second
    curve = _roc_of_sorted(is_same, score, np.ones(len(score)))
    points = [float(curve.true_accept_at(rate)) for rate in false_accepts]
    if len(names) < 2 or np.isnan(points).any():
        return tuple(Rate(None if np.isnan(point) else point, None) for point in points)
    once: Counts = np.ones(len(names), np.int64)
    samples: list[Floats] = []
    for begin, size in blocks(resamples, len(score)):
        drawn = draws(once, size, seed + begin)
        curve = _roc_of_sorted(is_same, score, drawn[:, first] * np.where(is_same, 1.0, drawn[:, second]))
        samples.append(np.stack([curve.true_accept_at(rate) for rate in false_accepts]))
    found = np.concatenate(samples, axis=1)
    return tuple(Rate(point, percentile_interval(own, LEVEL)) for point, own in zip(points, found, strict=True))


def _roc_of_sorted(is_same: NDArray[np.bool_], score: Floats, weights: Floats) -> Roc:
    """The trade-off from pairs in descending order of their scores, with weights of shape (..., pairs)."""
    last = np.flatnonzero(np.append(np.diff(score) != 0, True))[: len(score)]
    shares: list[Floats] = []
    for is_counted in (~is_same, is_same):
        accepted = np.cumsum(weights * is_counted, axis=-1)[..., last]
        with np.errstate(invalid="ignore"):
            shares.append(accepted / accepted[..., -1:])
    return Roc(score[last], *shares)


def _require_numbers(scores: Floats) -> None:
    if np.isnan(scores).any():
        found = f"{np.count_nonzero(np.isnan(scores)):,} similarities that are NaN"
        raise ProblemError(Problem("C02", found, "a number for each pair", "leave out what could not be compared"))
