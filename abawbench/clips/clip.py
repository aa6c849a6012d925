"""Clip: the crops of one video, read when they are asked for."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError, unreadable
from abawbench.clips import images
from abawbench.clips.alignment import CROP_SIZE, FIELDS
from abawbench.clips.crop_index import CROPS, MISSING, index_files, read_index
from abawbench.clips.images import Image, number_of, read_image
from abawbench.clips.video import Frame, Video, no_frame
from abawbench.table import Floats, Integers, Mask, Table

Frames = NDArray[np.uint8]
Positions = NDArray[np.intp]
BATCH = 64


@dataclass(frozen=True, eq=False)
class Clip:
    """The face crops of one video (or of one person in it), in order of time.

    Attributes:
        video: name of the video or unit.
        frame: shape (frames,), frame numbers, rising.
        valid: shape (frames,), False where there is no crop.
        size: height and width of the crops in pixels.
        source: reads the valid frames at the given positions: shape (positions, size, size, 3), uint8, RGB.
        time: shape (frames,), seconds from the start of the video; None where nothing tells.
        is_sequential: True where the source reads forward, one call at a time.
        files: the files that the valid frames are read from; None where they are in memory.
        crop_recipe: settings and versions by which `abawbench faces` cut the crops; None for crops of other origin.
    """

    video: str
    frame: Integers
    valid: Mask
    size: int
    source: Callable[[Positions], Frames]
    time: Floats | None = None
    is_sequential: bool = False
    files: Callable[[], Iterable[Path]] | None = None
    crop_recipe: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def read(self, positions: Positions) -> Frames:
        """Crops at these positions, shape (positions, size, size, 3), RGB; black where there is none.

        Raises:
            ProblemError: F01 for a file that is no picture, E06 for one of another size.
        """
        present = self.valid[positions]
        if len(positions) and present.all():
            return self.source(positions)
        result = np.zeros((len(positions), self.size, self.size, 3), np.uint8)
        if present.any():
            result[present] = self.source(positions[present])
        return result

    @property
    def frames(self) -> Frames:
        """All crops, shape (frames, size, size, 3); read anew each time."""
        return self.read(np.arange(len(self)))

    def digest(self) -> str:
        """SHA-256 of all that an answer may depend on: frame numbers, which are valid, and their bytes.

        Raises:
            ProblemError: F01, a file cannot be read.
        """
        state = hashlib.sha256(f"{self.size}:{len(self)}:".encode())
        state.update(self.frame.astype("<i4").tobytes())
        state.update(np.packbits(self.valid).tobytes())
        if self.files is None:
            state.update(self.read(np.flatnonzero(self.valid)).tobytes())
            return state.hexdigest()
        for path in self.files():
            try:
                with path.open("rb") as file:
                    state.update(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise unreadable(path, error) from error
        return state.hexdigest()

    def batches(self, size: int = BATCH, *, threads: int | None = None) -> Generator[tuple[Positions, Frames]]:
        """All crops in order, a part at a time; while one is used, the next are decoded beside it.

        At most `threads` + 1 parts are held at a time, however long the clip.

        Args:
            size: crops in a part; the last may have fewer.
            threads: that decode; one for each core by default, one for a clip that is sequential.

        Yields:
            Positions, shape (part,), and their crops, shape (part, size, size, 3).

        Raises:
            ProblemError: as `read`, when the part with the bad crop is reached.
        """
        parts = (np.arange(begin, min(begin + size, len(self))) for begin in range(0, len(self), size))
        count = 1 if self.is_sequential else threads or os.cpu_count() or 1
        waiting: deque[tuple[Positions, Future[Frames]]] = deque()
        pool = ThreadPoolExecutor(count)
        try:
            for part in parts:
                waiting.append((part, pool.submit(self.read, part)))
                if len(waiting) > count:
                    positions, future = waiting.popleft()
                    yield positions, future.result()
            while waiting:
                positions, future = waiting.popleft()
                yield positions, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def clip_in_memory(video: str, frames: Frames, *, frame: Integers | None = None, valid: Mask | None = None) -> Clip:
    """A clip of crops that are already there.

    Args:
        video: its name.
        frames: shape (frames, size, size, 3), uint8, RGB.
        frame: frame numbers, from 1 where not given.
        valid: False where a crop does not count; all do where not given.
    """
    numbers = np.arange(1, len(frames) + 1, dtype=np.int32) if frame is None else frame
    mask = np.ones(len(frames), bool) if valid is None else valid
    return Clip(video, numbers, mask, frames.shape[1], lambda positions: frames[positions])


def clips_of_crops(root: Path, rows: Table, size: int = CROP_SIZE) -> tuple[Clip, ...]:
    """The clips a table asks for, from crops named `<video>/00001.jpg` under `root` as in s-Aff-Wild2.

    Args:
        root: the folder `cropped_aligned`.
        rows: a list, truth or prediction; each of its videos gives a clip of its distinct frames.
        size: height and width that the crops have.
    """
    order = np.argsort(rows.video, kind="stable")
    ends = np.searchsorted(rows.video[order], np.arange(len(rows.videos) + 1))
    clips: list[Clip] = []
    for place, video in enumerate(rows.videos):
        frame = np.unique(rows.frame[order[ends[place] : ends[place + 1]]])
        folder = root / video
        present = _names(folder)
        valid = np.array([f"{number:05d}.jpg" in present for number in frame.tolist()], bool)
        clips.append(_clip_of_crops(video, folder, frame, valid, size))
    return tuple(clips)


def clips_of_units(root: Path) -> tuple[Clip, ...]:
    """Crops under a folder, or in it: a clip of all numbered pictures of each folder that has some.

    Raises:
        ProblemError: F01 a folder or picture cannot be read, D30 no numbered picture, D31 two of one number.
    """
    folders = [root, *sorted(path for path in _listed(root) if path.is_dir())]
    found = [(folder, numbered_pictures(folder)) for folder in folders]
    clips = [_clip_of_files(folder, paths) for folder, paths in found if paths]
    if not clips:
        expected = "crops named by frame number, as <unit>/00001.jpg"
        raise ProblemError(Problem("D30", "no numbered picture", expected, "name another folder", str(root)))
    return tuple(clips)


def clips_of_faces(out: Path) -> tuple[Clip, ...]:
    """The clips of a folder that `abawbench faces` made: one for each unit, with every frame of its video.

    Raises:
        ProblemError: F01, an index cannot be read.
    """
    clips: list[Clip] = []
    for path in index_files(out):
        index = read_index(path)
        size = FIELDS[index.facts["key"]["crop"]].size
        for unit in index.units:
            rows = index.rows_of(unit)
            frame, folder = index.frame[rows], out / CROPS / unit
            valid = index.state[rows] != MISSING
            clip = _clip_of_crops(unit, folder, frame, valid, size)
            clips.append(replace(clip, time=index.time[rows], crop_recipe=index.crop_recipe))
    return tuple(clips)


def clip_of_images(folder: Path, size: int = CROP_SIZE) -> Clip:
    """The pictures of a folder as a clip, each fitted into a square on black.

    Frame numbers are those of the names when all names are numbers (`00012.jpg`, `frame-12.png`), else places in the
    order of names.

    Raises:
        ProblemError: F01 the folder cannot be read, D30 it has no pictures, D31 two of one number.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in images.SUFFIXES)
    except OSError as error:
        raise unreadable(folder, error) from error
    if not paths:
        kinds = " ".join(sorted(images.SUFFIXES))
        raise ProblemError(Problem("D30", "no picture", f"files of the kinds {kinds}", "name another", str(folder)))
    numbers = np.array([number_of(path) for path in paths], np.int32)
    if numbers.min() < 0:
        numbers = np.arange(1, len(paths) + 1, dtype=np.int32)
    numbers, paths = _in_order(numbers, paths, folder)
    return _clip_of_paths(folder, numbers, paths, size, _fitted)


