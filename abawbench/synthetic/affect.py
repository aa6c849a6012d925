"""Expression and affect over a video: episodes, action units, valence and arousal, all related to each other.

`docs/synthetic.md` describes the model in formulas. All functions work on whole videos at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abawbench.labels import ACTION_UNITS_17, COMPOUND_11, EXPRESSIONS_7, EXPRESSIONS_8
from abawbench.synthetic.noise import moving_mean, smooth_noise, smooth_step
from abawbench.synthetic.relations import (
    EPISODES,
    MOVEMENT,
    SPEECH,
    TRUE_RELATIONS,
    WEIGHTS,
    Relations,
)
from abawbench.table import Classes, Floats

Intensities = NDArray[np.float32]

# frames per second
FRAME_RATE = 30
EXPRESSION_OF_EPISODE: Classes = np.array(
    [EXPRESSIONS_8.index(name) if name in EXPRESSIONS_7 else EXPRESSIONS_8.index("Other") for name in EPISODES],
    np.int8,
)
# frames of each class in training and validation of the 10th edition's expressions (ora942878/ABAW_10_EXPR:metadata/)
PUBLISHED_FRAMES = (262_610, 23_280, 16_300, 17_583, 129_285, 106_265, 42_977, 278_146)
PUBLISHED_SHARES: tuple[float, ...] = tuple(frames / sum(PUBLISHED_FRAMES) for frames in PUBLISHED_FRAMES)
# assumed: shares of compound expressions, speech and single movements in "Other"
OTHER = {"compound": 0.4, SPEECH: 0.4, MOVEMENT: 0.2}

RESTING_AROUSAL = -0.1
# arousal per mean speed of the action units, which is a change of intensity per second
MOVEMENT_GAIN = 0.25

# standard deviation of the mood between people and within a video, for valence and for arousal; frames of a drift
MOOD_OF_PERSON, MOOD_DRIFT, DRIFT_KNOT = 0.25, 0.25, 10 * FRAME_RATE
# strength with which a mood favours the expressions that agree with it
MOOD_TILT = 1.2
# length of an episode in frames: median, standard deviation of its logarithm, least and greatest
TYPICAL_FRAMES, SPREAD, SHORTEST, LONGEST = 60, 0.45, 20, 240
# half the length of a transition in frames, least and greatest: a face moves faster into an expression than out of it
ONSET, OFFSET = (4, 8), (7, 9)


@dataclass(frozen=True, eq=False)
class Temperament:
    """The lasting traits of a person.

    Attributes:
        strength: factor of all intensities, from 0.75 to 1.1.
        restraint: numbers in [0, 1), shape (episodes, 17): the person tends to add an action unit to an episode if the
            unit takes part in it with a greater probability.
        mood: usual contribution to valence and arousal, shape (2,).
    """

    strength: float
    restraint: Floats
    mood: Floats


@dataclass(frozen=True, eq=False)
class Course:
    """The expression and affect of one person over one video.

    Attributes:
        action_units: intensities in [0, 1], order of `ACTION_UNITS_17`, shape (frames, 17).
        episode: index into `EPISODES`, shape (frames,).
        affect: valence and arousal in [-1, 1], shape (frames, 2).
    """

    action_units: Intensities
    episode: Classes
    affect: Floats

    @property
    def expression(self) -> Classes:
        """Shape (frames,), index into `EXPRESSIONS_8`."""
        return EXPRESSION_OF_EPISODE[self.episode]


_UPPER, _JAW = ACTION_UNITS_17.index("AU25"), ACTION_UNITS_17.index("AU26")
SPOKEN = {_UPPER: 0.6, _JAW: 0.5}


def episode_shares(expressions: tuple[float, ...] = PUBLISHED_SHARES) -> Floats:
    """Probability of each of `EPISODES`, shape (episodes,).

    Args:
        expressions: shares of the eight expressions.
    """
    other = expressions[-1]
    compound = [other * OTHER["compound"] / len(COMPOUND_11)] * len(COMPOUND_11)
    return np.array([*expressions[:-1], *compound, other * OTHER[SPEECH], other * OTHER[MOVEMENT]])


def make_temperament(generator: np.random.Generator) -> Temperament:
    """A random temperament."""
    return Temperament(
        strength=float(generator.uniform(0.75, 1.1)),
        restraint=generator.random((len(EPISODES), 17)),
        mood=MOOD_OF_PERSON * generator.normal(size=2),
    )


def make_course(
    temperament: Temperament,
    frames: int,
    generator: np.random.Generator,
    shares: Floats,
    relations: Relations = TRUE_RELATIONS,
) -> Course:
    """A random course of a video: one episode after another, each with onset, apex and offset, on a drifting mood.

    Args:
        temperament: temperament of the person.
        frames: number of frames, `FRAME_RATE` of them per second.
        generator: source of the random numbers.
        shares: probability of each of `EPISODES`, as `episode_shares` returns it.
        relations: relations between expressions and action units.
    """
    mood = temperament.mood + MOOD_DRIFT * smooth_noise(generator, frames, 2, DRIFT_KNOT)
    episode, moved = _episodes(mood, temperament, generator, shares, relations)
    if relations.independent.any():
        # these action units follow episodes of their own, and so does speech
        _, others = _episodes(mood, temperament, generator, shares, TRUE_RELATIONS)
        apart = np.append(relations.independent, True)
        moved[:, apart] = others[:, apart]
    units, spoken = moved[:, :17], moved[:, 17]
    _speak(units, spoken, generator)
    _enliven(units, mood, generator)
    return Course(units.astype(np.float32), episode.astype(np.int8), affect_of(units, mood))


def affect_of(action_units: Floats, mood: Floats) -> Floats:
    """Valence and arousal of a video, shape (frames, 2), in (-1, 1).

    They are the hyperbolic tangent of `action_units @ WEIGHTS + mood`; to arousal, a resting value and a contribution
    of the speed of all action units are added first.

    Args:
        action_units: intensities in [0, 1], shape (frames, 17).
        mood: contribution to valence and arousal, shape (frames, 2).
    """
    drive = action_units @ WEIGHTS + mood
    speed = np.zeros(len(action_units))
    speed[1:] = FRAME_RATE * np.abs(np.diff(action_units, axis=0)).mean(axis=1)
    drive[:, 1] += RESTING_AROUSAL + MOVEMENT_GAIN * moving_mean(speed, FRAME_RATE // 2)
    return np.tanh(drive)


def _episodes(
    mood: Floats, temperament: Temperament, generator: np.random.Generator, shares: Floats, relations: Relations
) -> tuple[NDArray[np.int64], Floats]:
    """The kind of episode on each frame, shape (frames,), and the intensities, as `_blend` returns them."""
    borders = _borders(len(mood), generator)
    kinds = _kinds(mood[np.maximum(borders[:-1], 0)], generator, shares, relations.places)
    targets = _targets(kinds, temperament, generator, relations)
    place = np.searchsorted(borders, np.arange(len(mood)), side="right") - 1
    return kinds[place], _blend(targets, borders, place, generator)


def _borders(frames: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Frames at which the episodes begin, and the end of the last; the first and the last may lie partly outside."""
    count = frames // SHORTEST + 2
    lengths = np.exp(np.log(TYPICAL_FRAMES) + SPREAD * generator.normal(size=count))
    lengths = np.clip(lengths, SHORTEST, LONGEST).astype(np.int64)
    # the video begins somewhere in its first episode
    borders = np.append(0, np.cumsum(lengths)) - int(generator.integers(lengths[0]))
    return borders[: int(np.searchsorted(borders, frames)) + 1]


