"""Compound expressions, zero-shot, from the basic expressions, action units and valence of another entry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip, Frames
from abawbench.entries.contract import predict_frame_wise
from abawbench.entries.loading import load_entry
from abawbench.entries.model import Answers, Card, DeviceEntry, FrameFeatures, Precision
from abawbench.models.compound import compound_scores
from abawbench.table import Floats

PARTS = {"expression": Categorical, "action_units": MultiLabel}


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a compound entry.

    Attributes:
        entry: folder or file of the entry whose answers are used.
    """

    entry: Path


@dataclass(frozen=True, eq=False)
class CompoundEntry:
    """An entry that makes compound expressions of the answers of another entry.

    Attributes:
        card: description of the entry, with one task of compound classes.
        asked: entry that encodes the faces and answers the basic tasks.
    """

    card: Card
    asked: DeviceEntry

    @property
    def width(self) -> int:
        """Number of features of a frame of the other entry."""
        return self.asked.width

    def at(self, device: str, precision: Precision) -> CompoundEntry:
        """The same entry on another device or in another precision."""
        return replace(self, asked=self.asked.at(device, precision))

    def prepare(self, crops: Frames) -> Any:
        """Prepare crops as the other entry does."""
        return self.asked.prepare(crops)

    def forward(self, prepared: Any) -> FrameFeatures:
        """Encode prepared crops as the other entry does."""
        return self.asked.forward(prepared)

    def encode(self, crops: Frames) -> FrameFeatures:
        """Encode crops as the other entry does."""
        return self.asked.encode(crops)

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """The scores of the compounds, scaled to sum to 1, since only their order counts; all equal where all are 0.

        Source: arXiv:2105.03790, see `models.compound`.
        """
        answers = self.asked.answer(features, clip)
        (task,) = self.card.tasks
        names = {part: own.outputs for part in PARTS if (own := self.asked.card.task(part)) is not None}
        scores = compound_scores(
            answers["action_units"],
            answers["expression"],
            _valence(self.asked.card, answers),
            unit_names=names["action_units"],
            expression_names=names["expression"],
            compounds=task.outputs,
        )
        total = scores.sum(axis=1, keepdims=True)
        even = np.full_like(scores, 1 / scores.shape[1])
        return {task.name: np.where(total == 0, even, scores / np.where(total == 0, 1, total))}

    def predict(self, clip: Clip) -> Answers:
        """Encode every valid crop, then answer for the clip."""
        return predict_frame_wise(self, clip)


def create(card: Card, vocabulary: tuple[Task, ...], settings: Settings) -> CompoundEntry:
    """Make the entry that `kind = "compound"` of an entry.toml asks for.

    Raises:
        ProblemError: E02 the vocabulary is not of one task of compound classes, or the other entry does not answer
            expressions and action units; every fault of the other entry.
    """
    asked = load_entry(settings.entry)
    problems: list[Problem] = []
    if len(vocabulary) != 1 or not isinstance(vocabulary[0], Categorical):
        found = f"a vocabulary of {', '.join(task.name for task in vocabulary)}"
        problems.append(Problem("E02", found, "compound classes alone", 'write vocabulary = "abaw7-ce"'))
    lacking = [part for part, kind in PARTS.items() if not isinstance(asked.card.task(part), kind)]
    if lacking or not isinstance(asked, DeviceEntry):
        found = f"{asked.card.name} without {' and '.join(lacking) or 'networks'}"
        problems.append(Problem("E02", found, "an entry of networks with both", "name another as settings.entry"))
    if problems or not isinstance(asked, DeviceEntry):
        raise ProblemError(*problems)
    return CompoundEntry(
        card=replace(card, tasks=vocabulary, weights=asked.card.weights, networks=asked.card.networks), asked=asked
    )


def _valence(card: Card, answers: Answers) -> Floats | None:
    own = card.task("va")
    return answers["va"][:, own.columns.index("valence")] if isinstance(own, Continuous) else None
