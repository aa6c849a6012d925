"""abawbench paper: tables, a paragraph on methods and vector figures of predictions, for LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from abawbench.cli.options import CHALLENGE, PATH, ScoringOptions, json_option, resampling, scoring_options
from abawbench.cli.output import exits_on_problems, print_json, stage, tell, writing

if TYPE_CHECKING:
    from abawbench.challenges import Challenge


class _Options(ScoringOptions):
    masked: Path | None


@click.command()
@click.argument("challenge", type=CHALLENGE)
@click.argument("truth", type=PATH)
@click.argument("predictions", type=PATH, nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, required=True, help="New folder for the files.")
@click.option(
    "--record", "records", type=PATH, multiple=True, help="Also list this record of another score; may be given again."
)
@click.option("--masked", type=PATH, help="File with the names of units, videos or subjects that may not be shown.")
@scoring_options
@json_option
@exits_on_problems
def command(
    challenge: Challenge,
    truth: Path,
    predictions: tuple[Path, ...],
    out: Path,
    records: tuple[Path, ...],
    as_json: bool,
    **options: Unpack[_Options],
) -> None:
    """Write tables (LaTeX), a paragraph on methods, and figures (SVG, PDF) of PREDICTIONS against TRUTH.

    The first table has the score of each prediction with its interval, and marks those below the best one. Stores of
    `predict` also give their reliability. The tables need the LaTeX package booktabs.

    \b
    Example:
      abawbench paper abaw4-mtl validation_set_annotations.txt out/mine out/other -o paper
    """
    tell(f"paper: {', '.join(map(str, predictions))} against {truth}")
    from abawbench.base.files import stream_folder

    names: list[str] = []

    def made() -> Iterator[tuple[str, bytes]]:
        for name, data in _files(challenge, truth, predictions, records, options):
            names.append(name)
            yield name, data

    with writing(out, truth, *predictions, *records, options["masked"]):
        # nothing is read where the folder cannot be written
        stream_folder(out, made())
    if as_json:
        print_json({"folder": str(out), "files": names})
    else:
        click.echo(f"{out}: {', '.join(names)}")


def _files(
    challenge: Challenge, truth: Path, predictions: Sequence[Path], records: Sequence[Path], options: _Options
) -> Iterator[tuple[str, bytes]]:
    from abawbench.api import read_table
    from abawbench.records import read_agreeing
    from abawbench.reports.masking import masking_of, read_masked
    from abawbench.reports.paper import paper_files
    from abawbench.reports.subject import subject_of

    own = resampling(options, truth)
    with stage("reading"):
        known = read_table(challenge, truth, "truth")
        tables = [read_table(challenge, path, "prediction") for path in predictions]
        others = [read_agreeing(path) for path in records]
    masked = () if options["masked"] is None else read_masked(options["masked"])
    masking = masking_of(masked, known.videos, own.subjects)
    with stage("scoring"):
        subjects = [
            subject_of(
                challenge,
                known,
                table,
                path,
                missing=options["missing"],
                allow_filled=options["allow_filled"],
                resampling=own,
                masking=masking,
            )
            for table, path in zip(tables, predictions, strict=True)
        ]
    yield from paper_files(challenge, subjects, others, options["missing"], own, masking)
