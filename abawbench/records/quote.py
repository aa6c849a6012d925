"""The figure of a record to quote: its own, or the cross-fitted one where values were tuned on the scored videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from abawbench.records.model import Interval, Record
from abawbench.scoring.intervals import quoted

CROSS_FITTED = "cross-fitted"


@dataclass(frozen=True, slots=True)
class Quote:
    """A figure to quote.

    Attributes:
        value: the value.
        interval: kind of the interval, and its bounds; None where there is none.
    """

    value: float
    interval: tuple[str, Sequence[float]] | None


def is_in_sample(record: Record) -> bool:
    """True where no figure can be quoted: values were tuned on scored videos, and are not cross-fitted."""
    return record.tuned is not None and record.tuned.is_in_sample and not record.tuned.cross_fitted


def quote(record: Record, path: Sequence[str]) -> Quote | None:
    """The figure to quote at a path, as ("terms", "va"); None where the record has none.

    A record with cross-fitted figures has no others to quote; one that `is_in_sample` gives its own, which flatter.
    """
    known = {} if record.tuned is None else record.tuned.cross_fitted
    if known:
        found = known.get(".".join(path))
        interval = None if found is None or found.interval is None else (CROSS_FITTED, found.interval)
        return None if found is None else Quote(found.value, interval)
    value, kinds = _at(record, path), _at(record.intervals, path)
    if not isinstance(value, float):
        return None
    # a record of before there was a kind of interval does not have it
    return Quote(value, quoted(kinds.model_dump(exclude_unset=True)) if isinstance(kinds, Interval) else None)


def _at(tree: Any, path: Sequence[str]) -> Any:
    """The part of a record, or of its intervals, at a path; None where there is none."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, Mapping) else getattr(tree, name, None)
    return tree
