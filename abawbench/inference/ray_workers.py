"""Looking at crops on the machines of a Ray cluster; what is concluded and written stays with the run that asked."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from abawbench.base.problems import ProblemError
from abawbench.base.ray_pool import spread
from abawbench.clips.clip import Clip
from abawbench.entries.model import DeviceEntry, Entry, FrameFeatures, FrameWise, Precision
from abawbench.inference.forward import ForwardOptions, encoded_in
from abawbench.inference.resume import Backlog

# crops that a worker gets at once, whole units: long enough to be worth the way
GROUP = 2000


@dataclass(frozen=True, slots=True)
class Far:
    """Where a run looks.

    Attributes:
        load: makes the entry that looks; can be pickled, and is called once in each process.
        address: of the cluster, see `data.spread.cluster`.
        workers: processes of a local one.
        device: where networks run there.
        precision: in which.
    """

    load: Callable[[], Entry]
    address: str
    workers: int | None = None
    device: str = "cpu"
    precision: Precision = "float32"

    def at(self, device: str, precision: Precision) -> Far:
        """The same place, networks there on a device and in a precision."""
        return replace(self, device=device, precision=precision)


def encoded_by(
    entry: FrameWise, far: Far | None, clips: Sequence[Clip], backlog: Backlog, look: ForwardOptions
) -> Generator[tuple[Clip, FrameFeatures | ProblemError]]:
    """What an entry sees in clips that are still to be done, here or on workers; see `encoded_in`."""
    looking = partial(encoded_in, entry) if far is None else partial(seen_far, far)
    # a batch has crops of one size
    for side in sorted({clip.size for clip in clips}):
        alike = backlog.of(clip for clip in clips if clip.size == side)
        yield from looking(alike, side, look, backlog.meter.frames)


def seen_far(
    far: Far, clips: Iterable[Clip], side: int, look: ForwardOptions, tick: Callable[[int], None]
) -> Generator[tuple[Clip, FrameFeatures | ProblemError]]:
    """What `looking.encoded_in` gives for the clips, in whatever order they get done.

    Args:
        far: where.
        clips: whose crops are `side` pixels wide, in files that every machine sees.
        side: of a crop.
        look: batch size and threads.
        tick: is told how many frames were looked at.

    Raises:
        ProblemError: C02 no cluster, D37 workers died again and again, and whatever loading the entry raises.
    """
    groups = list(_grouped(clips))
    if not groups:
        return
    gpus = 1 if far.device.startswith("cuda") else 0
    work = partial(_seen_there, far, side, look)
    for group, found in spread(work, groups, far.address, far.workers, gpus=gpus):
        for clip, seen in zip(group, found, strict=True):
            tick(int(clip.valid.sum()))
            # what comes over the network may not be written to, and torch asks for that
            yield clip, seen if isinstance(seen, ProblemError) else seen.copy()


def _grouped(clips: Iterable[Clip]) -> Generator[tuple[Clip, ...]]:
    group: list[Clip] = []
    crops = 0
    for clip in clips:
        group.append(clip)
        crops += int(clip.valid.sum())
        if crops >= GROUP:
            yield tuple(group)
            group, crops = [], 0
    if group:
        yield tuple(group)


def _seen_there(far: Far, side: int, look: ForwardOptions, group: Sequence[Clip]) -> list[FrameFeatures | ProblemError]:
    entry = _loaded(far)
    return [seen for _, seen in encoded_in(entry, group, side, look, lambda _: None)]


@cache
def _loaded(far: Far) -> FrameWise:
    entry = far.load()
    assert isinstance(entry, FrameWise)
    return entry.at(far.device, far.precision) if isinstance(entry, DeviceEntry) else entry
