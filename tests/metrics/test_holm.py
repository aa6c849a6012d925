"""Holm's adjustment of many tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.metrics.holm import holm


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    # a family of four, of which one is known
    assert holm([0.01], 4) == [0.04]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_tests_keep_their_order_and_lie_between_the_plain_ones_and_bonferronis(p):
    adjusted = holm(p)
    for plain, one in zip(p, adjusted, strict=True):
        assert plain <= one <= min(1.0, len(p) * plain)
        assert all(one <= other for q, other in zip(p, adjusted, strict=True) if plain < q)
