"""abawbench data list: list the data sets with a manifest."""

from __future__ import annotations

import click

from abawbench.cli.options import json_option
from abawbench.cli.output import exits_on_problems, print_json, print_paragraph, print_table


@click.command()
@click.argument("files", metavar="[MANIFEST]...", nargs=-1)
@json_option
@exits_on_problems
def command(files: tuple[str, ...], as_json: bool) -> None:
    """List every data set with a manifest, or only the MANIFESTs, each an id or a path.

    Inconsistent manifests are reported, and the others are listed.

    \b
    Example:
      abawbench data list
      abawbench data list --json
      abawbench data list ./my_set_1.toml
    """
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.datasets.manifests import get_manifest, manifests
    from abawbench.datasets.manifests.facts import assumed_facts, licence_word, sizes, summary_to_json, task_words
    from abawbench.datasets.manifests.model import Manifest

    found: list[Manifest] = []
    problems: list[Problem] = []
    for name in files or manifests():
        try:
            found.append(get_manifest(name))
        except ProblemError as error:
            problems.extend(error.problems)
    if as_json:
        print_json({"datasets": [summary_to_json(manifest) for manifest in found]}, problems=problems)
    elif found:
        print_table(
            [
                [
                    manifest.id,
                    manifest.title,
                    task_words(manifest) or "-",
                    sizes(manifest) or "-",
                    licence_word(manifest),
                    manifest.status,
                    len(assumed_facts(manifest)),
                ]
                for manifest in found
            ],
            ["id", "title", "tasks", "sizes", "access", "status", "assumed"],
            optional=("title", "assumed", "status", "access", "sizes"),
        )
        click.echo()
        print_paragraph("assumed: number of facts without a source; `abawbench data show ID` shows them")
    if problems:
        raise ProblemError(*problems)
