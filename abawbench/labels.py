"""Vocabularies of the challenges: expressions, action units, compound classes, emotions, sentinels.

Index in a tuple = class number in a file. Nothing else in the package spells these names out.
"""

from __future__ import annotations

EXPRESSIONS_7 = ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
EXPRESSIONS_8 = (*EXPRESSIONS_7, "Other")
SYNTHETIC_EXPRESSIONS_6 = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
COMPOUND_7 = (
    "Fearfully_Surprised",
    "Happily_Surprised",
    "Sadly_Surprised",
    "Disgustedly_Surprised",
    "Angrily_Surprised",
    "Sadly_Fearful",
    "Sadly_Angry",
)
AMBIVALENCE_2 = ("absent", "present")
VIOLENCE_2 = ("non-violent", "violent")

ACTION_UNITS_8 = ("AU1", "AU2", "AU4", "AU6", "AU12", "AU15", "AU20", "AU25")
ACTION_UNITS_12 = ("AU1", "AU2", "AU4", "AU6", "AU7", "AU10", "AU12", "AU15", "AU23", "AU24", "AU25", "AU26")
# those of the six basic expressions in Du, Tao and Martinez 2014
ACTION_UNITS_17 = (
    "AU1",
    "AU2",
    "AU4",
    "AU5",
    "AU6",
    "AU7",
    "AU9",
    "AU10",
    "AU11",
    "AU12",
    "AU15",
    "AU17",
    "AU20",
    "AU23",
    "AU24",
    "AU25",
    "AU26",
)

VALENCE_AROUSAL = ("valence", "arousal")
# a hyphen at the 5th edition, a blank from the 6th on
REACTION_7 = ("Adoration", "Amusement", "Anxiety", "Disgust", "Empathic-Pain", "Fear", "Surprise")
MIMICRY_6 = ("Admiration", "Amusement", "Determination", "Empathic Pain", "Excitement", "Joy")

VALENCE_AROUSAL_SENTINEL = -5
CLASS_SENTINEL = -1

FOLDER_ALIASES = {"ANGRER": "Anger"}
