"""Intervals: the matrix product equals resampling rows, and the intervals cover what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from abawbench.metrics.bootstrap import (
    bca_interval,
    blocks,
    collapsed,
    draws,
    left_out,
    percentile_interval,
    resampled,
    weighted,
)


def mean(tasks):
    sums = tasks["t"]
    return {"mean": sums[..., 1] / sums[..., 0]}


def one_each(clusters):
    return np.ones(clusters, np.int64)


def test_draws_give_each_resample_as_many_clusters_as_there_are():
    counts = draws(one_each(37), 50, seed=3)
    assert counts.shape == (50, 37)
    assert (counts.sum(1) == 37).all()


def test_the_same_seed_draws_the_same():
    np.testing.assert_array_equal(draws(one_each(9), 20, seed=1), draws(one_each(9), 20, seed=1))
    assert not np.array_equal(draws(one_each(9), 20, seed=1), draws(one_each(9), 20, seed=2))


def test_a_seed_draws_the_same_in_every_version():
    # published intervals are computed from these
    assert draws(one_each(4), 3, seed=0).tolist() == [[0, 1, 2, 1], [3, 1, 0, 0], [1, 0, 1, 2]]
    assert draws(np.array([3, 1, 2]), 3, seed=0).tolist() == [[3, 0, 3], [1, 0, 5], [4, 2, 0]]


def test_every_cluster_is_drawn_as_often_as_it_occurs():
    apart, together = draws(one_each(5), 4000, seed=7), draws(np.array([2, 1, 2]), 4000, seed=7)
    # a count of draws has variance 5 p (1 - p): four standard errors of its mean
    for counts, multiplicity in ((apart, np.ones(5)), (together, np.array([2, 1, 2]))):
        share = multiplicity / 5
        assert (counts.sum(1) == 5).all()
        assert (np.abs(counts.mean(0) - multiplicity) < 4 * np.sqrt(5 * share * (1 - share) / 4000)).all()


def test_blocks_hold_few_cells_and_cover_every_resample_once(monkeypatch):
    monkeypatch.setattr("abawbench.metrics.bootstrap.BLOCK_CELLS", 10)
    assert list(blocks(7, 4)) == [(0, 2), (2, 2), (4, 2), (6, 1)]
    # a block has a resample, however many clusters there are, and no more than there are resamples
    assert list(blocks(2, 100)) == [(0, 1), (1, 1)]
    assert list(blocks(3, 1)) == [(0, 3)]
    assert list(blocks(2, 1)) == [(0, 2)]


def test_clusters_are_joined_from_the_limit_on_and_only_where_every_statistic_is_equal(monkeypatch):
    monkeypatch.setattr("abawbench.metrics.bootstrap.MANY_CLUSTERS", 4)
    one, other = (
        np.array([[[1.0, 2.0]], [[1.0, 2.0]], [[1.0, 2.0]], [[1.0, 5.0]]]),
        np.array([[7.0], [7.0], [8.0], [7.0]]),
    )
    different, multiplicity = collapsed({"one": one, "other": other})
    assert multiplicity.tolist() == [2, 1, 1]
    assert different["one"].tolist() == [[[1, 2]], [[1, 2]], [[1, 5]]]
    assert different["other"].tolist() == [[7], [8], [7]]
    few, each = collapsed({"one": one[:3], "other": other[:3]})
    assert each.tolist() == [1, 1, 1]
    assert few["one"].tolist() == one[:3].tolist()


def test_weighted_sums_of_several_tasks_keep_their_shapes():
    tasks = {"one": np.array([[[1.0, 2.0]], [[3.0, 4.0]]]), "other": np.array([[10.0], [20.0]])}
    sums = weighted(tasks, np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 0.0]]))
    assert sums["one"].tolist() == [[[1, 2]], [[5, 8]], [[0, 0]]]
    assert sums["other"].tolist() == [[10], [40], [0]]


def test_resamples_of_several_blocks_are_all_different(monkeypatch):
    monkeypatch.setattr("abawbench.metrics.bootstrap.BLOCK_CELLS", 60)
    statistics = {"t": np.stack([np.ones(20), np.random.default_rng(1).normal(size=20)], -1)}
    samples = resampled(statistics, mean, resamples=10, seed=3)["mean"]
    assert samples.shape == (10,)
    assert len(set(samples.tolist())) == 10


def test_the_middle_share_of_samples_worked_by_hand():
    samples = np.append(np.arange(101.0), np.nan)
    assert percentile_interval(samples, 0.9) == pytest.approx((5, 95))
    assert percentile_interval(samples, 0.5) == pytest.approx((25, 75))


def test_weighted_sums_equal_repeating_the_rows():
    generator = np.random.default_rng(0)
    rows, cluster = generator.normal(size=60), np.repeat(np.arange(6), 10)
    statistics = np.array([[10, rows[cluster == c].sum()] for c in range(6)])
    counts = draws(one_each(6), 5, seed=0)
    figures = mean(weighted({"t": statistics}, counts))["mean"]
    for figure, count in zip(figures, counts.astype(int), strict=True):
        repeated = np.concatenate([np.tile(rows[cluster == c], times) for c, times in enumerate(count)])
        assert figure == pytest.approx(repeated.mean(), abs=1e-12)


def test_leaving_one_out_equals_recomputing():
    statistics = np.array([[2.0, 3.0], [4.0, 1.0], [1.0, 5.0]])
    np.testing.assert_allclose(left_out({"t": statistics}, mean)["mean"], [6 / 5, 8 / 3, 4 / 6])


@pytest.mark.parametrize("kind", ["percentile", "bca"])
def test_intervals_of_a_clustered_mean_cover_near_ninety_five_percent(kind):
    generator = np.random.default_rng(20)
    covered = 0
    trials = 400
    for trial in range(trials):
        centre = generator.normal(size=(60, 1))
        rows = centre + generator.normal(size=(60, 20))
        statistics = {"t": np.stack([np.full(60, 20.0), rows.sum(1)], -1)}
        samples = resampled(statistics, mean, resamples=600, seed=trial)["mean"]
        if kind == "percentile":
            interval = percentile_interval(samples, 0.95)
        else:
            interval = bca_interval(float(rows.mean()), samples, left_out(statistics, mean)["mean"], 0.95)
        assert interval is not None
        covered += interval[0] <= 0 <= interval[1]
    # four standard errors about 0.945, what 60 clusters give
    assert abs(covered / trials - 0.945) < 4 * np.sqrt(0.95 * 0.05 / trials)


def test_rows_resampled_without_clusters_would_cover_far_too_little():
    generator = np.random.default_rng(21)
    covered = 0
    for trial in range(100):
        rows = (generator.normal(size=(60, 1)) + 0.2 * generator.normal(size=(60, 20))).ravel()
        samples = resampled({"t": np.stack([np.ones(1200), rows], -1)}, mean, resamples=200, seed=trial)["mean"]
        interval = percentile_interval(samples, 0.95)
        assert interval is not None
        covered += interval[0] <= 0 <= interval[1]
    assert covered < 60


def test_bca_equals_percentile_where_there_is_neither_bias_nor_acceleration():
    samples = np.linspace(-1, 1, 2001)
    jackknife = np.array([-1.0, 1.0, -2.0, 2.0])
    assert bca_interval(0.0, samples, jackknife, 0.95) == pytest.approx(percentile_interval(samples, 0.95), abs=1e-9)


@pytest.mark.parametrize("rows", [8, 40])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_bca_equals_scipy_on_skewed_samples(rows, level):
    sample = np.random.default_rng(rows).exponential(size=rows)
    result = bootstrap((sample,), np.mean, confidence_level=level, n_resamples=999, method="BCa", rng=1)
    jackknife = (sample.sum() - sample) / (rows - 1)
    interval = bca_interval(float(sample.mean()), result.bootstrap_distribution, jackknife, level)
    assert interval == pytest.approx(tuple(result.confidence_interval), abs=1e-12)


def test_bca_worked_by_hand():
    # jackknife mean 1, distances 1, 1, -2: cubes -6, squares 6, so the acceleration is -6 / (6 * 6 ** 1.5) = -0.0680414
    samples, jackknife = np.linspace(0, 1, 100_001), np.array([0.0, 0.0, 3.0])
    # half of the samples are below 0.5: no bias; cdf(-1.959964 / 0.8666413), cdf(1.959964 / 1.1333587)
    assert bca_interval(0.5, samples, jackknife, 0.95) == pytest.approx((0.0118622, 0.9581260), abs=1e-6)


def test_bca_of_the_fewest_clusters_and_where_it_is_undefined():
    samples, pair = np.linspace(0, 1, 101), np.array([0.0, 1.0])
    assert bca_interval(0.5, samples, pair, 0.95) is not None
    assert bca_interval(0.5, samples, pair[:1], 0.95) is None
    assert bca_interval(float("nan"), samples, pair, 0.95) is None
    # every sample below the point, or above it
    assert bca_interval(2.0, samples, pair, 0.95) is None
    assert bca_interval(-1.0, samples, pair, 0.95) is None
    # equal clusters have no acceleration
    assert bca_interval(0.5, samples, np.ones(3), 0.95) == pytest.approx(percentile_interval(samples, 0.95))
    # one cluster against a hundred: the bound runs off beyond level 1 - 1e-9
    alone = np.array([1.0] + [0.0] * 100)
    assert bca_interval(0.5, samples, alone, 0.95) is not None
    assert bca_interval(0.5, samples, alone, 1 - 1e-9) is None
    assert bca_interval(0.5, samples, -alone, 1 - 1e-9) is None


def test_undefined_resamples_are_left_out_and_none_defined_gives_none():
    assert percentile_interval(np.array([np.nan, 1.0, 1.0]), 0.95) == (1.0, 1.0)
    assert percentile_interval(np.array([np.nan]), 0.95) is None
    assert bca_interval(1.0, np.array([np.nan]), np.ones(3), 0.95) is None


def test_equal_clusters_are_drawn_together_and_give_the_same_intervals(monkeypatch):
    generator = np.random.default_rng(2)
    statistics = {"t": np.stack([np.ones(3000), generator.integers(0, 3, 3000).astype(float)], -1)}
    apart = resampled(statistics, mean, resamples=4000, seed=0)["mean"]
    out_apart = left_out(statistics, mean)["mean"]
    monkeypatch.setattr("abawbench.metrics.bootstrap.MANY_CLUSTERS", 100)
    different, multiplicity = collapsed(statistics)
    assert len(multiplicity) == 3
    assert multiplicity.sum() == 3000
    together = resampled(statistics, mean, resamples=4000, seed=0)["mean"]
    np.testing.assert_allclose(np.sort(left_out(statistics, mean)["mean"]), np.sort(out_apart), atol=1e-12)
    assert together.std() == pytest.approx(apart.std(), rel=0.05)
    assert together.mean() == pytest.approx(apart.mean(), abs=4 * apart.std() / np.sqrt(4000))
    assert weighted(different, multiplicity[None].astype(float))["t"][0].tolist() == statistics["t"].sum(0).tolist()
