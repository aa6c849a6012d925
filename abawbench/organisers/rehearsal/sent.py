"""What a participant sends: files as a zip, packed in one way or another, and unpacked as a worker unpacks it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from abawbench.base.files import read_input
from abawbench.base.problems import Problem, ProblemError, not_found
from abawbench.base.zip_bytes import zipped
from abawbench.formats.archive import ZIP_ERRORS

# bytes to which a zip may unpack, and its members
LARGEST, MOST_MEMBERS = 1 << 29, 10_000
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Sent:
    """A submission as it is sent.

    Attributes:
        name: name of the submission, for a reader.
        file: name of the file that is sent.
        data: its bytes.
        is_refused: True where it must not get a score, False where it must, None where either is right.
        rules: the rules that `abawbench check` gives, for a planted fault.
    """

    name: str
    file: str
    data: bytes
    is_refused: bool | None = None
    rules: frozenset[str] = frozenset()


class NotUnpackedError(Exception):
    """A file that a worker cannot unpack; the text says why."""


def read_sent(path: Path, platform: str | None = None) -> Sent:
    """Read a submission that somebody has sent: a zip as it is, another file or a folder as a zip of it.

    Args:
        path: file or folder.
        platform: platform that gets it; Kaggle gets a file as it is.

    Raises:
        ProblemError: F01 it cannot be read; Z08 a folder holds no file.
    """
    if not path.exists():
        raise not_found(path, "a submission")
    if path.is_dir():
        files = {
            file.relative_to(path).as_posix(): read_input(file)
            for file in sorted(path.rglob("*"))
            if file.is_file() and not file.is_symlink()
        }
        if not files:
            raise ProblemError(
                Problem("Z08", "an empty folder", "the files of a submission", "name another", str(path))
            )
        return as_sent(str(path), files)
    if platform == "kaggle":
        return Sent(str(path), path.name, read_input(path))
    return as_sent(str(path), {path.name: read_input(path)})


def as_sent(
    name: str,
    files: Mapping[str, bytes],
    *,
    is_refused: bool | None = None,
    rules: frozenset[str] = frozenset(),
) -> Sent:
    """A submission of these files, by relative path; a zip alone stays as it is."""
    file, data = next(iter(files.items()))
    if len(files) > 1 or not file.lower().endswith(".zip"):
        file, data = "submission.zip", zipped(list(files.items()))
    return Sent(name, file, data, is_refused, rules)


def packed_like_finder(data: bytes) -> bytes:
    """The zip that the Finder of a Mac makes of the folder with these members; a file that is no zip stays."""
    try:
        files = unpack(data)
    except NotUnpackedError:
        return data
    members = [(f"submission/{name}", content) for name, content in files.items()]
    litter = [
        (f"__MACOSX/submission/._{PurePosixPath(name).name}", b"\x00\x05\x16\x07\x00\x02\x00\x00") for name in files
    ]
    return zipped([*members, ("submission/.DS_Store", b"\x00\x00\x00\x01Bud1"), *litter])


def unpack(data: bytes) -> dict[str, bytes]:
    """The files to which a worker unpacks a zip, by relative path.

    As Python's `zipfile` does it: `..` and a root in front of a name are left out, a link is a file that holds its
    target, and of two members with one name the last stays.

    Raises:
        NotUnpackedError: it is no zip, is damaged, or unpacks to too much.
    """
    files: dict[str, bytes] = {}
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_MEMBERS:
                raise NotUnpackedError(f"{len(entries):,} members in the zip")
            for entry in entries:
                name = _kept_name(entry.filename)
                if entry.is_dir() or not name:
                    continue
                pieces: list[bytes] = []
                with archive.open(entry) as stream:
                    while piece := stream.read(MEBIBYTE):
                        left -= len(piece)
                        if left < 0:
                            raise NotUnpackedError(f"the zip unpacks to more than {LARGEST >> 20:,} MiB")
                        pieces.append(piece)
                files[name] = b"".join(pieces)
    except ZIP_ERRORS as error:
        raise NotUnpackedError(f"{type(error).__name__}: {error}") from error
    return files


def write_below(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder; where one has the name of another's folder, it is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise NotUnpackedError(f"{type(error).__name__}: {name!a} cannot be written") from error


def _kept_name(name: str) -> str:
    parts = [part for part in name.split("/") if part not in {"", ".", ".."}]
    return "/".join(parts)
