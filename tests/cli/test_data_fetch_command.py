"""abawbench data fetch at the terminal: the list, the licence, files at hand, exit codes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from abawbench.cli import main
from abawbench.datasets.fetch import SETS, Set, Source, sets, store

PINNED = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """An empty cache, and a set of one file whose bytes are `hello`."""
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "cache"))
    files = (Source("greeting.txt", "http://127.0.0.1:9/greeting.txt", PINNED, 5, "the test"),)
    item = Set("small", "a small set", "CC-BY-4.0", "Somebody (2017).", "http://example.invalid", files)
    monkeypatch.setattr(sets, "SETS", {**SETS, "small": item})
    (tmp_path / "greeting.txt").write_text("hello")


def run(*arguments):
    return CliRunner().invoke(main, ["data", "fetch", *map(str, arguments)])


def test_without_a_name_it_lists_what_there_is():
    result = run()
    assert result.exit_code == 0
    for name, item in SETS.items():
        assert name in result.stdout
        assert item.licence in result.stdout
    assert {entry["set"] for entry in json.loads(run("--json").stdout)["sets"]} == set(SETS)


def test_the_folder_goes_to_standard_output_and_the_licence_to_standard_error(tmp_path):
    result = run("small", "--from", tmp_path / "greeting.txt")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'cache' / 'small'}\n"
    assert "CC-BY-4.0" in result.stderr
    assert "Somebody (2017)." in result.stderr
    assert "1 new" in result.stderr
    again = json.loads(run("small", "--json").stdout)
    assert again["new"] == []
    assert again["files"] == {"greeting.txt": {"sha256": PINNED, "checked": "sha256"}}


def test_a_folder_of_ones_own(tmp_path):
    assert run("small", "--from", tmp_path / "greeting.txt", "--to", tmp_path / "mine").exit_code == 0
    assert (tmp_path / "mine" / "greeting.txt").read_text() == "hello"


def test_licence_alone_fetches_nothing(tmp_path):
    result = run("small", "--licence")
    assert result.exit_code == 0
    assert "Somebody (2017)." in result.stdout
    assert not (tmp_path / "cache").exists()
    assert json.loads(run("small", "--licence", "--json").stdout)["licence"] == "CC-BY-4.0"


def test_a_download_that_fails_says_what_to_do_by_hand():
    result = run("small")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "D21 download failed" in result.stderr
    assert "abawbench data fetch small --from greeting.txt" in result.stderr


def test_a_wrong_file_is_named_with_both_hashes(tmp_path):
    (tmp_path / "greeting.txt").write_text("hullo")
    result = run("small", "--from", tmp_path / "greeting.txt")
    assert result.exit_code == 1
    assert "D22" in result.stderr
    assert PINNED in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nothing"], 1), (["--to", "x"], 2), (["small", "--from", "greeting.txt", "--url", "http://127.0.0.1:9"], 2)],
)
def test_wrong_use(arguments, code):
    assert run(*arguments).exit_code == code
