"""Sizes of truths compared with those of official splits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from abawbench.challenges import CHALLENGES, Challenge, get
from abawbench.challenges.split_sizes import Counts, official_counts, size_of_truth

MTL = get("abaw4-mtl")
VALID = {"va": 26_876, "expression": 15_440, "action_units": 26_876}
VALIDATION = Counts(50, 26_876, 26_876, VALID)
SMALL = Counts(34, 1_048, 1_048, {"va": 1_048, "expression": 600, "action_units": 1_048})


def videos(number: int) -> Counts:
    return Counts(number, number, number, {"ambivalence": number})


def test_a_truth_of_another_size_is_other_data():
    found = size_of_truth(MTL, SMALL, split="validation")
    assert (found.split, found.verdict) == ("validation", "other data")
    assert found.text == "truth has 1,048 rows, the validation split of abaw4-mtl 26,876: other data"


def test_a_truth_of_the_official_size_is_said_to_have_it():
    found = size_of_truth(MTL, VALIDATION, split="validation")
    assert (found.split, found.verdict) == ("validation", "official size")


def test_without_a_split_the_one_that_fits_is_meant():
    assert size_of_truth(MTL, VALIDATION).split == "validation"


@pytest.mark.parametrize("path", ["validation_set_annotations.txt", "/data/x/validation_set_annotations_22.txt"])
def test_without_a_split_the_place_of_the_truth_says_which_is_meant(path):
    found = size_of_truth(MTL, SMALL, source=path)
    assert found.text == "truth has 1,048 rows, the validation split of abaw4-mtl 26,876: other data"


def test_without_split_or_place_all_splits_are_named():
    found = size_of_truth(MTL, SMALL, source="truth.txt")
    assert (found.split, found.verdict) == (None, "other data")
    assert found.text == (
        "truth has 1,048 rows, no split of abaw4-mtl has that size "
        "(train 142,382 rows, validation 26,876 rows, test 51,159 rows): other data"
    )


def test_a_file_of_all_splits_names_none():
    found = size_of_truth(get("abaw5-eri"), Counts(9, 9, 9, {"reaction": 9}), source="data_info.csv")
    assert found.split is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": 26_875}, "truth has 26,875 rows, the validation split of abaw4-mtl 26,876"),
        (
            {"valid": VALID | {"expression": 15_000}},
            "15,000 rows valid for expression, the validation split",
        ),
    ],
)
def test_one_count_that_differs_is_enough(change, said):
    found = size_of_truth(MTL, replace(VALIDATION, **change), split="validation")
    assert found.verdict == "other data"
    assert said in found.text


def test_units_are_compared_where_rows_are_not_known():
    found = size_of_truth(get("abaw3-va"), Counts(70, 9, 9, {"va": 344_714}), split="validation")
    assert found.text == "truth has 70 units, the validation split of abaw3-va 71: other data"


def test_units_alone_do_not_make_a_truth_official():
    for split in ("validation", None):
        found = size_of_truth(get("abaw2-va"), Counts(71, 710, 710, {"va": 710}), split=split)
        assert (found.split, found.verdict) == ("validation", "not known")
        assert found.text == "truth has the 71 units of the validation split of abaw2-va, whose rows are not known"


def test_an_assumed_count_says_so():
    found = size_of_truth(get("abaw8-va"), Counts(76, 9, 9, {"va": 9}), split="validation")
    assert found.text == "truth has 9 rows valid for va, the validation split of abaw8-va 382,021 (assumed): other data"


@pytest.mark.parametrize(("number", "split"), [(152, "private test"), (151, "private test"), (525, "test")])
def test_every_release_and_part_of_a_test_set_has_an_official_size_and_is_named(number, split):
    for named in ("test", None):
        found = size_of_truth(get("abaw11-ah"), videos(number), split=named)
        assert (found.split, found.verdict) == (split, "official size")
        assert found.text == f"truth has the size of the {split} split of abaw11-ah"


def test_counts_of_two_releases_are_not_mixed():
    mixed = Counts(151, 152, 152, {"ambivalence": 152})
    assert size_of_truth(get("abaw11-ah"), mixed, split="test").verdict == "other data"


def test_what_another_source_leaves_open_is_as_in_the_first():
    challenge = get("abaw6-expr")
    for units, rows, verdict in ((230, 1_022_655, "official size"), (230, 1_000, "other data")):
        found = size_of_truth(challenge, Counts(units, rows, rows, {"expression": rows}), split="test")
        assert found.verdict == verdict


def test_several_counts_are_all_named():
    found = size_of_truth(get("abaw11-ah"), videos(9), split="test")
    assert found.text == "truth has 9 rows, the test split of abaw11-ah 525 or 152 or 151: other data"


@pytest.mark.parametrize(("challenge", "split"), [("abaw10-vd", "validation"), ("abaw6-ce", "validation")])
def test_a_size_that_is_not_known_says_so(challenge, split):
    found = size_of_truth(get(challenge), Counts(3, 9, 9, {}), split=split)
    assert (found.verdict, found.text) == ("not known", f"the size of the {split} split of {challenge} is not known")


def test_where_one_of_the_splits_is_not_known_nothing_is():
    found = size_of_truth(get("abaw1-va"), Counts(3, 9, 9, {"va": 9}))
    assert found.text == "the size of the train split and of the validation split of abaw1-va is not known"


def test_official_counts_are_plain_lists():
    assert official_counts(MTL, "validation") == {
        "units": [],
        "rows": [26_876],
        "labelled": [],
        "valid": {"va": [26_876], "expression": [15_440], "action_units": [26_876]},
    }
    assert official_counts(get("abaw11-ah"), "test")["rows"] == [525, 152, 151]
    assert official_counts(get("abaw6-ce"), "train") == {"units": [], "rows": [], "labelled": [], "valid": {}}


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES)
def test_every_split_with_a_count_refuses_a_truth_of_one_row(challenge: Challenge):
    one = Counts(1, 1, 1, {task.name: 1 for task in challenge.tasks})
    for split in challenge.sizes:
        counts = official_counts(challenge, split)
        is_known = bool(counts["units"] or counts["rows"] or counts["labelled"] or counts["valid"])
        assert size_of_truth(challenge, one, split=split).verdict == ("other data" if is_known else "not known")
