"""abawbench cache: folders of features, listed, verified, cleared."""

from __future__ import annotations

import click

from abawbench.cli.verbs import Verbs

# verb -> (module:attribute, short help); the short help stands here so that --help imports no verb
VERBS: dict[str, tuple[str, str]] = {
    "ls": ("abawbench.cli.cache.list:command", "What is in them, and what made it."),
    "verify": ("abawbench.cli.cache.verify:command", "Is every file what was written, and of today's crops?"),
    "gc": ("abawbench.cli.cache.clear:command", "Remove what is corrupt, stale or orphaned."),
}


@click.group(cls=Verbs, groups={"Commands": VERBS})
def command() -> None:
    """List, verify and clear folders of features that `extract` made.

    \b
    Example:
      abawbench cache verify features/arcface --data cropped_aligned
    """
