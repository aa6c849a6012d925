"""The lock of a run: one run at a time in a folder, worker processes that end with it, and no litter of killed ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from abawbench.base.files import sweep
from abawbench.base.problems import Problem, ProblemError, unwritable

LOCK = ".lock"
WORKERS = ".workers"


@contextmanager
def only_run(out: Path) -> Generator[None]:
    """Lock a folder for this run, once the worker processes of a killed run have ended, which they do at once.

    Unfinished files that a killed run left in the folder are removed.

    Args:
        out: folder of the run.

    Raises:
        ProblemError: D36 another run is at work there, F01 the folder cannot be written.
    """
    with _opened(out / LOCK) as lock:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                fix = "wait for it, or name another folder"
                raise ProblemError(Problem("D36", "a run at work", "no other run", fix, str(out))) from error
            with _opened(out / WORKERS) as workers:
                fcntl.flock(workers, fcntl.LOCK_EX)
        sweep(out)
        yield


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w")
    except OSError as error:
        raise unwritable(path.parent, error) from error


@contextmanager
def without_interrupts() -> Generator[None]:
    """Start worker processes within this block: Ctrl-C then reaches the run alone, and its workers end with it."""
    import signal

    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_workers() -> None:
    """End the worker processes of a run that is stopped; what they have finished is whole, and the rest is swept."""
    import multiprocessing

    for worker in multiprocessing.active_children():
        worker.kill()


def stay_with_parent(out: Path, parent: int) -> Any:
    """Tie a worker process to its run: it locks the folder while it lives, and ends when the run ends.

    Args:
        out: folder of the run.
        parent: process id of the run.

    Returns:
        The open lock file, which the worker must keep.
    """
    import threading
    import time

    lock = (out / WORKERS).open("w")
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_SH)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    return lock
