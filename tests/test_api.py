"""The library's front: paths and DataFrames in, the same score out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import abawbench
from abawbench.api import read_table
from abawbench.challenges import get
from abawbench.formats.dataframe import from_frame, to_frame
from abawbench.synthetic import simulate_predictions, simulate_split

MTL = get("abaw4-mtl")
CORPUS = simulate_split(6, 30, seed=1)
GUESS = simulate_predictions(CORPUS.known, 0.6, 2)


def equal(one, two):
    assert one.videos == two.videos
    np.testing.assert_array_equal(one.video, two.video)
    np.testing.assert_array_equal(one.frame, two.frame)
    for task, values in one.values.items():
        np.testing.assert_array_equal(values, two.values[task])


def test_a_table_survives_the_way_through_pandas():
    equal(CORPUS.truth, from_frame(MTL, to_frame(MTL, CORPUS.truth), "truth"))
    equal(GUESS, from_frame(MTL, to_frame(MTL, GUESS), "prediction"))


def test_a_table_survives_the_way_through_parquet(tmp_path):
    path = tmp_path / "guess.parquet"
    to_frame(MTL, GUESS).to_parquet(path)
    equal(GUESS, read_table(MTL, path, "prediction"))


def test_frames_tables_and_files_score_alike(tmp_path):
    truth, guess = to_frame(MTL, CORPUS.truth), to_frame(MTL, GUESS)
    from_frames = abawbench.score("abaw4-mtl", truth, guess, resamples=100)
    from_tables = abawbench.score("abaw4-mtl", CORPUS.truth, GUESS, resamples=100)
    guess.to_csv(tmp_path / "guess.csv", index=False)
    from_file = abawbench.score("abaw4-mtl", CORPUS.truth, tmp_path / "guess.csv", resamples=100)
    assert from_frames.to_json() == from_tables.to_json() == from_file.to_json()


def test_read_gives_a_frame_with_missing_annotations(tmp_path):
    path = tmp_path / "Validation_Set" / "v1.txt"
    path.parent.mkdir()
    path.write_text("valence,arousal\n0.5,0.25\n-5,-5\n")
    frame = abawbench.read("abaw3-va", path.parent)
    assert list(frame.columns) == ["video", "frame", "valence", "arousal"]
    assert frame["video"].tolist() == ["v1", "v1"]
    assert frame["frame"].tolist() == [1, 2]
    assert frame["valence"].isna().tolist() == [False, True]


def test_diff_takes_frames():
    result = abawbench.diff("abaw4-mtl", CORPUS.truth, to_frame(MTL, GUESS), GUESS, resamples=100)
    assert result["p"] == 1


def test_compare_takes_frames_by_name():
    named = {"guess": to_frame(MTL, GUESS), "right": CORPUS.known, "again": GUESS}
    result = abawbench.compare("abaw4-mtl", CORPUS.truth, named, resamples=100)
    assert [row["name"] for row in result["predictions"]] == ["right", "guess", "again"]


def test_compare_resamples_subjects():
    subjects = dict.fromkeys(CORPUS.known.videos, "one") | {CORPUS.known.videos[0]: "other"}
    named = {"guess": GUESS, "right": CORPUS.known}
    result = abawbench.compare("abaw4-mtl", CORPUS.truth, named, resamples=100, subjects=subjects)
    assert (result["unit"], result["clusters"]) == ("subject", 2)


def test_a_frame_with_values_out_of_range_is_a_problem():
    frame = to_frame(MTL, GUESS)
    frame.loc[3, "valence"] = 1.5
    frame.loc[4, "expression"] = 9
    with pytest.raises(abawbench.ProblemError) as caught:
        abawbench.score("abaw4-mtl", CORPUS.truth, frame)
    assert {problem.rule for problem in caught.value.problems} == {"V03", "V06"}


@pytest.mark.parametrize("wrong", ["x", 1.5, np.inf, -3, 10**12, "2-30/00001.jpg", "\u202e"])
@pytest.mark.parametrize("form", ["frame", "parquet"])
def test_a_frame_number_that_is_none_is_a_problem(tmp_path, wrong, form):
    frame = to_frame(MTL, GUESS)
    numbers = frame["frame"].astype(object)
    numbers[3] = wrong
    frame["frame"] = numbers.astype(str) if isinstance(wrong, str) else numbers.astype(float)
    source = frame
    if form == "parquet":
        source = tmp_path / "guess.parquet"
        frame.to_parquet(source)
    with pytest.raises(abawbench.ProblemError, match="T06") as caught:
        abawbench.score("abaw4-mtl", CORPUS.truth, source)
    assert caught.value.problems[0].count == 1


def test_a_frame_without_a_column_is_a_problem():
    with pytest.raises(abawbench.ProblemError, match=r"F04[\s\S]*valence"):
        abawbench.score("abaw6-va", pd.DataFrame({"video": ["a"], "frame": [1]}), GUESS)


def test_an_unknown_challenge_is_named_with_near_ones():
    with pytest.raises(abawbench.ProblemError, match=r"C01[\s\S]*abaw4-mtl"):
        abawbench.score("abaw4-mlt", CORPUS.truth, GUESS)


@pytest.mark.parametrize("name", abawbench.__all__)
def test_every_public_name_is_there(name):
    assert getattr(abawbench, name) is not None
