"""Hashes of files and folders, in hexadecimal digits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from abawbench.base.files import require_plain
from abawbench.base.problems import unreadable

_PIECE = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder with everything below it.

    A folder's hash is that of the lines `<hash of the file> <relative path>`, sorted by path.

    Raises:
        ProblemError: F01, the path does not exist or cannot be read.
    """
    try:
        if not path.is_dir():
            return sha256_of_file(path)
        names = sorted(member.relative_to(path).as_posix() for member in path.rglob("*") if member.is_file())
        digest = hashlib.sha256()
        for name in names:
            digest.update(f"{sha256_of_file(path / name)} {name}\n".encode())
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces. Raises: OSError, or ProblemError F01 for a device or a pipe."""
    require_plain(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashes_of_file(path: Path, algorithms: Iterable[str]) -> list[str]:
    """Hashes of a file's bytes by several algorithms, as `md5`, in one pass.

    Raises:
        OSError: it cannot be read.
        ProblemError: F01, it is a pipe, a socket or a device.
    """
    require_plain(path)
    digests = [hashlib.new(algorithm, usedforsecurity=False) for algorithm in algorithms]
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            for digest in digests:
                digest.update(piece)
    return [digest.hexdigest() for digest in digests]


def sha256_of_files(paths: Iterable[Path]) -> str:
    """SHA-256 over the name and the hash of each file, in the given order. Raises: OSError, a file cannot be read."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + bytes.fromhex(sha256_of_file(path)))
    return digest.hexdigest()
