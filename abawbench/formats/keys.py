"""Conversion of names of rows to videos and frames, and back, vectorised."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.formats.layout import Key
from abawbench.formats.parse import as_numpy
from abawbench.table import NO_FRAME, Integers, Table

if TYPE_CHECKING:
    import pyarrow as pa

Names = tuple[tuple[str, ...], Integers, Integers]

# length of `/00001.jpg`
TAIL = 10
PATTERNS = {
    "path": r"^(?P<video>.+)/(?P<frame>\d{5}|[1-9]\d{5,7})\.jpg$",
    "frame-path": r"^(?P<video>.+)/frame-(?P<frame>0|[1-9]\d{0,7})\.jpg$",
}


def example(key: Key) -> str:
    """A correct name, for messages."""
    return {"frame-path": "video/frame-0.jpg", "frame": "1"}.get(key, "video/00001.jpg")


def row_names(table: Table, key: Key) -> pa.Array | None:
    """The first field of each row of a table; None where the line number is the name."""
    import pyarrow as pa

    if key == "line":
        return None
    if key == "frame":
        return pa.array(table.frame)
    return join_keys(table.videos, table.video, table.frame, key)


def join_keys(videos: tuple[str, ...], video: Integers, frame: Integers, key: Key) -> pa.Array:
    """Names of rows as a format writes them.

    Args:
        videos: names of the videos.
        video: shape (rows,), index into `videos`.
        frame: shape (rows,), frame numbers, `NO_FRAME` in formats whose rows are whole videos or images.
        key: form of the names.
    """
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    if key == "frame":
        return pa.array(frame).cast(pa.string())
    names = pa.array(videos, pa.string()).take(pa.array(video))
    if key in {"id", "image"} or (frame == NO_FRAME).all():
        return names
    numbers = pa.array(frame).cast(pa.string())
    if key == "frame-path":
        return compute.binary_join_element_wise(names, "/frame-", numbers, ".jpg", "")
    return compute.binary_join_element_wise(names, "/", compute.utf8_lpad(numbers, 5, "0"), ".jpg", "")


def split_keys(keys: pa.ChunkedArray, kind: Key) -> Names | None:
    """Videos in order of first appearance, and the video index and frame of each row; None where a name is irregular.

    Args:
        keys: names of rows.
        kind: form of the names.
    """
    if kind == "path":
        return _ordered_paths(keys) or _paths_in_any_order(keys) or _by_pattern(keys, PATTERNS["path"])
    if kind == "frame-path":
        return _by_pattern(keys, PATTERNS["frame-path"])
    if kind == "frame":
        frame = frame_numbers(keys)
        return None if frame is None else (("",), np.zeros_like(frame), frame)
    video, names = encode(keys)
    return names, video, np.full(len(video), NO_FRAME, np.int32)


def frame_numbers(keys: pa.ChunkedArray) -> Integers | None:
    """Frame numbers written as plain integers; None where one is not."""
    import pyarrow as pa

    try:
        numbers = np.concatenate([as_numpy(chunk) for chunk in keys.cast(pa.int32()).chunks])
    except pa.ArrowInvalid:
        return None
    return numbers if int(numbers.min()) >= 0 else None


def encode(keys: pa.ChunkedArray) -> tuple[Integers, tuple[str, ...]]:
    """The index of each text among the distinct ones, and these in order of first appearance."""
    import pyarrow as pa

    encoded = keys.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.dictionary(pa.int32(), pa.string()))
    return as_numpy(encoded.indices), tuple(encoded.dictionary.to_pylist())


def _text_buffers(chunk: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    _, offsets, data = chunk.buffers()
    begins = np.frombuffer(offsets, np.int32, len(chunk) + 1, chunk.offset * 4)
    return begins, np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)


def _tail_frames(chunk: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8], Integers] | None:
    """Offsets, bytes and frame numbers of names that all end in `/ddddd.jpg`; None where one does not."""
    offsets, data = _text_buffers(chunk)
    ends = offsets[1:]
    if len(data) < TAIL or int(np.diff(offsets).min()) <= TAIL:
        return None
    # the eight bytes from each place on as one integer: slash, five digits, dot, j
    windows = np.lib.stride_tricks.as_strided(data[:8].view("<u8"), (len(data) - 7,), (1,), writeable=False)
    head = windows[ends - TAIL]
    end = windows[ends - 8]
    digits = (head >> np.uint64(8)) & np.uint64(0xFFFFFFFFFF)
    shape = np.uint64(0x6A2E_00_00_00_00_00_2F)
    if not (
        bool(np.all((head & np.uint64(0xFFFF_00_00_00_00_00_FF)) == shape))
        and bool(np.all((end >> np.uint64(48)) == np.uint64(0x6770)))
        # every byte is 0x30..0x39: the high half is 3, and adding 6 does not carry out of the low half
        and bool(np.all((digits & np.uint64(0xF0F0F0F0F0)) == np.uint64(0x3030303030)))
        and bool(np.all(((digits + np.uint64(0x0606060606)) & np.uint64(0xF0F0F0F0F0)) == np.uint64(0x3030303030)))
    ):
        return None
    frame = np.zeros(len(chunk), np.int32)
    for place in range(5):
        frame = frame * 10 + ((digits >> np.uint64(8 * place)) & np.uint64(15)).astype(np.int32)
    return offsets, data, frame


def _ordered_paths(keys: pa.ChunkedArray) -> Names | None:
    """Names in official order, long runs of one video with rising frame numbers; None where they are not."""
    index: dict[bytes, int] = {}
    frames: list[Integers] = []
    videos: list[int] = []
    lengths: list[int] = []
    for chunk in keys.chunks:
        if not len(chunk):
            continue
        tail = _tail_frames(chunk)
        if tail is None:
            return None
        offsets, data, frame = tail
        size = np.diff(offsets)
        starts = np.flatnonzero((size[1:] != size[:-1]) | (frame[1:] <= frame[:-1])) + 1
        if len(starts) > 16 + len(chunk) // 64:
            return None
        bounds = [0, *starts.tolist(), len(chunk)]
        for begin, end in itertools.pairwise(bounds):
            text = data[offsets[begin] : offsets[end]]
            width = len(text) // (end - begin)
            # each name against its neighbour, byte by byte; the frames' bytes may differ
            equal = text[width:] == text[:-width]
            equal.reshape(-1, width)[:, -TAIL:] = True
            if not equal.all():
                return None
            videos.append(index.setdefault(text[: width - TAIL].tobytes(), len(index)))
            lengths.append(end - begin)
        frames.append(frame)
    if not frames:
        return None
    video = np.repeat(np.array(videos, np.int32), lengths)
    return tuple(name.decode() for name in index), video, np.concatenate(frames)


def _paths_in_any_order(keys: pa.ChunkedArray) -> Names | None:
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute

    tails = [_tail_frames(chunk) for chunk in keys.chunks if len(chunk)]
    if not tails or any(tail is None for tail in tails):
        return None
    prefixes = compute.binary_slice(keys.cast(pa.binary()), 0, -TAIL).cast(pa.string())
    video, names = encode(prefixes)
    return names, video, np.concatenate([tail[2] for tail in tails if tail is not None])


def _by_pattern(keys: pa.ChunkedArray, pattern: str) -> Names | None:
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute

    parts = compute.extract_regex(keys, pattern)
    if parts.null_count:
        return None
    video, names = encode(compute.struct_field(parts, "video"))
    return names, video, compute.struct_field(parts, "frame").cast(pa.int32()).to_numpy()
