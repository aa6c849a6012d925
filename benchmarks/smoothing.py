"""Smoothing of 2.7 million rows of 12 probabilities, each kernel, and pandas where it has the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from abawbench.challenges import get
from abawbench.table import Floats
from abawbench.tuning.inputs.stream import Stream, runs_of
from abawbench.tuning.steps.kinds import Kernel, Smoothing
from abawbench.tuning.steps.smoothing import Smoother
from benchmarks.timing import functions, report

VIDEOS, FRAMES, RATE = 600, 4500, 30
# pandas smooths as many videos, and its time is taken times ten
PART = 60
RUNS = 3
(TASK,) = get("abaw10-au").tasks


def make(videos: int) -> Stream:
    """Random probabilities of videos whose frames all have an answer."""
    random = np.random.default_rng(0)
    rows = videos * FRAMES
    unit = np.repeat(np.arange(videos, dtype=np.int32), FRAMES)
    frame = np.tile(np.arange(1, FRAMES + 1, dtype=np.int32), videos)
    time, valid = frame / RATE, np.ones(rows, bool)
    names = tuple(f"video{number}" for number in range(videos))
    answers = {TASK.name: random.random((rows, TASK.width))}
    return Stream(names, unit, frame, time, valid, ~valid, answers, runs_of(unit, frame, time, valid))


def by_pandas(stream: Stream, step: Smoothing) -> Floats:
    """The same smoothing by pandas, video by video, where it has it."""
    table = pd.DataFrame(stream.answers[TASK.name])
    parts: list[pd.DataFrame] = []
    frames = 2 * int(step.seconds * RATE / 2) + 1
    for video in range(len(stream.units)):
        part = table.iloc[video * FRAMES : (video + 1) * FRAMES]
        match step.kind:
            case "mean":
                parts.append(part.rolling(frames, min_periods=1, center=True).mean())
            case "median":
                parts.append(part.rolling(frames, min_periods=1, center=True).median())
            case _:
                parts.append(part.ewm(alpha=1 - np.exp(-1 / (step.seconds * RATE))).mean())
    return pd.concat(parts).to_numpy()


def main() -> None:
    """Time every kernel, and compare its values with those of pandas."""
    whole, part = make(VIDEOS), make(PART)
    ours, theirs = Smoother(whole, TASK), Smoother(part, TASK)
    kinds: tuple[tuple[Kernel, bool, bool], ...] = (
        ("mean", False, True),
        ("median", False, True),
        ("exponential", True, True),
        ("exponential", False, False),
        ("gaussian", False, False),
    )
    for kind, online, has_pandas in kinds:
        step = Smoothing(kind, 0.5, online)
        name = f"{kind} 0.5 s{' (online)' * online}, {VIDEOS} videos"
        calls: dict[str, Callable[[], object]] = {name: lambda step=step: ours.smooth(step)}
        if has_pandas:
            calls[f"pandas, {PART} videos"] = lambda step=step: by_pandas(part, step)
            difference = np.abs(theirs.smooth(step) - by_pandas(part, step)).max()
            agreement = f"greatest difference from pandas {difference:.1e}"
        else:
            agreement = "pandas has none on both sides, or needs another library"
        costs = functions(calls, RUNS)
        report(f"smoothing, {len(whole):,} rows of {TASK.width}: {agreement}", costs, name)
        if has_pandas:
            least = costs[f"pandas, {PART} videos"].least * VIDEOS / PART
            print(
                f"  pandas, extrapolated to {VIDEOS} videos: {least:.1f} s, {least / costs[name].least:.1f} times ours"
            )
