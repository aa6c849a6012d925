"""abawbench challenges: list the editions and tracks, describe one, or make one of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli import Verbs
from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, say

if TYPE_CHECKING:
    from abawbench.base.problems import Problem
    from abawbench.challenges import Challenge

# verb -> (module:attribute, short help); the short help stands here so that --help imports no verb
VERBS: dict[str, tuple[str, str]] = {
    "show": ("abawbench.cli.challenges:show", "List the challenges, or describe one; the word may be left out."),
    "new": ("abawbench.cli.challenges.new:command", "Write a challenge of your own, like another one."),
    "sample": ("abawbench.cli.challenges.sample:command", "Write a truth, a list and a prediction of drawn numbers."),
}


class _Challenges(Verbs):
    """The verbs on challenges; words that begin with none of them are those of `show`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        is_verb = bool(args) and (args[0] in self.list_commands(ctx) or args[0] in self.get_help_option_names(ctx))
        return super().parse_args(ctx, args if is_verb else ["show", *args])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a verb: `show`, where the first word is no other."""
        is_verb = bool(args) and args[0] in self.list_commands(ctx)
        return super().resolve_command(ctx, args if is_verb else ["show", *args])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """The verbs and the ids of challenges that begin with what is typed."""
        param = click.Argument(["challenge"])
        return [*super().shell_complete(ctx, incomplete), *CHALLENGE.shell_complete(ctx, param, incomplete)]


@click.group(cls=_Challenges, groups={"Commands": VERBS})
def command() -> None:
    """List the editions and tracks; with an id describe one; make one of your own.

    \b
    Example:
      abawbench challenges
      abawbench challenges abaw4-mtl
      abawbench challenges abaw4-mtl --json
      abawbench challenges new kitchen-va --like abaw10-va
    """


@click.command("challenges")
@click.argument("challenge", type=CHALLENGE, required=False)
@click.option("--participants", is_flag=True, help="Print the documentation for participants, in Markdown.")
@click.option("-o", "--out", type=PATH, help="New folder for the pages of --participants, one for each subject.")
@json_option
@exits_on_problems
def show(challenge: Challenge | None, participants: bool, out: Path | None, as_json: bool) -> None:
    """List the editions and tracks; with an id describe one: tasks, formula, formats, sizes, rules and sources.

    A fact without a source is marked as assumed, with the reason. Challenges of your own are listed where they lie in
    challenges/, or in the folders that ABAWBENCH_CHALLENGES lists.

    \b
    Example:
      abawbench challenges
      abawbench challenges abaw4-mtl
      abawbench challenges abaw4-mtl --json
      abawbench challenges abaw11-ah --participants -o out/pages
    """
    if participants:
        _show_pages(challenge, out, as_json=as_json)
        return
    if out is not None:
        raise click.UsageError("--out goes with --participants")
    from abawbench.cli.challenges import describe

    if challenge is None:
        _list_all(as_json=as_json)
    elif as_json:
        print_json(describe.whole(challenge))
    else:
        describe.print_one(challenge)


def _list_all(*, as_json: bool) -> None:
    from abawbench.challenges import CHALLENGES, known
    from abawbench.cli.challenges.describe import brief, print_all, print_legend

    records = list(CHALLENGES.values())
    own = [challenge for name, challenge in known().items() if name not in CHALLENGES]
    problems = _problems_of_own()
    if as_json:
        listed = {"challenges": [brief(record) for record in (*records, *own)]}
        print_json(listed, problems=problems, ok=True)
        return
    print_all(records)
    if own:
        click.echo()
        print_all(own, "Your own")
    print_legend()
    for file in dict.fromkeys(problem.file for problem in problems):
        count = sum(problem.file == file for problem in problems)
        say(f"note: {file} is left out, {count} problem{'s'[: count > 1]}: `abawbench challenges {file}` tells them")


def _problems_of_own() -> list[Problem]:
    """The problems of files in the folders of challenges of your own, which no other verb would tell."""
    from abawbench.base.problems import ProblemError
    from abawbench.challenges.lookup import own_files, read_file

    problems: list[Problem] = []
    for path in own_files():
        try:
            read_file(path)
        except ProblemError as error:
            problems += error.problems
    return problems


def _show_pages(challenge: Challenge | None, out: Path | None, *, as_json: bool) -> None:
    if challenge is None:
        raise click.UsageError("--participants needs a challenge")
    from abawbench.organisers.participants import markdown, pages

    if out is None:
        made = pages(challenge) if as_json else {}
        if as_json:
            print_json({"challenge": challenge.id, "pages": dict(made)})
        else:
            click.echo(markdown(challenge), nl=False)
        return
    from abawbench.base.files import write_folder

    files = {f"{name}.md": text.encode() for name, text in pages(challenge).items()}
    write_folder(out, files)
    if as_json:
        print_json({"challenge": challenge.id, "folder": str(out), "files": list(files)})
    else:
        click.echo(f"{out} written: {', '.join(files)}")
