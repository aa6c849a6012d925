"""Copies of data sets in other forms than the owners': class folders, tables of Kaggle, labels that count from 0."""

from __future__ import annotations

from pathlib import Path

import pytest

from abawbench.base.problems import Problem
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.labels import Labels
from tests.datasets.readers.conftest import write

NAMES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
RAF = "basic/EmoLabel/list_patition_label.txt"


def read(name: str, root: Path, which: str | None = None) -> tuple[Labels, list[Problem]]:
    labels, problems = read_with_problems(get_manifest(name), root, which)
    assert labels is not None, problems
    return labels, list(problems)


def refused(name: str, root: Path, which: str | None = None) -> list[Problem]:
    labels, problems = read_with_problems(get_manifest(name), root, which)
    assert labels is None
    return list(problems)


def classes(labels: Labels) -> list[int]:
    return labels.table.classes("expression").tolist()


@pytest.mark.parametrize("name", ["fer2013.csv", "icml_face_data.csv", "fer2013/fer2013.csv"])
@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "emotion, Usage, pixels"])
def test_fer2013_is_read_under_both_names_with_columns_in_any_order(tmp_path, name, header):
    order = [word.strip() for word in header.split(",")]
    rows = [("0", "Training"), ("3", "PublicTest"), ("6", "PrivateTest")]
    lines = [
        ",".join({"emotion": label, "Usage": usage, "pixels": "1 2 3"}[key] for key in order) for label, usage in rows
    ]
    write(tmp_path, name, header, *lines)
    labels, problems = read("fer2013", tmp_path)
    assert problems == []
    assert classes(labels) == [0, 3, 6]
    assert labels.splits == ("train", "validation", "test")


def test_fer2013_is_read_from_folders_of_classes(tmp_path):
    for split in ("train", "test"):
        for number, name in enumerate(NAMES):
            write(tmp_path, f"{split}/{name}/{split}_{number}.jpg", "x")
    labels, problems = read("fer2013", tmp_path)
    assert problems == []
    assert sorted(zip(labels.splits, classes(labels), strict=True)) == [
        (s, n) for s in ("test", "train") for n in range(7)
    ]
    found = dict(zip(labels.table.videos, classes(labels), strict=True))
    assert found["train/sad/train_4.jpg"] == 4


def test_the_training_rows_of_the_competition_are_read_and_its_test_rows_have_no_labels(tmp_path):
    write(tmp_path, "test.csv", "pixels", "1 2 3")
    (problem,) = refused("fer2013", tmp_path, "expression")
    assert "without labels" in problem.found
    assert "icml_face_data.csv" in problem.fix
    write(tmp_path, "train.csv", "emotion,pixels", "4,1 2 3")
    labels, _ = read("fer2013", tmp_path)
    assert (classes(labels), labels.splits) == ([4], ("train",))


@pytest.mark.parametrize("above", ["DATASET/", ""])
def test_raf_db_is_read_from_folders_that_are_numbers(tmp_path, above):
    for number in range(1, 8):
        write(tmp_path, f"{above}train/{number}/train_{number:05d}_aligned.jpg", "x")
    write(tmp_path, f"{above}test/7/test_0001_aligned.jpg", "x")
    labels, problems = read("raf-db", tmp_path)
    assert problems == []
    assert sorted(classes(labels)) == [0, 1, 2, 3, 4, 5, 6, 6]


def test_raf_db_is_read_from_the_tables_of_kaggle_with_the_owners_names(tmp_path):
    write(tmp_path, "train_labels.csv", "image,label", "train_00001_aligned.jpg,5", "train_00002_aligned.jpg,7")
    write(tmp_path, "test_labels.csv", "image,label", "test_0001_aligned.jpg,1")
    labels, problems = read("raf-db", tmp_path)
    assert problems == []
    assert dict(zip(labels.table.videos, classes(labels), strict=True)) == {
        "train_00001": 4,
        "train_00002": 6,
        "test_0001": 0,
    }


def test_labels_from_0_in_a_list_of_labels_from_1_are_refused_as_a_whole(tmp_path):
    write(tmp_path, RAF, *(f"train_{number:05d}.jpg {number % 7}" for number in range(20)))
    (problem,) = refused("raf-db", tmp_path)
    assert (problem.rule, problem.count) == ("V06", 20)
    assert "one class off" in problem.found


def test_a_single_wrong_label_is_left_out_alone(tmp_path):
    write(tmp_path, RAF, *(f"train_{number:05d}.jpg {number}" for number in range(8)))
    labels, (problem,) = read("raf-db", tmp_path)
    assert (problem.rule, problem.line) == ("V06", 1)
    assert classes(labels) == list(range(7))


def test_files_beside_one_that_counts_from_0_are_not_believed_either(tmp_path):
    write(
        tmp_path,
        "train_labels.csv",
        "image,label",
        *(f"train_{number:05d}_aligned.jpg,{number % 7}" for number in range(9)),
    )
    write(tmp_path, "test_labels.csv", "image,label", "test_0001_aligned.jpg,3")
    problems = refused("raf-db", tmp_path)
    assert [(problem.rule, Path(problem.file or "").name) for problem in problems] == [
        ("V06", "train_labels.csv"),
        ("V06", "test_labels.csv"),
    ]


def test_labels_from_1_in_a_table_of_labels_from_0_are_refused_as_a_whole(tmp_path):
    write(tmp_path, "fer2013.csv", "emotion,pixels,Usage", *(f"{number},1 2,Training" for number in range(1, 8)))
    assert [(problem.rule, problem.count) for problem in refused("fer2013", tmp_path)] == [("V06", 7)]


def test_files_of_sequences_that_count_from_0_are_refused_as_a_whole(tmp_path):
    for number in range(7):
        write(tmp_path, f"Emotion/S{number:03d}/001/S{number:03d}_001_00000011_emotion.txt", f"   {number}.0000000e+00")
    problems = refused("ck-plus", tmp_path, "expression")
    assert [(problem.rule, problem.count) for problem in problems] == [("V06", 7)]
    # with neutral as class 0 the same files are right
    assert classes(read("ck-plus", tmp_path, "expression_8")[0])[2] == 0


def test_the_kaggle_table_of_ck_plus_is_called_what_it_is(tmp_path):
    write(tmp_path, "ckextended.csv", "emotion,pixels,Usage", "6,36 39 35,Training")
    (problem,) = refused("ck-plus", tmp_path, "expression")
    assert "the table of pixels from Kaggle" in problem.found


def test_label_sets_that_say_different_things_are_to_be_named(tmp_path):
    write(tmp_path, RAF, "train_00001.jpg 5")
    write(tmp_path, RAF.replace("basic", "compound"), "train_00001.jpg 5")
    assert [problem.rule for problem in refused("raf-db", tmp_path)] == ["D15"]
