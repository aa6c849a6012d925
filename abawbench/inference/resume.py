"""The clips of a run that are still to be done."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip
from abawbench.inference.progress import RunMeter


@dataclass(eq=False)
class Backlog:
    """Tells what is done already by the hash of its frames, and keeps the hashes of what is not.

    Attributes:
        is_done: True where the results of a clip with this hash are there.
        meter: counts the units that need no work.
        kept: clips that were done before.
        problems: clips that cannot be read.
        digests: by unit, the hash of each clip that was given out.
    """

    is_done: Callable[[Clip, str], bool]
    meter: RunMeter
    kept: int = 0
    problems: list[Problem] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    def of(self, clips: Iterable[Clip]) -> Generator[Clip]:
        """Those of the clips that are to be done; their bytes are read by a thread ahead of their turn."""
        for clip, digest in digested(clips):
            if isinstance(digest, ProblemError):
                self.problems.extend(digest.problems)
            elif self.is_done(clip, digest):
                self.kept += 1
            else:
                self.digests[clip.video] = digest
                yield clip
                continue
            self.meter.unit(int(clip.valid.sum()))


def digested(clips: Iterable[Clip]) -> Generator[tuple[Clip, str | ProblemError]]:
    """Each clip, in order, with the hash of its frames, or why they cannot be read."""
    yield from map_ahead(_digested, clips, 1)


def _digested(clip: Clip) -> tuple[Clip, str | ProblemError]:
    try:
        return clip, clip.digest()
    except ProblemError as error:
        return clip, error
