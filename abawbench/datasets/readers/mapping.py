"""Maps the labels of any data set onto the vocabularies of the ABAW challenges, and counts the losses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from abawbench.challenges import Categorical, Continuous, MultiLabel, Task
from abawbench.datasets.manifests.model import CONTEMPT, MASKED, Manifest
from abawbench.datasets.manifests.model import Classes as ClassFacts
from abawbench.datasets.manifests.model import Marks as MarkFacts
from abawbench.datasets.readers.labels import Labels
from abawbench.labels import (
    ACTION_UNITS_12,
    CLASS_SENTINEL,
    COMPOUND_7,
    EXPRESSIONS_8,
    VALENCE_AROUSAL,
    VALENCE_AROUSAL_SENTINEL,
)
from abawbench.table import Classes, Floats, Mask, Table, Values

Contempt = Literal["drop", "other"]
Vocabulary = Literal["abaw", "compound"]
OTHER = "Other"
_ACTION_UNIT = re.compile(r"AU(?:([0-9]+)[LR]?|[LR]([0-9]+))")


@dataclass(frozen=True, slots=True)
class ExpressionLoss:
    """The losses of the map for a data set's classes, basic or compound.

    Attributes:
        masked: number of rows that become "not annotated", by own class, classes without rows included.
        substituted: number of rows of contempt that become Other, by own class.
        absent: ABAW expressions that no own class becomes.
    """

    masked: Mapping[str, int]
    substituted: Mapping[str, int]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActionUnitLoss:
    """The losses of the map for a data set's action units.

    Attributes:
        absent: ABAW action units that the data set does not label; they are masked in every row.
        left: own action units that ABAW does not have.
        positive_from: least value that counts as present, by own task.
        merged: one-sided columns, by the action unit that they make together; it is present where one side is.
    """

    absent: tuple[str, ...]
    left: tuple[str, ...]
    positive_from: Mapping[str, float]
    merged: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RangeLoss:
    """The data set's own range of valence and arousal, which is stretched to -1 to 1 where it differs."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Loss:
    """The losses of the map onto ABAW for the labels of a data set.

    Attributes:
        dataset: id of the manifest.
        rows: number of rows, all of which are kept.
        unlabelled: number of rows without any annotation after the map.
        left: own tasks and columns that ABAW does not have.
        expression: loss of basic expressions; None where the data set has none.
        compound: loss of compound expressions; None where the data set has none.
        action_units: loss of action units; None where the data set has none.
        va: range of valence and arousal; None where the data set has neither.
    """

    dataset: str
    rows: int
    unlabelled: int
    left: tuple[str, ...]
    expression: ExpressionLoss | None = None
    compound: ExpressionLoss | None = None
    action_units: ActionUnitLoss | None = None
    va: RangeLoss | None = None

    def to_json(self) -> dict[str, Any]:
        """The loss as plain data."""
        return asdict(self)


def to_abaw(
    labels: Labels,
    *,
    contempt: Contempt = "drop",
    expressions: Sequence[str] = EXPRESSIONS_8,
    action_units: Sequence[str] = ACTION_UNITS_12,
) -> tuple[Table, Loss]:
    """Map labels onto the tasks va, expression, compound and action_units, as far as the data set has them.

    An action unit that the data set does not label is -1 in every row, never 0.

    Args:
        labels: labels of any data set.
        contempt: `drop` makes contempt "not annotated", `other` makes it Other, which is a weak substitute.
        expressions: classes of the result, in order.
        action_units: columns of the result, in order.

    Returns:
        The table, with the rows of `labels.table`; and the losses of the map.
    """
    values: dict[str, Values] = {}
    left: list[str] = []
    pair = next((task for task in labels.tasks if isinstance(task, Continuous) and _has_pair(task)), None)
    expression, compound, units, stretch = None, None, None, None
    if pair is not None:
        values["va"], stretch = _valence_arousal(labels, pair)
        left.extend(name for name in pair.columns if name not in VALENCE_AROUSAL)
    classed = _first_mapped(labels, "abaw")
    if classed is not None:
        values["expression"], expression = _expressions(labels, classed, "abaw", contempt, expressions)
    compounded = _first_mapped(labels, "compound")
    if compounded is not None:
        values["compound"], compound = _expressions(labels, compounded, "compound", contempt, COMPOUND_7)
    marked = [task for task in labels.tasks if isinstance(task, MultiLabel) and any(map(_unit, task.columns))]
    if marked:
        values["action_units"], units = _action_units(labels, marked, action_units)
        left.extend(name for task in marked for name in task.columns if not _unit(name))
    used = {task.name for task in (pair, classed, compounded, *marked) if task is not None}
    left.extend(task.name for task in labels.tasks if task.name not in used)
    own = labels.table
    table = Table(own.videos, own.video, own.frame, values, source=own.source, notes=own.notes)
    unlabelled = int(np.count_nonzero(~_is_labelled(table, expressions, action_units)))
    return table, Loss(labels.manifest.id, len(own), unlabelled, tuple(left), expression, compound, units, stretch)


