"""Means of bins with intervals by video."""

from __future__ import annotations

import numpy as np

from abawbench.scoring.ratios import bounds_of, mean_from
from abawbench.scoring.statistics import Statistics


def means(tasks):
    return {"mean": mean_from(tasks["rows"])[..., 0]}


def statistics(values, names=None):
    sums = np.array([[[len(own), sum(own)]] for own in values], float)
    names = names or tuple(f"video{place}" for place in range(len(values)))
    return Statistics(names, {"rows": sums}, {})


def test_videos_that_agree_have_an_interval_of_no_width():
    bounds = bounds_of(statistics([[0.5, 0.5], [0.5], [0.5]]), means)
    assert bounds["mean"] == (0.5, 0.5)


def test_the_interval_holds_the_mean_and_lies_between_the_videos():
    random = np.random.default_rng(0)
    values = random.random((20, 6))
    bounds = bounds_of(statistics(values), means)["mean"]
    assert bounds is not None
    low, high = bounds
    assert values.mean(1).min() < low < values.mean() < high < values.mean(1).max()


def test_the_persons_of_one_video_are_one_cluster_without_an_interval():
    own = statistics([[0.1, 0.3], [0.9]], ("talk_left", "talk_right"))
    assert bounds_of(own, means)["mean"] is None
    by_person = {"talk_left": "a", "talk_right": "b"}
    assert bounds_of(own, means, by_person)["mean"] is not None
