"""Figures for papers as SVG and PDF: scores with intervals, confusions, reliability, densities, a timeline."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.scoring.criteria import Path, figure_name
from abawbench.table import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from abawbench.reports.confusions import Matrix
    from abawbench.reports.latex import PaperRow
    from abawbench.reports.timelines import Course, Timeline
    from abawbench.scoring.calibration import Reliability

# inches: a column of a page of two, and the whole width of the page
COLUMN, PAGE = 3.3, 6.9
# colours that stay apart in grey and for every kind of sight
INK, COLOURS = "#1c1b19", ("#0b5c7d", "#c4621a", "#7a3b8f", "#24683a", "#b0892b", "#5f5a51")
STYLE: Mapping[str, Any] = {
    "font.size": 8,
    "font.family": "DejaVu Sans",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.0,
    "legend.frameon": False,
    # letters stay letters in a PDF, and no name in an SVG is drawn by chance
    "pdf.fonttype": 42,
    "svg.hashsalt": "abawbench",
}
# metadata without the time, so that the same input makes the same bytes
METADATA: Mapping[str, Mapping[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@contextmanager
def house_style() -> Generator[None]:
    """Draw and write figures in the style of this module."""
    import matplotlib as mpl

    style: dict[Any, Any] = dict(STYLE)
    with mpl.rc_context(style):
        yield


def as_files(name: str, figure: Figure) -> Iterator[tuple[str, bytes]]:
    """The bytes of a figure as SVG and as PDF, each with its file name."""
    # the layout is found once for both
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for form, metadata in METADATA.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, metadata=dict(metadata))
        yield f"{name}.{form}", buffer.getvalue()


def scores(rows: Sequence[PaperRow], panels: Sequence[Sequence[Path]], names: Sequence[str] = ()) -> Figure:
    """Figures with their intervals, a line for each, the predictions in colours side by side.

    Args:
        rows: the predictions.
        panels: figures of each panel from the top; each panel has an axis of its own.
        names: names of all figures; by default as they are called everywhere.
    """
    from matplotlib.figure import Figure

    sizes = [len(paths) for paths in panels]
    height = 0.5 + 0.25 * len(panels) + 0.17 * sum(sizes) * (1 + len(rows) / 2)
    figure = Figure((COLUMN, height), layout="constrained")
    all_axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=sizes)[:, 0]
    left = list(names) or [figure_name(path) for paths in panels for path in paths]
    for axes, paths in zip(all_axes, panels, strict=True):
        _intervals(axes, rows, paths)
        axes.set_yticks(range(len(paths)), left[: len(paths)])
        left = left[len(paths) :]
    if len(rows) > 1:
        figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=7)
    return figure


def _intervals(axes: Axes, rows: Sequence[PaperRow], paths: Sequence[Path]) -> None:
    for place, row in enumerate(rows):
        shift = (place - (len(rows) - 1) / 2) * 0.7 / len(rows)
        colour = COLOURS[place % len(COLOURS)]
        for line, path in enumerate(paths):
            value, interval = row.figures.get(path), row.intervals.get(path)
            if interval is not None:
                axes.plot(interval[1], [line + shift] * 2, color=colour, linewidth=1.2, solid_capstyle="butt")
            if value is not None:
                axes.plot([value], [line + shift], marker="o", markersize=3.2, color=colour)
        label = f"{row.name} (in-sample)" if row.is_in_sample else row.name
        axes.plot([], [], marker="o", markersize=3.2, color=colour, label=label)
    axes.set_ylim(len(paths) - 0.5, -0.5)
    axes.grid(axis="x", linewidth=0.4, alpha=0.5)
    axes.tick_params(axis="y", length=0)


def confusion(matrix: Matrix) -> Figure:
    """The share of each prediction in each class of the truth."""
    count = len(matrix.names)
    shares = np.array([[matrix.share(truth, other) for other in range(count)] for truth in range(count)])
    figure, axes = _axes(COLUMN, 0.8 + 0.3 * count)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (truth, prediction), share in np.ndenumerate(shares):
        dark = share > 0.55
        text = f"{share:.2f}".removeprefix("0") if share < 1 else "1"
        axes.text(prediction, truth, text, ha="center", va="center", fontsize=6.5, color="white" if dark else INK)
    axes.set_xticks(range(count), matrix.names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(count), matrix.names)
    axes.set_xlabel("prediction")
    axes.set_ylabel("truth")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def reliability(found: Sequence[Reliability]) -> Figure:
    """Accuracy over confidence with intervals, a panel for each task, and the line of probabilities that hold."""
    from matplotlib.figure import Figure

    figure = Figure((COLUMN * min(len(found), 2), 2.6), layout="constrained")
    for axes, one in zip(np.ravel(figure.subplots(1, len(found), squeeze=False)), found, strict=True):
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
        for own in one.bins:
            if own.interval is not None:
                axes.plot([own.confidence] * 2, own.interval, color=COLOURS[0], linewidth=1.2, alpha=0.6)
        axes.plot([own.confidence for own in one.bins], [own.accuracy for own in one.bins], "o-", **_dots(COLOURS[0]))
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy", aspect="equal")
        axes.set_title(f"{one.task.replace('_', ' ')}, ECE {one.error:.3f}")
    return figure


def densities(found: Sequence[tuple[str, Floats, float, float]]) -> Figure:
    """How often each value is predicted for each value of the truth: a panel for each column.

    Args:
        found: column, counts of shape (truth, prediction), and the ends of both axes, of each.
    """
    from matplotlib.figure import Figure

    rows = -(-len(found) // 2)
    figure = Figure((COLUMN * min(len(found), 2), 2.6 * rows), layout="constrained")
    panels = list(np.ravel(figure.subplots(rows, min(len(found), 2), squeeze=False)))
    for axes, (column, counts, low, high) in zip(panels, found, strict=False):
        shade = np.sqrt(counts.T / max(counts.max(), 1))
        axes.imshow(shade, cmap="Blues", vmin=0, vmax=1, origin="lower", extent=(low, high, low, high))
        axes.plot([low, high], [low, high], color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
        marks = np.linspace(low, high, 5)
        axes.set(xlabel=f"{column}, truth", ylabel=f"{column}, prediction", xticks=marks, yticks=marks)
    for axes in panels[len(found) :]:
        axes.set_axis_off()
    return figure


def timeline(found: Timeline, names: Sequence[str]) -> Figure:
    """The courses of a unit, truth and predictions below each other on one axis of frames.

    Args:
        found: the courses.
        names: name of each prediction.
    """
    from matplotlib.figure import Figure

    heights = [1.0 if course.task.is_real else 0.25 + 0.16 * len(course.lanes) for course in found.courses]
    figure = Figure((PAGE, 0.6 + sum(heights)), layout="constrained")
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, course in zip(panels, found.courses, strict=True):
        (_numbers if course.task.is_real else _lanes)(axes, found.frame.astype(np.float64), course)
    labels = [("truth", INK), *zip(names, COLOURS, strict=False)]
    handles = [panels[0].plot([], [], color=colour, label=name)[0] for name, colour in labels]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(labels), fontsize=7)
    panels[-1].set_xlabel(f"frame of {found.figures.unit}")
    return figure


def _numbers(axes: Axes, frame: Floats, course: Course) -> None:
    # a line does not go on over frames that are not there
    gaps = np.flatnonzero(np.diff(frame) > 5 * np.median(np.diff(frame))) + 1
    for values, colour in zip((course.truth, *course.predictions), (INK, *COLOURS), strict=False):
        axes.plot(np.insert(frame, gaps, np.nan), np.insert(values[:, 0], gaps, np.nan), color=colour, linewidth=0.8)
    axes.set(ylim=course.span, ylabel=course.lanes[0])
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)


def _lanes(axes: Axes, frame: Floats, course: Course) -> None:
    series = (course.truth, *course.predictions)
    step = 0.7 / len(series)
    width = float(np.median(np.diff(frame))) if len(frame) > 1 else 1.0
    for place, (values, colour) in enumerate(zip(series, (INK, *COLOURS), strict=False)):
        for lane in range(len(course.lanes)):
            on = np.flatnonzero(values[:, lane] == 1)
            runs = np.split(on, np.flatnonzero(np.diff(on) > 1) + 1) if len(on) else []
            spans = [(float(frame[run[0]]) - width / 2, float(frame[run[-1]] - frame[run[0]]) + width) for run in runs]
            axes.broken_barh(spans, (lane - 0.35 + place * step, step), facecolors=colour, linewidth=0)
    axes.set_yticks(range(len(course.lanes)), course.lanes, fontsize=6.5)
    axes.set_ylim(len(course.lanes) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots()


def _dots(colour: str) -> dict[str, Any]:
    return {"color": colour, "markersize": 3.2, "linewidth": 0.8}
