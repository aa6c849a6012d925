"""Frames of many clips in full batches: decoded and prepared by threads while the one before is looked at."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import ProblemError
from abawbench.clips.clip import Clip, Frames, Positions


@dataclass(frozen=True, eq=False)
class Piece:
    """Frames of one clip in a batch.

    Attributes:
        clip: whose frames they are.
        positions: in the clip, shape (frames,).
        is_last: True for the last frames of the clip.
    """

    clip: Clip
    positions: Positions
    is_last: bool


@dataclass(frozen=True, eq=False)
class Batch:
    """As many crops as fit, of one clip or several.

    Attributes:
        pieces: whose they are, in order.
        crops: shape (crops, side, side, 3); a batch that is not full ends in black crops.
        prepared: what the entry made of them.
        errors: by place of a piece, why its crops could not be read; they are black.
    """

    pieces: tuple[Piece, ...]
    crops: Frames
    prepared: Any
    errors: dict[int, ProblemError]


def planned(clips: Iterable[Clip], size: int) -> Generator[tuple[Piece, ...]]:
    """Valid frames of the clips in order, `size` at a time; a clip without any gives an empty last piece."""
    waiting: list[Piece] = []
    room = size
    for clip in clips:
        left = np.flatnonzero(clip.valid)
        while True:
            taken, left = left[:room], left[room:]
            waiting.append(Piece(clip, taken, not len(left)))
            room -= len(taken)
            if not room:
                yield tuple(waiting)
                waiting, room = [], size
            if not len(left):
                break
    if waiting:
        yield tuple(waiting)


def batches(
    clips: Iterable[Clip],
    side: int,
    size: int,
    prepare: Callable[[Frames], Any],
    *,
    threads: int | None = None,
) -> Generator[Batch]:
    """Batches in order, at most `threads` + 1 of them ahead of their use.

    Every batch has `size` crops, the last is filled up with black: a network that always gets the same shape gives a
    frame the same answer, whatever batch a resumed run puts it in.
    """
    yield from map_ahead(lambda pieces: _read(pieces, side, size, prepare), planned(clips, size), threads)


def _read(pieces: tuple[Piece, ...], side: int, size: int, prepare: Callable[[Frames], Any]) -> Batch:
    crops = np.zeros((size, side, side, 3), np.uint8)
    errors: dict[int, ProblemError] = {}
    begin = 0
    for place, piece in enumerate(pieces):
        end = begin + len(piece.positions)
        if end > begin:
            try:
                crops[begin:end] = piece.clip.read(piece.positions)
            except ProblemError as error:
                errors[place] = error
        begin = end
    return Batch(pieces, crops, prepare(crops), errors)
