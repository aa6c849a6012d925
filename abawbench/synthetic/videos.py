"""Videos of a corpus, to find faces in: one or two people, and stretches in which nobody is seen."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.files import write_file
from abawbench.base.problems import unwritable
from abawbench.synthetic.affect import FRAME_RATE
from abawbench.synthetic.corpus import Footage
from abawbench.synthetic.drawing import film_of

WIDTH, HEIGHT = 640, 480
# a part of every build of FFmpeg, and the same bytes from the same frames on one thread
CODEC = "mpeg4"
QUALITY = 3
FACES = "truth/faces_in_videos.parquet"


def filmed(footage: Footage) -> list[list[int]]:
    """Places of the units in each video to be encoded: those of two people first, then by number."""
    videos: dict[str, list[int]] = {}
    for place, unit in enumerate(footage.units):
        videos.setdefault(unit.video, []).append(place)
    # sorted is stable, and more people come first
    return sorted(videos.values(), key=lambda places: -len(places))[: footage.settings.films]


def write_videos(footage: Footage, out: Path, report: Callable[[int, int], None]) -> None:
    """Write `videos/<video>.mp4` where it is not there yet, and who is seen on which frame.

    A person is not in the picture where the crop is missing. `truth/faces_in_videos.parquet` has a row for each face:
    video, unit, frame; a frame without a row shows nobody.

    Args:
        footage: the corpus.
        out: its folder.
        report: called with the frames encoded so far and those there are to encode.

    Raises:
        ProblemError: F01, a file cannot be written.
    """
    todo = filmed(footage)
    total = sum(footage.units[places[0]].frames for places in todo)
    done = 0
    for places in todo:
        path = out / "videos" / f"{footage.units[places[0]].video}.mp4"
        if not path.exists():
            _write_video(footage, places, path)
        done += footage.units[places[0]].frames
        report(done, total)
    write_file(out / FACES, _faces(footage, todo))


def _write_video(footage: Footage, places: list[int], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(descriptor)
        try:
            _encode(footage, places, name)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise unwritable(path, error) from error


def _encode(footage: Footage, places: list[int], name: str) -> None:
    import av

    from abawbench.synthetic.film import draw_picture

    films = [film_of(footage.settings.seed, place, footage.units[place]) for place in places]
    # without the flag the file names the encoder's version and the day
    with av.open(name, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(CODEC, rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FRAME_RATE)
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"qscale": str(QUALITY), "flags": "+bitexact+qscale"}
        stream.codec_context.global_quality = QUALITY * 118
        for frame in range(footage.units[places[0]].frames):
            rows = (footage.starts[places] + frame).tolist()
            units = [footage.action_units[row].astype(np.float64) if footage.has_crop[row] else None for row in rows]
            picture = draw_picture(films, frame, units, width=WIDTH, height=HEIGHT)
            image = av.VideoFrame.from_ndarray(picture, format="rgb24")
            image.pts = frame
            container.mux(stream.encode(image))
        container.mux(stream.encode())


def _faces(footage: Footage, videos: list[list[int]]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    places = [place for video in videos for place in video]
    rows = footage.rows_of(places)
    rows = rows[footage.has_crop[rows]]
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
