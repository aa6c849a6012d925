"""Files of compound expressions: lists and extractions that differ by a frame, and shares of predicted classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from abawbench.challenges import get
from abawbench.cli import main
from abawbench.formats import read_predictions
from abawbench.formats.layout import layouts
from tests.datasets.posed import write_ck_plus

# videos whose list has one frame more than an extraction, and one fewer (rules of the challenge)
LONGER, SHORTER = "05", "09"
FRAMES = 6


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    """Predictions of the frames that were extracted, without two that show no face; and the organisers' list."""
    header = layouts(get("abaw7-ce"), "list")[0].header
    extracted = {LONGER: FRAMES - 1, SHORTER: FRAMES + 1, "01": FRAMES}
    rows = [
        f"{video}/{frame:05d}.jpg,{(frame + len(video)) % 7}"
        for video, count in extracted.items()
        for frame in range(1, count + 1)
        if (video, frame) not in {("01", 3), ("01", 4)}
    ]
    predictions, listed = tmp_path / "mine.txt", tmp_path / "CER.txt"
    predictions.write_text("\n".join([header, *rows]) + "\n")
    names = [f"{video}/{frame:05d}.jpg," for video in ("01", LONGER, SHORTER) for frame in range(1, FRAMES + 1)]
    listed.write_text("\n".join([header, *names]) + "\n")
    return predictions, listed


def run(*words: object):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_list_with_a_frame_more_is_a_problem_until_a_policy_fills_it(files, tmp_path):
    result = run("write", "abaw7-ce", files[0], "--template", files[1], "-o", tmp_path / "out.txt")
    assert result.exit_code == 1
    assert "T01" in result.output
    assert not (tmp_path / "out.txt").exists()


def test_previous_repeats_the_last_label_and_surplus_frames_are_left_out_and_counted(files, tmp_path):
    out = tmp_path / "out.txt"
    words = ("write", "abaw7-ce", files[0], "--template", files[1], "-o", out, "--fill", "previous", "--json")
    result = run(*words)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["rows"], said["filled"], said["left_out"]) == (3 * FRAMES, {"previous": 3}, 1)
    table = read_predictions(get("abaw7-ce"), out)
    classes = table.classes("compound").tolist()
    # rows 0 to 5 are those of 01, rows 6 to 11 those of the longer one
    assert classes[2] == classes[3] == classes[1]
    assert classes[11] == classes[10]
    assert run("check", "abaw7-ce", out, "--template", files[1]).exit_code == 0


def test_nearest_takes_the_closer_frame_with_a_face(files, tmp_path):
    out = tmp_path / "out.txt"
    assert run("write", "abaw7-ce", files[0], "--template", files[1], "-o", out, "--fill", "nearest").exit_code == 0
    table = read_predictions(get("abaw7-ce"), out)
    own = table.classes("compound")[:FRAMES]
    assert own[2] == own[1]
    assert own[3] == own[4]


def test_frequencies_print_predicted_beside_published_shares(files):
    result = run("frequencies", "abaw7-ce", files[0])
    assert result.exit_code == 0, result.output
    assert "27.6%" in result.output
    assert "not of the videos of the challenge" in " ".join(result.output.split())
    said = json.loads(run("frequencies", "abaw7-ce", files[0], "--json").stdout)
    (task,) = said["tasks"]
    assert sum(task["predicted"].values()) == 3 * FRAMES - 2
    assert task["kl_divergence"] > 0
    assert np.isclose(task["published"]["Happily_Surprised"] / sum(task["published"].values()), 0.2759, atol=1e-4)


def test_intervals_resample_the_people_that_a_truth_of_data_read_names(tmp_path):
    root, truth = write_ck_plus(tmp_path / "ck", people=9), tmp_path / "ck.parquet"
    assert run("data", "read", "ck-plus", root, "--labels", "expression", "--own", "-o", truth).exit_code == 0
    result = run("score", "ck-plus-expression", truth, truth, "--resamples", 200)
    assert result.exit_code == 0, result.output
    assert "each of 9 subjects left out" in " ".join(result.output.split())