def clip_of_video(path: Path, size: int = CROP_SIZE) -> Clip:
    """The whole pictures of a video as a clip, each fitted into a square on black.

    The file is decoded once here, to count the frames and to learn their times, and again when frames are read.

    Raises:
        ProblemError: F01 the file cannot be read, D33 it has no frames.
    """
    with Video(path) as video:
        times = np.array(video.times(), np.float64)
    if not len(times):
        raise no_frame(path)
    frame = np.arange(1, len(times) + 1, dtype=np.int32)
    valid = np.ones(len(times), bool)
    read = _Forward(path, size).read
    return Clip(path.stem, frame, valid, size, read, times, is_sequential=True, files=lambda: (path,))


def nearest_valid(valid: Mask) -> Positions:
    """For each frame the position of the nearest valid one, the earlier of two; shape (frames,). There is one.

    >>> nearest_valid(np.array([False, True, False, False, True])).tolist()
    [1, 1, 1, 4, 4]
    """
    known = np.flatnonzero(valid)
    place = np.arange(len(valid))
    after = np.minimum(np.searchsorted(known, place), len(known) - 1)
    before = np.maximum(after - 1, 0)
    is_earlier = np.abs(place - known[before]) <= np.abs(known[after] - place)
    return known[np.where(is_earlier, before, after)]


