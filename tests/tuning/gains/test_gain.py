"""Gains: planted errors are found, repairs worked by hand, rows that do not count change nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import abawbench
from abawbench.challenges import get
from abawbench.scoring import Resampling, pair, score_paired
from abawbench.synthetic import simulate_predictions, simulate_split
from abawbench.table import Table
from abawbench.tuning.gains.gain import gains
from abawbench.tuning.inputs.stream import Stream, table_of_stream
from benchmarks.gains import coverage
from tests.reports.corpus import truth_values, write_answers, write_truth
from tests.scoring.tables import classes, videos

VA, EXPRESSION, UNITS, MTL = (get(f"abaw{name}") for name in ("6-va", "6-expr", "6-au", "4-mtl"))
FEW = Resampling(200)


def table(task, values, videos=8):
    rows = len(values) // videos
    return Table(
        tuple(f"v{place}" for place in range(videos)),
        np.repeat(np.arange(videos, dtype=np.int32), rows),
        np.tile(np.arange(1, rows + 1, dtype=np.int32), videos),
        {task: values},
    )


def course(videos=8, rows=400, seed=0):
    """A slow course of valence and arousal."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(0, 1, (videos, rows, 2))
    kernel = np.ones(40) / 40
    smooth = np.apply_along_axis(lambda column: np.convolve(column, kernel, "same"), 1, noise)
    return np.clip(smooth.reshape(-1, 2) * 1.5, -1, 1)


def found(challenge, truth, prediction, error, column=None, *, resampling=FEW, **options) -> Any:
    every = gains(challenge, pair(challenge, truth, prediction, **options), resampling=resampling)
    return next((one for one in every if one.error == error and column in {None, one.column}), None)


def scored(challenge, truth, prediction) -> Any:
    return score_paired(challenge, pair(challenge, truth, prediction), FEW)


TRUTH = table("va", course())


@pytest.mark.parametrize(
    ("error", "spoilt", "advice"),
    [
        ("scale", lambda values: values / 1.4, "is scale: multiply by 1.4"),
        ("bias", lambda values: values - 0.12, "is bias: add +0.120"),
        ("bias and scale", lambda values: values / 2 + 0.1, "multiply by 2, then add -0.2"),
    ],
)
def test_a_planted_scale_or_offset_is_found_and_its_repair_leaves_nothing(error, spoilt, advice):
    gain = found(VA, TRUTH, table("va", spoilt(course())), error, "arousal")
    assert advice in gain.advice
    assert gain.cross_fitted
    assert gain.figure == "metrics.ccc_arousal"
    # one of the two columns is right afterwards
    assert gain.gain == pytest.approx(gain.figure_gain / 2, abs=1e-12)
    before = scored(VA, TRUTH, table("va", spoilt(course())))
    assert before.metrics["ccc_arousal"] + gain.figure_gain == pytest.approx(1, abs=1e-9)
    assert before.score + gain.gain == pytest.approx(gain.score_after, abs=1e-12)


@pytest.mark.parametrize(("late", "words"), [(7, "7 frames late"), (-12, "12 frames early")])
def test_a_planted_lag_is_found_to_the_frame(late, words):
    values = course().reshape(8, 400, 2)
    spoilt = np.stack([video[np.clip(np.arange(400) - late, 0, 399)] for video in values]).reshape(-1, 2)
    gain = found(VA, TRUTH, table("va", spoilt), "lag", "valence")
    assert words in gain.advice
    assert gain.interval[0] > 0
    assert gain.figure_gain > 0.01


def test_a_lag_is_told_in_seconds_where_the_times_are_known():
    values = course().reshape(8, 400, 2)
    spoilt = np.stack([video[np.clip(np.arange(400) - 6, 0, 399)] for video in values]).reshape(-1, 2)
    stream, prediction = stream_of(VA, {"va": spoilt})
    every = gains(VA, pair(VA, TRUTH, prediction), replace(stream, time=stream.frame / 25.0), resampling=FEW)
    assert "6 frames (0.24 s) late" in next(one.advice for one in every if one.error == "lag")
    unknown = gains(VA, pair(VA, TRUTH, prediction), replace(stream, assumed=8), resampling=FEW)
    assert "6 frames late" in next(one.advice for one in unknown if one.error == "lag")


