"""What a staged entry sees in every valid frame of many clips, in batches that several clips share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip, Frames
from abawbench.entries.contract import describe_failure
from abawbench.entries.model import DeviceEntry, FrameFeatures, FrameWise
from abawbench.inference.batches import Batch, Piece, batches


@dataclass(frozen=True, slots=True)
class ForwardOptions:
    """How many crops are looked at together, and by how many threads they are decoded."""

    batch: int
    threads: int | None


def encoded_in(
    entry: FrameWise, clips: Iterable[Clip], side: int, look: ForwardOptions, tick: Callable[[int], None]
) -> Generator[tuple[Clip, FrameFeatures | ProblemError]]:
    """For each clip, in order, what the entry sees in its valid frames, shape (valid frames, width), or why not.

    Args:
        entry: that looks.
        clips: whose crops are `side` pixels wide.
        side: of a crop.
        look: batch size and threads.
        tick: is told how many frames were looked at.
    """
    prepare: Callable[[Frames], Any] = entry.prepare if isinstance(entry, DeviceEntry) else _unchanged
    see: Callable[[Any], FrameFeatures] = entry.forward if isinstance(entry, DeviceEntry) else entry.encode
    alone = partial(_alone, entry, lambda crops: see(prepare(crops)))
    parts: list[FrameFeatures] = []
    problems: list[Problem] = []
    for batch in batches(clips, side, look.batch, prepare, threads=look.threads):
        begin = 0
        whole = _looked(see, batch)
        for place, piece in enumerate(batch.pieces):
            end = begin + len(piece.positions)
            try:
                if place in batch.errors:
                    raise batch.errors[place]
                part = whole[begin:end] if whole is not None else alone(piece, batch.crops[begin:end], len(batch.crops))
                problems.extend(_without_numbers(entry, part, piece.clip, piece.positions))
                parts.append(part)
            except ProblemError as error:
                problems.extend(error.problems)
            begin = end
            tick(len(piece.positions))
            if piece.is_last:
                yield piece.clip, ProblemError(*problems) if problems else np.concatenate(parts)
                parts, problems = [], []


def _unchanged(crops: Frames) -> Frames:
    return crops


def _looked(see: Callable[[Any], FrameFeatures], batch: Batch) -> FrameFeatures | None:
    """What is seen in a whole batch; None where that fails: each piece is looked at alone, to find the fault."""
    try:
        seen = see(batch.prepared)
    except Exception:
        return None
    return seen if _is_whole(seen, len(batch.crops)) else None


def _is_whole(seen: object, rows: int) -> bool:
    return isinstance(seen, np.ndarray) and seen.ndim == 2 and len(seen) == rows


def _alone(
    entry: FrameWise, looked: Callable[[Frames], FrameFeatures], piece: Piece, crops: Frames, size: int
) -> FrameFeatures:
    """What is seen in one piece of a batch that failed, in a batch of the same size.

    Raises:
        ProblemError: E12 or E13, naming the first frame that fails by itself.
    """
    frames = piece.clip.frame[piece.positions].tolist()

    def seen_in_part(part: Frames, frame: int | None) -> FrameFeatures:
        padded = np.zeros((size, *crops.shape[1:]), np.uint8)
        padded[: len(part)] = part
        try:
            seen = looked(padded)
        except Exception as error:
            raise ProblemError(*describe_failure(entry.card, error, piece.clip.video, frame)) from error
        if not _is_whole(seen, size):
            found = f"{entry.card.name}, unit {piece.clip.video}: {getattr(seen, 'shape', type(seen).__name__)}"
            expected = f"one row for each of {size} crops"
            raise ProblemError(Problem("E13", found, expected, "correct the entry's look"))
        return seen[: len(part)]

    try:
        return seen_in_part(crops, frames[0] if frames else None)
    except ProblemError:
        for place, frame in enumerate(frames):
            seen_in_part(crops[place : place + 1], frame)
        raise


def _without_numbers(entry: FrameWise, part: FrameFeatures, clip: Clip, positions: Any) -> tuple[Problem, ...]:
    rows = np.flatnonzero(~np.isfinite(part).all(axis=1))
    if not len(rows):
        return ()
    frame = int(clip.frame[positions[rows[0]]])
    found = f"{entry.card.name}, unit {clip.video}, frame {frame}: not a finite number"
    fix = "check the weights; with --precision bfloat16 try float32"
    return (Problem("E14", found, "numbers for every crop", fix, count=len(rows)),)
