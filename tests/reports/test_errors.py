"""What errors depend on, and what a store knows of single rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from abawbench.api import read_table
from abawbench.faces import run as faces_run
from abawbench.faces.video_crops import FaceSettings
from abawbench.reports.errors import Condition, conditions, error_curves, row_error
from abawbench.reports.subject import subject_of
from abawbench.scoring import Resampling
from tests.faces.conftest import Blobs, picture, write_video
from tests.reports.corpus import FRAMES, MTL, truth_values, write_answers, write_truth

QUICK = Resampling(100)


def subject(truth, path):
    tables = read_table(MTL, truth, "truth"), read_table(MTL, path, "prediction")
    return subject_of(MTL, *tables, path, missing="nearest", resampling=QUICK)


@pytest.fixture(scope="module")
def one(corpus):
    return subject(corpus.truth, corpus.first)


def test_the_answers_of_a_store_lie_on_the_rows_of_the_truth(one):
    answers, prediction = one.rows.answers, one.paired.prediction
    known = ~np.isnan(answers["expression"][:, 0])
    assert (~known).sum() == 2 * len(one.units)
    np.testing.assert_array_equal(answers["expression"][known].argmax(1), prediction.classes("expression")[known])
    np.testing.assert_array_equal(answers["action_units"][known] >= 0.5, prediction.classes("action_units")[known] == 1)


def test_the_gap_is_the_distance_to_the_nearest_frame_without_a_crop(one):
    # frames 6 and 7 of every unit lack a crop and have no row of their own
    rows = one.paired.truth.video == 0
    expected = [
        abs(frame - (6 if frame < 6 else 7)) if frame not in {6, 7} else np.nan for frame in range(1, FRAMES + 1)
    ]
    np.testing.assert_array_equal(one.rows.gap[rows], expected)


def test_the_error_of_a_row_is_a_distance_a_wrong_class_or_the_share_of_wrong_labels(one):
    truth, prediction = one.paired.truth, one.paired.prediction
    va, expression, labels = (row_error(MTL.task(name), one)[0] for name in ("va", "expression", "action_units"))
    assert va[3] == pytest.approx(np.abs(truth.numbers("va")[3] - prediction.numbers("va")[3]).mean(), abs=1e-12)
    wrong = truth.classes("expression") != prediction.classes("expression")
    np.testing.assert_array_equal(expression, wrong)
    assert labels.mean() == pytest.approx((truth.classes("action_units") != prediction.classes("action_units")).mean())


def test_a_planted_dependence_is_seen(one):
    error, _ = row_error(MTL.task("va"), one)
    planted = Condition("error itself", error)
    curves = [curves[0] for curves in error_curves(MTL, [one], [[planted]]) if curves[0].task == "va"]
    bins = [own for own in curves[0].bins if own is not None]
    means = [own.error for own in bins]
    assert means == sorted(means)
    assert means[-1] > 3 * means[0]
    assert sum(own.rows for own in bins) == len(error)


def test_what_is_not_known_says_why(one, corpus, tmp_path):
    size, blur, gap, length = conditions(one, None)
    assert "abawbench faces" in size.reason
    assert blur.reason == size.reason
    assert gap.reason == ""
    assert "same number" in length.reason
    file = subject(corpus.truth, write_truth(tmp_path / "mine.txt", truth_values(seed=3)))
    assert "prediction file" in conditions(file, None)[2].reason
    full = subject(corpus.truth, corpus.second)
    assert conditions(full, None)[2].reason == "every frame of the store has a crop"


def test_face_size_and_sharpness_come_from_the_index_of_the_faces(tmp_path, monkeypatch):
    monkeypatch.setattr(faces_run, "Detector", Blobs)
    monkeypatch.setattr(faces_run, "weights_path", lambda _: Path("none"))
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "talk.mp4", [picture((1, 60, 50))] * 10)
    faces_run.crop_faces(tmp_path / "videos", tmp_path / "faces", FaceSettings())
    values = truth_values(("talk",), frames=12)
    truth = write_truth(tmp_path / "truth.txt", values)
    one = subject(truth, write_answers(tmp_path / "store", values, 1, "2026_test_one"))
    size, blur, *_ = conditions(one, tmp_path / "faces")
    assert size.reason == blur.reason == ""
    assert np.all((size.values[:10] > 40) & (size.values[:10] < 80))
    assert np.isnan(size.values[10:]).all()
    assert np.all(blur.values[:10] > 0)
    other = replace(one, unmasked=replace(one.unmasked, truth=replace(one.unmasked.truth, videos=("else",))))
    assert conditions(other, tmp_path / "faces")[0].reason
