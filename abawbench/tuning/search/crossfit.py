"""Cross-fitting: what a search over additive statistics finds, and what is left of it on videos it has not seen.

A search picks settings from statistics of clusters (videos or subjects) that add up, so every fold and every resample
is a row of weights: the training part of a fold is the total minus the fold's own part, and no row of the data is read
twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.metrics.bootstrap import draws, percentile_interval
from abawbench.scoring.intervals import LEVEL, Resampling
from abawbench.table import Floats, Mask, Rows

Choices = TypeVar("Choices")
Figure = Literal["before", "in_sample", "cross_fitted", "gain", "optimism"]
FIGURES: tuple[Figure, ...] = ("before", "in_sample", "cross_fitted", "gain", "optimism")

# resamples that are searched at a time
BLOCK_RESAMPLES = 500
# numbers that are held at a time for all settings, folds and some resamples, by each thread: 16 MB
BLOCK_CELLS = 1 << 21


class Search(Protocol[Choices]):
    """A search for settings over clusters whose statistics add up.

    A weighting says how often each cluster counts: 1 for all, 0 and 1 for a fold, counts for a resample. All methods
    take weightings of shape (n, clusters); the choices of `fit` are one for each of them.
    """

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        ...

    def fit(self, weights: Floats) -> Choices:
        """Search once for each weighting."""
        ...

    def sums(self, choices: Choices, weights: Floats) -> Floats:
        """The weighted statistics under the n choices, shape (n, ...); `weights` need not be those of `fit`."""
        ...

    def untouched(self, weights: Floats) -> Floats:
        """The weighted statistics without any choice, shape (n, ...)."""
        ...

    def value(self, sums: Floats) -> Floats:
        """The figure that is searched for, from statistics of shape (..., own axes): shape (...)."""
        ...

    def for_resamples(self) -> Search[Any] | Alternatives:
        """The search that every resample repeats: this one, or one among the settings that can win there."""
        ...


class Additive(Protocol):
    """Settings whose statistics are added up for all of them at once, so that a fold is taken off by subtraction."""

    def totals(self, weights: Floats, clusters: Rows) -> Floats:
        """The weighted statistics of all settings over some clusters, shape (n, ...), for weights (n, clusters)."""
        ...

    def choose(self, totals: Floats) -> tuple[NDArray[Any], Floats]:
        """The best setting for each of n totals, and its figure, shape (n,)."""
        ...

    def take(self, totals: Floats, choices: NDArray[Any]) -> Floats:
        """The statistics of the chosen settings, shape (n, ...)."""
        ...


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Several sets of settings, of which every resample takes the one whose best setting is best.

    Attributes:
        several: the sets; of equally good ones the first is taken.
        origin: the search that they come from, for its figure and for the statistics without any choice.
    """

    several: Sequence[Additive]
    origin: Search[Any]

    def repeat(self, weights: Floats, fold: Rows) -> tuple[Floats, Floats]:
        """The figure in sample and the cross-fitted figure of each resample, shape (n,) each.

        Args:
            weights: how often each cluster is drawn, shape (n, clusters).
            fold: the fold of each cluster, shape (clusters,).
        """
        members = [np.flatnonzero(fold == number) for number in range(int(fold.max()) + 1)]
        heights, inside, outside = _searched(self.several[0], weights, members)
        for one in self.several[1:]:
            values, taken, kept = _searched(one, weights, members)
            is_better = values > heights
            heights = np.where(is_better, values, heights)
            inside[is_better[0]] = taken[is_better[0]]
            outside[is_better[1:]] = kept[is_better[1:]]
        return self.origin.value(inside), self.origin.value(outside.sum(0))


