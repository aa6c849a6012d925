"""The charts of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from abawbench.pages.charts import Plot, Scale, drawing, element, path, rounded, thinned, tick_text, ticks
from abawbench.reports.errors import ErrorCurve
from abawbench.reports.timelines import Course, Timeline
from abawbench.scoring.calibration import Reliability
from abawbench.scoring.ratios import Bounds
from abawbench.table import Floats, Integers, Mask, Rows

if TYPE_CHECKING:
    from markupsafe import Markup

# steps of shade of a density, and points of a line and bars of a lane at most
SHADES, POINTS, RUNS = 10, 1000, 150
SIDES = ("one", "two")
_LEFT, _WIDTH = 92, 900


def interval_mark(scale: Scale, value: float | None, interval: Bounds, class_: str = "one") -> Markup:
    """A figure and its interval on the scale of a column: a dot on a bar."""
    middle = 8
    parts = [element("path", d=f"M{scale.begin:g} {middle}H{scale.end:g}", class_="grid")]
    if scale.low < 0 < scale.high:
        parts.append(element("path", d=f"M{scale(0):g} 2V14", class_="grid"))
    if interval is not None:
        low, high = (scale(bound) for bound in interval)
        parts.append(element("path", d=f"M{low:g} {middle}H{high:g}", class_=f"span {class_}"))
    if value is not None:
        parts.append(element("circle", cx=scale(value), cy=middle, r=4, class_=f"fill-{class_}"))
    size = {"viewBox": f"0 0 {scale.end + 6:g} 16", "width": f"{scale.end + 6:g}", "height": "16"}
    return element("svg", *parts, class_="chart mark", aria_hidden="true", **size)


def density(counts: Floats, low: float, high: float, x: str, y: str, label: str, *, diagonal: bool = True) -> Markup:
    """A histogram over two columns as shades, the square root of the counts; with the line of equal values.

    Args:
        counts: counts, shape (x, y).
        low: least value of both axes.
        high: greatest value of both axes.
        x: name of the horizontal axis.
        y: name of the vertical axis.
        label: what the chart shows, in words.
        diagonal: True for the line of equal values.
    """
    plot = Plot(Scale(low, high, 44, 284), Scale(low, high, 264, 24))
    most = float(counts.max())
    shade = np.ceil(np.sqrt(counts / most) * SHADES).astype(int) if most else np.zeros(counts.shape, int)
    side = 240 / len(counts)
    parts: list[object] = [element("rect", x=44, y=24, width=240, height=240, class_="fill-wash")]
    for step in range(1, SHADES + 1):
        places = np.argwhere(shade == step)
        d = "".join(
            f"M{44 + i * side:g} {264 - (j + 1) * side:g}h{side:g}v{side:g}h-{side:g}z" for i, j in places.tolist()
        )
        if d:
            parts.append(element("path", d=d, class_="fill-one", fill_opacity=f"{step / SHADES:g}"))
    parts.append(plot.axes(x, y))
    if diagonal:
        parts.append(plot.line((low, high), (low, high), "ink dashed"))
    return drawing(300, 304, label, *parts)


def reliability(found: Reliability, label: str) -> Markup:
    """Accuracy over confidence: a dot for each bin with the interval of its accuracy, and where both are equal."""
    plot = Plot(Scale(0, 1, 44, 284), Scale(0, 1, 264, 24))
    parts: list[object] = [plot.axes("confidence", "accuracy")]
    parts.append(plot.line((0, 1), (0, 1), "ink dashed"))
    for own in found.bins:
        x = plot.x(own.confidence)
        if own.interval is not None:
            low, high = (plot.y(bound) for bound in own.interval)
            parts.append(element("path", d=f"M{x:g} {low:g}V{high:g}", class_="line one whisker"))
        parts.append(element("circle", cx=x, cy=plot.y(own.accuracy), r=3.5, class_="fill-one"))
    return drawing(300, 304, label, *parts)


def error_curve(curves: Sequence[ErrorCurve], sides: Sequence[str], label: str) -> Markup:
    """The mean error in bins of a condition, a level line for each bin with the interval behind it.

    The bins are drawn equally wide, as they hold about equally many rows; the numbers below are their edges.

    Args:
        curves: a curve for each prediction, over the same bins.
        sides: class of the colour of each curve.
        label: what the chart shows, in words.
    """
    edges = curves[0].edges
    bins = [own for curve in curves for own in curve.bins if own is not None]
    most = max([own.error for own in bins] + [own.interval[1] for own in bins if own.interval] + [1e-9])
    _, high = rounded(0, most)
    plot = Plot(Scale(0, len(edges) - 1, 44, 284), Scale(0, high, 184, 24))
    parts: list[object] = [plot.axes(curves[0].condition, curves[0].measure, x_ticks=())]
    parts += [
        element("text", tick_text(float(f"{edge:.3g}")), x=plot.x(place), y=201, text_anchor="middle")
        for place, edge in enumerate(edges)
    ]
    for side, curve in zip(sides, curves, strict=True):
        for place, own in enumerate(curve.bins):
            if own is None:
                continue
            begin, end = plot.x(place) + 1.5, plot.x(place + 1) - 1.5
            if own.interval is not None:
                bottom, top = (plot.y(bound) for bound in own.interval)
                box = {"x": begin, "y": top, "width": round(end - begin, 2), "height": round(bottom - top, 2)}
                parts.append(element("rect", **box, class_=f"band fill-{side}"))
            parts.append(element("path", d=f"M{begin:g} {plot.y(own.error):g}H{end:g}", class_=f"line {side} level"))
    return drawing(300, 224, label, *parts)


def timeline(found: Timeline, label: str) -> Markup:
    """The courses of a unit below each other on one axis of frames, which a script can zoom."""
    frame = found.frame
    first, last = float(frame[0]) - 0.5, float(frame[-1]) + 0.5
    scale = Scale(first, last, _LEFT, _WIDTH - 8)
    parts: list[object] = []
    top = 8.0
    for course in found.courses:
        drawn, height = (_numbers if course.task.is_real else _lanes)(course, frame, first, last, top)
        parts += drawn
        top += height
    ticked = [
        element("text", tick_text(value), x=scale(value), y=top + 12, text_anchor="middle")
        for value in ticks(first, last, 8)
        if value == int(value)
    ]
    ends = {"data_first": f"{first:g}", "data_last": f"{last:g}", "data_left": _LEFT, "data_right": _WIDTH - 8}
    parts.append(element("g", *ticked, class_="frames-axis", **ends, data_y=f"{top + 12:g}"))
    parts.append(element("text", "frame", x=_LEFT - 8, y=top + 12, text_anchor="end"))
    return drawing(_WIDTH, top + 20, label, *parts, data_zoom="")


def _area(first: float, last: float, top: float, height: float, *inside: object) -> Markup:
    """The part of a timeline that is zoomed: its units are frames across, and drawing units downwards."""
    box = {"viewBox": f"{first:g} 0 {last - first:g} {height:g}", "preserveAspectRatio": "none"}
    place = {"x": _LEFT, "y": f"{top:g}", "width": _WIDTH - 8 - _LEFT, "height": f"{height:g}"}
    return element("svg", *inside, class_="course", **place, **box)


def _numbers(course: Course, frame: Integers, first: float, last: float, top: float) -> tuple[list[object], float]:
    height = 110.0
    y = Scale(*course.span, height - 3, 3)
    marks = ticks(*course.span, 4)
    outside: list[object] = [element("text", course.lanes[0], x=0, y=top + 12, class_="strong")]
    outside += [
        element("text", tick_text(value), x=_LEFT - 8, y=round(top + y(value) + 4, 2), text_anchor="end")
        for value in marks
    ]
    inside = [element("path", d=f"M{first:g} {y(value):g}H{last:g}", class_="grid line") for value in marks]
    for class_, values in (("ink", course.truth), *zip(SIDES, course.predictions, strict=False)):
        x, kept = thinned(frame, values[:, 0], POINTS)
        inside.append(element("path", d=path(zip(x, map(y, kept), strict=True)), class_=f"line {class_}"))
    return [*outside, _area(first, last, top, height, *inside)], height + 22


def _lanes(course: Course, frame: Integers, first: float, last: float, top: float) -> tuple[list[object], float]:
    step = 17.0
    height = step * len(course.lanes)
    outside: list[object] = [element("text", course.task.name.replace("_", " "), x=0, y=top + 12, class_="strong")]
    inside: list[object] = []
    for lane, name in enumerate(course.lanes):
        middle = step * lane + step / 2
        outside.append(element("text", name, x=_LEFT - 8, y=top + 16 + middle + 4, text_anchor="end"))
        truth = course.truth[:, lane]
        inside.append(element("path", d=_bars(frame, ~np.isnan(truth), middle), class_="grid line"))
        inside.append(element("path", d=_bars(frame, truth == 1, middle), class_="lane-truth"))
        offsets = (0.0,) if len(course.predictions) == 1 else (-2.6, 2.6)
        for side, offset, values in zip(SIDES, offsets, course.predictions, strict=False):
            bars = _bars(frame, values[:, lane] == 1, middle + offset)
            inside.append(element("path", d=bars, class_=f"lane {side}"))
    return [*outside, _area(first, last, top + 16, height, *inside)], height + 38


def _bars(frame: Integers, is_on: Mask, y: float) -> str:
    """The `d` of a line along the frames where it is on; many short stretches are joined, on where most are."""
    begins, ends = _runs(is_on)
    if len(begins) > RUNS:
        parts = np.array_split(is_on, RUNS)
        is_on = np.concatenate([np.full(len(part), part.mean() >= 0.5) for part in parts])
        begins, ends = _runs(is_on)
    return "".join(f"M{frame[a] - 0.5:g} {y:g}H{frame[b] + 0.5:g}" for a, b in zip(begins, ends, strict=True))


def _runs(is_on: Mask) -> tuple[Rows, Rows]:
    """First and last place of each stretch of True."""
    change = np.diff(np.concatenate([[False], is_on, [False]]).astype(np.int8))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1
