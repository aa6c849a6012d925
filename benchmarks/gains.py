"""Where the points lie: the seconds for 2.7 million rows, and how often the intervals of gains hold the true gain."""

from __future__ import annotations

import time

import numpy as np

from abawbench.challenges import get
from abawbench.scoring import Paired, Resampling, pair
from abawbench.synthetic import simulate_split
from abawbench.table import Table
from abawbench.tuning.gains.gain import gains
from abawbench.tuning.inputs.stream import Stream, runs_of, table_of_stream

VIDEOS, FRAMES = 300, 9000
MTL, VA = get("abaw4-mtl"), get("abaw6-va")


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


def simulate(videos: int, random: np.random.Generator) -> Paired:
    """Valence and arousal of videos of 50 frames; predictions have a bias, a scale, levels of videos and noise."""
    shape = (videos, 50, 2)
    truth = np.clip(random.normal(0, 0.25, (videos, 1, 2)) + random.normal(0, 0.25, shape), -1, 1)
    own = random.normal(0, 0.1, (videos, 1, 2)) + random.normal(0, 0.1, shape)
    unit = np.repeat(np.arange(videos, dtype=np.int32), 50)
    frame = np.tile(np.arange(1, 51, dtype=np.int32), videos)
    tables = [
        Table(tuple(map(str, range(videos))), unit, frame, {"va": values.reshape(-1, 2)})
        for values in (truth, truth / 1.4 + 0.05 + own)
    ]
    return pair(VA, *tables)


def coverage(samples: int, many: int = 4000) -> dict[str, tuple[float, float, float]]:
    """By repair of arousal: its gain on many videos, the mean of samples of 40, the share of intervals that hold it."""
    random = np.random.default_rng(0)
    whole = gains(VA, simulate(many, random), resampling=Resampling(100))
    true = {one.error: one.gain for one in whole if one.column == "arousal" and one.gain is not None}
    found: dict[str, list[tuple[float, bool]]] = {error: [] for error in true}
    for seed in range(samples):
        for one in gains(VA, simulate(40, random), resampling=Resampling(200, seed)):
            if one.column == "arousal" and one.error in true and one.gain is not None and one.interval is not None:
                low, high = one.interval
                found[one.error].append((one.gain, low <= true[one.error] <= high))
    parts = {error: np.array(own, np.float64).mean(0) for error, own in found.items() if len(own) > samples / 2}
    return {error: (true[error], float(mean), float(share)) for error, (mean, share) in parts.items()}


def main() -> None:
    """Print the seconds, and the shares."""
    paired, stream = make(VIDEOS, FRAMES)
    print(f"\nGains of MTL, {len(paired.truth):,} rows, {VIDEOS} videos")
    for name, answers in (("decided rows", None), ("with probabilities", stream)):
        begin = time.perf_counter()
        found = gains(MTL, paired, answers)
        print(f"  {name}: {len(found)} repairs in {time.perf_counter() - begin:.1f} s")
    print("\nIntervals of gains of arousal, 200 samples of 40 videos (gain of 4,000 videos, mean, share that holds it)")
    for error, (true, mean, share) in coverage(200).items():
        print(f"  {error}: {true:.4f}, {mean:.4f}, {share:.1%}")


if __name__ == "__main__":
    main()
