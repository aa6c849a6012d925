"""Cross-fitting against loops over rows, and the laws that make its figures honest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.metrics.f1 import f1_per_class_from, f1_per_label_from
from abawbench.tuning.search import crossfit as crossfit_module
from abawbench.tuning.search.crossfit import FIGURES, CrossFit, Plan, added, crossfit, deal_folds
from abawbench.tuning.search.searches import Ascent, Candidates, compact, plateau


def macro(counts):
    return f1_per_class_from(counts).mean(-1)


def label_candidates(seed: int, *, clusters: int = 24, candidates: int = 9, labels: int = 3, skill: float = 0.0):
    """Label counts of candidates by cluster: (candidates, clusters, labels, 4), the first no better than the others."""
    generator = np.random.default_rng(seed)
    truth = generator.random((clusters, 30, labels)) < 0.4
    counts = np.empty((candidates, clusters, labels, 4))
    for candidate in range(candidates):
        right = generator.random(truth.shape) < 0.6 + skill * (candidate == 1)
        codes = truth * 2 + np.where(right, truth, ~truth)
        counts[candidate] = (codes[..., None] == np.arange(4)).sum(1)
    return counts


def by_loop(counts, folds):
    """Before, in sample and cross-fitted value of each label's best candidate, one weighting at a time."""
    candidates, clusters, labels, _ = counts.shape

    def chosen(rows, label):
        figures = [f1_per_label_from(counts[one][rows].sum(0))[label] for one in range(candidates)]
        return int(np.argmax(figures))

    everything = np.arange(clusters)
    inside = [counts[chosen(everything, label)].sum(0)[label] for label in range(labels)]
    repeats = []
    for fold in folds:
        pooled = np.zeros((labels, 4))
        for number, label in itertools.product(range(fold.max() + 1), range(labels)):
            best = chosen(np.flatnonzero(fold != number), label)
            pooled[label] += counts[best][fold == number].sum(0)[label]
        repeats.append(f1_per_label_from(pooled).mean())
    return f1_per_label_from(counts[0].sum(0)).mean(), f1_per_label_from(np.array(inside)).mean(), repeats


def test_the_search_over_weights_equals_a_loop_over_candidates_and_folds():
    counts = label_candidates(1)
    folds = deal_folds(np.ones(24), folds=5, repeats=4)
    found = crossfit(Candidates(counts, f1_per_label_from), Plan(folds))
    before, inside, repeats = by_loop(counts, folds)
    assert found.before == pytest.approx(before, abs=1e-12)
    assert found.in_sample == pytest.approx(inside, abs=1e-12)
    assert found.repeated == pytest.approx(repeats, abs=1e-12)
    assert found.resamples == {}
    assert found.interval("gain") is None


def test_a_fixed_setting_has_no_optimism_in_any_resample():
    counts = label_candidates(2, candidates=1)
    found = crossfit(
        Candidates(counts, f1_per_label_from), Plan(deal_folds(np.ones(24), folds=4, repeats=3), resamples=200)
    )
    assert found.optimism == pytest.approx(0, abs=1e-12)
    assert np.abs(found.samples("optimism")).max() < 1e-12
    assert np.abs(found.samples("gain")).max() < 1e-12


def test_a_search_over_noise_promises_too_much_and_keeps_nothing():
    plan = Plan(deal_folds(np.ones(24), repeats=10))
    found = [crossfit(Candidates(label_candidates(seed), f1_per_label_from), plan) for seed in range(30)]
    gains, optimism = (np.array([getattr(one, name) for one in found]) for name in ("gain", "optimism"))
    assert (optimism > 0).all()
    # 30 corpora: the mean of the kept gain is 0 within its error, while that in sample is far above
    assert abs(gains.mean()) < 3 * gains.std() / np.sqrt(30)
    assert (gains + optimism).mean() > 10 * abs(gains.mean())


