"""What the map onto the ABAW vocabularies loses, as data and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ExpressionLoss:
    """Of a data set's classes, basic or compound.

    Attributes:
        masked: rows that become "not annotated", by own class; classes without rows too.
        substituted: rows of contempt that become Other.
        absent: ABAW expressions that no own class becomes.
    """

    masked: Mapping[str, int]
    substituted: Mapping[str, int]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActionUnitLoss:
    """Of a data set's action units.

    Attributes:
        absent: ABAW action units that the data set does not label: masked in every row.
        left: own action units that ABAW does not have.
        positive_from: by own task the least value that counts as present.
        merged: one-sided columns by the action unit they make together: present where one side is.
    """

    absent: tuple[str, ...]
    left: tuple[str, ...]
    positive_from: Mapping[str, float]
    merged: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RangeLoss:
    """Of valence and arousal: the own range, which is stretched to -1 to 1 where it is another."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Loss:
    """What the map loses of the labels of a data set.

    Attributes:
        dataset: id of the manifest.
        rows: how many there are; all stay.
        unlabelled: rows without any annotation after the map.
        left: own tasks and columns that ABAW does not have.
        expression, compound, action_units, va: None where the data set has no such task.
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


def describe(loss: Loss) -> str:
    """A loss in words, a line for each thing."""
    lines: list[str] = []
    for part in (loss.expression, loss.compound):
        if part is None:
            continue
        lines += [f"masked: {count:,} rows of {name}" for name, count in part.masked.items()]
        lines += [f"as Other, a weak substitute: {count:,} rows of {name}" for name, count in part.substituted.items()]
        if part.absent:
            lines.append(f"expressions that {loss.dataset} does not have: {_listed(part.absent)}")
    if loss.action_units is not None:
        lines += _of_action_units(loss.dataset, loss.action_units)
    if loss.va is not None and (loss.va.low, loss.va.high) != (-1, 1):
        lines.append(f"valence and arousal stretched from {loss.va.low:g} to {loss.va.high:g} to -1 to 1")
    if loss.left:
        lines.append(f"left out, as ABAW has nothing like it: {_listed(loss.left)}")
    if loss.unlabelled:
        lines.append(f"rows without any ABAW label: {loss.unlabelled:,} of {loss.rows:,}")
    return "\n".join(lines) or "nothing is lost"


def _of_action_units(dataset: str, part: ActionUnitLoss) -> list[str]:
    lines = [f"{task}: present from {value:g} on" for task, value in part.positive_from.items()]
    if part.absent:
        lines.append(f"action units that {dataset} does not label, masked: {_listed(part.absent)}")
    if part.left:
        lines.append(f"action units that ABAW does not have, left out: {_listed(part.left)}")
    lines += [f"one-sided, now {name}: {_listed(sides)}" for name, sides in part.merged.items()]
    return lines


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
