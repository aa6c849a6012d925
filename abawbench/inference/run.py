"""A run over clips into a folder: finished units are kept, failing units are left out, and a killed run resumes.

`predict` and `extract` are runs. They differ in the sink, which turns the features of a unit into files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError, alike, together
from abawbench.base.run_lock import only_run
from abawbench.clips.clip import Clip, digest_clips
from abawbench.clips.features import FeatureClip
from abawbench.entries.contract import select_clips
from abawbench.entries.crops import undescribed_crops
from abawbench.entries.model import DeviceEntry, Entry, FrameFeatures, FrameWise
from abawbench.inference.forward import BatchOptions, encode_clips
from abawbench.inference.precision import (
    Comparer,
    Comparison,
    Measure,
    Parity,
    PrecisionChoice,
    PrecisionError,
    decide_precision,
    move,
    note_exceeded,
    too_imprecise,
)
from abawbench.inference.ray_workers import RayWorkers, encode_on_workers

BATCH = 16
# seconds between two reports of progress
PAUSE_S = 0.5
# number of units at the beginning after whose like failure a run stops
HOPELESS = 20
# rules of an entry that fails, and not of crops that cannot be read
FAILURES = {"E12", "E13", "E14"}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of a run.

    Attributes:
        precision: compute precision; `auto` takes bfloat16 where the machine is fast in it and results hardly change.
        device: device of the networks, as `cpu` or `cuda`.
        batch: number of crops in a forward pass.
        threads: number of threads that read crops; one for each core by default.
        workers: Ray workers that run the forward pass; None runs it in this process.
    """

    precision: PrecisionChoice = field(
        default="auto", metadata={"help": "auto: bfloat16 where the machine is fast in it and results hardly change."}
    )
    device: str = field(
        default="cpu",
        metadata={"help": "cpu, cuda, cuda:1 or mps; auto takes a GPU where there is one.", "default": "auto"},
    )
    batch: int = field(default=BATCH, metadata={"help": "Crops in a forward pass.", "least": 1})
    threads: int | None = None
    workers: RayWorkers | None = None


DEFAULTS = RunOptions()


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The results of a run.

    Attributes:
        units: number of units of the data.
        made: number of units finished by this run.
        kept: number of units that were finished before.
        frames: number of frames of the units finished by this run.
        valid: number of these frames that have a crop.
        parity: compute precision, and the reason for it; None for an entry that has no choice.
        watched: comparison of a few frames that went on during a run in bfloat16; None for another run.
        seconds: duration of the run.
        left_out: names of the units that were left out.
        problems: problems of these units; what is alike in several is told once. Notes may stand before them.
    """

    units: int
    made: int
    kept: int
    frames: int
    valid: int
    parity: Parity | None
    watched: Comparison | None
    seconds: float
    left_out: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a run.

    Attributes:
        units: numbers of finished units and of all units.
        frames: numbers of frames encoded and to encode in all; units kept from before do not count.
        seconds: seconds since the run began.
    """

    units: tuple[int, int]
    frames: tuple[int, int]
    seconds: float


class Sink(Protocol):
    """The interface of a folder that a run writes the results of each unit into."""

    @property
    def root(self) -> Path:
        """The folder."""
        ...

    @property
    def measure(self) -> Measure:
        """The measure of the difference between results in bfloat16 and in float32."""
        ...

    def check_folder(self) -> None:
        """Make the folder where it is missing. Raises: ProblemError, it holds something else; F01."""
        ...

    def previous_parity(self) -> Parity | None:
        """The precision of the previous run into the folder; None where that was another run. Called under the lock."""
        ...

    def begin(self, entry: Entry, parity: Parity | None) -> None:
        """Record the entry and the precision of the run.

        Args:
            entry: the entry, on the device and in the precision of the run.
            parity: precision of the run; None for an entry that has no choice.
        """
        ...

    def holds(self, unit: str) -> bool:
        """True where the folder has results of this run for a unit, which may have changed since."""
        ...

    def has(self, clip: Clip, digest: str) -> bool:
        """True where the folder has the results of this run for the clip.

        Args:
            clip: a clip of the run.
            digest: hash of the clip's frames.
        """
        ...

    def put(self, clip: Clip, digest: str, features: FrameFeatures | None) -> tuple[Problem, ...]:
        """Write the results for a clip, or return their problems.

        Args:
            clip: a clip of the run.
            digest: hash of the clip's frames.
            features: features of the valid frames; None for an entry that is not frame-wise.

        Raises:
            ProblemError: F01, the folder cannot be written.
        """
        ...

    def close(self) -> None:
        """Finish the folder, also after an error. Raises: ProblemError F01."""
        ...


