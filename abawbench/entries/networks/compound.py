"""Compound expressions, zero-shot, from the basic expressions, action units and valence of another entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.clips.clip import Clip, Frames
from abawbench.entries.contract import predict_frame_wise
from abawbench.entries.loading import load_entry
from abawbench.entries.model import Answers, Card, DeviceEntry, FrameFeatures, Precision
from abawbench.models.compound import PARTS, Mean, Part, compound_scores
from abawbench.table import Floats

# task of the other entry that each part of a score needs; one without valence adds nothing
NEEDED: Mapping[Part, tuple[str, type[Task]]] = MappingProxyType(
    {"action_units": ("action_units", MultiLabel), "expressions": ("expression", Categorical)}
)


@dataclass(frozen=True, slots=True)
class CompoundSettings:
    """Settings of a compound entry; see `models.compound.compound_scores`.

    Attributes:
        entry: folder or file of the entry whose answers are used.
        parts: parts of a score; all of them are the published score.
        mean: mean of the probabilities of the two basic expressions.
    """

    entry: Path
    parts: tuple[Part, ...] = PARTS
    mean: Mean = "arithmetic"


@dataclass(frozen=True, eq=False)
class CompoundEntry:
    """An entry that combines the answers of another entry into compound expressions.

    Attributes:
        card: description of the entry, with one task of compound classes.
        basic: entry that encodes the faces and answers the basic tasks.
        settings: parts of a score, and the mean of probabilities.
    """

    card: Card
    basic: DeviceEntry
    settings: CompoundSettings

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
        units, expression = (self.basic.card.task(name) for name, _ in NEEDED.values())
        assert expression is not None
        scores = compound_scores(
            None if units is None else answers[units.name],
            answers[expression.name],
            _valence(self.basic.card, answers),
            unit_names=() if units is None else units.outputs,
            expression_names=expression.outputs,
            compounds=task.outputs,
            parts=self.settings.parts,
            mean=self.settings.mean,
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
        ProblemError: E02 the vocabulary is not of one task of compound classes, no part of a score is left, or the
            other entry does not answer what the parts need; every fault of the other entry.
    """
    basic = load_entry(settings.entry)
    problems: list[Problem] = []
    if len(vocabulary) != 1 or not isinstance(vocabulary[0], Categorical):
        found = f"a vocabulary of {', '.join(task.name for task in vocabulary)}"
        problems.append(Problem("E02", found, "compound classes alone", 'write vocabulary = "abaw7-ce"'))
    if set(settings.parts) <= {"valence"}:
        found = f"settings.parts = {list(settings.parts)}"
        problems.append(Problem("E02", found, "action_units, expressions, or both", "leave settings.parts out"))
    # the expressions are always asked for: they name the classes
    wanted = [NEEDED[part] for part in NEEDED if part in settings.parts or part == "expressions"]
    lacking = [name for name, kind in wanted if not isinstance(basic.card.task(name), kind)]
    if lacking or not isinstance(basic, DeviceEntry):
        found = f"{basic.card.name} without {' and '.join(lacking) or 'networks'}"
        problems.append(Problem("E02", found, "an entry of networks with them", "name another as settings.entry"))
    if problems or not isinstance(basic, DeviceEntry):
        raise ProblemError(*problems)
    return CompoundEntry(
        card=replace(card, tasks=vocabulary, weights=basic.card.weights, networks=basic.card.networks),
        basic=basic,
        settings=settings,
    )


def _valence(card: Card, answers: Answers) -> Floats | None:
    own = card.task("va")
    return answers["va"][:, own.columns.index("valence")] if isinstance(own, Continuous) else None
