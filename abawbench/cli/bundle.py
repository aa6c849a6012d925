"""abawbench bundle: make the bundle of an event for a hosted platform, or an event file to fill in."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, say_remarks, tell, writing

if TYPE_CHECKING:
    from abawbench.challenges import Challenge

# platform -> its name for a reader
NAMES = {"codabench": "Codabench", "evalai": "EvalAI", "kaggle": "Kaggle"}
_HELP = """Make the bundle of an event for {name}: everything that the platform asks for, in a folder and as a zip.

Dates, phases, limits and texts come from the event file. A phase has a truth and a list of its own, or all have one.
The folder is new, or holds an earlier bundle that nobody has changed. The same inputs and date give the same bytes.

\b
Example:
  abawbench bundle {platform} abaw11-ah --event event.toml --truth test.txt --template trial-0.txt -o out
  abawbench bundle {platform} abaw10-va --event event.toml --truth validation=val/ --truth test=test/ \\
    --template test=ABAW_VA_test_set_sample.txt -o out
"""


@click.group()
def command() -> None:
    """Make everything that Codabench, EvalAI or Kaggle asks for, from an event, its truths and its lists.

    \b
    Example:
      abawbench bundle event abaw11-ah -o event.toml
      abawbench bundle codabench abaw11-ah --event event.toml --truth test.txt --template trial-0.txt -o out
    """


@command.command(short_help="Write an event file to fill in.")
@click.argument("challenge", type=CHALLENGE)
@click.option("--out", "-o", type=PATH, required=True, help="The file to write, which is new.")
@json_option
@exits_on_problems
def event(challenge: Challenge, out: Path, *, as_json: bool) -> None:
    """Write an event file for CHALLENGE, with a comment for every key.

    What begins with "write" is to be filled in; every verb that reads the file refuses it until then.

    \b
    Example:
      abawbench bundle event abaw11-ah -o event.toml
    """
    from abawbench.organisers.events.template import write_event

    write_event(challenge, out)
    if as_json:
        print_json({"file": str(out), "challenge": challenge.id})
    else:
        click.echo(f"{out}: fill it in, then give it to `abawbench bundle codabench|evalai|kaggle --event`")


def _platform(platform: str) -> click.Command:
    """The verb of a platform."""
    short = f"Make the bundle for {NAMES[platform]}."

    @click.command(platform, help=_HELP.format(name=NAMES[platform], platform=platform), short_help=short)
    @click.argument("challenge", type=CHALLENGE)
    @click.option("--event", "event_path", type=PATH, help="The event file; `abawbench bundle event` writes one.")
    @click.option("--truth", multiple=True, metavar="[PHASE=]PATH", help="Truth of every phase, or of one.")
    @click.option(
        "--template", multiple=True, metavar="[PHASE=]PATH", help="Organisers' list of every phase, or of one."
    )
    @click.option("--out", "-o", type=PATH, required=True, help="The folder to write.")
    @click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Date of the making.  [default: today]")
    @json_option
    @exits_on_problems
    def verb(
        challenge: Challenge,
        event_path: Path | None,
        truth: tuple[str, ...],
        template: tuple[str, ...],
        out: Path,
        day: datetime | None,
        *,
        as_json: bool,
    ) -> None:
        if event_path is None:
            hint = f"`abawbench bundle event {challenge.id} -o event.toml` writes one to fill in"
            raise click.UsageError(f"Missing option '--event'; {hint}.")
        if not truth:
            raise click.UsageError("Missing option '--truth'.")
        _make(
            platform, challenge, event_path, truth, template, out, None if day is None else day.date(), as_json=as_json
        )

    return verb


def _make(
    platform: str,
    challenge: Challenge,
    event_path: Path,
    truth: tuple[str, ...],
    template: tuple[str, ...],
    out: Path,
    made: date | None,
    *,
    as_json: bool,
) -> None:
    tell(f"bundle: {event_path} for {NAMES[platform]}, into {out}")
    from abawbench.api.organisers import bundle as make
    from abawbench.base.problems import remarks
    from abawbench.organisers.bundles.inputs import by_phase, require_challenge
    from abawbench.organisers.events.event import read_event

    known = read_event(event_path)
    require_challenge(known, challenge)
    truths, templates = by_phase(known, truth, "--truth"), by_phase(known, template, "--template")
    with writing(out, event_path, *truths.values(), *templates.values()):
        bundle = make(platform, event_path, truths, out, template=templates, made=made)
    say_remarks(remarks(bundle.notes))
    if as_json:
        paths = {name: str(getattr(bundle, name)) for name in ("folder", "content", "archive")}
        print_json({"platform": platform, **paths, "files": list(bundle.files)}, problems=bundle.notes)
        return
    click.echo(f"{bundle.content}: {len(bundle.files)} files for {NAMES[platform]}")
    click.echo(f"{bundle.archive}: the same as a zip")
    click.echo(f"then: abawbench rehearse {bundle.folder}")


for _name in NAMES:
    command.add_command(_platform(_name))
