"""Means of bins with intervals by video."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.scoring.ratios import bounds_of, mean_from, means_by_bin
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


@pytest.mark.parametrize("videos", [2, 3, 6])
def test_videos_without_rows_of_a_bin_do_not_count_for_it(videos):
    random = np.random.default_rng(1)
    trials, covered = 500, 0
    for _ in range(trials):
        values = np.clip(random.normal(0.5, 0.1, videos), 0, 1)
        sums = np.zeros((60, 2, 2))
        # the other bin has rows in every video
        sums[:, 1, 0] = 5
        sums[:videos, 0] = np.stack([np.full(videos, 20), 20 * values], axis=1)
        split = Statistics(tuple(f"video{place}" for place in range(60)), {"rows": sums}, {})
        found = bounds_of(split, lambda tasks: {"mean": mean_from(tasks["rows"])[..., 0]})["mean"]
        assert found == pytest.approx(bounds_of(statistics([[own] * 20 for own in values]), means)["mean"], abs=1e-9)
        assert found is not None
        covered += found[0] <= 0.5 <= found[1]
    assert abs(covered / trials - 0.95) < 4 * np.sqrt(0.95 * 0.05 / trials)


def test_a_bin_of_one_video_has_no_interval():
    sums = np.array([[[2.0, 1.0], [4.0, 1.0]], [[0.0, 0.0], [4.0, 3.0]]])
    split = Statistics(("one", "two"), {"rows": sums}, {})
    found = bounds_of(split, lambda tasks: means_by_bin(tasks["rows"]))
    assert found[0] is None
    assert found[1] is not None


def test_the_persons_of_one_video_are_one_cluster_without_an_interval():
    own = statistics([[0.1, 0.3], [0.9]], ("talk_left", "talk_right"))
    assert bounds_of(own, means)["mean"] is None
    by_person = {"talk_left": "a", "talk_right": "b"}
    assert bounds_of(own, means, by_person)["mean"] is not None
