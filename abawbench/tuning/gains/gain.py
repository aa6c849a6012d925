"""Where the points lie: what a score would be if one kind of error were repaired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.metrics.jackknife import jackknife_interval
from abawbench.scoring import Paired
from abawbench.scoring.criteria import figure_name, number, spans
from abawbench.scoring.intervals import LEVEL, USUAL, Resampling, listed
from abawbench.scoring.statistics import collect, rows_of
from abawbench.table import Floats
from abawbench.tuning.gains.repairs import Bound, Case, Fitted, Repair, Sums
from abawbench.tuning.gains.repairs_of_classes import (
    classes_as_others,
    labels_as_others,
    repairs_of_classes,
    repairs_of_labels,
)
from abawbench.tuning.gains.repairs_of_values import filled_as_others, repairs_of_values
from abawbench.tuning.inputs.stream import Stream
from abawbench.tuning.search.crossfit import Plan, crossfit

FOLDS = 5
REPEATS = 10
# a search is repeated in every resample
SEARCHES = 1000
# less than rounding in the figures that are printed
NOTHING = 5e-5

REPAIRS: Mapping[type[Task], Callable[[Case, Task], Iterator[Repair]]] = {
    Continuous: repairs_of_values,
    Categorical: repairs_of_classes,
    MultiLabel: repairs_of_labels,
}
AS_OTHERS: Mapping[type[Task], Callable[[Floats, Floats], Floats]] = {
    Continuous: filled_as_others,
    Categorical: classes_as_others,
    MultiLabel: labels_as_others,
}


@dataclass(frozen=True, slots=True)
class Gain:
    """What a score would gain if one kind of error were repaired. Gains overlap and do not add up.

    Attributes:
        task: name of the task; None where all tasks are repaired together.
        column: column, class or pair of them that is repaired; None for the whole task.
        error: kind of error, as `bias`.
        score_after: the score after the repair; None where the predictions lack what it takes to know.
        gain: what the score gains.
        interval: 95 % interval of the gain over videos or subjects; None where there is none.
        cross_fitted: True where the repair has settings, and they were fitted on other videos than they were judged on.
        figure: path of the figure that the repair concerns, joined by dots, as `metrics.ccc_arousal`.
        figure_gain: what this figure gains.
        advice: what to do, in plain words.
    """

    task: str | None
    column: str | None
    error: str
    score_after: float | None
    gain: float | None
    interval: tuple[float, float] | None
    cross_fitted: bool
    figure: str
    figure_gain: float | None
    advice: str

    def to_json(self) -> dict[str, Any]:
        """The gain as plain data."""
        return asdict(self)


def gains(
    challenge: Challenge, paired: Paired, stream: Stream | None = None, *, resampling: Resampling = USUAL
) -> tuple[Gain, ...]:
    """Compute what the score would gain from the repair of each kind of error, the greatest gain first.

    Repairs that know the truth (the level of a video, a pair of classes that is told apart) are bounds, with intervals
    from leaving out one video at a time. Repairs with settings (a scale, thresholds) are cross-fitted: their settings
    come from other videos than those they are judged on, and their intervals repeat the search in every resample. Rows
    that do not count in the score count in no repair.

    Args:
        challenge: the challenge.
        paired: truth and prediction.
        stream: the answers behind the prediction; without them what needs probabilities says so.
        resampling: number of resamples (1,000 at most) and seed of the intervals, and the subjects to resample, if any.

    Raises:
        ProblemError: C02, a scored video has no subject.
    """
    case = Case.of(challenge, paired, stream, resampling.subjects)
    found = list(_repairs(case))
    measured = _bounds(case, [repair for repair in found if isinstance(repair.method, Bound)])
    measured += _fits(case, [repair for repair in found if isinstance(repair.method, Fitted)], resampling)
    known = sorted((gain for gain in measured if gain.gain is not None), key=lambda gain: -(gain.gain or 0.0))
    return (*known, *(_unknown(repair) for repair in found if repair.method is None))


def _repairs(case: Case) -> Iterator[Repair]:
    """Every repair that there is something to repair for."""
    for task in case.challenge.tasks:
        if rows_of(task, case.total[task.name]):
            yield from REPAIRS[type(task)](case, task)
            yield from _missing_faces(case, task)
    if len(case.names) > 1 and not case.is_joined:
        yield from _better_half(case)
        yield _worst_video(case)


def _missing_faces(case: Case, task: Task) -> Iterator[Repair]:
    """Filled rows are answered as well as the others are, given the truth."""
    valid = case.paired.valid[task.name]
    rows, own = valid & case.filled, valid & ~case.filled
    if not rows.any() or not own.any():
        return
    masks = {one.name: rows if one is task else np.zeros_like(rows) for one in case.challenge.tasks}
    truth, prediction = case.paired.truth, case.paired.prediction
    found = collect(case.challenge, truth, prediction, valid=masks, pilots=case.units.pilots)
    name, as_others = f"{task.name} filled", AS_OTHERS[type(task)]

    def change(sums: Sums) -> Sums:
        others = sums[task.name] - sums[name]
        return {task.name: others + as_others(sums[name], others)}

    advice = (
        f"is missing faces: {int(rows.sum()):,} rows ({rows.sum() / valid.sum():.1%}) have no face of their own and "
        "took the answer of other frames; as good as the other rows they would bring this, so find the faces"
    )
    method = Bound(change, {name: case.by_cluster(found.tasks[task.name])})
    yield Repair("missing faces", task.name, None, case.figure_of(task), advice, method)


def _better_half(case: Case) -> Iterator[Repair]:
    """A task is everywhere as good as on the better half of its videos, where the score has several tasks."""
    if len(case.challenge.metric.terms) < 2:
        return
    without = case.figures({name: case.total[name] - array for name, array in case.clusters.items()})
    for term in case.challenge.metric.terms:
        task, path = case.challenge.task(term.task), ("terms", term.task)
        some = np.flatnonzero(rows_of(task, case.clusters[task.name]))
        # a video is good where the figure is lower without it
        order = some[np.argsort(np.nan_to_num(without[path])[some], kind="stable")]
        half = order[: -(-len(order) // 2)]
        better = np.zeros_like(case.clusters[task.name])
        better[half] = case.clusters[task.name][half]
        name = f"{task.name} of the better half"
        level = case.figures({**case.total, task.name: better.sum(0)})[path]
        advice = f"lies in the weaker half of the videos: it is {float(level):.3f} on the better half"

        def change(sums: Sums, task: str = task.name, name: str = name) -> Sums:
            return {task: sums[name]}

        yield Repair("weaker half", task.name, None, path, advice, Bound(change, {name: better}))


def _worst_video(case: Case) -> Repair:
    """The video without which the score is highest is left out."""
    without = case.figures({name: case.total[name] - array for name, array in case.clusters.items()})[case.main]
    worst = int(np.argmax(np.where(np.isnan(without), -np.inf, without)))
    is_worst = (np.arange(len(case.names)) == worst)[:, None, None]
    statistics = {f"{name} of the worst": array * is_worst for name, array in case.clusters.items()}

    def change(sums: Sums) -> Sums:
        return {name: sums[name] - sums[f"{name} of the worst"] for name in case.clusters}

    advice = f"is lost in {case.names[worst]}: the figure is higher by as much without it, so look at it"
    return Repair("worst video", None, case.names[worst], case.main, advice, Bound(change, statistics))


def _bounds(case: Case, repairs: list[Repair]) -> list[Gain]:
    """Gains of repairs that nothing is fitted for, with the interval from leaving out one cluster at a time."""
    statistics = dict(case.clusters)
    for repair in repairs:
        assert isinstance(repair.method, Bound)
        statistics |= repair.method.statistics
    total = {name: array.sum(0) for name, array in statistics.items()}
    points = _changes(case, repairs, total)
    without = _changes(case, repairs, {name: total[name] - array for name, array in statistics.items()})
    low, high = spans(case.challenge)[case.main]
    score = float(case.figures(case.total)[case.main])
    result: list[Gain] = []
    for repair, point, left in zip(repairs, points, without, strict=True):
        gain, of_figure = (float(value) for value in point)
        if of_figure > NOTHING or gain > NOTHING:
            bounds = listed(jackknife_interval(gain, left[0], LEVEL, (low - high, high - low)))
            result.append(_gain(repair, score, gain, of_figure, bounds, cross_fitted=False))
    return result


def _changes(case: Case, repairs: list[Repair], sums: Sums) -> list[tuple[Floats, Floats]]:
    """What each repair changes of the score and of its figure, over the leading axes of the sums."""
    plain = case.figures(sums)
    changes: list[tuple[Floats, Floats]] = []
    for repair in repairs:
        assert isinstance(repair.method, Bound)
        after = case.figures({**sums, **repair.method.change(sums)})
        before = plain if repair.method.before is None else case.figures({**sums, **repair.method.before(sums)})
        changes.append((after[case.main] - before[case.main], after[repair.figure] - before[repair.figure]))
    return changes


def _fits(case: Case, repairs: list[Repair], resampling: Resampling) -> list[Gain]:
    """Gains of repairs with settings, cross-fitted; none of one cluster, which cannot be held out."""
    score = float(case.figures(case.total)[case.main])
    sizes = np.sum([rows_of(task, case.clusters[task.name]) for task in case.challenge.tasks], axis=0)
    if len(case.names) < 2:
        return []
    fewer = replace(resampling, resamples=min(SEARCHES, resampling.resamples))
    plan = Plan.of(sizes, fewer, min(FOLDS, len(sizes)), REPEATS)
    result: list[Gain] = []
    for repair in repairs:
        assert isinstance(repair.method, Fitted)
        found = crossfit(repair.method.search, plan)
        if found.in_sample - found.before > NOTHING:
            in_score = found.scaled(repair.method.share)
            result.append(_gain(repair, score, in_score.gain, found.gain, in_score.interval("gain"), cross_fitted=True))
    return result


def _gain(
    repair: Repair, score: float, gain: float, of_figure: float, bounds: list[float] | None, *, cross_fitted: bool
) -> Gain:
    interval = None if bounds is None else (bounds[0], bounds[1])
    doubt = ""
    if cross_fitted and (interval is None or interval[0] <= 0):
        doubt = "; on other videos it may as well gain nothing"
    name = "the score" if repair.figure == ("score",) else figure_name(repair.figure)
    advice = f"{of_figure:.3f} of {name} {repair.advice}{doubt}"
    if cross_fitted and of_figure <= 0:
        advice = f"nothing of {name} is {repair.error} on other videos"
    return Gain(
        task=repair.task,
        column=repair.column,
        error=repair.error,
        score_after=number(np.float64(score + gain)),
        gain=number(np.float64(gain)),
        interval=interval,
        cross_fitted=cross_fitted,
        figure=".".join(repair.figure),
        figure_gain=number(np.float64(of_figure)),
        advice=advice,
    )


def _unknown(repair: Repair) -> Gain:
    """A repair of which the predictions do not tell what it gains."""
    figure = ".".join(repair.figure)
    return Gain(repair.task, repair.column, repair.error, None, None, None, False, figure, None, repair.advice)
