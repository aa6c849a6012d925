"""The folder in which a run unpacks trials: removed with the run, and by a later one where the run was killed."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from abawbench.base.run_lock import LOCK, WORKERS, only_run

PREFIX = "abawbench-batch-"
# seconds after which a folder without a lock is one of a killed run, and not one that is being made
LEAST_AGE_S = 60.0


@contextmanager
def scratch_folder() -> Generator[Path]:
    """A new folder that this run has locked; those of killed runs are removed first."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as temporary, only_run(Path(temporary)):
        yield Path(temporary)


def _sweep(place: Path) -> None:
    with suppress(OSError):
        for folder in place.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if not folder.is_symlink() and time.time() - folder.stat().st_mtime > LEAST_AGE_S and _is_left(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """True where no run and no worker of one holds the folder any more."""
    if sys.platform == "win32":
        return False
    import fcntl

    for name in (LOCK, WORKERS):
        # a folder without the file was never locked
        with (folder / name).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
    return True
