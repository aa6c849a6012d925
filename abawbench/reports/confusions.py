"""Confusions, and the frames behind them: for each cell the longest stretches of frames, by unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from abawbench.challenges import Categorical, Challenge, MultiLabel
from abawbench.reports.subject import Subject
from abawbench.table import NO_FRAME, Classes, Floats, Rows, Table

# stretches that a cell leads to
SHOWN = 12
PRESENCE = ("absent", "present")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a unit in a row that share a cell: name and index of the unit, first and last frame, number of rows."""

    unit: str
    place: int
    first: int
    last: int
    rows: int

    @property
    def text(self) -> str:
        """The frames in words.

        >>> Stretch("a", 0, 3, 9, 7).text, Stretch("a", 0, 3, 3, 1).text, Stretch("a", 0, -1, -1, 1).text
        ('frames 3–9', 'frame 3', 'whole unit')
        """
        if self.first == NO_FRAME:
            return "whole unit"
        return f"frame {self.first}" if self.first == self.last else f"frames {self.first}–{self.last}"


@dataclass(frozen=True, slots=True)
class CellRows:
    """The rows of one cell of a matrix.

    Attributes:
        truth: what the truth says.
        prediction: what the prediction says.
        rows: number of rows.
        units: number of units with such rows.
        stretches: the longest stretches.
        more: number of stretches that are not among these.
    """

    truth: str
    prediction: str
    rows: int
    units: int
    stretches: tuple[Stretch, ...]
    more: int

    @property
    def is_right(self) -> bool:
        """True where truth and prediction agree."""
        return self.truth == self.prediction


@dataclass(frozen=True, slots=True)
class Matrix:
    """Confusions of one task of classes, or of one label.

    Attributes:
        task: name of the task.
        label: name of the label; empty for a task of classes.
        names: names of rows (truth) and columns (prediction).
        cells: cells by place in `names`, of truth and prediction; cells without rows are left out.
    """

    task: str
    label: str
    names: tuple[str, ...]
    cells: Mapping[tuple[int, int], CellRows]

    def share(self, truth: int, prediction: int) -> float:
        """Share of the rows of a class of the truth that get a prediction; 0 for a class without rows."""
        total = sum(cell.rows for (row, _), cell in self.cells.items() if row == truth)
        cell = self.cells.get((truth, prediction))
        return cell.rows / total if cell is not None and total else 0.0


def matrices(challenge: Challenge, subject: Subject) -> Iterator[Matrix]:
    """The confusions of every task of classes, and of every label of a task of labels."""
    table = subject.paired.truth
    # in order of time; equal keys keep the order of the truth
    order = np.lexsort((table.frame, table.video))
    for task in challenge.tasks:
        if task.is_real:
            continue
        truth, prediction = (own.classes(task.name) for own in (table, subject.paired.prediction))
        rows = order[subject.paired.valid[task.name][order]]
        if isinstance(task, Categorical):
            yield _matrix(task.name, "", task.classes, table, rows, truth, prediction)
        elif isinstance(task, MultiLabel):
            for place, label in enumerate(task.columns):
                yield _matrix(task.name, label, PRESENCE, table, rows, truth[:, place], prediction[:, place])


def _matrix(
    task: str, label: str, names: tuple[str, ...], table: Table, rows: Rows, truth: Classes, prediction: Classes
) -> Matrix:
    width = len(names)
    code = truth[rows].astype(np.int64) * width + prediction[rows]
    video, frame = table.video[rows], table.frame[rows]
    first = np.flatnonzero(np.append(True, (code[1:] != code[:-1]) | (video[1:] != video[:-1]))) if len(rows) else rows
    length = np.diff(np.append(first, len(rows)))
    cells: dict[tuple[int, int], CellRows] = {}
    for own in np.unique(code).tolist():
        runs = np.flatnonzero(code[first] == own)
        longest = runs[np.argsort(-length[runs], kind="stable")][:SHOWN]
        stretches = tuple(
            Stretch(
                table.videos[video[begin]],
                int(video[begin]),
                int(frame[begin]),
                int(frame[begin + count - 1]),
                int(count),
            )
            for begin, count in zip(first[longest], length[longest], strict=True)
        )
        key = own // width, own % width
        units = len(np.unique(video[first[runs]]))
        total = int(length[runs].sum())
        cells[key] = CellRows(names[key[0]], names[key[1]], total, units, stretches, len(runs) - len(stretches))
    return Matrix(task, label, names, cells)


def densities(challenge: Challenge, subject: Subject, bins: int) -> Iterator[tuple[str, Floats, float, float]]:
    """How often each value is predicted for each value of the truth.

    Args:
        challenge: the challenge.
        subject: the prediction.
        bins: number of bins of an axis.

    Yields:
        Column, counts of shape (truth, prediction), and the ends of both axes.
    """
    for task in challenge.tasks:
        if not task.is_real:
            continue
        low, high = task.span
        rows = subject.paired.valid[task.name]
        for place, column in enumerate(task.outputs):
            truth, prediction = (
                table.numbers(task.name)[rows, place] for table in (subject.paired.truth, subject.paired.prediction)
            )
            counts, _, _ = np.histogram2d(truth, prediction, bins, [[low, high], [low, high]])
            yield column, counts, low, high


def planes(
    challenge: Challenge, subject: Subject, bins: int
) -> Iterator[tuple[tuple[str, str], str, Floats, float, float]]:
    """Where truth and prediction lie in the plane of a task of two real-valued columns, as valence and arousal.

    Yields:
        The columns, `truth` or `prediction`, counts of shape (first column, second column), and the ends of both axes.
    """
    for task in challenge.tasks:
        if not task.is_real or task.width != 2:
            continue
        low, high = task.span
        rows = subject.paired.valid[task.name]
        for name, table in (("truth", subject.paired.truth), ("prediction", subject.paired.prediction)):
            values = table.numbers(task.name)[rows]
            counts, _, _ = np.histogram2d(values[:, 0], values[:, 1], bins, [[low, high], [low, high]])
            yield (task.outputs[0], task.outputs[1]), name, counts, low, high
