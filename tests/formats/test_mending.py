"""What is said about a file that was mended, or read as it is."""

from __future__ import annotations

from abawbench.base.problems import Problem
from abawbench.challenges import get
from abawbench.formats.layout import prediction_layouts
from abawbench.formats.mending import CHANGE_VALUES, KINDS, Mendings, as_notes, describe, notes_of
from abawbench.formats.text import BOM

LAYOUT = prediction_layouts(get("abaw3-expr"))[0]


def test_what_is_odd_and_accepted_is_noted():
    assert notes_of(b"a\nb\n", "x", LAYOUT) == ()
    assert {note.rule for note in notes_of(BOM + b"a\r\n\r\n", "x", LAYOUT)} == {"N01", "N02", "N03"}
    assert [note.rule for note in notes_of(b"a\nb", "x", LAYOUT)] == ["N10"]


def test_three_places_of_a_kind_are_kept_with_the_count_of_all():
    mended = Mendings("x")
    for line in range(1, 6):
        mended.add("F09", line, "'a, b'")
    assert [(problem.line, problem.count) for problem in mended.found] == [(1, 5), (2, 5), (3, 5)]
    assert describe("F09", 5) == "blanks around values removed (5 times)"


def test_a_reader_notes_each_kind_once():
    mended = Mendings("x")
    mended.add("N02", 1, "a byte order mark")
    mended.add("F13", 1, "semicolons between fields", 4)
    mended.add("V05", 2, "class = '4.0'", expected="an integer from 0 to 7")
    mended.add("V05", 3, "class = '5.0'", expected="an integer from 0 to 7")
    notes = as_notes(mended.found)
    assert [(note.rule, note.line, note.count) for note in notes] == [("N02", 1, 1), ("N11", 1, 4), ("N11", 2, 2)]
    assert all(isinstance(note, Problem) and note.is_note for note in notes)


def test_every_refused_kind_names_the_command_that_mends_it():
    for rule in KINDS:
        mended = Mendings("x")
        mended.add(rule, 1, "it")
        assert (KINDS[rule].cure in mended.found[0].fix) == (not rule.startswith("N"))
    assert set(KINDS) > CHANGE_VALUES
