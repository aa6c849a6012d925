"""abawbench rehearse: run submissions through a bundle as its platform does, or put a validator to the test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table, say, tell, writing

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.organisers.rehearsal.run import Rehearsal
    from abawbench.organisers.rehearsal.validators import Validated

MEBIBYTE = 1 << 20
# submissions of a dress rehearsal that are always shown
GOOD = ("good submission", "sample submission")
HEADERS = ["submission", "phase", "profile", "platform says", "outcome", "on board", "score", "right"]
# submissions of which the text that a team reads is printed
MOST_SHOWN = 5


@click.command()
@click.argument("bundle", type=PATH, required=False)
@click.argument("submissions", type=PATH, nargs=-1)
@click.option("--platform", type=click.Choice(["codabench", "evalai", "kaggle"]), help="By default as the bundle is.")
@click.option(
    "--profile", "names", multiple=True, metavar="NAME", default=["platform"], show_default=True,
    help="Conditions of a run; may be given several times, joined as a+b, or all.",
)  # fmt: skip
@click.option("--profiles", "lists_profiles", is_flag=True, help="List the profiles.")
@click.option("--phase", help="Codename of the one phase to run.")
@click.option("--challenge", type=CHALLENGE, help="Challenge; by default the one that the bundle names.")
@click.option("--python", help="Interpreter that runs the program; it needs NumPy.")
@click.option("--time", "time_s", default=600.0, show_default=True, type=click.FloatRange(1), help="Seconds of a run.")
@click.option("--memory", default=4096, show_default=True, type=click.IntRange(64), help="MiB of a process.")
@click.option("--workers", type=click.IntRange(1), help="Runs at a time.  [default: one for each core]")
@click.option("--out", "-o", type=PATH, metavar="PAGE", help="Also write a page.")
@click.option("--validator", type=PATH, help="Put this script to the test, instead of a bundle.")
@click.option(
    "--command", "call", default="{python} {script} {submission} {template}", show_default=True,
    help="--validator: how it is called.",
)  # fmt: skip
@click.option(
    "--accepts-if", metavar="REGEX", help="--validator: its output where it accepts.  [default: exit status 0]"
)
@click.option("--with-zips", is_flag=True, help="--validator: also give it zips.")
@json_option
@exits_on_problems
def command(
    bundle: Path | None,
    submissions: tuple[Path, ...],
    platform: str | None,
    names: tuple[str, ...],
    lists_profiles: bool,
    phase: str | None,
    challenge: Challenge | None,
    python: str | None,
    time_s: float,
    memory: int,
    workers: int | None,
    out: Path | None,
    validator: Path | None,
    call: str,
    accepts_if: str | None,
    with_zips: bool,
    as_json: bool,
) -> None:
    """Run SUBMISSIONS through the program of BUNDLE as its platform does, and show what a participant would see.

    Without SUBMISSIONS, a dress rehearsal: a good submission and every planted fault, each of which must be scored or
    refused as `abawbench check` and `score` say. BUNDLE is a folder of `abawbench bundle`, or the zip to upload.
    Nothing of a submission is executed. Exit status: 0 all as it should be, 1 not.

    With --validator, an organiser's own script gets a good sample of --challenge and the same faults; those that it
    misses, and good ones that it refuses, are listed.

    \b
    Example:
      abawbench rehearse out
      abawbench rehearse out team7.zip team9.zip --profile mac-zip --profile read-only+no-network -o rehearsal.html
      abawbench rehearse --validator validate_submission.py --challenge abaw11-ah
    """
    if lists_profiles:
        _list_profiles(as_json=as_json)
        return
    from abawbench.organisers.rehearsal.interpreters import ask
    from abawbench.organisers.rehearsal.sandbox import Limits

    if (bundle is None) == (validator is None):
        raise click.UsageError("Name a BUNDLE, or a script with --validator.")
    interpreter = None if python is None else ask(python)
    if validator is not None:
        if challenge is None:
            raise click.UsageError("--validator needs --challenge.")
        from abawbench.organisers.rehearsal.validators import validate

        tell(f"rehearse: {validator} on the planted faults of {challenge.id}")
        validated = validate(
            validator,
            challenge,
            command=call,
            accepts_if=accepts_if,
            with_zips=with_zips,
            interpreter=interpreter,
            limits=Limits(min(time_s, 60.0), memory * MEBIBYTE),
            workers=workers,
            progress=_progress(),
        )
        _print_validated(validated, as_json=as_json)
        return
    assert bundle is not None
    tell(f"rehearse: {bundle}, {', '.join(names)}")
    from abawbench.organisers.rehearsal import open_bundle, read_profiles, read_sent, rehearse

    opened = open_bundle(bundle, platform)
    rehearsal = rehearse(
        opened,
        [read_sent(path, opened.platform) for path in submissions],
        profiles=read_profiles(names),
        challenge=challenge,
        phase=phase,
        limits=Limits(time_s, memory * MEBIBYTE),
        interpreter=interpreter,
        workers=workers,
        progress=_progress(),
    )
    if out is not None:
        from abawbench.base.files import write_text
        from abawbench.organisers.rehearsal.report import render_rehearsal

        with writing(out, bundle, *submissions):
            write_text(out, render_rehearsal(rehearsal))
    _print_rehearsal(rehearsal, is_dress=not submissions, as_json=as_json)
    if not rehearsal.is_ok:
        sys.exit(1)


def _list_profiles(*, as_json: bool) -> None:
    from abawbench.organisers.rehearsal.profiles import PROFILES

    if as_json:
        print_json({"profiles": {name: profile.description for name, profile in PROFILES.items()}})
    else:
        print_table([[name, profile.description] for name, profile in PROFILES.items()], ["profile", "conditions"])


def _progress() -> Callable[[int, int], None]:
    """A function that tells how many runs are done, every tenth of them."""
    told = {"tenth": 0}

    def show(done: int, total: int) -> None:
        tenth = 10 * done // total
        if tenth > told["tenth"] and total > 10:
            told["tenth"] = tenth
            tell(f"{done}/{total} runs")

    return show


def _print_rehearsal(rehearsal: Rehearsal, *, is_dress: bool, as_json: bool) -> None:
    from abawbench.base.problems import inert, render
    from abawbench.organisers.rehearsal.report import counted, table_rows, told

    if as_json:
        print_json(rehearsal.to_json(), problems=rehearsal.all_problems, ok=rehearsal.is_ok)
        return
    shown = [one for one in rehearsal.outcomes if not is_dress or not one.is_right or one.submission in GOOD]
    print_table(list(table_rows(shown)), HEADERS, keys=3, optional=("platform says",))
    wrong_first = sorted(shown, key=lambda one: one.is_right)
    for name, profiles, lines in told(wrong_first[:MOST_SHOWN] if is_dress else shown):
        click.echo(f"\n{inert(name)} ({', '.join(profiles)}): what the team reads")
        for line in lines:
            click.echo(f"    {line}")
    if rehearsal.all_problems:
        say(render(rehearsal.all_problems))
    click.echo(f"\n{rehearsal.platform}, {rehearsal.interpreter}: {counted(rehearsal)}")
    click.echo("READY" if rehearsal.is_ok else "NOT READY")


def _print_validated(validated: Validated, *, as_json: bool) -> None:
    if as_json:
        print_json(validated.to_json(), ok=validated.is_ok)
    else:
        rows: list[list[Any]] = [
            [one.name, "accepts" if not one.is_refused else "refuses", ", ".join(sorted(one.rules)), one.says[-60:]]
            for one in validated.verdicts
            if not one.is_right
        ]
        if rows:
            print_table(rows, ["submission", "the validator", "check gives", "it says"], optional=("it says",))
        faults = sum(one.should_refuse for one in validated.verdicts)
        good = len(validated.verdicts) - faults
        click.echo(
            f"\n{validated.script}: misses {len(validated.missed)} of {faults} faults, "
            f"refuses {len(validated.wrongly_refused)} of {good} that are good"
        )
    if not validated.is_ok:
        sys.exit(1)
