"""diff: identical files, swapped files, the null of the permutation test, the videos that made the difference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.metrics import macro_f1
from abawbench.metrics.jackknife import jackknife_interval, jackknife_of
from abawbench.scoring.difference import difference
from abawbench.scoring.intervals import Resampling
from abawbench.synthetic import simulate_predictions, simulate_split
from abawbench.table import NO_FRAME, Table
from tests.scoring.tables import classes, videos

MTL = get("abaw4-mtl")
CORPUS = simulate_split(24, 60, seed=5)
BETTER, WORSE = simulate_predictions(CORPUS.known, 0.7, 1), simulate_predictions(CORPUS.known, 0.5, 2)


def test_identical_predictions_give_p_1():
    result = difference(MTL, CORPUS.truth, BETTER, BETTER, resampling=Resampling(300))
    assert result["p"] == 1
    assert result["difference"] == 0
    assert result["interval"] == [0, 0]
    assert result["videos"] == []


def test_swapping_the_two_flips_every_sign():
    one = difference(MTL, CORPUS.truth, BETTER, WORSE, resampling=Resampling(300))
    two = difference(MTL, CORPUS.truth, WORSE, BETTER, resampling=Resampling(300))
    assert one["p"] == two["p"]
    assert one["difference"] == pytest.approx(-two["difference"], abs=1e-12)
    assert one["interval"] == pytest.approx([-bound for bound in two["interval"][::-1]], abs=1e-12)
    for name, row in one["figures"].items():
        assert row["difference"] == pytest.approx(-two["figures"][name]["difference"], abs=1e-12)
    effects = {row["video"]: row["effect"] for row in two["videos"]}
    for row in one["videos"]:
        assert row["effect"] == pytest.approx(-effects[row["video"]], abs=1e-12)


def test_a_clear_difference_is_found():
    result = difference(MTL, CORPUS.truth, BETTER, WORSE, resampling=Resampling(2000))
    assert result["p"] < 0.01
    assert result["interval"][0] > 0
    assert 0 < result["smallest_detectable"] < result["difference"]


def test_few_videos_are_swapped_exhaustively():
    small = simulate_split(5, 30, seed=1)
    result = difference(
        MTL,
        small.truth,
        simulate_predictions(small.known, 0.7, 1),
        simulate_predictions(small.known, 0.6, 2),
        resampling=Resampling(1000),
    )
    assert result["swaps"] == 32
    assert (result["p"] * 32) % 1 == pytest.approx(0, abs=1e-9)
    assert result["p"] >= 2 / 32


@pytest.mark.parametrize("clusters", [1500, 12_000])
def test_many_clusters_are_compared_too(clusters):
    challenge = get("abaw4-lsd")
    generator = np.random.default_rng(0)
    known = generator.integers(0, 6, clusters).astype(np.int8)

    def table(right):
        guess = np.where(generator.random(clusters) < right, known, generator.integers(0, 6, clusters))
        names = tuple(f"{number}.jpg" for number in range(clusters))
        index = np.arange(clusters, dtype=np.int32)
        return Table(names, index, np.full(clusters, NO_FRAME, np.int32), {"expression": guess.astype(np.int8)})

    truth, better, worse = table(1), table(0.6), table(0.5)
    result = difference(challenge, truth, better, worse, resampling=Resampling(300))
    assert result["clusters"] == clusters
    assert result["p"] < 0.05
    assert result["interval"][0] > 0
    assert difference(challenge, truth, better, better, resampling=Resampling(300))["p"] == 1


EXPR = get("abaw6-expr")


def expression_of_one_video(values):
    rows = len(values)
    frames = np.arange(1, rows + 1, dtype=np.int32)
    return Table(("v",), np.zeros(rows, np.int32), frames, {"expression": np.array(values, np.int8)})


def compared(right_of_first, right_of_second):
    """Videos of class 0, each predicted as 0 or as 1."""
    count = len(right_of_first)
    guesses = [classes([1 - right for right in rights]) for rights in (right_of_first, right_of_second)]
    return difference(EXPR, classes([0] * count), *guesses, resampling=Resampling(300))


def test_one_cluster_has_a_difference_but_neither_interval_nor_evidence():
    result = compared([1], [0])
    assert (result["first"], result["second"], result["difference"]) == (1 / 8, 0, 1 / 8)
    assert (result["clusters"], result["interval"], result["smallest_detectable"]) == (1, None, None)
    assert all(figure["interval"] is None for figure in result["figures"].values())
    assert (result["p"], result["swaps"]) == (1, 2)
    assert result["warning"] == "no interval: one video cannot be resampled"


def test_two_clusters_worked_by_hand():
    # swapping none, one, the other or both: 1/8 - 0, twice 1/12 - 1/12, 0 - 1/8
    result = compared([1, 1], [0, 0])
    assert (result["difference"], result["p"], result["swaps"]) == (1 / 8, 1 / 2, 4)
    # whichever is left out, the difference is the same
    assert result["interval"] == [1 / 8, 1 / 8]
    assert result["figures"]["metrics.f1_expression"]["interval"] == [1 / 8, 1 / 8]
    assert result["smallest_detectable"] is None
    # swapped in one video alone, the difference is 0: half of the change is 1/16
    assert result["videos"] == [{"video": "00000", "effect": 1 / 16}, {"video": "00001", "effect": 1 / 16}]


def test_figures_and_intervals_are_those_of_rows_left_out_one_by_one():
    generator = np.random.default_rng(0)
    known = generator.integers(0, 8, 40).astype(np.int8)
    guesses = [np.where(generator.random(40) < right, known, generator.integers(0, 8, 40)) for right in (0.7, 0.4)]
    result = difference(EXPR, classes(known), *map(classes, guesses), resampling=Resampling(200, seed=3))
    figure = result["figures"]["metrics.f1_expression"]
    first, second = (macro_f1(known, guess, classes=8) for guess in guesses)
    assert (figure["first"], figure["second"]) == pytest.approx((first, second), abs=1e-12)
    assert figure["difference"] == pytest.approx(first - second, abs=1e-12)
    without = []
    for out in range(40):
        one, two = (macro_f1(np.delete(known, out), np.delete(guess, out), classes=8) for guess in guesses)
        without.append(one - two)
    interval = jackknife_interval(first - second, np.array(without), 0.95, (-1, 1))
    assert figure["interval"] == pytest.approx(interval, abs=1e-12)
    assert result["interval"] == figure["interval"]
    # 5 % on two sides and 80 % power
    found = jackknife_of(first - second, np.array(without))
    assert found is not None
    quantiles = t.ppf([0.975, 0.8], found.freedom)
    assert result["smallest_detectable"] == pytest.approx(quantiles.sum() * found.error, rel=1e-9)


def test_the_result_has_these_keys():
    result = compared([1, 1], [0, 0])
    assert list(result) == [
        *("challenge", "fingerprint", "figure", "first", "second", "difference", "interval", "p", "swaps", "seed"),
        *("smallest_detectable", "clusters", "unit", "warning", "figures", "videos", "flags", "problems"),
    ]
    assert (result["challenge"], result["fingerprint"]) == (EXPR.id, EXPR.fingerprint)
    assert (result["figure"], result["seed"], result["unit"]) == ("score", 0, "video")


def test_without_a_score_the_first_figure_that_is_defined_is_compared():
    label, wrong = np.array([0, 1, 1], np.int8), np.array([1, 1, 0], np.int8)
    truth, other = videos("ambivalence", label), videos("ambivalence", wrong)
    result = difference(get("abaw8-ah"), truth, truth, other, resampling=Resampling(100))
    assert result["figure"] == "metrics.f1_ambivalence"
    assert (result["first"], result["second"]) == (1, pytest.approx(1 / 4))


@pytest.mark.parametrize(("resamples", "swaps"), [(4, 4), (7, 4), (3, 3)])
def test_all_ways_are_swapped_if_there_are_no_more_than_the_resamples(resamples, swaps):
    tables = classes([0, 0]), classes([0, 0]), classes([1, 1])
    result = difference(EXPR, *tables, resampling=Resampling(resamples))
    assert result["swaps"] == swaps
    # random swaps count what was observed as one of them
    assert (result["p"] * (4 if swaps == 4 else 1 + swaps)) % 1 == pytest.approx(0, abs=1e-9)


def test_three_clusters_differ_as_much_in_two_of_eight_swaps(monkeypatch):
    assert compared([1, 1, 1], [0, 0, 0])["p"] == 2 / 8
    # in blocks of two swaps as well
    monkeypatch.setattr("abawbench.metrics.bootstrap.BLOCK_CELLS", 6)
    assert compared([1, 1, 1], [0, 0, 0])["p"] == 2 / 8


def test_random_swaps_are_counted_over_all_blocks_and_drawn_by_the_seed(monkeypatch):
    rights = [1] * 12 + [0] * 8, [0] * 3 + [1] * 3 + [0] * 14
    whole = compared(*rights)
    assert whole == compared(*rights)
    assert 0 < whole["p"] < 0.2
    monkeypatch.setattr("abawbench.metrics.bootstrap.BLOCK_CELLS", 20 * 40)
    assert compared(*rights)["p"] == whole["p"]


@pytest.mark.parametrize("seed", [0, 3])
def test_p_is_that_of_predictions_swapped_video_by_video(seed):
    generator = np.random.default_rng(1)
    known = generator.integers(0, 8, 25).astype(np.int8)
    one, two = (np.where(generator.random(25) < right, known, 7 - known) for right in (0.7, 0.5))
    result = difference(EXPR, *map(classes, (known, one, two)), resampling=Resampling(50, seed))
    observed = abs(macro_f1(known, one, classes=8) - macro_f1(known, two, classes=8))
    reached = 0
    for kept in np.random.default_rng(seed).binomial(1, 0.5, (50, 25)).astype(bool):
        swapped = np.where(kept, one, two), np.where(kept, two, one)
        first, second = (macro_f1(known, guess, classes=8) for guess in swapped)
        reached += abs(first - second) >= observed - 1e-12
    assert 1 < reached < 50
    assert result["p"] == (1 + reached) / 51


def test_subjects_are_swapped_as_wholes():
    subjects = {"00000": "a", "00001": "a", "00002": "b", "00003": "b"}
    tables = classes([0] * 4), classes([0] * 4), classes([1] * 4)
    result = difference(EXPR, *tables, resampling=Resampling(100, subjects=subjects))
    assert (result["clusters"], result["unit"], result["swaps"], result["p"]) == (2, "subject", 4, 1 / 2)
    assert [row["video"] for row in result["videos"]] == ["a", "b"]


def test_rows_without_a_prediction_are_filled_by_the_policy_or_refused():
    truth = expression_of_one_video([0, 0, 0])
    part = truth.take(np.array([0, 1]))
    with pytest.raises(ProblemError, match="T01"):
        difference(EXPR, truth, truth, part)
    assert difference(EXPR, truth, truth, part, missing="previous", resampling=Resampling(100))["difference"] == 0


@pytest.mark.parametrize("is_first", [True, False])
def test_no_more_rows_are_filled_than_are_allowed_in_either_prediction(is_first):
    truth = expression_of_one_video([0, 0, 0, 0])
    part = truth.take(np.array([0, 1, 2]))
    tables = (part, truth) if is_first else (truth, part)
    with pytest.raises(ProblemError, match="T12"):
        difference(EXPR, truth, *tables, missing="previous", allow_filled=0.2, resampling=Resampling(100))
    result = difference(EXPR, truth, *tables, missing="previous", allow_filled=0.25, resampling=Resampling(100))
    assert result["difference"] == 0
    most = truth.take(np.array([0]))
    result = difference(EXPR, truth, most, most, missing="previous", allow_filled=0.75, resampling=Resampling(100))
    assert result["difference"] == 0


def test_ten_videos_are_shown():
    result = compared([1] * 12, [0] * 12)
    assert [row["video"] for row in result["videos"]] == [f"{number:05d}" for number in range(10)]


@pytest.mark.parametrize(("clusters", "is_warned"), [(19, True), (20, False)])
def test_fewer_than_twenty_clusters_are_few(clusters, is_warned):
    result = compared([1] * clusters, [0] * clusters)
    assert (result["warning"] is not None) == is_warned
    assert result["clusters"] == clusters


def test_the_video_that_alone_differs_is_named_first():
    worse = CORPUS.known
    expression = worse.classes("expression").copy()
    expression[worse.video == 7] = (expression[worse.video == 7] + 1) % 8
    changed = Table(worse.videos, worse.video, worse.frame, {**worse.values, "expression": expression})
    result = difference(MTL, CORPUS.truth, CORPUS.known, changed, resampling=Resampling(300))
    assert [row["video"] for row in result["videos"]] == [CORPUS.known.videos[7]]
    assert result["videos"][0]["effect"] == pytest.approx(result["difference"], abs=1e-12)


def test_under_the_null_five_percent_are_significant():
    # two answers of equal skill: whether p falls below 0.05 is chance, one in twenty
    trials, found = 200, 0
    for trial in range(trials):
        world = simulate_split(16, 8, seed=1000 + trial)
        one, two = (simulate_predictions(world.known, 0.5, seed) for seed in (2 * trial, 2 * trial + 1))
        found += difference(MTL, world.truth, one, two, resampling=Resampling(200, trial))["p"] <= 0.05
    assert abs(found / trials - 0.05) < 4 * np.sqrt(0.05 * 0.95 / trials)
