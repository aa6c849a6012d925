"""The size that a picture states in its first bytes, read before anything is decoded."""

from __future__ import annotations

import struct
from typing import Literal

# pixels of the largest picture that is decoded
LARGEST = 100_000_000
# markers of a JPEG that hold its size
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# markers without a length
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_SHORT, _WIDTH, _HEIGHT = 3, 256, 257


def fault_of(data: bytes) -> str | None:
    """The reason why a picture is not decoded: no picture, too large, or animated; None for any other.

    Args:
        data: the whole file, a JPEG, PNG, WebP, BMP, TIFF or GIF.
    """
    try:
        size = _size(data)
    except (struct.error, IndexError):
        size = None
    if size is None:
        return f"{len(data):,} bytes that are no picture"
    width, height = size
    if width * height > LARGEST:
        return f"a picture of {width:,} x {height:,} pixels"
    return "an animation" if _is_animated(data) else None


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height; None where the bytes state none."""
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return struct.unpack_from(">II", data, 16)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data.startswith(b"BM"):
        width, height = struct.unpack_from("<HH" if data[14] == 12 else "<ii", data, 18)
        return abs(width), abs(height)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return struct.unpack_from("<HH", data, 6)
    if data.startswith((b"II", b"MM")):
        return _tiff(data, "<" if data.startswith(b"II") else ">")
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    place = 2
    while (place := data.find(b"\xff", place)) >= 0:
        while data[place] == 0xFF:
            place += 1
        marker = data[place]
        place += 1
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 3)
            return width, height
        if marker not in _ALONE:
            place += struct.unpack_from(">H", data, place)[0]
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[place : place + 3], "little") + 1 for place in (24, 27))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        return None
    return width, height


def _tiff(data: bytes, order: Literal["<", ">"]) -> tuple[int, int] | None:
    """The size of the first picture of a TIFF, with offsets of 32 or 64 bits."""
    version = struct.unpack_from(f"{order}H", data, 2)[0]
    if version not in {42, 43}:
        return None
    is_long = version == 43
    begin = struct.unpack_from(f"{order}{'Q' if is_long else 'I'}", data, 8 if is_long else 4)[0]
    count = struct.unpack_from(f"{order}{'Q' if is_long else 'H'}", data, begin)[0]
    step, first, value = (20, begin + 8, 12) if is_long else (12, begin + 2, 8)
    sides: dict[int, int] = {}
    for place in range(first, min(first + count * step, len(data)), step):
        tag, kind = struct.unpack_from(f"{order}HH", data, place)
        if tag in {_WIDTH, _HEIGHT}:
            sides[tag] = struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'I'}", data, place + value)[0]
    return (sides[_WIDTH], sides[_HEIGHT]) if len(sides) == 2 else None


def _is_animated(data: bytes) -> bool:
    if data.startswith(b"\x89PNG"):
        return data.find(b"acTL", 33, data.find(b"IDAT", 33)) >= 0
    if data.startswith(b"RIFF"):
        return data[12:16] == b"VP8X" and bool(data[20] & 2)
    # one extension with a delay stands before each picture
    return data.startswith(b"GIF") and data.count(b"\x21\xf9\x04") > 1
