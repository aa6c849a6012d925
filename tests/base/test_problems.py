"""Problems of many units, and equal ones, are told once."""

from __future__ import annotations

from dataclasses import replace

from abawbench.base.problems import Problem, Problems, together

FAILED = Problem("E12", "unit v, frame 1: KeyError: 'v'", "an answer", "correct the entry")


def of(unit, frame, **changes):
    return unit, replace(FAILED, found=f"unit {unit}, frame {frame}: KeyError: '{unit}'", **changes)


def test_equal_problems_are_kept_once():
    note = Problem("N33", "3 rows without a name", "a name", "none", "labels.csv", count=3)
    problems = Problems()
    for _ in range(3):
        problems.extend([note])
    assert problems.found == (note,)
    for _ in range(3):
        problems.add(replace(note, file="other.csv", count=1))
    assert [(problem.file, problem.count) for problem in problems.found] == [("labels.csv", 3), ("other.csv", 3)]


def test_what_is_alike_in_many_units_is_told_once_with_count_and_names():
    (told,) = together([of("a", 1), of("b", 7), of("c", 12), of("d_left", 3, count=2)])
    assert told.found == "unit a, frame 1: KeyError: 'a'; alike in 4 units (a, b, c and 1 more)"
    assert told.count == 5


def test_what_differs_is_told_apart():
    other = replace(FAILED, found="unit b, frame 7: ValueError: no face")
    assert together([of("a", 1), ("b", other)]) == (of("a", 1)[1], other)


def test_problems_of_no_unit_and_a_single_unit_stay_as_they_are():
    note = Problem("N21", "'.DS_Store'", "the user's own files", "leave them out")
    assert together([("", note), of("a", 1), of("a", 2)]) == (note, of("a", 1)[1], of("a", 2)[1])
