"""Runs the forward pass on the workers of a Ray cluster; answers and files are made by the run itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from uuid import uuid4

from abawbench.base.problems import ProblemError
from abawbench.base.ray_pool import spread
from abawbench.clips.clip import Clip
from abawbench.entries.model import DeviceEntry, Entry, FrameFeatures, FrameWise, Precision
from abawbench.inference.forward import BatchOptions, encode_clips
from abawbench.inference.precision import move

# number of crops that a worker gets at a time, as whole units: enough to be worth the transfer
GROUP = 2000


@dataclass(frozen=True, slots=True)
class RayWorkers:
    """Workers that run the forward pass of an entry.

    Attributes:
        load: function that loads the entry; it can be pickled, and is called once in each worker.
        address: address of the cluster, see `base.ray_pool.cluster`.
        processes: number of workers in a local cluster; one for each core by default.
        device: device of the networks.
        precision: precision of the networks.
        key: name under which a worker keeps the entry that it has loaded.
    """

    # left out of comparisons: each task of a worker unpickles a function of its own
    load: Callable[[], Entry] = field(compare=False)
    address: str
    processes: int | None = None
    device: str = "cpu"
    precision: Precision = "float32"
    key: str = field(default_factory=lambda: uuid4().hex)

    def at(self, device: str, precision: Precision) -> RayWorkers:
        """The same workers with networks on another device and in another precision."""
        return replace(self, device=device, precision=precision)


def encode_on_workers(
    workers: RayWorkers, clips: Iterable[Clip], options: BatchOptions, tick: Callable[[int], None] = lambda _: None
) -> Generator[tuple[Clip, FrameFeatures | ProblemError]]:
    """Encode clips as `encode_clips` does, in the order in which the workers finish them.

    Args:
        workers: workers that run the entry.
        clips: clips whose crops have the same size, in files that every machine of the cluster sees.
        options: size of the crops and of the batches; the threads are those of each worker.
        tick: called with the number of frames in each clip that is finished.

    Raises:
        ProblemError: C02 there is no cluster, D37 workers died again and again, and whatever loading the entry raises.
    """
    groups = list(_group(clips))
    if not groups:
        return
    gpus = 1 if workers.device.startswith("cuda") else 0
    work = partial(_encode_group, workers, options)
    for group, results in spread(work, groups, workers.address, workers.processes, gpus=gpus):
        for clip, result in zip(group, results, strict=True):
            tick(int(clip.valid.sum()))
            # arrays that come over the network are read-only, and torch wants them writable
            yield clip, result if isinstance(result, ProblemError) else result.copy()


def _group(clips: Iterable[Clip]) -> Generator[tuple[Clip, ...]]:
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


def _encode_group(
    workers: RayWorkers, options: BatchOptions, group: Sequence[Clip]
) -> list[FrameFeatures | ProblemError]:
    return [result for _, result in encode_clips(_load_entry(workers), group, options)]


@cache
def _load_entry(workers: RayWorkers) -> FrameWise:
    entry = workers.load()
    assert isinstance(entry, FrameWise)
    return move(entry, workers.device, workers.precision) if isinstance(entry, DeviceEntry) else entry
