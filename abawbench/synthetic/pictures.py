"""The pictures of a corpus on disk: crops, drawn by any number of processes, and videos of one or two people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from abawbench.base.files import make_folder, temporary_name, write_file, write_folder
from abawbench.base.problems import Problem, ProblemError, unwritable
from abawbench.base.process_pool import in_processes
from abawbench.synthetic.affect import FRAME_RATE, Intensities
from abawbench.synthetic.corpus import FACE, FILM, Footage, Unit
from abawbench.synthetic.noise import stream
from abawbench.synthetic.quirks import Rows

if TYPE_CHECKING:
    from abawbench.synthetic.film import Film

JPEG_QUALITY = 95
# size of a video in pixels
WIDTH, HEIGHT = 640, 480
# every build of FFmpeg has this codec, and on one thread it makes equal bytes of equal frames
CODEC = "mpeg4"
QUALITY = 3
FACES = "truth/faces_in_videos.parquet"

Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class DrawingJob:
    """The inputs for drawing the crops of one unit.

    Attributes:
        folder: folder of the crops.
        seed: seed of the corpus.
        place: index of the unit in the corpus.
        unit: the unit.
        resting: spread of what neutral faces show.
        frames: indices of the frames to draw, shape (drawn,).
        action_units: their intensities, shape (drawn, 17).
    """

    folder: Path
    seed: int
    place: int
    unit: Unit
    resting: float
    frames: Rows
    action_units: Intensities


def no_report(done: int, total: int) -> None:
    """Ignore the progress."""


def draw_crops(footage: Footage, crops: Path, workers: int, report: Report, resumed: Report = no_report) -> None:
    """Draw `<unit>/00001.jpg`, ... of every unit that has no folder yet; each folder appears whole or not at all.

    Args:
        footage: the corpus.
        crops: the folder `cropped_aligned`, which exists.
        workers: number of processes; the pictures are the same for any number.
        report: function that is called with the number of frames drawn so far and of all frames to draw.
        resumed: function that is called once with the numbers of units that have a folder, and of all.

    Raises:
        ProblemError: F01 a folder cannot be written, D54 a process was killed.
    """
    jobs = drawing_jobs(footage, crops)
    resumed(len(footage.units) - len(jobs), len(footage.units))
    total = sum(len(job.frames) for job in jobs)
    drawn = 0
    for frames, problems in _results(jobs, workers, crops.parent):
        if problems:
            raise ProblemError(*problems)
        drawn += frames
        report(drawn, total)


def drawing_jobs(footage: Footage, crops: Path) -> list[DrawingJob]:
    """One job for each unit without a folder."""
    settings, has_crop = footage.settings, footage.has_crop
    jobs: list[DrawingJob] = []
    for place, unit in enumerate(footage.units):
        if (crops / unit.name).exists():
            continue
        begin, end = footage.starts[place : place + 2].tolist()
        frames = np.flatnonzero(has_crop[begin:end])
        units = footage.action_units[begin + frames]
        jobs.append(DrawingJob(crops / unit.name, settings.seed, place, unit, settings.resting, frames, units))
    return jobs


def _results(jobs: list[DrawingJob], workers: int, corpus: Path) -> Iterator[tuple[int, tuple[Problem, ...]]]:
    try:
        for _, result in in_processes(draw_unit, jobs, workers, corpus, _use_one_thread):
            yield result
    except BrokenProcessPool as error:
        fix = "start it again, with fewer --workers if memory is short: what is drawn is kept"
        problem = Problem("D54", "a process that was ended from outside", "processes that end by themselves", fix)
        raise ProblemError(problem) from error


def _use_one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def draw_unit(job: DrawingJob) -> tuple[int, tuple[Problem, ...]]:
    """Draw the crops of a unit and write their folder; returns the number of crops, and problems."""
    import cv2

    from abawbench.synthetic.film import draw_crop

    film = film_of_unit(job.seed, job.place, job.unit, job.resting)
    action_units = job.action_units.astype(np.float64)
    files: dict[str, bytes] = {}
    for frame, intensities in zip(job.frames.tolist(), action_units, strict=True):
        crop = draw_crop(film, frame, intensities)
        _, jpeg = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        files[f"{frame + 1:05d}.jpg"] = jpeg.tobytes()
    try:
        write_folder(job.folder, files)
    except ProblemError as error:
        return 0, error.problems
    return len(files), ()


def film_of_unit(seed: int, place: int, unit: Unit, resting: float) -> Film:
    """The film of a unit, which its crops and its video share.

    Args:
        seed: seed of the corpus.
        place: index of the unit in the corpus.
        unit: the unit.
        resting: spread of what neutral faces show.
    """
    from abawbench.synthetic.film import make_film
    from abawbench.synthetic.person import make_person

    person = make_person(stream(seed, FACE, unit.person), resting)
    return make_film(person, unit.frames, stream(seed, FILM, place))


def encoded_videos(footage: Footage) -> list[list[int]]:
    """For each video to encode, the indices of its units: videos of two people first, then by number."""
    videos: dict[str, list[int]] = {}
    for place, unit in enumerate(footage.units):
        videos.setdefault(unit.video, []).append(place)
    return sorted(videos.values(), key=lambda places: -len(places))[: footage.settings.films]


def write_videos(footage: Footage, out: Path, report: Report) -> None:
    """Write each `videos/<video>.mp4` that does not exist yet, and the table of the faces on every frame.

    A person is out of the picture in some frames. `truth/faces_in_videos.parquet` has one row for each face, with
    video, unit and frame; a frame without a row shows nobody.

    Args:
        footage: the corpus.
        out: folder of the corpus.
        report: function that is called with the number of frames encoded so far and of all frames to encode.

    Raises:
        ProblemError: F01, a file cannot be written.
    """
    todo = encoded_videos(footage)
    total = sum(footage.units[places[0]].frames for places in todo)
    done = 0
    for places in todo:
        path = out / "videos" / f"{footage.units[places[0]].video}.mp4"
        if not path.exists():
            _write_video(footage, places, path)
        done += footage.units[places[0]].frames
        report(done, total)
    write_file(out / FACES, _faces_table(footage, todo))


def _write_video(footage: Footage, places: list[int], path: Path) -> None:
    try:
        make_folder(path.parent)
        unfinished = temporary_name(path)
        try:
            _encode(footage, places, str(unfinished))
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def _encode(footage: Footage, places: list[int], name: str) -> None:
    import av

    from abawbench.synthetic.film import draw_picture

    settings = footage.settings
    films = [film_of_unit(settings.seed, place, footage.units[place], settings.resting) for place in places]
    # without the flag, the file would name the encoder's version and the day
    with av.open(name, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        video: Any = container.add_stream(CODEC, rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.time_base = Fraction(1, FRAME_RATE)
        video.codec_context.thread_count = 1
        video.codec_context.options = {"qscale": str(QUALITY), "flags": "+bitexact+qscale"}
        video.codec_context.global_quality = QUALITY * 118
        for frame in range(footage.units[places[0]].frames):
            rows = (footage.starts[places] + frame).tolist()
            units = [footage.action_units[row].astype(np.float64) if footage.has_face[row] else None for row in rows]
            picture = draw_picture(films, frame, units, width=WIDTH, height=HEIGHT)
            image = av.VideoFrame.from_ndarray(picture, format="rgb24")
            image.pts = frame
            container.mux(video.encode(image))
        container.mux(video.encode())


def _faces_table(footage: Footage, videos: list[list[int]]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    places = [place for video in videos for place in video]
    rows = footage.rows_of(places)
    rows = rows[footage.has_face[rows]]
    owner = footage.owner(rows)
    frame = (rows - footage.starts[owner] + 1).astype(np.int32)
    units = [footage.units[place] for place in owner.tolist()]
    table = pa.table(
        {
            "video": pa.array([unit.video for unit in units], pa.string()),
            "unit": pa.array([unit.name for unit in units], pa.string()),
            "frame": pa.array(frame),
        }
    )
    sink = pa.BufferOutputStream()
    # the padding behind dictionary indices would hold whatever was in memory
    parquet.write_table(table, sink, use_dictionary=False, compression="zstd")
    return sink.getvalue().to_pybytes()
