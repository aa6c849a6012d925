"""Negative controls: entries that answer without any picture."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.clips.clip import Clip
from abawbench.entries.baselines.labelled import labelled_tasks
from abawbench.entries.model import Answers, Card
from abawbench.entries.outputs import certain_answers
from abawbench.table import Floats, Integers, Mask, Table


@dataclass(frozen=True, slots=True)
class NoSettings:
    """Settings of a control that has none."""


@dataclass(frozen=True, slots=True)
class ConstantSettings:
    """Settings of the control that gives the same answer to every frame.

    Attributes:
        number: value of every continuous column, cut at its range.
        class_index: class of every categorical task.
        label: value of every label of a multi-label task, 0 or 1.
    """

    number: float = 0.0
    class_index: Annotated[int, Field(ge=0)] = 0
    label: Annotated[int, Field(ge=0, le=1)] = 0


@dataclass(frozen=True, slots=True)
class ShuffleSettings:
    """Settings of the shuffle control.

    Attributes:
        seed: seed of the random order.
    """

    seed: int = 0


@dataclass(frozen=True, eq=False)
class ConstantAnswer:
    """An entry that gives the same answer to every valid frame.

    Attributes:
        card: card of the entry.
        row: answer to a frame, by task, shape (width,).
    """

    card: Card
    row: Mapping[str, Floats]

    def predict(self, clip: Clip) -> Answers:
        """The row on every valid frame, NaN on the others."""
        return {task: np.where(clip.valid[:, np.newaxis], row, np.nan) for task, row in self.row.items()}


def constant(card: Card, vocabulary: tuple[Task, ...], settings: ConstantSettings) -> ConstantAnswer:
    """The entry of `kind = "constant"` in an entry.toml: fixed values, nothing learned.

    Raises:
        ProblemError: E02, a class that a task does not have.
    """
    rows: dict[str, Floats] = {}
    for task in vocabulary:
        if not task.is_vector and settings.class_index >= task.width:
            found, expected = f"settings.class_index = {settings.class_index}", f"an integer from 0 to {task.width - 1}"
            raise ProblemError(Problem("E02", found, expected, "correct the setting"))
        value = settings.number if task.is_real else settings.label if task.is_vector else settings.class_index
        values = np.full((1, len(task.labels)), float(value))
        rows[task.name] = certain_answers(task, np.clip(values, *task.span) if task.is_real else values)[0]
    return ConstantAnswer(replace(card, tasks=vocabulary), rows)


@dataclass(frozen=True, eq=False)
class AverageControl:
    """A control that learns one answer from the labels: shares of classes, rates of labels, means of numbers.

    Attributes:
        card: card of the control.
        vocabulary: tasks that it learns.
    """

    card: Card
    vocabulary: tuple[Task, ...]

    def fit(self, clips: Sequence[Clip], truth: Table) -> ConstantAnswer:
        """Take the mean over all annotated rows of the truth, whether or not they have crops.

        Raises:
            ProblemError: E07, no row has a label.
        """
        parts = labelled_tasks(self.vocabulary, truth, self.card.name)
        rows: dict[str, Floats] = {}
        for part in parts:
            known = np.where(part.annotated, part.values, 0)
            answers = np.where(part.annotated, certain_answers(part.task, known), 0)
            rows[part.task.name] = answers.sum(axis=0) / part.annotated.sum(axis=0)
        card = replace(
            self.card, tasks=tuple(part.task for part in parts), trained_videos=tuple(clip.video for clip in clips)
        )
        return ConstantAnswer(card, rows)


def prior(card: Card, vocabulary: tuple[Task, ...], settings: NoSettings) -> AverageControl:
    """The entry of `kind = "prior"` in an entry.toml: shares of classes and rates of labels in training.

    Its decisions are the commonest class, and the labels that are on in half of the rows or more.
    """
    del settings
    return AverageControl(card, tuple(task for task in vocabulary if not task.is_real))


def mean(card: Card, vocabulary: tuple[Task, ...], settings: NoSettings) -> AverageControl:
    """The entry of `kind = "mean"` in an entry.toml: training means of continuous columns."""
    del settings
    return AverageControl(card, tuple(task for task in vocabulary if task.is_real))


@dataclass(frozen=True, eq=False)
class ShuffleControl:
    """A control that permutes the true values of each video among its frames, at random.

    It shows the score of a model that knows the distribution of each video, but neither time nor face. It reads the
    truth that it is scored on.

    Attributes:
        card: card of the control.
        vocabulary: tasks whose values are shuffled.
        settings: settings of the control.
    """

    card: Card
    vocabulary: tuple[Task, ...]
    settings: ShuffleSettings

    def fit(self, clips: Sequence[Clip], truth: Table) -> ShuffledTruth:
        """Shuffle the truth that will be scored; crops are not read.

        Raises:
            ProblemError: E07, no row has a label.
        """
        parts = labelled_tasks(self.vocabulary, truth, self.card.name)
        shuffled = {
            part.task.name: self._shuffle(truth, part.values, np.logical_and.reduce(part.annotated, axis=1))
            for part in parts
        }
        card = replace(
            self.card, tasks=tuple(part.task for part in parts), trained_videos=tuple(clip.video for clip in clips)
        )
        return ShuffledTruth(card, shuffled)

    def _shuffle(self, truth: Table, values: Floats, whole: Mask) -> dict[str, tuple[Integers, Floats]]:
        result: dict[str, tuple[Integers, Floats]] = {}
        for place, video in enumerate(truth.videos):
            rows = np.flatnonzero((truth.video == place) & whole)
            frame, first = np.unique(truth.frame[rows], return_index=True)
            # seeded by name, so that the order in a video does not depend on the other videos
            random = np.random.default_rng([self.settings.seed, zlib.crc32(video.encode())])
            result[video] = frame, values[random.permutation(rows[first])]
        return result


@dataclass(frozen=True, eq=False)
class ShuffledTruth:
    """The shuffled control, ready to predict.

    Attributes:
        card: card of the entry.
        values: annotated frames, rising, shape (frames,), and their values, (frames, columns), by task and video.
    """

    card: Card
    values: Mapping[str, Mapping[str, tuple[Integers, Floats]]]

    def predict(self, clip: Clip) -> Answers:
        """The shuffled value of each valid frame, NaN on the others.

        A frame without annotation gets the value of the annotated one before it, else after it; a video without any
        gets zeros (class 0). Neither is scored.
        """
        answers: dict[str, Floats] = {}
        for task in self.card.tasks:
            nothing = np.empty(0, np.int32), np.empty((0, len(task.labels)))
            frame, values = self.values[task.name].get(clip.video, nothing)
            shown = np.zeros((len(clip), len(task.labels)))
            if len(frame):
                place = np.searchsorted(frame, clip.frame, side="right") - 1
                shown = values[np.maximum(place, 0)]
            answers[task.name] = np.where(clip.valid[:, np.newaxis], certain_answers(task, shown), np.nan)
        return answers


def shuffled(card: Card, vocabulary: tuple[Task, ...], settings: ShuffleSettings) -> ShuffleControl:
    """The entry of `kind = "shuffled"` in an entry.toml."""
    return ShuffleControl(card, vocabulary, settings)
