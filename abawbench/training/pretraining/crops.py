"""The crops of a pre-training: those to learn from, those held out, and the order of an epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip
from abawbench.clips.open import open_clips
from abawbench.table import Rows
from abawbench.training.data import Crops

# the first number of a seed, so that every use has a random stream of its own
SPLIT, ORDER, STEP, HELD_OUT = range(4)


@dataclass(frozen=True, eq=False)
class Split:
    """Crops to learn from, and crops held out for validation.

    Attributes:
        learned: numbers of the crops to learn from, rising.
        held_out: numbers of the crops held out, rising; empty where nothing is held out.
        units: names of the units held out; empty where there is one unit alone, whose last frames are held out.
    """

    learned: Rows
    held_out: Rows
    units: tuple[str, ...]


def open_crops(data: Path, room: int = 0) -> Crops:
    """Open all crops of a folder, sorted by unit; none is decoded yet.

    Args:
        data: output of `faces`, a corpus with `cropped_aligned`, or folders of numbered pictures.
        room: bytes of decoded crops that may be kept.

    Raises:
        ProblemError: F01 D30 D31 as `open_clips`, F19 a name is not UTF-8, E19 no crop, or crops that differ in size or
            kind.
    """
    source = open_clips(data)
    problems = [problem for problem in source.notes if not problem.is_note]
    if problems:
        raise ProblemError(*problems)
    if source.kind == "features":
        raise ProblemError(Problem("E19", "features", "crops", "name the crops they were extracted from", str(data)))
    clips = sorted((clip for clip in source.clips if clip.valid.any()), key=lambda clip: clip.video)
    if not clips:
        fix = "name another folder, or open its audit.html"
        raise ProblemError(Problem("E19", "no crop in any unit", "one crop at least", fix, str(data)))
    sizes = sorted({clip.size for clip in clips})
    if len(sizes) > 1:
        found = f"crops of {' and '.join(map(str, sizes))} pixels"
        raise ProblemError(Problem("E19", found, "crops of one size", "align the faces to one size", str(data)))
    shown = sorted({clip.crop.name if clip.crop else "crops that do not say what they show" for clip in clips})
    if len(shown) > 1:
        found, fix = " and ".join(shown), "cut all faces alike"
        raise ProblemError(Problem("E19", found, "crops of one kind", fix, str(data)))
    return Crops(clips, room)


def digest_of(clips: Sequence[Clip]) -> str:
    """SHA-256 over the names and crops of all units. Raises: ProblemError F01, a file cannot be read."""
    state = hashlib.sha256()
    for clip, digest in zip(clips, map_ahead(Clip.digest, clips), strict=True):
        state.update(f"{clip.video}\0{digest}\0".encode())
    return state.hexdigest()


def split(crops: Crops, share: float, seed: int) -> Split:
    """Hold out a share of the units, one at least, or the last frames of a single unit."""
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
    """The batches of an epoch, in random order; a rest smaller than a batch is left out unless it is the only batch."""
    order = np.random.default_rng([ORDER, seed, epoch]).permutation(rows)
    return [order[begin : begin + size] for begin in range(0, max(len(order) - size, 0) + 1, size)]
