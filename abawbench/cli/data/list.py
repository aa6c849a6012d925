"""abawbench data list: every data set with a manifest."""

from __future__ import annotations

import click

from abawbench.cli.options import json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table


@click.command()
@click.argument("files", metavar="[MANIFEST]...", nargs=-1)
@json_option
@exits_on_problems
def command(files: tuple[str, ...], as_json: bool) -> None:
    """List every data set with a manifest, or the MANIFESTs that are named by id or path.

    A manifest that does not hold together is reported, and the others are listed.

    \b
    Example:
      abawbench data list
      abawbench data list --json
      abawbench data list ./my_set_1.toml
    """
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.datasets.manifests import get_manifest, manifests
    from abawbench.datasets.manifests.facts import assumed_facts, facts_of, licence_word, sizes, task_words
    from abawbench.datasets.manifests.model import Manifest

    found: list[Manifest] = []
    problems: list[Problem] = []
    for name in files or manifests():
        try:
            found.append(get_manifest(name))
        except ProblemError as error:
            problems.extend(error.problems)
    if as_json:
        print_json(
            [
                {
                    "id": manifest.id,
                    "title": manifest.title,
                    "tasks": task_words(manifest).split(", ") if manifest.labels else [],
                    "sizes": {split.name: split.count for split in manifest.splits},
                    "licence": manifest.licence.terms,
                    "redistributable": manifest.licence.redistributable,
                    "status": manifest.status,
                    "facts": len(facts_of(manifest)),
                    "assumed": len(assumed_facts(manifest)),
                }
                for manifest in found
            ]
        )
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
        )
        click.echo("\nassumed: how many facts have no source yet; `abawbench data show ID` says which")
    if problems:
        raise ProblemError(*problems)
