"""How often 95 % intervals hold the truth, by simulation: every kind that was tried, and the one that is quoted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import NormalDist

import numpy as np

from abawbench.base.files import write_text
from abawbench.challenges import Challenge, get
from abawbench.metrics.bootstrap import bca_interval, draws, left_out, percentile_interval, resampled, weighted
from abawbench.metrics.jackknife import jackknife_interval, jackknife_of, student_quantile
from abawbench.scoring import pair
from abawbench.scoring.criteria import Path as FigurePath
from abawbench.scoring.criteria import evaluate, spans
from abawbench.scoring.paired import apart, collect_together, joined
from abawbench.scoring.statistics import Statistics, collect
from abawbench.synthetic import SimulatedSplit, simulate_predictions, simulate_split
from abawbench.table import Floats, Table, Values
from benchmarks.pages import filled

PAGE = Path(__file__).parent.parent / "docs" / "intervals.md"
BEGIN = "<!-- begin: written by `python -m benchmarks coverage` -->"
LEVEL = 0.95
TRIALS, RESAMPLES = 2000, 500
SIZES = (10, 20, 60, 300)
# studentised resamples need the derivative of every figure by every video: too much for many videos
STUDENTISED, MOST_STUDENTISED = 200, 60
VIDEOS = 3000
SCORE_AND_TERMS: dict[str, FigurePath] = {
    "total": ("score",),
    "CCC": ("terms", "va"),
    "F1 expression": ("terms", "expression"),
    "F1 action units": ("terms", "action_units"),
}
WEBB = np.array([-math.sqrt(1.5), -1.0, -math.sqrt(0.5), math.sqrt(0.5), 1.0, math.sqrt(1.5)])

Bounds = tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class World:
    """A population of videos, from which splits are drawn.

    Attributes:
        words: what it is, for the table.
        statistics: additive statistics of every video.
        figures: by name in the table, the figures that are looked at.
        every: function from statistics to every figure, over leading axes.
        spans: least and greatest value of every figure.
    """

    words: str
    statistics: Statistics
    figures: Mapping[str, FigurePath]
    every: Callable[[Mapping[str, Floats]], dict[FigurePath, Floats]]
    spans: Mapping[FigurePath, tuple[float, float]]

    @staticmethod
    def of(words: str, challenge: Challenge, statistics: Statistics, figures: Mapping[str, FigurePath]) -> World:
        """The population of the figures of one prediction."""
        every = partial(evaluate, challenge, pilots=statistics.pilots)
        return World(words, statistics, figures, every, spans(challenge))

    def evaluate(self, sums: Mapping[str, Floats]) -> dict[FigurePath, Floats]:
        """The figures that are looked at, over leading axes."""
        found = self.every(sums)
        return {path: found[path] for path in self.figures.values()}


@dataclass(frozen=True, eq=False)
class Sample:
    """What a kind of interval may use of a figure of one split.

    Attributes:
        point: the figure.
        without: the figure with each video left out, shape (videos,).
        samples: the figure of resamples, shape (resamples,).
        span: least and greatest value of the figure.
        error: standard error by the derivatives.
        studentised: deviations of resamples in standard errors of their own, shape (resamples,); None for many videos.
        seed: seed of what else is drawn.
    """

    point: float
    without: Floats
    samples: Floats
    span: tuple[float, float]
    error: float
    studentised: Floats | None
    seed: int


def expanded_level(videos: int, freedom: float) -> float:
    """The level whose normal quantile is that of t, for the error of n - 1 rather than n (Hesterberg 2015)."""
    return 2 * NormalDist().cdf(math.sqrt(videos / (videos - 1)) * student_quantile((1 + LEVEL) / 2, freedom)) - 1


def _expanded_percentile(sample: Sample) -> Bounds:
    videos = len(sample.without)
    return percentile_interval(sample.samples, expanded_level(videos, videos - 1))


def _bca(sample: Sample) -> Bounds:
    return bca_interval(sample.point, sample.samples, sample.without, LEVEL)


def _expanded_bca(sample: Sample) -> Bounds:
    found = jackknife_of(sample.point, sample.without)
    if found is None:
        return None
    level = expanded_level(len(sample.without), found.freedom)
    return bca_interval(sample.point, sample.samples, sample.without, level)


def _bootstrap_t(sample: Sample) -> Bounds:
    if sample.studentised is None:
        return None
    low, high = np.quantile(sample.studentised, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return _within(sample, sample.point - high * sample.error, sample.point - low * sample.error)


def _wild(sample: Sample) -> Bounds:
    """Wild cluster bootstrap of the influence values with Webb's six weights, studentised and symmetric."""
    found = jackknife_of(sample.point, sample.without)
    if found is None:
        return None
    influence = sample.without.mean() - sample.without
    weights = np.random.default_rng(sample.seed).choice(WEBB, (RESAMPLES, len(influence)))
    terms = weights * influence
    error = np.sqrt(((terms - terms.mean(1, keepdims=True)) ** 2).sum(1))
    deviation = np.divide(terms.sum(1), error, out=np.zeros(len(error)), where=error > 0)
    half = float(np.quantile(np.abs(deviation), LEVEL)) * found.error
    return _within(sample, sample.point - half, sample.point + half)


