"""The folder of `abawbench faces`: where things lie, and how those of a video get there all at once."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from abawbench.atomic import write_file
from abawbench.data.faces.index import read_facts
from abawbench.errors import Problem, ProblemError

CROPS = "cropped_aligned"
INDEX = "index"
WORK = ".work"
LOCK = ".lock"
WORKERS = ".workers"
PLAN = "plan.json"
NEW_INDEX = "index.parquet"


def index_file(out: Path, video: str) -> Path:
    """Where the index of a video lies; a video is finished when it is there."""
    return out / INDEX / f"{video}.parquet"


def index_files(out: Path) -> list[Path]:
    """All indexes, sorted by name."""
    return sorted((out / INDEX).glob("*.parquet"))


def new_work(out: Path, video: str) -> Path:
    """An empty folder in which a video's crops and index are made."""
    folder = out / WORK / video
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "tracks").mkdir(parents=True)
    (folder / "units").mkdir()
    return folder


def commit(out: Path, video: str, units: Sequence[str]) -> None:
    """Put a video's finished crops and index in their places.

    A plan is written first. Whoever is killed after that leaves a plan which the next run carries out to its end;
    whoever is killed before leaves only work that the next run throws away.

    Raises:
        ProblemError: D35, at the place of a unit lies something that is not of this video.
    """
    known = read_facts(index_file(out, video))
    old: list[str] = list(known["units"]) if known else []
    for unit in units:
        place = out / CROPS / unit
        if unit not in old and place.exists():
            fix = "move it away, or name another folder for the crops"
            raise ProblemError(Problem("D35", "a folder that is not of this video", "a free place", fix, str(place)))
    folder = out / WORK / video
    write_file(folder / PLAN, json.dumps({"old": old, "new": list(units)}).encode())
    _carry_out(out, video)


def _carry_out(out: Path, video: str) -> None:
    folder = out / WORK / video
    plan = json.loads((folder / PLAN).read_bytes())
    (out / CROPS).mkdir(exist_ok=True)
    (out / INDEX).mkdir(exist_ok=True)
    for unit in plan["old"]:
        if unit not in plan["new"]:
            shutil.rmtree(out / CROPS / unit, ignore_errors=True)
    for unit in plan["new"]:
        made = folder / "units" / unit
        if made.exists():
            shutil.rmtree(out / CROPS / unit, ignore_errors=True)
            made.replace(out / CROPS / unit)
    if (folder / NEW_INDEX).exists():
        (folder / NEW_INDEX).replace(index_file(out, video))
    # the plan goes last but for its folder: without it the rest is only work to throw away
    shutil.rmtree(folder / "tracks", ignore_errors=True)
    (folder / PLAN).unlink()
    shutil.rmtree(folder)


def put(out: Path, name: str, text: str) -> None:
    """Write a file beside the crops, whole or not at all; what a killed run leaves of it lies in the folder of work.

    Raises:
        ProblemError: F01, the folder cannot be written.
    """
    try:
        (out / WORK).mkdir(exist_ok=True)
        (out / WORK / name).write_text(text, "utf-8")
        (out / WORK / name).replace(out / name)
    except OSError as error:
        with suppress(OSError):
            (out / WORK / name).unlink(missing_ok=True)
        found = error.strerror or "an error of the file system"
        problem = Problem("F01", found, "a place to write", "make room or check the rights", str(out / name))
        raise ProblemError(problem) from error


def discard(work: Path) -> None:
    """Throw away the work on a video, unless it only remains to be put in its places."""
    if not (work / PLAN).exists():
        shutil.rmtree(work, ignore_errors=True)


def clear(out: Path) -> None:
    """Remove the folder of work, unless something in it waits for the next run."""
    with suppress(OSError):
        (out / WORK).rmdir()


def recover(out: Path) -> None:
    """Finish or throw away what a run that was killed left behind."""
    work = out / WORK
    for folder in sorted(work.iterdir()) if work.is_dir() else ():
        if (folder / PLAN).exists():
            _carry_out(out, folder.name)
    if work.is_dir():
        shutil.rmtree(work)


@contextmanager
def only_run(out: Path) -> Generator[None]:
    """Hold the folder for this run; waits for processes that a killed run left, which end at once.

    Raises:
        ProblemError: D36, another run is at work there.
    """
    with (out / LOCK).open("w") as lock:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                fix = "wait for it, or name another folder"
                raise ProblemError(Problem("D36", "a run at work", "no other run", fix, str(out))) from error
            with (out / WORKERS).open("w") as workers:
                fcntl.flock(workers, fcntl.LOCK_EX)
        yield


def stay_with_parent(out: Path, parent: int) -> Any:
    """For a process that serves a run: hold the folder while it lives, and end when the run ends.

    Returns:
        The open lock, to be kept.
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
