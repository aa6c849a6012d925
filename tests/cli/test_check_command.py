"""abawbench check at the terminal: JSON keys, exit codes, places and fixes, the mended copy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from abawbench.cli import main

HEADER = "image_location,Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
NAMES = [f"2-30/{frame:05d}.jpg" for frame in range(1, 7)]


@pytest.fixture
def files(tmp_path):
    """A list, a good prediction, one that can be mended and one that cannot."""
    texts = {
        "list.txt": [f"{name}," for name in NAMES],
        "good.txt": [f"{name},4" for name in NAMES],
        "floats.txt": [f"{name},4.0" for name in NAMES],
        "bad.txt": [f"{name},{'8' if place else '-1'}" for place, name in enumerate(NAMES)][:-1],
    }
    for name, rows in texts.items():
        (tmp_path / name).write_text("\n".join([HEADER, *rows, ""]))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def test_a_good_file_is_accepted(files):
    result = run("abaw6-expr", files / "good.txt", "--template", files / "list.txt")
    assert result.exit_code == 0
    assert result.stdout == f"ACCEPTED: {files / 'good.txt'}\n"


def test_without_a_list_the_verdict_says_what_it_cannot_tell(files):
    result = run("abaw6-expr", files / "bad.txt")
    assert result.exit_code == 1
    assert "without --template" in result.stdout.splitlines()[-1]


def test_every_rule_has_its_count_three_places_and_a_fix(files):
    result = run("abaw6-expr", files / "bad.txt", "--template", files / "list.txt")
    assert result.exit_code == 1
    assert "V06 class out of range, 4 times (first 3 shown)" in result.stdout
    assert result.stdout.count("found expression = '8'") == 3
    assert f"{files / 'bad.txt'}:3: found expression = '8'; expected an integer from 0 to 7" in result.stdout
    assert "V04 sentinel as prediction\n" in result.stdout
    assert "5 rows, none for '2-30/00006.jpg'" in result.stdout
    assert result.stdout.count("    fix: ") == 3
    assert result.stdout.splitlines()[-1] == f"REFUSED: {files / 'bad.txt'} breaks 3 rules (V04, V06, T01)"


def test_json_has_exactly_the_agreed_keys(files):
    result = run("abaw6-expr", files / "bad.txt", "--template", files / "list.txt", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert list(answer) == ["ok", "verb", "problems"]
    assert answer["ok"] is False
    assert {tuple(problem) for problem in answer["problems"]} == {
        ("rule", "file", "line", "found", "expected", "fix", "count")
    }
    assert {(problem["rule"], problem["count"]) for problem in answer["problems"]} == {
        ("V04", 1),
        ("V06", 4),
        ("T01", 1),
    }


def test_notes_are_shown_and_do_not_refuse(files):
    path = files / "good.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    plain = run("abaw6-expr", path, "--template", files / "list.txt")
    assert plain.exit_code == 0
    assert "N01" in plain.stdout
    assert plain.stdout.splitlines()[-1].startswith("ACCEPTED with notes")
    assert json.loads(run("abaw6-expr", path, "--json").stdout)["ok"] is True


def test_repair_writes_an_accepted_copy_and_says_what_it_did(files):
    out = files / "mended.txt"
    result = run("abaw6-expr", files / "floats.txt", "--template", files / "list.txt", "--repair", out)
    assert result.exit_code == 0
    assert "mended V05: integers written without decimal point (6 times)" in result.stdout
    assert out.read_text() == (files / "good.txt").read_text()
    assert run("abaw6-expr", out, "--template", files / "list.txt").exit_code == 0


def test_repair_refuses_what_is_in_doubt(files):
    out = files / "mended.txt"
    result = run("abaw6-expr", files / "bad.txt", "--template", files / "list.txt", "--repair", out)
    assert result.exit_code == 1
    assert f"{out} not written; to be done by hand: V04, V06, T01" in result.stdout
    assert not out.exists()


def test_repair_in_json_adds_what_was_done_and_what_remains(files):
    arguments = ("--template", files / "list.txt", "--repair", files / "mended.txt", "--json")
    good = json.loads(run("abaw6-expr", files / "floats.txt", *arguments).stdout)
    assert list(good) == ["ok", "verb", "problems", "repairs", "remaining"]
    assert (good["ok"], good["repairs"][0]["rule"], good["remaining"]) == (True, "V05", [])
    bad = json.loads(run("abaw6-expr", files / "bad.txt", *arguments).stdout)
    assert (bad["ok"], bad["repairs"]) == (False, [])
    assert {problem["rule"] for problem in bad["remaining"]} == {"V04", "V06", "T01"}


@pytest.mark.parametrize("arguments", [("abaw6-exprs", "x"), ("abaw6-expr",), ("abaw6-expr", "x", "--no-such-option")])
def test_wrong_use_ends_with_two(arguments):
    assert run(*arguments).exit_code == 2


def test_a_file_that_is_not_there_is_a_problem(files):
    result = run("abaw6-expr", files / "none.txt")
    assert result.exit_code == 1
    assert "F01" in result.stdout


def test_checking_a_good_file_imports_nothing_heavy(files):
    program = (
        "import sys\n"
        "from abawbench.cli import main\n"
        f"main(['check', 'abaw6-expr', {str(files / 'good.txt')!r}, '--template', {str(files / 'list.txt')!r}],"
        " standalone_mode=False)\n"
        "print(*{'pandas', 'torch', 'matplotlib', 'pydantic'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[1:] == [""]


def test_the_help_has_an_example():
    for verb in ("check", "write", "pack"):
        assert f"abawbench {verb} abaw" in CliRunner().invoke(main, [verb, "--help"]).stdout
