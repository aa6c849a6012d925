"""Figures and intervals as they are shown."""

from __future__ import annotations

import pytest

from abawbench.base.number_text import format_figure, format_interval


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [(0.41006, "", "0.4101"), (-0.00001, "", "0.0000"), (-0.00001, "+", "+0.0000"), (12345, "", "12,345")],
)
def test_a_figure_has_four_decimals_and_zero_no_minus(value, sign, text):
    assert format_figure(value, sign) == text


def test_what_is_undefined_is_a_dash():
    assert (format_figure(None), format_interval(None)) == ("–", "–")


def test_the_bounds_of_an_interval_are_figures():
    assert format_interval([-0.00002, 0.5], "+") == "+0.0000 to +0.5000"
