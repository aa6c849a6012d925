"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from abawbench.base.problems import Problem, ProblemError, unwritable


def write_file(path: Path, data: bytes) -> None:
    """Write a file, in the place of one that is there. Raises: ProblemError F01."""
    with _problems_of(path):
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
    """Write a UTF-8 text file, in the place of one that is there; makes the folders above. Raises: ProblemError F01."""
    with _problems_of(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, text.encode())


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder of files.

    Raises:
        ProblemError: C02 when something is there that is not an empty folder, F01 when it cannot be written, Z02 when
            a name would lead out of the folder.
    """
    for name in files:
        if Path(name).name != name:
            raise ProblemError(Problem("Z02", f"'{name}'", "a plain file name", "rename the unit", str(path)))
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ProblemError(
            Problem("C02", "something is there already", "a new folder", "remove it or name another", str(path))
        )
    with _problems_of(path):
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
def _problems_of(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error
