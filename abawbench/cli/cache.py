"""abawbench cache: list, verify and clear folders of features."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli import Verbs
from abawbench.cli.options import PATH, json_option
from abawbench.cli.output import ProgressLine, exits_on_problems, print_json, print_table, say, tell

if TYPE_CHECKING:
    from abawbench.clips.clip import Clip
    from abawbench.clips.feature_index import Fault, FeatureIndex

STATES = ("corrupt", "stale", "orphaned")

caches_argument = click.argument("caches", type=PATH, nargs=-1, required=True, metavar="CACHE...")
data_option = click.option("--data", type=PATH, help="The present crops; features of other crops are stale.")


# verb -> (module:attribute, short help)
VERBS: dict[str, tuple[str, str]] = {
    "ls": ("abawbench.cli.cache:list_caches", "List their units, sizes and origins."),
    "verify": ("abawbench.cli.cache:verify_caches", "Check that every file is intact and up to date."),
    "gc": ("abawbench.cli.cache:clear_caches", "Remove what is corrupt, stale or orphaned."),
}


@click.group(cls=Verbs, groups={"Commands": VERBS})
def command() -> None:
    """List, verify and clear folders of features that `extract` made.

    \b
    Example:
      abawbench cache verify features/arcface --data cropped_aligned
    """


@click.command("ls")
@caches_argument
@json_option
@exits_on_problems
def list_caches(caches: tuple[Path, ...], as_json: bool) -> None:
    """List the units, frames, width, type, size and origin of each CACHE.

    The last column counts units whose file does not have the size and header that the index gives; `cache verify` reads
    every byte.

    \b
    Example:
      abawbench cache ls features/*
    """
    from dataclasses import asdict

    from abawbench.inference.feature_cache import summarise

    found = [summarise(cache) for cache in caches]
    if as_json:
        print_json({"caches": [{**asdict(one), "root": str(one.root)} for one in found]})
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
    print_table(rows, headers, optional=("computed in", "type", "width"))


@click.command("verify")
@caches_argument
@data_option
@json_option
@exits_on_problems
def verify_caches(caches: tuple[Path, ...], data: Path | None, as_json: bool) -> None:
    """Read every byte of each CACHE, and compare it with the index.

    A unit is corrupt if its file has other bytes than were written; stale if it was made in another way or, with
    --data, from other crops than there are now; and orphaned if its file is not in the index. Exit status: 1 if there
    is such a unit.

    \b
    Example:
      abawbench cache verify features/arcface
      abawbench cache verify features/arcface --data cropped_aligned
    """
    from abawbench.base.problems import render

    found: dict[str, dict[str, Any]] = {}
    problems = []
    for cache in caches:
        index, faults = _faults(cache, data)
        units = [{"unit": fault.unit, "state": fault.state, "found": fault.found} for fault in faults]
        found[str(cache)] = {"units": len(index.units), "faults": units}
        problems += [fault.problem(cache) for fault in faults]
    if problems:
        say(render(problems))
    if as_json:
        print_json(found, problems=problems)
    else:
        for cache, one in found.items():
            counts = Counter(fault["state"] for fault in one["faults"])
            whole = one["units"] - counts["corrupt"] - counts["stale"]
            others = "".join(f", {counts[state]:,} {state}" for state in STATES if counts[state])
            click.echo(f"{cache}: {whole:,} of {one['units']:,} units are sound{others}")
    if problems:
        sys.exit(1)


@click.command("gc")
@caches_argument
@data_option
@click.option("--dry-run", is_flag=True, help="List what would be removed, and keep it.")
@json_option
@exits_on_problems
def clear_caches(caches: tuple[Path, ...], data: Path | None, dry_run: bool, as_json: bool) -> None:
    """Remove the units of each CACHE that `cache verify` finds corrupt, stale or orphaned.

    With --data, units whose crops have changed or are gone are removed too, so name all crops of the cache.

    \b
    Example:
      abawbench cache gc features/arcface --dry-run
    """
    from abawbench.clips.feature_index import feature_file
    from abawbench.inference.feature_cache import remove

    found: dict[str, list[dict[str, Any]]] = {}
    for cache in caches:
        index, faults = _faults(cache, data)
        found[str(cache)] = [
            {
                "unit": fault.unit,
                "state": fault.state,
                "found": fault.found,
                "bytes": _size(feature_file(cache, fault.unit)),
            }
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


def _faults(cache: Path, data: Path | None) -> tuple[FeatureIndex, tuple[Fault, ...]]:
    """The index of a cache and its faults, found with progress.

    Raises:
        ProblemError: E21 the folder is no cache, C02 the data are not the crops of the cache, and what `open_clips`
            raises.
    """
    tell(f"cache: reading {cache}")
    from abawbench.inference.feature_cache import open_cache, verify

    index = open_cache(cache)
    clips = None if data is None else _crops(data, cache, index)
    line, begin, done = ProgressLine("units"), time.perf_counter(), [0, 0]

    def tick(unit: str) -> None:
        done[0] += 1
        done[1] += index.units[unit].frames
        line.show((done[0], len(index.units)), (done[1], done[1]), time.perf_counter() - begin)

    faults = verify(index, clips, tick=tick)
    line.end()
    return index, faults


def _crops(data: Path, cache: Path, index: FeatureIndex) -> tuple[Clip, ...]:
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.clips.open import open_clips

    def refuse_videos() -> Path:
        fix = "name the folder that `faces` made from them, as CACHE/faces"
        raise ProblemError(Problem("C02", "videos or pictures", "crops", fix, str(data)))

    source = open_clips(data, faces=refuse_videos)
    # with crops of something else every unit would be stale, and gc would clear the cache
    if source.kind == "features" or not any(clip.video in index.units for clip in source.clips):
        found = "features" if source.kind == "features" else f"no unit of {cache}"
        fix = "name the crops that the features were made from"
        raise ProblemError(Problem("C02", found, "crops of the units of the cache", fix, str(data)))
    return source.clips


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
