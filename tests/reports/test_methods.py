"""The paragraph on methods: what a record has is told, and nothing else."""

from __future__ import annotations

import datetime
from dataclasses import replace

from abawbench.challenges import get
from abawbench.records import CrossFitted, Disclosure, Provenance, TunedUse, make
from abawbench.reports.methods import Facts, methods
from abawbench.scoring import Resampling, score
from abawbench.synthetic import simulate_predictions, simulate_split

MTL = get("abaw4-mtl")
CORPUS = simulate_split(6, 40, seed=1)
SCORE = score(
    MTL,
    CORPUS.truth,
    simulate_predictions(CORPUS.known, 0.7, 0, gaps=0.1),
    missing="nearest",
    resampling=Resampling(200, seed=5),
)
DISCLOSURE = Disclosure(
    trained_on=["synthetic frames", "nothing real"],
    validation_used_for="early stopping",
    thresholds_from="none",
    trials=3,
    crops="drawn",
    licence="Apache-2.0",
    synthetic_truth=True,
    note="",
)
RECORD = make(
    SCORE,
    Provenance("2026_team_method", "validation", "a synthetic corpus", "2026-11-30", "0" * 64, "1" * 64, DISCLOSURE),
    "nearest",
)


def test_a_record_is_told_with_its_counts_its_intervals_and_what_is_disclosed():
    text = methods(MTL, Facts.of_record(RECORD))
    for words in (
        "on the validation split of a synthetic corpus",
        f"{SCORE.rows['truth']:,} rows in 6 units",
        f"{sum(SCORE.filled.values()):,} annotated rows without a prediction were filled under the policy nearest",
        "by the jackknife, which leaves out one of 6 videos at a time",
        "Training data: synthetic frames and nothing real.",
        "used for early stopping",
        "3 predictions had been scored",
        "The truth is generated",
        f"(definition {MTL.fingerprint})",
    ):
        assert words in text, words
    assert "tuned" not in text


def test_a_record_from_before_the_jackknife_is_told_with_its_resamples():
    facts = Facts.of_record(RECORD)
    bounds = {"bca": [1.0, 2.0], "percentile": [1.0, 2.0]}
    text = methods(MTL, replace(facts, intervals={**facts.intervals, "score": bounds}))
    assert "95% BCa intervals from 200 resamples of 6 videos with seed 5" in text


def test_what_is_assumed_of_the_metric_is_named():
    assert "The organisers do not state which rows are pooled" in methods(MTL, Facts.of_record(RECORD))


def test_a_score_without_a_record_claims_no_split_of_the_official_data():
    text = methods(MTL, Facts.of_score(SCORE, "nearest"))
    assert "labels in the format of" in text
    assert "Training data" not in text


def test_tuned_values_are_told_with_what_they_are_worth_elsewhere():
    use = TunedUse(
        sha256="2" * 64,
        steps=["smoothing", "thresholds"],
        overlap="all",
        cross_fitted={"score": CrossFitted(value=1.25, interval=(1.1, 1.4))},
    )
    text = methods(MTL, replace(Facts.of_record(RECORD), tuned=use))
    assert "tuned values (smoothing and thresholds)" in text
    assert "the score is in-sample" in text
    assert "The cross-fitted score is 1.2500 (95% interval 1.1000 to 1.4000)." in text


def test_a_date_is_no_part_of_the_paragraph():
    assert str(datetime.date.fromisoformat("2026-11-30").year) not in methods(MTL, Facts.of_record(RECORD)).replace(
        MTL.venue, ""
    )
