"""abawbench data folds: make balanced folds by video or subject."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import CHALLENGE, PATH, deal_option, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table, tell, writing

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.datasets.folds import Deal, Folds


@click.command()
@click.argument("truth", type=PATH)
@click.option("-c", "--challenge", type=CHALLENGE, help="Challenge whose format TRUTH has; none for Parquet.")
@click.option("-k", "--folds", "number", default=5, show_default=True, type=click.IntRange(2), help="Number of folds.")
@click.option("--by-subject", is_flag=True, help="Keep the subjects of TRUTH's column 'subject' together.")
@click.option("--subjects", type=PATH, help="File of lines 'video,subject': keep subjects together.")
@click.option("--split", help="Use only this split of a Parquet file.")
@click.option("--seed", default=0, show_default=True, help="Seed; another seed gives other folds, about as even.")
@deal_option
@click.option("-o", "--out", type=PATH, help="Write the folds as JSON.")
@click.option("--check", "check_path", type=PATH, metavar="FOLDS", help="Check that FOLDS are folds of TRUTH instead.")
@json_option
@exits_on_problems
def command(
    truth: Path,
    challenge: Challenge | None,
    number: int,
    by_subject: bool,
    subjects: Path | None,
    split: str | None,
    seed: int,
    deal: Deal,
    out: Path | None,
    check_path: Path | None,
    as_json: bool,
) -> None:
    """Deal the videos (or subjects) of TRUTH into folds, balanced over classes, action units, values and rows.

    With --deal sorted the folds are blocks of the sorted subjects instead, as in the protocols of CK+, Oulu-CASIA and
    MMI (docs/compound.md).

    TRUTH is a file that `score` takes as truth, with -c CHALLENGE, or a Parquet file of `data read`. The persons of one
    video stay together. For each fold its percentage of each count is printed, and the hash of the folds, which a
    report should state.

    \b
    Example:
      abawbench data folds validation_set_annotations.txt -c abaw4-mtl -k 5 -o folds.json
      abawbench data folds labels.parquet --by-subject -o folds.json
      abawbench data folds ck-plus.parquet --by-subject --deal sorted -k 10
      abawbench data folds labels.parquet --check folds.json
    """
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.datasets.folds import make_folds, read_folds, write_folds
    from abawbench.datasets.label_file import read_label_file
    from abawbench.formats import read_subjects, read_truth

    groups = None if subjects is None else read_subjects(subjects)
    if challenge is None:
        if truth.suffix != ".parquet" and truth.exists():
            raise click.UsageError("TRUTH that is no .parquet file needs --challenge")
        labels = read_label_file(truth, split)
        table, tasks = labels.table, labels.tasks
        if by_subject and groups is None:
            groups = labels.subjects
            if not groups:
                problem = Problem("F04", "no column subject", "a subject for each video", "use --subjects", str(truth))
                raise ProblemError(problem)
    else:
        if by_subject or split:
            raise click.UsageError("--by-subject and --split are for Parquet without --challenge; see --subjects")
        table, tasks = read_truth(challenge, truth), challenge.tasks
    if check_path is not None:
        folds = read_folds(check_path, table, tasks)
        tell(f"{check_path}: folds of {truth}")
    else:
        folds = make_folds(table, folds=number, groups=groups, seed=seed, tasks=tasks, deal=deal)
    if out is not None:
        with writing(out, truth, subjects, check_path):
            write_folds(folds, out)
    if as_json:
        print_json(folds.to_json())
    else:
        _print(folds)
    if out is not None:
        tell(f"{out} written")


def _print(folds: Folds) -> None:
    totals = folds.counts.sum(axis=0)
    shares = (100 * folds.counts / totals).T
    rows = [
        (name, f"{total:,}", *(f"{share:.1f}" for share in row))
        for name, total, row in zip(folds.columns, totals.tolist(), shares.tolist(), strict=True)
    ]
    sizes = ("units", f"{sum(map(len, folds.members)):,}", *(f"{len(units):,}" for units in folds.members))
    names = [f"fold {place}" for place in range(1, len(folds) + 1)]
    print_table([sizes, *rows], ("", "in all", *names), f"{len(folds)} folds by {folds.by}, per cent of each count")
    worst = abs(folds.unevenness).max(axis=0)
    place = int(worst.argmax())
    click.echo(f"farthest from even: {folds.columns[place]}, {worst[place]:.1%} of an equal share; rows {worst[0]:.1%}")
    click.echo(f"sha256 {folds.hash}")
