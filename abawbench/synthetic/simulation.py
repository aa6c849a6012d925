"""A split in memory, and predictions of imaginary models: for tests and for the demo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from abawbench.synthetic.affect import episode_shares, make_course, make_temperament
from abawbench.synthetic.noise import stream, stretches
from abawbench.synthetic.quirks import QUIRKS, annotate, repeat_rows
from abawbench.synthetic.settings import MULTI_TASK
from abawbench.table import Floats, Table, Values

# number of consecutive rows that a model gets right or wrong together
STRETCH = 8
# distance of two rows in frames, since s-Aff-Wild2 lists only some of the frames
STEP = 3
# share of the rows without labels, by task, and the length of their stretches
WITHOUT = {"va": 1 / 6, "expression": 2 / 5, "action_units": 1 / 5}
GAP = 16
REPEATED = Fraction(1, 101)


@dataclass(frozen=True, eq=False)
class SimulatedSplit:
    """A split with its complete truth.

    Attributes:
        truth: rows as organisers publish them: some repeated, some annotated for a part of the tasks only.
        known: the same rows with every label.
    """

    truth: Table
    known: Table


def simulate_split(videos: int, frames: int, seed: int) -> SimulatedSplit:
    """Simulate a split with the model of `affect`, with lag and label noise.

    One row in a hundred is repeated, one in six lacks valence and arousal, two in five lack the expression, and one in
    five lacks the action units.

    Args:
        videos: number of videos, each of another person.
        frames: number of rows of a video, on average.
        seed: seed of all draws.
    """
    generator = stream(seed)
    counts = generator.integers(max(2, frames // 2), frames * 3 // 2 + 1, videos)
    shares = episode_shares()
    parts = []
    for count in counts.tolist():
        course = make_course(make_temperament(generator), STEP * count, generator, shares)
        parts.append(annotate(course, generator, QUIRKS))
    known = Table(
        tuple(f"video{number + 1}" for number in range(videos)),
        np.repeat(np.arange(videos, dtype=np.int32), counts),
        np.concatenate([1 + STEP * np.arange(count) for count in counts]).astype(np.int32),
        {
            "va": np.asfortranarray(np.concatenate([part.affect[::STEP] for part in parts])),
            "expression": np.concatenate([part.expression[::STEP] for part in parts]),
            "action_units": np.asfortranarray(np.concatenate([part.action_units[::STEP] for part in parts])),
        },
        source="synthetic",
    )
    known = known.take(repeat_rows(np.arange(len(known)), REPEATED, generator))
    return SimulatedSplit(_with_gaps(known, generator), known)


def _with_gaps(known: Table, generator: np.random.Generator) -> Table:
    """The table with stretches of rows without labels for a task."""
    values: dict[str, Values] = {}
    for task in MULTI_TASK.tasks:
        values[task.name] = known.values[task.name].copy(order="F")
        missing = stretches(generator, len(known), WITHOUT[task.name], GAP)
        values[task.name][missing] = task.empty(int(missing.sum()))
    return replace(known, values=values)


def simulate_predictions(known: Table, skill: float, seed: int, *, gaps: float = 0.0) -> Table:
    """Simulate the predictions of a model.

    Args:
        known: the complete truth.
        skill: skill of the model, from 0 (it knows only the frequency of values) to 1 (it is always right).
        seed: seed of its errors.
        gaps: share of distinct rows without prediction, as if no face had been found.
    """
    generator = np.random.default_rng(seed)
    rows = len(known)
    other = generator.permutation(rows)
    affect: Floats = known.numbers("va")
    blurred = skill * affect + (1 - skill) * affect[other]
    # errors come in stretches within a video, as those of real models do
    row = np.arange(rows)
    starts = np.maximum.accumulate(np.where(np.append(True, known.video[1:] != known.video[:-1]), row, 0))
    _, stretch = np.unique(np.stack([known.video, (row - starts) // STRETCH]), axis=1, return_inverse=True)
    right = (generator.random(int(stretch.max()) + 1) < skill)[stretch]
    expression = np.where(right, known.classes("expression"), known.classes("expression")[other])
    units = np.where(right[:, None], known.classes("action_units"), known.classes("action_units")[other])
    table = Table(
        known.videos,
        known.video,
        known.frame,
        {
            "va": np.asfortranarray(np.round(blurred, 4)),
            "expression": expression.astype(np.int8),
            "action_units": np.asfortranarray(units.astype(np.int8)),
        },
        source="synthetic predictions",
    )
    # all repetitions of a frame lack a prediction together
    key = known.video.astype(np.int64) * 1_000_003 + known.frame
    _, place = np.unique(key, return_inverse=True)
    lost = generator.random(int(place.max()) + 1) < gaps
    return table.take(np.flatnonzero(~lost[place]))
