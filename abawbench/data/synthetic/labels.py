"""Labels of a synthetic s-Aff-Wild2: affect that drifts, action units that follow it, and the official quirks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.labels import ACTION_UNITS_12, EXPRESSIONS_8
from abawbench.table import Table

Floats = NDArray[np.float64]

# how strongly each expression (Neutral has none) drives each action unit; prototypes of Ekman's six and a weak Other
DRIVEN: dict[str, tuple[str, ...]] = {
    "Anger": ("AU4", "AU7", "AU23", "AU24"),
    "Disgust": ("AU4", "AU7", "AU10", "AU15"),
    "Fear": ("AU1", "AU2", "AU4", "AU25", "AU26"),
    "Happiness": ("AU6", "AU7", "AU12", "AU25"),
    "Sadness": ("AU1", "AU4", "AU15"),
    "Surprise": ("AU1", "AU2", "AU25", "AU26"),
    "Other": ("AU7", "AU25"),
}
# rows in a stretch that a model gets right or wrong as a whole
STRETCH = 8
# where each expression lies on the plane of valence and arousal
PLACES = {
    "Anger": (-0.6, 0.6),
    "Disgust": (-0.6, 0.3),
    "Fear": (-0.5, 0.7),
    "Happiness": (0.7, 0.4),
    "Sadness": (-0.6, -0.3),
    "Surprise": (0.1, 0.7),
    "Other": (0.1, 0.1),
}


@dataclass(frozen=True, eq=False)
class Corpus:
    """A split with its whole truth.

    Attributes:
        truth: rows as the organisers give them: repeated rows, and rows annotated for some tasks only.
        known: the same rows with every value, which only a maker of worlds knows.
    """

    truth: Table
    known: Table


def make_corpus(videos: int, frames: int, seed: int) -> Corpus:
    """A split of `videos` videos with about `frames` rows each.

    Every video has a mood of its own that drifts (a stationary autoregression of each expression's intensity); valence,
    arousal, expression and action units are functions of the same intensities, so the tasks are related. One row in a
    hundred is repeated, one in six lacks valence and arousal, two in five the expression, one in five the action units.
    """
    generator = np.random.default_rng(seed)
    counts = generator.integers(max(2, frames // 2), frames * 3 // 2 + 1, videos)
    rows = int(counts.sum())
    intensity = np.concatenate([_intensities(int(count), generator) for count in counts])
    names = EXPRESSIONS_8[1:]
    strength = np.maximum(intensity, 0)
    places = np.array([PLACES[name] for name in names])
    affect = np.asarray(np.tanh(strength @ places + 0.1 * generator.normal(size=(rows, 2))).round(3), np.float64)
    strongest = strength.argmax(1)
    expression = np.where(strength.max(1) > 0.6, strongest + 1, 0).astype(np.int8)
    drive = np.array([[unit in DRIVEN[name] for unit in ACTION_UNITS_12] for name in names], np.float64)
    units = (strength @ drive + 0.25 * generator.normal(size=(rows, len(ACTION_UNITS_12))) > 0.9).astype(np.int8)
    video = np.repeat(np.arange(videos, dtype=np.int32), counts)
    frame = np.concatenate([1 + 3 * np.arange(count) for count in counts]).astype(np.int32)
    known = Table(
        tuple(f"video{number + 1}" for number in range(videos)),
        video,
        frame,
        {
            "va": np.asfortranarray(affect),
            "expression": expression,
            "action_units": np.asfortranarray(units),
        },
        source="synthetic",
    )
    repeats = np.sort(np.concatenate([np.arange(rows), generator.choice(rows, rows // 100, replace=False)]))
    known = known.take(repeats)
    return Corpus(_with_gaps(known, generator), known)


def _intensities(frames: int, generator: np.random.Generator) -> Floats:
    """Intensity of each expression over time, shape (frames, expressions): a mood and a slow drift about it."""
    count = len(EXPRESSIONS_8) - 1
    keep = 0.95
    mood = generator.normal(-0.3, 0.6, count)
    series = np.empty((frames, count))
    state = generator.normal(size=count)
    for frame in range(frames):
        state = keep * state + np.sqrt(1 - keep**2) * generator.normal(size=count)
        series[frame] = mood + 0.7 * state
    return series


def _with_gaps(known: Table, generator: np.random.Generator) -> Table:
    """The table with rows that lack the annotation of a task, in stretches as real ones do."""
    rows = len(known)

    def stretches(share: float) -> NDArray[np.bool_]:
        block = 16
        return np.repeat(generator.random(rows // block + 1) < share, block)[:rows]

    affect = known.numbers("va").copy(order="F")
    affect[stretches(1 / 6)] = np.nan
    expression = known.classes("expression").copy()
    expression[stretches(2 / 5)] = -1
    units = known.classes("action_units").copy(order="F")
    units[stretches(1 / 5)] = -1
    values = {"va": affect, "expression": expression, "action_units": units}
    return Table(known.videos, known.video, known.frame, values, source=known.source)


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
    affect = known.numbers("va")
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