def _plain_jackknife(sample: Sample) -> Bounds:
    found = jackknife_of(sample.point, sample.without)
    if found is None:
        return None
    half = student_quantile((1 + LEVEL) / 2, len(sample.without) - 1) * found.error
    return _within(sample, sample.point - half, sample.point + half)


def _within(sample: Sample, low: float, high: float) -> Bounds:
    least, most = sample.span
    return max(low, least), min(high, most)


KINDS: Mapping[str, Callable[[Sample], Bounds]] = {
    "percentile": lambda sample: percentile_interval(sample.samples, LEVEL),
    "expanded percentile": _expanded_percentile,
    "BCa": _bca,
    "expanded BCa": _expanded_bca,
    "bootstrap-t": _bootstrap_t,
    "wild": _wild,
    "plain jackknife": _plain_jackknife,
    "jackknife": lambda sample: jackknife_interval(sample.point, sample.without, LEVEL, sample.span),
}
REFERENCE, QUOTED = "BCa", "jackknife"


@dataclass(frozen=True, slots=True)
class Cell:
    """What one kind of interval does over all splits; NaN where it was not computed.

    Attributes:
        coverage: share of the splits whose interval holds the figure of the population.
        length: mean length, as a multiple of 2 * 1.96 true standard deviations of the figure.
    """

    coverage: float
    length: float


def simulate(
    world: World, videos: int, *, trials: int = TRIALS, resamples: int = RESAMPLES
) -> dict[str, dict[str, Cell]]:
    """Draw splits, make every kind of interval, and count which hold the figure of the whole population.

    Args:
        world: the population.
        videos: number of videos of a split.
        trials: number of splits.
        resamples: number of resamples of a split.

    Returns:
        By name of the figure and by kind of interval.
    """
    statistics = world.statistics
    target = {path: float(value) for path, value in world.evaluate(statistics.total).items()}
    points = {name: np.empty(trials) for name in world.figures}
    held = {(name, kind): np.full((trials, 2), np.nan) for name in world.figures for kind in KINDS}
    generator = np.random.default_rng(0)
    for trial in range(trials):
        chosen = generator.integers(0, len(statistics.groups), videos)
        tasks = {task: array[chosen] for task, array in statistics.tasks.items()}
        samples = samples_of(world, tasks, resamples, trial)
        for name, path in world.figures.items():
            points[name][trial] = samples[path].point
            for kind, interval in KINDS.items():
                bounds = interval(samples[path])
                if bounds is not None:
                    low, high = bounds
                    # to the rounding of sums in another order
                    held[name, kind][trial] = low - 1e-12 <= target[path] <= high + 1e-12, high - low
    normal = 2 * NormalDist().inv_cdf((1 + LEVEL) / 2)
    units = {name: normal * float(values.std()) for name, values in points.items()}
    return {name: {kind: _cell(held[name, kind], units[name]) for kind in KINDS} for name in world.figures}


def _cell(held: Floats, unit: float) -> Cell:
    """An interval that there is not, holds nothing; one that no split has, was not computed."""
    if np.isnan(held).all():
        return Cell(math.nan, math.nan)
    return Cell(float(np.nan_to_num(held[:, 0]).mean()), float(np.nanmean(held[:, 1])) / unit)


