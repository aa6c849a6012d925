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
class CompoundSettings:
    """Settings of a compound entry.

    Attributes:
        entry: folder or file of the entry whose answers are used.
    """

    entry: Path


@dataclass(frozen=True, eq=False)
class CompoundEntry:
    """An entry that combines the answers of another entry into compound expressions.

    Attributes:
        card: description of the entry, with one task of compound classes.
        basic: entry that encodes the faces and answers the basic tasks.
    """

    card: Card
    basic: DeviceEntry

    @property
    def width(self) -> int:
        """Number of features of a frame of the other entry."""
        return self.basic.width

    def at(self, device: str, precision: Precision) -> CompoundEntry:
        """The same entry on another device or in another precision."""
        return replace(self, basic=self.basic.at(device, precision))

    def prepare(self, crops: Frames) -> Any:
        """Prepare crops as the other entry does."""
        return self.basic.prepare(crops)

    def forward(self, prepared: Any) -> FrameFeatures:
        """Encode prepared crops as the other entry does."""
        return self.basic.forward(prepared)

    def encode(self, crops: Frames) -> FrameFeatures:
        """Encode crops as the other entry does."""
        return self.basic.encode(crops)

    def answer(self, features: FrameFeatures, clip: Clip) -> Answers:
        """Answer with the scores of the compounds, scaled to sum to 1; all equal where all are 0.

        Source: arXiv:2105.03790, see `models.compound`.
        """
        answers = self.basic.answer(features, clip)
        (task,) = self.card.tasks
        names = {part: own.outputs for part in PARTS if (own := self.basic.card.task(part)) is not None}
        scores = compound_scores(
            answers["action_units"],
            answers["expression"],
            _valence(self.basic.card, answers),
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


def create(card: Card, vocabulary: tuple[Task, ...], settings: CompoundSettings) -> CompoundEntry:
    """Make the entry of `kind = "compound"` in an entry.toml.

    Raises:
        ProblemError: E02 the vocabulary is not of one task of compound classes, or the other entry does not answer
            expressions and action units; every fault of the other entry.
    """
    basic = load_entry(settings.entry)
    problems: list[Problem] = []
    if len(vocabulary) != 1 or not isinstance(vocabulary[0], Categorical):
        found = f"a vocabulary of {', '.join(task.name for task in vocabulary)}"
        problems.append(Problem("E02", found, "compound classes alone", 'write vocabulary = "abaw7-ce"'))
    lacking = [part for part, kind in PARTS.items() if not isinstance(basic.card.task(part), kind)]
    if lacking or not isinstance(basic, DeviceEntry):
        found = f"{basic.card.name} without {' and '.join(lacking) or 'networks'}"
        problems.append(Problem("E02", found, "an entry of networks with both", "name another as settings.entry"))
    if problems or not isinstance(basic, DeviceEntry):
        raise ProblemError(*problems)
    return CompoundEntry(
        card=replace(card, tasks=vocabulary, weights=basic.card.weights, networks=basic.card.networks), basic=basic
    )


def _valence(card: Card, answers: Answers) -> Floats | None:
    own = card.task("va")
    return answers["va"][:, own.columns.index("valence")] if isinstance(own, Continuous) else None
