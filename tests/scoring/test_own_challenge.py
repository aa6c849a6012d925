"""A challenge of one's own, with tasks of other names: rules are fields, so what works for the rest works for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from abawbench import records
from abawbench.base.files import write_text
from abawbench.base.problems import ProblemError
from abawbench.challenges import (
    Categorical,
    Challenge,
    Continuous,
    ForbiddenData,
    Metric,
    MultiLabel,
    Part,
    Reported,
    Term,
    get,
)
from abawbench.leaderboard.build import build, check
from abawbench.metrics import concordance
from abawbench.scoring import pair, score
from abawbench.scoring.breakdowns import by_class, by_video, concordance_parts, confusion_matrices, explain
from abawbench.scoring.difference import difference
from abawbench.scoring.intervals import Resampling
from abawbench.scoring.lens import lens
from abawbench.table import Table

MOOD = Continuous("mood", ("pleasure", "energy", "dominance"), -1.0, 1.0, -9.0)
GAZE = Categorical("gaze", ("left", "ahead", "right"), None)
GESTURES = MultiLabel("gestures", ("nod", "shrug"), None)
OWN = replace(
    get("abaw4-mtl"),
    id="abaw12-mood",
    edition=12,
    track="mood",
    tasks=(MOOD, GAZE, GESTURES),
    metric=Metric(
        "mood-sum",
        "P = CCC + 0.8 F1 + 0.2 accuracy",
        terms=(Term("mood", (Part("ccc", 1.0),)), Term("gaze", (Part("f1", 0.8), Part("accuracy", 0.2)))),
        reported=(Reported("mood", ("ccc",)), Reported("gaze", ("f1",)), Reported("gestures", ("f1", "accuracy"))),
        pooling="frames of the whole split",
    ),
    forbidden_data=(ForbiddenData("MoodNet", r"\bmood-?net\b", "the organisers' page"),),
    valid_rows={},
)


def table(seed: int) -> Table:
    generator = np.random.default_rng(seed)
    rows = 120
    names = tuple(f"video {number}" for number in range(12))
    video, frame = np.repeat(np.arange(12, dtype=np.int32), 10), np.tile(np.arange(1, 11, dtype=np.int32), 12)
    values = {
        "mood": generator.uniform(-1, 1, (rows, 3)),
        "gaze": generator.integers(0, 3, rows).astype(np.int8),
        "gestures": generator.integers(0, 2, (rows, 2)).astype(np.int8),
    }
    return Table(names, video, frame, values)


TRUTH, FIRST, SECOND = (table(seed) for seed in range(3))


@pytest.fixture
def catalogue(catalogue_with) -> Mapping[str, Challenge]:
    """The catalogue with one challenge more."""
    return catalogue_with(OWN)


def record() -> records.Record:
    provenance = records.Provenance(
        entry="2026_team_method",
        split="validation",
        dataset=OWN.dataset,
        date="2026-01-31",
        truth_sha256="0" * 64,
        prediction_sha256="f" * 64,
        disclosure=records.Disclosure(
            trained_on=["MoodNet"],
            validation_used_for="nothing",
            thresholds_from="none",
            trials=1,
            crops="none",
            licence="Apache-2.0",
            synthetic_truth=False,
            note="",
        ),
    )
    return records.make(score(OWN, TRUTH, FIRST, resampling=Resampling(100)), provenance)


def test_a_track_judged_by_concordance_under_another_name_is_scored():
    result = score(OWN, TRUTH, FIRST, resampling=Resampling(100))
    columns = [concordance(TRUTH.numbers("mood")[:, c], FIRST.numbers("mood")[:, c]) for c in range(3)]
    assert result.terms["mood"] == pytest.approx(np.mean(columns), abs=1e-12)
    assert [result.metrics[f"ccc_{name}"] for name in MOOD.columns] == pytest.approx(columns, abs=1e-12)


def test_a_track_judged_by_f1_under_another_name_is_scored():
    metrics = score(OWN, TRUTH, FIRST, resampling=Resampling(100)).metrics
    right = float(np.mean(TRUTH.classes("gaze") == FIRST.classes("gaze")))
    assert isinstance(metrics["f1_gaze"], float)
    expected = 0.8 * metrics["f1_gaze"] + 0.2 * right
    assert score(OWN, TRUTH, FIRST, resampling=Resampling(100)).terms["gaze"] == pytest.approx(expected, abs=1e-12)


def test_what_is_reported_need_not_count_and_what_counts_need_not_be_reported():
    metrics = score(OWN, TRUTH, FIRST, resampling=Resampling(100)).metrics
    assert {"f1_gestures", "accuracy_gestures"} <= set(metrics)
    assert "accuracy_gaze" not in metrics


def test_every_point_of_the_lens_has_one_official_reading_with_the_official_value():
    rows = lens(OWN, pair(OWN, TRUTH, FIRST))
    terms = score(OWN, TRUTH, FIRST, resampling=Resampling(100)).terms
    assert {row["task"] for row in rows} == {"mood", "gaze", "gestures"}
    for task, value in terms.items():
        (total,) = [row for row in rows if (row["task"], row["point"]) == (task, "total") and row["official"]]
        assert total["value"] == pytest.approx(value, abs=1e-12)
    variants = {row["variant"] for row in rows}
    assert {
        "mean of pleasure, energy and dominance",
        "row left out when any is -9",
        "row left out only when all are -9",
        "0.8 f1 + 0.2 accuracy",
    } <= variants


def test_it_is_compared_and_broken_down():
    result = difference(OWN, TRUTH, FIRST, SECOND, resampling=Resampling(100))
    assert result["figure"] == "score"
    assert set(result["figures"]) >= {"terms.mood", "metrics.f1_gaze"}
    scored = score(OWN, TRUTH, FIRST, resampling=Resampling(100))
    assert set(by_class(OWN, scored)) == set(confusion_matrices(OWN, scored)) == {"gaze", "gestures"}
    assert set(concordance_parts(OWN, scored)) == set(MOOD.columns)
    assert len(by_video(OWN, scored)) == 12
    assert set(explain(OWN, pair(OWN, TRUTH, FIRST))["tasks"]) == {"mood", "gaze", "gestures"}


def test_it_has_records_and_a_leaderboard(tmp_path: Path, catalogue):
    made = record()
    path = records.write(made, tmp_path / "records")
    assert records.read(path) == made
    assert records.check_tree(tmp_path / "records") == ()
    (tmp_path / "published").mkdir()
    for place, text in build(tmp_path).items():
        write_text(place, text)
    assert check(tmp_path) == ()
    page = (tmp_path / "abaw12-mood.md").read_text()
    assert "2026_team_method" in page
    assert "not eligible: abaw12-mood forbids MoodNet as training data;" in page


def test_a_criterion_that_nothing_knows_is_refused_with_near_ones():
    wrong = replace(OWN, metric=replace(OWN.metric, terms=(Term("gaze", (Part("accurracy", 1.0),)),)))
    with pytest.raises(ProblemError) as caught:
        score(wrong, TRUTH, FIRST, resampling=Resampling(100))
    (problem,) = caught.value.problems
    assert problem.rule == "C02"
    assert "accuracy" in problem.expected


def test_a_criterion_of_another_kind_of_task_is_refused():
    wrong = replace(OWN, metric=replace(OWN.metric, terms=(Term("gaze", (Part("ccc", 1.0),)),)))
    with pytest.raises(ProblemError, match="'ccc' for the task gaze"):
        score(wrong, TRUTH, FIRST, resampling=Resampling(100))


def test_a_criterion_of_a_probability_that_nothing_knows_is_refused_with_near_ones():
    wrong = replace(OWN, metric=replace(OWN.metric, reported=(Reported("gaze", ("f1",), ("averge_precision",)),)))
    with_probability = replace(FIRST, probability=np.full(120, 0.5))
    with pytest.raises(ProblemError, match="average_precision"):
        lens(wrong, pair(wrong, TRUTH, with_probability))
