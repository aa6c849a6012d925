"""Clip: the face crops of one video or person, read on demand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.folders import entries, require_text
from abawbench.base.hashes import sha256_of_file
from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError, Problems, unreadable
from abawbench.clips.crop import CROP_SIZE, Crop
from abawbench.clips.crop_file import CROP_FILE, read_crop
from abawbench.clips.crop_index import CROPS, MISSING, index_files, read_index
from abawbench.clips.images import SUFFIXES, number_of, read_image
from abawbench.table import Floats, Integers, Mask, Table

Frames = NDArray[np.uint8]
Positions = NDArray[np.intp]
# default number of crops in a forward pass
BATCH = 64


@dataclass(frozen=True, eq=False)
class Clip:
    """The face crops of one video (or of one person in it), in order of time.

    Attributes:
        video: name of the video or unit.
        frame: frame numbers, rising, shape (frames,).
        valid: True where a frame has a crop, shape (frames,).
        size: height and width of the crops in pixels.
        source: function that reads the valid frames at the given positions; it returns RGB crops, uint8, shape
            (positions, size, size, 3).
        time: seconds from the start of the video, shape (frames,); None where the times are not known.
        files: function that lists the files of the valid frames; None where the crops are in memory.
        crop_recipe: settings and versions by which `abawbench faces` cut the crops, or what their folder says that they
            are; None where nothing is said.
    """

    video: str
    frame: Integers
    valid: Mask
    size: int
    source: Callable[[Positions], Frames]
    time: Floats | None = None
    files: Callable[[], Iterable[Path]] | None = None
    crop_recipe: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def crop(self) -> Crop | None:
        """What the crops show, and how large they are; None where nothing is said."""
        return None if self.crop_recipe is None else Crop.from_json(self.crop_recipe)

    def read(self, positions: Positions) -> Frames:
        """RGB crops at these positions, shape (positions, size, size, 3); black where a frame has no crop.

        Raises:
            ProblemError: F01 for a file that is no picture, E06 for a picture of another size.
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
        """All crops, shape (frames, size, size, 3), read again at each access."""
        return self.read(np.arange(len(self)))

    def digest(self) -> str:
        """SHA-256 of everything that predictions depend on: frame numbers, valid frames, and the bytes of their crops.

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
                state.update(bytes.fromhex(sha256_of_file(path)))
            except OSError as error:
                raise unreadable(path, error) from error
        return state.hexdigest()


def clip_in_memory(video: str, frames: Frames, *, frame: Integers | None = None, valid: Mask | None = None) -> Clip:
    """A clip of crops that are in memory.

    Args:
        video: name of the video.
        frames: RGB crops, uint8, shape (frames, size, size, 3).
        frame: frame numbers; they count from 1 by default.
        valid: False where a crop does not count, shape (frames,); all crops count by default.
    """
    numbers = np.arange(1, len(frames) + 1, dtype=np.int32) if frame is None else frame
    mask = np.ones(len(frames), bool) if valid is None else valid
    return Clip(video, numbers, mask, frames.shape[1], lambda positions: frames[positions])


def part_of(clip: Clip, kept: Positions) -> Clip:
    """The frames at some positions of a clip of crops, without the files that they are in."""
    return replace(
        clip,
        frame=clip.frame[kept],
        valid=clip.valid[kept],
        time=None if clip.time is None else clip.time[kept],
        files=None,
        source=lambda positions: clip.source(kept[positions]),
    )


def clips_of_crops(root: Path, rows: Table, size: int | None = None) -> tuple[Clip, ...]:
    """The clips of the videos in a table, from crops named `<video>/00001.jpg` as in s-Aff-Wild2.

    Args:
        root: folder of the crops, as `cropped_aligned`.
        rows: list, truth or prediction; each of its videos gives a clip of the video's distinct frames.
        size: height and width of the crops in pixels; by default what their folder says, or else 112.

    Raises:
        ProblemError: F01, the folder does not say what its crops are in the right form.
    """
    described = read_crop(root)
    recipe = None if described is None else described.to_json()
    if size is None:
        size = CROP_SIZE if described is None else described.size
    order = np.argsort(rows.video, kind="stable")
    ends = np.searchsorted(rows.video[order], np.arange(len(rows.videos) + 1))
    clips: list[Clip] = []
    for place, video in enumerate(rows.videos):
        frame = np.unique(rows.frame[order[ends[place] : ends[place + 1]]])
        folder = root / video
        present = _names(folder)
        valid = np.array([f"{number:05d}.jpg" in present for number in frame.tolist()], bool)
        clips.append(replace(_clip_of_crops(video, folder, frame, valid, size), crop_recipe=recipe))
    return tuple(clips)


def clips_of_faces(out: Path) -> tuple[Clip, ...]:
    """The clips in the output of `abawbench faces`: one for each unit, with every frame of its video.

    Raises:
        ProblemError: F01, an index cannot be read.
    """
    clips: list[Clip] = []
    for path in index_files(out):
        index = read_index(path)
        for unit in index.units:
            rows = index.rows_of(unit)
            frame, folder = index.frame[rows], out / CROPS / unit
            valid = index.state[rows] != MISSING
            clip = _clip_of_crops(unit, folder, frame, valid, index.crop.size)
            clips.append(replace(clip, time=index.time[rows], crop_recipe=index.crop_recipe))
    return tuple(clips)


def clips_of_units(root: Path) -> tuple[Clip, ...]:
    """The numbered pictures in a folder and in the folders in it: one clip for each folder that has some.

    Raises:
        ProblemError: F01 a folder or picture cannot be read, D30 there is no numbered picture, D31 two pictures have
            the same number, E06 the pictures have another size than the folder says.
    """
    folders = [root, *(path for path in entries(root)[0] if path.is_dir())]
    found = [(folder, numbered_pictures(folder)) for folder in folders]
    clips = [_clip_of_pictures(folder, paths) for folder, paths in found if paths]
    if not clips:
        expected = "crops named by frame number, as <unit>/00001.jpg"
        raise ProblemError(Problem("D30", "no numbered picture", expected, "name another folder", str(root)))
    return _with_description(clips, root, is_unit=bool(found[0][1]))


def numbered_pictures(folder: Path) -> list[Path]:
    """The pictures of a folder that are named by frame number, sorted by name. Raises: ProblemError F01."""
    return [path for path in entries(folder)[0] if path.suffix.lower() in SUFFIXES and number_of(path) >= 0]


def digest_clips(clips: Iterable[Clip]) -> Generator[tuple[Clip, str | ProblemError]]:
    """Each clip, in order, with the hash of its frames, or with the problems that keep them from being read.

    A thread reads the files ahead of their turn.
    """

    def digest(clip: Clip) -> tuple[Clip, str | ProblemError]:
        try:
            return clip, clip.digest()
        except ProblemError as error:
            return clip, error

    yield from map_ahead(digest, clips, 1)


def nearest_valid(valid: Mask) -> Positions:
    """The position of the nearest valid frame for each frame, shape (frames,); the earlier of two equally near.

    Args:
        valid: shape (frames,), True for at least one frame.

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
    """The `source` of a clip that has no crops; reading from it raises E06.

    Args:
        path: file of the clip.
        what: content of the file, as `features`.
    """

    def read(positions: Positions) -> Frames:
        del positions
        fix = "name a folder of crops, or another entry"
        raise ProblemError(Problem("E06", f"{what} without pictures", "crops", fix, str(path)))

    return read


