"""abawbench data: what data sets there are, and everything about a local copy of one."""

from __future__ import annotations

import importlib

import click

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


class Verbs(click.Group):
    """A group that imports a verb when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, imported now."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module, attribute = VERBS[cmd_name][0].split(":")
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs in their order."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])


@click.group(cls=Verbs)
def command() -> None:
    """Say what data sets there are, check a local copy, read its labels, and find what its parts share.

    \b
    Example:
      abawbench data show disfa
    """
