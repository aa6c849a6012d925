from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.mapping import to_abaw
from tests.datasets.readers.conftest import read_labels

NAMES = get_manifest("celeba").labels[0].tasks[0].columns
PICTURES = ("000001.jpg", "000002.jpg", "000003.jpg")
MARKS = np.random.default_rng(0).choice([-1, 1], (3, 40))


def attribute_rows(marks: np.ndarray = MARKS) -> list[str]:
    return [name + "".join(f" {value:2d}" for value in row) for name, row in zip(PICTURES, marks.tolist(), strict=True)]


def write(root: Path, rows: list[str], *, folder: str = "", end: str = "\n", count: int = 3) -> None:
    anno, lists = (root / "Anno", root / "Eval") if folder else (root, root)
    for place in (anno, lists):
        place.mkdir(exist_ok=True)
    lines = [str(count), " ".join(NAMES) + " ", *rows]
    (anno / "list_attr_celeba.txt").write_bytes("".join(line + end for line in lines).encode())
    # neither list is in the order of the attributes
    (lists / "list_eval_partition.txt").write_bytes(
        "".join(f"{name} {split}{end}" for name, split in zip(PICTURES, (0, 2, 1), strict=True)).encode()
    )
    people = zip(reversed(PICTURES), (2880, 9, 2880), strict=True)
    (anno / "identity_CelebA.txt").write_bytes("".join(f"{name} {person}{end}" for name, person in people).encode())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("folder", ["", "nested"])
def test_attributes_split_and_person_are_joined_by_name(tmp_path, folder, end):
    write(tmp_path, attribute_rows(), folder=folder, end=end)
    labels = read_labels(get_manifest("celeba"), tmp_path)
    assert labels.table.videos == PICTURES
    assert np.array_equal(labels.table.classes("attributes"), MARKS == 1)
    assert labels.splits == ("train", "test", "validation")
    assert labels.subjects == ("2880", "9", "2880")
    assert labels.images is not None
    assert labels.images[1] == "img_align_celeba/000002.jpg"


def test_attributes_are_not_in_abaws_vocabularies(tmp_path):
    write(tmp_path, attribute_rows())
    table, loss = to_abaw(read_labels(get_manifest("celeba"), tmp_path))
    assert dict(table.values) == {}
    assert loss.left == ("attributes",)
    assert loss.unlabelled == loss.rows == 3


def test_a_picture_that_is_missing_is_left_out(tmp_path):
    write(tmp_path, attribute_rows())
    (tmp_path / "img_align_celeba").mkdir()
    for name in PICTURES[:2]:
        (tmp_path / "img_align_celeba" / name).touch()
    labels, problems = read_with_problems(get_manifest("celeba"), tmp_path)
    assert labels is not None
    assert [problem.rule for problem in problems] == ["D10"]
    assert len(labels.table) == 2


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("000002.jpg 1 -1", "F06"),
        (attribute_rows()[1] + " 1", "F06"),
        (attribute_rows()[1].rpartition(" ")[0] + " 0", "V09"),
        (attribute_rows()[1].rpartition(" ")[0] + " x", "V09"),
        (attribute_rows()[0], "T03"),
        ("000002.jpg\r" + attribute_rows()[1], "F06"),
    ],
)
def test_a_row_at_fault_is_left_out_by_line(tmp_path, row, rule):
    first, _, last = attribute_rows()
    write(tmp_path, [first, row, last])
    labels, problems = read_with_problems(get_manifest("celeba"), tmp_path)
    assert labels is not None
    assert [(problem.rule, problem.line) for problem in problems] == [(rule, 4)]
    assert labels.table.take(np.arange(2)).name(1) == "000003.jpg"
    assert np.array_equal(labels.table.classes("attributes"), MARKS[[0, 2]] == 1)
    assert [labels.splits[unit] for unit in labels.table.video] == ["train", "validation"]


def test_fewer_rows_than_the_first_line_says_are_noticed(tmp_path):
    write(tmp_path, attribute_rows(), count=202_599)
    labels, problems = read_with_problems(get_manifest("celeba"), tmp_path)
    assert labels is not None
    assert [(problem.rule, problem.found) for problem in problems] == [("T01", "3 rows")]


@pytest.mark.parametrize(("text", "rule", "split"), [("000001.jpg 3\n000002.jpg 2\n", "V06", ""), (None, "F01", "")])
def test_a_split_that_cannot_be_told_stays_empty_and_is_a_problem(tmp_path, text, rule, split):
    write(tmp_path, attribute_rows())
    path = tmp_path / "list_eval_partition.txt"
    path.unlink() if text is None else path.write_text(text)
    labels, problems = read_with_problems(get_manifest("celeba"), tmp_path)
    assert labels is not None
    assert rule in {problem.rule for problem in problems}
    assert labels.splits[0] == split
    assert len(labels.table) == 3


def test_a_header_without_an_attribute_is_refused(tmp_path):
    write(tmp_path, attribute_rows())
    path = tmp_path / "list_attr_celeba.txt"
    path.write_text(path.read_text().replace("Young", "Old"))
    labels, problems = read_with_problems(get_manifest("celeba"), tmp_path)
    assert labels is None
    assert [(problem.rule, problem.found) for problem in problems] == [("F04", "no Young")]
