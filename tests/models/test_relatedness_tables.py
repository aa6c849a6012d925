"""Tables of how classes and labels go together."""

from __future__ import annotations

import csv
import subprocess
import sys
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.base.problems import ProblemError
from abawbench.labels import ACTION_UNITS_12, ACTION_UNITS_17, EXPRESSIONS_7, EXPRESSIONS_8, relatedness
from abawbench.models.relatedness_tables import binary, estimate_relatedness, expert_table

# facebehaviornet.md 4.1: row sums with 17 and with 12 action units
BASIC_SUMS = {
    "Happiness": (2.51, 2.51),
    "Sadness": (4.03, 3.10),
    "Fear": (5.53, 3.90),
    "Anger": (4.07, 3.55),
    "Surprise": (4.66, 4.00),
    "Disgust": (3.57, 1.57),
    "Neutral": (0.0, 0.0),
}
COMPOUND_SUMS = {
    "Happily_Surprised": 5.31,
    "Happily_Disgusted": 4.52,
    "Sadly_Fearful": 5.34,
    "Sadly_Angry": 3.44,
    "Sadly_Surprised": 4.58,
    "Sadly_Disgusted": 5.09,
    "Fearfully_Angry": 4.42,
    "Fearfully_Surprised": 6.55,
    "Angrily_Surprised": 4.19,
    "Angrily_Disgusted": 4.53,
    "Disgustedly_Surprised": 5.81,
}


