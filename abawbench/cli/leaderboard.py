"""abawbench leaderboard: build and check the tables of published facts and records."""

from __future__ import annotations

from pathlib import Path

import click

from abawbench.cli.leaderboard_export import export
from abawbench.cli.options import Decorator, json_option
from abawbench.cli.output import exits_on_problems, print_json, say, tell


def root_option(*, must_exist: bool) -> Decorator:
    """The option --root."""
    return click.option(
        "--root",
        type=click.Path(path_type=Path, file_okay=False, exists=must_exist),
        default=Path("leaderboard"),
        show_default=True,
        help="Folder with published/ and records/; the tables go there.",
    )


published_option: Decorator = click.option(
    "--published",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="Folder of further published facts, as CSV files; may be given again.",
)


@click.group()
def command() -> None:
    """Build or check the tables of published facts and records, one for each challenge.

    \b
    Example:
      abawbench leaderboard build
      abawbench leaderboard check
    """


command.add_command(export)


@command.command(short_help="Write every table and the index.")
@root_option(must_exist=False)
@published_option
@json_option
@exits_on_problems
def build(root: Path, published: tuple[Path, ...], *, as_json: bool) -> None:
    """Write the Markdown, CSV and LaTeX table of every challenge, and the index.

    A folder without published/ and records/ gets the tables of the published facts that come with abawbench. With
    --published come facts of further editions and of challenges of your own: docs/records.md shows how they look.

    \b
    Example:
      abawbench leaderboard build --root leaderboard
      abawbench leaderboard build --root out/board --published examples/own_board
    """
    tell(f"leaderboard: building {root}")
    from abawbench.base.files import read_input, write_text
    from abawbench.base.problems import render
    from abawbench.leaderboard.build import build as build_tables
    from abawbench.leaderboard.build import facts_folder, outdated

    if (facts := facts_folder(root)).parent != root:
        tell(f"published facts: {facts}")
    texts = build_tables(root, published)
    left_out = outdated(root)
    if left_out:
        say(f"{render(left_out)}\nleft out of the tables: records of other definitions, {len(left_out)}")
    changed = [path for path, text in texts.items() if not path.is_file() or read_input(path) != text.encode()]
    for path in changed:
        write_text(path, texts[path])
        if not as_json:
            click.echo(f"wrote {path}")
    if as_json:
        print_json(
            {"written": [str(path) for path in changed], "unchanged": len(texts) - len(changed)},
            problems=left_out,
            ok=True,
        )
        return
    click.echo(f"{len(texts)} files: {len(changed)} written, {len(texts) - len(changed)} as they were")


@command.command(short_help="Check that tables, facts and records are right.")
@root_option(must_exist=True)
@published_option
@json_option
@exits_on_problems
def check(root: Path, published: tuple[Path, ...], *, as_json: bool) -> None:
    """Check that tables are as `build` writes them, and that facts and records are consistent; exit with 1 if not.

    \b
    Example:
      abawbench leaderboard check --root leaderboard
    """
    from abawbench.base.problems import ProblemError
    from abawbench.leaderboard.build import check as check_tables

    problems = check_tables(root, published)
    if problems:
        raise ProblemError(*problems)
    if as_json:
        print_json({})
        return
    click.echo("facts and records are consistent, tables are up to date")
