"""Valence and arousal of two models, in a folder each."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.formats import read_predictions
from abawbench.formats.check import check

ROWS = {"a": [("0.1", "0.2"), ("0.3", "-0.4")], "b_left": [("0.5", "0.6")]}


@pytest.fixture
def folder(tmp_path):
    for place, column in enumerate(("valence", "arousal")):
        (tmp_path / "mine" / column).mkdir(parents=True)
        for unit, rows in ROWS.items():
            text = "\n".join([column, *(row[place] for row in rows), ""])
            (tmp_path / "mine" / column / f"{unit}.txt").write_text(text)
    return tmp_path / "mine"


@pytest.mark.parametrize("challenge_id", ["abaw3-va", "abaw9-va"])
def test_the_folder_around_them_is_one_prediction(folder, challenge_id):
    table = read_predictions(get(challenge_id), folder)
    assert table.videos == ("a", "b_left")
    assert table.frame.tolist() == [1, 2, 1]
    np.testing.assert_array_equal(table.numbers("va"), [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]])
    assert [note.rule for note in table.notes] == ["N11"]


@pytest.mark.parametrize("challenge_id", ["abaw3-va", "abaw9-va"])
def test_check_tells_one_fault_and_the_command(folder, challenge_id):
    (problem,) = check(get(challenge_id), folder)
    assert problem.rule == "Z10"
    assert "abawbench write" in problem.fix


def test_one_of_the_folders_is_told_as_one_column_alone(folder):
    with pytest.raises(ProblemError) as caught:
        read_predictions(get("abaw3-va"), folder / "valence")
    assert {(problem.rule, problem.found) for problem in caught.value.problems} == {
        ("F04", "valence alone, without arousal")
    }
    assert "the folders valence and arousal" in caught.value.problems[0].fix


def test_columns_of_other_units_or_lengths_are_refused(folder):
    (folder / "valence" / "b_left.txt").unlink()
    (folder / "valence" / "a.txt").write_text("valence\n0.1\n")
    with pytest.raises(ProblemError) as caught:
        read_predictions(get("abaw3-va"), folder)
    assert {problem.rule for problem in caught.value.problems} == {"T07", "T08"}


def test_faults_of_one_column_are_told_with_their_line(folder):
    (folder / "arousal" / "a.txt").write_text("arousal\n0.1\n1.5\n")
    with pytest.raises(ProblemError) as caught:
        read_predictions(get("abaw3-va"), folder)
    assert [(problem.rule, problem.line) for problem in caught.value.problems] == [("V03", 3)]
