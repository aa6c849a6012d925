"""The columns of a text as a Table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats.layout import layouts
from abawbench.formats.parse import parse
from abawbench.formats.text_table import TextColumns, Unit, rows_table, units_table

VA = get("abaw10-va")
LAYOUTS = {layout.format: layout.with_sentinels() for layout in layouts(VA, "prediction")}


def columns(name, body):
    parsed = parse(body, LAYOUTS[name])
    assert parsed is not None
    return TextColumns(parsed, LAYOUTS[name], ())


def test_rows_of_units_are_counted_from_one_in_each_and_sentinels_are_noted():
    text = columns("unit-txt", b"0.1,0.2\n0.3,0.4\n-5,-5\n")
    table = units_table(VA, text, [Unit("a", Path("a.txt"), 1), Unit("b", Path("b.txt"), 2)], "x")
    assert (table.videos, table.video.tolist(), table.frame.tolist()) == (("a", "b"), [0, 1, 1], [1, 1, 2])
    np.testing.assert_array_equal(table.numbers("va"), [[0.1, 0.2], [0.3, 0.4], [np.nan, np.nan]])
    assert table.is_by_place
    assert [note.is_note for note in table.notes] == [True]


def test_named_rows_have_the_frames_of_their_names():
    table = rows_table(VA, columns("rows", b"b/00007.jpg,0.1,0.2\na/00002.jpg,0.3,0.4\n"), "x")
    assert [table.videos[video] for video in table.video] == ["b", "a"]
    assert table.frame.tolist() == [7, 2]
    assert table.notes == ()


def test_names_that_name_no_frame_are_told_with_their_lines():
    with pytest.raises(ProblemError) as caught:
        rows_table(VA, columns("rows", b"a/00002.jpg,0.3,0.4\nnobody,0.3,0.4\n"), "x")
    assert [(problem.rule, problem.line) for problem in caught.value.problems] == [("T06", 3)]
