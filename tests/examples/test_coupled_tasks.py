"""Couplings beyond faces: who is annotated for what, and that each study runs to its table."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from examples import coupled_tasks
from examples.coupled_tasks import CLASSES, LABELS, annotate, compare, digits_study, judge, main, species_study


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(coupled_tasks, "STEPS", 8)


def test_every_digit_has_a_pattern_of_its_own():
    study = digits_study()
    assert len(np.unique(study.table, axis=0)) == 10
    assert np.array_equal(study.shown, study.table[study.number])


@pytest.mark.parametrize("regime", [(30, 600), (600, 30)])
def test_pictures_are_annotated_for_one_task_and_none_of_the_test(regime):
    study = digits_study()
    chosen, truth = annotate(study, regime, 0)
    named, marked = truth.values[CLASSES] >= 0, (truth.values[LABELS] >= 0).all(1)
    assert (named.sum(), marked.sum(), (named & marked).sum()) == (*regime, 0)
    assert not study.is_test[chosen].any()
    assert np.array_equal(truth.values[CLASSES][named], study.number[chosen][named])


def test_where_pictures_are_too_few_some_have_both():
    study = species_study(pictures=100)
    chosen, truth = annotate(study, (50, 20), 1)
    assert len(chosen) == 50
    assert ((truth.values[CLASSES] >= 0) & (truth.values[LABELS] >= 0).all(1)).sum() == 20


def test_markings_follow_the_table():
    study = species_study(pictures=20_000)
    counted = np.stack([study.shown[study.number == number].mean(0) for number in range(len(study.table))])
    assert np.abs(counted - study.table).max() < 0.06


def test_answers_that_are_right_are_judged_so():
    study = digits_study()
    right = {CLASSES: np.eye(10)[study.number], LABELS: study.shown.astype(float)}
    assert judge(study, right) == (1, 1)
    assert judge(study, {name: 1 - values for name, values in right.items()})[0] < 0.2


def test_a_study_compares_every_way(tmp_path):
    said: list[str] = []
    study = species_study(pictures=400)
    tables = compare(study, tmp_path, 2, said.append)
    ways = ["single networks", "read through the table", "multi-task", "matching", "soft co-annotation", "likelihood"]
    for rows in tables.values():
        assert [row[0] for row in rows] == ways
        assert all("±" in cell for row in rows for cell in row[1:])
    assert any("relatedness" in text for text in said)
    # the same seeds give the same figures
    again = compare(study, tmp_path, 2, said.append)
    assert again == tables


def test_the_digits_run_from_the_command_line(tmp_path):
    done = CliRunner().invoke(main, ["digits", "--out", str(tmp_path), "--seeds", "1"])
    assert done.exit_code == 0, done.output
    assert done.output.count("likelihood") == 2


@pytest.mark.real_data
def test_people_are_learned_neutral_and_tested_smiling(tmp_path):
    study = coupled_tasks.people_study()
    assert study.classes.width == 102
    assert study.is_test.sum() == 102
    # two people's age is not stated
    assert (study.shown < 0).any(1).sum() == 4
    done = CliRunner().invoke(main, ["people", "--out", str(tmp_path), "--seeds", "1"])
    assert done.exit_code == 0, done.output
