"""What other models call the expressions."""

from __future__ import annotations

from collections.abc import Sequence

from abawbench import labels

_, ANGER, DISGUST, FEAR, HAPPINESS, SADNESS, SURPRISE, _ = labels.EXPRESSIONS_8

SYNONYMS = {
    "angry": ANGER,
    "disgusted": DISGUST,
    "afraid": FEAR,
    "fearful": FEAR,
    "happy": HAPPINESS,
    "joy": HAPPINESS,
    "sad": SADNESS,
    "surprised": SURPRISE,
}


def class_named(label: str, classes: Sequence[str]) -> str | None:
    """The class that a label means, by its own name or a synonym, whatever its case; None where it means none.

    >>> class_named("HAPPY", labels.EXPRESSIONS_8), class_named("contempt", labels.EXPRESSIONS_8)
    ('Happiness', None)
    """
    word = label.strip().casefold()
    own = next((name for name in classes if name.casefold() == word), None)
    meant = SYNONYMS.get(word)
    return own or (meant if meant in classes else None)
