"""abawbench write: write predictions as the challenge's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from abawbench.cli.options import (
    CHALLENGE,
    PATH,
    TunedOptions,
    allow_filled_option,
    choice_option,
    json_option,
    tuned_files,
    tuned_options,
)
from abawbench.cli.output import exits_on_problems, print_json, say_remarks, tell_large, writing
from abawbench.fill import POLICIES

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.fill import Policy


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("predictions", type=PATH)
@click.option("--template", type=PATH, required=True, help="The organisers' list of rows or units to predict.")
@click.option("--out", "-o", type=PATH, required=True, help="The file to write, or a new folder for per-unit files.")
@choice_option(
    "--fill",
    "policy",
    choices=POLICIES,
    default="error",
    text="Fill policy for rows without a prediction.",
)
@allow_filled_option
@tuned_options()
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    predictions: Path,
    template: Path,
    out: Path,
    policy: Policy,
    allow_filled: float,
    tuned: Path | None,
    as_json: bool,
    **options: Unpack[TunedOptions],
) -> None:
    """Write PREDICTIONS as the challenge's file, with the rows, order and repetitions of the organisers' list.

    PREDICTIONS are a file or folder in a format of the challenge, a Parquet file, a CSV file with the columns video and
    frame, or a store of `predict`. Nothing is written that `abawbench check` would refuse.

    \b
    Example:
      abawbench write abaw10-va predictions.parquet --template ABAW_VA_test_set_sample.txt -o predictions.txt
      abawbench write abaw10-vd mine/ --template Expected_Output_Files -o submission/ --fill previous
    """
    from abawbench.api import read_predictions
    from abawbench.base.problems import remarks
    from abawbench.fill import describe
    from abawbench.formats.write import write_predictions

    tell_large(f"write: {predictions}, into {out}", predictions, template)
    (values,) = tuned_files(options, tuned)
    with writing(out, predictions, template, tuned, options["gate"]):
        table, _ = read_predictions(challenge, predictions, values)
        written = write_predictions(challenge, table, template, out, policy, allow_filled)
    say_remarks(remarks(written.notes))
    if as_json:
        counts = {
            "rows": written.rows,
            "filled": dict(written.filled),
            "left_out": written.left_out,
            "more_units": written.more_units,
            "more_frames": written.more_frames,
            "answers": written.answers.to_json(),
        }
        print_json({"file": str(out), **counts}, problems=written.notes)
        return
    click.echo(f"{out}: {written.rows:,} rows written; filled: {describe(written.filled)}")
    if written.answers.filled and not any(note.rule == "N13" for note in written.notes):
        click.echo(written.answers.describe())
    if written.left_out:
        parts = {"of other units": written.more_units, "of other frames": written.more_frames}
        counts = ", ".join(f"{count:,} {name}" for name, count in parts.items() if count)
        rows = f"{written.left_out:,} predicted row{'s'[: written.left_out > 1]}"
        click.echo(f"left out, because they are not in the list: {rows} ({counts})")
