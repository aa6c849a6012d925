"""The official score: hand-worked cases, masks, degenerate cases, missing and surplus rows, JSON keys."""

from __future__ import annotations

import json

import audmetric
import numpy as np
import pytest
from sklearn.metrics import f1_score

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.metrics import macro_f1
from abawbench.metrics.bootstrap import bca_interval, draws, left_out, percentile_interval, resampled
from abawbench.metrics.jackknife import jackknife_interval
from abawbench.scoring import pair, score
from abawbench.scoring.criteria import evaluate, spans
from abawbench.scoring.intervals import Resampling
from abawbench.scoring.statistics import collect
from abawbench.synthetic import simulate_predictions, simulate_split
from abawbench.table import Table
from tests.scoring.tables import classes, units, videos

MTL = get("abaw4-mtl")
FEW = {"resampling": Resampling(200)}


def mtl_table(rows):
    """Rows (video, frame, valence, arousal, expression, twelve action units)."""
    names = tuple(dict.fromkeys(row[0] for row in rows))
    return Table(
        names,
        np.array([names.index(row[0]) for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int32),
        {
            "va": np.array([row[2:4] for row in rows], np.float64),
            "expression": np.array([row[4] for row in rows], np.int8),
            "action_units": np.array([row[5] for row in rows], np.int8),
        },
    )


def test_an_mtl_case_worked_by_hand():
    on, off, nan = [1] * 12, [0] * 12, float("nan")
    none = [-1] * 12
    truth = mtl_table([("a", 1, 0.0, 0.0, 0, on), ("a", 2, 1.0, nan, -1, off), ("b", 1, 1.0, 0.5, 4, none)])
    prediction = mtl_table([("a", 1, 0.0, 0.5, 0, on), ("a", 2, 0.3, 0.1, 3, on), ("b", 1, 0.5, 0.5, 0, off)])
    result = score(MTL, truth, prediction, **FEW)
    # rows a1 and b1 count for VA: valence truth 0, 1; prediction 0, 0.5: cov 1/8, var 1/4 and 1/16, offset 1/4
    ccc_valence = 2 * (1 / 8) / (1 / 4 + 1 / 16 + 1 / 16)
    # arousal prediction is constant: 0
    assert result.metrics["ccc_valence"] == pytest.approx(ccc_valence, abs=1e-12)
    assert result.metrics["ccc_arousal"] == 0
    # expression: truth 0, 4; prediction 0, 0: F1 of Neutral 2/3, Happiness 0, six absent classes 0
    assert result.metrics["f1_expression"] == pytest.approx((2 / 3) / 8, abs=1e-12)
    # action units: truth 1, 0; prediction 1, 1: F1 2/3 for each
    assert result.metrics["f1_action_units"] == pytest.approx(2 / 3, abs=1e-12)
    assert result.score == pytest.approx(ccc_valence / 2 + (2 / 3) / 8 + 2 / 3, abs=1e-12)
    assert result.rows["valid"] == {"va": 2, "expression": 2, "action_units": 2}
    assert any("arousal: prediction constant" in flag for flag in result.flags)
    assert any("in neither truth nor prediction" in flag for flag in result.flags)
    assert any(flag.startswith("T11 1 rows") for flag in result.flags)


def test_it_equals_scikit_learn_and_audmetric_to_twelve_digits():
    corpus = simulate_split(12, 80, seed=4)
    prediction = simulate_predictions(corpus.known, 0.5, seed=1)
    result = score(MTL, corpus.truth, prediction, **FEW)
    va, guess = corpus.truth.numbers("va"), prediction.numbers("va")
    keep = ~np.isnan(va).any(1)
    ccc = [audmetric.concordance_cc(va[keep, column], guess[keep, column]) for column in (0, 1)]
    expression, chosen = corpus.truth.classes("expression"), prediction.classes("expression")
    keep = expression >= 0
    f1 = f1_score(expression[keep], chosen[keep], labels=range(8), average="macro", zero_division=0)
    units, active = corpus.truth.classes("action_units"), prediction.classes("action_units")
    keep = (units >= 0).all(1)
    unit_f1 = [f1_score(units[keep, u], active[keep, u], zero_division=0) for u in range(12)]
    assert result.terms == pytest.approx(
        {"va": np.mean(ccc), "expression": f1, "action_units": np.mean(unit_f1)}, abs=1e-12
    )
    assert result.score == pytest.approx(np.mean(ccc) + f1 + np.mean(unit_f1), abs=1e-12)


def expression_table(values):
    rows = len(values)
    return Table(
        ("v",),
        np.zeros(rows, np.int32),
        np.arange(1, rows + 1, dtype=np.int32),
        {"expression": np.array(values, np.int8)},
    )


def test_edition_1_mixes_f1_and_accuracy():
    # F1: Neutral 2/3, Anger 2/3, others 0, over 7; accuracy 2/3
    result = score(get("abaw1-expr"), expression_table([0, 0, 1]), expression_table([0, 1, 1]), **FEW)
    assert result.score == pytest.approx(0.67 * (4 / 3) / 7 + 0.33 * 2 / 3, abs=1e-12)
    assert result.terms == {"expression": result.score}


def test_edition_2_action_units_mix_f1_and_accuracy_of_cells():
    rows = np.array([[1, 0] * 6, [0, 1] * 6], np.int8)
    truth = Table(("v",), np.zeros(2, np.int32), np.array([1, 2], np.int32), {"action_units": rows})
    wrong = rows.copy()
    wrong[0, 0] = 0
    prediction = Table(("v",), truth.video, truth.frame, {"action_units": wrong})
    result = score(get("abaw2-au"), truth, prediction, **FEW)
    assert result.score == pytest.approx(0.5 * 11 / 12 + 0.5 * 23 / 24, abs=1e-12)


def test_emotional_mimicry_is_the_mean_pearson_over_videos():
    generator = np.random.default_rng(0)
    truth, prediction = generator.random((2, 50, 6))
    result = score(get("abaw8-emi"), videos("mimicry", truth), videos("mimicry", prediction), **FEW)
    expected = np.mean([np.corrcoef(truth[:, k], prediction[:, k])[0, 1] for k in range(6)])
    assert result.score == pytest.approx(expected, abs=1e-12)
    assert set(result.metrics["pearson"]) == {
        "Admiration",
        "Amusement",
        "Determination",
        "Empathic Pain",
        "Excitement",
        "Joy",
    }


def test_ambivalence_is_the_mean_of_both_f1():
    truth = videos("ambivalence", np.array([0, 0, 1, 1], np.int8))
    prediction = videos("ambivalence", np.array([0, 1, 1, 1], np.int8))
    result = score(get("abaw11-ah"), truth, prediction, **FEW)
    assert result.score == pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-12)
    assert result.metrics["f1_ambivalence_per_class"] == pytest.approx({"absent": 2 / 3, "present": 4 / 5})


