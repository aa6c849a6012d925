"""How a verb ends: at the end of a pipe, at Ctrl-C, and with names that would change a terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from abawbench.base.problems import Problem, ProblemError, render
from abawbench.cli.output import exits_on_problems, print_json, print_table
from abawbench.cli.stopping import message

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


STATUS = {"INT": 130, "TERM": 143}
# bodies of verbs that are stopped in the middle
BUSY = {
    "a loop": "while True: pass",
    "a library that does not return": "ctypes.CDLL(None).sleep(60)",
    "code that swallows every exception": """\
while True:
    with contextlib.suppress(BaseException):
        time.sleep(60)
""",
    "code that fails when it is stopped": """\
try:
    time.sleep(60)
finally:
    raise AttributeError("half imported")
""",
    "a thread that does not end": """\
threading.Thread(target=time.sleep, args=(60,)).start()
time.sleep(60)
""",
    "a redirected verb of a verb": """\
with contextlib.redirect_stderr(io.StringIO()):
    main(["data", "list"], standalone_mode=False)
    time.sleep(60)
""",
}
PROGRAM = """
import contextlib, ctypes, io, sys, threading, time, click
from abawbench.cli import VERBS, main
from abawbench.cli.output import exits_on_problems

@click.command()
@exits_on_problems
def train():
    print("begun", flush=True)
{body}

VERBS["Models"]["train"] = ("__main__:train", "")
main(["train"])
"""


def wait_for(sign, process=None):
    """Wait until there is a sign, the process has ended, or a while has passed."""
    deadline = time.monotonic() + (5 if process is None else 60)
    while not sign() and (process is None or process.poll() is None) and time.monotonic() < deadline:
        time.sleep(0.05)


def stopped(process, *signals):
    """Send signals to a process and its children; what it said, and how long it took to end."""
    begin = time.monotonic()
    for name in signals:
        number = getattr(signal, f"SIG{name}")
        if name == "INT":
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        time.sleep(0.1 if len(signals) > 1 else 0)
    said = process.communicate(timeout=30)[1].decode()
    return said, time.monotonic() - begin


@pytest.mark.parametrize("signals", [("INT",), ("TERM",), ("INT", "INT")], ids=" ".join)
@pytest.mark.parametrize("body", BUSY)
def test_a_verb_that_is_stopped_says_what_is_kept_whatever_it_is_at(body, signals):
    program = PROGRAM.format(body=textwrap.indent(BUSY[body], "    "))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True, "env": environment}
    with subprocess.Popen([sys.executable, "-c", program], **settings) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        time.sleep(0.2)
        said, took = stopped(process, *signals)
    # a busy machine gets some time on top
    assert took < 4
    assert process.returncode == STATUS[signals[0]]
    assert said == "\nstopped: the last saved state is kept; the same command (abawbench train) goes on from there\n"


def children(session):
    """Arguments of the living processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, of = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state != "Z":
                found.append((folder / "cmdline").read_bytes())
    return found


@pytest.mark.parametrize(("name", "workers"), [("INT", 1), ("INT", 2), ("TERM", 2)])
def test_synth_that_is_stopped_leaves_no_process_and_goes_on(tmp_path, name, workers):
    out = tmp_path / "corpus"
    settings = {"stdout": subprocess.DEVNULL, "start_new_session": True}
    with start("synth", out, "--videos", "8", "--frames", "300", "--workers", workers, **settings) as process:
        wait_for((out / "cropped_aligned").is_dir, process)
        time.sleep(1)
        said, took = stopped(process, name)
    assert took < 4
    assert process.returncode == STATUS[name]
    assert "stopped: every finished unit is kept" in said
    assert f"abawbench synth {out} --videos 8" in said
    assert "Traceback" not in said
    if sys.platform == "linux":
        wait_for(lambda: not children(process.pid))
        assert children(process.pid) == []


def test_a_verb_that_writes_at_its_end_has_changed_nothing_when_it_is_stopped():
    assert message(["score", "abaw10-va", "truth", "mine"]) == "stopped: nothing was changed"
    assert "does the rest" in message(["leaderboard", "build", "--root", "mine"])
    assert message(["-q", "data", "fetch", "yunet"]).startswith("stopped: what was downloaded is kept")


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


def test_a_name_of_bytes_that_reaches_a_file_of_results_is_a_problem():
    @click.command()
    @exits_on_problems
    def verb():
        "v\udcff".encode()

    result = CliRunner().invoke(verb, [])
    assert result.exit_code == 1
    assert "F19" in result.stderr
    assert "\\udcff" in result.stderr


def test_a_name_that_is_no_utf_8_is_one_problem(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.txt"
    Path(os.fsdecode(path)).write_text("valence,arousal\n7,0\n")
    with start("check", "abaw10-va", os.fsdecode(path), stdout=subprocess.PIPE) as process:
        said = b"".join(process.communicate())
    assert process.returncode == 1
    assert b"Traceback" not in said
    assert b"\\udcff.txt" in said
