"""Names of classes, as other people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.labels import (
    ACTION_UNITS_12,
    COMPOUND_7,
    EXPRESSIONS_8,
    MIMICRY_6,
    OUTSIDE,
    SYNONYMS,
    VALENCE_AROUSAL,
    VIOLENCE_2,
    class_named,
    known_name,
)


@given(st.sampled_from(sorted({*SYNONYMS, *EXPRESSIONS_8})), st.booleans())
def test_case_does_not_matter_to_a_label(word, is_upper):
    meant = class_named(word, EXPRESSIONS_8)
    assert meant in EXPRESSIONS_8
    assert class_named(word.upper() if is_upper else word.lower(), EXPRESSIONS_8) == meant


def test_a_synonym_of_a_class_that_is_not_asked_for_means_nothing():
    assert class_named("happy", ("Anger", "Fear")) is None


@pytest.mark.parametrize("word", ["Sadly Angry", "sadly-angry", "SADLYANGRY", " sadly_angry "])
def test_blanks_hyphens_and_underscores_do_not_matter_to_a_label(word):
    assert class_named(word, COMPOUND_7) == "Sadly_Angry"


def test_a_class_is_not_taken_for_its_opposite():
    assert class_named("NonViolent", VIOLENCE_2) == "non-violent"
    assert class_named("violent", VIOLENCE_2) == "violent"


@pytest.mark.parametrize(
    "outputs", [EXPRESSIONS_8, COMPOUND_7, VIOLENCE_2, ACTION_UNITS_12, VALENCE_AROUSAL, MIMICRY_6]
)
def test_every_output_of_a_task_is_known_by_its_own_name(outputs):
    assert [known_name(name, outputs) for name in outputs] == list(outputs)
    assert [known_name(name.upper(), outputs) for name in outputs] == list(outputs)


@given(st.integers(1, 99), st.sampled_from(["AU{}", "au{:02d}", "Au_{}", "AU {:03d}"]))
def test_an_action_unit_is_known_by_its_number(number, spelling):
    assert known_name(spelling.format(number), ACTION_UNITS_12) == f"AU{number}"


@pytest.mark.parametrize("word", ["bored", "", "AU", "AU0", "AU100", "AU1x", "LABEL_0", "unknown", "valance", OUTSIDE])
def test_other_words_are_not_known(word):
    assert known_name(word) is None
    assert known_name(word, EXPRESSIONS_8) is None


def test_what_is_of_another_kind_than_the_outputs_is_not_known():
    assert known_name("Happiness", ACTION_UNITS_12) is None
    assert known_name("AU12", EXPRESSIONS_8) is None
    assert known_name("valence", EXPRESSIONS_8) is None


def test_a_class_of_the_task_comes_before_a_synonym():
    assert known_name("joy", MIMICRY_6) == "Joy"
    assert known_name("joy", EXPRESSIONS_8) == known_name("joy") == "Happiness"


@given(st.text(min_size=1))
def test_what_is_marked_as_outside_stays_as_it_is(name):
    assert known_name(OUTSIDE + name, EXPRESSIONS_8) == OUTSIDE + name
