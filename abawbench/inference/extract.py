"""What backbones see in every frame of many clips, into a folder of features."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from abawbench.base.problems import Problem, ProblemError
from abawbench.base.run_lock import only_run
from abawbench.base.version import VERSION, versions_of
from abawbench.clips.clip import Clip
from abawbench.clips.feature_index import Cached, FeatureIndex
from abawbench.clips.features import FeatureClip, Stored, packed
from abawbench.entries.contract import select_clips
from abawbench.entries.model import DeviceEntry, FrameFeatures
from abawbench.inference.feature_cache import Cache, index_for
from abawbench.inference.feature_maker import FeatureMaker
from abawbench.inference.forward import ForwardOptions
from abawbench.inference.precision import FEATURES, Asked, Parity, chosen_for
from abawbench.inference.progress import Progress, RunMeter
from abawbench.inference.ray_workers import Far, encoded_by
from abawbench.inference.resume import Backlog

BATCH = 16
# decoders and what computes
LIBRARIES = ("av", "opencv-python-headless", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Options:
    """How features are made.

    Attributes:
        dtype: in which they are stored.
        precision: `auto` takes bfloat16 where the machine has it and it hardly changes the features.
        device: where networks run, as `cpu` or `cuda`.
        batch: crops looked at together.
        threads: that decode; one for each core where not given.
        far: where crops are looked at; here, where not given. Its device and precision are those of the run.
    """

    dtype: Stored = "float16"
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
        made: units whose features were made now.
        kept: units that were finished before.
        frames: of the units made now.
        valid: of these, frames with a crop.
        width: of a frame's features.
        parity: which precision, and why.
        seconds: the run took.
        problems: everything that was left out, and why.
    """

    units: int
    made: int
    kept: int
    frames: int
    valid: int
    width: int
    parity: Parity
    seconds: float
    problems: tuple[Problem, ...]


def extract(
    maker: FeatureMaker,
    clips: Sequence[Clip],
    out: Path,
    options: Options = Options(),
    *,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """The features of clips, in a folder; what is there already is kept.

    A unit that fails is left out and told in the summary; the others are done.

    Args:
        maker: that looks.
        clips: one for each unit.
        out: the folder.
        options: how.
        report: is told how far the run is, a few times a second at most.

    Raises:
        ProblemError: nothing can be done at all: E21 the folder holds something else, or the features of other
            backbones; E06 the clips are features; P05 for the precision; D36, another run is at work; F01.
    """
    begin = time.perf_counter()
    if any(isinstance(clip, FeatureClip) for clip in clips):
        raise ProblemError(Problem("E06", "features", "crops", "name the folder of crops that they were made from"))
    clips, problems = select_clips(maker.entry, clips)
    record = _record(maker, options)
    # a folder of somebody else gets no lock
    index_for(out, record)
    with only_run(out):
        index, parity = _settled(maker, clips, index_for(out, record), record, options)
        entry = maker.entry.at(options.device, parity.precision)
        if options.far is not None:
            options = replace(options, far=options.far.at(options.device, parity.precision))
        cache = Cache(index)
        work = _Work(entry, cache, options, RunMeter(clips, begin, report))
        try:
            work.do(clips)
        finally:
            cache.close()
    return Summary(
        units=len(clips) + len(problems),
        made=work.made,
        kept=work.backlog.kept,
        frames=work.frames,
        valid=work.valid,
        width=maker.entry.width,
        parity=parity,
        seconds=time.perf_counter() - begin,
        problems=(*problems, *work.problems),
    )


def _record(maker: FeatureMaker, options: Options) -> dict[str, Any]:
    """What an index says of its maker, before the precision is chosen, in the types of JSON."""
    record = {
        "identity": maker.identity,
        "dtype": options.dtype,
        "width": maker.entry.width,
        "device": options.device.partition(":")[0],
        "versions": {"abawbench": VERSION, **versions_of(LIBRARIES)},
    }
    return json.loads(json.dumps(record))


def _settled(
    maker: FeatureMaker, clips: Sequence[Clip], index: FeatureIndex, record: dict[str, Any], options: Options
) -> tuple[FeatureIndex, Parity]:
    """The index to go on with, and the precision: that of the run before, or what the first batch says."""
    same = {name: value for name, value in index.maker.items() if name != "precision"} == record
    if same and index.parity.get("asked") == options.precision:
        return index, Parity(options.precision, index.maker["precision"], index.parity["deviation"])
    asked = options.precision
    parity = chosen_for(maker.entry, clips, options.device, asked, options.batch, measure=FEATURES)
    if same and index.maker["precision"] == parity.precision:
        return index, parity
    reasons = {"asked": parity.asked, "deviation": parity.deviation}
    return FeatureIndex(index.root, {**record, "precision": parity.precision}, reasons, index.units), parity


class _Work:
    """One run: what it has done so far."""

    def __init__(self, entry: DeviceEntry, cache: Cache, options: Options, meter: RunMeter) -> None:
        self.entry, self.cache, self.options, self.meter = entry, cache, options, meter
        self.backlog = Backlog(self._is_done, meter)
        self.made = self.frames = self.valid = 0
        self.problems = self.backlog.problems

    def do(self, clips: Sequence[Clip]) -> None:
        look = ForwardOptions(self.options.batch, self.options.threads)
        for clip, seen in encoded_by(self.entry, self.options.far, clips, self.backlog, look):
            self._keep(clip, seen)
            self.meter.unit(0)

    def _is_done(self, clip: Clip, digest: str) -> bool:
        return self.cache.has(clip, digest)

    def _keep(self, clip: Clip, seen: FrameFeatures | ProblemError) -> None:
        digest = self.backlog.digests.pop(clip.video)
        if isinstance(seen, ProblemError):
            self.problems.extend(seen.problems)
            return
        try:
            data, known = features_of(clip, seen, self.options.dtype, self.cache.maker, digest)
        except ProblemError as error:
            self.problems.extend(error.problems)
            return
        self.cache.put(known, data)
        self.made += 1
        self.frames += known.frames
        self.valid += known.valid


def features_of(clip: Clip, seen: FrameFeatures, dtype: Stored, maker: str, digest: str) -> tuple[bytes, Cached]:
    """A unit's file, and what the index says of it.

    Args:
        clip: the unit.
        seen: in its valid frames, shape (valid frames, width).
        dtype: in which features are stored.
        maker: hash of what made them.
        digest: of the crops.

    Raises:
        ProblemError: E14, a feature is too large for the type.
    """
    known = Cached(clip.video, maker, digest, clip.crop_recipe, "", 0, len(clip), int(clip.valid.sum()))
    data = packed(clip, seen, dtype, known.key)
    return data, replace(known, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
