"""The bytes of a text file: loading them, finding header and rows, and quoting them in messages."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from abawbench.base.files import require_plain
from abawbench.base.problems import Problem, ProblemError, unreadable

BOM = b"\xef\xbb\xbf"
# first bytes of UTF-16 text
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
LONGEST_SHOWN = 60
# bytes of the longest line that is read
LONGEST_LINE = 1 << 20


def load(path: Path) -> bytes:
    """Load a file's bytes. Raises: ProblemError F01 not readable, F02 nothing but blanks."""
    return bytes(view(path))


def view(path: Path) -> memoryview:
    """View a file's bytes without copying them.

    Raises:
        ProblemError: F01 not readable, F02 nothing but blanks, F06 a line of more than a megabyte.
    """
    require_plain(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "a readable file") from error
    refuse_endless_lines(whole, str(path))
    data = memoryview(whole)
    if not bytes(data[:4096]).strip() and not bytes(data).strip():
        raise ProblemError(Problem("F02", "no row", "at least one row", "write the file again", str(path)))
    return data


def refuse_endless_lines(data: bytes | mmap.mmap, file: str) -> None:
    """Refuse a file with a line so long that no row has it: in pieces, it would fill the memory.

    Lines of up to twice `LONGEST_LINE` may pass.

    Raises:
        ProblemError: F06, with the place of the line.
    """
    for begin in range(0, len(data) - LONGEST_LINE, LONGEST_LINE):
        end = begin + LONGEST_LINE
        if data.find(b"\n", begin, end) < 0 and data.find(b"\r", begin, end) < 0:
            found, expected = f"more than {LONGEST_LINE:,} bytes without a line end", "lines of rows"
            fix = "check that it is the right file, or write it again"
            line = bytes(data[:begin]).count(b"\n") + 1
            raise ProblemError(Problem("F06", found, expected, fix, file, line))


def first_line(data: bytes | memoryview) -> str:
    """The first line without byte order mark and line end; bytes that are not UTF-8 become replacement characters."""
    return _head(data).removeprefix(BOM).rstrip(b"\r\n").decode("utf-8", "replace")


def body_offset(data: bytes | memoryview, header: str | None) -> int:
    """The offset of the first row: after the byte order mark, and after the first line if the format has a header."""
    head = _head(data)
    if header is None:
        return len(BOM) if head.startswith(BOM) else 0
    return len(head)


def encoding_fault(data: bytes) -> str | None:
    """A description of bytes that cannot be split into lines; None for all others."""
    head = data[:4096]
    if head.startswith(UTF16_MARKS) or head.count(0) > len(head) // 4:
        return "UTF-16 or binary data"
    if b"\n" not in data and b"\r" in data.strip():
        return "line ends of old Macs"
    return None


def quote(text: str) -> str:
    """Quote a piece of a file for a message: at most 60 characters, with control characters made visible."""
    piece = text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
    return "'" + "".join(char if char.isprintable() else repr(char)[1:-1] for char in piece) + "'"


def _head(data: bytes | memoryview) -> bytes:
    """The first line with its line end."""
    size = 1 << 16
    while True:
        head = bytes(data[:size])
        end = head.find(b"\n")
        if end >= 0:
            return head[: end + 1]
        if len(head) == len(data):
            return head
        size *= 16
