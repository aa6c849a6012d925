"""abawbench cache gc: remove what no longer holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from abawbench.cli.cache.checking import caches_argument, checked, data_option
from abawbench.cli.options import json_option
from abawbench.cli.output import exits_on_problems, print_json


@click.command()
@caches_argument
@data_option
@click.option("--dry-run", is_flag=True, help="Say what would go, and leave it.")
@json_option
@exits_on_problems
def command(caches: tuple[Path, ...], data: Path | None, dry_run: bool, as_json: bool) -> None:
    """Remove the units of each CACHE that `cache verify` finds corrupt, stale or orphaned.

    With --data, units go whose crops have changed or are gone: name all crops that the cache was made from.

    \b
    Example:
      abawbench cache gc features/arcface --dry-run
    """
    from abawbench.clips.feature_index import file_of
    from abawbench.inference.feature_cache import remove

    found: dict[str, list[dict[str, Any]]] = {}
    for cache in caches:
        index, faults = checked(cache, data)
        found[str(cache)] = [
            {"unit": fault.unit, "state": fault.state, "found": fault.found, "bytes": _size(file_of(cache, fault.unit))}
            for fault in faults
        ]
        if not dry_run:
            remove(index, faults)
    if as_json:
        print_json({"removed": not dry_run, "caches": found})
        return
    for cache, units in found.items():
        for unit in units:
            click.echo(f"{cache}/{unit['unit']}: {unit['state']}, {unit['found']}")
        freed = sum(unit["bytes"] for unit in units)
        verb = "would be removed" if dry_run else "removed"
        click.echo(f"{cache}: {len(units):,} units {verb}, {freed / 1e6:,.1f} MB")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
