from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import Problem
from abawbench.datasets.manifests.parse import read_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.ferplus import majority, multi_target, probability
from abawbench.datasets.readers.labels import Labels
from examples.real_data import real_data

MANIFEST = Path(__file__).parents[3] / "data_manifests" / "ferplus_1.toml"
HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def read(root: Path, which: str) -> tuple[Labels, tuple[Problem, ...]]:
    labels, problems = read_with_problems(read_manifest(MANIFEST), root, which)
    assert labels is not None, problems
    return labels, problems


def votes(*rows: str) -> np.ndarray:
    return np.array([[float(vote) for vote in row.split()] for row in rows])


def test_the_majority_is_more_than_half_of_the_votes_without_single_ones():
    given = votes("4 0 0 1 3 2 0 0 0 0", "6 0 1 1 0 0 0 0 2 0", "5 5 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 10")
    # 4 of 9, 6 of 8, 5 of 10, 10 of 10
    assert majority(given).tolist() == [8, 0, 8, 9]


def test_single_votes_alone_leave_the_face_unknown():
    given = votes("1 1 1 1 1 1 1 1 1 1")
    assert majority(given).tolist() == [8]
    assert probability(given)[0].tolist() == [0] * 8 + [1, 0]


def test_shares_are_of_the_leading_classes_until_they_hold_three_quarters():
    given = votes("4 0 0 1 3 2 0 0 0 0", "8 2 0 0 0 0 0 0 0 0")
    shares = probability(given)
    # 4 and 3 of 9 are 0.78; 8 of 10 is enough
    assert shares[0].tolist() == [4 / 7, 0, 0, 0, 3 / 7, 0, 0, 0, 0, 0]
    assert shares[1].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_targets_have_three_tenths_of_the_votes():
    assert multi_target(votes("4 0 0 1 3 2 0 0 0 0"))[0].tolist() == [4 / 7, 0, 0, 0, 3 / 7, 0, 0, 0, 0, 0]


def published(row: list[float], mode: str) -> list[float]:
    """What microsoft/FERPlus:src/ferplus.py describes, one face at a time and in its order of steps."""
    left = [0.0 if vote < 1.0 + sys.float_info.epsilon else vote for vote in row]
    unknown = [0.0] * 8 + [1.0, 0.0]
    total, label = sum(left), [0.0] * 10
    if mode == "majority":
        if max(left) > 0.5 * total:
            label[left.index(max(left))] = max(left)
        else:
            label = unknown
    elif mode == "probability":
        held, count, goes_on = 0.0, 0, True
        while held < 0.75 * total and count < 3 and goes_on:
            largest = max(left)
            for place in range(10):
                if left[place] == largest:
                    label[place], left[place] = largest, 0.0
                    held, count = held + largest, count + 1
                    if place >= 8:
                        goes_on = False
                        if sum(label) > largest:
                            label[place], count = 0.0, count - 1
                        break
        if sum(label) <= 0.5 * total or count > 3:
            label = unknown
    else:
        label = [vote if vote >= 0.3 * total else 0.0 for vote in left]
        if sum(label) <= 0.5 * total:
            label = unknown
    return [value / sum(label) for value in label]


def ballots(choices: list[int]) -> list[float]:
    return [float(choices.count(place)) for place in range(10)]


BALLOTS = st.lists(st.integers(0, 9), min_size=10, max_size=10).map(ballots)


@given(st.lists(BALLOTS, min_size=1, max_size=30))
def test_every_mode_gives_what_the_owners_program_gives(rows):
    given = np.array(rows)
    for mode, made in (("probability", probability(given)), ("multi-target", multi_target(given))):
        assert made.tolist() == [published(row, mode) for row in rows]
    assert majority(given).tolist() == [int(np.argmax(published(row, "majority"))) for row in rows]


TABLE = [
    "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
    "Training,,0,0,0,0,0,0,0,0,0,10",
    "PublicTest,fer0000001.png,6,0,1,1,0,0,0,0,2,0",
    "PrivateTest,fer0000002.png,5,0,0,3",
    "PrivateTest,fer0000003.png,11,0,0,0,0,0,0,0,0,0",
    "PrivateTest,fer0000004.png,0,0,0,0,0,0,0,3,7,0",
]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_without_a_picture_are_no_faces_and_faulty_ones_are_named(tmp_path, end):
    (tmp_path / "fer2013new.csv").write_bytes((end.join([HEADER, *TABLE]) + end).encode())
    labels, problems = read(tmp_path, "majority")
    assert labels.table.videos == ("fer0000000.png", "fer0000001.png", "fer0000004.png")
    assert labels.table.classes("expression").tolist() == [8, 0, 8]
    assert labels.splits == ("train", "validation", "test")
    assert [(problem.rule, problem.line) for problem in problems] == [("F06", 5), ("N33", 3), ("V09", 6)]
    assert "1 row without the name of a picture" in problems[1].found


