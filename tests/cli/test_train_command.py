from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from abawbench.base.run_lock import only_run
from abawbench.cli import main
from tests.training.runs import FEATURES, GRU, HEADS, TRAINING, WIDTH, an_entry, some_features, write_labels


@pytest.fixture
def place(tmp_path) -> Path:
    an_entry(tmp_path, FEATURES + GRU + HEADS + TRAINING)
    write_labels(tmp_path)
    some_features(tmp_path / "features")
    return tmp_path


def called(place: Path, *arguments: object, out: str = "run"):
    words = ["train", str(place / "2026_test_net"), *map(str, arguments), "-o", str(place / out), "--device", "cpu"]
    return CliRunner().invoke(main, words, catch_exceptions=False)


def test_training_tells_of_each_epoch_and_ends_with_the_best(place):
    result = called(place, place / "features", "--truth", place, "--set", "training.epochs=2")
    assert result.exit_code == 0, result.output
    told = result.stderr.splitlines()
    assert [line.partition(":")[0] for line in told if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
    for word in ("loss va", "expression", "action_units", "score", "| va"):
        assert word in told[-1]
    assert "run: 2 epochs" in result.stdout
    again = called(place, place / "features", "--truth", place, "--set", "training.epochs=2")
    assert "finished before" in again.stdout
    predicted = CliRunner().invoke(
        main, ["predict", str(place / "run"), str(place / "features"), "-o", str(place / "store")]
    )
    assert predicted.exit_code == 0, predicted.output


def test_a_run_over_several_folders_of_features_is_predicted_by_the_command_that_it_names(place):
    some_features(place / "more", 3, seed=9)
    (place / "more" / "f.safetensors").unlink()
    entry = place / "2026_test_net" / "entry.toml"
    entry.write_text(entry.read_text().replace(f"features = {WIDTH}", f"features = {WIDTH + 3}"))
    folders = [word for name in ("features", "more") for word in ("--features", place / name)]
    result = called(place, *folders, "--truth", place, "--set", "training.epochs=1")
    assert result.exit_code == 0, result.output
    assert "no unit f in" in result.stderr
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("next: ")]
    predicted = CliRunner().invoke(main, line.removeprefix("next: abawbench ").split())
    # the unit that one folder lacks is told, and the others are answered
    assert predicted.exit_code == 1
    assert "no unit f in" in predicted.stderr
    assert "5 done" in predicted.stdout
    alone = CliRunner().invoke(main, ["predict", str(place / "run"), str(place / "more"), "-o", str(place / "alone")])
    assert "P04" in alone.stderr


def test_each_seed_has_a_run_of_its_own(place):
    options = ("--features", place / "features", "--truth", place, "--seeds", "1,2", "--set", "training.epochs=1")
    result = called(place, *options, "--json")
    assert result.exit_code == 0, result.output
    runs = json.loads(result.stdout)
    assert [runs.pop(key) for key in ("ok", "verb", "problems")] == [True, "train", []]
    assert runs.keys() == {"seed1", "seed2"}
    seeds = [json.loads((place / "run" / name / "run.json").read_text())["training"]["seed"] for name in runs]
    assert seeds == [1, 2]
    assert "seed2 epoch 1/1" in result.stderr


def test_a_fold_with_people_together_and_values_without_quotes(place):
    people = "".join(f"{unit},{who}\n" for unit, who in zip("abcdef", "xxyzzw", strict=True))
    (place / "subjects.csv").write_text(people)
    result = called(
        place, place / "features", "--truth", place, "--fold", "2/3", "--subjects", place / "subjects.csv",
        "--set", "training.epochs=1", "--set", "settings.temporal.encoder=lstm",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    record = json.loads((place / "run" / "run.json").read_text())
    assert record["data"]["fold"] == [2, 3]
    assert record["entry"]["settings"]["temporal"]["encoder"] == "lstm"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--set", "training.epochs"), "is not NAME=VALUE"),
        (("--fold", "2"), "is not K/N"),
        (("--seeds", "1,a"), "is not numbers between commas"),
    ],
)
def test_options_that_cannot_be_read_are_told(place, options, told):
    result = called(place, place / "features", *options)
    assert result.exit_code == 2
    assert told in result.stderr


def test_problems_are_told_with_status_1(place):
    result = called(place, place / "features", "--truth", place, "--set", "training.epohs=3")
    assert result.exit_code == 1
    assert "did you mean epochs?" in result.stderr
    assert called(place).exit_code == 2


def test_a_folder_where_another_run_is_at_work_is_refused_and_left_alone(place):
    (place / "run").mkdir()
    with only_run(place / "run"):
        result = called(place, place / "features", "--truth", place)
    assert result.exit_code == 1
    assert "\nD36 " in result.stderr
    assert not (place / "run" / "run.json").exists()
