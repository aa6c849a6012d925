"""abawbench frequencies: compare the shares of predicted classes with published ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import CHALLENGE, PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_paragraph, print_table, say_remarks, tell_large

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.scoring.frequencies import Frequencies


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("predictions", type=PATH)
@json_option
@exits_on_problems
def command(challenge: Challenge, predictions: Path, as_json: bool) -> None:
    """Print how often PREDICTIONS name each class, beside the published frames of the data where they are known.

    Compound expressions have no public labels. A model that is right has shares like the published ones; one that has
    such shares need not be right.

    \b
    Example:
      abawbench frequencies abaw7-ce predictions.txt
    """
    tell_large(f"frequencies: {predictions}", predictions)
    from abawbench.api import read_table
    from abawbench.base.problems import remarks
    from abawbench.scoring.frequencies import frequencies

    table = read_table(challenge, predictions, "prediction")
    found = frequencies(challenge, table)
    say_remarks(remarks(table.notes))
    if as_json:
        print_json({"challenge": challenge.id, "tasks": [one.to_json() for one in found]}, problems=table.notes)
        return
    for one in found:
        _print(one)


def _print(found: Frequencies) -> None:
    total = max(sum(found.predicted.values()), 1)
    rows = [[name, f"{count:,}", f"{count / total:.1%}"] for name, count in found.predicted.items()]
    headers = [found.task, "predicted", "share"]
    if found.published:
        frames = sum(found.published.values())
        rows = [[*row, f"{found.published[row[0]] / frames:.1%}"] for row in rows]
        headers.append("published")
    print_table(rows, headers)
    if found.divergence is not None:
        click.echo(f"Kullback-Leibler divergence from the published shares: {found.divergence:.4f} nats")
        print_paragraph(f"published: {found.source}")
    else:
        print_paragraph("no published frames of these classes are known")
