"""Fetch a set: files that are there are checked, missing ones are downloaded or taken from files at hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abawbench.base.files import sweep
from abawbench.base.hashes import sha256_of_file
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unreadable, unwritable
from abawbench.base.run_lock import only_run
from abawbench.datasets.fetch.download import (
    BLOCK,
    TIMEOUT_S,
    Progress,
    ResumingDownloader,
    quiet,
    reason_of,
    wrong_hash,
)
from abawbench.datasets.fetch.sets import Set, Source, get_set
from abawbench.datasets.fetch.store import FetchedFile, cache, read_record, unpack, write_record

# names of unfinished downloads of pooch, and of unfinished copies
_UNFINISHED = re.compile(r"tmp[a-z0-9_]{8}|\..+\.copy")

# bytes of the longest list of a set's files
LONGEST_LISTING = 1 << 24


@dataclass(frozen=True, slots=True)
class Fetched:
    """A set that was fetched whole.

    Attributes:
        set: facts of the set.
        folder: folder of the set.
        files: record of each file, by name.
        new: names of the files that were not there before.
    """

    set: Set
    folder: Path
    files: Mapping[str, FetchedFile]
    new: tuple[str, ...]

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Names of new files without a published hash; from now on they are checked against their own hash."""
        return tuple(name for name in self.new if self.files[name].checked == "nothing")


def fetch(
    name: str,
    *,
    to: Path | None = None,
    url: str | None = None,
    at_hand: Sequence[Path] = (),
    progress: Progress = quiet,
    pause_s: float = 1.0,
) -> Fetched:
    """Fetch the set of this name, and check every file.

    Args:
        name: name of a set in `SETS`.
        to: folder of the set; a folder in the cache by default.
        url: address of a mirror, below which the files have their names.
        at_hand: files that were downloaded by hand, under their own names; nothing is then downloaded.
        progress: called after each block of a download.
        pause_s: pause in seconds before the second attempt of a download; it is twice as long before the third.

    Raises:
        ProblemError: D20 unknown name; D36 another run is at work in the folder; C02 a file at hand that the set does
            not have, or files of one's own in `to` that would be written over; and for each file that is missing at
            the end: D21 not downloaded, D22 another file than expected, F01 not readable or no place to write, Z01 and
            Z02 an archive that does not open.
    """
    item = get_set(name)
    folder = cache() / name if to is None else to
    given = _by_name(item, at_hand)
    _make(folder)
    with only_run(folder):
        sweep(folder, _UNFINISHED)
        return _fetch(item, folder, to, url, given, progress, pause_s)


def _fetch(
    item: Set,
    folder: Path,
    to: Path | None,
    url: str | None,
    given: Mapping[str, Path],
    progress: Progress,
    pause_s: float,
) -> Fetched:
    """The set in a folder that this run holds."""
    files = {part.name: got for part in item.files if (got := read_record(folder).get(part.name)) is not None}
    if to is not None:
        _refuse_strangers(item, folder, files, given)
    new: list[str] = []
    problems: list[Problem] = []
    wanted = [part for part in item.files if not _is_kept(part, files.get(part.name), folder)]
    listing = {} if given or url is not None else _listing(item, wanted, files)
    for part in wanted:
        try:
            if given:
                got = _take(item, part, given.get(part.name), files.get(part.name), folder)
            else:
                where = listing.get(part.name, {}).get("download_url") or part.url
                where = where if url is None else f"{url.rstrip('/')}/{part.name}"
                expected = _expected(part, files.get(part.name)) or _published(listing.get(part.name))
                size = part.size if part.size is not None or part.name not in files else files[part.name].size
                got = _download(item, part, where, expected, size, folder, progress, pause_s)
        except ProblemError as error:
            problems += error.problems
            continue
        files[part.name] = got
        new.append(part.name)
        write_record(item, folder, files)
    if problems:
        raise ProblemError(*problems)
    return Fetched(item, folder, files, tuple(new))


def _by_name(item: Set, at_hand: Sequence[Path]) -> dict[str, Path]:
    names = [part.name for part in item.files]
    strange = [path for path in at_hand if path.name not in names]
    if strange:
        expected = f"a file of {item.name}: {', '.join(names)}"
        raise ProblemError(
            *(Problem("C02", f"--from {path}", expected, "give the file its name", str(path)) for path in strange)
        )
    return {path.name: path for path in at_hand}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error, fix="check the rights, or name another folder with --to") from error


def _refuse_strangers(item: Set, folder: Path, files: Mapping[str, FetchedFile], given: Mapping[str, Path]) -> None:
    """Refuse a folder where the user's own files would be overwritten."""
    problems: list[Problem] = []
    for part in item.files:
        path = folder / part.name
        unpacked = path.with_suffix("")
        at_hand = part.name in given and given[part.name].resolve() == path.resolve()
        is_pinned = part.sha256 is not None and path.is_file() and sha256_of_file(path) == part.sha256
        strange = [unpacked] if path.suffix == ".zip" and unpacked.exists() else []
        strange += [path] if path.exists() and not at_hand and not is_pinned else []
        if part.name not in files:
            fix = "name an empty folder with --to, or move it away"
            problems += [
                Problem("C02", "something of this name is there", "room for the set", fix, str(p)) for p in strange
            ]
    if problems:
        raise ProblemError(*problems)