def _searched(one: Additive, weights: Floats, members: Sequence[Rows]) -> tuple[Floats, Floats, Floats]:
    """What a set of settings reaches in each resample, as a whole and with each fold left out.

    Returns:
        Figures of the best settings, shape (1 + folds, n), the first for the whole; their statistics on the whole,
        shape (n, ...), and on the folds left out, shape (folds, n, ...).
    """
    cells = (1 + len(members)) * one.totals(weights[:1, members[0]], members[0]).size
    most = max(1, BLOCK_CELLS // cells)
    blocks = (weights[begin : begin + most] for begin in range(0, len(weights), most))
    values, taken, kept = zip(*(_searched_at_once(one, block, members) for block in blocks), strict=True)
    return np.concatenate(values, axis=1), np.concatenate(taken), np.concatenate(kept, axis=1)


def _searched_at_once(one: Additive, weights: Floats, members: Sequence[Rows]) -> tuple[Floats, Floats, Floats]:
    """What `_searched` gives, with the statistics of all settings in every resample and fold in memory."""
    own = np.stack([one.totals(weights[:, rows], rows) for rows in members])
    everything = own.sum(0)
    found = [one.choose(totals) for totals in (everything, *(everything - part for part in own))]
    values = np.stack([value for _, value in found])
    kept = np.stack([one.take(part, choices) for part, (choices, _) in zip(own, found[1:], strict=True)])
    return np.where(np.isnan(values), -np.inf, values), one.take(everything, found[0][0]), kept


@dataclass(frozen=True, eq=False)
class CrossFit:
    """What a search promises on its own videos, and what it keeps on others.

    Attributes:
        before: figure without the search.
        in_sample: figure of the settings that were searched on all clusters, on these clusters.
        repeated: for each repeat of the folds, the figure of the pooled held-out parts, shape (repeats,).
        resamples: `before`, `in_sample` and `cross_fitted` of each resample, with the search repeated there, shape
            (resamples,) each; empty without resamples.
    """

    before: float
    in_sample: float
    repeated: Floats
    resamples: Mapping[str, Floats]

    @property
    def cross_fitted(self) -> float:
        """The figure on clusters that the search did not see: the mean over the repeats of the folds."""
        return float(self.repeated.mean())

    @property
    def optimism(self) -> float:
        """How much the figure in sample promises too much."""
        return self.in_sample - self.cross_fitted

    @property
    def gain(self) -> float:
        """What the search gains on clusters that it did not see."""
        return self.cross_fitted - self.before

    def samples(self, figure: Figure) -> Floats:
        """A figure of each resample, shape (resamples,)."""
        parts = self.resamples
        match figure:
            case "gain":
                return parts["cross_fitted"] - parts["before"]
            case "optimism":
                return parts["in_sample"] - parts["cross_fitted"]
            case _:
                return parts[figure]

    def interval(self, figure: Figure) -> list[float] | None:
        """The 95 % interval of a figure, as plain data; None without resamples.

        Percentiles of the resamples, moved so that their mean is the figure itself: a resample has fewer different
        clusters than the sample, so a search finds too much in it, and keeps too little on the folds left out.
        """
        if not self.resamples:
            return None
        samples = self.samples(figure)
        bounds = percentile_interval(samples, LEVEL)
        if bounds is None:
            return None
        shift = float(getattr(self, figure)) - float(np.nanmean(samples))
        return [bounds[0] + shift, bounds[1] + shift]

    def scaled(self, factor: float) -> CrossFit:
        """The same for a multiple of the figure."""
        return CrossFit(
            self.before * factor,
            self.in_sample * factor,
            self.repeated * factor,
            {name: values * factor for name, values in self.resamples.items()},
        )


def added(parts: Sequence[CrossFit]) -> CrossFit:
    """The sum of figures that were searched apart, over the same folds and resamples."""

    def both(one: CrossFit, other: CrossFit) -> CrossFit:
        resamples = {name: values + other.resamples[name] for name, values in one.resamples.items()}
        sums = {field.name: getattr(one, field.name) + getattr(other, field.name) for field in fields(one)[:3]}
        return CrossFit(**sums, resamples=resamples)

    return reduce(both, parts)


@dataclass(frozen=True, eq=False)
class Plan:
    """Which clusters are held out together, and how often they are resampled.

    Attributes:
        folds: the fold of each cluster, shape (repeats, clusters), from 0.
        resamples: number of resamples; 0 for none, and for no intervals.
        seed: seed of the resampling.
        threads: number of blocks of resamples at a time; None for one for each processor.
        progress: called with the number of resamples that are done and that of all, first with 0.
    """

    folds: Rows
    resamples: int = 0
    seed: int = 0
    threads: int | None = None
    progress: Callable[[int, int], None] | None = None

    @staticmethod
    def of(sizes: Floats, resampling: Resampling, folds: int, repeats: int) -> Plan:
        """Deal clusters with so many rows, shape (clusters,), for a resampling. Raises: ProblemError, D24."""
        dealt = deal_folds(sizes, folds=folds, repeats=repeats, seed=resampling.seed, what=f"{resampling.unit}s")
        return Plan(dealt, resampling.resamples, resampling.seed)

    @property
    def held_out(self) -> Mask:
        """True for each cluster of each fold, shape (repeats, folds, clusters)."""
        return self.folds[:, None] == np.arange(int(self.folds.max()) + 1)[:, None]


def deal_folds(sizes: Floats, *, folds: int = 5, repeats: int = 20, seed: int = 0, what: str = "videos") -> Rows:
    """Deal clusters into folds of about the same size, several times.

    Clusters of neighbouring sizes go to different folds, so that the folds have nearly the same number of rows.

    Args:
        sizes: number of rows of each cluster, shape (clusters,).
        folds: number of folds.
        repeats: number of times.
        seed: seed of the dealing.
        what: plural name of the clusters, for messages.

    Returns:
        The fold of each cluster, shape (repeats, clusters).

    Raises:
        ProblemError: D24, fewer clusters than folds, or fewer than two folds.
    """
    clusters = len(sizes)
    if not 2 <= folds <= clusters:
        if clusters < 2:
            expected, fix = f"at least 2 {what}", f"give the truth of more {what}"
        else:
            expected, fix = "2 folds" if clusters == 2 else f"from 2 to {clusters} folds", "ask for fewer folds"
        raise ProblemError(Problem("D24", f"{folds} folds of {clusters} {what}", expected, fix))
    generator = np.random.default_rng(seed)
    dealt = np.empty((repeats, clusters), np.int64)
    for repeat in dealt:
        # equal sizes, and those that differ by little, change places from repeat to repeat
        order = np.argsort(-sizes * generator.uniform(0.9, 1.1, clusters), kind="stable")
        rounds = -(-clusters // folds)
        places = np.argsort(generator.random((rounds, folds)), axis=1).ravel()[:clusters]
        if clusters % folds:
            # the last round is not full: its clusters go to different folds all the same
            places[-(clusters % folds) :] = generator.permutation(folds)[: clusters % folds]
        repeat[order] = places
    return dealt


def crossfit(search: Search[Any], plan: Plan) -> CrossFit:
    """Search on all clusters, on the training part of every fold, and in every resample.

    The cross-fitted figure is that of the pooled held-out parts of all folds: it estimates what the whole procedure,
    run on the share (folds - 1) / folds of such videos, reaches on new ones. A resample repeats all of this: copies of
    a cluster fall into the same fold, so none is on both sides.

    Args:
        search: the search.
        plan: folds and resamples.
    """
    everything = np.ones((1, search.clusters))
    held_out = plan.held_out
    repeats, folds = held_out.shape[:2]
    test = held_out.reshape(-1, search.clusters).astype(np.float64)
    # all at once: whatever is costly is then done once
    choices = search.fit(np.concatenate([everything, 1 - test]))
    sums = search.sums(choices, np.concatenate([everything, test]))
    pooled = sums[1:].reshape(repeats, folds, *sums.shape[1:]).sum(1)
    return CrossFit(
        before=float(search.value(search.untouched(everything))[0]),
        in_sample=float(search.value(sums[:1])[0]),
        repeated=search.value(pooled),
        resamples=_resampled(search, plan) if plan.resamples else {},
    )


def _held_out(search: Search[Any], weights: Floats, held_out: Mask) -> Floats:
    """The figure of the pooled held-out parts of each resample, shape (n,), for masks (folds, clusters)."""
    train, test = ((weights[:, None] * part).reshape(-1, weights.shape[1]) for part in (~held_out, held_out))
    sums = search.sums(search.fit(train), test)
    return search.value(sums.reshape(len(weights), -1, *sums.shape[1:]).sum(1))


def _resampled(search: Search[Any], plan: Plan) -> dict[str, Floats]:
    """The figures of each resample, each on the folds of one of the repeats."""
    again = search.for_resamples()
    block = max(1, min(BLOCK_RESAMPLES, -(-plan.resamples // len(plan.folds))))
    begins = range(0, plan.resamples, block)
    once = np.ones(search.clusters, np.int64)

    def one_block(begin: int) -> dict[str, Floats]:
        weights = draws(once, min(block, plan.resamples - begin), plan.seed + begin)
        repeat = begin // block % len(plan.folds)
        if isinstance(again, Alternatives):
            inside, outside = again.repeat(weights, plan.folds[repeat])
        else:
            inside = again.value(again.sums(again.fit(weights), weights))
            outside = _held_out(again, weights, plan.held_out[repeat])
        return {"before": search.value(search.untouched(weights)), "in_sample": inside, "cross_fitted": outside}

    tell = plan.progress or (lambda _done, _total: None)
    tell(0, plan.resamples)
    parts: list[dict[str, Floats]] = []
    pool = ThreadPoolExecutor(plan.threads or os.cpu_count())
    try:
        for begin, part in zip(begins, pool.map(one_block, begins), strict=True):
            parts.append(part)
            tell(min(begin + block, plan.resamples), plan.resamples)
    finally:
        # a run that is stopped waits for no block that has not begun
        pool.shutdown(cancel_futures=True)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
