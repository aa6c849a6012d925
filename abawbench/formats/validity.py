"""Are the parsed columns of a file values of their layout: ranges, and probabilities that sum to one."""

from __future__ import annotations

import numpy as np

from abawbench.formats.layout import Column, Layout
from abawbench.formats.parse import Parsed
from abawbench.table import Values


def is_valid(parsed: Parsed, layout: Layout) -> bool:
    """True when every value is in the range of its column or its sentinel, and p0 + p1 == 1.0 in every row."""
    for column, values in zip(layout.columns, parsed.columns, strict=True):
        if values is not None and not all(_is_in_range(column, part) for part in values):
            return False
    return _probabilities_are_exact(parsed, layout)


def _is_in_range(column: Column, values: Values) -> bool:
    low, high = float(values.min()), float(values.max())
    # NaN fails both comparisons
    if low >= column.low and high <= column.high:
        return True
    if column.sentinel is None or not high <= column.high:
        return False
    if column.kind in {"integer", "binary"} and column.sentinel == column.low - 1:
        return low >= column.sentinel
    return bool(np.all((values >= column.low) | (values == column.sentinel)))


def _probabilities_are_exact(parsed: Parsed, layout: Layout) -> bool:
    probabilities = [
        np.concatenate(values)
        for column, values in zip(layout.columns, parsed.columns, strict=True)
        if column.kind == "probability" and values is not None
    ]
    return not probabilities or bool(np.all(np.sum(np.stack(probabilities), axis=0) == 1.0))
