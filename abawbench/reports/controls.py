"""Negative controls made from the truth alone: the score of a prediction that sees no face."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from abawbench.base.problems import ProblemError
from abawbench.challenges import Challenge
from abawbench.clips.clip import Clip
from abawbench.entries.baselines.controls import (
    ConstantSettings,
    NoSettings,
    ShuffleSettings,
    constant,
    mean,
    prior,
    shuffled,
)
from abawbench.entries.model import Card, Entry
from abawbench.entries.outputs import answer
from abawbench.scoring import Paired, Resampling
from abawbench.scoring.difference import difference
from abawbench.table import Table

WHAT = {
    "constant": "0 for every number, the first class, no label",
    "always on": "every label present; numbers and classes as the constant",
    "prior": "the mean of every number, the commonest class, the labels of half of the rows or more, all of this truth",
    "shuffled": "the true values of each video, dealt out among its frames at random: neither time nor face",
}


@dataclass(frozen=True, slots=True)
class Control:
    """A control beside a prediction.

    Attributes:
        name: name of the control, a key of `WHAT`.
        score: score of the control; None where it is undefined.
        difference: score of the prediction minus that of the control.
        interval: 95 % interval of the difference.
        p: probability of such a difference by chance, from swaps by video.
    """

    name: str
    score: float | None
    difference: float | None
    interval: tuple[float, float] | None
    p: float | None

    @property
    def what(self) -> str:
        """What the control answers."""
        return WHAT[self.name]


def controls(challenge: Challenge, paired: Paired, resampling: Resampling) -> tuple[Control, ...]:
    """Compare a prediction with controls; those that answer the same as an earlier one are left out.

    Args:
        challenge: the challenge.
        paired: truth and prediction.
        resampling: resampling of intervals and tests.
    """
    found: list[Control] = []
    seen: list[Table] = []
    for name, table in control_tables(challenge, paired.truth):
        if any(_same(table, other) for other in seen):
            continue
        seen.append(table)
        own: Mapping[str, Any] = difference(
            challenge,
            paired.truth,
            paired.prediction,
            table,
            missing="nearest",
            allow_filled=1.0,
            resampling=resampling,
        )
        bounds = own["interval"]
        found.append(
            Control(name, own["second"], own["difference"], None if bounds is None else tuple(bounds), own["p"])
        )
    return tuple(found)


def control_tables(challenge: Challenge, truth: Table) -> Iterator[tuple[str, Table]]:
    """The predictions of each control for a truth."""
    tasks = challenge.tasks
    card = Card("control", "control", (), None)
    clips = _clips(truth)
    numbers, rest = (tuple(task for task in tasks if task.is_real is kind) for kind in (True, False))

    def average() -> Entry:
        parts = [make(card, own, NoSettings()) for make, own in ((mean, numbers), (prior, rest)) if own]
        fitted = [part.fit(clips, truth) for part in parts]
        rows = {task: row for one in fitted for task, row in one.row.items()}
        return replace(
            fitted[0], card=replace(card, tasks=tuple(t for one in fitted for t in one.card.tasks)), row=rows
        )

    ways: dict[str, Callable[[], Entry]] = {
        "constant": lambda: constant(card, tasks, ConstantSettings()),
        "always on": lambda: constant(card, tasks, ConstantSettings(label=1)),
        "prior": average,
        "shuffled": lambda: shuffled(card, tasks, ShuffleSettings()).fit(clips, truth),
    }
    for name, way in ways.items():
        try:
            yield name, answer(way(), clips, challenge)
        except ProblemError:
            # no row has a label of any of its tasks
            continue


def _clips(truth: Table) -> tuple[Clip, ...]:
    """The frames of a truth as clips without pictures, which no control looks at."""
    found: list[Clip] = []
    for place, video in enumerate(truth.videos):
        frame = np.unique(truth.frame[truth.video == place])
        if len(frame):
            nothing = np.zeros((0, 1, 1, 3), np.uint8)
            found.append(Clip(video, frame, np.ones(len(frame), bool), 1, lambda _, nothing=nothing: nothing))
    return tuple(found)


def _same(one: Table, other: Table) -> bool:
    return all(np.array_equal(values, other.values[task]) for task, values in one.values.items())
