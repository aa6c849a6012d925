from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from examples.london import evaluate, folds, people_of

OUTPUTS = ("Happiness", "Neutral", "Anger")
ANSWERS = {
    "ann": np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]]),
    "bob": np.array([[0.1, 0.3, 0.6], [0.3, 0.4, 0.3]]),
    "cem": np.array([[0.6, 0.4, 0.0], [0.5, 0.4, 0.1]]),
}


def test_results_by_person_agree_with_a_count_by_hand():
    result = evaluate(ANSWERS, OUTPUTS)
    assert result.right.tolist() == [1, 0, 0.5]
    assert result.ranked.tolist() == [1, 1, 0]


def test_among_two_classes_a_third_one_is_not_predicted():
    assert evaluate(ANSWERS, OUTPUTS, ("Neutral", "Happiness")).right.tolist() == [1, 0.5, 0.5]


def test_the_order_of_classes_changes_nothing():
    turned = {person: given[:, ::-1] for person, given in ANSWERS.items()}
    assert evaluate(turned, OUTPUTS[::-1], ("Happiness", "Neutral")).right.tolist() == [1, 0.5, 0.5]


def test_an_interval_over_people_who_are_all_alike_has_no_width():
    assert evaluate({"ann": ANSWERS["ann"]}, OUTPUTS).describe().startswith("accuracy 1.000 (1.000 to 1.000)")


def test_folds_hold_everybody_out_once():
    people = [f"london_{number:03d}" for number in range(102)]
    dealt = folds(people)
    assert sorted(len(fold) for fold in dealt) == [20, 20, 20, 21, 21]
    assert sorted(person for fold in dealt for person in fold) == people
    assert dealt == folds(people)


def test_a_folder_without_the_set_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        people_of(tmp_path)
