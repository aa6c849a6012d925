"""The protocols of CK+, Oulu-CASIA and MMI on made-up copies: which frames, which folds, which score."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.datasets.folds import make_folds
from abawbench.datasets.label_file import read_label_file, subjects_of, write_labels
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.labels import Labels
from abawbench.datasets.readers.pictures import copy_pictures
from abawbench.formats import read_truth
from abawbench.scoring import score
from abawbench.scoring.intervals import Resampling
from abawbench.table import Table
from abawbench.training.sources import Source, read_labels
from tests.datasets.posed import write_ck_plus, write_mmi, write_oulu_casia

COPIES = {
    "ck-plus": ("expression", "ck-plus-expression", write_ck_plus, [3, 4, 5]),
    "oulu-casia": ("expression", "oulu-casia-expression", write_oulu_casia, [1, 2, 3]),
    "mmi": ("middle", "mmi-expression", write_mmi, [3, 4, 5]),
}


@pytest.fixture(scope="module")
def copies(tmp_path_factory) -> dict[str, tuple[Path, Labels]]:
    found = {}
    for name, (label_set, _, write, _) in COPIES.items():
        root = write(tmp_path_factory.mktemp(name))
        labels, problems = read_with_problems(get_manifest(name), root, label_set)
        assert labels is not None
        assert problems == ()
        found[name] = (root, labels)
    return found


@pytest.mark.parametrize("name", COPIES)
def test_three_frames_of_each_labelled_sequence_are_taken(copies, name):
    table = copies[name][1].table
    assert Counter(table.frame.tolist()).keys() == set(COPIES[name][3])
    assert set(Counter(table.video.tolist()).values()) == {3}


@pytest.mark.parametrize("name", COPIES)
def test_labels_in_the_owners_classes_are_a_truth_of_the_challenge(copies, name, tmp_path):
    labels = copies[name][1]
    path = tmp_path / "labels.parquet"
    write_labels(labels, labels.table, labels.tasks, path)
    challenge = get(COPIES[name][1])
    truth = read_truth(challenge, path)
    np.testing.assert_array_equal(truth.classes("expression"), labels.table.classes("expression"))
    wrong = Table(truth.videos, truth.video, truth.frame, {"expression": truth.classes("expression") * 0})
    share = float((truth.classes("expression") == 0).mean())
    assert score(challenge, truth, wrong, resampling=Resampling(100)).score == pytest.approx(share)


@pytest.mark.parametrize("name", COPIES)
def test_a_training_holds_out_the_people_of_a_block_that_the_labels_name(copies, name, tmp_path):
    labels = copies[name][1]
    path = tmp_path / "labels.parquet"
    write_labels(labels, labels.table, labels.tasks, path)
    subjects = read_label_file(path).subjects
    people = sorted(set(labels.subjects))
    block = len(people) // 10
    for fold, expected in ((1, people[:block]), (10, people[9 * block :])):
        source = Source((tmp_path,), train=path, fold=(fold, 10), deal="sorted")
        found = read_labels(source, get(COPIES[name][1]))
        assert found.validation is not None
        assert {subjects[unit] for unit in found.validation.videos} == set(expected)
        assert {subjects[unit] for unit in found.train.videos} == set(people) - set(expected)


def table_of(units: list[str]) -> Table:
    rows = len(units)
    return Table(tuple(units), np.arange(rows, dtype=np.int32), np.ones(rows, np.int32), {"x": np.zeros(rows, np.int8)})


@given(st.lists(st.integers(0, 999), min_size=10, max_size=60, unique=True), st.integers(2, 10), st.randoms())
def test_sorted_folds_are_blocks_of_people_whatever_the_order_of_the_rows(people, folds, random):
    subjects = {f"{person:03d}-{part}": f"{person:03d}" for person in people for part in "ab"}
    units = list(subjects)
    random.shuffle(units)
    made = make_folds(table_of(units), folds=folds, groups=subjects, deal="sorted")
    names = sorted(set(subjects.values()))
    block = len(names) // folds
    cuts = [block * fold for fold in range(folds)] + [len(names)]
    for fold, members in enumerate(made.members):
        assert [subjects[unit] for unit in members[::2]] == names[cuts[fold] : cuts[fold + 1]]
        assert len(members) == 2 * (cuts[fold + 1] - cuts[fold])


def test_sorted_folds_follow_the_subjects_and_not_the_units():
    made = make_folds(table_of(["a", "b", "c"]), folds=3, groups={"a": "z", "b": "y", "c": "x"}, deal="sorted")
    assert made.members == (("c",), ("b",), ("a",))


def test_labelled_pictures_are_copied_by_unit_and_frame(copies, tmp_path):
    root, labels = copies["ck-plus"]
    steps = []
    count = copy_pictures(labels, root, tmp_path / "out", lambda units, rows: steps.append(rows))
    assert count == len(labels.table) == len(steps)
    assert steps[-1] == (count, count)
    assert sorted(path.name for path in (tmp_path / "out" / "S005_001").iterdir()) == [
        "00003.png",
        "00004.png",
        "00005.png",
    ]
    place = tmp_path / "out" / "S005_001" / "00003.png"
    before = place.stat().st_mtime_ns
    copy_pictures(labels, root, tmp_path / "out", lambda units, rows: None)
    assert place.stat().st_mtime_ns == before


def test_labels_without_pictures_have_nothing_to_copy(copies, tmp_path):
    root, labels = copies["ck-plus"]
    bare = Labels(labels.manifest, labels.tasks, labels.table, labels.subjects, labels.splits, None)
    with pytest.raises(ProblemError, match="D15"):
        copy_pictures(bare, root, tmp_path, lambda units, rows: None)


def test_one_split_of_labels_keeps_its_rows_and_pictures(tmp_path):
    place = tmp_path / "compound" / "EmoLabel"
    place.mkdir(parents=True)
    (place / "list_patition_label.txt").write_text("train_00001.jpg 1\ntest_0001.jpg 3\ntrain_00002.jpg 11\n")
    labels, _ = read_with_problems(get_manifest("raf-db"), tmp_path, "compound")
    assert labels is not None
    part = labels.of_split("train")
    assert part.table.classes("compound").tolist() == [0, 10]
    assert {part.table.videos[video] for video in part.table.video} == {"train_00001", "train_00002"}
    assert part.images is not None
    assert len(part.images) == 2
    with pytest.raises(ProblemError, match=r"D15(.|\n)*test, train"):
        labels.of_split("validation")


def test_subjects_of_files_are_known_only_where_every_unit_has_one(copies, tmp_path):
    labels = copies["ck-plus"][1]
    whole, partly = tmp_path / "whole.parquet", tmp_path / "partly.parquet"
    write_labels(labels, labels.table, labels.tasks, whole)
    write_labels(replace(labels, subjects=("", *labels.subjects[1:])), labels.table, labels.tasks, partly)
    found = subjects_of([whole])
    assert found == dict(zip(labels.table.videos, labels.subjects, strict=True))
    assert subjects_of([partly]) is None
    assert subjects_of([whole, tmp_path / "labels.txt"]) is None
    assert subjects_of([]) is None
