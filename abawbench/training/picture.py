"""The picture of a training: losses and official scores of its epochs, and the epoch that was chosen."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abawbench.base.files import write_file
from abawbench.training.results import SCORE, History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def write_picture(run: Path, history: History, best: Mapping[str, Any]) -> None:
    """Write curves.png, losses above and official scores below with the chosen epoch, where matplotlib is installed.

    Args:
        run: run folder.
        history: rows of the epochs.
        best: best epoch and its value, by task, and under `score` for the whole.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    try:
        figure = draw(history, best)
    except ModuleNotFoundError:
        return
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100, metadata={"Software": ""})
    write_file(run / "curves.png", picture.getvalue())


def draw(history: History, best: Mapping[str, Any]) -> Figure:
    """Draw the figure of `write_picture`. Raises: ModuleNotFoundError, matplotlib is not installed."""
    from matplotlib.figure import Figure

    figure = Figure((7, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for name in dict.fromkeys(name for row in history for name in row["loss"]):
        _draw(above, history, [row["loss"].get(name) for row in history], name)
    terms = list(dict.fromkeys(name for row in history for name in row["terms"]))
    for name in terms if len(terms) > 1 else ():
        _draw(below, history, [row["terms"].get(name) for row in history], name, best.get(name))
    chosen = best.get(SCORE)
    _draw(below, history, [row["score"] for row in history], "official score", chosen, color="black", linewidth=2.5)
    for axes, label in ((above, "loss in training"), (below, "score on the validation split")):
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        if chosen is not None:
            axes.axvline(chosen["epoch"], color="black", linestyle="--", linewidth=1, label=_label(chosen))
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    below.set_xlabel("epoch; circles: best epoch of each score")
    below.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _draw(
    axes: Axes,
    history: History,
    values: Sequence[float | None],
    name: str,
    best: Mapping[str, Any] | None = None,
    **style: Any,
) -> None:
    """Draw the values of the epochs, and a circle round that of the best; a series without a value is left out."""
    if all(value is None for value in values):
        return
    epochs = [row["epoch"] for row in history]
    numbers = [float("nan") if value is None else value for value in values]
    (line,) = axes.plot(epochs, numbers, marker=".", label=name, **style)
    if best is not None:
        place = epochs.index(best["epoch"])
        axes.plot(epochs[place], numbers[place], "o", color=line.get_color(), markersize=11, fillstyle="none")


def _label(chosen: Mapping[str, Any]) -> str:
    value = "" if chosen["value"] is None else f", {chosen['value']:.4f}"
    return f"chosen: epoch {chosen['epoch']}{value}"
