"""Columns: each kind knows its values, the faults of others, and how to set a few of them right."""

from __future__ import annotations

import re

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES, get
from abawbench.formats.columns import Label, Number, Probability, Text, Whole, task_columns
from abawbench.table import Table

VALENCE = Number("valence", -1, 1, task="va")
VALENCE_TRUTH = Number("valence", -1, 1, -5, "va")
EXPRESSION = Whole("expression", 0, 7, task="expression")
EXPRESSION_TRUTH = Whole("expression", 0, 7, -1, "expression")
UNIT = Label("AU1", 0, 1, task="action_units")
TABLE = Table(
    ("v",),
    np.zeros(2, np.int32),
    np.array([1, 2], np.int32),
    {"va": np.array([[0.25], [np.nan]]), "expression": np.array([3, -1], np.int8)},
)


@pytest.mark.parametrize(
    ("low", "high", "mark"), [(-1, 1, -5), (-4.9, 9, -5), (0, 1, None), (-5, 5, None), (-10, 10, None)]
)
def test_the_usual_sentinel_stands_for_no_prediction_where_it_is_no_value(low, high, mark):
    assert Number("valence", low, high, task="va").no_prediction == mark


@pytest.mark.parametrize(
    ("column", "role", "field", "rule"),
    [
        (VALENCE, "prediction", "0.5", None),
        (VALENCE, "prediction", "1.5", "V03"),
        (VALENCE, "prediction", "-5", "V04"),
        (VALENCE, "prediction", "nan", "V01"),
        (VALENCE, "prediction", "inf", "V02"),
        (VALENCE, "prediction", "1e999", "V02"),
        (VALENCE_TRUTH, "truth", "-5", None),
        (VALENCE_TRUTH, "truth", "-4", "V09"),
        (EXPRESSION, "prediction", "7", None),
        (EXPRESSION, "prediction", "8", "V06"),
        (EXPRESSION, "prediction", "4.0", "V05"),
        (EXPRESSION, "prediction", "4.5", "V05"),
        (EXPRESSION, "prediction", "-1", "V04"),
        (EXPRESSION_TRUTH, "truth", "4.0", None),
        (EXPRESSION_TRUTH, "truth", "-1", None),
        (EXPRESSION_TRUTH, "truth", "8", "V09"),
        (UNIT, "prediction", "2", "V07"),
        (UNIT, "prediction", "0.5", "V07"),
        (Probability("p1"), "prediction", "1.01", "V03"),
    ],
)
def test_a_field_breaks_the_rule_of_its_column(column, role, field, rule):
    assert column.fault(field, role) == rule


@pytest.mark.parametrize("column", [VALENCE_TRUTH, EXPRESSION_TRUTH, UNIT])
@pytest.mark.parametrize("role", ["truth", "prediction"])
def test_the_pattern_of_a_column_matches_faultless_fields_only(column, role):
    pattern = re.compile(column.pattern(role))
    for field in ("0", "1", "-1", "-5", "7", "8", "0.5", "-0.5", "1.0", "1.5", "-5.0", "x", ""):
        assert not pattern.fullmatch(field) or column.fault(field, role) is None


@pytest.mark.parametrize(
    ("column", "field", "mended"),
    [
        (VALENCE, "1.0000001", ("1.0", "V03")),
        (VALENCE, "1.1", ("1.1", None)),
        (EXPRESSION, "4.0", ("4", "V05")),
        (EXPRESSION, "4.5", ("4.5", None)),
        (UNIT, "x", ("x", None)),
    ],
)
def test_a_field_is_mended_where_there_is_only_one_way(column, field, mended):
    assert column.mend(field) == mended


def test_a_truth_is_written_with_sentinels_and_read_back_in_range():
    assert VALENCE_TRUTH.annotations(TABLE).to_pylist() == ["0.25", "-5"]
    assert EXPRESSION_TRUTH.annotations(TABLE).to_pylist() == [3, -1]
    assert VALENCE_TRUTH.is_in_range(np.array([0.25, -5.0]))
    assert not VALENCE_TRUTH.is_in_range(np.array([0.25, -4.0]))
    assert not VALENCE.is_in_range(np.array([0.25, np.nan]))


def test_a_column_without_a_sentinel_takes_no_missing_annotation():
    with pytest.raises(ProblemError, match=r"V09[\s\S]*no expression for v frame 2"):
        EXPRESSION.annotations(TABLE)


def test_a_prediction_that_is_not_finite_is_not_written():
    with pytest.raises(ProblemError, match=r"V01[\s\S]*valence = nan for v frame 2"):
        VALENCE.predictions(TABLE)


def test_text_is_written_empty():
    assert Text("transcript").predictions(TABLE).to_pylist() == ["", ""]


@pytest.mark.parametrize("challenge", CHALLENGES)
def test_every_task_has_a_column_for_each_label_and_sentinels_in_its_truth_only(challenge):
    for task in get(challenge).tasks:
        columns = task_columns(task, "truth")
        assert tuple(column.name for column in columns) == task.labels
        assert {column.sentinel for column in columns} == {task.sentinel}
        assert all(column.sentinel is None for column in task_columns(task, "prediction"))
