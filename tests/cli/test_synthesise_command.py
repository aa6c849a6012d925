from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from abawbench.cli import main
from abawbench.cli.stopping import message
from abawbench.clips.crop import Crop
from abawbench.clips.crop_file import write_crop
from abawbench.clips.features import write_features
from tests.faces.conftest import Blobs, picture
from tests.inference.conftest import write_crops

ENTRY = """\
name = "2026_test_brighter"
title = "brighter for each expression"
kind = "code"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"

[picture]
size = 112
colour = "RGB"
crop = "arcface-112"
"""
CODE = """\
class Brighter:
    expressions = ("Neutral", "Happiness")

    def __init__(self, card):
        self.card = card

    def predict(self, clip):
        raise RuntimeError("nobody asked for answers")

    def synthesise(self, crops, expression):
        return crops // 2 + 40 * self.expressions.index(expression)


def create(card, vocabulary, settings):
    return Brighter(card)
"""


@pytest.fixture
def submissions(tmp_path) -> Path:
    folder = tmp_path / "submissions" / "2026_test_brighter"
    folder.mkdir(parents=True)
    (folder / "entry.toml").write_text(ENTRY)
    (folder / "entry.py").write_text(CODE)
    return folder.parent


@pytest.fixture
def crops(tmp_path) -> Path:
    write_crop(tmp_path / "crops", Crop("arcface-112", 112))
    return write_crops(tmp_path / "crops", {"one": 5, "two": 3}, side=112)


def called(submissions: Path, *arguments: object):
    words = ["synthesise", *(str(argument) for argument in arguments), "--submissions", str(submissions)]
    return CliRunner().invoke(main, words)


def test_faces_go_into_a_folder_for_each_expression_and_the_summary_to_standard_output(submissions, crops, tmp_path):
    out = tmp_path / "out"
    result = called(submissions, "2026_test_brighter", crops, "--to", "happy", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert "units      2 from crops: 2 done" in result.stdout
    assert "faces to   Happiness" in result.stdout
    assert sorted(path.name for path in out.iterdir() if path.name[0] != ".") == [
        *("Happiness", "manifest.csv", "sheet.jpg", "synthesis.json", "units"),
    ]


def test_json_holds_the_counts_the_expressions_and_the_places(submissions, crops, tmp_path):
    result = called(submissions, "2026_test_brighter", crops, "-o", tmp_path / "out", "--json")
    record = json.loads(result.stdout)
    assert (record["ok"], record["verb"], record["made"], record["valid"]) == (True, "synthesise", 2, 8)
    assert record["expressions"] == ["Neutral", "Happiness"]
    assert Path(record["manifest"]).is_file()
    assert Path(record["sheet"]).is_file()
    again = json.loads(called(submissions, "2026_test_brighter", crops, "-o", tmp_path / "out", "--json").stdout)
    assert (again["made"], again["kept"]) == (0, 2)


def test_the_folders_can_be_read_by_other_verbs(submissions, crops, tmp_path):
    called(submissions, "2026_test_brighter", crops, "-o", tmp_path / "out")
    faces = tmp_path / "out" / "Happiness"
    result = called(submissions, "2026_test_brighter", faces, "--to", "neutral", "-o", tmp_path / "again")
    assert result.exit_code == 0, result.stderr
    assert "N50" not in result.stderr


def test_faces_of_a_picture_are_cropped_as_the_card_asks(submissions, tmp_path, monkeypatch):
    monkeypatch.setattr("abawbench.faces.run.Detector", Blobs)
    monkeypatch.setattr("abawbench.faces.run.weights_path", lambda _: None)
    cv2.imwrite(str(tmp_path / "me.png"), picture((1, 40, 40)))
    out = tmp_path / "out"
    result = called(submissions, "2026_test_brighter", tmp_path / "me.png", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert (out / "Happiness" / "me" / "00001.png").is_file()


def test_wrong_names_are_told_and_nothing_is_written(submissions, crops, tmp_path):
    wrong = ("--to", "hapy", "--to", "fear")
    result = called(submissions, "2026_test_brighter", crops, "-o", tmp_path / "out", *wrong, "--json")
    assert result.exit_code == 1
    assert [one["rule"] for one in json.loads(result.stdout)["problems"]] == ["C02", "C02"]
    assert not (tmp_path / "out").exists()


def test_an_entry_without_a_generator_is_told(submissions, crops, tmp_path):
    code = submissions / "2026_test_brighter" / "entry.py"
    code.write_text(CODE.replace("def synthesise", "def brighten"))
    result = called(submissions, "2026_test_brighter", crops, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "E23 entry without a generator" in result.stderr


def test_crops_of_another_kind_and_features_are_told(submissions, crops, tmp_path):
    write_crop(crops, Crop("wide", 112))
    result = called(submissions, "2026_test_brighter", crops, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "E06" in result.stderr
    (tmp_path / "features").mkdir()
    frames = np.array([1, 2], np.int32)
    write_features(tmp_path / "features" / "one.safetensors", frames, np.zeros((2, 4), np.float32))
    result = called(submissions, "2026_test_brighter", tmp_path / "features", "-o", tmp_path / "other")
    assert result.exit_code == 1
    assert "name the folder of crops that they were made from" in result.stderr


def test_out_is_not_the_folder_of_the_faces(submissions, crops):
    result = called(submissions, "2026_test_brighter", crops, "-o", crops)
    assert result.exit_code == 1
    assert "F12" in result.stderr


def test_a_stopped_run_says_how_it_goes_on():
    assert "every finished unit is kept" in message(["synthesise", "a", "b", "-o", "c"])
