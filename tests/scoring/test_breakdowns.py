"""Breakdowns: every row in one bucket, sums shown; views agree with the score."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.scoring import pair, score, score_paired
from abawbench.scoring.breakdowns import BUCKETS, by_class, by_video, concordance_parts, confusion_matrices, explain
from abawbench.scoring.intervals import Resampling
from abawbench.synthetic import simulate_predictions, simulate_split

MTL = get("abaw4-mtl")
CORPUS = simulate_split(8, 60, seed=3)


def test_every_row_is_in_exactly_one_bucket():
    part = simulate_predictions(CORPUS.known, 0.6, 0, gaps=0.1)
    view = explain(MTL, pair(MTL, CORPUS.truth, part, missing="nearest"))
    for task, counts in view["tasks"].items():
        assert sum(counts[bucket] for bucket in BUCKETS) == counts["sum"] == len(CORPUS.truth)
        assert sum(sum(video[task].values()) for video in view["videos"].values()) == len(CORPUS.truth)
        assert counts["filled"] > 0
        assert counts["repeated"] > 0
    assert view["tasks"]["va"]["no prediction"] > 0


def test_scored_rows_of_explain_are_the_valid_rows_of_the_score():
    part = simulate_predictions(CORPUS.known, 0.6, 0, gaps=0.1)
    paired = pair(MTL, CORPUS.truth, part, missing="nearest")
    view, result = explain(MTL, paired), score_paired(MTL, paired, Resampling(100))
    for task, counts in view["tasks"].items():
        assert counts["scored"] + counts["repeated"] + counts["filled"] == result.rows["valid"][task]


def test_the_figures_by_video_equal_scoring_each_video_alone():
    prediction = simulate_predictions(CORPUS.known, 0.6, 0)
    result = score(MTL, CORPUS.truth, prediction, resampling=Resampling(100))
    rows = by_video(MTL, result)
    assert [row["video"] for row in rows] == list(CORPUS.truth.videos)
    for number in (0, 5):
        only = np.flatnonzero(CORPUS.truth.video == number)
        alone = score(MTL, CORPUS.truth.take(only), prediction.take(only), resampling=Resampling(100))
        assert rows[number]["score"] == pytest.approx(alone.score, abs=1e-10)


def test_the_class_table_and_the_confusion_agree_with_the_metrics():
    prediction = simulate_predictions(CORPUS.known, 0.6, 0)
    result = score(MTL, CORPUS.truth, prediction, resampling=Resampling(100))
    table, matrices = by_class(MTL, result), confusion_matrices(MTL, result)
    f1 = result.to_json()["metrics"]["f1_expression_per_class"]
    for name, row in table["expression"].items():
        assert row["f1"] == pytest.approx(f1[name])
        if row["precision"] and row["recall"]:
            harmonic = 2 * row["precision"] * row["recall"] / (row["precision"] + row["recall"])
            assert row["f1"] == pytest.approx(harmonic)
    assert np.sum(matrices["expression"]["counts"]) == result.rows["valid"]["expression"]
    assert np.sum(matrices["action_units"]["AU12"]) == result.rows["valid"]["action_units"]


def test_the_parts_of_concordance_multiply_to_it():
    result = score(MTL, CORPUS.truth, simulate_predictions(CORPUS.known, 0.6, 0), resampling=Resampling(100))
    for name, parts in concordance_parts(MTL, result).items():
        correlation, accuracy = parts["correlation"], parts["accuracy"]
        assert correlation is not None
        assert accuracy is not None
        assert correlation * accuracy == pytest.approx(result.metrics[f"ccc_{name}"], abs=1e-12)
