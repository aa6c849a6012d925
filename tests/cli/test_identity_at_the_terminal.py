"""Respelt names, lost rows and wrong numbers at the terminal: said, used, or refused with the option that cures."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from abawbench.cli import main

HEADER = "image_location,valence,arousal"


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def text(names):
    return "\n".join([HEADER, *(f"{name},0.{place % 10},-0.{place % 7}" for place, name in enumerate(names)), ""])


@pytest.fixture
def files(tmp_path):
    """A truth and a list of two videos of ten frames, and a folder for predictions."""
    names = [f"{video}/{frame:05d}.jpg" for video in ("2-30", "6-30_left") for frame in range(1, 11)]
    (tmp_path / "truth.txt").write_text(text(names))
    (tmp_path / "list.txt").write_text("\n".join([HEADER, *names, ""]))
    (tmp_path / "right.txt").write_text(text(names))
    (tmp_path / "zero.txt").write_text(text([f"{name[:-9]}{int(name[-9:-4]) - 1:05d}.jpg" for name in names]))
    (tmp_path / "short.txt").write_text(text(names[:8]))
    (tmp_path / "one.txt").write_text(text(names[:19]))
    (tmp_path / "strange.txt").write_text(text([name.replace("6-30", "7-30") for name in names]))
    return tmp_path


def write(files, name, *options):
    return run("write", "abaw10-va", files / name, "--template", files / "list.txt", "-o", files / "out.txt", *options)


def score(files, name, *options):
    return run("score", "abaw10-va", files / "truth.txt", files / name, "--resamples", 100, *options)


def test_frames_from_0_are_read_as_from_1_with_a_note(files):
    result = write(files, "zero.txt", "--fill", "nearest", "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert [note["rule"] for note in answer["problems"]] == ["N12"]
    assert answer["problems"][0]["count"] == 20
    assert answer["answers"] == {"own": 20, "filled": 0, "policies": {}, "worst_units": []}
    assert run("check", "abaw10-va", files / "out.txt", "--template", files / "list.txt").exit_code == 0
    right, zero = (json.loads(score(files, name, "--json").stdout) for name in ("right.txt", "zero.txt"))
    assert right["score"] == zero["score"]
    assert "note: N12 names spelt otherwise" in score(files, "zero.txt").stderr


def test_missing_rows_name_the_option_of_the_verb(files):
    assert "--missing previous" in score(files, "one.txt").stderr
    assert "--fill previous" in write(files, "one.txt").stderr
    refused = run("check", "abaw10-va", files / "one.txt", "--template", files / "list.txt")
    assert "write --fill" in refused.stdout


def test_more_than_half_filled_is_refused_unless_it_is_allowed(files):
    for verb, policy in ((write, "--fill"), (score, "--missing")):
        refused = verb(files, "short.txt", policy, "nearest")
        assert refused.exit_code == 1
        assert "T12 too many rows filled" in refused.stderr
        assert "12 of 20 rows filled (60.0%)" in refused.stderr
        assert "--allow-filled 0.6" in refused.stderr
        assert verb is score or not (files / "out.txt").exists()
        allowed = verb(files, "short.txt", policy, "nearest", "--allow-filled", "0.6")
        assert allowed.exit_code == 0, allowed.stderr
        assert "warning: N13" in allowed.stderr
        assert "10 rows by prior over all videos" in allowed.stderr
        assert "10 of 10 in '6-30_left'" in allowed.stderr


def test_few_filled_rows_are_counted_by_unit_without_a_warning(files):
    result = write(files, "one.txt", "--fill", "nearest")
    assert "1 of 20 rows filled (5.0%), 1 row by nearest; 1 of 10 in '6-30_left'" in result.stdout
    assert "N13" not in result.stderr
    rows = json.loads(score(files, "one.txt", "--missing", "nearest", "--json").stdout)["rows"]
    assert rows["answers"]["worst_units"] == [{"unit": "6-30_left", "own": 9, "filled": 1}]


@pytest.mark.parametrize("policy", ["error", "nearest", "prior"])
def test_nothing_is_filled_while_units_have_unknown_names(files, policy):
    for result in (
        write(files, "strange.txt", "--fill", policy, "--allow-filled", "1"),
        score(files, "strange.txt", "--missing", policy, "--allow-filled", "1"),
    ):
        assert result.exit_code == 1
        assert "T06" in result.stderr
        assert "7-30_left/00001.jpg" in result.stderr
        assert "6-30_left/00001.jpg" in result.stderr
    assert not (files / "out.txt").exists()


def test_more_than_the_list_asks_for_is_left_out_with_its_counts(files):
    frame = pd.DataFrame(
        {
            "video": ["2-30"] * 11 + ["6-30_left"] * 10 + ["9-30"] * 5,
            "frame": [*range(1, 12), *range(1, 11), *range(1, 6)],
        }
    ).assign(valence=0.5, arousal=0.25)
    frame.to_parquet(files / "more.parquet")
    result = write(files, "more.parquet")
    assert result.exit_code == 0, result.stderr
    assert "6 predicted rows (5 of other units, 1 of other frames)" in result.stdout
