"""The boards as web pages that need no server: pages, data and records side by side in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from abawbench.base.files import make_folder, read_input, write_files
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.leaderboard.board import board
from abawbench.leaderboard.collect import Subject, collect
from abawbench.leaderboard.entry_page import entry_names, entry_page
from abawbench.leaderboard.evidence import Shelf, unfit_pages
from abawbench.leaderboard.rows import sections
from abawbench.leaderboard.tables import comma_separated
from abawbench.leaderboard.views import board_view, entries_view, entry_view, index_view
from abawbench.pages.page import render_page
from abawbench.records import Record
from abawbench.records.model import canonical

# file that names every other file of the site
LIST = "site.json"
PACKAGE = "abawbench.leaderboard"


def build_site(root: Path, published: Sequence[Path] = ()) -> dict[str, bytes]:
    """Make every file of the site, by its path below the site's folder.

    Args:
        root: folder with `published/` and `records/`, and where there are any `reports/`, `predictions/` and `reruns/`.
        published: further folders of published facts.

    Returns:
        `index.html`, `entries.html`; for each board a page and a JSON file, and a CSV file for each table; a page for
        each entry; records and reports as they are; and `site.json`, which lists them all.

    Raises:
        ProblemError: as `build`; E02 an entry file, L03 a report or a second run of no record.
    """
    subjects = collect(root, published)
    shelf = Shelf(root)
    made = [row.record for one in subjects.values() for row in one.rows if row.record is not None]
    unfit = list(unfit_pages(root))
    if unfit:
        raise ProblemError(*unfit)
    boards = {name: board(subject, shelf) for name, subject in subjects.items()}
    entries = [entry_page(name, boards, made, shelf) for name in entry_names(made, shelf)]
    texts = dict(_texts(subjects, boards, entries))
    files = {place: text.encode() for place, text in texts.items()} | dict(_copies(root, made, shelf))
    listed = json.dumps({"schema": 1, "files": sorted(files)}, indent=1)
    return {**files, LIST: f"{listed}\n".encode()}


def _texts(
    subjects: Mapping[str, Subject], boards: Mapping[str, Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    yield "index.html", _page("index.html.j2", index_view(boards))
    yield "entries.html", _page("entries.html.j2", entries_view(entries))
    for name, one in boards.items():
        yield f"boards/{name}.html", _page("board.html.j2", board_view(one, boards))
        yield f"boards/{name}.json", f"{canonical(one)}\n"
        for section, part in zip(sections(subjects[name].rows), one["sections"], strict=True):
            yield f"boards/{name}.{part['id']}.csv", comma_separated(section.rows)
    for one in entries:
        yield f"entries/{one['name']}.html", _page("entry.html.j2", entry_view(one))


def _page(template: str, view: Mapping[str, Any]) -> str:
    return render_page(PACKAGE, template, view, styles=("board.css",), scripts=("board.js",))


def _copies(root: Path, made: Sequence[Record], shelf: Shelf) -> Iterator[tuple[str, bytes]]:
    """Records and reports, byte for byte."""
    for record in made:
        yield f"records/{record.place}", record.to_text().encode()
        report = shelf.report(record)
        if report is not None:
            try:
                yield f"reports/{report.relative_to(root / 'reports').as_posix()}", read_input(report)
            except OSError as error:
                raise unreadable(report, error) from error


def changes(site: Path, files: Mapping[str, bytes]) -> tuple[dict[Path, bytes], list[Path]]:
    """What writing a site changes in a folder: the files that differ, and those of an earlier site that go.

    Files that no site of this folder had are left alone.

    Args:
        site: folder of the site.
        files: what `build_site` made.

    Raises:
        ProblemError: F12, the folder has files and no list of a site's files, so they are somebody else's.
    """
    before = _written_before(site)
    written = {site / name: data for name, data in files.items()}
    differing = {path: data for path, data in written.items() if not path.is_file() or read_input(path) != data}
    return differing, [path for name in sorted(before - set(files)) if (path := site / name).is_file()]


def write_site(differing: Mapping[Path, bytes], gone: Sequence[Path]) -> None:
    """Write what `changes` found. Raises: ProblemError F01, F12; a file that cannot be written leaves the old one."""
    for folder in sorted({path.parent for path in differing}):
        make_folder(folder)
    write_files(differing)
    for path in gone:
        path.unlink(missing_ok=True)


def _written_before(site: Path) -> set[str]:
    """The files of an earlier site in a folder. Raises: ProblemError F12, as `changes`."""
    try:
        files = parse_fields(read_input(site / LIST)).get("files")
    except (OSError, ValueError):
        files = None
    if isinstance(files, list):
        return {name for name in files if isinstance(name, str) and _is_inside(name)}
    if site.is_dir() and any(site.iterdir()):
        found, expected = f"a folder with files, and no {LIST}", "an empty folder, or one that holds a site"
        raise ProblemError(Problem("F12", found, expected, "name another folder with --site", str(site)))
    return set()


def _is_inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts
