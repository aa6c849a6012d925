"""The folder of `abawbench faces`: where things lie, and how those of a video get there all at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from abawbench.base.files import write_file
from abawbench.base.problems import Problem, ProblemError, unwritable
from abawbench.clips.crop_index import CROPS, INDEX, index_file, read_facts

WORK = ".work"
PLAN = "plan.json"
NEW_INDEX = "index.parquet"


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
        raise unwritable(out / name, error) from error


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