def test_the_level_of_single_videos_is_found_and_no_common_bias():
    levels = np.repeat(np.array([-0.2, 0.2] * 4), 400)[:, None]
    spoilt = table("va", course() + levels)
    gain = found(VA, TRUTH, spoilt, "video bias", "valence")
    after = scored(VA, TRUTH, spoilt).metrics["ccc_valence"] + gain.figure_gain
    assert after == pytest.approx(1, abs=1e-9)
    assert "off by 0.20" in gain.advice
    assert not gain.cross_fitted
    assert found(VA, TRUTH, spoilt, "bias", "valence") is None


def test_bias_scale_and_correlation_add_up_to_what_is_missing():
    truth, generator = course(), np.random.default_rng(1)
    prediction = table("va", truth * 0.6 + generator.normal(0.1, 0.1, truth.shape))
    rest = found(VA, TRUTH, prediction, "correlation", "valence")
    metrics = scored(VA, TRUTH, prediction).metrics
    correlation = np.corrcoef(truth[:, 0], prediction.values["va"][:, 0])[0, 1]
    assert rest.figure_gain == pytest.approx(1 - correlation, abs=1e-9)
    both = found(VA, TRUTH, prediction, "bias and scale", "valence")
    # fitted on other videos, a little less than in sample
    assert metrics["ccc_valence"] + both.figure_gain == pytest.approx(correlation, abs=2e-3)


def test_a_constant_has_no_correlation_and_is_told_so():
    constant = table("va", np.full_like(course(), 0.25))
    rest = found(VA, TRUTH, constant, "correlation", "valence")
    assert rest.figure_gain == pytest.approx(1)
    assert "it is undefined, as for a constant" in rest.advice


def test_a_search_on_noise_is_said_to_gain_nothing():
    generator = np.random.default_rng(3)
    truth = table("va", np.repeat(generator.normal(0, 0.3, (8, 2)), 40, axis=0))
    prediction = table("va", np.repeat(generator.normal(0, 0.3, (8, 2)), 40, axis=0) * 0.2 + truth.values["va"])
    gain = found(VA, truth, prediction, "bias", "valence")
    assert gain.gain < 0.002
    assert gain.advice == "nothing of CCC valence is bias on other videos"


def test_missing_faces_are_found_and_repaired_to_the_rate_of_the_others():
    generator = np.random.default_rng(4)
    truth = np.repeat(generator.integers(0, 8, 800), 4).astype(np.int8)
    right = generator.random(3200) < 0.8
    values = np.where(right, truth, (truth + 1) % 8).astype(np.int8)
    is_filled = generator.random(3200) < 0.3
    values[is_filled] = 0
    full = table("expression", values)
    spoilt = replace(full, filled=is_filled)
    gain = found(EXPRESSION, table("expression", truth), spoilt, "missing faces")
    good = np.where(right, truth, (truth + 1) % 8).astype(np.int8)
    target = scored(EXPRESSION, table("expression", truth), table("expression", good))
    assert gain.score_after == pytest.approx(target.score, abs=0.02)
    assert f"{int(is_filled.sum()):,} rows" in gain.advice
    assert found(EXPRESSION, table("expression", truth), full, "missing faces") is None


def test_missing_faces_of_values_are_repaired_to_the_line_and_the_spread_of_the_others():
    generator = np.random.default_rng(5)
    truth = course()
    good = 0.8 * truth + generator.normal(0.05, 0.1, truth.shape)
    is_filled = generator.random(len(truth)) < 0.3
    spoilt = np.where(is_filled[:, None], 0.0, good)
    gain = found(VA, TRUTH, replace(table("va", spoilt), filled=is_filled), "missing faces")
    target = scored(VA, TRUTH, table("va", good)).score
    assert gain.score_after == pytest.approx(target, abs=0.005)


def test_the_confused_pair_of_classes_is_worked_by_hand():
    truth = np.array([0, 0, 1, 1, 2, 2, 3, 3] * 2, np.int8)
    prediction = np.array([1, 0, 0, 1, 2, 3, 3, 3] * 2, np.int8)
    gain = found(EXPRESSION, table("expression", truth, 2), table("expression", prediction, 2), "most confused pair")
    assert gain.column == "Neutral and Anger"
    # F1 of both classes rises from 1/2 to 1, of eight classes
    assert gain.gain == pytest.approx(2 * 0.5 / 8, abs=1e-12)
    assert "2 rows have Anger instead of Neutral, 2 rows have Neutral instead of Anger" in gain.advice


