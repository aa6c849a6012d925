"""Answers to the tasks of a challenge from the tables of a toolkit: numbers, class scores and action units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, Problems
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.entries.foreign.tool_tables import Output
from abawbench.entries.foreign.tools import Tool
from abawbench.entries.outputs import TOLERANCE, is_distribution, softmax
from abawbench.labels import VALENCE_AROUSAL, class_named
from abawbench.table import Floats, Mask

# greatest intensity of an action unit
MOST_INTENSE = 5.0
# how far a regression may overshoot the range of intensities; further out the scale is another one
OVERSHOOT = 0.5
# greatest valence or arousal: a linear head overshoots the range a little; a scale of 1 to 9 does not fit
FARTHEST = 1.5
# rounding of a class score in a table, as 0.02
ROUNDING = 0.005


@dataclass(frozen=True, eq=False)
class AnswerReader:
    """Reads the answers to a task from the tables of a tool; a subclass for each kind of task.

    Attributes:
        tool: the tool that wrote the tables.
        classes: class columns in the tables, or classes that the label column may name.
        task: the task to answer.
    """

    tool: Tool
    classes: tuple[str, ...]
    task: Any

    @property
    def column(self) -> Mapping[str, str]:
        """Column of each output that the tool knows."""
        raise NotImplementedError

    def restrict(self, header: Sequence[str]) -> Task | None:
        """The task with those of its outputs that the tables have; None where they have too few."""
        kept = [name for name in self.task.outputs if self.column.get(name) in header]
        return self.task.with_outputs(kept) if kept else None

    def columns(self) -> Sequence[str]:
        """Columns of the tables that the answers are made from."""
        return [self.column[name] for name in self.task.outputs]

    def read(self, output: Output, problems: Problems) -> Floats:
        """Answers to the rows of a table, shape (rows, width)."""
        raise NotImplementedError

    def note(self) -> str:
        """A note of the card on how the answers are made; empty where there is nothing to say."""
        return ""


class _ValenceArousal(AnswerReader):
    @property
    def column(self) -> Mapping[str, str]:
        return dict(zip(VALENCE_AROUSAL, self.tool.valence_arousal or (), strict=False))

    def read(self, output: Output, problems: Problems) -> Floats:
        values = output.of(self.columns())
        _refuse(output, np.abs(values).max(axis=1, initial=0) > FARTHEST, values, "values from -1 to 1", problems)
        _note_overshoot(output, values, (*self.task.span, FARTHEST - 1), ", ".join(self.columns()), problems)
        return np.clip(values, *self.task.span)


class _Classes(AnswerReader):
    def restrict(self, header: Sequence[str]) -> Task | None:
        del header
        meant = {class_named(name, self.task.classes) for name in self.classes}
        kept = [name for name in self.task.classes if name in meant]
        return self.task.with_outputs(kept) if len(kept) > 1 else None

    def columns(self) -> Sequence[str]:
        return [self.tool.label] if self.tool.label else self.classes

    def read(self, output: Output, problems: Problems) -> Floats:
        scores = self._scores(output, problems)
        known = np.zeros((len(scores), self.task.width))
        for place, label in enumerate(self.classes):
            name = class_named(label, self.task.classes)
            if name is not None:
                known[:, self.task.classes.index(name)] += np.maximum(scores[:, place], 0)
        whole = known.sum(axis=1, keepdims=True)
        # where only classes that are left out have a probability, nothing is known of the others
        return np.where(whole > 0, known / np.where(whole > 0, whole, 1), 1 / self.task.width)

    def _scores(self, output: Output, problems: Problems) -> Floats:
        """Probabilities of the tool's own classes, shape (rows, classes)."""
        if self.tool.label:
            named = output.of([self.tool.label])[:, 0].astype(np.int64)
            return np.eye(len(self.tool.classes))[named][:, [self.tool.classes.index(name) for name in self.classes]]
        scores = output.of(self.classes)
        is_fair = is_distribution(scores, ROUNDING * len(self.classes) if self.tool.derived else TOLERANCE)
        if self.tool.scores == "probability":
            scale = ", for percentages scale = 100" if self.tool.derived else ""
            expected = f'probabilities that sum to 1; for raw scores set scores = "logit"{scale}'
            _refuse(output, ~is_fair, scores, expected, problems)
            return scores
        expected = 'raw scores; for probabilities that sum to 1 set scores = "probability"'
        _refuse(output, is_fair & is_fair.all(), scores, expected, problems)
        return softmax(scores)

    def note(self) -> str:
        lost = [name for name in self.classes if class_named(name, self.task.classes) is None]
        return f"{self.task.name}: left out, the others made to sum to 1: {', '.join(lost)}" if lost else ""


