"""Videos as streams of pictures, read in one pass with memory that does not grow with their length."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.files import require_plain
from abawbench.base.problems import Problem, ProblemError, os_reason, unreadable
from abawbench.clips.images import Image
from abawbench.clips.picture_header import LARGEST

SUFFIXES = frozenset({".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv"})


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One picture of a video.

    Attributes:
        number: frame number, counted from 1 over the frames that decode.
        time: seconds from the start of the file by its time stamps; NaN where it has none.
        image: upright RGB picture, shape (height, width, 3).
    """

    number: int
    time: float
    image: Image


class Video:
    """A video file that is read once, from its first frame to its last.

    Args:
        path: video file.

    Attributes:
        claimed: number of frames in the header, often wrong by a few; 0 where the header has none.
        damage: description of what could not be decoded, known after the last frame; empty where everything could.

    Raises:
        ProblemError: F01 the file cannot be read or is no video, D33 it holds no pictures.
    """

    def __init__(self, path: Path) -> None:
        import av
        from av.error import FFmpegError

        self.path = path
        self.damage = ""
        require_plain(path)
        try:
            if path.stat().st_size == 0:
                raise ProblemError(Problem("F01", "0 bytes", "a video", "copy the file again", str(path)))
            self._container: Any = av.open(str(path), metadata_errors="replace")
        except (FFmpegError, OSError) as error:
            raise unreadable(path, error, "a readable video", "copy the file again") from error
        if not self._container.streams.video:
            self.close()
            raise no_frame(path)
        self._stream = self._container.streams.video[0]
        # the pictures of a damaged file may depend on the number of threads, and the output must not
        self._stream.thread_type = "NONE"
        self.claimed = max(0, int(self._stream.frames))
        context = self._stream.codec_context
        if context is None:
            self.close()
            fix = "convert it to H.264, or copy it again"
            raise ProblemError(Problem("F01", "pictures of an unknown codec", "a readable video", fix, str(path)))
        if context.width * context.height > LARGEST:
            self.close()
            found, expected = f"{context.width:,} x {context.height:,} pixels", f"at most {LARGEST:,} pixels"
            raise ProblemError(Problem("F01", found, expected, "make it smaller, or copy it again", str(path)))
        # frames may also grow later
        context.options = {"max_pixels": str(LARGEST)}

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def expected(self) -> int:
        """Approximate number of frames, from the header or the duration; 0 where neither is known."""
        if self.claimed:
            return self.claimed
        rate, duration = self._stream.average_rate, self._container.duration
        return round(float(rate) * duration / 1e6) if rate and duration else 0

    def frames(self) -> Generator[Frame]:
        """The frames in order of presentation.

        Frames that do not decode are skipped and described in `damage`; those after them are still read.
        """
        for number, (time, decoded) in enumerate(self._decoded(), 1):
            yield Frame(number, time, _upright(decoded))

    def _decoded(self) -> Generator[tuple[float, Any]]:
        begin = (self._container.start_time or 0) / 1e6
        rate = self._stream.average_rate
        step = 1 / float(rate) if rate else math.nan
        time, broken, count = -step, 0, 0
        for packet in self._packets():
            broken += bool(packet.size and packet.is_corrupt)
            for decoded in _decode(packet):
                if decoded is None:
                    broken += 1
                    continue
                count += 1
                broken += bool(decoded.is_corrupt)
                time = time + step if decoded.time is None else decoded.time - begin
                yield time, decoded
        if broken or self._end:
            part = f"{count:,} of {self.claimed:,} frames" if self.claimed else f"{count:,} frames"
            self.damage = f"{part} decode: {self._end or f'{broken:,} damaged packets'}"

    def _packets(self) -> Iterator[Any]:
        from av.error import FFmpegError

        self._end = ""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                self._end = os_reason(error, "the rest is unreadable")
                return
            if packet is None:
                return
            yield packet


def no_frame(path: Path) -> ProblemError:
    """The problem of a video that holds no picture."""
    return ProblemError(Problem("D33", "no frame", "a video with frames", "leave it out or copy it again", str(path)))


def _decode(packet: Any) -> list[Any]:
    """The frames of a packet; [None] where the packet is damaged."""
    from av.error import FFmpegError

    try:
        return packet.decode()
    except FFmpegError:
        return [None]


def _upright(decoded: Any) -> Image:
    image = decoded.to_ndarray(format="rgb24")
    quarter_turns = round(decoded.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image
