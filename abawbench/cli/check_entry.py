"""What `abawbench check` says of an entry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.output import print_json

if TYPE_CHECKING:
    from abawbench.challenges import Task
    from abawbench.entries.conformance.suite import Report

# weights, or the folder they come in
MISSING = {"E11", "F01"}


def check_entry(name: str, submissions: Path, *, as_json: bool) -> None:
    """Print what came of each check of an entry; exit with 1 where one failed."""
    from abawbench.entries import load_entry
    from abawbench.entries.conformance.suite import conform
    from abawbench.entries.loading import find

    path = find(name, root=submissions)
    tasks = None if path is None else _tasks(path)
    report = conform(lambda: load_entry(name, root=submissions), tasks)
    hint = None if path is None else _hint(report, path)
    if as_json:
        print_json({"entry": name, **report.to_json(), "hint": hint})
    else:
        _print(name, report, hint)
    if not report.is_ok:
        sys.exit(1)


def _tasks(path: Path) -> tuple[Task, ...] | None:
    """The vocabulary of an entry's file; None where the file is wrong, which loading tells in full."""
    from abawbench import challenges
    from abawbench.base.problems import ProblemError
    from abawbench.entries.entry_file import read_entry_file

    try:
        return challenges.get(read_entry_file(path).vocabulary).tasks
    except ProblemError:
        return None


def _hint(report: Report, path: Path) -> str | None:
    tiny = path.with_name("tiny.toml")
    if path == tiny or not tiny.is_file() or not MISSING & {problem.rule for problem in report.problems}:
        return None
    return f"abawbench check {path.parent / 'tiny'} runs anywhere: the same parts, small, with random weights"


def _print(name: str, report: Report, hint: str | None) -> None:
    from abawbench.base.problems import render

    for finding in report.findings:
        reason = "" if finding.left_out is None else f": {finding.left_out}"
        click.echo(f"{finding.state:8s}  {finding.name}{reason}")
    if report.problems:
        click.echo(render(report.problems))
    if hint is not None:
        click.echo(f"hint: {hint}")
    states = [finding.state for finding in report.findings]
    if report.is_ok:
        left = states.count("left out")
        click.echo(f"ACCEPTED: {name} passes {states.count('ok')} checks" + (f", {left} left out" if left else ""))
    else:
        failed = states.count("FAILED")
        rules = ", ".join(dict.fromkeys(problem.rule for problem in report.problems))
        click.echo(f"REFUSED: {name} fails {failed} check{'s'[: failed > 1]} ({rules})")
