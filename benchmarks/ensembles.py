"""Ensembles and trials: seconds of a greedy selection, and whether what is promised of other videos comes."""

# scikit-learn is in the extra `dev`
# pyright: reportMissingImports=false

from __future__ import annotations

import time
from math import sqrt

import numpy as np

from abawbench.challenges import get
from abawbench.table import Floats
from abawbench.tuning.ensembles.blends import blend_of
from abawbench.tuning.ensembles.searches import Greedy, joint
from abawbench.tuning.inputs.labelled import Labelled, whole_figure_of
from abawbench.tuning.search.crossfit import Plan, crossfit, deal_folds
from abawbench.tuning.trials.outlook import Outlook
from abawbench.tuning.trials.plan import expected_best, select

CHALLENGE = get("abaw10-au")
MEMBERS, VIDEOS, FRAMES = 30, 76, 7_600
SPREAD, CORRELATION, TRIALS, SEND = 0.03, 0.5, 20, 5
SPLITS, VIDEOS_OF_SPLIT, FRAMES_OF_SPLIT = 120, 40, 40


def make(members: int, videos: int, frames: int, seed: int) -> tuple[Labelled, Floats]:
    """Noisy probabilities of action units, with errors of videos and frames that the members mostly share."""
    generator = np.random.default_rng(seed)
    (task,) = CHALLENGE.tasks
    rows, width = videos * frames, task.width
    video = np.repeat(np.arange(videos), frames)
    truth = generator.random((rows, width)) < generator.uniform(0.05, 0.4, (videos, width))[video]
    answers = np.empty((members, rows, width))
    shared = generator.normal(0, 0.5, (videos, width))[video] + generator.normal(0, 0.9, (rows, width))
    for member in range(members):
        own = generator.normal(0, 0.3, (videos, width))[video]
        seen = 1.5 * truth + shared + own + generator.normal(0, 0.4 + 0.05 * (member % 5), (rows, width))
        answers[member] = 1 / (1 + np.exp(1.2 - seen))
    index = np.arange(rows)
    return Labelled(task, truth.astype(np.int8), video, videos, index, index, None), answers


def speed() -> None:
    """Greedy selection among thirty members, against scikit-learn's F1 of as many means."""
    from sklearn.metrics import f1_score

    rows, answers = make(MEMBERS, VIDEOS, FRAMES, 0)
    begin = time.perf_counter()
    f1_score(rows.truth, answers[:2].mean(0) >= 0.5, average="macro")
    one_mean = time.perf_counter() - begin
    begin = time.perf_counter()
    blend = blend_of(rows, answers)
    prepared = time.perf_counter() - begin
    search = Greedy(blend, whole_figure_of(CHALLENGE, rows))
    begin = time.perf_counter()
    (bag,) = search.fit(np.ones((1, VIDEOS)))
    searched = time.perf_counter() - begin
    plain = one_mean * len(search.visited)
    print(f"{MEMBERS} members, {len(rows):,} frames, {rows.task.width} action units, {len(search.visited)} means")
    print(f"  prepared {prepared:.1f} s, searched {searched:.1f} s, {sum(bag)} picks")
    print(f"  scikit-learn's F1 of as many means, from one: {plain:.0f} s, {plain / (prepared + searched):.0f} times")


def gains() -> None:
    """The gain over the best member and its interval, against the gain on ten times as many new videos."""
    promised, came, in_sample = [], [], []
    intervals: list[tuple[float, float]] = []
    for seed in range(SPLITS):
        rows, answers = make(5, VIDEOS_OF_SPLIT, FRAMES_OF_SPLIT, seed)
        new, new_answers = make(5, 10 * VIDEOS_OF_SPLIT, FRAMES_OF_SPLIT, SPLITS + seed)
        figure = whole_figure_of(CHALLENGE, rows)
        dealt = deal_folds(np.full(VIDEOS_OF_SPLIT, float(FRAMES_OF_SPLIT)), folds=5, repeats=2, seed=seed)
        plan = Plan(dealt, 200, seed)
        blend, everything = blend_of(rows, answers), np.ones((1, VIDEOS_OF_SPLIT))
        alone = joint(blend.moved(np.zeros(5), [(member, 1.0) for member in range(5)]), figure)
        search = Greedy(blend, figure)
        single, ensemble = crossfit(alone, plan), crossfit(search, plan)
        of_new = blend_of(new, new_answers)
        found = [np.array(search.fit(everything)[0], float), np.eye(5)[int(alone.fit(everything)[0, 0])]]
        value = [float(figure(of_new.of(weights).sum(0))) for weights in found]
        resamples = ensemble.resamples["cross_fitted"] - single.resamples["cross_fitted"]
        gain = ensemble.cross_fitted - single.cross_fitted
        low, high = np.quantile(resamples, [0.025, 0.975]) + gain - resamples.mean()
        promised.append(gain)
        in_sample.append(ensemble.in_sample - single.in_sample)
        came.append(value[0] - value[1])
        intervals.append((float(low), float(high)))
    truth = float(np.mean(came))
    covered = [low <= truth <= high for low, high in intervals]
    print(f"{SPLITS} splits of {VIDEOS_OF_SPLIT} videos, five members, greedy: gain over the best member")
    print(f"  on new videos {truth:.4f}, cross-fitted {np.mean(promised):.4f}, in sample {np.mean(in_sample):.4f}")
    print(f"  95 % intervals that hold the gain on new videos: {np.mean(covered):.3f}")


def trials() -> None:
    """The expected best of five of twenty normal trials, against what comes, as differences between trials grow."""
    print(
        f"{SEND} of {TRIALS} trials, errors of {SPREAD:g} that correlate at {CORRELATION:g}: promised minus what came"
    )
    for differences in (0.0, 0.01, 0.03, 0.06):
        generator = np.random.default_rng(0)
        by_scores, by_outlook = [], []
        for seed in range(300):
            worth = 0.7 + differences * generator.normal(0, 1, TRIALS)
            scores, here, there = worth + errors(generator, 1)[0], errors(generator, 1000), errors(generator, 1000)
            outlook = Outlook.of(scores, scores + here, seed)
            for values, results in ((scores + here, by_scores), (outlook.values, by_outlook)):
                chosen = list(select(values, SEND, most_cells=0).chosen)
                results.append(expected_best(values, chosen) - expected_best(worth + there, chosen))
        print(
            f"  worth differs by {differences:.2f}: {np.mean(by_scores):+.4f} about the scores themselves, "
            f"{np.mean(by_outlook):+.4f} without their luck"
        )


def errors(generator: np.random.Generator, splits: int) -> Floats:
    """Errors of all trials on some splits, shape (splits, trials)."""
    common, own = generator.normal(0, 1, (splits, 1)), generator.normal(0, 1, (splits, TRIALS))
    return SPREAD * (sqrt(CORRELATION) * common + sqrt(1 - CORRELATION) * own)


def main() -> None:
    """Run all three."""
    trials()
    gains()
    speed()
