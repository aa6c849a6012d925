"""Values in other forms than a format's own: names and scores of classes, True and False, numbers as text."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from abawbench.base.problems import Problem
from abawbench.challenges import Categorical, MultiLabel, Task
from abawbench.formats.columns import INFINITE, INTEGER, NUMBER, task_columns
from abawbench.formats.text import quote
from abawbench.labels import SYNONYMS, class_named, plain
from abawbench.table import Classes, Floats, Mask

Form = Literal["class names", "True and False", "numbers as text", "whole numbers with a decimal point", "arrays"]
CLASS_NAMES: Form = "class names"

TRUTH_VALUES = {"true": 1.0, "false": 0.0}
# names of columns of scores: the class or its number, with such words around it
_SCORE_WORDS = re.compile(
    r"expressions?|expr|emotions?|emo|class|classes|cls|probabilit(?:y|ies)|probs?|proba|pred|predictions?|scores?|"
    r"logits?|softmax|outputs?|p"
)
# sums of probabilities that are written with a few digits
NEAR_ONE = 0.02


@dataclass(frozen=True, slots=True)
class Cell:
    """The meaning of one cell.

    Attributes:
        value: the number that it stands for; NaN where it is at fault.
        form: form of the cell, where it is not the number itself.
        rule: the rule that the cell breaks; None where it holds a value of the task or its sentinel.
    """

    value: float
    form: Form | None = None
    rule: str | None = None


@dataclass(frozen=True, eq=False)
class Decided:
    """Classes decided from scores.

    Attributes:
        classes: shape (rows,), the most probable class; -1 where a row has no scores.
        undecided: shape (rows,), True where the greatest score occurs twice.
        faulty: shape (rows,), True where some scores are missing, or not finite.
        kind: what the scores are: one-hot rows, probabilities, or scores of any size.
    """

    classes: Classes
    undecided: Mask
    faulty: Mask
    kind: Literal["one-hot rows", "probabilities", "scores"]


def sentinel_of(task: Task) -> float | None:
    """The value that stands for "no prediction" in the files of a task; None where every number could be meant.

    >>> from abawbench.challenges import get
    >>> [sentinel_of(get(name).tasks[0]) for name in ("abaw6-va", "abaw6-expr", "abaw6-emi")]
    [-5.0, -1.0, None]
    """
    return task_columns(task, "prediction")[0].no_prediction


def read_cell(task: Task, cell: object) -> Cell:
    """The number that a cell of a task's column stands for.

    Text, Python and NumPy numbers, Decimal, and arrays or tensors of one number are understood; a class may be given by
    its name, and a label by True or False.
    """
    if getattr(cell, "shape", None) in {(), (1,)} and not isinstance(cell, np.generic) and hasattr(cell, "item"):
        inner = read_cell(task, cell.item())  # pyright: ignore[reportAttributeAccessIssue]
        return Cell(inner.value, inner.form or "arrays", inner.rule)
    if isinstance(cell, bool | np.bool_):
        return _truth_value(task, float(cell))
    if isinstance(cell, str):
        return _read_text(task, cell.strip())
    try:
        value = float(cell)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError):
        return Cell(math.nan, None, "V01")
    return Cell(value, None, fault_of(task, value))


def fault_of(task: Task, value: float) -> str | None:
    """The rule that a number breaks in a column of a task; None for a value of the task or its sentinel."""
    if math.isnan(value):
        return "V01"
    if math.isinf(value):
        return "V02"
    if value == sentinel_of(task):
        return None
    low, high = bounds_of(task)
    if task.is_real:
        return None if low <= value <= high else "V03"
    if isinstance(task, MultiLabel):
        return None if value in {0, 1} else "V07"
    return "V05" if value != int(value) else None if low <= value <= high else "V06"


def bounds_of(task: Task) -> tuple[float, float]:
    """Least and greatest value of a task's columns in a table."""
    return task.span if task.is_vector else (0, task.width - 1)


def expected_of(task: Task) -> str:
    """The values of a task's columns, in words."""
    low, high = bounds_of(task)
    if task.is_real:
        return f"a number from {low:g} to {high:g}"
    return "0 or 1" if high == 1 else f"an integer from 0 to {high:g}"


def near_classes(classes: Sequence[str], name: str) -> str:
    """The classes that are near to a name that is not known; empty where none is.

    >>> near_classes(("Neutral", "Happiness"), "hapy")
    'Happiness'
    """
    known = {plain(word): word for word in (*SYNONYMS, *classes)}
    near = difflib.get_close_matches(plain(name), known, 3)
    meant = dict.fromkeys(class_named(known[word], classes) for word in near)
    return " or ".join(name for name in meant if name is not None)


def describe_unknown(classes: Sequence[str], name: str) -> tuple[str, str]:
    """A text in the place of a class, quoted with the near classes, and what could stand there besides a number."""
    near = near_classes(classes, name)
    return f"{quote(name)}{f' ({near}?)' if near else ''}", f"or the name of a class, {' '.join(classes)}"


def score_columns(task: Task, names: Sequence[str]) -> tuple[int, ...] | None:
    """Positions of the columns of scores, by class; None where there is not exactly one column for each class.

    A column is named by its class, a synonym, or the number of the class, with words such as `prob` around it.

    Args:
        task: the task.
        names: names of columns.

    >>> from abawbench.challenges import get
    >>> score_columns(get("abaw11-ah").tasks[0], ("video", "p0", "p1"))
    (1, 2)
    """
    if not isinstance(task, Categorical):
        return None
    for known in _score_sets(task, names):
        if sorted(known) == list(range(task.width)) and all(len(places) == 1 for places in known.values()):
            return tuple(known[number][0] for number in range(task.width))
    return None


