"""The folder of a bundle, which is written whole or not at all, and replaced only where nobody has changed it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from abawbench.base.files import check_output, make_folder, read_input, temporary_name
from abawbench.base.hashes import sha256_of_file
from abawbench.base.installed import VERSION
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unwritable
from abawbench.base.zip_bytes import zipped
from abawbench.organisers.events.event import Event

MANIFEST = "bundle.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it was written.

    Attributes:
        platform: name of the platform: codabench, evalai or kaggle.
        folder: folder of the bundle, with `bundle.json`, the content, and the zip.
        content: folder with the files of the bundle, named after the platform.
        archive: zip of the content, to upload.
        files: paths of the files below `content`, sorted.
        notes: what is odd about event, truths and lists, and what the platform does otherwise.
    """

    platform: str
    folder: Path
    content: Path
    archive: Path
    files: tuple[str, ...]
    notes: tuple[Problem, ...]


def write_bundle(
    event: Event, platform: str, files: Mapping[str, bytes], folder: Path, made: str, notes: Sequence[Problem] = ()
) -> Bundle:
    """Write the files of a bundle, and a zip of them with the files in its root; equal files give equal bytes.

    The folder then holds `bundle.json` with the hash of every file, `<platform>/` and `<challenge>-<platform>.zip`.

    Args:
        event: the event.
        platform: name of the platform.
        files: contents of the files by path, with forward slashes.
        folder: a folder that does not exist or is empty, or that of an earlier bundle as it was written.
        made: date of the making, as 2026-07-01.
        notes: what the maker of the bundle has to tell.

    Raises:
        ProblemError: C02 something else is there, or somebody has changed an earlier bundle; F01 the folder cannot be
            written; F12 it leads to a device.
    """
    archive = f"{event.challenge.id}-{platform}.zip"
    names = sorted(files)
    for name in names:
        _require_inside(name)
    written = {f"{platform}/{name}": files[name] for name in names}
    written[archive] = zipped([(name, files[name]) for name in names])
    manifest = {
        "platform": platform,
        "challenge": event.challenge.id,
        "fingerprint": event.challenge.fingerprint,
        "version": VERSION,
        "made": made,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in written.items()},
    }
    written[MANIFEST] = (json.dumps(manifest, indent=2) + "\n").encode()
    check_output(folder, event.path)
    is_there = _require_own(folder)
    _replace(folder, written, is_there=is_there)
    return Bundle(platform, folder, folder / platform, folder / archive, tuple(names), tuple(notes))


def _require_inside(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\\" in name:
        raise ValueError(f"{name!r} is no path inside a bundle")


def _require_own(folder: Path) -> bool:
    """True if an earlier bundle is there, untouched. Raises: ProblemError C02, anything else but an empty folder."""
    if not folder.exists():
        return False
    try:
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
        if not found and folder.is_dir():
            return True
        known = parse_fields(read_input(folder / MANIFEST, 1 << 24))["files"]
        strange = sorted(found ^ {*known, MANIFEST})
        changed = strange or [name for name in sorted(known) if sha256_of_file(folder / name) != known[name]]
        if not changed:
            return True
        what = f"an earlier bundle in which {changed[0]} was changed, added or removed"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ProblemError):
        what = "something else is there already"
    fix = "name another folder, or move what is there"
    raise ProblemError(Problem("C02", what, "a new folder, or a bundle that nobody has changed", fix, str(folder)))


def _replace(folder: Path, files: Mapping[str, bytes], *, is_there: bool) -> None:
    place = folder.resolve()
    make_folder(place.parent)
    unfinished, earlier = temporary_name(place), temporary_name(place)
    try:
        for name, data in files.items():
            path = unfinished / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if is_there:
            place.replace(earlier)
        unfinished.replace(place)
    except OSError as error:
        if earlier.exists() and not place.exists():
            earlier.replace(place)
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        if place.exists():
            shutil.rmtree(earlier, ignore_errors=True)