def run(
    entry: Entry,
    clips: Sequence[Clip],
    sink: Sink,
    options: RunOptions,
    *,
    report: Callable[[RunProgress], None] = lambda _: None,
    resumed: Callable[[int, int], None] = lambda *_: None,
) -> RunSummary:
    """Run an entry over clips into a sink.

    A unit that fails is left out and named in the summary; the other units are finished. Where the first 20 units all
    fail alike, so would the others, and the run stops. A run in bfloat16 is watched: where results differ too much, it
    begins again in float32, with every unit, if the precision was left open.

    Args:
        entry: entry to run.
        clips: one clip for each unit.
        sink: folder that receives the results.
        options: options of the run.
        report: called with the progress, a few times a second at most.
        resumed: called with the numbers of units that an earlier run finished, as far as is seen without reading the
            data, and of all units; again where a run begins anew in float32.

    Raises:
        ProblemError: faults that stop the whole run: D36 another run is at work, P05 for the precision, the problem
            that all of the first units have, and problems of the sink.
    """
    begin = time.perf_counter()
    clips, problems = select_clips(entry, clips)
    sink.check_folder()
    notes = list(undescribed_crops(entry.card, clips))

    def finish_units(parity: Parity | None) -> _Work:
        ready, watcher = _ready(entry, parity, sink.measure, options)
        sink.begin(ready, parity)
        resumed(sum(sink.holds(clip.video) for clip in clips), len(clips))
        work = _Work(sink, _Progress(clips, begin, report), watcher)
        try:
            with closing(_encode(ready, clips, work, options, parity)) as encoded:
                for clip, features in encoded:
                    work.finish(clip, features)
        finally:
            sink.close()
        return work

    with only_run(sink.root):
        parity = None
        if isinstance(entry, DeviceEntry):
            parity = sink.previous_parity() or _parity(entry, clips, sink.measure, options)
        try:
            work = finish_units(parity)
        except PrecisionError as error:
            assert parity is not None
            if options.precision == "bfloat16":
                raise ProblemError(too_imprecise(str(error), sink.measure)) from error
            notes.append(note_exceeded(str(error), sink.measure))
            parity = replace(parity, precision="float32", exceeded=True)
            work = finish_units(parity)
    return RunSummary(
        units=len(clips) + len(problems),
        made=work.made,
        kept=work.kept,
        frames=work.frames,
        valid=work.valid,
        parity=parity,
        watched=None if work.watcher is None else work.watcher.comparison,
        seconds=time.perf_counter() - begin,
        left_out=tuple(dict.fromkeys(unit for unit, _ in (*problems, *work.problems))),
        problems=(*notes, *together([*problems, *work.problems])),
    )


def _parity(entry: DeviceEntry, clips: Sequence[Clip], measure: Measure, options: RunOptions) -> Parity:
    crops = [clip for clip in clips if not isinstance(clip, FeatureClip)]
    return decide_precision(entry, options.device, options.precision, crops, options.batch, measure=measure)


def _ready(entry: Entry, parity: Parity | None, measure: Measure, options: RunOptions) -> tuple[Entry, Comparer | None]:
    """The entry on the device and in the precision of the run, and what watches it in bfloat16."""
    if parity is None or not isinstance(entry, DeviceEntry):
        return entry, None
    ready = move(entry, options.device, parity.precision)
    if parity.precision == "float32":
        return ready, None
    return ready, Comparer(move(entry, options.device, "float32"), ready, measure, options.batch)


class _Progress:
    """A counter of finished frames and units, which reports them every half second.

    Args:
        clips: clips of the run.
        begin: time at which the run began, by `time.perf_counter`.
        report: called with the progress.
    """

    def __init__(self, clips: Sequence[Clip], begin: float, report: Callable[[RunProgress], None]) -> None:
        self._report, self._begin, self._last = report, begin, 0.0
        self._units, self._all_units = 0, len(clips)
        self._frames, self._all_frames = 0, sum(int(clip.valid.sum()) for clip in clips)

    def add_frames(self, count: int) -> None:
        """Count frames that were encoded."""
        self._frames += count
        self._report_now_and_then()

    def add_unit(self, kept: int = 0) -> None:
        """Count a unit that is finished or left out, and its frames that need no encoding."""
        self._units += 1
        self._all_frames -= kept
        self._report_now_and_then()

    def _report_now_and_then(self) -> None:
        now = time.perf_counter()
        if now - self._last >= PAUSE_S or self._units == self._all_units:
            self._last = now
            units, frames = (self._units, self._all_units), (self._frames, self._all_frames)
            self._report(RunProgress(units, frames, now - self._begin))


