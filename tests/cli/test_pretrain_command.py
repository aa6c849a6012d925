from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from abawbench.base.run_lock import only_run
from abawbench.cli import main
from tests.inference.conftest import write_crops


@pytest.fixture
def crops(tmp_path):
    return write_crops(tmp_path / "corpus" / "cropped_aligned", dict.fromkeys("abc", 4), side=32).parent


def called(*arguments: object):
    return CliRunner().invoke(main, ["pretrain", "mae", *map(str, arguments)])


def test_a_corpus_gives_an_encoder_and_the_losses_go_to_standard_error(crops, tmp_path):
    out = tmp_path / "run"
    result = called(crops, "-o", out, "--size", "tiny", "--epochs", 2, "--batch", 4, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "8 learned from, 4 held out of 1 units" in result.stdout
    assert str(out / "encoder.safetensors") in result.stdout
    assert [line.split(":")[0] for line in result.stderr.splitlines() if line.startswith("epoch")] == [
        "epoch 1",
        "epoch 2",
    ]
    again = called(crops, "-o", out, "--size", "tiny", "--epochs", 2, "--batch", 4, "--device", "cpu", "--json")
    said = json.loads(again.stdout)
    assert said["is_kept"] is True
    assert [epoch["epoch"] for epoch in said["epochs"]] == [1, 2]


def test_settings_that_do_not_fit_are_told(crops, tmp_path):
    result = called(crops, "-o", tmp_path / "run", "--size", "tiny", "--mask", 2, "--picture", 33)
    assert result.exit_code == 1
    assert "\nE19 " in result.stderr
    assert "mask = 2.0" in result.stderr
    assert "picture = 33" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_where_another_run_is_at_work_is_refused_and_left_alone(crops, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    with only_run(out):
        result = called(crops, "-o", out, "--size", "tiny", "--epochs", 1)
    assert result.exit_code == 1
    assert "\nD36 " in result.stderr
    assert not (out / "run.json").exists()