def samples_of(world: World, tasks: Mapping[str, Floats], resamples: int, seed: int) -> dict[FigurePath, Sample]:
    """What intervals may use of every figure of a split, from the statistics of its videos by task."""
    points = world.evaluate({task: array.sum(0) for task, array in tasks.items()})
    drawn = resampled(tasks, world.evaluate, resamples=resamples, seed=seed)
    without = left_out(tasks, world.evaluate)
    videos = len(next(iter(tasks.values())))
    errors, studentised = _studentised(world, tasks, points, seed) if videos <= MOST_STUDENTISED else ({}, {})
    return {
        path: Sample(
            float(point),
            without[path],
            drawn[path],
            world.spans[path],
            errors.get(path, math.nan),
            studentised.get(path),
            seed,
        )
        for path, point in points.items()
    }


def _studentised(
    world: World, tasks: Mapping[str, Floats], points: Mapping[FigurePath, Floats], seed: int
) -> tuple[dict[FigurePath, float], dict[FigurePath, Floats]]:
    """Standard errors, and deviations of resamples in their own standard errors, from derivatives by each video."""
    videos = len(next(iter(tasks.values())))
    counts = np.concatenate([np.ones((1, videos)), draws(np.ones(videos, np.int64), STUDENTISED, seed)])
    sums = weighted(tasks, counts)
    step = 1e-4
    moved = world.evaluate({task: sums[task][:, None] + step * array for task, array in tasks.items()})
    errors: dict[FigurePath, float] = {}
    studentised: dict[FigurePath, Floats] = {}
    for path, figures in world.evaluate(sums).items():
        slopes = (moved[path] - figures[:, None]) / step
        error = np.sqrt((counts * slopes**2).sum(1))
        errors[path] = float(error[0])
        change = figures - points[path]
        studentised[path] = np.divide(change, error, out=np.zeros(len(change)), where=error > 1e-12)[1:]
    return errors, studentised


def worlds() -> list[World]:
    """The populations of the table."""
    short = simulate_split(VIDEOS, 40, seed=9)
    long = simulate_split(VIDEOS, 400, seed=9)
    rows = _shortened(long, median=60, sigma=1.0, seed=4)
    unequal = SimulatedSplit(long.truth.take(rows), long.known.take(rows))
    return [
        _multi_task("40 frames each, skill alike", short, simulate_predictions(short.known, 0.55, 3)),
        _multi_task("40 frames each, skill by video", short, _of_unequal_skill(short.known, 3)),
        _multi_task("lognormal lengths, skill by video", unequal, _of_unequal_skill(long.known, 3).take(rows)),
        _difference(
            "difference of two, 40 frames each", short, [_of_unequal_skill(short.known, seed) for seed in (3, 13)]
        ),
        ambivalence_world("A/H by video, half ambivalent", 0.5, 0.72),
        ambivalence_world("A/H by video, 12 % ambivalent", 0.12, 0.85),
    ]


def _multi_task(words: str, split: SimulatedSplit, prediction: Table) -> World:
    challenge = get("abaw4-mtl")
    paired = pair(challenge, split.truth, prediction)
    statistics = collect(challenge, paired.truth, paired.prediction, valid=paired.valid).counted
    with_class = (statistics.tasks["expression"].sum(2) > 0).sum(0)
    rarest = challenge.tasks[1].outputs[int(np.argmin(with_class))]
    figures = SCORE_AND_TERMS | {
        f"F1 {rarest} ({with_class.min() / len(statistics.groups):.0%} of videos)": (
            "metrics",
            "f1_expression_per_class",
            rarest,
        ),
    }
    return World.of(words, challenge, statistics, figures)