def _clip_of_crops(unit: str, folder: Path, frame: Integers, valid: Mask, size: int) -> Clip:
    def paths(numbers: Integers) -> list[Path]:
        return [folder / f"{number:05d}.jpg" for number in numbers.tolist()]

    def read(positions: Positions) -> Frames:
        return _read_crops(paths(frame[positions]), size)

    return Clip(unit, frame, valid, size, read, files=lambda: paths(frame[valid]))


def _with_description(clips: Sequence[Clip], root: Path, *, is_unit: bool) -> tuple[Clip, ...]:
    """The clips with what `crop.json` in their folder says; that of a unit may stand beside its folder too."""
    place, described = root, read_crop(root)
    if described is None and is_unit:
        place = root.resolve().parent
        described = read_crop(place)
    if described is None:
        return tuple(clips)
    problems = Problems()
    for clip in clips:
        if clip.size != described.size:
            found = f"crops of {clip.size} x {clip.size} pixels in {clip.video}"
            expected = f"{described.size} x {described.size} pixels, as {place / CROP_FILE} says"
            fix = "cut them again in one size, or correct the file"
            problems.add(Problem("E06", found, expected, fix, str(root)))
    problems.raise_if_any()
    return tuple(replace(clip, crop_recipe=described.to_json()) for clip in clips)


def _clip_of_pictures(folder: Path, paths: list[Path]) -> Clip:
    require_text(folder.resolve())
    numbers = np.array([number_of(path) for path in paths], np.int32)
    order = np.argsort(numbers, kind="stable")
    numbers, paths = numbers[order], [paths[place] for place in order]
    twice = np.flatnonzero(numbers[1:] == numbers[:-1])
    if len(twice):
        found = f"{paths[twice[0]].name} and {paths[twice[0] + 1].name}"
        raise ProblemError(
            Problem("D31", found, "one file for each frame", "remove one of them", str(folder), count=len(twice))
        )
    size = read_image(paths[0]).shape[1]

    def read(positions: Positions) -> Frames:
        return _read_crops([paths[position] for position in positions], size)

    return Clip(folder.resolve().name, numbers, np.ones(len(paths), bool), size, read, files=lambda: paths)


def _read_crops(paths: Sequence[Path], size: int) -> Frames:
    """The crops in these files, shape (paths, size, size, 3); the problems of all files are raised together."""
    result = np.empty((len(paths), size, size, 3), np.uint8)
    problems: list[Problem] = []
    for place, path in enumerate(paths):
        try:
            crop = read_image(path)
        except ProblemError as error:
            problems.extend(error.problems)
            continue
        if crop.shape[:2] == (size, size):
            result[place] = crop
        else:
            found = f"{crop.shape[1]} x {crop.shape[0]} pixels"
            problems.append(Problem("E06", found, f"{size} x {size} pixels", "align the faces again", str(path)))
    if problems:
        raise ProblemError(*problems)
    return result


def _names(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries)
    except OSError:
        return frozenset()
