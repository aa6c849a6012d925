"""Extracts the features of many clips into a feature cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from abawbench.base.installed import VERSION, versions_of
from abawbench.base.problems import Problem, ProblemError
from abawbench.clips.clip import Clip
from abawbench.clips.feature_index import CachedUnit
from abawbench.clips.features import FeatureClip, StoredType, pack_features
from abawbench.entries.model import DeviceEntry, Entry, FrameFeatures
from abawbench.inference.feature_cache import FeatureCache, prepare_cache
from abawbench.inference.feature_maker import FeatureMaker
from abawbench.inference.precision import FEATURES, Measure, Parity, PrecisionChoice
from abawbench.inference.run import DEFAULTS, RunOptions, RunProgress, RunSummary, run

# libraries that decode, and that compute
DECODERS = ("av", "opencv-python-headless")
TORCH = ("torch", "transformers")
ONNX = ("onnxruntime",)


def extract(
    maker: FeatureMaker,
    clips: Sequence[Clip],
    out: Path,
    options: RunOptions = DEFAULTS,
    *,
    dtype: StoredType = "float16",
    report: Callable[[RunProgress], None] = lambda _: None,
    resumed: Callable[[int, int], None] = lambda *_: None,
) -> RunSummary:
    """Extract features of clips into a cache; units that the cache already has are kept.

    `out` is the folder of the cache, and `dtype` the number type of the stored features. The other arguments are those
    of `run`, with the entry that `maker` holds.

    Raises:
        ProblemError: faults that stop the whole run: E21 the folder holds something else, or the features of other
            backbones; E06 the clips are features; P05 for the precision; D36 another run is at work; F01.
    """
    if any(isinstance(clip, FeatureClip) for clip in clips):
        raise ProblemError(Problem("E06", "features", "crops", "name the folder of crops that they were made from"))
    return run(maker.entry, clips, _FeatureSink(out, maker, dtype, options), options, report=report, resumed=resumed)


class _FeatureSink:
    """A feature cache that a run writes into.

    Args:
        root: folder of the cache.
        maker: entry whose features are extracted, and their identity.
        dtype: number type of the stored features.
        options: options of the run.
    """

    measure: Measure = FEATURES
    _cache: FeatureCache | None = None

    def __init__(self, root: Path, maker: FeatureMaker, dtype: StoredType, options: RunOptions) -> None:
        self.root = root
        self._dtype: StoredType = dtype
        self._networks = json.loads(json.dumps(maker.entry.card.networks))
        self._choice: PrecisionChoice = options.precision
        # other entries compute on the CPU, in float32
        has_choice = isinstance(maker.entry, DeviceEntry)
        libraries = (*DECODERS, *(TORCH if has_choice else ONNX))
        # record of the maker before the precision is decided, in the types of JSON
        self._record = json.loads(
            json.dumps(
                {
                    "identity": maker.identity,
                    "dtype": dtype,
                    "width": maker.entry.width,
                    "device": options.device.partition(":")[0] if has_choice else "cpu",
                    "versions": {"abawbench": VERSION, **versions_of(libraries)},
                }
            )
        )

    def check_folder(self) -> None:
        prepare_cache(self.root, self._record)

    def previous_parity(self) -> Parity | None:
        index = prepare_cache(self.root, self._record)
        before = {name: value for name, value in index.maker.items() if name != "precision"}
        if before != self._record or index.parity.get("asked") != self._choice:
            return None
        return Parity.from_json({**index.parity, "precision": index.maker["precision"]})

    def begin(self, entry: Entry, parity: Parity | None) -> None:
        del entry
        decided = asdict(parity or Parity(self._choice, "float32"))
        maker = {**self._record, "precision": decided.pop("precision")}
        index = prepare_cache(self.root, self._record)
        self._cache = FeatureCache(replace(index, maker=maker, parity=decided, networks=self._networks))

    def holds(self, unit: str) -> bool:
        assert self._cache is not None
        return self._cache.holds(unit)

    def has(self, clip: Clip, digest: str) -> bool:
        assert self._cache is not None
        return self._cache.has(clip, digest)

    def put(self, clip: Clip, digest: str, features: FrameFeatures | None) -> tuple[Problem, ...]:
        assert self._cache is not None
        assert features is not None
        valid = int(clip.valid.sum())
        known = CachedUnit(clip.video, self._cache.maker, digest, clip.crop_recipe, "", 0, len(clip), valid)
        try:
            data = pack_features(clip, features, self._dtype, known.key)
        except ProblemError as error:
            return error.problems
        self._cache.put(replace(known, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)), data)
        return ()

    def close(self) -> None:
        if self._cache is not None:
            self._cache.close()