def _is_kept(part: Source, got: FetchedFile | None, folder: Path) -> bool:
    """True where the file is there and has the expected hash."""
    path = folder / part.name
    try:
        is_it = got is not None and path.is_file() and sha256_of_file(path) == (part.sha256 or got.sha256)
    except OSError:
        return False
    return is_it and got is not None and all((folder / name).is_file() for name in got.members)


def _expected(part: Source, got: FetchedFile | None) -> str | None:
    sha256 = part.sha256 or (None if got is None else got.sha256)
    return None if sha256 is None else f"sha256:{sha256}"


def _published(listed: Mapping[str, Any] | None) -> str | None:
    md5 = None if listed is None else listed.get("computed_md5") or listed.get("supplied_md5")
    return f"md5:{md5.lower()}" if isinstance(md5, str) and md5 else None


def _listing(item: Set, wanted: Sequence[Source], files: Mapping[str, FetchedFile]) -> dict[str, dict[str, Any]]:
    """The repository's own list of a set's files by name; empty where each wanted file has its hash already."""
    if item.listing is None or all(_expected(part, files.get(part.name)) for part in wanted):
        return {}
    import requests

    try:
        with requests.get(item.listing, headers={"User-Agent": "abawbench"}, timeout=TIMEOUT_S, stream=True) as answer:
            if not answer.ok:
                raise _no_listing(item, f"HTTP {answer.status_code} {answer.reason}")
            text = b""
            for block in answer.iter_content(BLOCK):
                text += block
                if len(text) > LONGEST_LISTING:
                    raise _no_listing(item, f"more than {LONGEST_LISTING:,} bytes")
        listed = {entry["name"]: entry for entry in parse_fields(text)["files"]}
        if not all(isinstance(entry.get("download_url", ""), str) for entry in listed.values()):
            raise TypeError
    except requests.RequestException as error:
        raise _no_listing(item, reason_of(error)) from error
    except (AttributeError, ValueError, KeyError, TypeError) as error:
        raise _no_listing(item, "not a list of files") from error
    without = [part.name for part in wanted if _published(listed.get(part.name)) is None]
    if without:
        raise _no_listing(item, f"no MD5 of {', '.join(without)}")
    return listed


def _no_listing(item: Set, reason: str) -> ProblemError:
    expected = "the repository's list of the set's files, with their MD5"
    return ProblemError(Problem("D21", f"{item.listing}: {reason}", expected, by_hand(item), item.name))


def by_hand(item: Set, part: Source | None = None) -> str:
    """Instructions for a download by hand."""
    what = "the files" if part is None else part.name
    where = item.page if part is None else part.url
    option = " ".join(f"--from {source.name}" for source in (item.files if part is None else [part]))
    return f"download {what} from {where} with a browser, then `abawbench data fetch {item.name} {option}`"


def _download(
    item: Set,
    part: Source,
    url: str,
    expected: str | None,
    size: int | None,
    folder: Path,
    progress: Progress,
    pause_s: float,
) -> FetchedFile:
    import pooch

    pooch.get_logger().setLevel("WARNING")
    path = folder / part.name
    # pooch's type says otherwise, its own downloaders have this signature
    fix = by_hand(item, part)
    downloader: Any = ResumingDownloader(path, expected, size=size, fix=fix, progress=progress, pause_s=pause_s)
    try:
        if expected is None:
            # pooch would keep whatever is there
            path.unlink(missing_ok=True)
        pooch.retrieve(url, expected, fname=part.name, path=folder, downloader=downloader)
    except OSError as error:
        raise unwritable(path, error) from error
    return _got(path, url, "nothing" if expected is None else expected.partition(":")[0])


def _take(item: Set, part: Source, path: Path | None, got: FetchedFile | None, folder: Path) -> FetchedFile:
    """A file at hand, checked and copied into the folder."""
    if path is None:
        fix = by_hand(item, part)
        raise ProblemError(Problem("F01", "not in the folder and not given", "all files of the set", fix, part.name))
    expected = _expected(part, got)
    temporary = folder / f".{part.name}.copy"
    try:
        found = sha256_of_file(path)
        if expected is not None and expected != f"sha256:{found}":
            raise ProblemError(wrong_hash(part.name, "sha256", found, expected.partition(":")[2], str(path)))
        if path.resolve() != (folder / part.name).resolve():
            shutil.copyfile(path, temporary)
            temporary.replace(folder / part.name)
    except OSError as error:
        raise unreadable(path, error, "a file that can be read and copied") from error
    finally:
        temporary.unlink(missing_ok=True)
    return _got(folder / part.name, str(path), "nothing" if expected is None else "sha256")


def _got(path: Path, url: str, checked: str) -> FetchedFile:
    members = unpack(path) if path.suffix == ".zip" else {}
    return FetchedFile(sha256_of_file(path), path.stat().st_size, url, checked, members)
