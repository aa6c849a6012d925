"""Tuning against loops with scikit-learn, and whether its intervals cover: thresholds of action units, cross-fitted."""

# scikit-learn is in the extra `dev`
# pyright: reportMissingImports=false

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from abawbench.challenges import get
from abawbench.metrics.f1 import f1_per_label_from
from abawbench.table import Floats
from abawbench.tuning.inputs.labelled import Labelled, figure_of
from abawbench.tuning.inputs.stream import Stream, runs_of
from abawbench.tuning.search.answers import StreamAnswers
from abawbench.tuning.search.crossfit import CrossFit, Figure, Plan, crossfit, deal_folds
from abawbench.tuning.search.last_steps import ByThresholds
from abawbench.tuning.search.procedure import Procedure, Stage
from abawbench.tuning.search.searches import Candidates
from abawbench.tuning.search.thresholds import LevelCounter
from abawbench.tuning.steps.kinds import Smoothing

CHALLENGE = get("abaw10-au")
VIDEOS, FRAMES = 300, 9000
SETTINGS, FOLDS, REPEATS, RESAMPLES = 100, 5, 20, 10_000
# length of an expression in frames
EPISODE = 45


@dataclass(frozen=True)
class Job:
    """Answers to tune, and how."""

    stream: Stream
    rows: Labelled
    settings: tuple[Smoothing, ...]
    plan: Plan


def make(videos: int, frames: int, settings: int, repeats: int, resamples: int) -> Job:
    """Action units that come and go, and noisy probabilities of them, with a bias of each video."""
    generator = np.random.default_rng(0)
    (task,) = CHALLENGE.tasks
    rows, width = videos * frames, task.width
    truth = np.empty((rows, width), np.int8)
    answers = np.empty((rows, width))
    for label in range(width):
        steps = np.cumsum(generator.normal(size=(videos, frames + EPISODE)), axis=1)
        hidden = (steps[:, EPISODE:] - steps[:, :-EPISODE]) / np.sqrt(EPISODE)
        seen = hidden + generator.normal(size=hidden.shape) + generator.normal(size=(videos, 1)) / 2
        truth[:, label] = (hidden > 1 + 0.1 * label).ravel()
        answers[:, label] = 1 / (1 + np.exp(2.5 - 1.5 * seen.ravel()))
    unit = np.repeat(np.arange(videos, dtype=np.int32), frames)
    frame = np.tile(np.arange(1, frames + 1, dtype=np.int32), videos)
    seconds = frame / 30
    valid = np.ones(rows, bool)
    names = tuple(f"video{number}" for number in range(videos))
    run = runs_of(unit, frame, seconds, valid)
    stream = Stream(names, unit, frame, seconds, valid, ~valid, {task.name: answers}, run)
    index = np.arange(rows)
    known = Labelled(task, truth, unit.astype(np.int64), videos, index, index, None)
    widths = np.geomspace(0.1, 8, settings - 1)
    plan = Plan(deal_folds(np.full(videos, frames), folds=FOLDS, repeats=repeats), resamples, threads=2)
    return Job(stream, known, tuple(Smoothing("mean", float(width)) for width in widths), plan)


def tuned(job: Job) -> CrossFit:
    """The whole job, by this package."""
    answers = StreamAnswers(job.rows, job.stream, None, job.plan.threads)
    counter = LevelCounter.of(job.rows, answers(()))
    last_step = ByThresholds(job.rows, figure_of(CHALLENGE, job.rows), None, counter)
    stage = Stage("smoothing", (None, *job.settings))
    return crossfit(Procedure(last_step, (stage,), answers), job.plan)


def curve_seconds(job: Job) -> float:
    """Seconds of one of scikit-learn's curves over all thresholds, on the training part of a fold."""
    from sklearn.metrics import precision_recall_curve

    training = np.isin(job.rows.cluster, np.flatnonzero(job.plan.folds[0] != 0))
    truth, answers = job.rows.truth[training, 0], job.stream.answers[job.rows.task.name][training, 0]
    begin = time.perf_counter()
    precision, recall, _ = precision_recall_curve(truth, answers)
    best_f1(precision, recall)
    return time.perf_counter() - begin


def best_f1(precision: Floats, recall: Floats) -> float:
    """The best F1 on a curve."""
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def grid_seconds(job: Job) -> float:
    """Seconds of one call of scikit-learn's F1, at one threshold, on the training part of a fold."""
    from sklearn.metrics import f1_score

    training = np.isin(job.rows.cluster, np.flatnonzero(job.plan.folds[0] != 0))
    truth, answers = job.rows.truth[training, 0], job.stream.answers[job.rows.task.name][training, 0]
    begin = time.perf_counter()
    f1_score(truth, answers >= 0.5)
    return time.perf_counter() - begin


