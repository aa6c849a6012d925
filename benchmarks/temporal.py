"""Temporal networks over cached features: files to store, against the bare module on one tensor in memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from abawbench.challenges import get
from abawbench.clips.features import clips_of_features, write_features
from abawbench.entries import Card
from abawbench.entries.networks.network import NetworkSettings, create
from abawbench.inference.predict import predict
from abawbench.models.frameworks.settings import FrameworkSettings, HeadSettings
from abawbench.models.temporal.settings import RECURRENT, Kind, TemporalSettings
from benchmarks.timing import functions, report

UNITS, FRAMES, WIDTH, SEGMENT = 16, 1280, 768, 64


def compare(encoder: Kind, folder: Path) -> None:
    """Measure one encoder with 4 attention heads and the published width."""
    temporal = TemporalSettings(encoder, width=256, layers=2, attention_heads=4, feed_forward=1024, segment=SEGMENT)
    settings = NetworkSettings(
        features=WIDTH, temporal=temporal, framework=FrameworkSettings(), heads=HeadSettings(hidden=(256, 256)), seed=0
    )
    entry = create(Card("2026_bench_temporal", "a benchmark", (), None), get("abaw4-mtl").tasks, settings)
    clips = clips_of_features(folder)
    videos = [torch.from_numpy(clip.vectors())[None] for clip in clips]
    segments = torch.cat(videos, 1).view(-1, SEGMENT, WIDTH).split(32)

    def store() -> None:
        out = folder / "store"
        shutil.rmtree(out, ignore_errors=True)
        summary = predict(entry, clips, out)
        if summary.made != UNITS:
            raise RuntimeError(f"{summary.made} of {UNITS} units")

    def answer() -> None:
        for clip in clips:
            entry.answer(clip.vectors(), clip)

    def bare(parts: Sequence[torch.Tensor]) -> None:
        with torch.inference_mode():
            for part in parts:
                entry.network(part, torch.full((len(part),), part.shape[1]))

    calls: dict[str, Callable[[], object]] = {
        "predict, files to store": store,
        "files to answers": answer,
        "bare module, 32 segments at once, no state carried": lambda: bare(segments),
    }
    if encoder in RECURRENT:
        calls["bare module, a video at once"] = lambda: bare(videos)
    costs = functions(calls, runs=3)
    title = f"{encoder}, {UNITS * FRAMES:,} frames of {WIDTH} features, segments of {SEGMENT}"
    report(title, costs, "predict, files to store")


def main() -> None:
    """Measure each encoder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(0)
        for unit in range(UNITS):
            feature = random.normal(size=(FRAMES, WIDTH)).astype(np.float16)
            write_features(folder / f"unit{unit}.safetensors", np.arange(1, FRAMES + 1, dtype=np.int32), feature)
        for encoder in ("none", "lstm", "gru", "transformer", "tcn"):
            compare(encoder, folder)


if __name__ == "__main__":
    main()
