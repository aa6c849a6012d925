"""Rows compared with a list: each difference by its rule, its first places and its count."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.formats.lists import RowList
from abawbench.formats.rows import Rows, compare, order_of


def keys(texts):
    return pa.chunked_array([pa.array(list(texts), pa.string())])


def differences(own, wanted, key="id", first=2):
    """Rule, what was found, what was expected, line and count of each difference; the rows begin at line 12."""
    rows = Rows(keys(own), np.arange(12, 12 + len(own)))
    problems = compare(rows, RowList(keys(wanted), first, "list.txt"), key, "mine.txt")
    assert {problem.file for problem in problems} <= {"mine.txt"}
    return [(problem.rule, problem.found, problem.expected, problem.line, problem.count) for problem in problems]


def missing(name, line, rows, listed, count=1):
    expected = f"the {listed} rows of the list, this one at line {line}"
    return ("T01", f"{rows} rows, none for '{name}'", expected, None, count)


def repeated(name, line, count=1):
    return ("T03", f"'{name}' once more", "as many as in the list", line, count)


def surplus(name, line, count=1):
    return ("T02", f"'{name}'", "rows of the list only", line, count)


def test_the_rows_of_the_list_in_its_order_have_no_difference():
    assert differences("abab", "abab") == []
    assert differences("", "") == []


# own rows, listed ones, differences
DIFFERENCES = [
    ("ac", "abc", [missing("b", 3, 2, 3)]),
    ("", "a", [missing("a", 2, 0, 1)]),
    ("e", "abcde", [missing("a", 2, 1, 5, 4), missing("b", 3, 1, 5, 4), missing("c", 4, 1, 5, 4)]),
    ("aaXb", "aab", [surplus("X", 14)]),
    ("aXYZWb", "ab", [surplus("X", 13, 4), surplus("Y", 14, 4), surplus("Z", 15, 4)]),
    ("aabb", "ab", [repeated("a", 13, 2), repeated("b", 15, 2)]),
    ("aaaab", "aab", [repeated("a", 14, 2), repeated("a", 15, 2)]),
    # a list with repetitions
    ("ab", "aba", [("T04", "'a' once", "2 times, again at line 4 of the list", None, 1)]),
    (
        "aab",
        "abaa",
        [
            ("T04", "'a' 2 times", "3 times, again at line 5 of the list", None, 1),
            ("T05", "'a'", "'b'", 13, 2),
            ("T05", "'b'", "'a'", 14, 2),
        ],
    ),
    (
        "ab",
        "aaabb",
        [
            ("T04", "'a' once", "3 times, again at line 3 of the list", None, 3),
            ("T04", "'a' once", "3 times, again at line 4 of the list", None, 3),
            ("T04", "'b' once", "2 times, again at line 6 of the list", None, 3),
        ],
    ),
    # order
    ("ba", "ab", [("T05", "'b'", "'a'", 12, 2), ("T05", "'a'", "'b'", 13, 2)]),
    (
        "dcba",
        "abcd",
        [("T05", "'d'", "'a'", 12, 4), ("T05", "'c'", "'b'", 13, 4), ("T05", "'b'", "'c'", 14, 4)],
    ),
    (
        "cab",
        "abcd",
        [
            missing("d", 5, 3, 4),
            ("T05", "'c'", "'a'", 12, 3),
            ("T05", "'a'", "'b'", 13, 3),
            ("T05", "'b'", "'c'", 14, 3),
        ],
    ),
    # as many rows: a name that is not in the list stands in the place of one that has no row
    ("aXc", "abc", [("T06", "'X'", "'b'", 13, 1)]),
    ("XYZW", "abcd", [("T06", "'X'", "'a'", 12, 4), ("T06", "'Y'", "'b'", 13, 4), ("T06", "'Z'", "'c'", 14, 4)]),
    ("Xab", "abc", [missing("c", 4, 3, 3), surplus("X", 12)]),
    ("aac", "abc", [missing("b", 3, 3, 3), repeated("a", 13)]),
    # several at once
    (
        "bXaa",
        "abc",
        [
            missing("c", 4, 4, 3),
            surplus("X", 13),
            repeated("a", 15),
            ("T05", "'b'", "'a'", 12, 2),
            ("T05", "'a'", "'b'", 14, 2),
        ],
    ),
]


@pytest.mark.parametrize(("own", "wanted", "expected"), DIFFERENCES)
def test_differences_are_told_with_their_first_places_and_their_count(own, wanted, expected):
    assert differences(own, wanted) == expected


def test_lines_of_the_list_are_counted_from_its_first_row():
    assert differences("b", "ab", first=1) == [missing("a", 1, 1, 2)]
    assert differences("b", "abb", first=1)[1][2] == "2 times, again at line 3 of the list"


def paths(*frames):
    return [f"a/{frame:05d}.jpg" for frame in frames]


def zero(line, count=1):
    return ("T06", "'a/00000.jpg'", "frames from 1", line, count)


@pytest.mark.parametrize(
    ("own", "wanted", "expected"),
    [
        # frame 0 and all that is listed: one frame too many, or all of them counted from 0
        (paths(0, 1, 2), paths(1, 2), [zero(12)]),
        (paths(0, 1, 0, 2), paths(1, 2), [zero(12, 2), zero(14, 2)]),
        (paths(0, 1, 2, 9), paths(1, 2), [zero(12), surplus("a/00009.jpg", 15)]),
        # a list that has a frame 0 itself, or no frames, says nothing about frame 0
        ([*paths(0, 1), "b/00000.jpg"], ["b/00000.jpg", *paths(1)], [surplus("a/00000.jpg", 12), ("T05",), ("T05",)]),
        ([*paths(0, 1), "b"], [*paths(1), "b"], [surplus("a/00000.jpg", 12)]),
    ],
)
def test_rows_of_frame_0_are_told_apart_from_other_surplus_rows(own, wanted, expected):
    found = differences(own, wanted, "id")
    assert [row[: len(wish)] for row, wish in zip(found, expected, strict=True)] == expected


def test_names_spelt_otherwise_are_told_first_and_compared_as_the_names_that_they_mean():
    own = [name.replace(".jpg", ".png") for name in paths(1, 2, 3, 4, 6)]
    found = differences(own, paths(1, 2, 3, 4, 5), "path")
    assert found == [
        *(("T06", f"'a/0000{frame}.png'", f"'a/0000{frame}.jpg'", 11 + frame, 5) for frame in (1, 2, 3)),
        ("T06", "'a/00006.jpg'", "'a/00005.jpg'", 16, 1),
    ]


@pytest.mark.parametrize(("own", "is_repaired"), [(paths(2, 1), True), (paths(2, 1, 3), False)])
def test_repair_is_named_only_where_it_makes_the_rows_of_the_list(own, is_repaired):
    rows = Rows(keys([name.replace(".jpg", ".png") for name in own]), np.arange(len(own)))
    problems = compare(rows, RowList(keys(paths(1, 2)), 2, "list.txt"), "path", "mine.txt")
    fixes = [problem.fix for problem in problems if problem.rule == "T06"]
    assert fixes
    assert all(fix.startswith("end names with '.jpg'") for fix in fixes)
    assert all(("--repair" in fix) == is_repaired for fix in fixes)


@pytest.mark.parametrize(
    ("own", "wanted", "order"),
    [
        ("ab", "ab", [0, 1]),
        ("cab", "abc", [1, 2, 0]),
        ("abaa", "aaba", [0, 2, 1, 3]),
        ("", "", []),
        ("ab", "abc", None),
        ("abc", "ab", None),
        ("abX", "abc", None),
        ("aab", "abb", None),
    ],
)
def test_the_row_of_each_place_of_the_list(own, wanted, order):
    found = order_of(keys(own), keys(wanted))
    assert (None if found is None else found.tolist()) == order


@given(st.lists(st.sampled_from("abc"), max_size=12), st.randoms(use_true_random=False))
def test_shuffled_rows_are_put_in_order_and_told_apart_by_nothing_but_their_places(wanted, random):
    own = random.sample(wanted, len(wanted))
    order = order_of(keys(own), keys(wanted))
    assert order is not None
    assert [own[row] for row in order] == wanted
    assert {rule for rule, *_ in differences(own, wanted)} == ({"T05"} if own != wanted else set())


@given(st.lists(st.sampled_from("abcX"), max_size=12), st.lists(st.sampled_from("abc"), min_size=1, max_size=12))
def test_rows_are_counted_as_often_as_they_are_listed(own, wanted):
    """As many rows are missing, lost or misnamed, less those over, as the list is longer."""
    totals = dict.fromkeys(("T01", "T02", "T03", "T04", "T05", "T06"), 0)
    for rule, _, _, _, count in differences(own, wanted):
        totals[rule] = count
    assert totals["T01"] + totals["T04"] - totals["T02"] - totals["T03"] == len(wanted) - len(own)
    assert totals["T01"] + totals["T04"] + totals["T06"] == sum(
        max(0, wanted.count(name) - own.count(name)) for name in "abc"
    )
    assert totals["T02"] + totals["T06"] == sum(name not in wanted for name in own)
