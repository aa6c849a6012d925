"""abawbench check: check a submission file against the organisers' rules, or an entry against those of every entry."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import CHALLENGE, PATH, json_option, submissions_option
from abawbench.cli.output import exits_on_problems, print_json, say_remarks, tell, tell_large, tell_pending, writing

if TYPE_CHECKING:
    from abawbench.base.problems import Problem
    from abawbench.challenges import Challenge, Task
    from abawbench.entries.conformance.suite import Report
    from abawbench.formats.repair import Repair

# rules that say that weights, or the folder of weights, are missing
MISSING = {"E11", "F01"}

template_option = click.option(
    "--template", type=PATH, help="The organisers' list: rows to predict, units, or a folder of templates."
)


@click.command()
@click.argument("target", metavar="CHALLENGE|ENTRY", shell_complete=CHALLENGE.shell_complete)
@click.argument("predictions", type=PATH, required=False)
@template_option
@click.option("--repair", "copy", type=PATH, metavar="OUT", help="Write a mended copy, if the mending is unambiguous.")
@submissions_option
@json_option
@click.pass_context
@exits_on_problems
def command(
    context: click.Context,
    target: str,
    predictions: Path | None,
    template: Path | None,
    copy: Path | None,
    submissions: Path,
    as_json: bool,
) -> None:
    """Check whether the organisers would accept PREDICTIONS: a file, a folder of per-unit files or of trials, or a zip.

    Every problem is counted, and the first three of each rule are shown. A file with notes (N...) alone is accepted.
    Exit status: 0 accepted, 1 refused; with --repair 0 if the mended copy is accepted.

    Without PREDICTIONS, check on drawn faces whether ENTRY does what every entry must; an entry that learns is fitted
    on them first. ENTRY is a folder of submissions/, the path of such a folder, `<folder>/tiny`, module:factory, or the
    name that an installed package registers.

    \b
    Example:
      abawbench check abaw4-mtl MTL_predictions.txt --template MTL_Challenge_test_set_release.txt
      abawbench check abaw11-ah submission.zip --template trial-0.txt --json
      abawbench check abaw6-expr predictions.txt --template list.txt --repair mended.txt
      abawbench check submissions/2026_abawbench_hog
      abawbench check 2019_kollias_facebehaviornet/tiny --json
    """
    if predictions is not None:
        challenge = CHALLENGE.convert(target, click.Argument(["challenge"]), context)
        tell_pending(context)
        tell_large(f"check: {predictions}", predictions, template)
        _check_file(challenge, predictions, template, copy, as_json=as_json)
        return
    from abawbench.challenges import find

    if find(target.lower()) is not None:
        raise click.UsageError("Missing argument 'PREDICTIONS'.", context)
    if template is not None or copy is not None:
        raise click.UsageError("--template and --repair go with a challenge and PREDICTIONS.", context)
    _check_entry(target, submissions, as_json=as_json)


def _check_file(
    challenge: Challenge, predictions: Path, template: Path | None, copy: Path | None, *, as_json: bool
) -> None:
    from abawbench.base.problems import ProblemError, render
    from abawbench.formats.check import check, is_accepted

    problems = check(challenge, predictions, template)
    is_ok = is_accepted(problems)
    repairs: tuple[Repair, ...] = ()
    remaining: Sequence[Problem] = ()
    if copy is not None:
        from abawbench.formats.repair import repair

        try:
            with writing(copy, predictions, template):
                repairs = repair(challenge, predictions, template, copy)
            is_ok = True
        except ProblemError as error:
            remaining, is_ok = error.problems, False
    if as_json:
        answer: dict[str, object] = {}
        if copy is not None:
            answer = {
                "repairs": [part.to_json() for part in repairs],
                "remaining": [problem.to_json() for problem in remaining],
            }
        print_json(answer, problems=problems, ok=is_ok)
    else:
        if problems:
            click.echo(render(problems))
        if copy is not None:
            _print_repair(repairs, remaining, copy)
        click.echo(_verdict(predictions, template, problems, copy if is_ok else None))
    if not is_ok:
        sys.exit(1)


def _print_repair(repairs: Sequence[Repair], remaining: Sequence[Problem], copy: Path) -> None:
    if remaining:
        rules = ", ".join(dict.fromkeys(problem.rule for problem in remaining if not problem.is_note))
        click.echo(f"{copy} not written; to be done by hand: {rules}")
        return
    for rule in dict.fromkeys(part.rule for part in repairs):
        group = [part for part in repairs if part.rule == rule]
        files = "" if len(group) == 1 else f", and in {len(group) - 1:,} more files"
        click.echo(f"mended {rule}: {group[0].what}{files}")
    click.echo(f"{copy} written" if repairs else f"{copy} written: a plain copy, nothing to mend")


def _verdict(predictions: Path, template: Path | None, problems: Sequence[Problem], copy: Path | None) -> str:
    rows = "" if template else ", as far as it can be told without --template"
    refusing = list(dict.fromkeys(problem.rule for problem in problems if not problem.is_note))
    if not refusing:
        notes = " with notes" if problems else ""
        return f"ACCEPTED{notes}{rows}: {predictions}"
    if copy is not None:
        return f"ACCEPTED after mending{rows}: {copy}"
    return f"REFUSED{rows}: {predictions} breaks {len(refusing)} rule{'s'[: len(refusing) > 1]} ({', '.join(refusing)})"


def _check_entry(name: str, submissions: Path, *, as_json: bool) -> None:
    """Check an entry and print the findings; exit with 1 if a check fails."""
    tell(f"check: {name}, on drawn faces")
    from abawbench.entries import load_entry
    from abawbench.entries.conformance.suite import FILLED_IN, Finding, conform
    from abawbench.entries.loading import find_entry_file
    from abawbench.entries.templates import find_placeholders

    path = find_entry_file(name, root=submissions)
    tasks = None if path is None else _tasks(path)
    report = conform(lambda: load_entry(name, root=submissions), tasks)
    placeholders = () if path is None else find_placeholders(path)
    if placeholders:
        report = replace(report, findings=(Finding(FILLED_IN, placeholders), *report.findings))
    hint = None if path is None else _hint(report, path)
    say_remarks(report.notes)
    if as_json:
        problems = (*report.problems, *report.on_weights)
        print_json({"entry": name, **report.to_json(), "hint": hint}, problems=problems, ok=report.is_ok)
    else:
        _print_findings(name, report, hint)
    if not report.is_ok:
        sys.exit(1)


def _tasks(path: Path) -> tuple[Task, ...] | None:
    """The tasks of an entry's vocabulary; None if its file is wrong, which loading reports in full."""
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


def _print_findings(name: str, report: Report, hint: str | None) -> None:
    from abawbench.base.problems import render

    for finding in report.findings:
        reason = "" if finding.left_out is None else f": {finding.left_out}"
        click.echo(f"{finding.state:8s}  {finding.name}{reason}")
    if report.problems or report.on_weights:
        click.echo(render((*report.problems, *report.on_weights)))
    if hint is not None:
        click.echo(f"hint: {hint}")
    if report.size is not None:
        parameters, work = report.size.parameters, report.size.multiply_adds
        click.echo(f"backbones: {parameters:,} parameters, {work:,} multiply-adds a crop")
    states = [finding.state for finding in report.findings]
    if report.is_ok:
        left = states.count("left out")
        click.echo(f"ACCEPTED: {name} passes {states.count('ok')} checks" + (f", {left} left out" if left else ""))
    else:
        failed = states.count("FAILED")
        rules = ", ".join(dict.fromkeys(problem.rule for problem in report.problems))
        click.echo(f"REFUSED: {name} fails {failed} check{'s'[: failed > 1]} ({rules})")
