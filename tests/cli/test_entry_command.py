from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from abawbench.cli import main


def run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_new_makes_the_folder_and_says_what_to_bring_and_fill_in(tmp_path):
    result = run("entry", "new", "2026_me_mine", "--kind", "onnx")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "submissions" / "2026_me_mine" / "entry.toml").is_file()
    assert "bring: the graph as model.onnx" in result.stdout
    assert "  entry.toml:5: trained_on.0\n" in result.stdout
    assert result.stdout.endswith("then: abawbench check submissions/2026_me_mine\n")


def test_check_refuses_the_placeholders_and_names_every_field():
    run("entry", "new", "2026_me_mine", "--kind", "code")
    result = run("check", "2026_me_mine", "--json")
    assert result.exit_code == 1
    finding = json.loads(result.stdout)["findings"][0]
    assert (finding["name"], finding["state"]) == ("its file is filled in", "FAILED")
    assert [problem["fix"] for problem in finding["problems"]] == [
        "fill in title",
        "fill in trained_on.0",
        "fill in licence",
    ]


def test_placeholders_are_told_beside_the_weights_that_are_missing():
    run("entry", "new", "2026_me_mine", "--kind", "onnx")
    result = run("check", "2026_me_mine")
    assert result.exit_code == 1
    assert "settings.weights_licence" in result.stdout
    assert "E11 weights missing" in result.stdout


def test_json_names_the_folder_its_files_and_the_fields():
    made = json.loads(run("entry", "new", "2026_me_mine", "--kind", "tool-output", "--json").stdout)
    assert made["files"] == ["README.md", "entry.toml"]
    assert made["fill_in"] == ["title", "trained_on.0", "licence", "notes.0"]


def test_a_second_time_it_is_a_problem():
    run("entry", "new", "2026_me_mine", "--kind", "onnx")
    result = run("entry", "new", "2026_me_mine", "--kind", "onnx")
    assert result.exit_code == 1
    assert "C02" in result.stderr
