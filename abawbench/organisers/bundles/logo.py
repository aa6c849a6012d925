"""A plain logo for an event without one: bars on a dark ground, their heights drawn from the challenge's id."""

from __future__ import annotations

import hashlib
import struct
import zlib

from abawbench.base.files import read_input
from abawbench.organisers.events.event import Event

SIZE, BARS = 256, 8
GROUND, BAR = (26, 43, 60), (120, 190, 220)


def logo_of(event: Event) -> tuple[str, bytes]:
    """Name and bytes of the event's logo, or of a plain one where it has none."""
    if event.logo is None:
        return "logo.png", logo_png(event.challenge.id)
    return f"logo{event.logo.suffix.lower()}", read_input(event.logo)


def logo_png(name: str) -> bytes:
    r"""A square picture as PNG; the same name gives the same picture.

    >>> logo_png("abaw11-ah")[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    heights = [SIZE // 4 + byte * SIZE // 2 // 255 for byte in hashlib.sha256(name.encode()).digest()[:BARS]]
    width = SIZE // BARS
    rows: list[bytes] = []
    for row in range(SIZE):
        pixels = (
            BAR if SIZE - row <= heights[place // width] and place % width >= width // 4 else GROUND
            for place in range(SIZE)
        )
        rows.append(b"\0" + bytes(value for pixel in pixels for value in pixel))
    head = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
