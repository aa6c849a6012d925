"""abawbench write and pack at the terminal: from predictions to a zip that is accepted."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from abawbench.cli import main

NAMES = [f"2-30/{frame:05d}.jpg" for frame in range(1, 7)]


@pytest.fixture
def files(tmp_path):
    """A list of six rows, and predictions for five of them and for one that is not asked for."""
    (tmp_path / "list.txt").write_text("\n".join(["image_location,valence,arousal", *NAMES, ""]))
    frames = [1, 2, 4, 5, 6, 9]
    frame = pd.DataFrame({"video": "2-30", "frame": frames, "valence": 0.25, "arousal": [0.1 * f for f in frames]})
    frame.to_parquet(tmp_path / "mine.parquet")
    frame.to_csv(tmp_path / "mine.csv", index=False)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.mark.parametrize("source", ["mine.parquet", "mine.csv"])
def test_predictions_become_the_file_and_what_was_filled_is_counted(files, source):
    out = files / "predictions.txt"
    result = run(
        *("write", "abaw10-va", files / source, "--template", files / "list.txt", "-o", out, "--fill", "linear")
    )
    assert result.exit_code == 0, result.stderr
    assert "6 rows written; filled: 1 row by linear" in result.stdout
    assert "warning: N13 many rows filled: 1 of 6 rows filled (16.7%), 1 row by linear" in result.stderr
    assert "1 predicted row (1 of other frames)" in result.stdout
    assert out.read_text().splitlines()[3] == "2-30/00003.jpg,0.250000,0.300000"
    assert run("check", "abaw10-va", out, "--template", files / "list.txt").exit_code == 0


def test_a_missing_row_without_policy_is_an_error_that_names_it(files):
    out = files / "predictions.txt"
    result = run("write", "abaw10-va", files / "mine.parquet", "--template", files / "list.txt", "-o", out)
    assert result.exit_code == 1
    assert "T01" in result.stderr
    assert "2-30 frame 3" in result.stderr
    assert not out.exists()


def test_an_unknown_policy_is_wrong_use(files):
    arguments = ("write", "abaw10-va", files / "mine.csv", "--template", files / "list.txt", "-o", files / "x")
    assert run(*arguments, "--fill", "guess").exit_code == 2


def test_trials_are_packed_with_their_hashes(files):
    out = files / "predictions.txt"
    run("write", "abaw10-va", files / "mine.csv", "--template", files / "list.txt", "-o", out, "--fill", "previous")
    target = files / "submission.zip"
    result = run("pack", "abaw10-va", out, out, "-o", target, "--template", files / "list.txt")
    assert result.exit_code == 0, result.stderr
    record = json.loads((files / "submission.manifest.json").read_text())
    assert all(member["sha256"] in result.stdout for member in record["members"])
    assert record["sha256"] in result.stdout
    assert run("check", "abaw10-va", target, "--template", files / "list.txt").exit_code == 0


def test_a_refused_trial_ends_with_one(files):
    bad = files / "bad.txt"
    bad.write_text("image_location,valence,arousal\n2-30/00001.jpg,7,0\n")
    result = run("pack", "abaw10-va", bad, "-o", files / "submission.zip", "--template", files / "list.txt")
    assert result.exit_code == 1
    assert "V03" in result.stderr
    assert "T01" in result.stderr
    assert not (files / "submission.zip").exists()


def test_packing_without_a_list_says_what_was_not_compared(files):
    good = files / "good.txt"
    good.write_text("image_location,valence,arousal\n2-30/00001.jpg,0.5,0\n")
    result = run("pack", "abaw10-va", good, "-o", files / "submission.zip")
    assert result.exit_code == 0
    assert "not compared" in result.stderr