def no_pictures(path: Path, what: str) -> Callable[[Positions], Frames]:
    """The source of a clip that has no pictures, but `what` in a file: E06 for whoever asks for some."""

    def read(positions: Positions) -> Frames:
        del positions
        fix = "name a folder of crops, or another entry"
        raise ProblemError(Problem("E06", f"{what} without pictures", "crops", fix, str(path)))

    return read


class _Forward:
    """Reads a video forward; starts anew where an earlier frame is asked for."""

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size
        self._lock = threading.Lock()
        self._video: Video | None = None
        self._frames: Generator[Frame] | None = None
        self._next = 0

    def read(self, positions: Positions) -> Frames:
        wanted = np.unique(positions)
        result = np.zeros((len(wanted), self._size, self._size, 3), np.uint8)
        with self._lock:
            for place, position in enumerate(wanted.tolist()):
                result[place] = self._picture(position)
        return result[np.searchsorted(wanted, positions)]

    def _picture(self, position: int) -> Image:
        if self._frames is None or position < self._next:
            if self._video is not None:
                self._video.close()
            self._video = Video(self._path)
            self._frames, self._next = self._video.frames(), 0
        for frame in self._frames:
            self._next = frame.number
            if frame.number == position + 1:
                return _fitted(frame.image, self._size, self._path)
        raise no_frame(self._path)


def _names(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except OSError:
        return frozenset()


def _clip_of_crops(unit: str, folder: Path, frame: Integers, valid: Mask, size: int) -> Clip:
    def paths(numbers: Integers) -> list[Path]:
        return [folder / f"{number:05d}.jpg" for number in numbers.tolist()]

    def read(positions: Positions) -> Frames:
        return _read_all(paths(frame[positions]), size, _of_size)

    return Clip(unit, frame, valid, size, read, files=lambda: paths(frame[valid]))


def _clip_of_files(folder: Path, paths: list[Path]) -> Clip:
    numbers, paths = _in_order(np.array([number_of(path) for path in paths], np.int32), paths, folder)
    return _clip_of_paths(folder, numbers, paths, read_image(paths[0]).shape[1], _of_size)


def _clip_of_paths(
    folder: Path, numbers: Integers, paths: list[Path], size: int, shaped: Callable[[Image, int, Path], Image]
) -> Clip:
    def read(positions: Positions) -> Frames:
        return _read_all([paths[position] for position in positions], size, shaped)

    return Clip(folder.resolve().name, numbers, np.ones(len(paths), bool), size, read, files=lambda: paths)


def _in_order(numbers: Integers, paths: list[Path], folder: Path) -> tuple[Integers, list[Path]]:
    order = np.argsort(numbers, kind="stable")
    numbers, paths = numbers[order], [paths[place] for place in order]
    twice = np.flatnonzero(numbers[1:] == numbers[:-1])
    if len(twice):
        found = f"{paths[twice[0]].name} and {paths[twice[0] + 1].name}"
        raise ProblemError(
            Problem("D31", found, "one file for each frame", "remove one of them", str(folder), count=len(twice))
        )
    return numbers, paths


def _listed(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise unreadable(folder, error) from error


def numbered_pictures(folder: Path) -> list[Path]:
    """Pictures of a folder whose names are frame numbers, by name."""
    return sorted(path for path in _listed(folder) if path.suffix.lower() in images.SUFFIXES and number_of(path) >= 0)


def _read_all(paths: Sequence[Path], size: int, shaped: Callable[[Image, int, Path], Image]) -> Frames:
    """Pictures of these files, shape (paths, size, size, 3); all their problems are raised at once."""
    result = np.empty((len(paths), size, size, 3), np.uint8)
    problems: list[Problem] = []
    for place, path in enumerate(paths):
        try:
            result[place] = shaped(read_image(path), size, path)
        except ProblemError as error:
            problems.extend(error.problems)
    if problems:
        raise ProblemError(*problems)
    return result


def _of_size(crop: Image, size: int, path: Path) -> Image:
    if crop.shape[:2] != (size, size):
        found = f"{crop.shape[1]} x {crop.shape[0]} pixels"
        raise ProblemError(Problem("E06", found, f"{size} x {size} pixels", "align the faces again", str(path)))
    return crop


def _fitted(image: Image, size: int, path: Path) -> Image:
    """A picture scaled to fit a square and centred on black."""
    import cv2

    del path
    height, width = image.shape[:2]
    scale = size / max(height, width)
    inner = (max(round(width * scale), 1), max(round(height * scale), 1))
    if inner == (size, size) == (width, height):
        return image
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    result = np.zeros((size, size, 3), np.uint8)
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    result[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=method)
    return result
