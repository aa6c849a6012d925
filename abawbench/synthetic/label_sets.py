"""Which frames have labels of a task: as the quirks leave them, or as many and as much together as settings ask."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.labels import EXPRESSIONS_8
from abawbench.synthetic import quirks
from abawbench.synthetic.noise import stretches
from abawbench.synthetic.quirks import Labels, Rows
from abawbench.synthetic.settings import SPLITS, TASKS, CorpusSettings
from abawbench.table import Mask

WITH_EXPRESSION, WITH_UNITS = "expression", "action_units"


def units_without_tasks(
    train: Mask, frames: Rows, active: frozenset[str], generator: np.random.Generator
) -> dict[str, Mask]:
    """By task, a mask of the training units that are in no file of the task, shape (units,).

    Args:
        train: True for training units, shape (units,).
        frames: number of frames of each unit, shape (units,).
        active: names of the quirks that are on.
        generator: source of the random numbers.
    """
    order = generator.permutation(int(train.sum()))
    places = {
        "va": quirks.WITHOUT_AFFECT,
        "expression": quirks.WITHOUT_EXPRESSION,
        "action_units": quirks.WITHOUT_UNITS,
    }
    result: dict[str, Mask] = {}
    for task, place in places.items():
        result[task] = np.zeros(len(train), bool)
        if "label-sets" in active:
            result[task][train] = quirks.units_without_task(frames[train], place, order)
    return result


def annotated_rows(
    split: Rows,
    listed: Mask,
    lacking: Mapping[str, Mask],
    active: frozenset[str],
    generator: np.random.Generator,
) -> dict[str, Mask]:
    """By task, a mask of the rows with a label as the quirks leave them, shape (rows,).

    Args:
        split: index of the split of each row, shape (rows,).
        listed: False for rows that no annotator saw, shape (rows,).
        lacking: by task, True for rows of units without the task, shape (rows,).
        active: names of the quirks that are on.
        generator: source of the random numbers.
    """
    result = {task: listed & ~mask for task, mask in lacking.items()}
    if "partial-labels" not in active:
        return result
    # units with nothing but expressions have one on every row
    alone = lacking["va"] & lacking["action_units"]
    for number, name in enumerate(SPLITS):
        rows = listed & (split == number)
        open_rows = np.flatnonzero(rows & ~alone & result["expression"])
        wanted = float(quirks.WITH_EXPRESSION[name]) * int(rows.sum()) - int((rows & alone).sum())
        share = 1 - max(wanted, 0) / max(len(open_rows), 1)
        gaps = stretches(generator, len(open_rows), share, quirks.STRETCH_WITHOUT_EXPRESSION)
        result["expression"][open_rows[gaps]] = False
    train = np.flatnonzero(listed & (split == SPLITS.index("train")))
    bare = generator.choice(train, math.ceil(len(train) * quirks.WITHOUT_LABEL), replace=False)
    for mask in result.values():
        mask[bare] = False
    return result


def choose_labelled(
    settings: CorpusSettings, train: Rows, annotated: dict[str, Mask], generator: np.random.Generator
) -> tuple[str, ...]:
    """Choose training rows at random for the tasks whose number of labels, or whose overlap, the settings fix.

    Args:
        settings: settings of the corpus.
        train: the training rows that may have labels.
        annotated: by task, mask of the rows with a label, which is changed.
        generator: source of the random numbers.

    Returns:
        The tasks that were changed.

    Raises:
        ProblemError: D52, there are too few training rows.
    """
    counts = dict(settings.labelled)
    if settings.overlap is not None and WITH_EXPRESSION not in counts:
        # as many of both as there is room for
        counts[WITH_EXPRESSION] = counts[WITH_UNITS] = int(len(train) / (2 - settings.overlap))
    room = f"at most {len(train):,}, the training frames"
    wrong = [
        Problem("D52", f"{count:,} labels of {task}", room, "make more videos")
        for task, count in counts.items()
        if count > len(train)
    ]
    # the same draws whatever is asked for, so that more labels of a task contain fewer
    orders = {task: train[generator.permutation(len(train))] for task in TASKS}
    chosen = {task: orders[task][:count] for task, count in counts.items()}
    if settings.overlap is not None and not wrong:
        one, other = counts[WITH_EXPRESSION], counts[WITH_UNITS]
        shared = round(settings.overlap * min(one, other))
        if one + other - shared > len(train):
            found = f"{one:,} and {other:,} labels of which {shared:,} meet: {one + other - shared:,} frames"
            fix = "make more videos, or fewer labels"
            wrong.append(Problem("D52", found, room, fix))
        else:
            order = orders[WITH_EXPRESSION]
            chosen[WITH_UNITS] = np.concatenate([order[:shared], order[one : one + other - shared]])
    if wrong:
        raise ProblemError(*wrong)
    for task, rows in chosen.items():
        annotated[task][train] = False
        annotated[task][rows] = True
    return tuple(chosen)


def flip_labels(labels: Labels, train: Rows, share: float, generator: np.random.Generator) -> None:
    """Make a share of the training labels wrong: another expression, the other value of an action unit; at random.

    Args:
        labels: the labels, which are changed.
        train: the training rows.
        share: share of wrong labels; what is wrong for a share is also wrong for a greater one.
        generator: source of the random numbers.
    """
    wrong = generator.random(len(train)) < share
    classes = len(EXPRESSIONS_8)
    others = (labels.expression[train] + generator.integers(1, classes, len(train))) % classes
    labels.expression[train] = np.where(wrong, others, labels.expression[train])
    labels.action_units[train] ^= (generator.random((len(train), labels.action_units.shape[1])) < share).astype(np.int8)