class _Units(AnswerReader):
    @property
    def column(self) -> Mapping[str, str]:
        return {name: unit.column for name, unit in self.tool.units.items()}

    def read(self, output: Output, problems: Problems) -> Floats:
        values = output.of(self.columns())
        for place, name in enumerate(self.task.columns):
            unit, column = self.tool.units[name], values[:, place : place + 1]
            highest = MOST_INTENSE if unit.scale == "intensity" else 1.0
            wrong = (column < -TOLERANCE) | (column > highest + TOLERANCE)
            if unit.scale == "presence":
                wrong |= column != np.round(column)
            elif unit.scale == "intensity":
                wrong = (column <= -OVERSHOOT) | (column >= highest + OVERSHOOT)
            _refuse(output, wrong[:, 0], column, f"{unit.column}: {unit.scale} from 0 to {highest:g}", problems)
            if unit.scale == "intensity":
                _note_overshoot(output, column, (0.0, highest, OVERSHOOT), unit.column, problems)
                assert self.tool.threshold is not None
                values[:, place] = presence(values[:, place], self.tool.threshold)
        return np.clip(values, 0, 1)

    def note(self) -> str:
        graded = [name for name in self.task.columns if self.tool.units[name].scale == "intensity"]
        return f"{', '.join(graded)}: present from intensity {self.tool.threshold:g} on" if graded else ""


READERS: dict[type[Task], type[AnswerReader]] = {Continuous: _ValenceArousal, Categorical: _Classes, MultiLabel: _Units}


def _refuse(output: Output, wrong: Mask, values: Floats, expected: str, problems: Problems) -> None:
    places = np.flatnonzero(wrong)
    if len(places):
        row = values[places[0]]
        found = f"{', '.join(f'{value:.4g}' for value in row)} in frame {output.frame[places[0]]}"
        fix = "check the tool's version and the settings"
        problems.add(Problem("E18", found, expected, fix, output.file, count=len(places)))


def _note_overshoot(
    output: Output, values: Floats, span: tuple[float, float, float], name: str, problems: Problems
) -> None:
    """Note how many values are outside of a range by more than rounding; span: least, greatest value, overshoot."""
    low, high, reach = span
    over = np.maximum(low - values, values - high)
    places = np.argwhere((over > TOLERANCE) & (over < reach))
    if len(places):
        row, column = places[0]
        found = f"{name}: {values[row, column]:.4g} in frame {output.frame[row]}"
        fix = "nothing where the tool overshoots a little: such a value counts as the end of the range"
        problems.add(Problem("N30", found, f"values from {low:g} to {high:g}", fix, output.file, count=len(places)))


def presence(intensity: Floats, threshold: float) -> Floats:
    """Intensities from 0 to 5 as probabilities: 0 stays 0, the threshold becomes 0.5, 5 becomes 1, straight between.

    >>> presence(np.array([0.0, 1.0, 2.0, 3.5, 5.0]), 2.0).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return np.interp(intensity, [0.0, threshold, MOST_INTENSE], [0.0, 0.5, 1.0])