def test_classes_in_neither_truth_nor_prediction_are_named():
    # Neutral is as frequent in the truth as in the prediction, Anger is in the truth alone, Fear in the prediction
    result = score(get("abaw6-expr"), classes([0, 0, 1]), classes([0, 0, 3]), **FEW)
    assert [flag for flag in result.flags if "in neither" in flag] == [
        "expression: Disgust, Happiness, Sadness, Surprise, Other in neither truth nor prediction, "
        "F1 counts as 0 (assumed); a mean over the 3 others differs"
    ]


def test_no_class_is_called_absent_when_each_is_in_truth_or_prediction():
    every = list(range(8))
    assert score(get("abaw6-expr"), classes(every), classes(every), **FEW).flags == ()
    assert score(get("abaw6-expr"), classes([0] * 8), classes(every), **FEW).flags == ()


def test_action_units_without_a_positive_are_named():
    truth, prediction = units(*[[1, 0]] * 10, [0, 0], [0, 0]), units(*[[1, 0]] * 10, [1, 0], [0, 0])
    (flag,) = score(get("abaw6-au"), truth, prediction, **FEW).flags
    assert flag == "action_units: AU26 without any positive, F1 counts as 0 (assumed)"


def test_constant_series_are_named():
    truth, prediction = videos("va", [[0.1, 0.5], [0.2, 0.5]]), videos("va", [[0.3, 0.4], [0.3, 0.4]])
    assert score(get("abaw6-va"), truth, prediction, **FEW).flags == (
        "valence: prediction constant, so the coefficient counts as 0 (assumed)",
        "arousal: truth and prediction constant, so the coefficient counts as 0 (assumed)",
    )


