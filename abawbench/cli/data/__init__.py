"""abawbench data: what data sets there are, and everything about a local copy of one."""

from __future__ import annotations

import click

from abawbench.cli import Verbs

# verb -> (module:attribute, short help); the short help stands here so that --help imports no verb
VERBS: dict[str, tuple[str, str]] = {
    "list": ("abawbench.cli.data.list:command", "Every data set with a manifest."),
    "show": ("abawbench.cli.data.show:command", "One manifest, with the source of every fact."),
    "verify": ("abawbench.cli.data.verify:command", "Compare a local copy with its manifest."),
    "read": ("abawbench.cli.data.read:command", "Labels of a local copy into Parquet."),
    "croissant": ("abawbench.cli.data.croissant:command", "A manifest as Croissant JSON-LD."),
    "fetch": ("abawbench.cli.data.fetch:command", "Download an openly licensed set."),
    "folds": ("abawbench.cli.data.folds:command", "Balanced folds by video or subject."),
    "leaks": ("abawbench.cli.data.leaks:command", "Units, files and frames that two parts share."),
}


@click.group(cls=Verbs, groups={"Commands": VERBS})
def command() -> None:
    """Say what data sets there are, check a local copy, read its labels, and find what its parts share.

    \b
    Example:
      abawbench data show disfa
    """
