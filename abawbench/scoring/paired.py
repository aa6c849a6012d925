"""Statistics of several predictions of the same rows, and what pairs of them differ by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abawbench.challenges import Challenge
from abawbench.metrics.bootstrap import Counts, blocks, collapsed, left_out, weighted
from abawbench.scoring.criteria import Path
from abawbench.scoring.score import Paired, by_subject
from abawbench.scoring.statistics import Statistics, collect, pilots_of
from abawbench.table import Floats

Figures = Callable[[Mapping[str, Floats]], dict[Path, Floats]]


def collect_together(
    challenge: Challenge, pairs: Sequence[Paired], subjects: Mapping[str, str] | None
) -> list[Statistics]:
    """Statistics of each prediction by the same clusters, those without a valid row left out.

    Raises:
        ProblemError: C02, a video has no subject.
    """
    centres: dict[str, Floats] = {}
    for task in challenge.tasks:
        if task.is_real:
            # the same centre for all, made from all, so that trading places changes no rounding
            each = [pilots_of(task, paired.truth, paired.prediction, paired.valid[task.name]) for paired in pairs]
            centres[task.name] = np.mean(each, axis=0)
    collected = [
        collect(challenge, paired.truth, paired.prediction, valid=paired.valid, pilots=centres) for paired in pairs
    ]
    if subjects is None:
        collected = [statistics.by_video for statistics in collected]
    else:
        collected = [by_subject(statistics, subjects) for statistics in collected]
    return [statistics.counted for statistics in collected]


def joined(every: Sequence[Statistics]) -> dict[str, Floats]:
    """Statistics of several predictions side by side, which resamples weight alike."""
    return {f"{place} {task}": array for place, one in enumerate(every) for task, array in one.tasks.items()}


def apart(sums: Mapping[str, Floats]) -> list[dict[str, Floats]]:
    """The statistics of each prediction, from those side by side."""
    found: dict[str, dict[str, Floats]] = {}
    for name, array in sums.items():
        place, _, task = name.partition(" ")
        found.setdefault(place, {})[task] = array
    return list(found.values())


def changes_left_out(a: Statistics, b: Statistics, figures: Figures) -> dict[Path, Floats]:
    """The difference of every figure with each cluster left out of both: by path, shape (clusters,)."""

    def change(sums: Mapping[str, Floats]) -> dict[Path, Floats]:
        one, two = (figures(side) for side in apart(sums))
        return {path: one[path] - two[path] for path in one}

    return left_out(joined((a, b)), change)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Statistics of both predictions by cluster; if there are many, clusters that are equal in both are joined."""

    first: Mapping[str, Floats]
    second: Mapping[str, Floats]
    multiplicity: Counts

    @staticmethod
    def of(a: Statistics, b: Statistics) -> _Pairs:
        different, multiplicity = collapsed(joined((a, b)))
        first, second = apart(different)
        return _Pairs(first, second, multiplicity)


def permutation(
    a: Statistics, b: Statistics, figures: Figures, main: Path, observed: float, *, resamples: int, seed: int
) -> tuple[float, int]:
    """Test a difference by swapping the two predictions cluster by cluster.

    Args:
        a: statistics of the first prediction.
        b: statistics of the second prediction, of the same clusters.
        figures: function from statistics to figures by path.
        main: path of the figure that is tested.
        observed: difference of this figure.
        resamples: number of random swaps; if there are no more ways to swap, each of them is taken.
        seed: seed of the swaps.

    Returns:
        The two-sided p, and the number of swaps that it was computed from.
    """
    pairs = _Pairs.of(a, b)
    clusters = int(pairs.multiplicity.sum())
    exact = clusters < resamples.bit_length()
    count = 2**clusters if exact else resamples
    generator = np.random.default_rng(seed)
    change = {task: array - pairs.second[task] for task, array in pairs.first.items()}
    everything = pairs.multiplicity.astype(np.float64)[None]
    first, second = weighted(pairs.first, everything), weighted(pairs.second, everything)
    reached = 0
    # a difference equal but for rounding counts as reached
    bound = abs(observed) - 1e-12
    for begin, size in blocks(count, len(pairs.multiplicity)):
        if exact:
            kept = (np.arange(begin, begin + size)[:, None] >> np.arange(clusters)) & 1
        else:
            kept = generator.binomial(pairs.multiplicity, 0.5, (size, len(pairs.multiplicity)))
        moved = weighted(change, kept.astype(np.float64))
        one = figures({task: second[task] + array for task, array in moved.items()})[main]
        two = figures({task: first[task] - array for task, array in moved.items()})[main]
        reached += int(np.count_nonzero(np.abs(one - two) >= bound))
    return (reached / count if exact else (1 + reached) / (1 + count)), count
