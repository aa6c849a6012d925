"""A split in memory, and imaginary models that predict it: for tests and for the demo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from abawbench.synthetic.affect import episode_shares, make_course, make_temperament
from abawbench.synthetic.quirks import QUIRKS, annotate, with_repeats
from abawbench.synthetic.smooth import stream, stretches
from abawbench.table import Floats, Table, Values

# rows in a stretch that a model gets right or wrong as a whole
STRETCH = 8
# every third frame is a row, as s-Aff-Wild2 has some of a video's frames
STEP = 3
# share of the rows without a task's labels, in stretches
WITHOUT = {"va": 1 / 6, "expression": 2 / 5, "action_units": 1 / 5}
REPEATED = Fraction(1, 101)
GAP = 16


@dataclass(frozen=True, eq=False)
class Corpus:
    """A split with its whole truth.

    Attributes:
        truth: rows as the organisers give them: repeated rows, and rows annotated for some tasks only.
        known: the same rows with every label, which only a maker of worlds knows.
    """

    truth: Table
    known: Table


def make_corpus(videos: int, frames: int, seed: int) -> Corpus:
    """A split of `videos` videos with about `frames` rows each, each of another person.

    The model of `affect` with lag and label noise. One row in a hundred is repeated, one in six lacks valence and
    arousal, two in five the expression, one in five the action units, whatever the video.
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
    known = known.take(with_repeats(np.arange(len(known)), REPEATED, generator))
    return Corpus(_with_gaps(known, generator), known)


def _with_gaps(known: Table, generator: np.random.Generator) -> Table:
    """The table with stretches of rows that lack the annotation of a task."""
    values: dict[str, Values] = {}
    for task, share in WITHOUT.items():
        values[task] = known.values[task].copy(order="F")
        values[task][stretches(generator, len(known), share, GAP)] = np.nan if task == "va" else -1
    return replace(known, values=values)


def answers(known: Table, skill: float, seed: int, *, gaps: float = 0.0) -> Table:
    """Predictions of an imaginary model.

    Args:
        known: the whole truth.
        skill: from 0 (knows only how often values occur) to 1 (always right).
        seed: of its errors.
        gaps: share of distinct rows without prediction, as where no face was found.
    """
    generator = np.random.default_rng(seed)
    rows = len(known)
    other = generator.permutation(rows)
    affect: Floats = known.numbers("va")
    blurred = skill * affect + (1 - skill) * affect[other]
    # right in stretches, which end with their video: errors of real models come in runs too
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
    # a frame is either predicted or not, however often the list repeats it
    key = known.video.astype(np.int64) * 1_000_003 + known.frame
    _, place = np.unique(key, return_inverse=True)
    lost = generator.random(int(place.max()) + 1) < gaps
    return table.take(np.flatnonzero(~lost[place]))
