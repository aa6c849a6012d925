"""abawbench leaderboard: build and check the tables and pages of published facts and records, and show the pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.leaderboard_export import export
from abawbench.cli.options import Decorator, json_option
from abawbench.cli.output import exits_on_problems, print_json, say, tell

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer


def root_option(*, must_exist: bool) -> Decorator:
    """The option --root."""
    return click.option(
        "--root",
        type=click.Path(path_type=Path, file_okay=False, exists=must_exist),
        default=Path("leaderboard"),
        show_default=True,
        help="Folder with published/ and records/; the tables go there.",
    )


published_option: Decorator = click.option(
    "--published",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="Folder of further published facts, as CSV files; may be given again.",
)
site_option: Decorator = click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the pages.  [default: site/ in the folder of --root]",
)


@click.group()
def command() -> None:
    """Build or check the tables and pages of published facts and records, one for each challenge, or show the pages.

    \b
    Example:
      abawbench leaderboard build
      abawbench leaderboard serve
      abawbench leaderboard check
    """


command.add_command(export)


@command.command(short_help="Write every table, the index and the pages.")
@root_option(must_exist=False)
@published_option
@site_option
@json_option
@exits_on_problems
def build(root: Path, published: tuple[Path, ...], site: Path | None, *, as_json: bool) -> None:
    """Write the Markdown, CSV and LaTeX table of every challenge, the index, and the pages for a browser.

    A folder without published/ and records/ gets the tables of the published facts that come with abawbench. With
    --published come facts of further editions and of challenges of your own: docs/records.md shows how they look. The
    pages need no server; docs/board.md says what is on them.

    \b
    Example:
      abawbench leaderboard build --root leaderboard
      abawbench leaderboard build --root out/board --published examples/own_board
    """
    tell(f"leaderboard: building {root}")
    from abawbench.base.files import read_input, write_text
    from abawbench.base.problems import render
    from abawbench.leaderboard.build import build as build_tables
    from abawbench.leaderboard.collect import facts_folder, outdated
    from abawbench.leaderboard.site import build_site, changes, write_site

    if (facts := facts_folder(root)).parent != root:
        tell(f"published facts: {facts}")
    site = site or root / "site"
    texts, pages = build_tables(root, published), build_site(root, published)
    differing, gone = changes(site, pages)
    left_out = outdated(root)
    if left_out:
        say(f"{render(left_out)}\nleft out of the tables: records of other definitions, {len(left_out)}")
    changed = [path for path, text in texts.items() if not path.is_file() or read_input(path) != text.encode()]
    for path in changed:
        write_text(path, texts[path])
        if not as_json:
            click.echo(f"wrote {path}")
    write_site(differing, gone)
    start = site / "index.html"
    if as_json:
        made = {"start": str(start), "written": len(differing), "unchanged": len(pages) - len(differing)}
        print_json(
            {"written": [str(path) for path in changed], "unchanged": len(texts) - len(changed), "site": made},
            problems=left_out,
            ok=True,
        )
        return
    click.echo(f"{len(texts)} files: {len(changed)} written, {len(texts) - len(changed)} as they were")
    click.echo(f"{len(pages)} files of pages: {len(differing)} written; they begin at {start}")


@command.command(short_help="Check that tables, facts and records are right.")
@root_option(must_exist=True)
@published_option
@json_option
@exits_on_problems
def check(root: Path, published: tuple[Path, ...], *, as_json: bool) -> None:
    """Check that tables are as `build` writes them, and that facts and records are consistent; exit with 1 if not.

    \b
    Example:
      abawbench leaderboard check --root leaderboard
    """
    from abawbench.base.problems import ProblemError
    from abawbench.leaderboard.build import check as check_tables

    problems = check_tables(root, published)
    if problems:
        raise ProblemError(*problems)
    if as_json:
        print_json({})
        return
    click.echo("facts and records are consistent, tables are up to date")


@command.command(short_help="Show the pages to browsers of this machine.")
@root_option(must_exist=False)
@site_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; any free one if it is taken."
)
@json_option
@exits_on_problems
def serve(root: Path, site: Path | None, port: int, *, as_json: bool) -> None:
    """Show the pages that `build` wrote at an address of this machine, until Ctrl-C. Nobody else can reach it.

    \b
    Example:
      abawbench leaderboard serve
    """
    site = site or root / "site"
    with _server(site, port) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        if as_json:
            print_json({"address": address})
        else:
            click.echo(address)
        say(f"showing {site} until Ctrl-C")
        server.serve_forever(poll_interval=0.1)


def _server(site: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder, bound to this machine alone. Raises: ProblemError F01, the folder has no pages."""
    from contextlib import suppress
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from abawbench.base.problems import Problem, ProblemError

    if not (site / "index.html").is_file():
        fix = "run `abawbench leaderboard build`, with the same --root and --site"
        raise ProblemError(Problem("F01", "no index.html", "the pages of a leaderboard", fix, str(site)))

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing about requests."""

    handler = partial(Handler, directory=str(site))
    with suppress(OSError):
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    return ThreadingHTTPServer(("127.0.0.1", 0), handler)
