"""Pages whose tables a command writes between markers."""

from __future__ import annotations

from pathlib import Path

END = "<!-- end -->"


def filled(path: Path, part: str, begin: str) -> str:
    """The text of a page with another part between its markers.

    Args:
        path: the page.
        part: what stands between the markers from now on.
        begin: the first marker, a comment that names the command.

    Raises:
        ValueError: a marker is missing.
    """
    head, found, rest = path.read_text("utf-8").partition(begin)
    _, closed, tail = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"{path} has no {begin} ... {END}")
    return f"{head}{begin}\n\n{part}\n\n{END}{tail}"
