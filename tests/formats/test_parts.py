"""Predictions in a file for each video: together the submission, for check, repair and readers alike."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.formats import read_predictions
from abawbench.formats.check import check
from abawbench.formats.repair import repair

CHALLENGES = ["abaw6-expr", "abaw10-va", "abaw10-au", "abaw7-mtl", "abaw8-emi", "abaw11-ah"]


def in_parts(made, size=2):
    """The rows of a good submission in files of a few rows each, and the file of all rows."""
    whole = made.write()
    header = made.one[:1] if "," in made.one[0] and not made.one[0].startswith("Videos") else []
    rows = made.one[len(header) :]
    folder = made.folder / "parts"
    folder.mkdir()
    keys = [row.split(",")[0] for row in rows]
    begins = [place for place in range(0, len(rows), size) if place == 0 or keys[place] != keys[place - 1]]
    for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
        # names in another order than the list's
        lines = [*header, *rows[begin:end], ""]
        (folder / f"{len(rows) - begin:02d}.txt").write_text("\n".join(lines))
    return folder, whole


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_files_of_a_few_rows_each_are_read_as_one(submission, challenge_id):
    made = submission(challenge_id)
    folder, whole = in_parts(made)
    table, right = read_predictions(made.challenge, folder), read_predictions(made.challenge, whole)
    assert [note.rule for note in table.notes] == ["N11"]
    names = sorted(table.name(row) for row in range(len(table)))
    assert names == sorted(right.name(row) for row in range(len(right)))
    for task, values in right.values.items():
        assert np.sort(values.ravel()).tolist() == np.sort(table.values[task].ravel()).tolist()


@pytest.mark.parametrize("challenge_id", CHALLENGES)
def test_check_tells_them_as_one_fault_and_repair_writes_the_one_file(submission, challenge_id):
    made = submission(challenge_id)
    folder, whole = in_parts(made)
    (problem,) = check(made.challenge, folder, made.template)
    assert problem.rule == "Z09"
    assert "check --repair" in problem.fix
    done = repair(made.challenge, folder, made.template, made.folder / "copy.txt")
    assert {part.rule for part in done} == {"Z09"}
    assert (made.folder / "copy.txt").read_text() == whole.read_text()


def test_faults_of_a_part_keep_its_name_and_line(submission):
    made = submission("abaw10-va")
    folder, _ = in_parts(made)
    file = max(folder.iterdir())
    file.write_text(file.read_text().replace(",0.11", ",nan", 1))
    found = check(made.challenge, folder, made.template)
    assert {(problem.rule, problem.file, problem.line) for problem in found} == {
        ("Z09", str(folder), None),
        ("V01", str(file), 2),
    }
    with pytest.raises(ProblemError, match="V01"):
        read_predictions(made.challenge, folder)


def test_a_part_that_lacks_is_told_by_its_rows(submission):
    made = submission("abaw6-expr")
    folder, _ = in_parts(made)
    min(folder.iterdir()).unlink()
    assert {problem.rule for problem in check(made.challenge, folder, made.template)} == {"Z09", "T01"}
    with pytest.raises(ProblemError, match="T01"):
        repair(made.challenge, folder, made.template, made.folder / "copy.txt")


def test_files_that_answer_the_same_rows_are_trials(submission):
    made = submission("abaw6-expr")
    whole = made.write()
    (whole.parent / "other.txt").write_text(whole.read_text().replace(",1\n", ",2\n"))
    assert check(made.challenge, whole.parent, made.template) == ()
    with pytest.raises(ProblemError, match="C03"):
        read_predictions(made.challenge, whole.parent)
    with pytest.raises(ProblemError, match="Z08"):
        repair(made.challenge, whole.parent, made.template, made.folder / "copy.txt")


def test_files_of_units_for_a_challenge_of_one_file_are_told_as_such(submission):
    made = submission("abaw10-va")
    made.write()
    folder = made.folder / "units"
    folder.mkdir()
    for name in ("2-30-640x360", "14-30-1920x1080_left"):
        (folder / f"{name}.txt").write_text("valence,arousal\n0.1,0.2\n")
    (problem,) = check(made.challenge, folder, made.template)
    assert problem.rule == "Z09"
    assert "abawbench write abaw10-va" in problem.fix
    with pytest.raises(ProblemError, match="Z09"):
        repair(made.challenge, folder, made.template, made.folder / "copy.txt")