def abaw_tasks(
    table: Table, expressions: Sequence[str] = EXPRESSIONS_8, action_units: Sequence[str] = ACTION_UNITS_12
) -> tuple[Task, ...]:
    """The tasks of a table that `to_abaw` has made."""
    known: tuple[Task, ...] = (
        Continuous("va", VALENCE_AROUSAL, -1.0, 1.0, float(VALENCE_AROUSAL_SENTINEL)),
        Categorical("expression", tuple(expressions), CLASS_SENTINEL),
        Categorical("compound", COMPOUND_7, None),
        MultiLabel("action_units", tuple(action_units), CLASS_SENTINEL),
    )
    return tuple(task for task in known if task.name in table.values)


def class_map(manifest: Manifest, task: Task, vocabulary: Vocabulary = "abaw") -> Mapping[str, str] | None:
    """Map each class of a task to an ABAW expression, `contempt`, or an empty name where it is masked.

    Args:
        manifest: manifest that has the task.
        task: task of the manifest, or one with some of its classes in another order.
        vocabulary: `abaw` for the eight basic expressions, `compound` for the compound ones.

    Returns:
        The map, or None where the task's classes are no expressions of the vocabulary.
    """
    if not isinstance(task, Categorical):
        return None
    for label_set in manifest.labels:
        for facts in label_set.tasks:
            if not isinstance(facts, ClassFacts) or facts.name != task.name:
                continue
            names = facts.abaw if vocabulary == "abaw" else facts.compound
            if names is not None:
                known = dict(zip(facts.classes, names, strict=True))
                if set(task.classes) <= known.keys():
                    return {name: known[name] for name in task.classes}
    return None


def _first_mapped(labels: Labels, vocabulary: Vocabulary) -> Categorical | None:
    for task in labels.tasks:
        if isinstance(task, Categorical) and class_map(labels.manifest, task, vocabulary) is not None:
            return task
    return None


def _has_pair(task: Continuous) -> bool:
    return set(VALENCE_AROUSAL) <= set(task.columns)


def _unit(column: str) -> str:
    """The action unit of a column, without the side of the face, as `AU12` for `AU12L`; empty for other columns."""
    match = _ACTION_UNIT.fullmatch(column)
    return "" if match is None else f"AU{int(match[1] or match[2])}"


def _valence_arousal(labels: Labels, task: Continuous) -> tuple[Floats, RangeLoss]:
    own = labels.table.numbers(task.name)[:, [task.columns.index(name) for name in VALENCE_AROUSAL]]
    stretch = RangeLoss(task.low, task.high)
    if (task.low, task.high) == (-1, 1):
        return own, stretch
    return 2 * (own - task.low) / (task.high - task.low) - 1, stretch


def _expressions(
    labels: Labels, task: Categorical, vocabulary: Vocabulary, contempt: Contempt, expressions: Sequence[str]
) -> tuple[Classes, ExpressionLoss]:
    names = class_map(labels.manifest, task, vocabulary)
    assert names is not None
    substitute = OTHER if contempt == "other" else MASKED
    wanted = {name: substitute if target == CONTEMPT else target for name, target in names.items()}
    becomes = {name: target if target in expressions else MASKED for name, target in wanted.items()}
    own = labels.table.classes(task.name)
    # the last place is that of -1, "not annotated"
    places = np.array([*(expressions.index(name) if name else -1 for name in becomes.values()), -1], np.int8)
    counts = np.bincount(own[own >= 0], minlength=len(task.classes)).tolist()
    rows = dict(zip(task.classes, counts, strict=True))
    return places[own], ExpressionLoss(
        masked={name: rows[name] for name, target in becomes.items() if not target},
        substituted={name: rows[name] for name, target in becomes.items() if target and names[name] == CONTEMPT},
        absent=tuple(name for name in expressions if name not in becomes.values()),
    )