def _difference(words: str, split: SimulatedSplit, predictions: Sequence[Table]) -> World:
    """The population of the differences of two predictions."""
    challenge = get("abaw4-mtl")
    pairs = [pair(challenge, split.truth, prediction) for prediction in predictions]
    both = collect_together(challenge, pairs, None)

    def change(sums: Mapping[str, Floats]) -> dict[FigurePath, Floats]:
        one, two = (evaluate(challenge, side, both[0].pilots) for side in apart(sums))
        return {path: one[path] - two[path] for path in one}

    ends = {path: (low - high, high - low) for path, (low, high) in spans(challenge).items()}
    return World(words, Statistics(both[0].groups, joined(both), both[0].pilots), SCORE_AND_TERMS, change, ends)


def _of_unequal_skill(known: Table, seed: int) -> Table:
    """Predictions whose skill depends on the video: 0.3, 0.6 or 0.9."""
    parts = [simulate_predictions(known, skill, seed + place) for place, skill in enumerate((0.3, 0.6, 0.9))]
    of_video = np.random.default_rng(seed).integers(0, len(parts), len(known.videos))
    chosen = of_video[known.video]
    values: dict[str, Values] = {}
    for task, first in parts[0].values.items():
        own = first.copy(order="F")
        for place, part in enumerate(parts):
            own[chosen == place] = part.values[task][chosen == place]
        values[task] = own
    return Table(known.videos, known.video, known.frame, values, source="simulated")


def _shortened(split: SimulatedSplit, median: float, sigma: float, seed: int) -> np.ndarray:
    """The first rows of every video, as many as lognormal lengths ask for."""
    video = split.truth.video
    lengths = np.exp(np.random.default_rng(seed).normal(math.log(median), sigma, len(split.truth.videos)))
    place = np.arange(len(video)) - np.searchsorted(video, video)
    return np.flatnonzero(place < np.maximum(3, lengths[video]))


def ambivalence_world(words: str, share: float, right: float) -> World:
    """Videos of A/H of which a share is ambivalent, and of which another share is predicted right."""
    challenge = get("abaw11-ah")
    generator = np.random.default_rng(1)
    truth = (generator.random(VIDEOS) < share).astype(int)
    prediction = np.where(generator.random(VIDEOS) < right, truth, 1 - truth)
    counts = np.zeros((VIDEOS, 2, 2))
    counts[np.arange(VIDEOS), truth, prediction] = 1
    names = tuple(str(number) for number in range(VIDEOS))
    return World.of(words, challenge, Statistics(names, {"ambivalence": counts}, {}), {"P": ("score",)})


def table(results: Mapping[tuple[str, int, str], Mapping[str, Cell]]) -> str:
    """The Markdown table of results by population, number of videos and figure."""
    header = ["population", "videos", "figure", *(f"**{kind}**" if kind == QUOTED else kind for kind in KINDS)]
    header += [f"length of {kind}" for kind in (REFERENCE, QUOTED)]
    lines = ["| " + " | ".join(header) + " |", "|---|---:|---|" + "---:|" * (len(KINDS) + 2)]
    for (words, videos, figure), cells in results.items():
        shares = [_share(cells[kind], is_quoted=kind == QUOTED) for kind in KINDS]
        lengths = [f"{cells[kind].length:.2f}" for kind in (REFERENCE, QUOTED)]
        lines.append("| " + " | ".join([words, str(videos), figure, *shares, *lengths]) + " |")
    return "\n".join(lines)


def _share(cell: Cell, *, is_quoted: bool) -> str:
    text = "" if math.isnan(cell.coverage) else f"{cell.coverage:.3f}"
    return f"**{text}**" if is_quoted else text


def main() -> None:
    """Simulate every population and size, print the table and write it into the page."""
    begin = time.process_time()
    results: dict[tuple[str, int, str], Mapping[str, Cell]] = {}
    for world in worlds():
        for videos in SIZES:
            for name, cells in simulate(world, videos).items():
                results[world.words, videos, name] = cells
    error = math.sqrt(LEVEL * (1 - LEVEL) / TRIALS)
    words = (
        f"Each share is of {TRIALS:,} splits (standard error {error:.3f} at {LEVEL}), with {RESAMPLES} resamples each, "
        f"{STUDENTISED} for bootstrap-t."
    )
    part = f"{table(results)}\n\n{words}"
    print(f"{part}\n{time.process_time() - begin:.0f} s of one core")
    write_text(PAGE, filled(PAGE, part, BEGIN))


if __name__ == "__main__":
    main()
