"""The text files of a zip, read without unpacking it to disk and without trusting its own statements."""

from __future__ import annotations

import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError, Problems
from abawbench.formats.text import refuse_endless_lines

MEBIBYTE = 1 << 20
# a submission of five trials over a million rows takes less than 0.5 GiB; a trial of one repeated line packs by more
# than 500 to 1, hence the size below which the ratio is not checked
LARGEST = 1024 * MEBIBYTE
UNSUSPECTED = 64 * MEBIBYTE
LARGEST_RATIO = 200
MOST_MEMBERS = 10_000
# bytes of the list of members: each has 46 at least, and its name
LARGEST_LIST = 16 * MEBIBYTE
ARCHIVES = {".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst"}
ARCHIVE_STARTS = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a",
)
# what zipfile raises on bytes that are no sound zip
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    OSError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True)
class Member:
    """A text file to check.

    Attributes:
        name: path below the archive or folder, with forward slashes.
        file: name in messages.
        load: function that returns the file's bytes; it may raise ProblemError.
    """

    name: str
    file: str
    load: Callable[[], bytes]


def is_archive(path: Path) -> bool:
    """True if a file is a zip by its name or by its first bytes."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".zip":
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        # reading the file then reports the error
        return False


@contextmanager
def archive_members(path: Path, problems: Problems) -> Generator[list[Member]]:
    """The files of an archive that are safe to open; problems of the others are added to `problems`.

    Loading a member raises ProblemError: Z01 it is damaged, Z04 the archive grows too large as it is unpacked, Z05 it
    is an archive itself.
    """
    with ExitStack() as opened:
        try:
            file = opened.enter_context(_Bounded(FileIO(path)))
            archive = opened.enter_context(zipfile.ZipFile(file))
        except zipfile.LargeZipFile as error:
            problems.add(_too_large(str(error), f"at most {MOST_MEMBERS:,} members", str(path)))
            yield []
        except ZIP_ERRORS as error:
            problems.add(_damaged(str(error), str(path)))
            yield []
        else:
            yield _members(archive, path, problems)


class _Bounded(BufferedReader):
    """A zip whose list of members, which `zipfile` reads as a whole, is only read if it is not endless."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LARGEST_LIST:
            raise zipfile.LargeZipFile(f"{size:,} bytes of names of members")
        return super().read(size)


def _members(archive: zipfile.ZipFile, path: Path, problems: Problems) -> list[Member]:
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        problems.add(_too_large(f"{len(entries):,} members", f"at most {MOST_MEMBERS:,}", str(path)))
        return []
    counts = Counter(entry.orig_filename for entry in entries)
    repeated = [name for name, count in counts.items() if count > 1]
    for name in repeated:
        found = f"'{name}' {counts[name]} times"
        problems.add(Problem("Z07", found, "every name once", "pack it again from a clean folder", str(path)))
    budget = _Budget(min(LARGEST, max(UNSUSPECTED, LARGEST_RATIO * path.stat().st_size)))
    members: list[Member] = []
    for entry in entries:
        fault = _fault(entry, str(path))
        if fault is not None:
            problems.add(fault)
        elif not entry.is_dir() and entry.orig_filename not in repeated:
            members.append(
                Member(entry.filename, f"{path}:{entry.filename}", _loader(archive, entry, budget, str(path)))
            )
    return members


@dataclass
class _Budget:
    """The number of bytes that may still be unpacked."""

    left: int


def _fault(entry: zipfile.ZipInfo, path: str) -> Problem | None:
    name = entry.orig_filename
    # the original name: zipfile cuts names at a NUL
    if name.startswith("/") or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        return Problem("Z02", repr(name), "a relative path", "pack the files by their own names", path)
    if not name.strip("/ ."):
        return Problem(
            "Z02", f"a member without a name, {name!r}", "named files", "pack the files by their own names", path
        )
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        found = "a symbolic link" if kind == stat.S_IFLNK else "a special file"
        return Problem("Z03", f"{found}, '{name}'", "plain files", "pack the file that it points to", path)
    if Path(name).suffix.lower() in ARCHIVES:
        return _nested(name, path)
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        how = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA"}.get(entry.compress_type, "an unusual method")
        fix = "pack it with `abawbench pack`, or zip it in the usual way"
        return Problem("Z01", f"'{name}' is packed by {how}", "members that are stored or deflated", fix, path)
    if entry.flag_bits & 1:
        return _damaged(f"'{name}' is encrypted", path)
    return None


def _loader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget, path: str) -> Callable[[], bytes]:
    def load() -> bytes:
        pieces: list[bytes] = []
        try:
            with archive.open(entry) as stream:
                while piece := stream.read(MEBIBYTE):
                    budget.left -= len(piece)
                    if budget.left < 0:
                        raise ProblemError(
                            _too_large(f"'{entry.filename}' unpacks without end", "text in proportion", path)
                        )
                    pieces.append(piece)
        except ZIP_ERRORS as error:
            raise ProblemError(_damaged(f"'{entry.filename}': {error}", path)) from error
        data = b"".join(pieces)
        if data.startswith(ARCHIVE_STARTS):
            raise ProblemError(_nested(entry.filename, path))
        refuse_endless_lines(data, f"{path}:{entry.filename}")
        return data

    return load


def _nested(name: str, path: str) -> Problem:
    return Problem("Z05", f"'{name}'", "text files only", "pack the text files themselves", path)


def _damaged(found: str, path: str) -> Problem:
    return Problem("Z01", found or "damaged", "a sound zip with plain members", "pack it again", path)


def _too_large(found: str, expected: str, path: str) -> Problem:
    return Problem("Z04", found, expected, "pack the prediction files alone; `abawbench pack` does it", path)
