from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench import challenges, labels
from abawbench.base.problems import ProblemError, Problems
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import load_entry
from abawbench.entries.model import Card
from abawbench.entries.names import check_names, read_names
from abawbench.entries.outputs import answer, over_frames

MTL = challenges.get("abaw4-mtl")
VA, EXPRESSION, UNITS = MTL.tasks
CARD = Card("2026_test_names", "test", (), None, licence="MIT")


def read(names, task=EXPRESSION):
    problems = Problems()
    own, notes = read_names(names, task, "names", problems)
    problems.raise_if_any()
    return own.outputs, notes


class Sure:
    """Answers the second class of its card with certainty."""

    def __init__(self, *classes: str) -> None:
        self.card = replace(CARD, tasks=(EXPRESSION.with_outputs(classes),))

    def predict(self, clip):
        values = np.zeros((int(clip.valid.sum()), self.card.tasks[0].width))
        values[:, 1] = 1
        return {"expression": over_frames(values, clip)}


@given(st.permutations(labels.EXPRESSIONS_8), st.integers(1, 8))
def test_names_of_the_challenge_are_read_as_they_are_in_any_order(names, count):
    assert read(names[:count]) == (tuple(names[:count]), ())


@pytest.mark.parametrize("word", sorted(labels.SYNONYMS))
def test_a_synonym_is_read_as_its_class_and_noted(word):
    meant = labels.SYNONYMS[word]
    other = "Neutral"
    assert read((other, word.upper())) == ((other, meant), (f"read {word.upper()} as {meant}",))


@pytest.mark.parametrize("others", [(), ("Neutral",), labels.EXPRESSIONS_7])
def test_an_unknown_name_is_refused_whatever_the_others_are(others):
    with pytest.raises(ProblemError, match=r"bored(.|\n)*outside:bored"):
        read((*others, "bored"))


def test_a_misspelt_name_is_refused_with_what_it_may_mean():
    with pytest.raises(ProblemError, match="did you mean Happiness"):
        read(("Neutral", "hapy"))


def test_everything_wrong_with_names_is_said_at_once():
    with pytest.raises(ProblemError) as caught:
        read(("hapy", "bored", "sad", "Sadness"))
    assert len(caught.value.problems) == 3


def test_names_without_one_of_the_challenge_are_refused():
    with pytest.raises(ProblemError, match="expected some of AU1"):
        read(("AU9", "AU14"), UNITS)


@pytest.mark.parametrize(
    ("task", "names"),
    [(EXPRESSION, ("Neutral", "happy")), (EXPRESSION, ("Neutral", "bored")), (VA, ("Valence", "arousal")),
     (UNITS, ("AU01", "AU12")), (UNITS, ("AU1", "smile"))],
)  # fmt: skip
def test_a_card_names_what_it_answers_to_the_letter(task, names):
    assert [problem.rule for problem in check_names(replace(CARD, tasks=(task.with_outputs(names),)))] == ["E16"]
    # the tasks of others are their own affair
    assert not check_names(replace(CARD, tasks=(replace(task, name="mine").with_outputs(names),)))


def test_people_and_attributes_have_the_names_of_the_data_until_a_data_set_is_asked_for():
    asked = challenges.get("london-identity").tasks
    own = replace(CARD, tasks=tuple(task.with_outputs(["ann", "bob"]) for task in asked))
    assert not check_names(own)
    problems = check_names(own, asked)
    assert [problem.rule for problem in problems] == ["E16"] * 4
    assert problems[0].expected.endswith(" and 82 others")


def test_what_an_entry_made_by_hand_calls_otherwise_is_refused_before_it_is_lost():
    clips = [clip_in_memory("v", np.zeros((2, 4, 4, 3), np.uint8))]
    assert answer(Sure("Neutral", "Happiness"), clips, MTL).values["expression"].tolist() == [4, 4]
    for name in ("happy", "bored"):
        with pytest.raises(ProblemError, match=f"E16(.|\n)*{name}"):
            answer(Sure("Neutral", name), clips, MTL)
    assert answer(Sure("Neutral", "outside:bored"), clips, MTL).values["expression"].tolist() == [0, 0]


def made():
    return Sure("Neutral", "happy")


def test_an_entry_whose_card_names_an_unknown_class_is_not_loaded():
    with pytest.raises(ProblemError, match=r"E16(.|\n)*did you mean Happiness"):
        load_entry(f"{__name__}:made")
