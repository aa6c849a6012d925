"""How a verb ends: at the end of a pipe, at Ctrl-C, and with names that would change a terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from abawbench.base.problems import Problem, ProblemError, render
from abawbench.cli.output import exits_on_problems, print_json, print_table

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")
HOSTILE = "a\x1b[2J\nb\u202ec\u2028[red]d[/red]\udcff"


def start(*arguments, **settings):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "abawbench", *map(str, arguments)], env=environment, stderr=subprocess.PIPE, **settings
    )


@pytest.mark.parametrize("arguments", [("challenges",), ("challenges", "--json"), ("data", "list")], ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_failure(arguments):
    read, write = os.pipe()
    os.close(read)
    with start(*arguments, stdout=write) as process:
        os.close(write)
        assert process.communicate()[1] == b""
    assert process.returncode == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_says_what_is_kept_and_ends_with_130_within_two_seconds(tmp_path, workers):
    out = tmp_path / "corpus"
    settings = {"stdout": subprocess.DEVNULL, "start_new_session": True}
    with start("synth", out, "--videos", "8", "--frames", "300", "--workers", workers, **settings) as process:
        deadline = time.monotonic() + 60
        while not (out / "cropped_aligned").is_dir() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        begin = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=30)[1].decode()
        # a busy machine gets some time on top
        assert time.monotonic() - begin < 4
    assert process.returncode == 130
    assert "stopped: every finished unit is kept" in said
    assert f"abawbench synth {out} --videos 8" in said
    assert "Traceback" not in said


def test_names_on_a_terminal_are_no_markup_and_no_commands(monkeypatch):
    @click.command()
    @exits_on_problems
    def verb():
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        print_table([[HOSTILE]], ["[bold]unit[/bold]"], "[blue]title[/blue]")

    shown = CliRunner().invoke(verb).stdout
    for part in ("[red]", "[bold]", "[blue]", "\\n", "\\x1b", "\\u202e"):
        assert part in shown
    assert "\u202e" not in shown


def test_names_in_a_plain_table_and_in_json_are_inert():
    @click.command()
    @exits_on_problems
    def verb():
        print_table([[HOSTILE]], ["unit"])
        print_json({"unit": HOSTILE})

    result = CliRunner().invoke(verb)
    assert result.exit_code == 0, result.exception
    for sign in ("\x1b", "\u202e", "\u2028", "\udcff"):
        assert sign not in result.stdout
    assert json.loads(result.stdout[result.stdout.index("{") :])["unit"] == HOSTILE


def test_a_problem_takes_one_line_whatever_it_quotes():
    text = render(ProblemError(Problem("F01", HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1)).problems)
    assert len(text.splitlines()) == 3
    assert text.replace("\n", "").isprintable()


def test_a_name_that_is_no_utf_8_is_one_problem(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.txt"
    Path(os.fsdecode(path)).write_text("valence,arousal\n7,0\n")
    with start("check", "abaw10-va", os.fsdecode(path), stdout=subprocess.PIPE) as process:
        said = b"".join(process.communicate())
    assert process.returncode == 1
    assert b"Traceback" not in said
    assert b"\\udcff.txt" in said
