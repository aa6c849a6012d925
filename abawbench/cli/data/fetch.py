"""abawbench data fetch: download an openly licensed set."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, print_table, say

if TYPE_CHECKING:
    from abawbench.datasets.fetch import Set
    from abawbench.datasets.fetch.download import Progress


@click.command()
@click.argument("name", required=False)
@click.option("--to", type=PATH, metavar="DIR", help="Folder of the set; one in the cache where not given.")
@click.option("--url", metavar="URL", help="A mirror, under which the files have their names.")
@click.option(
    "--from", "at_hand", type=PATH, multiple=True, metavar="FILE", help="A file downloaded by hand: check and take it."
)
@click.option("--licence", "only_licence", is_flag=True, help="Print licence, attribution and sources; fetch nothing.")
@json_option
@exits_on_problems
def command(
    name: str | None, to: Path | None, url: str | None, at_hand: tuple[Path, ...], only_licence: bool, as_json: bool
) -> None:
    """Download the openly licensed set NAME into the cache, or list what there is.

    A download that was cut goes on where it stopped. Every file is held to its pinned SHA-256, else to the MD5 that the
    repository publishes; what was got is recorded in fetched.json and held to from then on. The cache is the folder of
    ABAWBENCH_CACHE, else the usual place of the system. Prints the folder to standard output, licence and attribution
    to standard error.

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
    from abawbench.datasets.fetch import fetch
    from abawbench.datasets.fetch.store import get

    if at_hand and url:
        raise click.UsageError("--from takes files, --url downloads: give one of them")
    item = get(name)
    if only_licence:
        if as_json:
            print_json(_facts(item))
        else:
            click.echo(licence_of(item))
            for part in item.files:
                click.echo(f"  {part.name}: {part.url}\n    {part.source}")
        return
    with _progress() as progress:
        got = fetch(name, to=to, url=url, at_hand=at_hand, progress=progress)
    for file in got.unchecked:
        sha256 = got.files[file].sha256
        say(f"{file}: no published hash to hold it against; from now on it is held to sha256 {sha256}")
    say(f"{name}: {len(got.new)} new, {len(got.files) - len(got.new)} there already and unchanged")
    say(licence_of(item))
    if as_json:
        files = {file: {"sha256": part.sha256, "checked": part.checked} for file, part in got.files.items()}
        print_json({"set": name, "folder": str(got.folder), "new": list(got.new), "files": files} | _terms(item))
    else:
        click.echo(got.folder)


def licence_of(item: Set) -> str:
    """What must be printed with a set."""
    return f"{item.title}\n  licence: {item.licence}\n  {item.attribution}\n  {item.page}"


def _terms(item: Set) -> dict[str, object]:
    return {"licence": item.licence, "attribution": item.attribution, "page": item.page}


def _facts(item: Set) -> dict[str, object]:
    files = [{"name": part.name, "url": part.url, "sha256": part.sha256, "source": part.source} for part in item.files]
    return {"set": item.name, "title": item.title} | _terms(item) | {"files": files}


def _print_list(as_json: bool) -> None:
    from abawbench.datasets.fetch import SETS, fetched

    places = {name: fetched(name) for name in SETS}
    if as_json:
        print_json(
            [
                _facts(item) | {"folder": None if places[name] is None else str(places[name])}
                for name, item in SETS.items()
            ]
        )
        return
    rows = [(name, item.title, item.licence, places[name] or "not fetched") for name, item in SETS.items()]
    print_table(rows, ("name", "what", "licence", "folder"))


@contextmanager
def _progress() -> Generator[Progress]:
    """Bars on a terminal, a line for each file elsewhere."""
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
            say(f"downloading {name}" + (f", {total:,} bytes" if total else ""))

    yield line
