"""Negative controls: the scores that are reached without looking at a face."""

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
    """Settings of the shuffle.

    Attributes:
        seed: seed of the random order.
    """

    seed: int = 0


@dataclass(frozen=True, eq=False)
class Same:
    """An entry that gives the same answer to every valid frame.

    Attributes:
        card: card of the entry.
        row: the answer to a frame, by task, shape (width,).
    """

    card: Card
    row: Mapping[str, Floats]

    def predict(self, clip: Clip) -> Answers:
        """The row on every valid frame, NaN on the others."""
        return {task: np.where(clip.valid[:, np.newaxis], row, np.nan) for task, row in self.row.items()}


def constant(card: Card, vocabulary: tuple[Task, ...], settings: ConstantSettings) -> Same:
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
    return Same(replace(card, tasks=vocabulary), rows)


@dataclass(frozen=True, eq=False)
class Average:
    """A control that learns one answer from the labels: shares of classes, rates of labels, means of numbers.

    Attributes:
        card: card of the control.
        vocabulary: tasks that it learns.
    """

    card: Card
    vocabulary: tuple[Task, ...]

    def fit(self, clips: Sequence[Clip], truth: Table) -> Same:
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
        return Same(card, rows)


def prior(card: Card, vocabulary: tuple[Task, ...], settings: NoSettings) -> Average:
    """The entry of `kind = "prior"` in an entry.toml: shares of classes and rates of labels in training.

    Its decisions are the commonest class, and the labels that are on in half of the rows or more.
    """
    del settings
    return Average(card, tuple(task for task in vocabulary if not task.is_real))


def mean(card: Card, vocabulary: tuple[Task, ...], settings: NoSettings) -> Average:
    """The entry of `kind = "mean"` in an entry.toml: training means of continuous columns; the prior has the others."""
    del settings
    return Average(card, tuple(task for task in vocabulary if task.is_real))


@dataclass(frozen=True, eq=False)
class Shuffled:
    """A control that deals the true values of each video out again over the frames of the video, in random order.

    It shows the score that is left when nothing is known of time and face, but the distribution of each video is. It
    sees the truth that it is scored on.

    Attributes:
        card: card of the control.
        vocabulary: tasks whose values are dealt.
        settings: settings of the shuffle.
    """

    card: Card
    vocabulary: tuple[Task, ...]
    settings: ShuffleSettings

    def fit(self, clips: Sequence[Clip], truth: Table) -> Dealt:
        """Shuffle the truth that will be scored; crops are not read.

        Raises:
            ProblemError: E07, no row has a label.
        """
        parts = labelled_tasks(self.vocabulary, truth, self.card.name)
        dealt = {
            part.task.name: self._deal(truth, part.values, np.logical_and.reduce(part.annotated, axis=1))
            for part in parts
        }
        card = replace(
            self.card, tasks=tuple(part.task for part in parts), trained_videos=tuple(clip.video for clip in clips)
        )
        return Dealt(card, dealt)

    def _deal(self, truth: Table, values: Floats, whole: Mask) -> dict[str, tuple[Integers, Floats]]:
        result: dict[str, tuple[Integers, Floats]] = {}
        for place, video in enumerate(truth.videos):
            rows = np.flatnonzero((truth.video == place) & whole)
            frame, first = np.unique(truth.frame[rows], return_index=True)
            # seeded by name, so that a video is dealt alike whatever other videos there are
            random = np.random.default_rng([self.settings.seed, zlib.crc32(video.encode())])
            result[video] = frame, values[random.permutation(rows[first])]
        return result


@dataclass(frozen=True, eq=False)
class Dealt:
    """The shuffled control, ready to predict.

    Attributes:
        card: card of the entry.
        dealt: by task and video, the annotated frames, rising, shape (frames,), and their values, (frames, columns).
    """

    card: Card
    dealt: Mapping[str, Mapping[str, tuple[Integers, Floats]]]

    def predict(self, clip: Clip) -> Answers:
        """The value dealt to each valid frame, NaN on the others.

        A frame without annotation gets the value of the annotated one before it, else after it; a video without any
        gets zeros (class 0). Neither is scored.
        """
        answers: dict[str, Floats] = {}
        for task in self.card.tasks:
            nothing = np.empty(0, np.int32), np.empty((0, len(task.labels)))
            frame, values = self.dealt[task.name].get(clip.video, nothing)
            dealt = np.zeros((len(clip), len(task.labels)))
            if len(frame):
                place = np.searchsorted(frame, clip.frame, side="right") - 1
                dealt = values[np.maximum(place, 0)]
            answers[task.name] = np.where(clip.valid[:, np.newaxis], certain_answers(task, dealt), np.nan)
        return answers


def shuffled(card: Card, vocabulary: tuple[Task, ...], settings: ShuffleSettings) -> Shuffled:
    """The entry of `kind = "shuffled"` in an entry.toml."""
    return Shuffled(card, vocabulary, settings)
