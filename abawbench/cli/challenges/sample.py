"""abawbench challenges sample: files of drawn numbers in the formats of a challenge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json

if TYPE_CHECKING:
    from abawbench.challenges import Challenge


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.option("-o", "--out", "folder", type=PATH, required=True, help="New folder for the files.")
@click.option(
    "--units", default=6, show_default=True, type=click.IntRange(2, 10_000), help="Videos, or persons in them."
)
@click.option("--rows", default=40, show_default=True, type=click.IntRange(6, 100_000), help="Rows of each.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Seed of the numbers.")
@json_option
@exits_on_problems
def command(challenge: Challenge, folder: Path, units: int, rows: int, seed: int, as_json: bool) -> None:
    """Write a truth, the list of its rows and a good prediction, of drawn numbers, in the formats of a challenge.

    The prediction is accepted, and scores well above chance. The same seed gives the same files.

    \b
    Example:
      abawbench challenges sample abaw11-ah -o out/sample
    """
    from abawbench.organisers.samples import sample, write_sample

    places = write_sample(sample(challenge, units=units, rows=rows, seed=seed), folder)
    if as_json:
        print_json({"challenge": challenge.id, **{name: str(path) for name, path in places.items()}})
        return
    for name, path in places.items():
        click.echo(f"{name:<10}  {path}")
