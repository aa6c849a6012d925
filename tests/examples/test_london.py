from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.entries.model import Card
from abawbench.inference.store import FORM, Predictions, begin_store
from examples.london import CHALLENGE, TRUTH, evaluate, folds, labels_of, people_of, probabilities

# probabilities of Neutral, Anger, ..., Happiness, ... of two pictures each
ANSWERS = {
    "ann": np.array([[0.7, 0.1, 0, 0, 0.2, 0, 0, 0], [0.3, 0.1, 0, 0, 0.6, 0, 0, 0]]),
    "bob": np.array([[0.3, 0.6, 0, 0, 0.1, 0, 0, 0], [0.4, 0.3, 0, 0, 0.3, 0, 0, 0]]),
    "cem": np.array([[0.4, 0.0, 0, 0, 0.6, 0, 0, 0], [0.4, 0.1, 0, 0, 0.5, 0, 0, 0]]),
}


def test_results_by_person_agree_with_a_count_by_hand():
    result = evaluate(ANSWERS)
    assert result.right.tolist() == [1, 0, 0.5]
    assert result.ranked.tolist() == [1, 1, 0]


def test_among_two_classes_a_third_one_is_not_predicted():
    assert evaluate(ANSWERS, TRUTH).right.tolist() == [1, 0.5, 0.5]


def test_labels_say_neutral_then_happiness_and_the_other_way_round_where_exchanged():
    table = labels_of(["ann", "bob"], exchanged={"bob"})
    assert table.values["expression"].tolist() == [0, 4, 4, 0]
    assert (table.videos, table.frame.tolist()) == (("ann", "bob"), [1, 2, 1, 2])
    assert np.isnan(table.values["va"]).all()


def test_the_classes_of_a_store_are_met_by_name(tmp_path):
    task = replace(CHALLENGE.task("expression"), classes=("Happiness", "Neutral"))
    card = Card("2026_test_turned", "test", (task,), None, licence="MIT")
    store = begin_store(tmp_path, {"form": FORM, "card": card.to_json()}, None)
    frame, yes = np.array([1, 2], np.int32), np.ones(2, bool)
    given = {"expression": np.array([[0.25, 0.75], [0.5, 0.5]])}
    store.write(Predictions("ann", frame, None, yes, ~yes, given), "0")
    assert probabilities(tmp_path)["ann"].tolist() == [[0.75, 0, 0, 0, 0.25, 0, 0, 0], [0.5, 0, 0, 0, 0.5, 0, 0, 0]]


def test_an_interval_over_people_who_are_all_alike_has_no_width():
    assert evaluate({"ann": ANSWERS["ann"]}).describe().startswith("accuracy 1.000 (1.000 to 1.000)")


def test_folds_hold_everybody_out_once():
    people = [f"london_{number:03d}" for number in range(102)]
    dealt = folds(people)
    assert sorted(len(fold) for fold in dealt) == [20, 20, 20, 21, 21]
    assert sorted(person for fold in dealt for person in fold) == people
    assert dealt == folds(people)


def test_a_folder_without_the_set_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        people_of(tmp_path)
