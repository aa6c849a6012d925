"""What a training starts from, where files of weights are not there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.clips.crop import Crop
from abawbench.clips.open import open_clips
from abawbench.entries import load_entry
from abawbench.entries.conformance.suite import conform
from abawbench.entries.entry_file import read_entry_file
from abawbench.training.sources import Source
from abawbench.training.starting import starting_content, with_crop
from abawbench.training.train import train
from tests.training import runs
from tests.training.runs import a_corpus, an_entry, some_features, write_labels

BRING = '{file = "%s.safetensors", licence = "yours", source = "your own training"}\n'
HEADS = f"[settings]\nweights = {BRING % 'heads'}"
TINY_WIDTH = 32


@pytest.fixture(scope="module")
def features(tmp_path_factory) -> Path:
    return some_features(tmp_path_factory.mktemp("features"), TINY_WIDTH)


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> Path:
    return write_labels(tmp_path_factory.mktemp("truth"))


def of_crops(tmp_path: Path, weights: str = "") -> Path:
    backbone = runs.BACKBONE + (f"weights = {weights}" if weights else "")
    text = runs.HEAD.format(kind="network") + runs.PICTURE + HEADS + backbone + runs.GRU + runs.HEADS
    return an_entry(tmp_path, text + runs.TRAINING + "[training.schedule]\nkind = 'constant'\n")


def start(path: Path, data: Path):
    return starting_content(read_entry_file(path), path, open_clips(data).clips, 7)


def test_heads_without_a_file_are_drawn_and_the_user_is_told(tmp_path, features):
    content, told = start(of_crops(tmp_path), features)
    assert "weights" not in content.settings
    assert content.settings["seed"] == 7
    assert told == ["no heads.safetensors yet: the heads start from seed 7"]


def test_heads_with_a_file_start_from_it(tmp_path, features):
    path = of_crops(tmp_path)
    path.with_name("heads.safetensors").touch()
    content, told = start(path, features)
    assert content.settings["weights"]["file"] == "heads.safetensors"
    assert told == []


def test_features_stand_for_backbones_whose_files_are_not_there(tmp_path, features):
    content, told = start(of_crops(tmp_path, BRING % "mine"), features)
    assert "backbones" not in content.settings
    assert content.settings["features"] == TINY_WIDTH
    assert content.picture is None
    assert told[1:] == ["no mine.safetensors: the trained entry takes features, 32 a frame, and no crops"]


@pytest.mark.parametrize(
    ("on_card", "shown", "expected"),
    [("", ["wide"], "wide"), ("", ["wide", "eyes-1"], ""), ("", ["wide", None], ""), ("eyes-1", ["wide"], "eyes-1")],
)
def test_a_card_without_a_crop_takes_over_what_the_data_say(tmp_path, on_card, shown, expected):
    path = of_crops(tmp_path)
    path.write_text(path.read_text().replace('"arcface-112"', f'"{on_card}"'))
    clip = clip_in_memory("v", np.zeros((1, 9, 9, 3), np.uint8))
    recipes = [None if name is None else Crop.named(name, 9).to_json() for name in shown]
    content = with_crop(read_entry_file(path), [replace(clip, crop_recipe=recipe) for recipe in recipes])
    assert content.picture is not None
    assert content.picture.crop == expected


def test_heads_of_facebehaviornet_are_drawn_too(tmp_path):
    text = runs.FACEBEHAVIOR.replace("[settings.trunk]", f"{HEADS}[settings.trunk]")
    content, told = start(an_entry(tmp_path, text), a_corpus(tmp_path / "corpus"))
    assert "weights" not in content.settings
    assert told == ["no heads.safetensors yet: the heads start from seed 7"]


def test_backbones_that_are_there_stay_beside_features(tmp_path, features):
    content, _ = start(of_crops(tmp_path), features)
    assert [part["kind"] for part in content.settings["backbones"]] == ["tiny_vit"]
    assert content.picture is not None


def test_an_entry_without_any_weights_learns_from_features_and_passes_the_conformance_suite(tmp_path, features, truth):
    told: list[str] = []
    path, source = of_crops(tmp_path, BRING % "mine"), Source((features,), truth)
    train(path, source, tmp_path / "run", {"training.epochs": 1}, notice=told.append)
    assert len(told) == 3
    assert told[2] == "assumed: the data are s-Aff-Wild2; training.dataset names others"
    report = conform(lambda: load_entry(tmp_path / "run"))
    assert report.is_ok, report.problems
    # a second run starts from the heads of the first
    shutil.copy(tmp_path / "run" / "heads.safetensors", path.parent)
    changes = {"training.epochs": 1, "training.dataset": "mine"}
    train(path, source, tmp_path / "next", changes, notice=told.append)
    assert len(told) == 4
    card = load_entry(tmp_path / "next").card
    assert card.tasks
    assert card.trained_on == ("mine, train split",)


def test_crops_need_the_files_of_the_backbones_and_not_that_of_the_heads(tmp_path):
    corpus = a_corpus(tmp_path / "corpus")
    with pytest.raises(ProblemError) as caught:
        train(of_crops(tmp_path, BRING % "mine"), Source((corpus,)), tmp_path / "run")
    assert [(problem.rule, Path(problem.file or "").name) for problem in caught.value.problems] == [
        ("E11", "mine.safetensors")
    ]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"settings.weights": "heads.safetensors"}, "settings.weights = 'heads.safetensors'"),
        ({"settings.weights.file": 3}, "settings.weights.file = 3"),
        ({"settings.backbones": 3}, "settings.backbones = 3"),
    ],
)
def test_settings_of_the_wrong_type_are_refused_with_their_place(tmp_path, features, truth, changes, found):
    with pytest.raises(ProblemError) as caught:
        train(of_crops(tmp_path), Source((features,), truth), tmp_path / "run", changes)
    assert ("E02", found) in {(problem.rule, problem.found) for problem in caught.value.problems}


def test_folders_of_features_of_other_videos_are_refused(tmp_path, truth):
    folders = [some_features(tmp_path / name, TINY_WIDTH) for name in ("one", "two")]
    for folder, kept in zip(folders, ("a", "b"), strict=True):
        for path in folder.glob("*.safetensors"):
            if path.stem != kept:
                path.unlink()
    with pytest.raises(ProblemError, match=r"P04[\s\S]*no unit that every folder has"):
        train(of_crops(tmp_path), Source(tuple(folders), truth), tmp_path / "run")


def test_features_of_another_width_than_the_backbones_are_refused(tmp_path, truth):
    narrow = some_features(tmp_path / "narrow", 5)
    with pytest.raises(ProblemError, match=r"E19[\s\S]*5 features a frame[\s\S]*expected 32 as the entry"):
        train(of_crops(tmp_path, BRING % "mine"), Source((narrow,), truth), tmp_path / "run")


def test_tasks_without_labels_are_told_and_noted_on_the_card(tmp_path):
    place = write_labels(tmp_path / "truth")
    path = place / "training_set_annotations.txt"
    header, *rows = path.read_text().splitlines()
    masked = [",".join((name, "-5", "-5", *rest)) for name, _, _, *rest in (row.split(",") for row in rows)]
    path.write_text("\n".join([header, *masked]) + "\n")
    entry = an_entry(tmp_path, runs.FEATURES + runs.GRU + runs.HEADS + runs.TRAINING)
    told: list[str] = []
    source = Source((some_features(tmp_path / "features"),), place)
    train(entry, source, tmp_path / "run", {"training.epochs": 1}, notice=told.append)
    (note,) = [sentence for sentence in told if "without labels of va:" in sentence]
    assert note in load_entry(str(tmp_path / "run")).card.notes
    train(entry, Source(source.data, write_labels(tmp_path / "all")), tmp_path / "whole", {"training.epochs": 1})
    assert not any("without labels" in sentence for sentence in load_entry(str(tmp_path / "whole")).card.notes)
