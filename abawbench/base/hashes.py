"""SHA-256 of files and folders."""

from __future__ import annotations

import hashlib
from pathlib import Path

from abawbench.base.problems import unreadable


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, over the names and hashes of all files in it, sorted by name.

    Raises:
        ProblemError: F01, nothing there.
    """
    try:
        if not path.is_dir():
            return sha256_of_file(path)
        digest = hashlib.sha256()
        names = sorted(member.relative_to(path).as_posix() for member in path.rglob("*") if member.is_file())
        for name in names:
            digest.update(f"{sha256_of_file(path / name)} {name}\n".encode())
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces. Raises: OSError, the file cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
