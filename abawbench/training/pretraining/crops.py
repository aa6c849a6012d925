"""The crops that a masked autoencoder learns from: in memory where they fit, else read ahead of their turn."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip, Frames, clips_of_faces, clips_of_units
from abawbench.clips.crop_index import CROPS, index_files
from abawbench.table import Rows

# which numbers a seed is asked for: every use has a stream of its own
SPLIT, ORDER, STEP, HELD_OUT = range(4)
_AHEAD = 4


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of several units, numbered through.

    Attributes:
        clips: that they come from, sorted by name.
        clip: shape (crops,), which clip each comes from.
        position: shape (crops,), its place in the clip.
        side: height and width in pixels.
        memory: all of them, shape (crops, side, side, 3); None where they do not fit.
    """

    clips: tuple[Clip, ...]
    clip: NDArray[np.int64]
    position: NDArray[np.int64]
    side: int
    memory: Frames | None = None

    def __len__(self) -> int:
        return len(self.clip)

    def read(self, rows: Rows) -> Frames:
        """Crops of these numbers, shape (rows, side, side, 3)."""
        if self.memory is not None:
            return self.memory[rows]
        result = np.empty((len(rows), self.side, self.side, 3), np.uint8)
        for clip in np.unique(self.clip[rows]):
            own = self.clip[rows] == clip
            result[own] = self.clips[clip].read(self.position[rows[own]])
        return result

    def ahead(self, batches: Iterable[Rows]) -> Generator[Frames]:
        """The crops of each batch in turn; the next ones are read by threads while one is used."""
        threads = 1 if self.memory is not None else os.cpu_count() or 1
        waiting: deque[Future[Frames]] = deque()
        pool = ThreadPoolExecutor(threads)
        try:
            for rows in batches:
                waiting.append(pool.submit(self.read, rows))
                if len(waiting) > threads + _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def digest(self) -> str:
        """SHA-256 over names and crops of all units.

        Raises:
            ProblemError: F01, a file cannot be read.
        """
        state = hashlib.sha256()
        with ThreadPoolExecutor() as pool:
            for clip, digest in zip(self.clips, pool.map(Clip.digest, self.clips), strict=True):
                state.update(f"{clip.video}\0{digest}\0".encode())
        return state.hexdigest()


@dataclass(frozen=True, eq=False)
class Split:
    """Which crops are learned from, and which only show what was learned.

    Attributes:
        learned: numbers of crops, rising.
        held_out: numbers of crops, rising; empty where nothing is held out.
        units: names of the units that are held out; empty where there is one unit alone, whose last frames they are.
    """

    learned: Rows
    held_out: Rows
    units: tuple[str, ...]


def crops_of(data: Path) -> Crops:
    """All crops of a folder that `faces` made, of a corpus with `cropped_aligned`, or of folders of numbered pictures.

    Nothing is decoded yet.

    Raises:
        ProblemError: F01 D30 D31 as `clips_of_units`, E19 there is no crop, or they differ in size.
    """
    if index_files(data):
        clips = clips_of_faces(data)
    else:
        clips = clips_of_units(data / CROPS if (data / CROPS).is_dir() else data)
    clips = tuple(sorted((clip for clip in clips if clip.valid.any()), key=lambda clip: clip.video))
    if not clips:
        fix = "name another folder, or look at audit.html"
        raise ProblemError(Problem("E19", "no crop in any unit", "one crop at least", fix, str(data)))
    sizes = sorted({clip.size for clip in clips})
    if len(sizes) > 1:
        found = f"crops of {' and '.join(map(str, sizes))} pixels"
        raise ProblemError(Problem("E19", found, "crops of one size", "align the faces to one size", str(data)))
    places = [np.flatnonzero(clip.valid) for clip in clips]
    clip = np.repeat(np.arange(len(clips)), [len(place) for place in places])
    return Crops(clips, clip, np.concatenate(places), sizes[0])


def in_memory(crops: Crops, limit: int) -> Crops:
    """The same crops, decoded once, where they take no more than `limit` bytes; else as they are.

    Raises:
        ProblemError: F01 E06, a crop is no picture or of another size.
    """
    if len(crops) * crops.side**2 * 3 > limit:
        return crops
    memory = np.empty((len(crops), crops.side, crops.side, 3), np.uint8)
    parts = np.array_split(np.arange(len(crops)), max(1, len(crops) // 64))
    for rows, frames in zip(parts, crops.ahead(parts), strict=True):
        memory[rows] = frames
    return Crops(crops.clips, crops.clip, crops.position, crops.side, memory)


def split(crops: Crops, share: float, seed: int) -> Split:
    """Hold out a share of the units, one at least; of one unit alone the last frames."""
    every = np.arange(len(crops))
    if not share or len(crops) == 1:
        return Split(every, every[:0], ())
    if len(crops.clips) == 1:
        cut = len(crops) - min(max(1, round(share * len(crops))), len(crops) - 1)
        return Split(every[:cut], every[cut:], ())
    count = min(max(1, round(share * len(crops.clips))), len(crops.clips) - 1)
    chosen = np.sort(np.random.default_rng([SPLIT, seed]).permutation(len(crops.clips))[:count])
    is_out = np.isin(crops.clip, chosen)
    return Split(every[~is_out], every[is_out], tuple(crops.clips[place].video for place in chosen))


def batches(rows: Rows, size: int, seed: int, epoch: int) -> Sequence[Rows]:
    """The batches of an epoch, in an order of its own; a rest smaller than a batch is left out, a first one is not."""
    order = np.random.default_rng([ORDER, seed, epoch]).permutation(rows)
    return [order[begin : begin + size] for begin in range(0, max(len(order) - size, 0) + 1, size)]