def test_a_setting_that_is_better_is_kept_and_its_interval_says_so():
    counts = label_candidates(3, skill=0.15)
    found = crossfit(Candidates(counts, f1_per_label_from), Plan(deal_folds(np.ones(24)), resamples=400))
    low, high = found.interval("gain") or (0, 0)
    assert 0 < low < found.gain < high


def test_intervals_do_not_depend_on_threads():
    search = Candidates(label_candidates(4), f1_per_label_from)
    folds = deal_folds(np.ones(24), repeats=3)
    one, two = (crossfit(search, Plan(folds, resamples=600, seed=5, threads=threads)) for threads in (1, 2))
    for name in ("before", "in_sample", "cross_fitted"):
        assert np.array_equal(one.resamples[name], two.resamples[name])


def test_a_resample_equals_a_loop_over_its_copies():
    counts = label_candidates(5, clusters=10)
    folds = deal_folds(np.ones(10), folds=2, repeats=1)
    found = crossfit(Candidates(counts, f1_per_label_from), Plan(folds, resamples=1, seed=7))
    drawn = np.random.default_rng(7).integers(0, 10, (1, 10), dtype=np.int32)[0]
    before, inside, repeats = by_loop(counts[:, drawn], folds[:, drawn])
    assert found.resamples["before"][0] == pytest.approx(before, abs=1e-12)
    assert found.resamples["in_sample"][0] == pytest.approx(inside, abs=1e-12)
    assert found.resamples["cross_fitted"][0] == pytest.approx(repeats[0], abs=1e-12)


def test_sums_of_figures_are_taken_resample_by_resample():
    plan = Plan(deal_folds(np.ones(24), repeats=2), resamples=50)
    one, other = (crossfit(Candidates(label_candidates(seed), f1_per_label_from), plan) for seed in (6, 7))
    total = added([one, other.scaled(0.5)])
    for figure in FIGURES:
        assert total.samples(figure) == pytest.approx(one.samples(figure) + other.samples(figure) / 2, abs=1e-12)
        expected = getattr(one, figure) + getattr(other, figure) / 2
        assert getattr(total, figure) == pytest.approx(expected, abs=1e-12)


def test_an_interval_is_moved_to_its_figure():
    samples = {"before": np.zeros(5), "in_sample": np.arange(5.0), "cross_fitted": np.arange(5.0) - 9}
    found = CrossFit(0.0, 1.0, np.array([0.5]), samples)
    low, high = found.interval("cross_fitted") or (0, 0)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert high - low == pytest.approx(4 * 0.95)


@given(st.integers(2, 60), st.integers(2, 9), st.integers(0, 99))
def test_folds_have_equal_numbers_of_clusters(clusters, folds, seed):
    if folds > clusters:
        with pytest.raises(ProblemError, match="D24"):
            deal_folds(np.ones(clusters), folds=folds)
        return
    dealt = deal_folds(np.random.default_rng(seed).random(clusters), folds=folds, repeats=3, seed=seed)
    for fold in dealt:
        sizes = np.bincount(fold, minlength=folds)
        assert sizes.max() - sizes.min() <= 1


def test_folds_share_the_rows():
    sizes = np.array([900.0, 880, 860, 850, 840, 30, 20, 10, 5, 1])
    for fold in deal_folds(sizes, folds=5, repeats=20):
        rows = np.bincount(fold, weights=sizes)
        assert rows.max() / rows.min() < 1.15


def test_one_video_has_no_folds():
    with pytest.raises(ProblemError, match="5 folds of 1 videos"):
        deal_folds(np.ones(1))


def class_scores(seed: int, clusters: int = 12, rows: int = 40):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, (clusters, rows))
    scores = generator.normal(size=(clusters, rows, 3)) + 0.9 * np.eye(3)[truth] + np.array([0.8, 0.0, -0.4])
    return truth, scores


def counts_at(truth, scores, point):
    decided = (scores + np.array(point)).argmax(-1)
    codes = truth * 3 + decided
    return np.stack([np.bincount(one, minlength=9).reshape(3, 3) for one in codes]).astype(float)


