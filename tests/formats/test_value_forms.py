"""What cells stand for, and which class scores give."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.challenges import get
from abawbench.formats.value_forms import (
    decide_scores,
    describe_names,
    lacking_scores,
    near_classes,
    read_cell,
    score_columns,
)

EXPRESSION = get("abaw6-expr").tasks[0]
UNITS = get("abaw6-au").tasks[0]
AFFECT = get("abaw6-va").tasks[0]
VIOLENCE = get("abaw10-vd").tasks[0]
CLASSES = EXPRESSION.outputs


@pytest.mark.parametrize(
    ("task", "cell", "value", "form"),
    [
        (EXPRESSION, 4, 4, None),
        (EXPRESSION, np.float32(4), 4, None),
        (EXPRESSION, "4", 4, "numbers as text"),
        (EXPRESSION, "4.0", 4, "whole numbers with a decimal point"),
        (EXPRESSION, "1.0e+00", 1, "whole numbers with a decimal point"),
        (EXPRESSION, " Happy ", 4, "class names"),
        (EXPRESSION, "surprise", 6, "class names"),
        (EXPRESSION, np.array([2]), 2, "arrays"),
        (EXPRESSION, -1, -1, None),
        (UNITS, True, 1, "True and False"),
        (UNITS, "false", 0, "True and False"),
        (VIOLENCE, np.True_, 1, "True and False"),
        (VIOLENCE, "NonViolent", 0, "class names"),
        (AFFECT, Decimal("0.25"), 0.25, None),
        (AFFECT, "-.5", -0.5, "numbers as text"),
        (AFFECT, -5, -5, None),
    ],
)
def test_a_cell_stands_for_a_number(task, cell, value, form):
    read = read_cell(task, cell)
    assert (read.value, read.form, read.rule) == (value, form, None)


@pytest.mark.parametrize(
    ("task", "cell", "rule"),
    [
        (EXPRESSION, 8, "V06"),
        (EXPRESSION, 4.5, "V05"),
        (EXPRESSION, "bored", "V06"),
        (EXPRESSION, True, "V01"),
        (VIOLENCE, 2, "V06"),
        (VIOLENCE, 0.5, "V05"),
        (UNITS, 2, "V07"),
        (UNITS, 0.5, "V07"),
        (UNITS, "happy", "V01"),
        (AFFECT, 1.5, "V03"),
        (AFFECT, True, "V01"),
        (AFFECT, float("inf"), "V02"),
        (AFFECT, "-Infinity", "V02"),
        (AFFECT, [0.5], "V01"),
        (AFFECT, {"valence": 0.5}, "V01"),
        (AFFECT, np.array([0.1, 0.2]), "V01"),
        (AFFECT, 1j, "V01"),
        (AFFECT, 10**400, "V01"),
        (AFFECT, "", "V01"),
        (AFFECT, "1_0", "V01"),
    ],
)
def test_a_cell_that_stands_for_nothing_breaks_a_rule(task, cell, rule):
    assert read_cell(task, cell).rule == rule


@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.upper,
        lambda name: f"prob_{name.lower()}",
        lambda name: f"{name} (score)",
        lambda name: f"logit_{CLASSES.index(name)}",
        lambda name: f"p{CLASSES.index(name)}",
        lambda name: str(CLASSES.index(name)),
        lambda name: f"Class {CLASSES.index(name)}",
    ],
)
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_columns_of_scores_are_known_by_class_or_number_in_any_order(spell, order):
    names = [spell(name) for name in CLASSES][order]
    found = score_columns(EXPRESSION, ["video", "x1", *names, "y1"])
    assert found == tuple(2 + names.index(spell(name)) for name in CLASSES)


@pytest.mark.parametrize(
    "names",
    [
        CLASSES[:7],
        (*CLASSES, "anger"),
        [str(number) for number in range(9)],
        [f"p{number}" for number in range(1, 9)],
        [],
    ],
)
def test_columns_that_are_not_one_for_each_class_are_no_scores(names):
    assert score_columns(EXPRESSION, names) is None


def test_the_class_that_lacks_a_column_of_scores_is_named():
    assert lacking_scores(EXPRESSION, ["frame", *CLASSES[:7]]) == ("Other",)
    assert lacking_scores(EXPRESSION, ["frame", "anger"]) == ()


SCORES = arrays(np.float64, (5, 8), elements=st.floats(-50, 50, width=32), unique=True)


@given(SCORES)
def test_logits_and_their_probabilities_give_the_same_class(logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = odds / odds.sum(axis=1, keepdims=True)
    from_logits, from_shares = decide_scores(logits), decide_scores(shares)
    assert from_logits.classes.tolist() == logits.argmax(axis=1).tolist()
    is_clear = ~from_shares.undecided
    assert from_shares.classes[is_clear].tolist() == from_logits.classes[is_clear].tolist()
    assert from_shares.kind in {"probabilities", "one-hot rows"}


def test_the_kind_of_scores_is_told():
    assert decide_scores(np.eye(8)).kind == "one-hot rows"
    assert decide_scores(np.eye(8) * 0.92 + 0.01).kind == "probabilities"
    assert decide_scores(np.eye(8) * 3 - 1).kind == "scores"


def test_a_row_without_one_greatest_score_is_undecided():
    decided = decide_scores(np.array([[0.5, 0.5, 0], [0, 0, 0], [0.2, 0.3, 0.5]]))
    assert decided.undecided.tolist() == [True, True, False]


def test_a_row_of_empty_scores_has_no_class_and_a_half_empty_one_is_at_fault():
    decided = decide_scores(np.array([[np.nan] * 3, [0.1, np.nan, 0.2], [np.inf, 0, 0], [0, 1, 0]]))
    assert decided.classes.tolist() == [-1, -1, -1, 1]
    assert decided.faulty.tolist() == [False, True, True, False]


def test_synonyms_are_spelt_out():
    assert describe_names(EXPRESSION, ["happy", "anger", "HAPPY", "4"]) == "anger is 1, happy (Happiness) is 4"


@pytest.mark.parametrize(("name", "near"), [("hapy", "Happiness"), ("suprise", "Surprise"), ("zzz", "")])
def test_an_unknown_class_gets_the_near_ones(name, near):
    assert near_classes(CLASSES, name) == near
