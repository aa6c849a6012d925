"""The score of a training's entry on the validation split, as `predict` and `score` give it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.challenges import Challenge
from abawbench.entries.model import FrameFeatures
from abawbench.entries.outputs import UnitAnswers, decode
from abawbench.scoring.criteria import evaluate, nested, number
from abawbench.scoring.score import pair
from abawbench.scoring.statistics import collect
from abawbench.table import Rows, Table
from abawbench.training.data import Crops, SplitFrames, encode
from abawbench.training.learners import LearningEntry


@dataclass(frozen=True, eq=False)
class ValidationScore:
    """The score of one validation.

    Attributes:
        score: official total; None where it is not defined.
        terms: part of each task in the total.
        metrics: figures of all metrics.
    """

    score: float | None
    terms: dict[str, float | None]
    metrics: dict[str, Any]

    @property
    def standing(self) -> float | None:
        """The value by which epochs are compared: the score, or the sum of the terms that are defined."""
        if self.score is not None:
            return self.score
        defined = [value for value in self.terms.values() if value is not None]
        return sum(defined) if defined else None


@dataclass(frozen=True, eq=False)
class Validation:
    """The split that an entry is validated on.

    Attributes:
        challenge: challenge of the scores.
        truth: labels of the split, in the challenge's columns.
        frames: frames of the split.
        inputs: features of all places, or crops.
    """

    challenge: Challenge
    truth: Table
    frames: SplitFrames
    inputs: FrameFeatures | Crops

    def evaluate(self, entry: LearningEntry) -> ValidationScore:
        """Score the entry's answers to the frames of the truth, with the same result as `predict` and `score`.

        Annotated rows without a crop get the answer to the nearest frame.
        """
        prediction = decode(entry.card, self._answers(entry), self.challenge)
        paired = pair(self.challenge, self.truth, prediction, missing="nearest", allow_filled=1)
        statistics = collect(self.challenge, paired.truth, paired.prediction, valid=paired.valid)
        figures = evaluate(self.challenge, statistics.total, statistics.pilots)
        tree = nested({path: number(value[()]) for path, value in figures.items()})
        return ValidationScore(tree["score"], tree.get("terms", {}), tree["metrics"])

    def _answers(self, entry: LearningEntry) -> Iterator[UnitAnswers]:
        for place, clip in enumerate(self.frames.clips):
            begin = int(self.frames.begins[place])
            own = begin + np.flatnonzero(clip.valid)
            answers = entry.answer(self._features(entry, own), clip)
            wanted = self.truth.frame[self.truth.video == self.truth.videos.index(clip.video)]
            # repeated rows of the truth are answered as often
            found = np.searchsorted(clip.frame, wanted)
            found = found[(found < len(clip)) & (clip.frame[np.minimum(found, len(clip) - 1)] == wanted)]
            found = found[clip.valid[found]]
            yield UnitAnswers(clip.video, clip.frame[found], {task: values[found] for task, values in answers.items()})

    def _features(self, entry: LearningEntry, places: Rows) -> FrameFeatures:
        if isinstance(self.inputs, Crops):
            return encode(entry, self.inputs, self.frames.crop[places])
        return self.inputs[places]