def test_the_confused_pair_of_labels_counts_rows_in_which_one_is_missed_and_the_other_invented():
    truth, prediction = np.zeros((16, 12), np.int8), np.zeros((16, 12), np.int8)
    truth[:8, 0] = prediction[8:, 1] = 1
    prediction[:4, 2] = 1
    truth[8:, 3] = prediction[8:, 3] = 1
    gain = found(UNITS, table("action_units", truth, 2), table("action_units", prediction, 2), "most confused pair")
    assert gain.column == "AU1 and AU4"
    # AU1 is missed in 8 of 8 rows and AU4 invented in 4 of 16: by chance 8 * 1 * 1/4
    assert "4 rows miss AU1 and invent AU4 (2 by chance)" in gain.advice
    # AU1: 4 of 8 found, F1 = 2 * 4 / (2 * 4 + 4)
    assert gain.gain == pytest.approx(2 / 3 / 12, abs=1e-12)


def test_errors_of_labels_that_meet_no_more_often_than_by_chance_are_no_confusion():
    truth, prediction = np.zeros((16, 12), np.int8), np.zeros((16, 12), np.int8)
    # AU1 is missed in half of its rows, AU2 invented in half of all, apart from each other
    truth[:8, 0] = prediction[::2, 0] = 1
    prediction[8:, 0] = 0
    prediction[:, 1] = np.tile([0, 0, 1, 1], 4)
    every = gains(UNITS, pair(UNITS, table("action_units", truth, 2), table("action_units", prediction, 2)))
    assert "most confused pair" not in {one.error for one in every}


def test_the_worst_video_is_named_and_its_gain_is_the_score_without_it():
    values = course()
    spoilt = values.copy()
    spoilt[1200:1600] *= -1
    gain = found(VA, TRUTH, table("va", spoilt), "worst video")
    assert gain.column == "v3"
    kept = np.flatnonzero(TRUTH.video != 3)
    without = scored(VA, TRUTH.take(kept), table("va", spoilt).take(kept)).score
    assert gain.score_after == pytest.approx(without, abs=1e-9)


def stream_of(challenge, answers, videos=8, *, filled=None):
    """The answers of an entry by task, every frame answered, and the prediction that they are decided to."""
    rows = len(next(iter(answers.values()))) // videos
    unit = np.repeat(np.arange(videos, dtype=np.int32), rows)
    frame = np.tile(np.arange(1, rows + 1, dtype=np.int32), videos)
    is_filled = np.zeros(len(unit), bool) if filled is None else filled
    names = tuple(f"v{place}" for place in range(videos))
    stream = Stream(names, unit, frame, frame / 30.0, ~is_filled, is_filled, answers, unit)
    return stream, table_of_stream(stream, challenge)


def test_a_planted_shift_of_the_classes_is_found_as_offsets():
    generator = np.random.default_rng(8)
    truth = np.where(generator.random(4000) < 0.6, 0, generator.integers(1, 8, 4000)).astype(np.int8)
    evidence = 2.5 * np.eye(8)[truth] + generator.normal(0, 1, (4000, 8))
    # the entry was trained where class 3 was much more frequent
    scores = evidence + np.log([0.6, *[0.4 / 7] * 7]) + 2.0 * (np.arange(8) == 3)
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    stream, prediction = stream_of(EXPRESSION, {"expression": probabilities})
    paired = pair(EXPRESSION, table("expression", truth), prediction)
    every = gains(EXPRESSION, paired, stream, resampling=FEW)
    gain = next(one for one in every if one.error == "class offsets")
    assert gain.cross_fitted
    assert gain.interval is not None
    assert gain.interval[0] > 0.02
    offsets = {name: float(value) for name, value in re.findall(r"(\w+) ([+-][\d.]+)", gain.advice)}
    # only differences of offsets matter
    assert offsets["Fear"] < min(0.0, *(value for name, value in offsets.items() if name != "Fear")) - 0.5


