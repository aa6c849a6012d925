"""The forward pass over many clips, in full batches of crops that threads read ahead and that clips share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

import numpy as np

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip, Frames, Positions
from abawbench.entries.contract import place_in
from abawbench.entries.failures import reporting_failures
from abawbench.entries.model import DeviceEntry, FrameFeatures, FrameWise

# stands for what an entry failed to make
FAILED = object()


@dataclass(frozen=True, eq=False)
class Piece:
    """Frames of one clip in a batch.

    Attributes:
        clip: clip that the frames belong to.
        positions: positions of the frames in the clip, shape (frames,).
        is_last: True for the last frames of the clip.
    """

    clip: Clip
    positions: Positions
    is_last: bool


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops of one clip or of several clips.

    Attributes:
        pieces: frames of the batch, in order.
        crops: crops of the pieces, shape (crops, side, side, 3); black crops fill the rest of the batch.
        prepared: output of the entry's `prepare` for the crops; FAILED where it fails.
        errors: reason why the crops of a piece could not be read, by the index of the piece; these crops are black.
    """

    pieces: tuple[Piece, ...]
    crops: Frames
    prepared: Any
    errors: dict[int, ProblemError]


def split_into_batches(clips: Iterable[Clip], size: int) -> Generator[tuple[Piece, ...]]:
    """Split the valid frames of the clips, in order, into batches of `size` frames.

    A clip without valid frames gives an empty last piece.
    """
    pieces: list[Piece] = []
    room = size
    for clip in clips:
        rest = np.flatnonzero(clip.valid)
        while True:
            taken, rest = rest[:room], rest[room:]
            pieces.append(Piece(clip, taken, not len(rest)))
            room -= len(taken)
            if not room:
                yield tuple(pieces)
                pieces, room = [], size
            if not len(rest):
                break
    if pieces:
        yield tuple(pieces)


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Options of the batches of a forward pass.

    Attributes:
        side: height and width of the crops in pixels.
        size: number of crops in a batch.
        threads: number of threads that read crops; one for each core by default.
    """

    side: int
    size: int
    threads: int | None = None


def read_batches(clips: Iterable[Clip], options: BatchOptions, prepare: Callable[[Frames], Any]) -> Generator[Batch]:
    """Read the valid frames of the clips, in order, in batches that threads read and prepare ahead of their use.

    Black crops fill the last batch. Since all batches have one shape, a frame gets the same answer in any batch of a
    resumed run.

    Args:
        clips: clips whose crops have the same size.
        options: size of the crops and of the batches.
        prepare: function of an entry that prepares crops for its forward pass.
    """
    batches = split_into_batches(clips, options.size)
    yield from map_ahead(lambda pieces: _read(pieces, options, prepare), batches, options.threads)


def encode_clips(
    entry: FrameWise, clips: Iterable[Clip], options: BatchOptions, tick: Callable[[int], None] = lambda _: None
) -> Generator[tuple[Clip, FrameFeatures | ProblemError]]:
    """Encode the valid frames of each clip, in order.

    Args:
        entry: entry whose forward pass is run.
        clips: clips whose crops have the same size.
        options: size of the crops and of the batches.
        tick: called after each forward pass with the number of frames in it.

    Yields:
        The clip, and its features, shape (valid frames, width), or the problems why it has none: E12 or E13 the entry
        fails, E14 a feature is not finite, F01 or E06 a crop cannot be read.
    """
    prepare: Callable[[Frames], Any] = entry.prepare if isinstance(entry, DeviceEntry) else _unchanged
    forward: Callable[[Any], FrameFeatures] = entry.forward if isinstance(entry, DeviceEntry) else entry.encode
    width = entry.width if isinstance(entry, DeviceEntry) else None
    parts: list[FrameFeatures] = []
    problems: list[Problem] = []
    for filled in read_batches(clips, options, prepare):
        begin = 0
        whole = FAILED if filled.prepared is FAILED else _attempt(forward, filled.prepared)
        is_whole = _is_matrix(whole, len(filled.crops), width)
        for number, piece in enumerate(filled.pieces):
            end = begin + len(piece.positions)
            try:
                if number in filled.errors:
                    raise filled.errors[number]
                if is_whole:
                    part = whole[begin:end]
                else:
                    part = _forward_alone(entry, lambda crops: forward(prepare(crops)), piece, options, width)
                width = part.shape[1]
                problems.extend(_not_finite(entry, part, piece))
                parts.append(part)
            except ProblemError as error:
                problems.extend(error.problems)
            begin = end
            tick(len(piece.positions))
            if piece.is_last:
                yield piece.clip, ProblemError(*problems) if problems else np.concatenate(parts)
                parts, problems = [], []


def _read(pieces: tuple[Piece, ...], options: BatchOptions, prepare: Callable[[Frames], Any]) -> Batch:
    crops = np.zeros((options.size, options.side, options.side, 3), np.uint8)
    errors: dict[int, ProblemError] = {}
    begin = 0
    for number, piece in enumerate(pieces):
        end = begin + len(piece.positions)
        if end > begin:
            try:
                crops[begin:end] = piece.clip.read(piece.positions)
            except ProblemError as error:
                errors[number] = error
        begin = end
    return Batch(pieces, crops, _attempt(prepare, crops), errors)


def _unchanged(crops: Frames) -> Frames:
    return crops


def _attempt(function: Callable[[Any], Any], argument: Any) -> Any:
    """The result of a function of an entry; FAILED where it fails, so that each piece is tried alone."""
    try:
        with reporting_failures(""):
            return function(argument)
    except ProblemError:
        return FAILED


def _is_matrix(features: object, rows: int, width: int | None) -> TypeGuard[FrameFeatures]:
    if not isinstance(features, np.ndarray) or features.ndim != 2 or features.dtype.kind not in "fiu":
        return False
    return len(features) == rows and width in {None, features.shape[1]}


def _forward_alone(
    entry: FrameWise,
    forward: Callable[[Frames], FrameFeatures],
    piece: Piece,
    options: BatchOptions,
    width: int | None,
) -> FrameFeatures:
    """Encode one piece of a batch that failed, in a batch of the same size that holds nothing else.

    Args:
        entry: entry that failed.
        forward: function from crops to features.
        piece: frames that are tried; they are read again, since the entry may have changed what it got.
        options: size of the crops and of the batch.
        width: number of features of a frame; None where it is not known yet.

    Raises:
        ProblemError: E12 or E13, naming the first frame that fails by itself; F01 or E06, it cannot be read.
    """
    clip, frames = piece.clip, piece.clip.frame[piece.positions].tolist()

    def features_of(positions: Positions, frame: int | None) -> FrameFeatures:
        crops = np.zeros((options.size, options.side, options.side, 3), np.uint8)
        crops[: len(positions)] = clip.read(positions)
        with reporting_failures(place_in(entry.card, clip.video, frame)):
            features = cast(object, forward(crops))
        if _is_matrix(features, len(crops), width):
            return features[: len(positions)]
        is_array = isinstance(features, np.ndarray)
        kind = f"{features.dtype} of shape {features.shape}" if is_array else f"a {type(features).__name__}"
        expected = f"numbers of shape ({len(crops)}, {'width' if width is None else width})"
        found = f"{place_in(entry.card, clip.video)}: {kind} for {len(crops)} crops"
        raise ProblemError(Problem("E13", found, expected, "correct the entry's encode"))

    try:
        return features_of(piece.positions, frames[0] if frames else None)
    except ProblemError:
        for place, frame in enumerate(frames):
            features_of(piece.positions[place : place + 1], frame)
        raise


def _not_finite(entry: FrameWise, features: FrameFeatures, piece: Piece) -> tuple[Problem, ...]:
    rows = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if not len(rows):
        return ()
    frame = int(piece.clip.frame[piece.positions[rows[0]]])
    found = f"{place_in(entry.card, piece.clip.video, frame)}: not a finite number"
    return (Problem("E14", found, "numbers for every crop", "check the weights", count=len(rows)),)
