"""How far a run over many clips is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from abawbench.clips.clip import Clip


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        units: finished, and in all.
        frames: looked at now, and to look at in all, those of units kept from before left out.
        seconds: since the run began.
    """

    units: tuple[int, int]
    frames: tuple[int, int]
    seconds: float


class RunMeter:
    """Adds up what is done, and reports it now and then.

    Args:
        clips: of the run.
        begin: when it began, by `time.perf_counter`.
        report: is told.
    """

    PAUSE_S = 0.5

    def __init__(self, clips: Sequence[Clip], begin: float, report: Callable[[Progress], None]) -> None:
        self._report, self._begin, self._last = report, begin, 0.0
        self._units, self._total = 0, len(clips)
        self._frames, self._expected = 0, int(np.sum([clip.valid.sum() for clip in clips]))

    def frames(self, count: int) -> None:
        """So many frames were looked at."""
        self._frames += count
        self._tell()

    def unit(self, kept: int) -> None:
        """A unit is done; `kept` of its frames need no look."""
        self._units += 1
        self._expected -= kept
        self._tell()

    def _tell(self) -> None:
        now = time.perf_counter()
        if now - self._last >= self.PAUSE_S or self._units == self._total:
            self._last = now
            self._report(Progress((self._units, self._total), (self._frames, self._expected), now - self._begin))
