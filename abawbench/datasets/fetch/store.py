"""The folders of fetched sets: their files, unpacked archives, and the record of addresses and hashes."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from abawbench.base.files import read_input, temporary_name, write_text
from abawbench.base.folders import is_litter
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unwritable
from abawbench.base.typed import typed
from abawbench.datasets.fetch.sets import Set, get_set

VARIABLE = "ABAWBENCH_CACHE"
RECORD = "fetched.json"


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """The record of one fetched file, against which later files of this name are checked.

    Attributes:
        sha256: hash of the file.
        size: size in bytes.
        url: address or path that it came from.
        checked: kind of the hash that it was compared with: `sha256`, the repository's `md5`, or `nothing`.
        members: size of each file that was unpacked from it, by path below the folder.
    """

    sha256: str
    size: int
    url: str
    checked: str
    members: Mapping[str, int]


def cache() -> Path:
    """The folder of all fetched sets: `ABAWBENCH_CACHE`, else the usual place for caches of the system."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    import pooch

    return Path(pooch.os_cache("abawbench"))


def fetched(name: str) -> Path | None:
    """The folder of a set that was fetched whole into the cache; None where it was not.

    Raises:
        ProblemError: D20, there is no set of this name.
    """
    item, folder = get_set(name), cache() / name
    return folder if not missing(item, folder) else None


def missing(item: Set, folder: Path) -> tuple[str, ...]:
    """Names of the set's files that the folder lacks, or holds in another size than recorded."""
    record = read_record(folder)
    return tuple(part.name for part in item.files if not _is_whole(record.get(part.name), folder, part.name))


def read_record(folder: Path) -> dict[str, FetchedFile]:
    """The record of each file of a folder; empty where no record can be read."""
    try:
        content = parse_fields(read_input(folder / RECORD))
        return {name: typed(FetchedFile)(got) for name, got in content["files"].items()}
    except (OSError, ProblemError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_record(item: Set, folder: Path, files: Mapping[str, FetchedFile]) -> None:
    """Write the record of a folder. Raises: ProblemError F01."""
    content = {
        "set": item.name,
        "licence": item.licence,
        "attribution": item.attribution,
        "files": {name: asdict(got) for name, got in files.items()},
    }
    write_text(folder / RECORD, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _is_whole(got: FetchedFile | None, folder: Path, name: str) -> bool:
    return got is not None and all(
        _size(folder / path) == size for path, size in {name: got.size, **got.members}.items()
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


LARGEST = 4 << 30


def unpack(path: Path) -> dict[str, int]:
    """Unpack `<stem>.zip` into the folder `<stem>` beside it, in place of one that is there.

    The folder appears whole. A folder of that name inside the archive is not repeated; files that macOS adds are left
    out.

    Returns:
        Size of each member, by path below the archive's folder.

    Raises:
        ProblemError: Z01 not a zip, Z02 a member that leads outside, Z04 too large, F01 no place to write.
    """
    target = path.with_suffix("")
    temporary: Path | None = None
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            temporary = temporary_name(target)
            temporary.mkdir()
            for name, info in members.items():
                place = temporary / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, place.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
        if target.exists():
            shutil.rmtree(target)
        temporary.replace(target)
        temporary = None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ProblemError(Problem("Z01", str(error), "a zip archive", "download it again", str(path))) from error
    except OSError as error:
        raise unwritable(target, error, fix="check its rights and the free space, then run again") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return {f"{target.name}/{name}": info.file_size for name, info in members.items()}


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    files = {
        PurePosixPath(info.filename): info
        for info in archive.infolist()
        if not info.is_dir() and not is_litter(info.filename)
    }
    outside = [str(name) for name in files if name.is_absolute() or ".." in name.parts or "\\" in str(name)]
    if outside:
        raise ProblemError(Problem("Z02", outside[0], "paths below the archive", "do not use it", str(path)))
    size = sum(info.file_size for info in files.values())
    if size > LARGEST:
        raise ProblemError(Problem("Z04", f"{size:,} bytes", f"at most {LARGEST:,}", "do not use it", str(path)))
    top = {name.parts[0] for name in files if len(name.parts) > 1}
    is_nested = top == {path.stem} and all(len(name.parts) > 1 for name in files)
    return {str(PurePosixPath(*name.parts[1:]) if is_nested else name): info for name, info in files.items()}
