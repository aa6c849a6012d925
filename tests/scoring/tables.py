"""Small tables of whole videos, for tests that are worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from abawbench.table import NO_FRAME, Table


def videos(task: str, values: Any, probability: Any = None) -> Table:
    """A table of videos named 00000, 00001, ..., one row each, with the values of one task."""
    count = len(values)
    return Table(
        tuple(f"{number:05d}" for number in range(count)),
        np.arange(count, dtype=np.int32),
        np.full(count, NO_FRAME, np.int32),
        {task: np.asarray(values)},
        probability,
    )


def classes(values: Any) -> Table:
    """A table of videos with one expression each."""
    return videos("expression", np.array(values, np.int8))


def units(*columns: list[int]) -> Table:
    """A table of videos with twelve action units each: the columns given, then columns of zeros."""
    values = np.zeros((len(columns[0]), 12), np.int8)
    values[:, : len(columns)] = np.array(columns).T
    return videos("action_units", values)
