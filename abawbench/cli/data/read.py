"""abawbench data read: read the labels of a local copy into Parquet."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import PATH, choice_option, json_option
from abawbench.cli.output import ProgressLine, exits_on_problems, print_json, print_table, say, tell, writing

if TYPE_CHECKING:
    from abawbench.challenges import Task
    from abawbench.datasets.readers.mapping import Contempt
    from abawbench.datasets.readers.summary import SplitCounts


@click.command()
@click.argument("dataset", metavar="ID")
@click.argument("root", type=PATH)
@click.option(
    "--labels",
    "which",
    metavar="SET",
    help="Label set to read; needed where ROOT has several that say different things.",
)
@click.option("-o", "--out", type=PATH, metavar="OUT.parquet", help="Write the rows as Parquet.")
@choice_option(
    "--contempt",
    choices=["drop", "other"],
    default="drop",
    text="Treatment of contempt, which ABAW does not have: not annotated, or Other.",
)
@click.option("--split", metavar="NAME", help="Keep the rows of this split alone.")
@click.option("--pictures", type=PATH, metavar="DIR", help="Copy the labelled pictures to DIR, for `faces`.")
@click.option("--own", is_flag=True, help="Keep the data set's own classes and columns.")
@json_option
@exits_on_problems
def command(
    dataset: str,
    root: Path,
    which: str | None,
    out: Path | None,
    split: str | None,
    pictures: Path | None,
    contempt: Contempt,
    own: bool,
    as_json: bool,
) -> None:
    """Read the labels of ROOT, a local copy of the data set ID, in the vocabularies of ABAW.

    ID is an id of `abawbench data list`, or the path of a manifest of your own. The numbers of rows by split, class and
    action unit are printed, and what the map onto ABAW loses. An action unit that the data set does not label is
    missing in the file, never 0. Rows with problems are left out; the exit status is then 1.

    \b
    Example:
      abawbench data read disfa /data/DISFA -o disfa.parquet
      abawbench data read crema-d /data/CREMA-D --labels face --json
      abawbench data read ./my_set_1.toml /data/mine --own -o mine.parquet
      abawbench data read ck-plus /data/CK+ --labels expression --own -o ck-plus.parquet --pictures out/ck-plus
      abawbench data read raf-db /data/RAF-DB --labels compound --own --split train -o train.parquet
    """
    tell(f"read: {root}, as {dataset}")
    from abawbench.base.files import check_output
    from abawbench.base.problems import ProblemError, render
    from abawbench.datasets.label_file import is_label_file, write_labels
    from abawbench.datasets.manifests import get_manifest
    from abawbench.datasets.readers import read_with_problems
    from abawbench.datasets.readers.mapping import abaw_tasks, describe_loss, to_abaw
    from abawbench.datasets.readers.pictures import copy_pictures
    from abawbench.datasets.readers.summary import counts_by_split

    manifest = get_manifest(dataset)
    labels, problems = read_with_problems(manifest, root, which)
    if labels is None:
        raise ProblemError(*problems)
    labels = labels if split is None else labels.of_split(split)
    table, loss = (labels.table, None) if own else to_abaw(labels, contempt=contempt)
    tasks = labels.tasks if own else abaw_tasks(table)
    counts = counts_by_split(labels, table, tasks)
    written = None
    if out is not None:
        try:
            # a file that an earlier call wrote is no input
            with writing(out, None if is_label_file(out) else root):
                write_labels(labels, table, tasks, out)
            written = out
        except ProblemError as error:
            problems = (*problems, *error.problems)
    if pictures is not None:
        check_output(pictures, root)
        line, begin = ProgressLine("units"), time.monotonic()
        copied = copy_pictures(
            labels, root, pictures, lambda units, rows: line.show(units, rows, time.monotonic() - begin)
        )
        line.end()
        tell(f"{pictures}: {copied:,} pictures; next: abawbench faces {pictures} OUT")
    if as_json:
        print_json(
            {
                "dataset": manifest.id,
                "rows": len(table),
                "splits": {name: part.to_json() for name, part in counts.items()},
                "loss": None if loss is None else loss.to_json(),
                "problems": [problem.to_json() for problem in problems],
                "written": None if written is None else str(written),
            }
        )
    else:
        _print_sizes(manifest.title, counts)
        for task in tasks:
            _print_task(task, counts)
        if loss is not None:
            click.echo(f"\nThe map onto ABAW:\n  {describe_loss(loss).replace(chr(10), chr(10) + '  ')}")
        if not tasks:
            click.echo("  no label is in ABAW's vocabularies: --own keeps the data set's own")
    if problems:
        say(render(problems))
    if written is not None:
        tell(f"{written} written: {len(table):,} rows")
    if any(not problem.is_note for problem in problems):
        sys.exit(1)


def _print_sizes(title: str, counts: Mapping[str, SplitCounts]) -> None:
    rows = [
        (name or "(no split)", f"{part.rows:,}", f"{part.units:,}", "" if part.subjects is None else part.subjects)
        for name, part in counts.items()
    ]
    print_table(rows, ("split", "rows", "units", "subjects"), title)


def _print_task(task: Task, counts: Mapping[str, SplitCounts]) -> None:
    """One line for each class or column, the splits side by side."""
    parts: Sequence[SplitCounts] = list(counts.values())
    names = parts[0].labels[task.name]
    rows = [(name, *(_cell(task, part, name) for part in parts)) for name in names]
    click.echo()
    print_table(rows, (task.name, *(name or "(no split)" for name in counts)))


def _cell(task: Task, part: SplitCounts, name: str) -> str:
    """The number of rows of a class or with a value; for a label `present of annotated`."""
    count = part.labels[task.name][name]
    if not task.is_vector:
        return f"{count:,}"
    annotated = part.annotated[task.name][name]
    if annotated == 0:
        return "masked"
    return f"{count:,}" if task.is_real else f"{count:,} of {annotated:,}"