def _action_units(
    labels: Labels, tasks: Sequence[MultiLabel], action_units: Sequence[str]
) -> tuple[Classes, ActionUnitLoss]:
    places: dict[str, tuple[MultiLabel, list[int]]] = {}
    for task in tasks:
        own: dict[str, list[int]] = {}
        for place, column in enumerate(task.columns):
            own.setdefault(_unit(column), []).append(place)
        places = {name: (task, columns) for name, columns in own.items() if name} | places
    values = np.full((len(labels.table), len(action_units)), -1, np.int8, order="F")
    merged: dict[str, tuple[str, ...]] = {}
    for column, name in enumerate(action_units):
        if name in places:
            task, sides = places[name]
            values[:, column] = _either(labels.table.classes(task.name)[:, sides])
            written = tuple(task.columns[side] for side in sides)
            if written != (name,):
                merged[name] = written
    thresholds = {task.name: limit for task in tasks if (limit := _positive_from(labels.manifest, task)) is not None}
    return values, ActionUnitLoss(
        absent=tuple(name for name in action_units if name not in places),
        left=tuple(name for name in sorted(places, key=lambda name: int(name[2:])) if name not in action_units),
        positive_from=thresholds,
        merged=merged,
    )


def _either(sides: Classes) -> Classes:
    """Present where one side is present, absent where every side is absent, else not annotated."""
    return np.where((sides == 1).any(axis=1), 1, sides.min(axis=1)).astype(np.int8)


def _positive_from(manifest: Manifest, task: MultiLabel) -> float | None:
    for label_set in manifest.labels:
        for facts in label_set.tasks:
            if isinstance(facts, MarkFacts) and facts.name == task.name and set(task.columns) <= set(facts.columns):
                return facts.positive_from
    return None


def _is_labelled(table: Table, expressions: Sequence[str], action_units: Sequence[str]) -> Mask:
    """True for each row with an annotation of any task, shape (rows,)."""
    labelled = np.zeros(len(table), np.bool_)
    for task in abaw_tasks(table, expressions, action_units):
        labelled |= task.is_annotated(table.values[task.name]).reshape(len(table), -1).any(axis=1)
    return labelled


def describe_loss(loss: Loss) -> str:
    """Describe a loss, with a line for each thing that is lost."""
    lines: list[str] = []
    for part in (loss.expression, loss.compound):
        if part is None:
            continue
        lines += [f"masked: {count:,} rows of {name}" for name, count in part.masked.items()]
        lines += [f"as Other, a weak substitute: {count:,} rows of {name}" for name, count in part.substituted.items()]
        if part.absent:
            lines.append(f"expressions that {loss.dataset} does not have: {_listed(part.absent)}")
    if loss.action_units is not None:
        lines += _describe_action_units(loss.dataset, loss.action_units)
    if loss.va is not None and (loss.va.low, loss.va.high) != (-1, 1):
        lines.append(f"valence and arousal stretched from {loss.va.low:g} to {loss.va.high:g} to -1 to 1")
    if loss.left:
        lines.append(f"left out, as ABAW has nothing like it: {_listed(loss.left)}")
    if loss.unlabelled:
        lines.append(f"rows without any ABAW label: {loss.unlabelled:,} of {loss.rows:,}")
    return "\n".join(lines) or "nothing is lost"


def _describe_action_units(dataset: str, part: ActionUnitLoss) -> list[str]:
    lines = [f"{task}: present from {value:g} on" for task, value in part.positive_from.items()]
    if part.absent:
        lines.append(f"action units that {dataset} does not label, masked: {_listed(part.absent)}")
    if part.left:
        lines.append(f"action units that ABAW does not have, left out: {_listed(part.left)}")
    lines += [f"one-sided, now {name}: {_listed(sides)}" for name, sides in part.merged.items()]
    return lines


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
