"""Vocabularies of the challenges: expressions, action units, compound classes, emotions, and sentinels.

The index of a name in its tuple is the class number in a file. Nothing else in the package spells these names out.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

EXPRESSIONS_7 = ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
EXPRESSIONS_8 = (*EXPRESSIONS_7, "Other")
BASIC_EXPRESSIONS_6 = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
# in the order of CK+
EXPRESSIONS_CONTEMPT_7 = ("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
COMPOUND_7 = (
    "Fearfully_Surprised",
    "Happily_Surprised",
    "Sadly_Surprised",
    "Disgustedly_Surprised",
    "Angrily_Surprised",
    "Sadly_Fearful",
    "Sadly_Angry",
)
# compounds of Du, Tao and Martinez 2014 that RAF-DB has, too, in the order of its numbers
COMPOUND_11 = (
    "Happily_Surprised",
    "Happily_Disgusted",
    "Sadly_Fearful",
    "Sadly_Angry",
    "Sadly_Surprised",
    "Sadly_Disgusted",
    "Fearfully_Angry",
    "Fearfully_Surprised",
    "Angrily_Surprised",
    "Angrily_Disgusted",
    "Disgustedly_Surprised",
)
# basic expressions and the compounds above; that these are EmotioNet's is assumed: no list of its 16 was found
EXPRESSIONS_AND_COMPOUNDS_17 = (*BASIC_EXPRESSIONS_6, *COMPOUND_11)
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

# people of the Face Research Lab London Set, by the numbers of their pictures: first and last of each run of numbers
_LONDON_NUMBERS = (
    *((1, 14), (16, 22), (24, 27), (29, 34), (36, 39), (41, 45), (61, 64), (66, 70), (81, 83), (86, 87), (90, 92)),
    *((94, 94), (96, 97), (99, 105), (107, 108), (112, 115), (117, 132), (134, 144), (172, 173)),
)
LONDON_PEOPLE = tuple(f"london_{number:03d}" for first, last in _LONDON_NUMBERS for number in range(first, last + 1))
# what the set states of a person; one is both east Asian and white
LONDON_ATTRIBUTES = ("female", "black", "east_asian", "west_asian", "white")

VALENCE_AROUSAL_SENTINEL = -5
CLASS_SENTINEL = -1

# expression that many networks know and no challenge asks for
CONTEMPT = "Contempt"
# begins a name that is no class, action unit or value of these vocabularies, and is not meant to be
OUTSIDE = "outside:"

FOLDER_ALIASES = {"ANGRER": "Anger"}
_SEPARATORS = str.maketrans("", "", " \t_-")
_UNIT = re.compile(r"au0*([1-9]\d?)")
# expression by other names in use
SYNONYMS = {
    "angry": "Anger",
    "disgusted": "Disgust",
    "afraid": "Fear",
    "fearful": "Fear",
    "scared": "Fear",
    "happy": "Happiness",
    "joy": "Happiness",
    "sad": "Sadness",
    "surprised": "Surprise",
    "others": "Other",
}


@dataclass(frozen=True, slots=True)
class Relation:
    """The part of an action unit in an expression.

    Attributes:
        weight: share of the subjects who use the unit; 1 for a prototypical one.
        is_prototypical: True where more than 70 % of the subjects use it.
    """

    weight: float
    is_prototypical: bool


@functools.cache
def relatedness() -> Mapping[str, Mapping[str, Relation]]:
    """The action units (`AU12`, ...) of each expression, basic and compound (`Happiness`, `Happily_Surprised`, ...).

    Source: Du, Tao and Martinez 2014, PNAS 111(15):E1454, Table 1. The table's body is assumed: it was not checked
    against the printed page.

    >>> relatedness()["Happiness"]["AU6"]
    Relation(weight=0.51, is_prototypical=False)
    """
    table: dict[str, dict[str, Relation]] = {}
    text = resources.files("abawbench").joinpath("relatedness_du2014.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        expression = "_".join(word.capitalize() for word in row["expression"].split("_"))
        units = table.setdefault(expression, {})
        units[f"AU{row['au']}"] = Relation(float(row["weight"]), row["kind"] == "prototypical")
    return MappingProxyType({name: MappingProxyType(units) for name, units in table.items()})


def class_named(label: str, classes: Sequence[str]) -> str | None:
    """The class of this name or synonym, whatever its case, blanks, hyphens and underscores; None where there is none.

    Action units and values are found likewise, also with leading zeros.

    >>> class_named("HAPPY", EXPRESSIONS_8), class_named("sadly angry", COMPOUND_7), class_named("bored", EXPRESSIONS_8)
    ('Happiness', 'Sadly_Angry', None)
    >>> class_named("au_04", ACTION_UNITS_12), class_named("Arousal", VALENCE_AROUSAL)
    ('AU4', 'arousal')
    """
    if label in classes:
        return label
    word = plain(label)
    unit = _UNIT.fullmatch(word)
    word = f"au{unit[1]}" if unit else word
    own = next((name for name in classes if plain(name) == word), None)
    meant = SYNONYMS.get(word)
    return own or (meant if meant in classes else None)


def known_name(name: str, outputs: Sequence[str] = ()) -> str | None:
    """A name in the words of the vocabularies: an output of a task, or else what other vocabularies have of its kind.

    Args:
        name: name of a class, an action unit or a value, as a model or a table has it.
        outputs: outputs of the task, which come first, and whose kinds alone are known; none for all kinds.

    Returns:
        The name as it is spelt here; the name itself where it begins with `outside:`; None where it is not known.

    >>> [known_name(name, EXPRESSIONS_8) for name in ("happy", "contempt", "AU12", "outside:Bored", "Bored")]
    ['Happiness', 'Contempt', None, 'outside:Bored', None]
    >>> known_name("AU09", ACTION_UNITS_12), known_name("au12"), known_name("VALENCE")
    ('AU9', 'AU12', 'valence')
    """
    if name.startswith(OUTSIDE) and name != OUTSIDE:
        return name
    meant = class_named(name, outputs)
    if meant is None:
        unit = _UNIT.fullmatch(plain(name))
        # joy is happiness, unless the task has a class Joy
        meant = f"AU{unit[1]}" if unit else class_named(name, EXPRESSIONS_8) or class_named(name, _known())
    is_of_kind = not outputs or meant is None or _kind(meant) in {_kind(output) for output in outputs}
    return meant if is_of_kind else None


@functools.cache
def _known() -> tuple[str, ...]:
    """Every value and class of the vocabularies besides the expressions of the challenges."""
    classes = (CONTEMPT, *COMPOUND_7, *relatedness(), *AMBIVALENCE_2, *VIOLENCE_2)
    return (*VALENCE_AROUSAL, *classes, *REACTION_7, *MIMICRY_6)


def _kind(name: str) -> str:
    return "unit" if _UNIT.fullmatch(plain(name)) else "value" if name in VALENCE_AROUSAL else "class"


def plain(name: str) -> str:
    """A name in lower case without blanks, hyphens and underscores, by which spellings of a name are alike."""
    return name.casefold().translate(_SEPARATORS)


def spelling(name: str) -> str:
    """What spellings of the name of a column have in common: AU01 is AU1.

    >>> spelling("AU_04"), spelling("Empathic Pain")
    ('au4', 'empathicpain')
    """
    word = plain(name)
    number = word.removeprefix("au")
    return f"au{int(number)}" if word.startswith("au") and number.isascii() and number.isdecimal() else word
