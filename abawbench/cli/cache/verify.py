"""abawbench cache verify: is every file what was written, and of today's crops?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from abawbench.cli.cache.checking import caches_argument, checked, data_option
from abawbench.cli.options import json_option
from abawbench.cli.output import exits_on_problems, print_json, say


@click.command()
@caches_argument
@data_option
@json_option
@exits_on_problems
def command(caches: tuple[Path, ...], data: Path | None, as_json: bool) -> None:
    """Read every byte of each CACHE, and compare it with the index.

    A unit is corrupt where its bytes are not those that were written, stale where it was made in another way or, with
    --data, from other crops than are there now, orphaned where the index does not know its file. Exit status 1 where
    one is.

    \b
    Example:
      abawbench cache verify features/arcface
      abawbench cache verify features/arcface --data cropped_aligned
    """
    from abawbench.base.problems import render

    found: dict[str, dict[str, Any]] = {}
    problems = []
    for cache in caches:
        index, faults = checked(cache, data)
        units = [{"unit": fault.unit, "state": fault.state, "found": fault.found} for fault in faults]
        found[str(cache)] = {"units": len(index.units), "faults": units}
        problems += [fault.problem(cache) for fault in faults]
    if problems:
        say(render(problems))
    if as_json:
        print_json(found)
    else:
        for cache, one in found.items():
            faults = one["faults"]
            known = sum(fault["state"] != "orphaned" for fault in faults)
            click.echo(f"{cache}: {one['units'] - known:,} of {one['units']:,} units hold" + _counted(faults))
    if problems:
        sys.exit(1)


def _counted(faults: list[dict[str, str]]) -> str:
    counts = {state: sum(fault["state"] == state for fault in faults) for state in ("corrupt", "stale", "orphaned")}
    return "".join(f", {count:,} {state}" for state, count in counts.items() if count)
