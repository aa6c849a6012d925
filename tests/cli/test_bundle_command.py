"""`abawbench bundle`: an event to fill in, and bundles of an event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abawbench.challenges import get
from abawbench.cli import main
from abawbench.organisers.samples import sample, write

EVENT = """\
title = "T"
challenge = "abaw11-ah"
organisers = "O"
contact = "a@example.org"
summary = "S"
[[phases]]
name = "Test"
codename = "test"
begins = "2026-07-09 12:00:00 UTC"
ends = "2026-07-16 23:59:59 AoE"
"""


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["bundle", *map(str, words)])


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = sample(get("abaw11-ah"), units=2, rows=8)
    write(made.truth, tmp_path / "t").rename("truth.txt")
    write(made.template, tmp_path / "l").rename("list.txt")
    Path("event.toml").write_text(EVENT)
    return tmp_path


def test_an_event_is_written_once_and_told_how_to_go_on(tmp_path):
    path = tmp_path / "event.toml"
    done = call("event", "abaw11-ah", "-o", path)
    assert done.exit_code == 0
    assert "--event" in done.stdout
    text = path.read_text()
    again = call("event", "abaw11-ah", "-o", path, "--json")
    assert again.exit_code == 1
    assert json.loads(again.stdout)["problems"][0]["rule"] == "C02"
    assert path.read_text() == text
    unfilled = call("codabench", "abaw11-ah", "--event", path, "--truth", "x", "-o", tmp_path / "out")
    assert unfilled.exit_code == 1
    assert "placeholder" in unfilled.stderr


def test_a_bundle_without_event_says_how_to_get_one():
    done = call("codabench", "abaw11-ah", "--truth", "x", "-o", "out")
    assert done.exit_code == 2
    assert "abawbench bundle event abaw11-ah -o event.toml" in done.stderr


def test_a_bundle_without_truth_is_wrong_use():
    done = call("codabench", "abaw11-ah", "--event", "e.toml", "-o", "out")
    assert done.exit_code == 2
    assert "--truth" in done.stderr


def test_a_bundle_is_made_and_told_in_words_and_as_json(place):
    words = ["codabench", "abaw11-ah", "--event", "event.toml", "--truth", "truth.txt", "--template", "test=list.txt"]
    done = call(*words, "-o", "out", "--date", "2026-07-01")
    assert done.exit_code == 0, done.stderr
    assert "abaw11-ah-codabench.zip" in done.stdout
    assert "N76" in done.stderr
    first = Path("out/abaw11-ah-codabench.zip").read_bytes()
    again = call(*words, "-o", "out", "--date", "2026-07-01", "--json")
    answer = json.loads(again.stdout)
    assert (answer["ok"], answer["verb"], answer["platform"]) == (True, "bundle codabench", "codabench")
    assert "competition.yaml" in answer["files"]
    assert Path(answer["archive"]).read_bytes() == first


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["codabench", "abaw10-ah", "--truth", "truth.txt", "--template", "list.txt"], "O07"),
        (["codabench", "abaw11-ah", "--truth", "truth.txt"], "O08"),
        (["codabench", "abaw11-ah", "--truth", "tset=truth.txt"], "O08"),
        (["codabench", "abaw11-ah", "--truth", "none.txt", "--template", "list.txt"], "F01"),
        (["codabench", "abaw11-ah", "--truth", "list.txt", "--template", "none.txt"], "F01"),
    ],
)
def test_inputs_that_do_not_fit_make_no_bundle(words, rule, place):
    done = call(*words, "--event", "event.toml", "-o", "out", "--json")
    assert done.exit_code == 1
    assert rule in {problem["rule"] for problem in json.loads(done.stdout)["problems"]}
    assert not Path("out").exists()


def test_a_bundle_replaces_nothing_that_somebody_brought(place):
    words = ["codabench", "abaw11-ah", "--event", "event.toml", "--truth", "truth.txt", "--template", "list.txt"]
    before = sorted(path.name for path in place.iterdir())
    for out in (".", "truth.txt", "event.toml"):
        done = call(*words, "-o", out, "--json")
        assert done.exit_code == 1
        assert json.loads(done.stdout)["problems"][0]["rule"] in {"C02", "F12"}
    assert sorted(path.name for path in place.iterdir()) == before
    assert Path("event.toml").read_text() == EVENT
