"""abawbench mailroom: mailed submissions in; a board, a reply for each team and a journal out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.check import template_option
from abawbench.cli.options import CHALLENGE, PATH, cluster_options, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table, say, stage, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from abawbench.challenges import Challenge
    from abawbench.organisers.mail.run import Outputs

PAUSE_S = 5.0


@click.command()
@click.argument("inbox", type=PATH)
@click.option("--challenge", type=CHALLENGE, required=True, metavar="ID", help="The challenge, as abaw11-ah.")
@click.option("--truth", type=PATH, required=True, help="The annotations of the split.")
@click.option("-o", "--out", type=PATH, required=True, help="Folder of the mail room, new or of an earlier run.")
@template_option
@click.option("--roster", "roster_file", type=PATH, help="CSV of the teams: team, address, aliases.")
@click.option("--event", "event_file", type=PATH, help="event.toml with phases, deadlines, quotas and texts.")
@click.option("--phase", help="Codename of the phase of the truth, where the event has several.")
@click.option("--final", "is_final", is_flag=True, help="Also write a certificate for each team.")
@click.option("--anew", "is_anew", is_flag=True, help="Judge every trial again, as after a change of the truth.")
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one for each core]")
@cluster_options
@json_option
@exits_on_problems
def command(
    inbox: Path,
    challenge: Challenge,
    truth: Path,
    out: Path,
    template: Path | None,
    roster_file: Path | None,
    event_file: Path | None,
    phase: str | None,
    workers: int | None,
    address: str | None,
    *,
    is_final: bool,
    is_anew: bool,
    as_json: bool,
) -> None:
    """Judge the mails in INBOX and write a board, a reply for each team and a journal.

    INBOX holds mails (.eml), zips and files, in folders of teams or not, in any order. Nothing in it is executed or
    changed. Started again, the command does only what is new; replies that were written stay as they are. Exit status:
    1 where the organisers must look at something, as a mail of an unknown sender. What is wrong with a submission is
    told to its team.

    \b
    Example:
      abawbench mailroom inbox --challenge abaw11-ah --truth test.csv --template list.txt --roster teams.csv -o room
      abawbench mailroom inbox --challenge abaw10-va --truth labels --event event.toml -o room --final
    """
    tell(f"mailroom: {inbox}, into {out}")
    from abawbench.api import read_table
    from abawbench.organisers.mail.run import inputs_of, run_mailroom

    inputs = inputs_of(challenge, truth, inbox, out, template, roster_file, event_file, phase=phase)
    with stage("reading the truth"):
        table = read_table(challenge, truth, "truth")
    found = run_mailroom(
        inputs, table, out, workers=workers, address=address, is_anew=is_anew, is_final=is_final, told=_progress()
    )
    _print(found, out, as_json=as_json)
    if any(not problem.is_note for problem in found.problems):
        sys.exit(1)


def _progress() -> Callable[[str, int, int], None]:
    """A function that tells progress at once, and then now and then."""
    import time

    shown: dict[str, float] = {}
    words = {
        "mails": "{of:,} mails and files: {done:,} read",
        "trials": "{of:,} trials to judge: {done:,} judged",
        "board": "ranking",
    }

    def told(what: str, done: int, of: int) -> None:
        now = time.monotonic()
        is_due = what not in shown or now - shown[what] > PAUSE_S or (done == of and what != "board")
        if is_due and (of or what == "mails"):
            shown[what] = now
            tell(words[what].format(done=done, of=of))

    return told


def _print(found: Outputs, out: Path, *, as_json: bool) -> None:
    from abawbench.base.number_text import format_figure, format_interval
    from abawbench.base.problems import inert, render
    from abawbench.organisers.mail.account import slug
    from abawbench.scoring.criteria import figure_name

    board = found.board
    counts = {state: sum(one.state == state for one in board.trials) for state in {one.state for one in board.trials}}
    if found.problems:
        say(render(found.problems))
    if as_json:
        values = {
            "board": board.to_json(),
            "outcomes": dict(sorted(counts.items())),
            "unknown": [mail.place for mail, _ in found.unknown],
            "without_prediction": [mail.place for mail in found.questions],
            "replies": {
                team: f"replies/{slug(team)}/reply-{reply.number}.eml" for team, reply in sorted(found.replies.items())
            },
            "written": [path.relative_to(out).as_posix() for path in found.written],
        }
        print_json(values, problems=found.problems)
        return
    if board.standings:
        print_table(
            [
                [
                    one.rank,
                    "-".join(str(end) for end in dict.fromkeys(one.range)),
                    one.team,
                    format_figure(one.value),
                    format_interval(one.interval),
                    f"{one.scored} of {one.sent}",
                ]
                for one in board.standings
            ],
            ["rank", "range", "team", figure_name(board.figure), "95 % interval", "scored"],
            board.terms.title,
            keys=3,
        )
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items())) or "none"
    click.echo(f"trials: {told}")
    click.echo(
        f"{len(found.replies):,} new {'reply' if len(found.replies) == 1 else 'replies'} in {out / 'replies'}; "
        f"{len(found.unknown):,} {'mail' if len(found.unknown) == 1 else 'mails'} of unknown teams"
    )
    for mail in found.questions:
        click.echo(inert(f"without a prediction, perhaps a question: {mail.place} {mail.opened.subject!r}"))
    click.echo(f"{out / 'board.html'}: board; {len(found.written):,} files new or changed")