@pytest.mark.parametrize(
    ("clusters", "warning"),
    [
        (1, "no interval: one video cannot be resampled"),
        (2, "only 2 videos: intervals over fewer than 20 are too narrow"),
        (19, "only 19 videos: intervals over fewer than 20 are too narrow"),
        (20, None),
    ],
)
def test_few_clusters_are_warned_of_and_one_has_no_interval(clusters, warning):
    table = classes([0] * clusters)
    found = score(get("abaw6-expr"), table, table, **FEW).intervals
    assert (found["clusters"], found["warning"]) == (clusters, warning)
    if clusters == 1:
        assert found["score"] == {"jackknife": None, "percentile": None, "bca": None}
    else:
        assert found["score"]["percentile"] is not None


def test_a_class_that_no_row_has_is_not_judged_and_one_that_is_never_predicted_is_0():
    # classes 0 and 1 occur; 1 and 2 are never right: 1 is never predicted, 2 is predicted for a row of 0
    found = score(get("abaw6-expr"), classes([0, 0, 0, 1, 1, 0]), classes([0, 0, 2, 0, 0, 0]), **FEW).intervals
    per_class = found["metrics"]["f1_expression_per_class"]
    intervals = [interval["jackknife"] for interval in per_class.values()]
    assert intervals[0] is not None
    assert intervals[1] == [0, 0]
    assert intervals[2:] == [None] * 6
    assert found["score"]["jackknife"] is not None


def test_a_metric_that_is_not_settled_gives_no_score():
    truth = videos("ambivalence", np.array([0, 1], np.int8))
    result = score(get("abaw8-ah"), truth, truth, **FEW)
    assert result.score is None
    assert result.metrics["f1_ambivalence"] == 1
    assert any("not settled" in flag for flag in result.flags)


def test_a_task_without_annotation_has_no_figure_and_the_total_is_null():
    corpus = simulate_split(30, 60, seed=0)
    truth = corpus.truth
    bare = Table(
        truth.videos, truth.video, truth.frame, {**truth.values, "va": np.full_like(truth.numbers("va"), np.nan)}
    )
    result = score(MTL, bare, corpus.known, **FEW)
    assert result.score is None
    assert result.terms["va"] is None
    assert result.terms["expression"] == 1
    assert result.intervals["terms"]["va"] == {"jackknife": None, "percentile": None, "bca": None}
    json.dumps(result.to_json(), allow_nan=False)


def test_json_has_exactly_the_agreed_keys():
    corpus = simulate_split(4, 30, seed=0)
    tree = score(MTL, corpus.truth, corpus.known, **FEW).to_json()
    assert list(tree) == ["challenge", "fingerprint", "score", "terms", "metrics", "rows", "intervals"]
    assert list(tree["terms"]) == ["va", "expression", "action_units"]
    assert set(tree["metrics"]) == {
        "ccc_valence",
        "ccc_arousal",
        "f1_expression",
        "f1_expression_per_class",
        "accuracy_expression",
        "f1_action_units",
        "f1_action_units_per_unit",
        "accuracy_action_units",
    }
    assert list(tree["metrics"]["f1_action_units_per_unit"])[:3] == ["AU1", "AU2", "AU4"]
    assert set(tree["rows"]) == {"truth", "predicted", "valid"}
    assert set(tree["intervals"]) == {
        *("resamples", "seed", "level", "unit", "clusters", "warning"),
        *("score", "terms", "metrics"),
    }


def test_missing_predictions_are_counted_and_named():
    corpus = simulate_split(4, 40, seed=0)
    part = simulate_predictions(corpus.known, 1.0, 0, gaps=0.1)
    with pytest.raises(ProblemError) as caught:
        score(MTL, corpus.truth, part, **FEW)
    problem = caught.value.problems[0]
    assert problem.rule == "T01"
    assert problem.count > 1
    filled = score(MTL, corpus.truth, part, missing="previous", **FEW)
    assert filled.filled["previous"] > 0
    assert filled.score is not None
    assert 2.5 < filled.score < 3


