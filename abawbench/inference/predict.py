"""An entry over many clips, into a store."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.base.run_lock import only_run
from abawbench.clips.clip import Clip
from abawbench.clips.features import FeatureClip
from abawbench.entries.contract import check_answers, describe_failure, select_clips
from abawbench.entries.model import Answers, DeviceEntry, Entry, FrameFeatures, FrameWise
from abawbench.fill import FramePolicy, fill_frames
from abawbench.inference.forward import ForwardOptions
from abawbench.inference.precision import Asked, Parity, chosen_for
from abawbench.inference.progress import Progress, RunMeter
from abawbench.inference.ray_workers import Far, encoded_by
from abawbench.inference.resume import Backlog
from abawbench.inference.store import (
    Predictions,
    Store,
    decided_before,
    new_store,
    open_store,
    record_of,
    with_precision,
)
from abawbench.inference.store_layout import is_store

BATCH = 16


@dataclass(frozen=True, slots=True)
class Options:
    """How a run goes.

    Attributes:
        fill: what frames without a crop get.
        precision: `auto` takes bfloat16 where the machine has it and it does not change the answers.
        device: where networks run, as `cpu` or `cuda`.
        batch: crops looked at together.
        threads: that decode; one for each core where not given.
        far: where crops are looked at; here, where not given. Its device and precision are those of the run.
    """

    fill: FramePolicy = "none"
    precision: Asked = "auto"
    device: str = "cpu"
    batch: int = BATCH
    threads: int | None = None
    far: Far | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes:
        units: of the data.
        made: units predicted now.
        kept: units that were finished before.
        frames: of the units predicted now.
        valid: of these, frames with a crop.
        parity: which precision, and why; None for an entry that has no choice.
        seconds: the run took.
        problems: everything that was left out, and why.
    """

    units: int
    made: int
    kept: int
    frames: int
    valid: int
    parity: Parity | None
    seconds: float
    problems: tuple[Problem, ...]


def run(
    entry: Entry,
    clips: Sequence[Clip],
    out: Path,
    options: Options = Options(),
    *,
    source: Path | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """The answers of an entry to clips, in a store; what is there already is kept.

    A unit that fails is left out and told in the summary; the others are done.

    Args:
        entry: that answers.
        clips: one for each unit.
        out: folder of the store.
        options: how.
        source: the file that describes the entry, if one does.
        report: is told how far the run is, a few times a second at most.

    Raises:
        ProblemError: nothing can be done at all: P01 or P02 for the folder, P05 for the precision, D36 when another run
            is at work.
    """
    begin = time.perf_counter()
    record = record_of(entry, options.fill, options.device, options.precision, source)
    clips, problems = select_clips(entry, clips)
    entry, parity = _settled(entry, clips, options, record, out)
    if parity is not None:
        record = with_precision(record, parity)
    store = new_store(out, record)
    if options.far is not None and parity is not None:
        options = replace(options, far=options.far.at(options.device, parity.precision))
    work = _Work(entry, store, options, RunMeter(clips, begin, report))
    with only_run(out):
        store.begin()
        work.do(clips)
    return Summary(
        units=len(clips) + len(problems),
        made=work.made,
        kept=work.backlog.kept,
        frames=work.frames,
        valid=work.valid,
        parity=parity,
        seconds=time.perf_counter() - begin,
        problems=(*problems, *work.problems),
    )


def _settled(
    entry: Entry, clips: Sequence[Clip], options: Options, record: dict[str, Any], out: Path
) -> tuple[Entry, Parity | None]:
    """The entry where it is to run, and in which precision: that of the run before, or what the first batch says."""
    pictures = [clip for clip in clips if not isinstance(clip, FeatureClip) and clip.valid.any()]
    if not isinstance(entry, DeviceEntry):
        return entry, None
    if is_store(out) and decided_before(json.loads(json.dumps(record)), (before := open_store(out)).record):
        parity = Parity(options.precision, before.record["precision"], before.record["deviation"])
    else:
        parity = chosen_for(entry, pictures, options.device, options.precision, options.batch)
    return entry.at(options.device, parity.precision), parity


class _Work:
    """One run: what it has done so far."""

    def __init__(self, entry: Entry, store: Store, options: Options, meter: RunMeter) -> None:
        self.entry, self.store, self.options, self.meter = entry, store, options, meter
        self.backlog = Backlog(store.has, meter)
        self.made = self.frames = self.valid = 0
        self.problems = self.backlog.problems

    def do(self, clips: Sequence[Clip]) -> None:
        features = [clip for clip in clips if isinstance(clip, FeatureClip)]
        pictures = [clip for clip in clips if not isinstance(clip, FeatureClip)]
        for clip, seen in map_ahead(_read, self.backlog.of(features), 1):
            self._conclude(clip, seen)
            self.meter.frames(int(clip.valid.sum()))
        if isinstance(self.entry, FrameWise):
            look = ForwardOptions(self.options.batch, self.options.threads)
            for clip, seen in encoded_by(self.entry, self.options.far, pictures, self.backlog, look):
                self._conclude(clip, seen)
        else:
            for clip in self.backlog.of(pictures):
                self._finish(clip, lambda clip=clip: self.entry.predict(clip))
                self.meter.frames(int(clip.valid.sum()))

    def _conclude(self, clip: Clip, seen: FrameFeatures | ProblemError) -> None:
        if isinstance(seen, ProblemError):
            self.problems.extend(seen.problems)
            self.meter.unit(0)
            return
        entry = self.entry
        assert isinstance(entry, FrameWise)
        self._finish(clip, lambda: entry.answer(seen, clip))

    def _finish(self, clip: Clip, answer: Callable[[], Answers]) -> None:
        """Put the answers to a clip into the store, unless something is wrong with them."""
        try:
            answers = answer()
        except Exception as error:
            self.problems.extend(describe_failure(self.entry.card, error, clip.video, None))
        else:
            problems = check_answers(self.entry.card, answers, clip)
            self.problems.extend(problems)
            if not problems:
                self._keep(clip, answers)
        self.meter.unit(0)

    def _keep(self, clip: Clip, answers: Answers) -> None:
        given, mask = fill_frames(answers, clip.frame, clip.valid, self.options.fill)
        predictions = Predictions(clip.video, clip.frame, clip.time, clip.valid, mask, given)
        self.store.write(predictions, self.backlog.digests.pop(clip.video))
        self.made += 1
        self.frames += len(clip)
        self.valid += int(clip.valid.sum())


def _read(clip: Clip) -> tuple[Clip, FrameFeatures | ProblemError]:
    assert isinstance(clip, FeatureClip)
    try:
        return clip, clip.vectors()
    except ProblemError as error:
        return clip, error
