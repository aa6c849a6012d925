"""Kinds of episodes, and how expressions and action units hang together: as in the table, otherwise, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from abawbench.labels import ACTION_UNITS_12, ACTION_UNITS_17, COMPOUND_11, EXPRESSIONS_7, relatedness
from abawbench.table import Floats, Mask

Relatedness = Literal["true", "permuted", "unrelated"]

SPEECH, MOVEMENT = "Speech", "Movement"
# the kinds of episodes; those after the seven expressions count as "Other" in the challenges
EPISODES = (*EXPRESSIONS_7, *COMPOUND_11, SPEECH, MOVEMENT)

# contribution of each action unit at intensity 1 to valence and to arousal, before the hyperbolic tangent
DRIVE: dict[str, tuple[float, float]] = {
    "AU1": (-0.05, 0.10),
    "AU2": (0.10, 0.30),
    "AU4": (-0.45, 0.05),
    "AU5": (0.00, 0.50),
    "AU6": (0.15, 0.05),
    "AU7": (-0.10, 0.20),
    "AU9": (-0.45, 0.20),
    "AU10": (-0.35, 0.20),
    "AU11": (-0.10, 0.00),
    "AU12": (0.95, 0.20),
    "AU15": (-0.55, -0.40),
    "AU17": (-0.25, -0.15),
    "AU20": (-0.50, 0.45),
    "AU23": (-0.25, 0.30),
    "AU24": (-0.30, 0.30),
    "AU25": (0.05, 0.25),
    "AU26": (0.05, 0.25),
}
WEIGHTS: Floats = np.array([DRIVE[unit] for unit in ACTION_UNITS_17])
# assumed: where the action units with labels are unrelated to expressions, these five, which have none, show them
CODES: dict[str, tuple[str, ...]] = {
    "Anger": ("AU5", "AU9"),
    "Disgust": ("AU9",),
    "Fear": ("AU5", "AU20"),
    "Happiness": ("AU20",),
    "Sadness": ("AU17",),
    "Surprise": ("AU5",),
    SPEECH: ("AU11",),
    MOVEMENT: ("AU11", "AU17"),
}
# parts of the names of compound expressions
_PARTS = {
    "Happily": "Happiness", "Sadly": "Sadness", "Fearfully": "Fear", "Angrily": "Anger", "Disgustedly": "Disgust",
    "Surprised": "Surprise", "Disgusted": "Disgust", "Fearful": "Fear", "Angry": "Anger", "Sad": "Sadness",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Relations:
    """The relations between episodes and action units, in the order of `EPISODES` and `ACTION_UNITS_17`.

    Attributes:
        profiles: probability that an action unit takes part in an episode, shape (episodes, 17).
        prototypical: True for action units that always take part, shape (episodes, 17).
        places: valence and arousal by which a mood favours an episode, shape (episodes, 2).
        independent: True for action units that follow episodes of their own, shape (17,).
    """

    profiles: Floats
    prototypical: Mask
    places: Floats
    independent: Mask


def _true_relations() -> Relations:
    profiles, prototypical = np.zeros((len(EPISODES), 17)), np.zeros((len(EPISODES), 17), bool)
    for row, episode in enumerate(EPISODES):
        for unit, relation in relatedness().get(episode, {}).items():
            profiles[row, ACTION_UNITS_17.index(unit)] = relation.weight
            prototypical[row, ACTION_UNITS_17.index(unit)] = relation.is_prototypical
    # assumed: valence and arousal at a usual intensity
    return Relations(profiles, prototypical, 0.7 * profiles @ WEIGHTS, np.zeros(17, bool))


TRUE_RELATIONS = _true_relations()
PROFILES = TRUE_RELATIONS.profiles


def make_relations(kind: Relatedness, generator: np.random.Generator) -> Relations:
    """The relations of a corpus.

    Args:
        kind: `true` for the table of the project; `permuted` if the rows of the six basic expressions are exchanged
            among them, so that each has the row of another, and likewise those of the compound ones; `unrelated` if the
            12 action units that have labels are independent of the expression, which other action units show.
        generator: source of the random numbers.
    """
    if kind == "true":
        return TRUE_RELATIONS
    return _permuted(generator) if kind == "permuted" else _unrelated()


def _permuted(generator: np.random.Generator) -> Relations:
    source = np.arange(len(EPISODES))
    for names in (EXPRESSIONS_7[1:], COMPOUND_11):
        # each takes the row of the one before it in a random circle, so that none keeps its own
        circle = generator.permutation([EPISODES.index(name) for name in names])
        source[circle] = np.roll(circle, 1)
    true = TRUE_RELATIONS
    return replace(
        true,
        profiles=true.profiles[source],
        prototypical=true.prototypical[source],
        places=true.places[source],
    )


def _unrelated() -> Relations:
    shown = np.zeros((len(EPISODES), 17), bool)
    for row, episode in enumerate(EPISODES):
        parts = [_PARTS[part] for part in episode.split("_")] if episode in COMPOUND_11 else [episode]
        units = {unit for part in parts for unit in CODES.get(part, ())}
        shown[row] = [unit in units for unit in ACTION_UNITS_17]
    # no episode is favoured by a mood, which would relate it to the action units that show the mood
    places = np.zeros((len(EPISODES), 2))
    return Relations(
        shown.astype(float), shown, places, np.array([unit in ACTION_UNITS_12 for unit in ACTION_UNITS_17])
    )