def test_modes_without_a_class_mask_what_is_no_emotion(tmp_path):
    (tmp_path / "fer2013new.csv").write_text("\n".join([HEADER, *TABLE]))
    shares = read(tmp_path, "probability")[0].table.numbers("expression_shares")
    assert shares[0].tolist() == [4 / 7, 0, 0, 0, 3 / 7, 0, 0, 0]
    assert np.isnan(shares[2]).all()
    assert read(tmp_path, "multi_target")[0].table.classes("expressions").tolist() == [
        [1, 0, 0, 0, 1, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0],
        [-1] * 8,
    ]
    assert read(tmp_path, "votes")[0].table.numbers("votes")[2].tolist() == [0, 0, 0, 0, 0, 0, 0, 3, 7, 0]


def test_the_folder_form_has_no_header_and_a_box_with_commas(tmp_path):
    for folder, name in (("FER2013Train", "fer0000000.png"), ("FER2013Valid", "fer2.png"), ("FER2013Test", "fer3.png")):
        (tmp_path / "data" / folder).mkdir(parents=True)
        lines = [f'{name},"(0, 0, 48, 48)",8,2,0,0,0,0,0,0,0,0', 'lost.png,"(0, 0, 48, 48)",8,2,0,0,0,0,0,0,0,0', ""]
        (tmp_path / "data" / folder / "label.csv").write_text("\n".join(lines))
        (tmp_path / "data" / folder / name).write_bytes(b"x")
    labels, problems = read(tmp_path, "majority_folders")
    assert labels.splits == ("train", "validation", "test")
    assert labels.table.classes("expression").tolist() == [0, 0, 0]
    assert labels.images is not None
    assert labels.images.tolist() == [
        "data/FER2013Train/fer0000000.png",
        "data/FER2013Valid/fer2.png",
        "data/FER2013Test/fer3.png",
    ]
    assert {problem.rule for problem in problems} == {"D10"}


def test_a_mode_that_does_not_fit_the_task_is_a_fault_of_the_manifest(tmp_path):
    manifest = read_manifest(MANIFEST)
    wrong = manifest.labels[0].model_copy(update={"options": {**manifest.labels[0].options, "mode": "probability"}})
    labels, problems = read_with_problems(manifest.model_copy(update={"labels": (wrong,)}), tmp_path, None)
    assert labels is None
    assert [problem.rule for problem in problems] == ["D01"]


@pytest.mark.real_data
def test_the_real_table_has_its_35714_faces():
    labels, problems = read(real_data() / "labels", "votes")
    assert [(problem.rule, problem.count) for problem in problems] == [("N33", 173)]
    counts = labels.table.numbers("votes")
    assert counts.shape == (35_714, 10)
    # four pictures have two rows, 173 further rows have no picture
    assert len(labels.table.videos) == 35_710
    assert sorted(np.unique(counts.sum(axis=1), return_counts=True)[1].tolist()) == [1, 35_713]
    of_split = {name: labels.splits.count(name) for name in ("train", "validation", "test")}
    assert of_split == {split.name: split.counts["units"] for split in labels.manifest.splits}


@pytest.mark.real_data
@pytest.mark.parametrize("mode", ["majority", "probability", "multi-target"])
def test_real_votes_become_what_the_owners_program_makes_of_them(mode):
    counts = read(real_data() / "labels", "votes")[0].table.numbers("votes")
    different = np.unique(counts, axis=0)
    expected = np.array([published(row, mode) for row in different.tolist()])
    if mode == "majority":
        assert np.array_equal(majority(different), expected.argmax(axis=1))
    else:
        assert np.array_equal(probability(different) if mode == "probability" else multi_target(different), expected)


@pytest.mark.real_data
def test_the_real_majority_has_these_classes():
    table = read(real_data() / "labels", "majority")[0].table
    counts = np.bincount(table.classes("expression"), minlength=10).tolist()
    # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, no face
    assert counts == [11012, 9045, 3960, 3749, 2660, 161, 677, 148, 4299, 3]
