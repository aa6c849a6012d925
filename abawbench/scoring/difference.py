"""The difference of two predictions on the challenge's own score, tested in pairs by video."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.challenges import Challenge
from abawbench.fill import MOST_FILLED, Policy
from abawbench.metrics.bootstrap import Counts, blocks, collapsed, left_out, weighted
from abawbench.metrics.jackknife import jackknife_interval, jackknife_of, student_quantile
from abawbench.scoring.criteria import Path, evaluate, number, spans
from abawbench.scoring.intervals import LEVEL, USUAL, Resampling, listed, warning
from abawbench.scoring.score import Paired, by_subject, pair
from abawbench.scoring.statistics import Statistics, collect, pilots_of
from abawbench.table import Floats, Table

Figures = Callable[[Mapping[str, Floats]], dict[Path, Floats]]

POWER = 0.8
SHOWN_VIDEOS = 10


def difference(
    challenge: Challenge,
    truth: Table,
    first: Table,
    second: Table,
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resampling: Resampling = USUAL,
) -> dict[str, Any]:
    """Compare two predictions: first minus second of every figure, with intervals and a permutation test.

    The test swaps the two predictions video by video: in all ways if there are no more than the resamples, otherwise in
    random ways. The interval leaves one video at a time out of both predictions.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        first: rows of the first prediction.
        second: rows of the second prediction.
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: number of swaps and their seed, and the subjects to swap and to leave out, if any.

    Returns:
        challenge, fingerprint, figure (the one that is compared: the score, or the first defined figure if there is no
        score), first, second, difference, interval, p, swaps, seed, smallest_detectable (at 80 % power, two-sided
        5 %), clusters, unit, warning, figures (path joined by dots -> first, second, difference, interval), videos (the
        ten with the largest effect: half of the change of the difference if the two are swapped there), flags, problems
        (notes on the three tables, as JSON).

    Raises:
        ProblemError: as for `score`.
    """
    pairs = [pair(challenge, truth, table, missing=missing, allow_filled=allow_filled) for table in (first, second)]
    a, b = _statistics(challenge, pairs, resampling.subjects)
    unit, resamples, seed = resampling.unit, resampling.resamples, resampling.seed

    def figures(sums: Mapping[str, Floats]) -> dict[Path, Floats]:
        return evaluate(challenge, sums, a.pilots)

    totals = [figures(statistics.total) for statistics in (a, b)]
    points = {path: totals[0][path] - totals[1][path] for path in totals[0]}
    main = next(path for path in points if not np.isnan(points[path]))
    without = _left_out(a, b, figures)
    widths = {path: high - low for path, (low, high) in spans(challenge).items()}
    found = {
        path: jackknife_interval(float(point), without[path], LEVEL, (-widths[path], widths[path]))
        for path, point in points.items()
    }
    p, swaps = _permutation(_Pairs.of(a, b), figures, main, float(points[main]), resamples, seed)
    clusters = len(a.groups)
    return {
        "challenge": challenge.id,
        "fingerprint": challenge.fingerprint,
        "figure": ".".join(main),
        "first": number(totals[0][main]),
        "second": number(totals[1][main]),
        "difference": number(points[main]),
        "interval": listed(found[main]),
        "p": p,
        "swaps": swaps,
        "seed": seed,
        "smallest_detectable": _detectable(float(points[main]), without[main]),
        "clusters": clusters,
        "unit": unit,
        "warning": warning(clusters, unit),
        "figures": {
            ".".join(path): {
                "first": number(totals[0][path]),
                "second": number(totals[1][path]),
                "difference": number(points[path]),
                "interval": listed(found[path]),
            }
            for path in points
        },
        "videos": _videos(a, b, figures, main, float(points[main])),
        "flags": list(dict.fromkeys(flag for paired in pairs for flag in paired.flags)),
        "problems": [note.to_json() for note in dict.fromkeys(note for paired in pairs for note in paired.notes)],
    }


def _statistics(
    challenge: Challenge, pairs: list[Paired], subjects: Mapping[str, str] | None
) -> tuple[Statistics, Statistics]:
    centres: dict[str, Floats] = {}
    for task in challenge.tasks:
        if task.is_real:
            # the same centre for both, made from both, so that trading places changes no rounding
            both = [pilots_of(task, paired.truth, paired.prediction, paired.valid[task.name]) for paired in pairs]
            centres[task.name] = (both[0] + both[1]) / 2
    collected = [
        collect(challenge, paired.truth, paired.prediction, valid=paired.valid, pilots=centres) for paired in pairs
    ]
    if subjects is None:
        collected = [statistics.by_video for statistics in collected]
    else:
        collected = [by_subject(statistics, subjects) for statistics in collected]
    a, b = (statistics.counted for statistics in collected)
    return a, b


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Statistics of both predictions by cluster; if there are many, clusters that are equal in both are joined."""

    first: Mapping[str, Floats]
    second: Mapping[str, Floats]
    multiplicity: Counts

    @staticmethod
    def of(a: Statistics, b: Statistics) -> _Pairs:
        different, multiplicity = collapsed(_joined(a, b))
        return _Pairs(*_apart(different), multiplicity)


def _joined(a: Statistics, b: Statistics) -> dict[str, Floats]:
    return {f"{side} {task}": array for side, one in (("a", a), ("b", b)) for task, array in one.tasks.items()}


def _apart(joined: Mapping[str, Floats]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    one, two = ({name[2:]: array for name, array in joined.items() if name[0] == side} for side in "ab")
    return one, two


def _left_out(a: Statistics, b: Statistics, figures: Figures) -> dict[Path, Floats]:
    """The difference of every figure with each cluster left out of both: by path, shape (clusters,)."""

    def change(sums: Mapping[str, Floats]) -> dict[Path, Floats]:
        one, two = (figures(side) for side in _apart(sums))
        return {path: one[path] - two[path] for path in one}

    return left_out(_joined(a, b), change)


def _detectable(point: float, without: Floats) -> float | None:
    """The smallest true difference that a test at the level finds with the power."""
    found = jackknife_of(point, without)
    if found is None:
        return None
    return found.error * sum(student_quantile(share, found.freedom) for share in ((1 + LEVEL) / 2, POWER))


def _permutation(
    pairs: _Pairs, figures: Figures, main: Path, observed: float, resamples: int, seed: int
) -> tuple[float, int]:
    """The two-sided p, and the number of swaps that it was computed from."""
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


def _videos(a: Statistics, b: Statistics, figures: Figures, main: Path, observed: float) -> list[dict[str, Any]]:
    change = {task: array - b.tasks[task] for task, array in a.tasks.items()}
    one = figures({task: a.total[task] - array for task, array in change.items()})[main]
    two = figures({task: b.total[task] + array for task, array in change.items()})[main]
    effect = (observed - (one - two)) / 2
    order = np.argsort(-np.abs(np.nan_to_num(effect)), kind="stable")[:SHOWN_VIDEOS]
    return [{"video": a.groups[place], "effect": number(effect[place])} for place in order if effect[place]]
