"""abawbench cache ls: what is in folders of features."""

from __future__ import annotations

from pathlib import Path

import click

from abawbench.cli.options import PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table


@click.command()
@click.argument("caches", type=PATH, nargs=-1, required=True, metavar="CACHE...")
@json_option
@exits_on_problems
def command(caches: tuple[Path, ...], as_json: bool) -> None:
    """List units, frames, width, type and size of each CACHE, and what made it.

    The last column counts units that are not what the index says, at a glance; `cache verify` reads every byte.

    \b
    Example:
      abawbench cache ls features/*
    """
    from dataclasses import asdict

    from abawbench.inference.feature_cache import summarise

    found = [summarise(cache) for cache in caches]
    if as_json:
        print_json([{**asdict(one), "root": str(one.root)} for one in found])
        return
    headers = ["cache", "units", "frames", "with a face", "width", "type", "MB", "computed in", "made by", "faults"]
    rows = [
        [
            one.root,
            f"{one.units:,}",
            f"{one.frames:,}",
            f"{one.valid:,}",
            f"{one.width:,}",
            one.dtype,
            f"{one.bytes / 1e6:,.1f}",
            one.precision,
            one.made_by,
            one.faults,
        ]
        for one in found
    ]
    print_table(rows, headers)