def test_rows_without_annotation_need_no_prediction():
    corpus = simulate_split(30, 60, seed=0)
    truth = corpus.truth
    annotated = (
        ~np.isnan(truth.numbers("va")).any(1)
        | (truth.classes("expression") >= 0)
        | (truth.classes("action_units") >= 0).all(1)
    )
    assert not annotated.all()
    result = score(MTL, truth, corpus.known.take(np.flatnonzero(annotated)), **FEW)
    assert result.score == pytest.approx(3)
    assert result.rows["predicted"] == annotated.sum()


def test_surplus_rows_are_refused_but_one_line_behind_the_labels_is_not():
    truth = expression_table([0, 1, 2])
    longer = expression_table([0, 1, 2, 2])
    result = score(get("abaw3-expr"), truth, longer, **FEW)
    assert any("one line more" in flag for flag in result.flags)
    with pytest.raises(ProblemError, match="T02"):
        score(get("abaw3-expr"), truth, expression_table([0, 1, 2, 2, 2]), **FEW)


def test_shuffled_rows_score_alike_and_are_flagged():
    corpus = simulate_split(6, 50, seed=2)
    prediction = simulate_predictions(corpus.known, 0.6, 0)
    order = np.random.default_rng(0).permutation(len(prediction))
    straight = score(MTL, corpus.truth, prediction, **FEW)
    shuffled = score(MTL, corpus.truth, prediction.take(order), **FEW)
    # repeated rows carry other predictions of equal keys, so compare what is not repeated: the same multiset of pairs
    assert any(flag.startswith("N04") for flag in shuffled.flags)
    assert shuffled.score == pytest.approx(straight.score, abs=5e-3)


def test_intervals_are_those_of_rows_resampled_one_by_one():
    generator = np.random.default_rng(0)
    known = generator.integers(0, 8, 40).astype(np.int8)
    guess = np.where(generator.random(40) < 0.6, known, generator.integers(0, 8, 40))
    found = score(get("abaw6-expr"), classes(known), classes(guess), resampling=Resampling(300, seed=5)).intervals

    def figure(rows):
        return macro_f1(known[rows], guess[rows], classes=8)

    every = np.arange(40)
    samples = np.array([figure(np.repeat(every, n)) for n in draws(np.ones(40, np.int64), 300, 5).astype(int)])
    jackknife = np.array([figure(every[every != out]) for out in every])
    low, high = np.quantile(samples, [0.025, 0.975])
    assert found["score"]["percentile"] == pytest.approx([low, high], abs=1e-12)
    assert found["score"]["bca"] == pytest.approx(bca_interval(figure(every), samples, jackknife, 0.95), abs=1e-12)
    interval = jackknife_interval(figure(every), jackknife, 0.95, (0, 1))
    assert found["score"]["jackknife"] == pytest.approx(interval, abs=1e-12)
    assert (found["resamples"], found["seed"], found["level"], found["unit"]) == (300, 5, 0.95, "video")


def test_published_intervals_are_of_ten_thousand_resamples_and_seed_zero():
    assert Resampling() == Resampling(10_000, 0, None)


def test_a_video_without_a_subject_is_a_problem_that_names_three_and_counts_all():
    table = classes([0, 1, 2, 3, 4])
    with pytest.raises(ProblemError) as caught:
        score(get("abaw6-expr"), table, table, resampling=Resampling(100, subjects={"00001": "a"}))
    (problem,) = caught.value.problems
    assert (problem.rule, problem.count) == ("C02", 4)
    assert problem.found == "no subject for 00000, 00002, 00003"


def test_blocks_of_rows_change_no_statistic(monkeypatch):
    corpus = simulate_split(5, 40, seed=1)
    paired = pair(MTL, corpus.truth, simulate_predictions(corpus.known, 0.6, 0))
    whole = collect(MTL, paired.truth, paired.prediction, valid=paired.valid)
    monkeypatch.setattr("abawbench.scoring.statistics.BLOCK_ROWS", 7)
    parts = collect(MTL, paired.truth, paired.prediction, valid=paired.valid)
    for task, array in whole.tasks.items():
        np.testing.assert_allclose(parts.tasks[task], array, atol=1e-9)


