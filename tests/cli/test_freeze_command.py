"""abawbench freeze: one file, under its usual name or another, in the place of nothing else."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import abawbench
from abawbench.base.problems import ProblemError
from abawbench.challenges import CHALLENGES
from abawbench.cli import main
from abawbench.organisers.frozen import frozen_scorer

MADE = "2026-01-02"
TEXT = frozen_scorer(CHALLENGES["abaw11-ah"], MADE)


def run(*words):
    return CliRunner().invoke(main, ["freeze", *map(str, words)])


def test_the_file_has_its_usual_name_where_none_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("abaw11-ah", "--date", MADE)
    assert result.exit_code == 0
    assert (tmp_path / "score_abaw11_ah.py").read_text() == TEXT
    assert result.stdout.startswith("score_abaw11_ah.py: scorer of abaw11-ah")


def test_a_folder_takes_the_file_under_its_usual_name(tmp_path):
    assert run("abaw11-ah", "--date", MADE, "-o", tmp_path).exit_code == 0
    assert (tmp_path / "score_abaw11_ah.py").read_text() == TEXT


def test_json_says_what_was_written(tmp_path):
    found = json.loads(run("abaw11-ah", "--date", MADE, "-o", tmp_path / "one.py", "--json").stdout)
    challenge = CHALLENGES["abaw11-ah"]
    assert found["ok"]
    assert (found["challenge"], found["fingerprint"], found["made"]) == (challenge.id, challenge.fingerprint, MADE)
    assert found["lines"] == TEXT.count("\n")


def test_an_earlier_file_that_is_replaced_is_named(tmp_path):
    run("abaw11-ah", "-o", tmp_path / "one.py")
    assert "the earlier file was replaced" in run("abaw11-ah", "-o", tmp_path / "one.py").stderr


def test_a_date_that_is_none_is_wrong_use(tmp_path):
    result = run("abaw11-ah", "--date", "tomorrow", "-o", tmp_path / "one.py")
    assert result.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_the_library_writes_the_same_file(tmp_path):
    from datetime import date

    place = abawbench.freeze("abaw11-ah", tmp_path, date.fromisoformat(MADE))
    assert place == tmp_path / "score_abaw11_ah.py"
    assert place.read_text() == TEXT
    with pytest.raises(ProblemError, match="C01"):
        abawbench.freeze("abaw11-nothing", tmp_path)
