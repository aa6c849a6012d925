"""Hashes of clips, made by a thread a little ahead of their use."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from abawbench.data.ahead import ahead
from abawbench.data.clips import Clip
from abawbench.errors import ProblemError


def digested(clips: Iterable[Clip]) -> Generator[tuple[Clip, str | ProblemError]]:
    """Each clip, in order, with the hash of its frames, or why they cannot be read."""
    yield from ahead(_digested, clips, 1)


def _digested(clip: Clip) -> tuple[Clip, str | ProblemError]:
    try:
        return clip, clip.digest()
    except ProblemError as error:
        return clip, error
