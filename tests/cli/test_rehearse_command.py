"""abawbench rehearse at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from abawbench.cli import main
from tests.organisers.rehearsal.conftest import competition, zipped

VALIDATOR = Path(__file__).parents[1] / "organisers" / "rehearsal" / "ah_validator.py"


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name, data in competition().files.items():
        (folder / name).write_bytes(data)
    return folder


def call(*words):
    return CliRunner().invoke(main, ["rehearse", *map(str, words)])


def test_what_a_team_would_see_is_printed_and_written_as_a_page(bundle, tmp_path):
    (tmp_path / "good.txt").write_text("good\n")
    (tmp_path / "bad.zip").write_bytes(zipped({"a.txt": "bad\n"}))
    page = tmp_path / "page.html"
    result = call(bundle, tmp_path / "good.txt", tmp_path / "bad.zip", "-o", page)
    assert result.exit_code == 0, result.output
    assert "this submission is bad" in result.stdout
    assert "0.500000" in result.stdout
    assert "READY" in result.stdout
    assert "this submission is bad" in page.read_text()


def test_what_a_team_reads_under_every_profile_is_told_once(bundle, tmp_path):
    (tmp_path / "bad.txt").write_text("bad\n")
    result = call(bundle, tmp_path / "bad.txt", "--profile", "plain", "--profile", "mac-zip", "--profile", "time")
    assert result.stdout.count("this submission is bad") == 1
    assert "bad.txt (plain, mac-zip, time): what the team reads" in result.stdout
    table, _, _ = result.stdout.partition("what the team reads")
    assert str(tmp_path) not in table.partition("\n\n")[0]  # the name alone, on one line with its verdict


def test_json_is_the_envelope(bundle, tmp_path):
    (tmp_path / "good.txt").write_text("good\n")
    result = call(bundle, tmp_path / "good.txt", "--json", "--profile", "plain", "--profile", "mac-zip")
    answer = json.loads(result.stdout)
    assert (answer["ok"], answer["verb"], answer["platform"]) == (True, "rehearse", "codabench")
    assert [outcome["profile"] for outcome in answer["outcomes"]] == ["plain", "mac-zip"]
    assert [outcome["state"] for outcome in answer["outcomes"]] == ["scored", "scored"]


def test_a_broken_bundle_exits_with_1(bundle, tmp_path):
    (bundle / "terms.md").unlink()
    (tmp_path / "good.txt").write_text("good\n")
    result = call(bundle, tmp_path / "good.txt")
    assert result.exit_code == 1
    assert "O20" in result.stderr
    assert "NOT READY" in result.stdout


def test_profiles_are_listed():
    result = call("--profiles")
    assert result.exit_code == 0
    assert "worker-metadata" in result.stdout


def test_a_validator_is_put_to_the_test():
    result = call("--validator", VALIDATOR, "--challenge", "abaw11-ah", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert "unknown-ids" in answer["missed"]
    assert answer["problems"] == []


@pytest.mark.parametrize(
    "words", [(), ("--validator", "a.py"), ("none", "--profile", "other"), ("none", "--python", "none")]
)
def test_wrong_use_is_told(words):
    assert call(*words).exit_code in {1, 2}


def test_a_page_never_replaces_what_is_read(bundle, tmp_path):
    (tmp_path / "good.txt").write_text("good\n")
    result = call(bundle, tmp_path / "good.txt", "-o", tmp_path / "good.txt")
    assert result.exit_code == 1
    assert (tmp_path / "good.txt").read_text() == "good\n"
