"""Crops of a corpus, drawn by as many processes as one likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from abawbench.base.files import write_folder
from abawbench.base.problems import Problem, ProblemError
from abawbench.synthetic.affect import Intensities
from abawbench.synthetic.corpus import FACE, FILM, Footage, Unit
from abawbench.synthetic.smooth import stream
from abawbench.table import Mask

if TYPE_CHECKING:
    from abawbench.synthetic.film import Film

JPEG_QUALITY = 95

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Job:
    """The crops of one unit: what a process needs to draw them."""

    folder: Path
    seed: int
    place: int
    unit: Unit
    action_units: Intensities
    has_crop: Mask


def silent(done: int, total: int) -> None:
    """For who does not want to know how far it is."""


def draw_crops(footage: Footage, crops: Path, workers: int, report: Report) -> None:
    """Draw `<unit>/00001.jpg`, ... of every unit that has no folder yet; each appears whole or not at all.

    Args:
        footage: the corpus.
        crops: the folder `cropped_aligned`; it exists.
        workers: processes that draw; the pictures are the same.
        report: called with the frames drawn so far and those there are to draw.

    Raises:
        ProblemError: F01, a folder cannot be written; D54, a process was killed.
    """
    jobs = jobs_of(footage, crops)
    total = sum(int(job.has_crop.sum()) for job in jobs)
    drawn = 0
    for frames, problems in _results(jobs, workers):
        if problems:
            raise ProblemError(*problems)
        drawn += frames
        report(drawn, total)


def jobs_of(footage: Footage, crops: Path) -> list[Job]:
    """What is still to be drawn."""
    return [
        Job(
            folder=crops / unit.name,
            seed=footage.settings.seed,
            place=place,
            unit=unit,
            action_units=footage.action_units[footage.starts[place] : footage.starts[place + 1]],
            has_crop=footage.has_crop[footage.starts[place] : footage.starts[place + 1]],
        )
        for place, unit in enumerate(footage.units)
        if not (crops / unit.name).exists()
    ]


def _results(jobs: list[Job], workers: int) -> Iterator[tuple[int, tuple[Problem, ...]]]:
    if workers == 1 or len(jobs) < 2:
        yield from map(draw_unit, jobs)
        return
    import multiprocessing

    # a fresh process each, as a fork of one that has threads may hang
    with ProcessPoolExecutor(
        min(workers, len(jobs)), multiprocessing.get_context("spawn"), initializer=_one_thread
    ) as pool:
        try:
            for future in as_completed([pool.submit(draw_unit, job) for job in jobs]):
                yield future.result()
        except BrokenProcessPool as error:
            fix = "start it again, with fewer --workers if memory is short: what is drawn is kept"
            problem = Problem("D54", "a process that was ended from outside", "processes that end by themselves", fix)
            raise ProblemError(problem) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def draw_unit(job: Job) -> tuple[int, tuple[Problem, ...]]:
    """Draw a unit's crops and write their folder; the number of crops, and the problems met."""
    import cv2

    from abawbench.synthetic.film import draw_crop

    film = film_of(job.seed, job.place, job.unit)
    action_units = job.action_units.astype(np.float64)
    files: dict[str, bytes] = {}
    for frame in np.flatnonzero(job.has_crop).tolist():
        crop = draw_crop(film, frame, action_units[frame])
        _, jpeg = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        files[f"{frame + 1:05d}.jpg"] = jpeg.tobytes()
    try:
        write_folder(job.folder, files)
    except ProblemError as error:
        # a ProblemError does not survive the way between processes
        return 0, error.problems
    return len(files), ()


def film_of(seed: int, place: int, unit: Unit) -> Film:
    """How a unit is filmed: the same in its crops and in its video."""
    from abawbench.synthetic.film import make_film, make_person

    return make_film(make_person(stream(seed, FACE, unit.person)), unit.frames, stream(seed, FILM, place))
