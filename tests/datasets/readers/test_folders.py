from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from abawbench.base.problems import Problem
from abawbench.datasets.manifests.model import Manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.labels import Labels

CLASSES = {"kind": "classes", "name": "expression", "classes": ("Neutral", "Anger", "Happiness")}


def manifest_of(task: dict | None = None, files: tuple[str, ...] = (".",), **options) -> Manifest:
    labels = {"id": "mine", "reader": "class-folders", "files": files, "tasks": (task or CLASSES,), "options": options}
    return Manifest.model_validate(
        {
            "name": "mine",
            "version": "1",
            "title": "Mine",
            "summary": "Pictures in folders.",
            "status": "documented",
            "licence": {"terms": "mine", "access": "ask me"},
            "labels": (labels,),
            "group": "image",
            "metric": "accuracy",
        }
    )


def read(manifest: Manifest, root: Path) -> tuple[Labels, list[Problem]]:
    labels, problems = read_with_problems(manifest, root, None)
    assert labels is not None, problems
    return labels, list(problems)


def pictures(root: Path, *places: str) -> None:
    for place in places:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(b"x")


def test_a_folder_of_pictures_for_each_class_is_a_data_set(tmp_path):
    pictures(tmp_path, "neutral/b.png", "Neutral/a.JPG", "happiness/x y.jpeg", "ANGER/c.jpg", "ANGER/.hidden")
    labels, problems = read(manifest_of(), tmp_path)
    assert problems == []
    assert labels.table.videos == ("ANGER/c.jpg", "Neutral/a.JPG", "happiness/x y.jpeg", "neutral/b.png")
    assert labels.table.classes("expression").tolist() == [1, 0, 2, 0]
    assert labels.images is not None
    assert labels.images.tolist() == list(labels.table.videos)
    assert set(labels.splits) == {""}


def test_splits_are_folders_above_and_codes_and_aliases_name_the_classes(tmp_path):
    pictures(tmp_path, "train/0/a.jpg", "train/cheer/a.jpg", "test/2/a.jpg")
    task = CLASSES | {"codes": (0, 1, 2)}
    labels, problems = read(manifest_of(task, ("train=train", "test=test"), aliases=("cheer=Happiness",)), tmp_path)
    assert problems == []
    assert labels.table.classes("expression").tolist() == [0, 2, 2]
    assert labels.splits == ("train", "train", "test")


def test_a_folder_that_is_no_class_is_named_and_left_out(tmp_path):
    pictures(tmp_path, "neutral/a.jpg", "boredom/a.jpg")
    labels, problems = read(manifest_of(), tmp_path)
    assert labels.table.videos == ("neutral/a.jpg",)
    assert [problem.rule for problem in problems] == ["D14"]
    assert "'boredom'" in problems[0].found


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
def test_a_picture_or_class_whose_name_is_no_text_is_named_and_left_out(tmp_path):
    pictures(
        tmp_path, "neutral/b.png", os.fsdecode(b"neutral/c\xff.png"), "neutral/d\ne.png", os.fsdecode(b"\xe9/c.png")
    )
    labels, problems = read(manifest_of(), tmp_path)
    assert labels.table.videos == ("neutral/b.png", "neutral/d\ne.png")
    assert [problem.rule for problem in problems].count("F19") == 2


def test_an_empty_class_folder_is_named(tmp_path):
    pictures(tmp_path, "neutral/a.jpg", "anger/notes.txt")
    labels, problems = read(manifest_of(), tmp_path)
    assert len(labels.table) == 1
    assert [(problem.rule, problem.file) for problem in problems] == [("F02", str(tmp_path / "anger"))]


def test_a_pattern_says_who_a_picture_shows(tmp_path):
    pictures(tmp_path, "neutral/ann_1.jpg", "anger/ann_2.jpg", "neutral/bob_1.jpg", "neutral/nobody.jpg")
    labels, problems = read(manifest_of(pattern=r"/(?P<subject>[a-z]+)_\d+\.jpg$"), tmp_path)
    assert dict(zip(labels.table.videos, labels.subjects, strict=True)) == {
        "anger/ann_2.jpg": "ann",
        "neutral/ann_1.jpg": "ann",
        "neutral/bob_1.jpg": "bob",
    }
    assert [problem.rule for problem in problems] == ["T06"]


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ({"kind": "numbers", "name": "va", "columns": ("valence",), "low": -1, "high": 1}, {}),
        (CLASSES, {"aliases": ("cheer=Joy",)}),
    ],
)
def test_what_folders_cannot_say_is_a_fault_of_the_manifest(tmp_path, task, options):
    pictures(tmp_path, "neutral/a.jpg")
    labels, problems = read_with_problems(manifest_of(task, **options), tmp_path, None)
    assert labels is None
    assert [problem.rule for problem in problems] == ["D01"]


def test_a_folder_without_class_folders_is_a_problem(tmp_path):
    labels, problems = read_with_problems(manifest_of(), tmp_path, None)
    assert labels is None
    assert [problem.rule for problem in problems] == ["F02"]


def test_folders_that_are_all_one_class_off_are_refused_as_a_whole(tmp_path):
    pictures(tmp_path, "0/a.jpg", "1/a.jpg", "2/a.jpg")
    labels, problems = read_with_problems(manifest_of(CLASSES | {"codes": (1, 2, 3)}), tmp_path, None)
    assert labels is None
    assert [(problem.rule, problem.count) for problem in problems] == [("V06", 3)]
