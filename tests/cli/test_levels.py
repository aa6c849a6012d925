"""-q says no progress and keeps problems and results; -v says more; both stand before or behind any verb."""

from __future__ import annotations

import sys

import click
import pytest
from click.testing import CliRunner

from abawbench.base.problems import Problem, ProblemError
from abawbench.cli import Verbs, main
from abawbench.cli.output import ProgressLine, detail, exits_on_problems, say, stage, tell, tell_large, tell_resumed


@click.command()
@exits_on_problems
def work():
    """A verb that says something of every kind."""
    tell("begun")
    tell_resumed("units")(31, 54)
    with stage("reading"):
        detail("54 units")
    ProgressLine("units").show((1, 2), (10, 20), 100.0)
    say("warning: few videos")
    click.echo("score 0.5")
    raise ProblemError(Problem("F01", "nothing", "something", "make one"))


def said(*words):
    group = Verbs(name="abawbench", groups={"Work": {"work": ("tests.cli.test_levels:work", "")}}, params=main.params)
    assert main.callback is not None
    group.callback = main.callback
    return CliRunner().invoke(group, list(words))


def test_usually_progress_is_told_and_details_are_not():
    result = said("work")
    assert result.exit_code == 1
    assert "begun\n31 of 54 units were finished before; the run goes on\n1/2 units" in result.stderr
    assert "reading" not in result.stderr
    assert "54 units\n" not in result.stderr


@pytest.mark.parametrize("words", [("-q", "work"), ("work", "-q"), ("work", "--quiet"), ("--quiet", "work", "-q")])
def test_quiet_keeps_problems_warnings_and_results(words):
    result = said(*words)
    assert result.exit_code == 1
    assert result.stdout == "score 0.5\n"
    assert result.stderr.splitlines()[0] == "warning: few videos"
    assert "F01" in result.stderr
    for word in ("begun", "units"):
        assert word not in result.stderr


@pytest.mark.parametrize("words", [("-v", "work"), ("work", "-v"), ("work", "--verbose")])
def test_verbose_says_what_is_done_and_how_long_it_takes(words):
    result = said(*words)
    assert "begun" in result.stderr
    assert "54 units\nreading: 0.0" in result.stderr


@pytest.mark.parametrize("words", [("-q", "-v", "work"), ("work", "-q", "-v"), ("-q", "work", "-v")])
def test_both_at_once_are_wrong_use(words):
    result = said(*words)
    assert result.exit_code == 2
    assert "-q and -v exclude each other" in result.stderr


def test_names_in_progress_are_inert():
    @click.command()
    @exits_on_problems
    def verb():
        tell("into a\x1b[2Jb")

    assert CliRunner().invoke(verb, []).stderr == "into a\\x1b[2Jb\n"


def test_a_large_input_is_told_at_the_beginning(tmp_path):
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text("x")
    with large.open("wb") as file:
        file.truncate(30_000_000)

    @click.command()
    @exits_on_problems
    def verb():
        tell_large("small", small, None)
        tell_large("large", large)
        tell_large("missing", tmp_path / "missing")

    assert CliRunner().invoke(verb, []).stderr == "large\n"


def test_a_fast_verb_of_the_package_is_quiet_and_verbose():
    assert CliRunner().invoke(main, ["-q", "challenges"]).stderr == ""
    assert "done in" in CliRunner().invoke(main, ["challenges", "-v"]).stderr


def test_a_line_of_progress_on_a_terminal_is_not_shown_when_quiet(monkeypatch):
    @click.command()
    @exits_on_problems
    def verb():
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        line = ProgressLine("units")
        line.show((1, 2), (10, 20), 1.0)
        line.end()

    assert CliRunner().invoke(verb, ["-q"]).stderr == ""
    assert "1/2 units" in CliRunner().invoke(verb, []).stderr
