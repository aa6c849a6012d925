"""The folder of unfinished work, and how the crops and the index of a video appear in the output folder all at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from abawbench.base.files import plain_name, read_input, write_file
from abawbench.base.json_text import parse_fields
from abawbench.base.problems import Problem, ProblemError, unwritable
from abawbench.clips.crop_index import CROPS, INDEX, index_file, read_facts

WORK = ".work"
PLAN = "plan.json"
NEW_INDEX = "index.parquet"


def begin_work(out: Path, video: str) -> Path:
    """Make an empty work folder for the crops and the index of a video, and return it."""
    folder = out / WORK / video
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "tracks").mkdir(parents=True)
    (folder / "units").mkdir()
    return folder


def commit(out: Path, video: str, units: Sequence[str]) -> None:
    """Move the finished crops and the index of a video into the output folder.

    A plan is written first. If the process is killed after that, the next run completes the plan; if it is killed
    before, the next run discards the work.

    Raises:
        ProblemError: D35, the folder of a unit exists already and does not belong to this video.
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
    old, new = _read_plan(folder / PLAN)
    (out / CROPS).mkdir(exist_ok=True)
    (out / INDEX).mkdir(exist_ok=True)
    for unit in old:
        if unit not in new:
            shutil.rmtree(out / CROPS / unit, ignore_errors=True)
    for unit in new:
        made = folder / "units" / unit
        if made.exists():
            shutil.rmtree(out / CROPS / unit, ignore_errors=True)
            made.replace(out / CROPS / unit)
    if (folder / NEW_INDEX).exists():
        (folder / NEW_INDEX).replace(index_file(out, video))
    # the plan is removed last of all files: without it, the folder counts as work to discard
    shutil.rmtree(folder / "tracks", ignore_errors=True)
    (folder / PLAN).unlink()
    shutil.rmtree(folder)


def _read_plan(path: Path) -> tuple[list[str], list[str]]:
    """The units of a video before and after its run, whose folders are removed and replaced."""
    try:
        plan = parse_fields(read_input(path))
        return [plain_name(unit) for unit in plan["old"]], [plain_name(unit) for unit in plan["new"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = f"remove {path.parent}, then run again"
        raise ProblemError(Problem("F01", "a damaged file", "the plan of an earlier run", fix, str(path))) from error


def put_file(out: Path, name: str, text: str) -> None:
    """Write a text file in the output folder, whole or not at all.

    Raises:
        ProblemError: F01, the folder cannot be written.
    """
    try:
        (out / WORK).mkdir(exist_ok=True)
        # whatever a killed run leaves lies in the work folder, which the next run clears
        (out / WORK / name).write_text(text, "utf-8")
        (out / WORK / name).replace(out / name)
    except OSError as error:
        with suppress(OSError):
            (out / WORK / name).unlink(missing_ok=True)
        raise unwritable(out / name, error) from error


def discard(work: Path) -> None:
    """Remove the work folder of a video, unless it is finished and only its move remains to be completed."""
    if not (work / PLAN).exists():
        shutil.rmtree(work, ignore_errors=True)


def clear(out: Path) -> None:
    """Remove the folder of unfinished work if it is empty."""
    with suppress(OSError):
        (out / WORK).rmdir()


def recover(out: Path) -> None:
    """Complete or discard what a killed run left behind."""
    work = out / WORK
    for folder in sorted(work.iterdir()) if work.is_dir() else ():
        if (folder / PLAN).exists():
            _carry_out(out, folder.name)
    if work.is_dir():
        shutil.rmtree(work)
