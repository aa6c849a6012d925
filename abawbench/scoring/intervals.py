"""Intervals of every figure, resampled over videos or subjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from abawbench.challenges import Challenge
from abawbench.metrics.bootstrap import bca_interval, left_out, percentile_interval, resampled
from abawbench.metrics.jackknife import jackknife_interval
from abawbench.scoring.criteria import Path, evaluate, nested, spans, unseen
from abawbench.scoring.statistics import Statistics
from abawbench.table import Floats

Bounds = TypeVar("Bounds", list[float], tuple[float, float])

LEVEL = 0.95
RESAMPLES = 10_000
# below this the interval to quote covers too little where classes are rare, and those of resamples everywhere
FEW_CLUSTERS, FEW_RESAMPLED = 20, 30
# the name of each kind of interval
KINDS: Mapping[str, str] = {"jackknife": "jackknife", "bca": "BCa", "percentile": "percentile"}


@dataclass(frozen=True, slots=True)
class Resampling:
    """Settings of the resampling behind intervals and tests.

    Attributes:
        resamples: number of resamples; 0 for a score without bootstrap intervals.
        seed: seed of the resampling.
        subjects: subject of each video; if given, subjects are resampled, else videos.
    """

    resamples: int = RESAMPLES
    seed: int = 0
    subjects: Mapping[str, str] | None = None

    @property
    def unit(self) -> str:
        """Kind of cluster that is resampled."""
        return "video" if self.subjects is None else "subject"


USUAL = Resampling()


def intervals(
    challenge: Challenge, statistics: Statistics, *, unit: str, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Any]:
    """Compute the intervals of score, terms and every metric.

    The one to quote is `jackknife`. The two bootstrap intervals are too narrow where classes are rare or clusters few;
    docs/intervals.md says how far.

    Args:
        challenge: the challenge, which names the figures.
        statistics: statistics by unit or by subject; clusters without a valid row for any task are left out.
        unit: kind of cluster: `video` (persons of one video are one cluster) or `subject`.
        resamples: number of bootstrap resamples; with 0 there is the jackknife alone.
        seed: seed of the resampling.

    Returns:
        resamples, seed, level, unit, clusters, warning (or None), and the figures' paths with `jackknife`,
        `percentile` and `bca`, each [low, high] or None.
    """
    if unit == "video":
        statistics = statistics.by_video
    counted = statistics.counted
    tasks, clusters = counted.tasks, len(counted.groups)
    head = {
        "resamples": resamples,
        "seed": seed,
        "level": LEVEL,
        "unit": unit,
        "clusters": clusters,
        "warning": warning(clusters, unit),
    }

    def figures(sums: Mapping[str, Floats]) -> dict[Path, Floats]:
        return evaluate(challenge, sums, statistics.pilots)

    points = figures({name: array.sum(0) for name, array in tasks.items()})
    if clusters < 2:
        return head | nested({path: dict.fromkeys(KINDS) for path in points})
    samples = resampled(tasks, figures, resamples=resamples, seed=seed) if resamples else {}
    without = left_out(tasks, figures)
    quoted_ones = jackknives(challenge, counted.total, points, without)
    found: dict[Path, dict[str, list[float] | None]] = {
        path: {
            "jackknife": quoted_ones[path],
            "percentile": percentiles(samples[path]) if samples else None,
            "bca": listed(bca_interval(float(point), samples[path], without[path], LEVEL)) if samples else None,
        }
        for path, point in points.items()
    }
    return head | nested(found)


def figure_left_out(challenge: Challenge, statistics: Statistics, figure: Path, *, unit: str) -> Floats:
    """One figure with each cluster left out in turn, in the order of the truth: shape (clusters,).

    Args:
        challenge: the challenge, which names the figures.
        statistics: statistics by unit or by subject.
        figure: path of the figure.
        unit: kind of cluster, as for the intervals.
    """
    counted = (statistics.by_video if unit == "video" else statistics).counted
    total = counted.total
    without = {task: total[task] - array for task, array in counted.tasks.items()}
    return evaluate(challenge, without, counted.pilots)[figure]


def jackknives(
    challenge: Challenge,
    total: Mapping[str, Floats],
    points: Mapping[Path, Floats],
    without: Mapping[Path, Floats],
    *,
    is_difference: bool = False,
) -> dict[Path, list[float] | None]:
    """The interval to quote of every figure, as plain data; None for a class or label that the truth does not have.

    Args:
        challenge: the challenge.
        total: statistics of the whole split by task.
        points: every figure of the split.
        without: by figure, shape (clusters,): the figure with each cluster left out.
        is_difference: True where `points` are differences of two predictions of the same truth.
    """
    ends, unknown = spans(challenge), unseen(challenge, total)
    if is_difference:
        ends = {path: (low - high, high - low) for path, (low, high) in ends.items()}
    return {
        path: None if path in unknown else listed(jackknife_interval(float(point), without[path], LEVEL, ends[path]))
        for path, point in points.items()
    }


def percentiles(samples: Floats) -> list[float] | None:
    """The percentile interval of resampled figures, as plain data; None where all of them are undefined."""
    return listed(percentile_interval(samples, LEVEL))


def listed(interval: tuple[float, float] | None) -> list[float] | None:
    """An interval as plain data."""
    return None if interval is None else list(interval)


def warning(clusters: int, unit: str, few: int = FEW_CLUSTERS) -> str | None:
    """What the number of clusters does to intervals over them; None where there are enough, from `few` on."""
    if clusters < 2:
        return f"no interval: one {unit} cannot be resampled"
    if clusters < few:
        return f"only {clusters} {unit}s: intervals over fewer than {few} are too narrow"
    return None


def quoted(interval: Mapping[str, Bounds | None]) -> tuple[str, Bounds] | None:
    """The interval to quote of a figure, with the name of its kind; None where there is none.

    Args:
        interval: the intervals of one figure by kind, as `intervals` gives them. Of those that were made before there
            was a jackknife, the first other one is quoted.
    """
    for kind in ("jackknife",) if "jackknife" in interval else ("bca", "percentile"):
        bounds = interval[kind]
        if bounds is not None:
            return KINDS[kind], bounds
    return None
