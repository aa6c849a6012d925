"""Files and folders that are written as a whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError, unwritable


def write_file(path: Path, data: bytes) -> None:
    """Write a file, replacing an earlier one. Raises: ProblemError F01, it cannot be written."""
    with _writing(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file and the folders above it, replacing an earlier file. Raises: ProblemError F01."""
    make_folder(path.parent)
    write_file(path, text.encode())


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they do not exist. Raises: ProblemError F01, it cannot be made."""
    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder of files.

    Args:
        path: the folder, which does not exist yet or is empty.
        files: contents of the files by name.

    Raises:
        ProblemError: C02 something else is there, F01 the folder cannot be written, Z02 the name of a file would lead
            out of the folder.
    """
    for name in files:
        if Path(name).name != name:
            raise ProblemError(Problem("Z02", f"'{name}'", "a plain file name", "rename the unit", str(path)))
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        fix = "remove it, or name another folder"
        raise ProblemError(Problem("C02", "something is there already", "a new folder", fix, str(path)))
    with _writing(path):
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            for name, data in files.items():
                (temporary / name).write_bytes(data)
            temporary.chmod(0o755)
            temporary.replace(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


@contextmanager
def _writing(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error
