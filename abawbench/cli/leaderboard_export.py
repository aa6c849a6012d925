"""abawbench leaderboard export: a record in the formats of other projects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import json_option
from abawbench.cli.output import exits_on_problems, print_json

if TYPE_CHECKING:
    from abawbench.exports.formats import Format


@click.command(short_help="Write a record in the formats of other projects.")
@click.argument("record", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--format", "form", type=click.Choice(["every-eval-ever", "eval-results", "model-card"]), required=True,
    help="JSON of Every Eval Ever, .eval_results of the Hugging Face Hub, or a model card.",
)  # fmt: skip
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True,
    help="Folder in which the file takes the place that its readers expect.",
)  # fmt: skip
@click.option("--evaluator", default="", help="every-eval-ever: who made the score.")
@click.option(
    "--relationship", type=click.Choice(["first_party", "third_party", "collaborative", "other"]), default=None,
    help="every-eval-ever: the evaluator's relationship to the makers of the entry.",
)  # fmt: skip
@click.option("--dataset", default="", help="eval-results: the benchmark's data set on the Hub, as owner/name.")
@json_option
@exits_on_problems
def export(
    record: Path, form: Format, out: Path, evaluator: str, relationship: str | None, dataset: str, as_json: bool
) -> None:
    """Write RECORD in the format of another project, with the interval to quote of every figure.

    \b
    Example:
      abawbench leaderboard export record.json --format model-card -o out/card
      abawbench leaderboard export record.json --format every-eval-ever -o out/eee \\
          --evaluator "My laboratory" --relationship first_party
    """
    from abawbench.exports.formats import export_record, write_beside
    from abawbench.records import read_agreeing

    files = export_record(
        read_agreeing(record), form, evaluator=evaluator, relationship=relationship or "", dataset=dataset
    )  # fmt: skip
    paths = write_beside(files, out)
    if as_json:
        print_json({"files": [str(path) for path in paths]})
        return
    for path in paths:
        click.echo(f"wrote {path}")
