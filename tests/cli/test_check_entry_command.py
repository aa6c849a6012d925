from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from abawbench.cli import main
from abawbench.entries.conformance.suite import CHECKS, LOADS, ROWS

SUBMISSIONS = Path(__file__).parents[2] / "submissions"
SPOILT = """\
from dataclasses import replace
from types import SimpleNamespace

import numpy as np


def create(card, vocabulary, settings):
    def predict(clip):
        answers = {task.name: np.full((len(clip), 2), np.nan) for task in vocabulary}
        answers["va"][clip.valid] = 2.0
        return answers

    return SimpleNamespace(card=replace(card, tasks=vocabulary), predict=predict)
"""
FILE = """\
name = "2026_test_spoilt"
title = "a test"
kind = "code"
vocabulary = "abaw6-va"
trained_on = []
sees_truth = false
licence = "MIT"
"""
PICTURE = '[picture]\nsize = 112\ncolour = "RGB"\ncrop = "arcface-112"\n'


def run(*arguments: object):
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def spoilt(root: Path) -> Path:
    folder = root / "2026_test_spoilt"
    folder.mkdir()
    (folder / "entry.toml").write_text(FILE)
    (folder / "entry.py").write_text(SPOILT)
    return folder


def without_weights(root: Path, *, tiny: bool) -> Path:
    name = "2026_test_network"
    folder = root / name
    folder.mkdir()
    parts = FILE.replace("2026_test_spoilt", name).replace('"code"', '"network"')
    (folder / "entry.toml").write_text(f"{parts}\n[settings]\nfeatures = 4\n")
    if tiny:
        small = parts.replace(name, f"{name}-tiny")
        (folder / "tiny.toml").write_text(f"{small}\n[settings]\nfeatures = 4\nseed = 0\n")
    return folder


def test_an_entry_that_conforms_is_accepted_check_by_check():
    result = run("2026_abawbench_constant", "--submissions", SUBMISSIONS)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"ok        {LOADS}"
    assert [line[10:].split(": ")[0] for line in lines[1:-1]] == [check.name for check in CHECKS]
    assert lines[-2] == "left out  red and blue are told apart: it looks at no picture"
    assert lines[-1] == "ACCEPTED: 2026_abawbench_constant passes 10 checks, 4 left out"


def test_an_entry_that_learns_is_taught_what_its_file_names(tmp_path):
    folder = tmp_path / "2026_test_mean"
    folder.mkdir()
    text = FILE.replace("spoilt", "mean").replace('"code"', '"mean"').replace("abaw6-va", "abaw6-emi")
    (folder / "entry.toml").write_text(text)
    assert run(folder).exit_code == 0


def test_an_entry_that_does_not_conform_is_refused_with_problem_and_fix(tmp_path):
    result = run(spoilt(tmp_path))
    assert result.exit_code == 1
    assert f"\nFAILED    {ROWS}\n" in result.stdout
    assert "E14 answer out of range" in result.stdout
    assert "2026_test_spoilt, unit drawn-1, frame 2: a value out of range for va" in result.stdout
    assert "    fix: correct the entry's predict" in result.stdout
    assert result.stdout.splitlines()[-1] == f"REFUSED: {tmp_path / '2026_test_spoilt'} fails 1 check (E14)"


@pytest.mark.parametrize("kind", ["code", "code that names its own picture"])
def test_a_crop_that_nobody_can_make_is_refused_with_the_known_names(tmp_path, kind):
    folder = spoilt(tmp_path)
    if kind == "code":
        (folder / "entry.toml").write_text(FILE + PICTURE.replace("arcface-112", "round"))
    else:
        (folder / "entry.toml").write_text(FILE + PICTURE)
        own = "replace(card, tasks=vocabulary, picture=replace(card.picture, crop='round'))"
        (folder / "entry.py").write_text(SPOILT.replace("replace(card, tasks=vocabulary)", own))
    result = run(folder)
    assert result.exit_code == 1
    assert "crop = " in result.stderr + result.stdout
    assert "arcface-112, wide, eyes-M or box-M" in " ".join((result.stderr + result.stdout).split())


def test_json_has_exactly_the_agreed_keys(tmp_path):
    folder = spoilt(tmp_path)
    result = run(folder, "--json")
    assert result.exit_code == 1
    record = json.loads(result.stdout)
    assert list(record) == ["ok", "verb", "problems", "entry", "findings", "hint"]
    assert (record["entry"], record["ok"], record["hint"]) == (str(folder), False, None)
    assert len(record["findings"]) == 1 + len(CHECKS)
    assert {tuple(finding) for finding in record["findings"]} == {("name", "state", "left_out", "problems")}
    assert {finding["state"] for finding in record["findings"]} == {"ok", "FAILED", "left out"}


def test_missing_weights_are_a_refusal_with_a_hint_at_the_tiny_twin(tmp_path):
    folder = without_weights(tmp_path, tiny=True)
    result = run(folder)
    assert result.exit_code == 1
    assert "E11 weights missing" in result.stdout
    assert f"hint: abawbench check {folder / 'tiny'} runs anywhere" in result.stdout
    assert result.stdout.splitlines()[-1] == f"REFUSED: {folder} fails 1 check (E11)"
    assert json.loads(run(folder, "--json").stdout)["hint"].startswith(f"abawbench check {folder / 'tiny'}")
    twin = run(folder / "tiny")
    assert twin.exit_code == 0
    assert "hint:" not in twin.stdout


def test_there_is_no_hint_without_a_tiny_twin(tmp_path):
    result = run(without_weights(tmp_path, tiny=False))
    assert result.exit_code == 1
    assert "hint:" not in result.stdout


def test_an_entry_may_be_a_factory(tmp_path, monkeypatch):
    (tmp_path / "my_small_entry.py").write_text(
        "from abawbench import challenges\n"
        "from abawbench.entries.baselines.controls import ConstantSettings, constant\n"
        "from abawbench.entries.model import Card\n"
        "card = Card('2026_test_factory', 'a test', (), None, licence='MIT')\n"
        "def make():\n"
        "    return constant(card, challenges.get('abaw6-va').tasks, ConstantSettings())\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert run("my_small_entry:make").exit_code == 0


def test_an_unknown_entry_is_a_problem_with_near_names():
    result = run("2026_abawbench_constan", "--submissions", SUBMISSIONS)
    assert result.exit_code == 1
    assert "did you mean 2026_abawbench_constant" in result.stdout


@pytest.mark.parametrize("option", ["--template", "--repair"])
def test_options_of_files_do_not_go_with_an_entry(option, tmp_path):
    result = run("2026_abawbench_constant", option, tmp_path / "x", "--submissions", SUBMISSIONS)
    assert result.exit_code == 2
    assert "go with a challenge and PREDICTIONS" in result.stderr


def test_a_challenge_alone_misses_its_predictions():
    result = run("abaw6-expr")
    assert result.exit_code == 2
    assert "Missing argument 'PREDICTIONS'" in result.stderr


def test_the_help_has_an_example_of_each_use():
    text = run("--help").stdout
    assert "abawbench check abaw4-mtl" in text
    assert "abawbench check submissions/2026_abawbench_hog" in text
    assert "/tiny --json" in text
