"""Clip: the crops of one video, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.data.faces import CROP_SIZE
from abawbench.data.images import read_image
from abawbench.errors import Problem, ProblemError
from abawbench.table import Integers, Mask, Table

Frames = NDArray[np.uint8]
Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Clip:
    """The face crops of one video (or of one person in it), in order of time.

    Attributes:
        video: name of the video or unit.
        frame: shape (frames,), frame numbers, rising.
        valid: shape (frames,), False where there is no crop.
        size: height and width of the crops in pixels.
        source: reads the valid frames at the given positions: shape (positions, size, size, 3), uint8, RGB.
    """

    video: str
    frame: Integers
    valid: Mask
    size: int
    source: Callable[[Positions], Frames]

    def __len__(self) -> int:
        return len(self.frame)

    def read(self, positions: Positions) -> Frames:
        """Crops at these positions, shape (positions, size, size, 3), RGB; black where there is none.

        Raises:
            ProblemError: F01 for a file that is no picture, E06 for one of another size.
        """
        result = np.zeros((len(positions), self.size, self.size, 3), np.uint8)
        present = self.valid[positions]
        if present.any():
            result[present] = self.source(positions[present])
        return result

    @property
    def frames(self) -> Frames:
        """All crops, shape (frames, size, size, 3); read anew each time."""
        return self.read(np.arange(len(self)))


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


def clips_of_crops(root: Path, rows: Table) -> tuple[Clip, ...]:
    """The clips a table asks for, from crops named `<video>/00001.jpg` under `root` as in s-Aff-Wild2.

    Args:
        root: the folder `cropped_aligned`.
        rows: a list, truth or prediction; each of its videos gives a clip of its distinct frames.
    """
    order = np.argsort(rows.video, kind="stable")
    ends = np.searchsorted(rows.video[order], np.arange(len(rows.videos) + 1))
    clips: list[Clip] = []
    for place, video in enumerate(rows.videos):
        frame = np.unique(rows.frame[order[ends[place] : ends[place + 1]]])
        paths = [root / video / f"{number:05d}.jpg" for number in frame]
        valid = np.array([path.is_file() for path in paths], bool)
        clips.append(Clip(video, frame, valid, CROP_SIZE, _reader(paths)))
    return tuple(clips)


def _reader(paths: list[Path]) -> Callable[[Positions], Frames]:
    def read(positions: Positions) -> Frames:
        return np.stack([_crop(paths[position]) for position in positions])

    return read


def _crop(path: Path) -> Frames:
    crop = read_image(path)
    if crop.shape[:2] != (CROP_SIZE, CROP_SIZE):
        found = f"{crop.shape[1]} x {crop.shape[0]} pixels"
        expected = f"{CROP_SIZE} x {CROP_SIZE} pixels"
        raise ProblemError(Problem("E06", found, expected, "align the faces again", str(path)))
    return crop
