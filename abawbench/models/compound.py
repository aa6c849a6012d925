"""Compound expressions from action units, basic expressions and valence. Needs no torch.

Source: arXiv:2105.03790 for the sum of three terms, formula assumed(paper); means of two probabilities alone are those
of av-savchenko/face-emotion-recognition:src/ABAW/ABAW7/cexpr.ipynb.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from abawbench import labels
from abawbench.base.problems import Problem, ProblemError, did_you_mean
from abawbench.labels import BASIC_EXPRESSIONS_6, COMPOUND_11, EXPRESSIONS_AND_COMPOUNDS_17
from abawbench.models.relatedness_tables import expert_table

Floats = NDArray[np.float64]
Part = Literal["action_units", "expressions", "valence"]
PARTS: tuple[Part, ...] = get_args(Part)
Mean = Literal["arithmetic", "geometric", "harmonic"]

# compounds that a positive valence supports
PLEASANT = frozenset({"Happily_Surprised", "Happily_Disgusted"})
_BASIC: Mapping[str, str] = MappingProxyType(
    {
        "Happily": "Happiness",
        "Sadly": "Sadness",
        "Fearfully": "Fear",
        "Angrily": "Anger",
        "Disgustedly": "Disgust",
        "Fearful": "Fear",
        "Angry": "Anger",
        "Surprised": "Surprise",
        "Disgusted": "Disgust",
    }
)


def parts_of(compound: str) -> tuple[str, str]:
    """The two basic expressions of a compound one; a basic one is both parts of itself.

    Raises:
        ProblemError: E17, a name that is no compound expression.

    >>> parts_of("Sadly_Fearful"), parts_of("Fear")
    (('Sadness', 'Fear'), ('Fear', 'Fear'))
    """
    problems = tuple(_no_compound([compound]))
    if problems:
        raise ProblemError(*problems)
    if compound in BASIC_EXPRESSIONS_6:
        return compound, compound
    adverb, adjective = compound.split("_")
    return _BASIC[adverb], _BASIC[adjective]


def compound_table(compounds: Sequence[str], action_units: Sequence[str]) -> Floats:
    """The share of people who use each action unit in each compound, shape (compounds, action units).

    A compound that the expert table lacks has the greater share of its two parts (assumed).

    Raises:
        ProblemError: E17, every name that is no compound expression.
    """
    problems = tuple(_no_compound(compounds))
    if problems:
        raise ProblemError(*problems)
    rows: list[Floats] = [np.empty((0, len(action_units)))]
    for name in compounds:
        own = [name] if name in EXPRESSIONS_AND_COMPOUNDS_17 else parts_of(name)
        rows.append(expert_table(own, action_units).max(axis=0, keepdims=True))
    return np.concatenate(rows)


def compound_scores(
    action_units: Floats | None,
    expressions: Floats,
    valence: Floats | None,
    *,
    unit_names: Sequence[str],
    expression_names: Sequence[str],
    compounds: Sequence[str] = labels.COMPOUND_7,
    parts: Sequence[Part] = PARTS,
    mean: Mean = "arithmetic",
) -> Floats:
    """Scores of compound expressions, frame by frame; the greatest score is the prediction.

    A score is the sum of the parts that are asked for:

    - `action_units`: the mean probability of the action units of the compound, weighted by the share of people who use
      them;
    - `expressions`: twice the mean of the probabilities p and q of its two basic expressions: (p + q) / 2,
      (p q)^(1/2), or 2 p q / (p + q), which is 0 where both are;
    - `valence`: 1 for `PLEASANT` compounds where valence is above 0.

    Args:
        action_units: probabilities, shape (frames, action units); NaN on frames without an answer; None for a model
            without action units, whose part is then 0.
        expressions: probabilities, shape (frames, expressions).
        valence: values from -1 to 1, shape (frames,); None for a model without valence, which adds nothing (assumed).
        unit_names: names of the action units, as `AU12`; the mean is 0 where a compound has none of them.
        expression_names: names of the expressions, among them both parts of every compound.
        compounds: names of the compounds, as `labels.COMPOUND_7` or `COMPOUND_11`; basic expressions may be among them.
        parts: parts of the score; all of them with the arithmetic mean are the published score.
        mean: mean of the probabilities of the two basic expressions.

    Returns:
        Shape (frames, compounds), from 0 to 4; NaN on frames where a value of a part is.

    Raises:
        ProblemError: E13 shapes that do not fit the names; E17 a name that is no compound expression, a basic
            expression missing.
    """
    problems = tuple(_no_compound(compounds))
    if problems:
        raise ProblemError(*problems)
    pairs = [parts_of(name) for name in compounds]
    problems = (
        *_wrong_shapes(action_units, expressions, valence, len(unit_names), len(expression_names)),
        *_missing(pairs, expression_names),
    )
    if problems:
        raise ProblemError(*problems)
    score = np.zeros((len(expressions), len(compounds)))
    if "action_units" in parts and action_units is not None:
        table = compound_table(compounds, unit_names)
        total = table.sum(axis=1)
        score += action_units @ (table / np.where(total > 0, total, 1.0)[:, None]).T
    if "expressions" in parts:
        first, second = (expressions[:, [expression_names.index(pair[side]) for pair in pairs]] for side in (0, 1))
        score += 2 * _mean(first, second, mean)
    if "valence" in parts and valence is not None:
        pleasant = np.array([name in PLEASANT for name in compounds])
        score[:, pleasant] += np.where(np.isnan(valence), np.nan, valence > 0)[:, None]
    return score


def _mean(first: Floats, second: Floats, mean: Mean) -> Floats:
    total, product = first + second, first * second
    match mean:
        case "arithmetic":
            return total / 2
        case "geometric":
            return np.sqrt(product)
        case "harmonic":
            return 2 * product / np.where(total == 0, 1, total)


def _no_compound(names: Iterable[str]) -> Iterable[Problem]:
    for name in names:
        words = name.split("_")
        if name not in BASIC_EXPRESSIONS_6 and (len(words) != 2 or not _BASIC.keys() >= set(words)):
            found = f"compound expression {name!r}"
            yield Problem("E17", found, "an adverb and an adjective, as Sadly_Fearful", did_you_mean(name, COMPOUND_11))


def _wrong_shapes(
    action_units: Floats | None, expressions: Floats, valence: Floats | None, units: int, classes: int
) -> Iterable[Problem]:
    frames = len(expressions)
    shapes = {
        "action units": (action_units, (frames, units)),
        "expressions": (expressions, (frames, classes)),
        "valence": (valence, (frames,)),
    }
    for name, (values, shape) in shapes.items():
        if values is not None and values.shape != shape:
            fix = "give one row a frame and one column a name"
            yield Problem("E13", f"{name} of shape {values.shape}", f"shape {shape}", fix)


def _missing(parts: Sequence[tuple[str, str]], names: Sequence[str]) -> Iterable[Problem]:
    for name in sorted({name for pair in parts for name in pair} - set(names)):
        found = f"no probability of {name} among {', '.join(names)}"
        yield Problem("E17", found, "both parts of every compound", "choose compounds whose parts the model answers")
