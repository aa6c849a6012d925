"""Several predictions compared: ranks, pairs with one error rate, and agreement with the comparison of two."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.scoring import score
from abawbench.scoring.comparison import compare
from abawbench.scoring.difference import difference
from abawbench.scoring.intervals import Resampling
from abawbench.synthetic import simulate_predictions, simulate_split
from tests.scoring.tables import classes, videos

MTL = get("abaw4-mtl")
CORPUS = simulate_split(40, 60, seed=5)
FEW = Resampling(500)
NAMED = [(f"skill {skill}", simulate_predictions(CORPUS.known, skill, 1)) for skill in (0.4, 0.8, 0.6)]


@pytest.fixture(scope="module")
def compared():
    return compare(MTL, CORPUS.truth, NAMED, resampling=FEW)


def test_clearly_different_predictions_have_one_rank_each_and_the_best_is_first(compared):
    assert [row["name"] for row in compared["predictions"]] == ["skill 0.8", "skill 0.6", "skill 0.4"]
    assert [row["rank"] for row in compared["predictions"]] == [1, 2, 3]
    assert [row["range"] for row in compared["predictions"]] == [[1, 1], [2, 2], [3, 3]]
    assert [row["tier"] for row in compared["predictions"]] == [1, 2, 3]
    assert compared["predictions"][0]["probability"] == pytest.approx([1, 0, 0])


def test_values_and_intervals_are_those_of_score(compared):
    for row in compared["predictions"]:
        alone = score(MTL, CORPUS.truth, dict(NAMED)[row["name"]], resampling=FEW)
        assert row["value"] == pytest.approx(alone.score, abs=1e-12)
        assert row["interval"] == pytest.approx(alone.intervals["score"]["jackknife"], abs=1e-9)


def test_a_pair_is_what_the_comparison_of_two_says_and_p_is_adjusted_for_three(compared):
    tables = dict(NAMED)
    for row in compared["pairs"]:
        two = difference(MTL, CORPUS.truth, tables[row["better"]], tables[row["worse"]], resampling=FEW)
        assert row["difference"] == pytest.approx(two["difference"], abs=1e-12)
        assert row["interval"] == pytest.approx(two["interval"], abs=1e-9)
        assert (row["p"], row["swaps"]) == (two["p"], two["swaps"])
        assert row["p"] <= row["p_holm"] <= 3 * row["p"]
    assert max(row["p_holm"] for row in compared["pairs"]) == pytest.approx(3 / 501)


def test_the_same_prediction_twice_shares_everything():
    result = compare(MTL, CORPUS.truth, [("a", NAMED[0][1]), ("b", NAMED[0][1]), NAMED[1]], resampling=FEW)
    best, first, second = result["predictions"]
    assert (best["name"], best["tier"], first["tier"], second["tier"]) == ("skill 0.8", 1, 2, 2)
    assert (first["rank"], second["rank"], first["range"], second["range"]) == (2, 2, [2, 3], [2, 3])
    assert first["probability"] == second["probability"] == pytest.approx([0, 0.5, 0.5])
    (pair,) = [row for row in result["pairs"] if {row["better"], row["worse"]} == {"a", "b"}]
    assert (pair["difference"], pair["interval"], pair["p"]) == (0, [0, 0], 1)


def test_four_videos_leave_every_rank_open():
    # the smallest p of four videos is 2 / 16
    truth, wrong = classes([0] * 4), classes([1] * 4)
    expression = get("abaw6-expr")
    result = compare(expression, truth, [("right", truth), ("wrong", wrong), ("too", wrong)], resampling=FEW)
    assert [row["range"] for row in result["predictions"]] == [[1, 3]] * 3
    assert {row["tier"] for row in result["predictions"]} == {1}
    assert result["warning"] == "only 4 videos: intervals over fewer than 20 are too narrow"


def test_subjects_are_resampled_and_swapped_as_wholes():
    subjects = {video: f"s{number // 2}" for number, video in enumerate(CORPUS.truth.videos)}
    result = compare(MTL, CORPUS.truth, NAMED, resampling=Resampling(100, subjects=subjects))
    assert (result["clusters"], result["unit"]) == (20, "subject")


def test_one_prediction_cannot_be_compared():
    with pytest.raises(ProblemError, match="1 predictions"):
        compare(MTL, CORPUS.truth, NAMED[:1])


def test_without_a_score_the_first_figure_that_is_defined_is_compared():
    label, wrong = np.array([0, 1, 1], np.int8), np.array([1, 1, 0], np.int8)
    truth, other = videos("ambivalence", label), videos("ambivalence", wrong)
    result = compare(get("abaw8-ah"), truth, [("a", other), ("b", truth)], resampling=Resampling(100))
    assert result["figure"] == "metrics.f1_ambivalence"
    assert [(row["name"], row["value"]) for row in result["predictions"]] == [("b", 1), ("a", pytest.approx(1 / 4))]
