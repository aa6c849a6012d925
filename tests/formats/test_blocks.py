"""Rows that stand in a file more than once."""

from __future__ import annotations

from collections import Counter

from abawbench.formats.blocks import has_copies, of_named_rows


def test_names_that_stand_once_are_no_copies():
    assert not has_copies(["a", "b", ""])
    assert has_copies(["a", "b", "a"])


def test_a_row_that_the_list_has_once_is_dropped_where_it_stands_again_with_its_value():
    copies = of_named_rows(["a", "b", "a"], ["1", "2", "1"], (), Counter("ab"))
    assert (copies.kept, copies.dropped, copies.unlike) == ((0, 1), (2,), ())
    assert of_named_rows(["a", "b", "a"], ["1", "2", "3"], (), Counter("ab")).unlike == (2,)
    assert of_named_rows(["a", "b", "a"], ["1", "2", "1"], (), Counter("aba")).dropped == ()
