"""The official score of an entry on the validation split, while it learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.challenges import Challenge
from abawbench.entries.model import FrameFeatures
from abawbench.entries.networks.facebehaviornet import FaceBehaviorEntry
from abawbench.entries.networks.network import NetworkEntry
from abawbench.entries.outputs import UnitAnswers, decode
from abawbench.scoring.criteria import evaluate, nested, number
from abawbench.scoring.score import pair
from abawbench.scoring.statistics import collect
from abawbench.table import Table
from abawbench.training.data import Crops, Part, Places

# crops that are looked at together
BATCH = 32


@dataclass(frozen=True, eq=False)
class Judged:
    """What a validation found.

    Attributes:
        score: the official total; None where it is not defined.
        terms: by task, its part of the total.
        metrics: every figure.
    """

    score: float | None
    terms: dict[str, float | None]
    metrics: dict[str, Any]

    @property
    def standing(self) -> float | None:
        """What epochs are compared by: the score, or the sum of the terms that are defined."""
        if self.score is not None:
            return self.score
        defined = [value for value in self.terms.values() if value is not None]
        return sum(defined) if defined else None


@dataclass(frozen=True, eq=False)
class Validation:
    """The split that an entry is judged by.

    Attributes:
        challenge: the rules.
        truth: its labels, as the challenge has them.
        part: its clips.
        seen: features of all places, or crops to look at.
    """

    challenge: Challenge
    truth: Table
    part: Part
    seen: FrameFeatures | Crops

    def judge(self, entry: NetworkEntry | FaceBehaviorEntry) -> Judged:
        """The score of what the entry answers to the frames of the truth, which is what `predict` and `score` give.

        Annotated rows without a crop get what the nearest frame got.
        """
        prediction = decode(entry.card, self._said(entry), self.challenge)
        paired = pair(self.challenge, self.truth, prediction, missing="nearest")
        statistics = collect(self.challenge, paired.truth, paired.prediction, valid=paired.valid)
        figures = evaluate(self.challenge, statistics.total, statistics.pilots)
        tree = nested({path: number(value[()]) for path, value in figures.items()})
        return Judged(tree["score"], tree.get("terms", {}), tree["metrics"])

    def _said(self, entry: NetworkEntry | FaceBehaviorEntry) -> Iterator[UnitAnswers]:
        for place, clip in enumerate(self.part.clips):
            begin = int(self.part.begins[place])
            own = begin + np.flatnonzero(clip.valid)
            answers = entry.answer(self._looked(entry, own), clip)
            asked = self.truth.frame[self.truth.video == self.truth.videos.index(clip.video)]
            # a row that the truth repeats is asked as often
            found = np.searchsorted(clip.frame, asked)
            found = found[(found < len(clip)) & (clip.frame[np.minimum(found, len(clip) - 1)] == asked)]
            found = found[clip.valid[found]]
            yield UnitAnswers(clip.video, clip.frame[found], {task: values[found] for task, values in answers.items()})

    def _looked(self, entry: NetworkEntry | FaceBehaviorEntry, places: Places) -> FrameFeatures:
        if not isinstance(self.seen, Crops):
            return self.seen[places]
        return encode(entry, self.seen, places)


def encode(entry: NetworkEntry | FaceBehaviorEntry, crops: Crops, places: Places) -> FrameFeatures:
    """What an entry sees in the crops of these places, shape (places, width)."""
    import torch

    parts: list[FrameFeatures] = [np.empty((0, entry.width), np.float32)]
    for begin in range(0, len(places), BATCH):
        loaded = dict(zip(crops.geometries, crops.load(places[begin : begin + BATCH]), strict=True))
        parts.append(
            entry.forward(tuple(torch.from_numpy(loaded[image_input.geometry]) for image_input in crops.image_inputs))
        )
    return np.concatenate(parts)
