"""Profiles: each sets its condition, several are joined, and what cannot be set is said."""

from __future__ import annotations

import os

import pytest

from abawbench.base.problems import ProblemError
from abawbench.organisers.rehearsal import PROFILES, read_profiles, rehearse
from abawbench.organisers.rehearsal.interpreters import old_interpreter
from abawbench.organisers.rehearsal.sandbox import Limits, can_unshare
from abawbench.organisers.rehearsal.sent import as_sent
from tests.organisers.rehearsal.conftest import competition

SENT = as_sent("one", {"a.txt": b"good\n"})


def says(program, profile, **settings):
    """What a program prints to standard error under a profile, and the remarks."""
    (outcome,) = rehearse(competition(program), [SENT], profiles=read_profiles([profile]), **settings).outcomes
    return outcome.errors, outcome.remarks


def test_several_profiles_are_joined_and_all_is_every_one():
    (joined,) = read_profiles(["mac-zip+time"])
    assert (joined.packs_like_finder, joined.time_share, joined.is_read_only) == (True, 0.1, False)
    assert read_profiles(["all"]) == tuple(PROFILES.values())
    assert [profile.name for profile in read_profiles(["plain", "memory", "plain"])] == ["plain", "memory"]
    with pytest.raises(ProblemError, match="read-only"):
        read_profiles(["readonly"])


def test_the_worker_adds_its_file_and_the_finder_its_litter():
    program = (
        "import pathlib, sys\nroot = pathlib.Path(sys.argv[1], 'res')\n"
        "sys.exit(' '.join(sorted(str(p.relative_to(root)) for p in root.rglob('*') if p.is_file())))\n"
    )
    assert says(program, "worker-metadata")[0].split() == ["a.txt", "metadata"]
    found = says(program, "mac-zip+worker-metadata")[0].split()
    assert found == ["__MACOSX/submission/._a.txt", "metadata", "submission/.DS_Store", "submission/a.txt"]


def test_read_only_input_cannot_be_written():
    program = "import sys\nopen(sys.argv[1] + '/res/new.txt', 'w')\n"
    errors, remarks = says(program, "read-only")
    assert "PermissionError" in errors or any("read-only" in remark for remark in remarks)
    assert "PermissionError" not in says(program, "plain")[0]


def test_no_connection_is_opened():
    program = "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=2)\n"
    errors, remarks = says(program, "no-network")
    assert "unreachable" in errors
    assert bool(remarks) != (can_unshare("--net") or can_unshare("--user", "--map-root-user", "--net"))


def test_without_unshare_sockets_of_python_are_refused_and_that_is_said(monkeypatch):
    from abawbench.organisers.rehearsal import sandbox

    monkeypatch.setattr(sandbox, "can_unshare", lambda *options: False)
    program = "import socket\nsocket.create_connection(('127.0.0.1', 80), timeout=2)\n"
    errors, remarks = says(program, "no-network")
    assert "Network is unreachable" in errors
    assert "unshare" in remarks[0]


def test_a_tenth_of_the_time_and_a_quarter_of_the_memory_are_left():
    (time, memory) = read_profiles(["time", "memory"])
    assert Limits(600.0, 4 << 30).under(time) == Limits(60.0, 4 << 30)
    assert Limits(600.0, 4 << 30).under(memory) == Limits(600.0, 1 << 30)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user has no capabilities to lose")
def test_root_loses_what_makes_it_root():
    program = "import sys\nsys.exit([line for line in open('/proc/self/status') if line.startswith('CapEff')][0])\n"
    errors, remarks = says(program, "root-without-capabilities")
    assert int(errors.split()[1], 16) == 0 or remarks


def test_an_interpreter_that_is_not_here_is_told(monkeypatch):
    monkeypatch.setattr("abawbench.organisers.rehearsal.run.old_interpreter", lambda: None)
    done = rehearse(competition(), [SENT], profiles=read_profiles(["python39-numpy126"]))
    assert [outcome.state for outcome in done.outcomes] == ["not run"]
    assert [problem.rule for problem in done.all_problems] == ["N79"]
    assert done.is_ok


@pytest.mark.skipif(old_interpreter() is None, reason="no Python 3.9 with NumPy 1.26 here")
def test_the_old_interpreter_runs_the_program():
    program = "import numpy, sys\nsys.exit(f'{sys.version_info[:2]} {numpy.__version__}')\n"
    assert says(program, "python39-numpy126")[0].startswith("(3, 9) 1.26.")