def drawn(generator: np.random.Generator, videos: int, settings: int, *, is_noise: bool) -> Floats:
    """Counts of one label by setting and video, shape (settings, videos, 1, 4), of 40 frames a video.

    The settings are thresholds of one score with a bias of each video, the first one too high; or scores of equal
    quality, at one threshold.
    """
    hidden = 0.8 * generator.normal(size=(videos, 40)) + 0.6 * generator.normal(size=(videos, 1))
    if is_noise:
        noise = 0.9 * generator.normal(size=(settings, videos, 40)) + 0.7 * generator.normal(size=(settings, videos, 1))
        present = hidden + noise >= 0.8
    else:
        score = hidden + 0.9 * generator.normal(size=hidden.shape) + 0.7 * generator.normal(size=(videos, 1))
        present = score >= np.append(1.6, np.linspace(-1, 2.5, settings - 1))[:, None, None]
    codes = 2 * (hidden > 1) + present
    return np.stack([(codes == code).sum(-1) for code in range(4)], axis=-1)[:, :, None].astype(np.float64)


def covers(videos: int, settings: int, runs: int, *, is_noise: bool) -> list[float]:
    """How often intervals hold what they are for: of the cross-fitted figure, of the gain, and of the naive figure.

    What a search keeps is the mean figure, in a hundred thousand videos, of the settings that it chooses on random four
    fifths of the videos; the naive interval of the figure in sample is held against the same.
    """
    generator = np.random.default_rng(0)
    # settings of equal quality share their figure
    parts = [drawn(generator, 1000, settings, is_noise=is_noise).sum(1) for _ in range(100)]
    known = f1_per_label_from(np.sum(parts, axis=0))[:, 0]
    known = np.full(settings, known.mean()) if is_noise else known
    kept: list[float] = []
    found: list[CrossFit] = []
    for run in range(runs):
        search = Candidates(drawn(generator, videos, settings, is_noise=is_noise), f1_per_label_from)
        folds = deal_folds(np.ones(videos), repeats=10, seed=run)
        found.append(crossfit(search, Plan(folds, resamples=400, seed=run, threads=1)))
        kept.append(float(known[search.fit((folds != 0).astype(np.float64))[:, 0]].mean()))
    truth = float(np.mean(kept))
    aims: tuple[tuple[Figure, float], ...] = (
        ("cross_fitted", truth),
        ("gain", truth - float(known[0])),
        ("in_sample", truth),
    )
    bounds = [(one.interval(figure) or [np.nan, np.nan], aim) for figure, aim in aims for one in found]
    hits = np.array([low <= aim <= high for (low, high), aim in bounds]).reshape(len(aims), runs)
    return hits.mean(1).tolist()


def print_coverage(runs: int = 400) -> None:
    """Print how often 95 % intervals cover."""
    print(f"\n95 % intervals that hold what the search keeps on other videos, of {runs} runs")
    print(f"  {'':<42}{'cross-fitted':>14}{'gain':>10}{'in-sample':>12}")
    for name, settings, is_noise in (("32 thresholds", 32, False), ("16 settings of equal quality", 16, True)):
        for videos in (20, 40, 100, 300):
            shares = covers(videos, settings, runs, is_noise=is_noise)
            cells = f"{shares[0]:>14.3f}{shares[1]:>10.3f}{shares[2]:>12.3f}"
            print(f"  {name + f', {videos} videos':<42}{cells}", flush=True)


def main() -> None:
    """Print the seconds of the whole job, and those of two ways with scikit-learn, extrapolated from one call."""
    job = make(VIDEOS, FRAMES, SETTINGS, REPEATS, RESAMPLES)
    print(
        f"\n{SETTINGS} smoothing settings x 12 action units x every threshold, {FOLDS} folds x {REPEATS}, "
        f"{RESAMPLES:,} resamples that repeat the search, {len(job.rows):,} rows of {VIDEOS} videos"
    )
    begin, processor = time.perf_counter(), time.process_time()
    found = tuned(job)
    seconds, used = time.perf_counter() - begin, time.process_time() - processor
    print(f"  abawbench, two threads       {seconds:14,.0f} s ({used:,.0f} s of processor)")
    searches = SETTINGS * job.rows.task.width * (1 + FOLDS * REPEATS)
    for name, each, calls in (
        ("scikit-learn, curves", curve_seconds(job), searches),
        ("scikit-learn, grid of 99", grid_seconds(job), searches * 99),
    ):
        total = each * calls
        print(f"  {name:<28} {total:14,.0f} s, {total / seconds:,.0f} times ours ({calls:,} x {each:.3f} s)")
    print("  scikit-learn's ways are for the folds alone: without resamples, smoothing, and intervals")
    low, high = found.interval("gain") or (np.nan, np.nan)
    print(f"  gain {found.gain:+.4f} ({low:+.4f} to {high:+.4f}), optimism {found.optimism:+.4f}")
    print_coverage()
