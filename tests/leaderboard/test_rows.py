from __future__ import annotations

import math
from dataclasses import replace

import pytest

from abawbench.challenges import Part, Term, get
from abawbench.leaderboard.columns import COLUMNS
from abawbench.leaderboard.published import Fact
from abawbench.leaderboard.rows import Figure, from_fact, from_record

MTL = "mean CCC + macro F1 expression + mean F1 AU"


def fact(**fields: str) -> Fact:
    given = dict.fromkeys(Fact.model_fields, "") | {
        "kind": "claimed",
        "figures": {name: fields.pop(name) for name in COLUMNS if name in fields},
        "edition": "ABAW4",
        "challenge": "MTL",
        "dataset": "s-Aff-Wild2",
        "metric_name": MTL,
        "source": "a paper",
    }
    return Fact.model_validate(given | fields)


def row(**fields: str):
    return from_fact(fact(**fields), get("abaw4-mtl"))


def test_a_missing_score_is_never_computed():
    assert "score" not in row(ccc_va="0.5", f1_expr="0.25", f1_au="0.5").figures


@pytest.mark.parametrize(
    "concordance", [{"ccc_va": "0.5"}, {"ccc_v": "0.25", "ccc_a": "0.75"}, {"ccc_va": "0.5", "ccc_v": "0.1"}]
)
def test_without_a_score_the_parts_decide_the_place(concordance):
    assert row(f1_expr="0.25", f1_au="0.5", **concordance).position == 1.25


def test_without_all_parts_there_is_no_place():
    assert math.isnan(row(f1_expr="0.25", ccc_va="0.5").position)


def test_a_printed_score_decides_whatever_its_parts_come_to():
    assert row(score="1.1", ccc_va="0.5", f1_expr="0.25", f1_au="0.5").position == 1.1


def test_every_column_of_a_record_has_its_own_figure(va_record):
    names = ("ccc_valence", "ccc_arousal", "f1_expression", "f1_action_units")
    record = va_record()
    record = record.model_copy(
        update={
            "challenge": "abaw4-mtl",
            "score": 1.0,
            "terms": {"va": 0.2},
            "metrics": {name: 0.3 + place / 10 for place, name in enumerate(names)},
        }
    )
    figures = {column: figure.value for column, figure in from_record(record, get("abaw4-mtl")).figures.items()}
    assert figures == pytest.approx(
        {"score": 1.0, "ccc_va": 0.2, "ccc_v": 0.3, "ccc_a": 0.4, "f1_expr": 0.5, "f1_au": 0.6}
    )


def test_an_undefined_figure_of_a_record_is_left_out(va_record):
    record = va_record().model_copy(update={"score": None})
    assert "score" not in from_record(record, get("abaw6-va")).figures


def test_facts_of_no_challenge_stand_by_task_and_data():
    apart = from_fact(fact(edition="non-ABAW", challenge="expression", score="0.5", metric_name="UAR"), None)
    assert apart.group == "expression on s-Aff-Wild2, measure: UAR"


@pytest.mark.parametrize("kind", ["organiser", "claimed"])
def test_a_fact_says_itself_who_vouches_for_it(kind):
    assert row(kind=kind, note="leaderboard reprinted", source="dkollias/ABAW2-Results:x.pdf").kind == kind


def test_a_term_that_is_weighed_from_its_parts_decides_the_place():
    challenge = get("abaw6-expr")
    term = Term("expression", (Part("f1", 0.25),))
    own = replace(challenge, metric=replace(challenge.metric, terms=(term,)))
    words = "macro F1 over 8 classes"
    shown = from_fact(fact(edition="ABAW6", challenge="EXPR", metric_name=words, f1_expr="0.5"), own)
    assert shown.position == 0.125


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (Figure("0.20", 0.2), "0.20"),
        (Figure("0.12345678", 0.12345678), "0.1235"),
        (Figure("0.51234", 0.51234, (0.48, 0.54)), "0.512 [0.480, 0.540]"),
    ],
)
def test_a_figure_shows_no_digit_that_its_source_lacks(figure, shown):
    assert figure.shown == shown


@pytest.mark.parametrize(
    ("challenge", "said"),
    [("abaw11-mtl", "forbids Aff-Wild2 as training data;"), ("abaw4-mtl", "training data (assumed)"), ("abaw6-va", "")],
)
def test_a_model_trained_on_forbidden_data_is_shown_as_not_eligible(va_record, challenge, said):
    note = from_record(va_record(trained_on=["AffectNet", "Aff-Wild2"]), get(challenge)).note
    assert ("not eligible" in note) == bool(said)
    assert said in note
    assert "not eligible" not in from_record(va_record(trained_on=["s-Aff-Wild2"]), get(challenge)).note