def test_an_ascent_ends_where_no_step_helps_and_the_fold_climbs_by_itself():
    truth, scores = class_scores(1)
    calls: list[object] = []

    def statistics_of(point):
        calls.append(point)
        return counts_at(truth, scores, point)

    search = Ascent(statistics_of, macro, 3)
    folds = deal_folds(np.ones(12), folds=3, repeats=2)
    found = crossfit(search, Plan(folds, resamples=100))
    assert len(calls) == len(set(calls))
    (end,) = search.fit(np.ones((1, 12)))
    height = macro(counts_at(truth, scores, end).sum(0))
    for axis, way in itertools.product(range(3), (0.25, -0.25)):
        beside = tuple(value + way * (place == axis) for place, value in enumerate(end))
        assert macro(counts_at(truth, scores, beside).sum(0)) <= height + 1e-12
    assert found.in_sample == pytest.approx(height, abs=1e-12)
    assert found.in_sample > found.before
    repeats = []
    for fold in folds:
        pooled = np.zeros((3, 3))
        for number in range(3):
            alone = Ascent(lambda point, keep=fold != number: counts_at(truth[keep], scores[keep], point), macro, 3)
            (point,) = alone.fit(np.ones((1, alone.clusters)))
            pooled += counts_at(truth, scores, point)[fold == number].sum(0)
        repeats.append(macro(pooled))
    assert found.repeated == pytest.approx(repeats, abs=1e-12)
    assert np.isfinite(found.samples("gain")).all()


def test_resamples_choose_among_the_points_of_the_climbs():
    truth, scores = class_scores(2)
    search = Ascent(lambda point: counts_at(truth, scores, point), macro, 3)
    fold = deal_folds(np.ones(12), folds=3, repeats=1)[0]
    search.fit(np.ones((1, 12)))
    weights = np.random.default_rng(0).integers(0, 3, (5, 12)).astype(float)
    inside, outside = search.for_resamples().repeat(weights, fold)
    points = np.stack(list(search.visited.values()))
    for number, one in enumerate(weights):
        assert inside[number] == pytest.approx(macro(np.einsum("c,pcij->pij", one, points)).max(), abs=1e-12)
        pooled = np.zeros((3, 3))
        for held in range(3):
            train, test = (np.einsum("c,pcij->pij", one * part, points) for part in (fold != held, fold == held))
            pooled += test[macro(train).argmax()]
        assert outside[number] == pytest.approx(macro(pooled), abs=1e-12)


def test_resamples_in_parts_are_resamples_at_once(monkeypatch):
    truth, scores = class_scores(2)
    plan = Plan(deal_folds(np.ones(12), folds=3, repeats=2), resamples=40, threads=1)
    found = []
    for cells in (1, 1000, 1 << 21):
        monkeypatch.setattr(crossfit_module, "BLOCK_CELLS", cells)
        found.append(crossfit(Ascent(lambda point: counts_at(truth, scores, point), macro, 3), plan))
    for one in found[1:]:
        for name, samples in found[0].resamples.items():
            assert one.resamples[name] == pytest.approx(samples, abs=1e-12)


@given(st.lists(st.floats(0, 300) | st.integers(-3, 70_000).map(float) | st.just(np.nan), max_size=6))
def test_compact_statistics_are_the_same_numbers(numbers):
    statistics = np.array(numbers, float)
    assert np.array_equal(compact(statistics).astype(float), statistics, equal_nan=True)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=12))
def test_the_plateau_is_flat(heights):
    values = np.array(heights) / 10
    positions = np.arange(len(values)).astype(float)
    place = int(plateau(values, positions, flat=0.15))
    assert values[place] >= values.max() - 0.15 - 1e-12
    peak = int(values.argmax())
    between = values[min(place, peak) : max(place, peak) + 1]
    assert (between >= values.max() - 0.15 - 1e-12).all()
