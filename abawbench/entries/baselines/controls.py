"""Negative controls: what a score is worth that was reached without looking at a face."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip
from abawbench.entries.baselines.labelled import refuse_nothing, restricted, values_of, with_labels
from abawbench.entries.model import Answers, Card
from abawbench.table import Floats, Integers, Mask, Table


@dataclass(frozen=True, slots=True)
class NoSettings:
    """For a control that leaves nothing to choose."""


@dataclass(frozen=True, slots=True)
class ConstantSettings:
    """The same answer everywhere.

    Attributes:
        number: value of every continuous column, brought into its range.
        class_index: the class of every categorical task.
        label: 0 or 1, every label of a multi-label task.
    """

    number: float = 0.0
    class_index: int = 0
    label: int = 0


@dataclass(frozen=True, slots=True)
class ShuffleSettings:
    """The seed of the shuffle."""

    seed: int = 0


@dataclass(frozen=True, eq=False)
class Same:
    """Gives every valid frame the same answer.

    Attributes:
        row: by task name, shape (width,).
    """

    card: Card
    row: Mapping[str, Floats]

    def predict(self, clip: Clip) -> Answers:
        """The row, on every valid frame; NaN elsewhere."""
        return {task: np.where(clip.valid[:, np.newaxis], row, np.nan) for task, row in self.row.items()}


def constant(card: Card, vocabulary: tuple[Task, ...], settings: ConstantSettings) -> Same:
    """Fixed values, nothing learned.

    Raises:
        ProblemError: E02, a class that a task does not have, or a label other than 0 and 1.
    """
    last = min((task.width for task in vocabulary if isinstance(task, Categorical)), default=1) - 1
    wrong = [
        Problem("E02", f"settings.{name} = {value}", f"an integer from 0 to {end}", "correct the setting")
        for name, value, end in (("class_index", settings.class_index, last), ("label", settings.label, 1))
        if not 0 <= value <= end
    ]
    if wrong:
        raise ProblemError(*wrong)
    rows: dict[str, Floats] = {}
    for task in vocabulary:
        match task:
            case Continuous():
                rows[task.name] = np.full(task.width, np.clip(settings.number, task.low, task.high))
            case Categorical():
                rows[task.name] = np.eye(task.width)[settings.class_index]
            case MultiLabel():
                rows[task.name] = np.full(task.width, float(settings.label))
    return Same(replace(card, tasks=vocabulary), rows)


@dataclass(frozen=True, eq=False)
class Average:
    """Learns one row from the training labels: shares of the classes, rates of the labels, means of the numbers."""

    card: Card
    vocabulary: tuple[Task, ...]

    def fit(self, clips: Sequence[Clip], truth: Table) -> Same:
        """Take the mean over all rows of the truth that have a label; crops are not looked at, nor asked for.

        Raises:
            ProblemError: E07, no row has a label.
        """
        rows: dict[str, Floats] = {}
        tasks: list[Task] = []
        for task in self.vocabulary:
            values, annotated = values_of(task, truth)
            labelled = with_labels(annotated)
            if not labelled.any():
                continue
            tasks.append(restricted(task, labelled))
            if isinstance(task, Categorical):
                counts = np.bincount(values[annotated].astype(np.int64), minlength=len(task.classes))
                rows[task.name] = counts / counts.sum()
            else:
                means = np.where(annotated, values, 0).sum(axis=0)[labelled] / annotated.sum(axis=0)[labelled]
                rows[task.name] = means
        refuse_nothing(tasks, self.card.name, truth)
        return Same(replace(self.card, tasks=tuple(tasks), trained_videos=tuple(clip.video for clip in clips)), rows)


def prior(card: Card, vocabulary: tuple[Task, ...], settings: NoSettings) -> Average:
    """Class shares and label rates in training; decided, the commonest class and labels on in half of the rows."""
    del settings
    return Average(card, tuple(task for task in vocabulary if not isinstance(task, Continuous)))


def mean(card: Card, vocabulary: tuple[Task, ...], settings: NoSettings) -> Average:
    """Training means of the continuous columns; classes and labels are left to the prior."""
    del settings
    return Average(card, tuple(task for task in vocabulary if isinstance(task, Continuous)))


@dataclass(frozen=True, eq=False)
class Shuffled:
    """Deals the true values of each video out again over its own frames, in random order.

    What is left when all knowledge of time and face is taken away but each video's distribution is known. It sees the
    truth it is scored on.
    """

    card: Card
    vocabulary: tuple[Task, ...]
    settings: ShuffleSettings

    def fit(self, clips: Sequence[Clip], truth: Table) -> Dealt:
        """Shuffle a truth, the one that will be scored; crops are not looked at.

        Raises:
            ProblemError: E07, no row has a label.
        """
        tasks: list[Task] = []
        dealt: dict[str, dict[str, tuple[Integers, Floats]]] = {}
        for task in self.vocabulary:
            values, annotated = values_of(task, truth)
            labelled = with_labels(annotated)
            if labelled.any():
                tasks.append(restricted(task, labelled))
                whole = np.logical_and.reduce(annotated[:, labelled], axis=1)
                dealt[task.name] = self._deal(truth, values[:, labelled], whole)
        refuse_nothing(tasks, self.card.name, truth)
        card = replace(self.card, tasks=tuple(tasks), trained_videos=tuple(clip.video for clip in clips))
        return Dealt(card, dealt)

    def _deal(self, truth: Table, values: Floats, whole: Mask) -> dict[str, tuple[Integers, Floats]]:
        result: dict[str, tuple[Integers, Floats]] = {}
        for place, video in enumerate(truth.videos):
            rows = np.flatnonzero((truth.video == place) & whole)
            frame, first = np.unique(truth.frame[rows], return_index=True)
            # by name, so that a video is dealt alike whatever stands beside it
            random = np.random.default_rng([self.settings.seed, zlib.crc32(video.encode())])
            result[video] = frame, values[random.permutation(rows[first])]
        return result


@dataclass(frozen=True, eq=False)
class Dealt:
    """The shuffled control, ready to answer.

    Attributes:
        dealt: by task and video, the annotated frames, rising, shape (frames,), and their values, (frames, columns).
    """

    card: Card
    dealt: Mapping[str, Mapping[str, tuple[Integers, Floats]]]

    def predict(self, clip: Clip) -> Answers:
        """The value dealt to each valid frame.

        A frame without annotation gets the value of the annotated one before it, else after it; a video without any
        gets zeros (class 0). Neither is scored.
        """
        answers: dict[str, Floats] = {}
        for task in self.card.tasks:
            columns = 1 if isinstance(task, Categorical) else len(task.columns)
            nothing = np.empty(0, np.int32), np.empty((0, columns))
            frame, values = self.dealt[task.name].get(clip.video, nothing)
            answer = np.zeros((len(clip), columns))
            if len(frame):
                place = np.searchsorted(frame, clip.frame, side="right") - 1
                answer = values[np.maximum(place, 0)]
            if isinstance(task, Categorical):
                answer = np.eye(len(task.classes))[answer[:, 0].astype(np.int64)]
            answers[task.name] = np.where(clip.valid[:, np.newaxis], answer, np.nan)
        return answers


def shuffled(card: Card, vocabulary: tuple[Task, ...], settings: ShuffleSettings) -> Shuffled:
    """The control that `kind = "shuffled"` of an entry.toml asks for."""
    return Shuffled(card, vocabulary, settings)
