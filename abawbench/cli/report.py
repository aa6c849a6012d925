"""abawbench report: everything about one prediction, or two, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from abawbench.cli.options import (
    CHALLENGE,
    PATH,
    ScoringOptions,
    TunedOptions,
    json_option,
    resampling,
    scoring_options,
    tuned_files,
    tuned_options,
)
from abawbench.cli.output import exits_on_problems, print_json, stage, tell, writing

if TYPE_CHECKING:
    from abawbench.challenges import Challenge


class _Options(ScoringOptions, TunedOptions):
    crops: Path | None
    masked: Path | None
    leaderboard: Path | None


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("truth", type=PATH)
@click.argument("a", type=PATH)
@click.argument("b", type=PATH, required=False)
@click.option("-o", "--out", type=PATH, required=True, help="The page to write, as page.html.")
@click.option("--crops", type=PATH, help="Folder of crops to show on the page: faces, so mind consent.")
@click.option("--masked", type=PATH, help="File with the names of units, videos or subjects that may not be shown.")
@click.option("--leaderboard", type=PATH, help="Folder with records/ to compare with, beside the published figures.")
@scoring_options
@tuned_options("--tuned-a", "--tuned-b")
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    truth: Path,
    a: Path,
    b: Path | None,
    out: Path,
    tuned_a: Path | None,
    tuned_b: Path | None,
    as_json: bool,
    **options: Unpack[_Options],
) -> None:
    """Write one page about the predictions A: the score among controls and published figures, and where points lie.

    With B the page compares two predictions. Each is a store of `predict`, or a file, which knows less. The page is one
    file that loads nothing, to be opened in a browser or sent; it names units, and shows crops, only as --masked and
    --crops allow.

    \b
    Example:
      abawbench report abaw4-mtl validation_set_annotations.txt out/mine -o page.html
      abawbench report abaw4-mtl validation_set_annotations.txt out/mine out/other -o page.html --crops crops
    """
    if b is None and tuned_b is not None:
        raise click.UsageError("--tuned-b goes with predictions B")
    places = [a, *([b] if b is not None else [])]
    tell(f"report: {' and '.join(map(str, places))} against {truth}")
    from abawbench.api import read_predictions, read_table
    from abawbench.base.files import write_text
    from abawbench.reports.masking import read_masked
    from abawbench.reports.page import ReportSettings, report_page
    from abawbench.reports.subject import Source

    values = tuned_files(options, tuned_a, tuned_b)
    inputs = (truth, *places, options["crops"], options["masked"], tuned_a, tuned_b, options["gate"])
    with writing(out, *inputs):
        settings = ReportSettings(
            missing=options["missing"],
            allow_filled=options["allow_filled"],
            resampling=resampling(options, truth),
            masked=() if options["masked"] is None else read_masked(options["masked"]),
            crops=options["crops"],
            leaderboard=options["leaderboard"],
        )
        with stage("reading"):
            known = read_table(challenge, truth, "truth")
            sources: list[Source] = []
            for path, own in zip(places, values, strict=False):
                table, use = read_predictions(challenge, path, own, known)
                sources.append(Source(table, path, use))
        with stage("making the page"):
            text = report_page(challenge, (known, truth), sources, settings)
        write_text(out, text)
    if as_json:
        print_json({"page": str(out), "bytes": len(text.encode())})
    else:
        click.echo(f"{out}: {len(text.encode()) / 1e6:.1f} MB, open it in a browser")