def _kinds(mood: Floats, generator: np.random.Generator, shares: Floats, places: Floats) -> NDArray[np.int64]:
    """The kind of each episode, which depends on the mood at its beginning; over all moods, the shares are kept.

    Args:
        mood: mood at the beginning of each episode, shape (episodes, 2).
        generator: source of the random numbers.
        shares: probability of each kind.
        places: valence and arousal of each kind, shape (kinds, 2).
    """
    variance = MOOD_OF_PERSON**2 + MOOD_DRIFT**2
    # the last term takes out what the tilt adds on average
    expected = MOOD_TILT**2 * variance / 2 * (places**2).sum(axis=1)
    likely = shares * np.exp(MOOD_TILT * mood @ places.T - expected)
    sums = np.cumsum(likely, axis=1)
    drawn = generator.random((len(mood), 1)) * sums[:, -1:]
    return (drawn >= sums).sum(axis=1)


def _targets(
    kinds: NDArray[np.int64], temperament: Temperament, generator: np.random.Generator, relations: Relations
) -> Floats:
    """Intensities at the apex of each episode, shape (episodes, 18); the last column is 1 for speech."""
    count = len(kinds)
    # half habit, half chance: over all people, an observational unit keeps its share
    habits = temperament.restraint < relations.profiles
    inclined = (relations.profiles + habits)[kinds] / 2
    taking_part = relations.prototypical[kinds] | (generator.random((count, 17)) < inclined)
    single = generator.integers(17, size=(count, 2))
    moving = np.flatnonzero(kinds == EPISODES.index(MOVEMENT))
    taking_part[moving[:, np.newaxis], single[moving]] = True
    strength = temperament.strength * generator.uniform(0.55, 1, (count, 1)) * generator.uniform(0.8, 1.2, (count, 17))
    targets = np.zeros((count, 18))
    targets[:, :17] = np.where(taking_part, np.minimum(strength, 1), 0)
    speaking = kinds == EPISODES.index(SPEECH)
    targets[speaking, 17] = 1
    for unit, intensity in SPOKEN.items():
        targets[speaking, unit] = np.maximum(targets[speaking, unit], intensity)
    return targets


