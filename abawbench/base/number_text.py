"""Figures and intervals as they are shown."""

from __future__ import annotations

from collections.abc import Sequence


def format_figure(value: float | int | None, sign: str = "") -> str:
    """Format a number with four decimals, a count with separators, None as a dash.

    Zero has no minus, and sign `+` shows a plus.
    """
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:{sign}z.4f}"


def format_interval(interval: Sequence[float] | None, sign: str = "") -> str:
    """Format an interval as `0.4100 to 0.4300`, None as a dash; sign `+` shows a plus."""
    return "–" if interval is None else f"{interval[0]:{sign}z.4f} to {interval[1]:{sign}z.4f}"