def test_values_far_from_zero_keep_their_digits():
    generator = np.random.default_rng(0)
    truth, prediction = generator.random((2, 50, 6))
    near, far = (
        score(get("abaw8-emi"), videos("mimicry", truth + by), videos("mimicry", prediction + by), **FEW).score
        for by in (0, 1e6)
    )
    assert far == pytest.approx(near, abs=1e-8)


def test_filled_rows_are_not_predicted_ones():
    truth = expression_table([0, 1, 2, 3, 3])
    result = score(get("abaw6-expr"), truth, truth.take(np.arange(4)), missing="previous", **FEW)
    assert result.rows["predicted"] == 4
    assert sum(result.filled.values()) == 1


def test_intervals_by_subject_use_fewer_clusters():
    corpus = simulate_split(38, 20, seed=1)
    subjects = {video: f"s{number // 2}" for number, video in enumerate(corpus.truth.videos)}
    result = score(
        MTL, corpus.truth, simulate_predictions(corpus.known, 0.6, 0), resampling=Resampling(200, subjects=subjects)
    )
    assert result.intervals["clusters"] == 19
    assert result.intervals["unit"] == "subject"
    assert "19 subjects" in result.intervals["warning"]


def test_the_persons_of_a_video_are_one_cluster():
    corpus = simulate_split(40, 20, seed=1)
    prediction = simulate_predictions(corpus.known, 0.6, 0)

    def renamed(table):
        names = tuple(f"v{number // 2}{'_left' if number % 2 else ''}" for number in range(len(table.videos)))
        return Table(names, table.video, table.frame, table.values)

    result = score(MTL, renamed(corpus.truth), renamed(prediction), **FEW)
    assert result.intervals["clusters"] == 20
    pairs = {video: f"s{number // 2}" for number, video in enumerate(corpus.truth.videos)}
    by_pairs = score(MTL, corpus.truth, prediction, resampling=Resampling(200, subjects=pairs))
    assert result.intervals["score"]["bca"] == pytest.approx(by_pairs.intervals["score"]["bca"], abs=1e-12)


def test_the_same_seed_gives_the_same_intervals():
    corpus = simulate_split(10, 20, seed=1)
    prediction = simulate_predictions(corpus.known, 0.6, 0)
    first, second, other = (
        score(MTL, corpus.truth, prediction, resampling=Resampling(200, seed)).intervals for seed in (1, 1, 2)
    )
    assert first == second
    assert first["score"] != other["score"]


@pytest.mark.parametrize("path", [("score",), ("terms", "expression")])
def test_the_interval_to_quote_covers_near_ninety_five_percent_where_classes_are_rare_and_videos_short(path):
    # the population: 1,500 videos of 40 frames; a split: 60 of them. Resampled intervals of these figures cover 80 %
    world = simulate_split(1500, 40, seed=9)
    paired = pair(MTL, world.truth, simulate_predictions(world.known, 0.55, 3))
    statistics = collect(MTL, paired.truth, paired.prediction, valid=paired.valid)

    def figures(sums):
        return {path: evaluate(MTL, sums, statistics.pilots)[path]}

    target = float(figures(statistics.total)[path])
    generator = np.random.default_rng(0)
    trials, covered, plain = 400, 0, 0
    for trial in range(trials):
        chosen = generator.integers(0, len(statistics.groups), 60)
        sample = {task: array[chosen] for task, array in statistics.tasks.items()}
        point = float(figures({task: array.sum(0) for task, array in sample.items()})[path])
        interval = jackknife_interval(point, left_out(sample, figures)[path], 0.95, spans(MTL)[path])
        assert interval is not None
        covered += interval[0] <= target <= interval[1]
        if trial < 100:
            low, high = percentile_interval(resampled(sample, figures, resamples=200, seed=trial)[path], 0.95) or (0, 0)
            plain += low <= target <= high
    assert abs(covered / trials - 0.95) < 4 * np.sqrt(0.95 * 0.05 / trials)
    assert plain < 90