def rows() -> list[dict[str, str]]:
    text = resources.files("abawbench").joinpath("relatedness_du2014.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def estimate(expressions, action_units, mask=None, **changes):
    options = {"classes": 3, "minimum": 1, "threshold": 0.0, "split": "train", **changes}
    units = np.asarray(action_units)
    known = np.ones(units.shape, bool) if mask is None else np.asarray(mask)
    return estimate_relatedness(np.asarray(expressions), units, known, **options)


def test_the_file_has_32_basic_and_77_compound_rows():
    compound = sum("_" in row["expression"] for row in rows())
    assert (len(rows()), compound) == (109, 77)


def test_a_prototypical_unit_has_weight_1_and_an_observational_one_less():
    for row in rows():
        assert (row["kind"] == "prototypical") == (float(row["weight"]) == 1)
        assert row["kind"] in {"prototypical", "observational"}
        assert 0 < float(row["weight"]) <= 1


def test_the_units_of_the_basic_expressions_are_the_17():
    basic = {unit for name, units in relatedness().items() if "_" not in name for unit in units}
    assert basic == set(ACTION_UNITS_17)


@pytest.mark.parametrize("name", BASIC_SUMS)
def test_row_sums_of_basic_expressions(name):
    sums = [expert_table([name], units).sum() for units in (ACTION_UNITS_17, ACTION_UNITS_12)]
    assert sums == pytest.approx(BASIC_SUMS[name], abs=1e-9)


@pytest.mark.parametrize("name", COMPOUND_SUMS)
def test_row_sums_of_compound_expressions(name):
    assert expert_table([name], ACTION_UNITS_17).sum() == pytest.approx(COMPOUND_SUMS[name], abs=1e-9)


def test_rows_and_columns_stand_as_named():
    table = expert_table(["Surprise", "Fear"], ["AU26", "AU2", "AU27"])
    assert table.tolist() == [[1, 1, 0], [0.33, 0.57, 0]]


def test_nothing_is_known_of_other():
    table = expert_table(EXPRESSIONS_8, ACTION_UNITS_12)
    assert np.isnan(table[7]).all()
    assert np.array_equal(table[:7], expert_table(EXPRESSIONS_7, ACTION_UNITS_12))


def test_the_binary_table_keeps_what_is_not_known():
    table = binary(expert_table(EXPRESSIONS_8, ACTION_UNITS_17))
    assert np.isnan(table[7]).all()
    assert np.nansum(table) == 32
    assert set(np.unique(table[:7])) == {0.0, 1.0}


def test_all_strange_names_are_told_at_once():
    with pytest.raises(ProblemError) as error:
        expert_table(["happiness", "Fear", "Joy"], ["AU1", "12"])
    assert [problem.rule for problem in error.value.problems] == ["E17"] * 3


def test_shares_are_counted_on_rows_with_both_labels():
    table = estimate(
        [0, 0, 0, 0, 1, 1, -1],
        [[1, 0], [1, 1], [0, 0], [1, 1], [0, 1], [0, 1], [1, 1]],
        mask=np.array([[1, 1], [1, 1], [1, 1], [1, 0], [1, 1], [1, 1], [1, 1]], bool),
    )
    assert table[:2] == pytest.approx(np.array([[3 / 4, 1 / 3], [0, 1]]))
    assert np.isnan(table[2]).all()


def test_a_share_up_to_the_threshold_is_0():
    units = [[1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert estimate([0] * 4, units, threshold=0.25)[0].tolist() == [0.75, 0, 0]
    assert estimate([0] * 4, units, threshold=0.24)[0].tolist() == [0.75, 0.25, 0]


def test_a_share_of_few_rows_is_not_known():
    mask = np.array([[True, True], [True, True], [True, False]])
    table = estimate([0, 0, 0], np.ones((3, 2), int), mask, minimum=3)
    assert table[0, 0] == 1
    assert np.isnan(table[0, 1])


def test_shares_are_recovered_from_samples():
    random = np.random.default_rng(0)
    truth = np.array([[0.9, 0.0, 0.5, 0.2], [0.0, 1.0, 0.3, 0.0], [0.6, 0.4, 0.0, 0.8]])
    classes = random.integers(0, 3, 60_000)
    units = (random.random((60_000, 4)) < truth[classes]).astype(int)
    # five deviations of a share of 20,000 rows
    assert estimate(classes, units) == pytest.approx(truth, abs=5 * 0.5 / 20_000**0.5)


@given(
    arrays(int, 12, elements=st.integers(-1, 2)),
    arrays(int, (12, 3), elements=st.integers(0, 1)),
    arrays(bool, (12, 3)),
    st.permutations(range(12)),
)
def test_order_and_what_is_masked_do_not_matter(classes, units, mask, order):
    order = np.array(order)
    table = estimate(classes, units, mask)
    assert np.array_equal(table, estimate(classes[order], units[order], mask[order]), equal_nan=True)
    assert np.array_equal(table, estimate(classes, np.where(mask, units, -1), mask), equal_nan=True)
    for number in range(3):
        for column in range(3):
            kept = (classes == number) & mask[:, column]
            expected = units[kept, column].mean() if kept.any() else np.nan
            assert table[number, column] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("split", ["validation", ["train", "validation", "train"], ["train", "train", "test"]])
def test_rows_of_another_split_are_refused(split):
    with pytest.raises(ProblemError, match="D29"):
        estimate([0, 1, 2], np.ones((3, 2), int), split=split)


def test_named_row_by_row_the_training_split_is_taken():
    units = np.ones((3, 2), int)
    assert np.array_equal(estimate([0, 1, 2], units, split=["train"] * 3), estimate([0, 1, 2], units))


def test_everything_wrong_with_the_rows_is_told_at_once():
    with pytest.raises(ProblemError) as error:
        estimate([0, 3, -2], [[1, 2], [0, 0], [0, 1]], split=["train", "test", "test"])
    assert {problem.rule: problem.count for problem in error.value.problems} == {"D29": 2, "V06": 2, "V07": 1}


@pytest.mark.parametrize(
    ("expressions", "units", "mask", "split"),
    [
        ((3,), (3, 2), (3, 3), "train"),
        ((3,), (2, 2), (2, 2), "train"),
        ((3,), (3,), (3,), "train"),
        ((3, 1), (3, 2), (3, 2), "train"),
        ((3,), (3, 2), (3, 2), ["train"] * 2),
    ],
)
def test_shapes_that_differ_are_refused(expressions, units, mask, split):
    with pytest.raises(ProblemError, match="E06"):
        estimate(np.zeros(expressions, int), np.zeros(units, int), np.ones(mask, bool), split=split)


def test_tables_scores_and_settings_need_no_torch():
    names = ("relatedness_tables", "compound", "settings")
    imports = "; ".join(f"import abawbench.models.{name}" for name in names)
    subprocess.run([sys.executable, "-c", f"{imports}; import sys; assert 'torch' not in sys.modules"], check=True)
