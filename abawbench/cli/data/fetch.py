"""abawbench data fetch: download an openly licensed set."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import PATH, json_option
from abawbench.cli.output import USUAL, exits_on_problems, level, print_json, print_table, say, tell

if TYPE_CHECKING:
    from abawbench.datasets.fetch.download import Progress


@click.command()
@click.argument("name", required=False)
@click.option("--to", type=PATH, metavar="DIR", help="Folder of the set; a folder in the cache by default.")
@click.option("--url", metavar="URL", help="Address of a mirror, below which the files have their names.")
@click.option(
    "--from",
    "at_hand",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="A file that was downloaded by hand, to check and take over.",
)
@click.option("--licence", "only_licence", is_flag=True, help="Print licence, attribution and sources; fetch nothing.")
@json_option
@exits_on_problems
def command(
    name: str | None, to: Path | None, url: str | None, at_hand: tuple[Path, ...], only_licence: bool, as_json: bool
) -> None:
    """Download the openly licensed set NAME into the cache; without NAME list the sets.

    An interrupted download is resumed. Every file is checked against its pinned SHA-256, or else the MD5 that the
    repository publishes; its hash is recorded in fetched.json and checked from then on. The cache is the folder of
    ABAWBENCH_CACHE, or else the system's usual place for caches. The folder is printed to standard output, licence and
    attribution to standard error.

    \b
    Example:
      abawbench data fetch
      abawbench data fetch yunet
      abawbench data fetch london --to data/london
      abawbench data fetch london --from neutral_front.zip --from smiling_front.zip --from london_faces_info.csv
    """
    if name is None:
        if to or url or at_hand or only_licence:
            raise click.UsageError("these options need a NAME")
        _print_list(as_json)
        return
    from abawbench.datasets.fetch import fetch, get_set

    if at_hand and url:
        raise click.UsageError("--from takes files, --url downloads: give one of them")
    item = get_set(name)
    if only_licence:
        if as_json:
            print_json(item.to_json())
        else:
            click.echo(item.notice)
            for part in item.files:
                click.echo(f"  {part.name}: {part.url}\n    {part.source}")
        return
    tell(f"fetch: {name}")
    with _progress() as progress:
        got = fetch(name, to=to, url=url, at_hand=at_hand, progress=progress)
    for file in got.unchecked:
        sha256 = got.files[file].sha256
        say(f"{file}: no published hash to check it against; from now on it must have sha256 {sha256}")
    tell(f"{name}: {len(got.new)} new, {len(got.files) - len(got.new)} there already and unchanged")
    say(item.notice)
    if as_json:
        files = {file: {"sha256": part.sha256, "checked": part.checked} for file, part in got.files.items()}
        print_json({"set": name, "folder": str(got.folder), "new": list(got.new), "files": files, **item.terms})
    else:
        click.echo(got.folder)


def _print_list(as_json: bool) -> None:
    from abawbench.datasets.fetch import SETS, fetched

    places = {name: fetched(name) for name in SETS}
    if as_json:
        folders = {name: None if place is None else str(place) for name, place in places.items()}
        print_json({"sets": [item.to_json() | {"folder": folders[name]} for name, item in SETS.items()]})
        return
    rows = [(name, item.title, item.licence, places[name] or "not fetched") for name, item in SETS.items()]
    print_table(rows, ("name", "what", "licence", "folder"))


@contextmanager
def _progress() -> Generator[Progress]:
    """Bars on a terminal, a line for each file elsewhere."""
    if level() < USUAL:
        yield lambda *_: None
        return
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True)) as bars:
            tasks = {}

            def show(name: str, done: int, total: int | None) -> None:
                if name not in tasks:
                    tasks[name] = bars.add_task(name, total=total)
                bars.update(tasks[name], completed=done, total=total)

            yield show
        return
    begun: set[str] = set()

    def line(name: str, done: int, total: int | None) -> None:
        del done
        if name not in begun:
            begun.add(name)
            tell(f"downloading {name}" + (f", {total:,} bytes" if total else ""))

    yield line
