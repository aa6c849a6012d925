"""Where the points lie in 2.7 million rows: every repair of MTL with its interval, without and with probabilities."""

from __future__ import annotations

import time

import numpy as np

from abawbench.challenges import get
from abawbench.scoring import Paired, pair
from abawbench.synthetic import simulate_split
from abawbench.tuning.gains import gains
from abawbench.tuning.streams import Stream, runs_of, table_of_stream

VIDEOS, FRAMES = 300, 9000
MTL = get("abaw4-mtl")


def make(videos: int, frames: int) -> tuple[Paired, Stream]:
    """A simulated truth, and noisy answers to every frame of it."""
    split, random = simulate_split(videos, frames, seed=3), np.random.default_rng(0)
    # a store has each frame once
    once = np.unique(split.known.video.astype(np.int64) << 32 | split.known.frame, return_index=True)[1]
    known, rows = split.known.take(once), len(once)
    odds = np.exp(1.5 * np.eye(8)[known.classes("expression")] + random.normal(0, 1, (rows, 8)))
    answers = {
        "va": np.clip(0.7 * known.numbers("va") + random.normal(0, 0.2, (rows, 2)), -1, 1),
        "expression": odds / odds.sum(1, keepdims=True),
        "action_units": 1 / (1 + np.exp(1.5 - 2.0 * known.classes("action_units") + random.normal(0, 1, (rows, 12)))),
    }
    seconds, valid = known.frame / 30, np.ones(rows, bool)
    run = runs_of(known.video, known.frame, seconds, valid)
    stream = Stream(known.videos, known.video, known.frame, seconds, valid, ~valid, answers, run)
    return pair(MTL, split.truth.take(once), table_of_stream(stream, MTL)), stream


def main() -> None:
    """Print the seconds."""
    paired, stream = make(VIDEOS, FRAMES)
    print(f"\nGains of MTL, {len(paired.truth):,} rows, {VIDEOS} videos")
    for name, answers in (("decided rows", None), ("with probabilities", stream)):
        begin = time.perf_counter()
        found = gains(MTL, paired, answers)
        print(f"  {name}: {len(found)} repairs in {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
