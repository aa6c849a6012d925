"""Names of classes, as other people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.labels import COMPOUND_7, EXPRESSIONS_8, SYNONYMS, VIOLENCE_2, class_named


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