def test_planted_thresholds_are_found_label_by_label():
    generator = np.random.default_rng(9)
    truth = (generator.random((4000, 12)) < 0.3).astype(np.int8)
    probabilities = np.clip(0.35 + 0.3 * truth + generator.normal(0, 0.06, truth.shape), 0, 1)
    # one label is shifted: its threshold is at 0.2
    probabilities[:, 4] = np.clip(probabilities[:, 4] - 0.3, 0, 1)
    stream, prediction = stream_of(UNITS, {"action_units": probabilities})
    paired = pair(UNITS, table("action_units", truth), prediction)
    gain = next(one for one in gains(UNITS, paired, stream, resampling=FEW) if one.error == "thresholds")
    assert gain.gain == pytest.approx(1 / 12, abs=0.02)
    thresholds = {name: float(value) for name, value in re.findall(r"(AU\d+) ([\d.]+)", gain.advice)}
    assert thresholds["AU7"] == pytest.approx(0.2, abs=0.08)


def test_without_probabilities_what_is_missing_is_said():
    truth, prediction = np.zeros((80, 12), np.int8), np.ones((80, 12), np.int8)
    gain = found(UNITS, table("action_units", truth), table("action_units", prediction), "thresholds")
    assert (gain.gain, gain.score_after, gain.interval) == (None, None, None)
    assert "give the store of `predict`" in gain.advice


def test_frames_that_a_store_filled_are_found():
    generator = np.random.default_rng(10)
    truth = np.repeat(generator.integers(0, 8, 400), 4).astype(np.int8)
    is_filled = generator.random(1600) < 0.2
    answers = 0.9 * np.eye(8)[np.where(is_filled, 0, truth)] + 0.1 / 8
    stream, prediction = stream_of(EXPRESSION, {"expression": answers}, filled=is_filled)
    paired = pair(EXPRESSION, table("expression", truth), prediction)
    gain = next(one for one in gains(EXPRESSION, paired, stream, resampling=FEW) if one.error == "missing faces")
    assert gain.score_after == pytest.approx(1, abs=1e-9)


def test_rows_that_do_not_count_change_no_gain():
    corpus = simulate_split(8, 60, seed=3)
    prediction = simulate_predictions(corpus.known, 0.6, 0)
    plain = gains(MTL, pair(MTL, corpus.truth, prediction), resampling=FEW)
    other = {task.name: prediction.values[task.name].copy() for task in MTL.tasks}
    generator = np.random.default_rng(0)
    for task in MTL.tasks:
        annotated = task.is_annotated(corpus.truth.values[task.name])
        unused = ~(annotated.all(1) if annotated.ndim == 2 else annotated)
        # a lag brings answers of rows without an annotation to rows with one
        if task.name != "va":
            other[task.name][unused] = other[task.name][generator.permutation(np.flatnonzero(unused))]
    changed = gains(MTL, pair(MTL, corpus.truth, replace(prediction, values=other)), resampling=FEW)
    assert changed == plain


def test_gains_of_a_total_name_their_task_and_stand_by_size():
    corpus = simulate_split(8, 60, seed=3)
    every = gains(MTL, pair(MTL, corpus.truth, simulate_predictions(corpus.known, 0.6, 0)), resampling=FEW)
    sizes = [one.gain for one in every if one.gain is not None]
    assert sizes == sorted(sizes, reverse=True)
    assert {one.task for one in every if one.error == "weaker half"} >= {"expression", "action_units"}
    for one in every:
        if one.gain is not None and one.interval is not None:
            assert one.interval[0] <= one.gain <= one.interval[1]


def test_one_video_has_no_interval_and_nothing_is_fitted():
    truth = table("va", course(1), 1)
    every = gains(VA, pair(VA, truth, table("va", course(1) / 1.4, 1)), resampling=FEW)
    assert every
    assert all(one.interval is None and not one.cross_fitted for one in every)


