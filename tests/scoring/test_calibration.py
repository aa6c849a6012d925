"""Reliability of probabilities: what counts as confidence and as a hit, by task and label."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.challenges import get
from abawbench.scoring import pair
from abawbench.scoring.calibration import BINS, reliability
from abawbench.table import Table

MTL = get("abaw4-mtl")
VIDEOS, FRAMES = 6, 40


def table(random, expression, labels):
    rows = VIDEOS * FRAMES
    video = np.repeat(np.arange(VIDEOS, dtype=np.int32), FRAMES)
    frame = np.tile(np.arange(1, FRAMES + 1, dtype=np.int32), VIDEOS)
    values = {"va": random.uniform(-1, 1, (rows, 2)), "expression": expression, "action_units": labels}
    return Table(tuple(f"video{place}" for place in range(VIDEOS)), video, frame, values)


@pytest.fixture
def case():
    """Truth drawn from the very probabilities that are answered."""
    random = np.random.default_rng(0)
    rows = VIDEOS * FRAMES
    classes = random.dirichlet(np.ones(8), rows)
    labels = random.random((rows, 12))
    drawn = np.array([random.choice(8, p=own) for own in classes], np.int8)
    truth = table(random, drawn, (random.random((rows, 12)) < labels).astype(np.int8))
    mine = table(random, classes.argmax(1).astype(np.int8), (labels >= 0.5).astype(np.int8))
    return pair(MTL, truth, mine), {"expression": classes, "action_units": labels}


def test_there_is_one_for_each_task_and_label_with_bins_of_about_equal_mass(case):
    found = reliability(MTL, *case)
    assert [(one.task, one.part) for one in found] == [
        ("expression", ""),
        ("action_units", ""),
        *(("action_units", label) for label in MTL.task("action_units").outputs),
    ]
    for one in found:
        rows = [own.rows for own in one.bins]
        assert len(rows) == BINS
        assert max(rows) - min(rows) <= 1
        assert sum(rows) == VIDEOS * FRAMES * (12 if one.task == "action_units" and not one.part else 1)


def test_the_confidence_of_a_class_is_its_probability_and_a_hit_that_it_is_the_true_one(case):
    paired, answers = case
    (expression, *_) = reliability(MTL, paired, {"expression": answers["expression"]})
    hit = answers["expression"].argmax(1) == paired.truth.classes("expression")
    sums = [(own.rows * own.confidence, own.rows * own.accuracy) for own in expression.bins]
    assert sum(confidence for confidence, _ in sums) == pytest.approx(answers["expression"].max(1).sum(), abs=1e-9)
    assert sum(hits for _, hits in sums) == pytest.approx(hit.sum(), abs=1e-9)
    error = sum(abs(confidence - hits) for confidence, hits in sums) / len(hit)
    assert expression.error == pytest.approx(error, abs=1e-12)


def test_true_probabilities_have_a_small_error_and_overconfident_ones_a_large_one(case):
    paired, answers = case
    fair = reliability(MTL, paired, {"action_units": answers["action_units"]})[0]
    sure = reliability(MTL, paired, {"action_units": np.round(answers["action_units"])})[0]
    assert fair.error < 0.05
    assert sure.error > 0.2
    assert fair.interval is not None
    assert fair.interval[0] <= fair.error <= fair.interval[1]


def test_rows_without_probabilities_or_annotation_are_left_out(case):
    paired, answers = case
    lacking = {task: own.copy() for task, own in answers.items()}
    lacking["expression"][:10] = np.nan
    lacking["action_units"][:, 3] = np.nan
    paired.valid["expression"][10:15] = False
    found = {(one.task, one.part): one for one in reliability(MTL, paired, lacking)}
    assert sum(own.rows for own in found["expression", ""].bins) == VIDEOS * FRAMES - 15
    assert ("action_units", MTL.task("action_units").outputs[3]) not in found
    assert sum(own.rows for own in found["action_units", ""].bins) == VIDEOS * FRAMES * 11
    assert reliability(MTL, paired, {}) == ()


def test_subjects_are_the_clusters_where_they_are_named(case):
    paired, answers = case
    one = {f"video{place}": "one person" for place in range(VIDEOS)}
    assert reliability(MTL, paired, answers)[0].interval is not None
    assert reliability(MTL, paired, answers, one)[0].interval is None
