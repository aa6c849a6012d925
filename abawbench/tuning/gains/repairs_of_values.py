"""Repairs of real-valued tasks: scale and offset, a shift in time, the level of a video, and the correlation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from abawbench.challenges import Continuous, Task
from abawbench.metrics.concordance import central, parts_from
from abawbench.table import NO_FRAME, Floats
from abawbench.tuning.gains.lags import lagged_moments, lags
from abawbench.tuning.gains.repairs import Bound, Case, Fitted, Repair, Sums
from abawbench.tuning.search.affine import FITS, Lines, best_affine, transformed
from abawbench.tuning.search.searches import Candidates, best

# rows of a video from which its own mean says something
FEWEST_ROWS = 10


def repairs_of_values(case: Case, task: Task) -> Iterator[Repair]:
    """Every repair of a real-valued task."""
    assert isinstance(task, Continuous)
    is_series = _is_series(case, task)
    for place in range(task.width):
        yield from (_affine(case, task, place, error) for error in FITS)
    if is_series:
        yield from _lags(case, task)
        yield from _levels(case, task)
    for place in range(task.width):
        yield _correlation(case, task, place)


def filled_as_others(filled: Floats, others: Floats) -> Floats:
    """Moments of filled rows, with predictions that follow the others' line over the truth and spread as they do."""
    rows, x, y, xx, yy, xy = np.moveaxis(others, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance, covariance = xx / rows - (x / rows) ** 2, (xy - x * y / rows) / rows
        slope = np.where(variance > 0, covariance / variance, 0.0)
        level = (y - slope * x) / rows
        residual = np.maximum(yy / rows - (y / rows) ** 2 - slope * covariance, 0.0)
    count, sum_x, sum_xx = filled[..., 0], filled[..., 1], filled[..., 3]
    line = level * count + slope * sum_x
    square = level * level * count + 2 * level * slope * sum_x + slope * slope * sum_xx + residual * count
    repaired = np.stack([count, sum_x, line, sum_xx, square, level * sum_x + slope * sum_xx], axis=-1)
    return np.where((rows > 0)[..., None], repaired, filled)


def _affine(case: Case, task: Continuous, place: int, error: str) -> Repair:
    pilots, fit = case.units.pilots[task.name][place], FITS[error]
    scale, offset = (float(value) for value in fit(case.total[task.name][place], pilots))
    values = case.paired.prediction.numbers(task.name)[case.paired.valid[task.name], place] * scale + offset
    outside = np.count_nonzero((values < task.low) | (values > task.high)) / len(values)
    steps = [f"multiply by {scale:.3g}"] * (error != "bias") + [f"add {offset:+.3f}"] * (error != "scale")
    cut = f"; {outside:.1%} of the rows then leave {task.low:g} to {task.high:g}" if outside else ""
    value = case.criterion_of(task).value
    search = Lines(case.clusters[task.name][:, [place]], pilots[None], lambda moments: value(moments, pilots), fit)
    return _fitted(case, task, place, error, f"is {error}: {', then '.join(steps)}{cut}", search)


def _lags(case: Case, task: Continuous) -> Iterator[Repair]:
    offered = lags(case.paired.truth)
    moments = case.by_cluster(lagged_moments(case.paired, task, case.units.pilots[task.name], offered))
    # of equally good shifts the shortest is taken, and none where none helps
    order = np.argsort(np.abs(offered), kind="stable")
    offered, moments = offered[order], moments[:, order]
    total, value = moments.sum(0), case.criterion_of(task).value
    for place in range(task.width):
        pilots = case.units.pilots[task.name][place]
        figures = value(total[:, place], pilots)
        lag = int(offered[int(best(figures))])
        direction = "late: shift them to earlier frames" if lag > 0 else "early: shift them to later frames"
        seconds = "" if case.interval_s is None else f" ({abs(lag) * case.interval_s:.2f} s)"
        search = Candidates(
            np.moveaxis(moments[:, :, [place]], 1, 0),
            lambda sums, pilots=pilots: value(sums, pilots),
        )
        yield _fitted(
            case, task, place, "lag", f"is lag: the answers come {abs(lag)} frames{seconds} {direction}", search
        )


def _fitted(case: Case, task: Continuous, place: int, error: str, advice: str, search: Lines | Candidates) -> Repair:
    figure = case.figure_of(task, place)
    method = Fitted(search, case.share_of(task, figure))
    return Repair(error, task.name, task.outputs[place], figure, advice, method)


def _levels(case: Case, task: Continuous) -> Iterator[Repair]:
    """The mean of each unit's predictions becomes that of its truth."""
    moments, pilots = case.units.tasks[task.name], case.units.pilots[task.name]
    offset = np.nan_to_num(central(moments, pilots)[3])
    rows = moments[..., 0]
    spread = np.sqrt((rows * offset**2).sum(0) / rows.sum(0))
    name = f"{task.name} of true level"
    statistics = {name: case.by_cluster(transformed(moments, pilots, 1.0, offset))}
    for place, column in enumerate(task.outputs):

        def change(sums: Sums, place: int = place) -> Sums:
            return {task.name: _with_column(sums[task.name], place, sums[name][..., place, :])}

        advice = (
            f"is the level of single videos, a bound: off by {spread[place]:.2f} (root mean square); look for what "
            "stays the same within a video, as the face at rest"
        )
        figure = case.figure_of(task, place)
        yield Repair("video bias", task.name, column, figure, advice, Bound(change, statistics))


def _correlation(case: Case, task: Continuous, place: int) -> Repair:
    pilots = case.units.pilots[task.name][place]

    def change(sums: Sums) -> Sums:
        rows, x, _, xx, _, _ = np.moveaxis(sums[task.name][..., place, :], -1, 0)
        # the truth as its own prediction, about the pilot of the prediction
        itself = transformed(np.stack([rows, x, x, xx, xx, xx], axis=-1), np.zeros(2), 1.0, pilots[0] - pilots[1])
        return {task.name: _with_column(sums[task.name], place, itself)}

    def before(sums: Sums) -> Sums:
        moments = sums[task.name][..., place, :]
        fitted = transformed(moments, pilots, *best_affine(moments, pilots))
        return {task.name: _with_column(sums[task.name], place, fitted)}

    correlation = parts_from(case.total[task.name][place], pilots)["correlation"]
    value = "undefined, as for a constant" if np.isnan(correlation) else f"{correlation:.3f}"
    advice = f"is correlation: it is {value}, which neither scale nor offset changes: a better model does"
    figure = case.figure_of(task, place)
    return Repair("correlation", task.name, task.outputs[place], figure, advice, Bound(change, before=before))


def _with_column(sums: Floats, place: int, column: Floats) -> Floats:
    """The moments of a task with those of one column replaced."""
    result = np.array(sums)
    result[..., place, :] = column
    return result


def _is_series(case: Case, task: Continuous) -> bool:
    """True where rows are frames, and most videos have so many that their mean says something."""
    rows = case.units.tasks[task.name][:, 0, 0]
    frames = case.paired.truth.frame
    return bool((frames != NO_FRAME).all() and np.median(rows[rows > 0]) >= FEWEST_ROWS)