def test_very_many_images_are_joined_and_none_of_them_is_called_the_worst(monkeypatch):
    monkeypatch.setattr("abawbench.tuning.gains.repairs.MANY_CLUSTERS", 100)
    monkeypatch.setattr("abawbench.tuning.gains.repairs.JOINED", 20)
    generator = np.random.default_rng(11)
    truth = generator.integers(0, 8, 400).astype(np.int8)
    prediction = np.where(generator.random(400) < 0.7, truth, 0).astype(np.int8)
    every = gains(EXPRESSION, pair(EXPRESSION, classes(truth), classes(prediction)), resampling=FEW)
    assert "most confused pair" in {one.error for one in every}
    assert "worst video" not in {one.error for one in every}


def test_whole_videos_have_neither_lag_nor_level():
    challenge = get("abaw6-emi")
    generator = np.random.default_rng(7)
    values = generator.uniform(0, 1, (40, 6))
    noisy = np.clip(values + generator.normal(0, 0.2, values.shape), 0, 1)
    every = gains(challenge, pair(challenge, videos("mimicry", values), videos("mimicry", noisy)), resampling=FEW)
    assert not {one.error for one in every} & {"lag", "video bias", "bias", "scale"}


def test_of_very_many_rows_a_search_takes_a_part_and_says_so(monkeypatch):
    monkeypatch.setattr("abawbench.tuning.gains.repairs_of_classes.MOST_ROWS", 1000)
    generator = np.random.default_rng(9)
    truth = (generator.random((4000, 12)) < 0.3).astype(np.int8)
    stream, prediction = stream_of(UNITS, {"action_units": 0.15 + 0.3 * truth})
    every = gains(UNITS, pair(UNITS, table("action_units", truth), prediction), stream, resampling=FEW)
    gain = next(one for one in every if one.error == "thresholds")
    assert gain.advice.endswith("(searched on one row of 4)")
    assert gain.score_after == pytest.approx(1, abs=1e-9)


def test_the_function_of_the_package_reads_a_store_and_finds_what_it_knows(tmp_path):
    values = truth_values()
    truth = write_truth(tmp_path / "truth.txt", values)
    store = write_answers(tmp_path / "store", values, 1, "2026_test_one")
    errors = {one.error for one in abawbench.gains("abaw4-mtl", truth, store, resamples=200) if one.gain is not None}
    assert errors >= {"scale", "correlation", "most confused pair"}
    assert not any(one.gain is None for one in abawbench.gains("abaw4-mtl", truth, store, resamples=200))


@pytest.mark.parametrize("name", ["abaw1-au", "abaw1-expr", "abaw5-eri", "abaw8-ah", "london-identity"])
def test_every_kind_of_metric_has_gains_and_a_perfect_prediction_has_none(name):
    challenge, generator = get(name), np.random.default_rng(12)
    values, answers = {}, {}
    for task in challenge.tasks:
        if task.is_real:
            values[task.name] = generator.uniform(*task.span, (160, task.width))
        else:
            most = 2 if task.is_vector else task.width
            values[task.name] = generator.integers(0, most, (160, task.width)[: 1 + task.is_vector]).astype(np.int8)
        own = values[task.name].astype(np.float64)
        certain = own if task.is_real or task.is_vector else np.eye(task.width)[values[task.name]]
        answers[task.name] = 0.8 * certain + 0.2 * generator.permutation(certain)
    truth = replace(table("", np.zeros(160)), values=values)
    assert all(one.gain is None for one in gains(challenge, pair(challenge, truth, truth), resampling=FEW))
    noisy = replace(truth, values={task.name: np.roll(values[task.name], 3, axis=0) for task in challenge.tasks})
    found_of = {one.error for one in gains(challenge, pair(challenge, truth, noisy), resampling=FEW)}
    assert found_of & {"correlation", "most confused pair"}
    stream, prediction = stream_of(challenge, answers)
    whole = gains(challenge, pair(challenge, truth, prediction), stream, resampling=FEW)
    assert all(one.gain is not None and np.isfinite(one.gain) for one in whole)


def test_intervals_of_gains_miss_the_gain_of_many_videos_about_five_percent_of_the_time():
    found = coverage(12, many=1000)
    assert set(found) >= {"bias", "scale", "bias and scale", "video bias", "correlation"}
    assert np.mean([share for _, _, share in found.values()]) > 0.88
    for true, mean, _ in found.values():
        # a fold less to search on costs a little
        assert mean == pytest.approx(true, abs=0.004)
