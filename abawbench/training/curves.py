"""Losses and scores of the epochs of a training: a table, a log, a picture, and events of TensorBoard."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from abawbench.base.files import write_file, write_text

# one row for each epoch: epoch, rate, seconds, frames, loss by name, score, terms by task, metrics
History = Sequence[Mapping[str, Any]]


def write_curves(run: Path, history: History, best: Mapping[str, Any]) -> None:
    """Write log.jsonl, curves.csv and scores.json of the epochs so far.

    Args:
        run: the run folder.
        history: rows of the epochs.
        best: best epoch and its value, by task, and under `score` for the whole.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    write_text(run / "log.jsonl", "".join(json.dumps(row, allow_nan=False) + "\n" for row in history))
    names = list(dict.fromkeys(name for row in history for name in flat(row)))
    table = io.StringIO()
    writer = csv.DictWriter(table, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat(row) for row in history)
    write_text(run / "curves.csv", table.getvalue())
    scores = [{name: row[name] for name in ("epoch", "score", "terms", "metrics")} for row in history]
    write_text(run / "scores.json", json.dumps({"best": best, "epochs": scores}, indent=1, allow_nan=False) + "\n")


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an epoch as columns: `loss va`, `term va`, and the figures of one number.

    >>> flat({"epoch": 1, "loss": {"va": 0.5}, "score": None, "terms": {"va": 0.1}, "metrics": {"ccc": 0.1}})
    {'epoch': 1, 'loss va': 0.5, 'score': None, 'term va': 0.1}
    """
    columns: dict[str, Any] = {}
    for name, value in row.items():
        if name == "metrics":
            continue
        if isinstance(value, Mapping):
            columns |= {
                f"{name.removesuffix('s') if name == 'terms' else name} {key}": part for key, part in value.items()
            }
        else:
            columns[name] = value
    return columns


def write_picture(run: Path, history: History) -> None:
    """Write curves.png, losses above and official scores below, where matplotlib is installed.

    Raises:
        ProblemError: F01, it cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return
    figure = Figure((7, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    epochs = [row["epoch"] for row in history]
    for axes, key, label in ((above, "loss", "loss in training"), (below, "terms", "score on the validation split")):
        for name in dict.fromkeys(name for row in history for name in row[key]):
            values = [float("nan") if (value := row[key].get(name)) is None else value for row in history]
            axes.plot(epochs, values, marker=".", label=name)
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    below.set_xlabel("epoch")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100, metadata={"Software": ""})
    write_file(run / "curves.png", picture.getvalue())


FOLDER = "tensorboard"


class TensorBoardLog:
    """Events of TensorBoard in the folder `tensorboard` of a run.

    Args:
        run: the run folder.
        epochs: number of epochs done; events of later ones no longer count.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """

    def __init__(self, run: Path, epochs: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer = SummaryWriter(str(run / FOLDER), purge_step=epochs + 1 if epochs else None)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write an epoch."""
        for name, value in flat(row).items():
            if name != "epoch" and value is not None:
                self._writer.add_scalar(name.replace(" ", "/"), value, row["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Write what is still held back."""
        self._writer.close()