def lacking_scores(task: Task, names: Sequence[str]) -> tuple[str, ...]:
    """The classes without a column, where most classes have a column of scores; empty where scores are not meant."""
    if not isinstance(task, Categorical):
        return ()
    known = max(_score_sets(task, names), key=len, default={})
    lacking = [name for number, name in enumerate(task.classes) if number not in known]
    return tuple(lacking) if 0 < len(lacking) < task.width / 2 else ()


def decide_scores(scores: Floats) -> Decided:
    """The most probable class of each row.

    Args:
        scores: shape (rows, classes); NaN where a score is missing.
    """
    is_missing = np.isnan(scores)
    is_absent = np.all(is_missing, axis=1)
    faulty: Mask = ~is_absent & ~np.all(np.isfinite(scores), axis=1)
    readable = np.where(np.isfinite(scores), scores, 0.0)
    greatest = readable.max(axis=1, keepdims=True)
    undecided: Mask = ~is_absent & ~faulty & ((readable == greatest).sum(axis=1) > 1)
    classes = np.where(is_absent | faulty, -1, readable.argmax(axis=1)).astype(np.int8)
    judged = readable[~is_absent & ~faulty]
    is_share = bool((judged >= 0).all()) and bool((np.abs(judged.sum(axis=1) - 1) <= NEAR_ONE).all())
    is_one_hot = is_share and bool(np.isin(judged, (0, 1)).all())
    return Decided(
        classes, undecided, faulty, "one-hot rows" if is_one_hot else "probabilities" if is_share else "scores"
    )


def note_absent(task: str, rows: Mask, found: str, source: str, *, rule: str = "N41") -> Problem:
    """A note on the rows that hold no prediction of a task."""
    count = int(rows.sum())
    said = f"{found} for {task} in {count:,} of {len(rows):,} rows: no prediction"
    fix = "predict these rows, or name a fill policy: --missing in score and diff, --fill in write"
    return Problem(rule, said, "a prediction in every row", fix, source, None, count)


def note_sentinels(task: str, rows: Mask, source: str) -> Problem:
    """A note on the rows that hold sentinels in the place of a task's prediction."""
    return note_absent(task, rows, "sentinels", source, rule="N43")


def describe_names(task: Task, seen: Iterable[str]) -> str:
    """The classes that names stand for, synonyms spelt out: `anger is 1, happy (Happiness) is 4`."""
    parts: dict[str, str] = {}
    for name in seen:
        meant = class_named(name, task.outputs)
        if meant is not None:
            spelt = "" if plain(name) == plain(meant) else f" ({meant})"
            parts.setdefault(plain(name), f"{name.strip()}{spelt} is {task.outputs.index(meant)}")
    return ", ".join(sorted(parts.values(), key=lambda part: int(part.rpartition(" ")[2])))


def _read_text(task: Task, text: str) -> Cell:
    if NUMBER.fullmatch(text):
        value = float(text)
        rule = fault_of(task, value)
        is_plain = task.is_real or INTEGER.fullmatch(text) is not None
        return Cell(value, "numbers as text" if is_plain else "whole numbers with a decimal point", rule)
    if INFINITE.fullmatch(text):
        return Cell(math.nan, None, "V02")
    if text.casefold() in TRUTH_VALUES:
        return _truth_value(task, TRUTH_VALUES[text.casefold()])
    if isinstance(task, Categorical):
        meant = class_named(text, task.classes)
        if meant is not None:
            return Cell(float(task.classes.index(meant)), CLASS_NAMES)
        return Cell(math.nan, None, "V06")
    return Cell(math.nan, None, "V01")


def _truth_value(task: Task, value: float) -> Cell:
    """True and False are labels, and classes where there are two of them."""
    if not task.is_real and (task.is_vector or task.width == 2):
        return Cell(value, "True and False")
    return Cell(math.nan, None, "V01")


def _score_sets(task: Categorical, names: Sequence[str]) -> list[dict[int, list[int]]]:
    """Columns that could be scores, with the same words around class or number: number of the class to positions."""
    sets: dict[str, dict[int, list[int]]] = {}
    for place, name in enumerate(names):
        number, words = _class_of_column(task, name)
        if number is not None:
            sets.setdefault(words, {}).setdefault(number, []).append(place)
    return list(sets.values())


def _class_of_column(task: Categorical, name: str) -> tuple[int | None, str]:
    """Number of the class in the name of a column of scores, and the other words of the name."""
    whole = class_named(name, task.classes)
    if whole is not None:
        return task.classes.index(whole), ""
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+|\d+", name)]
    others = [word for word in words if _SCORE_WORDS.fullmatch(word)]
    bare = [word for word in words if word not in others]
    meant = class_named("_".join(bare), task.classes)
    if meant is not None:
        return task.classes.index(meant), " ".join(others)
    is_number = len(bare) == 1 and len(bare[0]) <= 2 and bare[0].isdecimal() and bare[0].isascii()
    # the blank keeps numbered columns apart from named ones
    return (int(bare[0]), " ".join(others) + " ") if is_number else (None, "")
