"""abawbench data: describe, verify, fetch, read and split data sets."""

from __future__ import annotations

import click

from abawbench.cli import Verbs

# verb -> (module:attribute, short help); the short help stands here so that --help imports no verb
VERBS: dict[str, tuple[str, str]] = {
    "list": ("abawbench.cli.data.list:command", "List the data sets with a manifest."),
    "show": ("abawbench.cli.data.show:command", "Show a manifest, with the source of every fact."),
    "verify": ("abawbench.cli.data.verify:command", "Compare a local copy with its manifest."),
    "read": ("abawbench.cli.data.read:command", "Read the labels of a local copy into Parquet."),
    "croissant": ("abawbench.cli.data.croissant:command", "Print a manifest as Croissant JSON-LD."),
    "fetch": ("abawbench.cli.data.fetch:command", "Download an openly licensed set."),
    "folds": ("abawbench.cli.data.folds:command", "Make balanced folds by video or subject."),
    "leaks": ("abawbench.cli.data.leaks:command", "Find what two parts share."),
}


@click.group(cls=Verbs, groups={"Commands": VERBS})
def command() -> None:
    """Describe data sets, verify and read local copies, make folds, and find leaks.

    \b
    Example:
      abawbench data show disfa
    """
