"""Breakdowns: every row in one bucket, sums shown; views agree with the score."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.scoring import pair, score, score_paired
from abawbench.scoring.breakdowns import BUCKETS, by_class, by_video, concordance_parts, confusion_matrices, explain
from abawbench.scoring.intervals import Resampling
from abawbench.synthetic import simulate_predictions, simulate_split
from abawbench.table import Table
from tests.scoring.tables import classes, units

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


def test_rows_of_a_class_worked_by_hand():
    result = score(get("abaw6-expr"), classes([0, 0, 0, 1, 1]), classes([0, 1, 2, 1, 0]), resampling=Resampling(100))
    table = by_class(get("abaw6-expr"), result)["expression"]
    assert table["Neutral"] == {"truth": 3, "predicted": 2, "precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5}
    assert table["Anger"] == {"truth": 2, "predicted": 2, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2}
    assert table["Disgust"] == {"truth": 0, "predicted": 1, "precision": 0, "recall": None, "f1": 0}
    assert table["Fear"] == {"truth": 0, "predicted": 0, "precision": None, "recall": None, "f1": 0}


def test_rows_of_an_action_unit_worked_by_hand():
    # AU1: one hit, two misses, one false alarm; AU2: two misses; AU4: one false alarm
    truth = units([1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0])
    guess = units([1, 0, 0, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1])
    result = score(get("abaw6-au"), truth, guess, resampling=Resampling(100))
    table = by_class(get("abaw6-au"), result)["action_units"]
    assert table["AU1"] == {"truth": 3, "predicted": 2, "precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5}
    assert table["AU2"] == {"truth": 2, "predicted": 0, "precision": None, "recall": 0, "f1": 0}
    assert table["AU4"] == {"truth": 0, "predicted": 1, "precision": 0, "recall": None, "f1": 0}
    assert confusion_matrices(get("abaw6-au"), result)["action_units"]["AU1"] == [[1, 1], [2, 1]]


def test_confusions_of_classes_have_the_truth_in_rows():
    result = score(get("abaw6-expr"), classes([0, 0, 0, 1]), classes([0, 1, 2, 1]), resampling=Resampling(100))
    matrix = confusion_matrices(get("abaw6-expr"), result)["expression"]
    assert matrix["classes"][:3] == ["Neutral", "Anger", "Disgust"]
    assert [row[:3] for row in matrix["counts"][:3]] == [[1, 1, 1], [0, 1, 0], [0, 0, 0]]


def test_the_bucket_of_each_row_worked_by_hand():
    nan = float("nan")
    all_units, one_unit, no_unit = [1] * 12, [1, *[-1] * 11], [-1] * 12
    rows = [
        ("a", [0.0, 1.0], 0, all_units),
        ("a", [0.0, 1.0], 1, all_units),
        ("b", [0.0, nan], 2, all_units),
        ("c", [nan, 1.0], -1, one_unit),
        ("d", [nan, nan], 3, one_unit),
        # these three have no prediction
        ("e", [nan, nan], -1, no_unit),
        ("f", [0.5, 0.5], 4, all_units),
        ("g", [0.5, nan], -1, no_unit),
    ]
    truth = Table(
        tuple("abcdefg"),
        np.array(["abcdefg".index(row[0]) for row in rows], np.int32),
        np.ones(8, np.int32),
        {
            "va": np.array([row[1] for row in rows]),
            "expression": np.array([row[2] for row in rows], np.int8),
            "action_units": np.array([row[3] for row in rows], np.int8),
        },
    )
    known = truth.take(np.arange(5))
    values = {
        "va": np.nan_to_num(known.numbers("va")),
        "expression": np.maximum(known.classes("expression"), 0),
        "action_units": np.maximum(known.classes("action_units"), 0),
    }
    paired = pair(MTL, truth, Table(known.videos, known.video, known.frame, values), missing="prior")
    view = explain(MTL, paired)
    order = ("scored", "repeated", "filled", "partly annotated", "not annotated", "no prediction")
    assert [view["tasks"]["va"][name] for name in order] == [1, 1, 1, 3, 1, 1]
    assert [view["tasks"]["expression"][name] for name in order] == [3, 1, 1, 0, 1, 2]
    assert [view["tasks"]["action_units"][name] for name in order] == [2, 1, 1, 2, 0, 2]
    assert view["videos"]["a"]["va"] == {"scored": 1, "repeated": 1}
    assert view["videos"]["g"] == {
        "va": {"partly annotated": 1},
        "expression": {"no prediction": 1},
        "action_units": {"no prediction": 1},
    }
    assert view["surplus"] == 0
    assert view["flags"] == list(paired.flags)
    partly = [flag.split(" only")[0] for flag in paired.flags if flag.startswith("T11")]
    assert partly == [
        "T11 3 rows are annotated for some columns of va",
        "T11 2 rows are annotated for some columns of action_units",
    ]
