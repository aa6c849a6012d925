"""A group of verbs that imports a verb only when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class Verbs(click.Group):
    """A group that imports a verb when it is called, and lists verbs by the job at hand.

    Args:
        groups: heading -> verb -> (module:attribute, short help), in the order of the help text.
        settings: those of `click.Group`.
    """

    def __init__(self, *, groups: Mapping[str, Mapping[str, tuple[str, str]]], **settings: Any) -> None:
        super().__init__(**settings)
        self.groups = groups

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs."""
        del ctx
        return [verb for verbs in self.groups.values() for verb in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, imported now."""
        del ctx
        for verbs in self.groups.values():
            if cmd_name in verbs:
                module, attribute = verbs[cmd_name][0].split(":")
                return getattr(importlib.import_module(module), attribute)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name a near verb when this one is unknown."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Verbs under the headings of their jobs."""
        del ctx
        for group, verbs in self.groups.items():
            with formatter.section(group):
                formatter.write_dl([(verb, text) for verb, (_, text) in verbs.items()])