def _blend(
    targets: Floats, borders: NDArray[np.int64], place: NDArray[np.int64], generator: np.random.Generator
) -> Floats:
    """The targets over time, shape (frames, columns): constant at the apex, with smooth transitions at the borders.

    Args:
        targets: values at the apex, shape (episodes, columns).
        borders: frames at which the episodes begin and the last one ends, shape (episodes + 1,).
        place: index of the episode of each frame, shape (frames,).
        generator: source of the random numbers.
    """
    lengths = np.diff(borders)
    total = targets[:, :17].sum(axis=1)
    rising = total[1:] > total[:-1]
    widths = np.where(rising, generator.uniform(*ONSET, len(rising)), generator.uniform(*OFFSET, len(rising)))
    # two transitions never meet within an episode
    widths = np.minimum(widths, 0.5 * np.minimum(lengths[1:], lengths[:-1]))
    before, after = np.append(1.0, widths), np.append(widths, 1.0)
    frame = np.arange(len(place)) + 0.5
    since = (frame - borders[:-1][place]) / before[place]
    until = (borders[1:][place] - frame) / after[place]
    neighbour = np.where(since < until, place - 1, place + 1)
    near = np.minimum(since, until)
    inside = (neighbour >= 0) & (neighbour < len(targets)) & (near < 1)
    own = smooth_step((np.where(inside, near, 1) + 1) / 2)[:, np.newaxis]
    other = targets[np.where(inside, neighbour, place)]
    return own * targets[place] + (1 - own) * other


def _speak(units: Floats, spoken: Floats, generator: np.random.Generator) -> None:
    """Open and close lips and jaw about 3.5 times per second while the person speaks; changes `units`."""
    rate = 3.5 + 0.4 * smooth_noise(generator, len(units), 1, 15)[:, 0]
    phase = 2 * np.pi * (generator.random() + np.cumsum(rate) / FRAME_RATE)
    units[:, _UPPER] *= 1 - spoken * (0.5 + 0.5 * np.sin(phase)) * 0.9
    units[:, _JAW] *= 1 - spoken * (0.5 + 0.5 * np.sin(phase + 0.5)) * 0.9


def _enliven(units: Floats, mood: Floats, generator: np.random.Generator) -> None:
    """Add a little unrest to apex and rest, and a trace of the mood; changes `units` and keeps them in [0, 1]."""
    units *= 1 + 0.1 * smooth_noise(generator, len(units), 17, 12)
    units += 0.03 * np.abs(smooth_noise(generator, len(units), 17, 24))
    pleasant, lively = np.maximum(mood[:, 0], 0), np.maximum(mood[:, 1], 0)
    units[:, ACTION_UNITS_17.index("AU12")] += 0.15 * pleasant
    units[:, ACTION_UNITS_17.index("AU4")] += 0.15 * np.maximum(-mood[:, 0], 0)
    units[:, ACTION_UNITS_17.index("AU5")] += 0.15 * lively
    np.clip(units, 0, 1, out=units)
