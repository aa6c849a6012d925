"""abawbench data verify: compare a local copy with its manifest."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from abawbench.cli.options import PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, tell


@click.command()
@click.argument("dataset", metavar="ID")
@click.argument("root", type=PATH)
@json_option
@exits_on_problems
def command(dataset: str, root: Path, as_json: bool) -> None:
    """Compare ROOT, a local copy of the data set ID, with its manifest, and print what differs.

    The checks cover the layout, published checksums, label files with their headers, values and sentinels, sizes of the
    splits, people or videos in two splits, labels without pictures and pictures without labels. Checks that cannot be
    made are listed. Exit status: 0 if nothing differs, 1 if something does.

    \b
    Example:
      abawbench data verify raf-db /data/RAF-DB
      abawbench data verify aff-wild2_6 /data/Aff-Wild2 --json
      abawbench data verify ./my_set_1.toml /data/mine
    """
    tell(f"verify: {root}, as {dataset}")
    from abawbench.base.problems import render
    from abawbench.datasets.manifests import get_manifest
    from abawbench.datasets.verification import verify

    manifest = get_manifest(dataset)
    result = verify(manifest, root)
    if as_json:
        print_json({"id": manifest.id, "root": str(root), **result.to_json()})
    else:
        if result.problems:
            click.echo(render(result.problems))
        for line in result.checked:
            click.echo(f"checked: {line}")
        for line in result.unchecked:
            click.echo(f"not checked: {line}")
        rules = list(dict.fromkeys(problem.rule for problem in result.problems if not problem.is_note))
        verdict = "AGREES" if result.agrees else f"DIFFERS ({', '.join(rules)})"
        click.echo(f"{verdict}: {root}, as {manifest.id}")
    if not result.agrees:
        sys.exit(1)
