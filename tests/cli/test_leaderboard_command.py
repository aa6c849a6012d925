from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from abawbench.cli.leaderboard import _server, command

FACTS = """\
kind,edition,challenge,dataset,split,rank,team,method,metric_name,figure,value,note,source
claimed,ABAW6,VA,Aff-Wild2,val,,some team,,mean of CCC valence and CCC arousal,score,0.5,,a paper
"""


@pytest.fixture
def board(tmp_path):
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "abaw6-va.csv").write_text(FACTS)
    return tmp_path


def run(verb: str, board):
    return CliRunner().invoke(command, [verb, "--root", str(board)])


def test_build_writes_the_tables_and_names_them(board):
    result = run("build", board)
    assert result.exit_code == 0
    assert f"wrote {board / 'abaw6-va.md'}\n" in result.stdout
    assert "4 files: 4 written, 0 as they were\n" in result.stdout
    assert f"written; they begin at {board / 'site' / 'index.html'}\n" in result.stdout
    assert "some team" in (board / "abaw6-va.md").read_text()


def test_a_second_build_writes_nothing(board):
    run("build", board)
    start = board / "site" / "index.html"
    files = len(json.loads((board / "site" / "site.json").read_text())["files"]) + 1
    assert run("build", board).stdout == (
        f"4 files: 0 written, 4 as they were\n{files} files of pages: 0 written; they begin at {start}\n"
    )


def test_check_is_content_with_what_build_wrote(board):
    run("build", board)
    assert run("check", board).exit_code == 0


def test_check_fails_on_a_stale_table_and_names_the_line(board):
    run("build", board)
    path = board / "abaw6-va.csv"
    path.write_text(path.read_text().replace("0.5", "0.6"))
    result = run("check", board)
    assert result.exit_code == 1
    assert "L01 stale table" in result.stderr
    assert ".csv:2: found" in result.stderr


def test_a_wrong_fact_writes_nothing(board):
    (board / "published" / "abaw6-va.csv").write_text(FACTS.replace("0.5", "50"))
    result = run("build", board)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "L02" in result.stderr
    assert [path.name for path in board.iterdir()] == ["published"]


def test_to_check_a_folder_that_is_not_there_is_wrong_use(board):
    assert run("check", board / "none").exit_code == 2


def test_a_new_folder_gets_the_tables_of_the_shipped_facts(tmp_path):
    result = run("build", tmp_path / "new")
    assert result.exit_code == 0
    assert "published facts: " in result.stderr
    assert "| organiser" in (tmp_path / "new" / "abaw10-va.md").read_text()
    assert run("check", tmp_path / "new").exit_code == 0


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["check", "--help"]])
def test_help_has_an_example(arguments):
    assert "abawbench leaderboard" in CliRunner().invoke(command, arguments).stdout.split("Example:")[1]


def test_build_tells_which_records_it_leaves_out(board):
    folder = board / "records" / "abaw6-va"
    folder.mkdir(parents=True)
    (folder / "x.validation.json").write_text('{"challenge": "abaw6-va", "fingerprint": "0123456789abcdef"}')
    result = run("build", board)
    assert result.exit_code == 0
    assert "R02" in result.stderr
    assert "left out of the tables: records of other definitions, 1" in result.stderr
    assert run("check", board).exit_code == 1


def test_facts_of_a_folder_of_ones_own_are_built_and_checked(tmp_path):
    own = str(Path(__file__).parents[2] / "examples" / "own_board")
    arguments = ("--root", str(tmp_path), "--published", own)
    assert CliRunner().invoke(command, ["build", *arguments]).exit_code == 0
    assert "Mood of Commuters" in (tmp_path / "mood2027.md").read_text()
    assert CliRunner().invoke(command, ["check", *arguments]).exit_code == 0
    assert CliRunner().invoke(command, ["build", "--published", str(tmp_path / "nowhere")]).exit_code == 2


def test_the_pages_are_shown_at_an_address_of_this_machine_until_ctrl_c(board):
    run("build", board)
    words = [sys.executable, "-m", "abawbench", "leaderboard", "serve", "--root", str(board), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}boards/abaw6-va.html") as page:
            assert b"some team" in page.read()
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert "Traceback" not in told


def test_there_is_nothing_to_show_before_build(board):
    result = run("serve", board)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "F01" in result.stderr
    assert "abawbench leaderboard build" in result.stderr


def test_a_taken_port_gives_way_to_a_free_one(board):
    run("build", board)
    with _server(board / "site", 0) as first, _server(board / "site", first.server_address[1]) as second:
        assert first.server_address != second.server_address
