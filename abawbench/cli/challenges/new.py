"""abawbench challenges new: the file of a challenge of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json

if TYPE_CHECKING:
    from abawbench.challenges import Challenge


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--like", type=CHALLENGE, required=True, help="Challenge to begin with: an id, or a file of your own.")
@click.option(
    "-o",
    "--out",
    "folder",
    type=PATH,
    default=Path("challenges"),
    show_default=True,
    help="Folder of the file; ids are looked up in challenges/, and in the folders that ABAWBENCH_CHALLENGES lists.",
)
@json_option
@exits_on_problems
def command(identifier: str, like: Challenge, folder: Path, as_json: bool) -> None:
    """Write the file of a challenge of your own, ID.toml, like another one but for its id. Nothing is overwritten.

    Every verb takes the file's path in the place of an id, and its id where the folder is looked into. An id such as
    abaw12-va is that of an edition. As it is, the challenge scores as the other one does; change tasks, metric,
    formats, sizes, rules and sources to what you ask for, and `abawbench challenges ID` shows it, or says what does not
    fit.

    \b
    Example:
      abawbench challenges new kitchen-va --like abaw10-va
      abawbench challenges new abaw12-expr --like abaw10-expr -o editions
    """
    from abawbench.challenges.own import write_new

    path, challenge = write_new(identifier, like, folder)
    if as_json:
        print_json({"challenge": challenge.id, "file": str(path), "fingerprint": challenge.fingerprint})
    else:
        click.echo(f"{path} written, like {like.id}; `abawbench challenges {path}` shows it")