@dataclass(eq=False)
class _Work:
    """The unfinished units of a run, and the results of the others.

    Attributes:
        sink: folder that receives the results.
        progress: progress of the run.
        watcher: comparison that goes on during a run in bfloat16; None for another run.
        made: number of units finished by this run.
        kept: number of units that were finished before.
        frames: number of frames of the units finished by this run.
        valid: number of these frames that have a crop.
        problems: problems of the units that were left out, with their names.
        failed: number of units that were left out.
        in_all: what is alike in the problems of all of these units.
        digests: hash of the frames of each unfinished unit, by name.
    """

    sink: Sink
    progress: _Progress
    watcher: Comparer | None
    made: int = 0
    kept: int = 0
    frames: int = 0
    valid: int = 0
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    failed: int = 0
    in_all: set[tuple[str, ...]] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)

    def unfinished(self, clips: Iterable[Clip]) -> Generator[Clip]:
        """The clips that are not finished; a thread hashes them ahead of their turn."""
        for clip, digest in digest_clips(clips):
            if isinstance(digest, ProblemError):
                self._leave_out(clip, digest.problems)
            elif self.sink.has(clip, digest):
                self.kept += 1
            else:
                self.digests[clip.video] = digest
                yield clip
                continue
            self.progress.add_unit(kept=int(clip.valid.sum()))

    def finish(self, clip: Clip, features: FrameFeatures | ProblemError | None) -> None:
        """Put the results for an unfinished clip into the sink, or note its problems.

        Raises:
            PrecisionError: the watcher finds that results in bfloat16 differ too much; the sink does not get them.
        """
        if self.watcher is not None and not isinstance(clip, FeatureClip):
            try:
                if isinstance(features, np.ndarray):
                    self.watcher.watch(clip, features)
                elif isinstance(features, ProblemError) and FAILURES & {problem.rule for problem in features.problems}:
                    self.watcher.retry(clip)
            except ProblemError as error:
                features = error
        digest = self.digests.pop(clip.video)
        problems = features.problems if isinstance(features, ProblemError) else self.sink.put(clip, digest, features)
        if problems:
            self._leave_out(clip, problems)
        else:
            self.made += 1
            self.frames += len(clip)
            self.valid += int(clip.valid.sum())
        self.progress.add_unit()

    def _leave_out(self, clip: Clip, problems: Sequence[Problem]) -> None:
        self.problems.extend((clip.video, problem) for problem in problems)
        kinds = {alike(clip.video, problem) for problem in problems}
        self.in_all = self.in_all & kinds if self.failed else kinds
        self.failed += 1
        if not self.made and self.failed == HOPELESS and self.in_all:
            told = together(self.problems)
            raise ProblemError(*(replace(problem, found=f"{problem.found}: the run stopped") for problem in told))


def _encode(
    entry: Entry, clips: Sequence[Clip], work: _Work, options: RunOptions, parity: Parity | None
) -> Generator[tuple[Clip, FrameFeatures | ProblemError | None]]:
    """Yield each unfinished clip with its features, or its problem, or None for an entry that is not frame-wise."""
    with_features = [clip for clip in clips if isinstance(clip, FeatureClip)]
    with_crops = [clip for clip in clips if not isinstance(clip, FeatureClip)]
    for clip, features in map_ahead(_read_features, work.unfinished(with_features), 1):
        yield clip, features
        work.progress.add_frames(int(clip.valid.sum()))
    if not isinstance(entry, FrameWise):
        for clip in work.unfinished(with_crops):
            yield clip, None
            work.progress.add_frames(int(clip.valid.sum()))
        return
    encode = partial(encode_clips, entry)
    if options.workers is not None:
        workers = options.workers if parity is None else options.workers.at(options.device, parity.precision)
        encode = partial(encode_on_workers, workers)
    # a batch has crops of one size
    for side in sorted({clip.size for clip in with_crops}):
        alike = work.unfinished(clip for clip in with_crops if clip.size == side)
        yield from encode(alike, BatchOptions(side, options.batch, options.threads), work.progress.add_frames)


def _read_features(clip: Clip) -> tuple[Clip, FrameFeatures | ProblemError]:
    assert isinstance(clip, FeatureClip)
    try:
        return clip, clip.vectors()
    except ProblemError as error:
        return clip, error
