"""Rows that stand in a prediction more often than in the list: copies are read once, anything else is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats.identity import identify
from abawbench.table import Table

VA, AH = get("abaw10-va"), get("abaw11-ah")


def table(frames, values, **more):
    frame = np.array(frames, np.int32)
    return Table(("one",), np.zeros(len(frame), np.int32), frame, {"va": np.array(values, np.float64)}, **more)


LIST = table([1, 2, 3], np.zeros((3, 2)))
VALUES = [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]


def test_copies_with_the_same_values_are_read_once_and_a_note_counts_them():
    found = identify(VA, table([1, 2, 3, 1, 2, 3], VALUES + VALUES), LIST)
    assert found.table.frame.tolist() == [1, 2, 3]
    assert found.alignment.rows.tolist() == [0, 1, 2]
    assert len(found.alignment.surplus) == 0
    note = found.table.notes[-1]
    assert (note.rule, note.count) == ("N14", 3)
    assert note.found == "'one/00001.jpg' once more, with the same values: read once"


def test_the_same_row_with_another_value_is_refused_and_copies_are_not_counted():
    with pytest.raises(ProblemError) as error:
        identify(VA, table([1, 2, 3, 1, 3], [*VALUES, VALUES[0], [0.5, 0.7]]), LIST)
    assert [(problem.rule, problem.count) for problem in error.value.problems] == [("T03", 1)]
    assert "one/00003.jpg" in error.value.problems[0].found


def test_rows_without_a_value_are_copies_of_one_another():
    lacking = [*VALUES[:2], [np.nan, np.nan]]
    assert len(identify(VA, table([1, 2, 3, 3], [*lacking, lacking[2]]), LIST).table) == 3
    with pytest.raises(ProblemError, match="T03"):
        identify(VA, table([1, 2, 3, 3], [*lacking, VALUES[2]]), LIST)


def test_a_row_that_the_list_holds_twice_may_differ_and_only_a_third_one_is_a_copy():
    wanted = table([1, 2, 1], np.zeros((3, 2)))
    twice = table([1, 2, 1], VALUES)
    assert identify(VA, twice, wanted).table is twice
    third = identify(VA, table([1, 2, 1, 1], [*VALUES, VALUES[0]]), wanted)
    assert third.alignment.rows.tolist() == [0, 1, 2]
    assert third.table.notes[-1].count == 1


def test_another_probability_makes_another_row():
    frame = np.full(2, -1, np.int32)
    rows = Table(("a",), np.zeros(2, np.int32), frame, {"ambivalence": np.zeros(2, np.int8)}, np.array([0.1, 0.1]))
    wanted = replace(rows.take(np.array([0])), values={}, probability=None)
    assert len(identify(AH, rows, wanted).table) == 1
    with pytest.raises(ProblemError, match="T03"):
        identify(AH, replace(rows, probability=np.array([0.1, 0.2])), wanted)


@pytest.mark.parametrize("count", [4, 5])
def test_up_to_two_lines_behind_the_last_frame_of_a_unit_are_left_over(count):
    values = np.full((count, 2), 0.5)
    found = identify(VA, table(range(1, count + 1), values, is_by_place=True), LIST)
    assert len(found.more_frames) == count - 3


def test_a_file_without_names_of_rows_that_holds_them_twice_is_refused():
    values = np.full((6, 2), 0.5)
    with pytest.raises(ProblemError) as error:
        identify(VA, table(range(1, 7), values, is_by_place=True), LIST)
    (problem,) = error.value.problems
    assert (problem.rule, problem.found) == ("T07", "6 rows for 'one'")
    assert problem.expected.startswith("3")
    assert len(identify(VA, table(range(1, 7), values), LIST).more_frames) == 3
