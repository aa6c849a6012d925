"""Tables of relatedness in files: names, cells, faults with their lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from abawbench.base.problems import ProblemError
from abawbench.models.relatedness_files import read_relatedness, write_relatedness

BIRDS, MARKS = ("wren", "crow"), ("black", "brown")
FACES, UNITS = ("Happiness", "Sadness"), ("AU4", "AU12")
UNKNOWN = np.nan


def written(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path, classes=BIRDS, labels=MARKS) -> list[tuple[str, int | None]]:
    with pytest.raises(ProblemError) as caught:
        read_relatedness(path, classes, labels)
    assert {problem.file for problem in caught.value.problems} == {str(path)}
    return [(f"{problem.rule} {problem.found}", problem.line) for problem in caught.value.problems]


def test_csv_comes_in_the_order_of_the_tasks(tmp_path):
    path = written(tmp_path, "species,brown,black\ncrow, ,1\n\nwren,.9,0.1\n")
    assert np.array_equal(read_relatedness(path, BIRDS, MARKS), [[0.1, 0.9], [1, UNKNOWN]], equal_nan=True)


def test_toml_says_the_same(tmp_path):
    path = written(tmp_path, '["crow"]\nblack = 1\n[wren]\nbrown = 0.9\nblack = 0.1\n', "table.toml")
    assert np.array_equal(read_relatedness(path, BIRDS, MARKS), [[0.1, 0.9], [1, UNKNOWN]], equal_nan=True)


def test_names_may_be_spelt_as_elsewhere_and_others_of_the_vocabularies_are_left_out(tmp_path):
    text = "x,au_04,AU012,AU9,outside:dimple\nhappy,0,1,0,.5\nsad,1,0,0,.1\nContempt,0,.5,0,0\n"
    assert read_relatedness(written(tmp_path, text), FACES, UNITS).tolist() == [[0, 1], [1, 0]]


@given(arrays(np.float64, (2, 2), elements=st.floats(0, 1) | st.just(np.nan)))
def test_what_is_written_is_read_back(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    write_relatedness(path, table, BIRDS, MARKS)
    assert np.array_equal(read_relatedness(path, BIRDS, MARKS), table, equal_nan=True)


def test_every_fault_of_a_csv_has_its_line(tmp_path):
    text = "x,black,brwn\nwren,1.5,\ncrow,much,\nCROW,0,\n"
    assert faults(written(tmp_path, text)) == [
        ("E17 crow and CROW, both crow", 4),
        ("E17 label 'brwn'", 1),
        ("E17 no label brown", None),
    ]
    text = text.replace("brwn", "brown").replace("CROW,0,\n", "")
    assert faults(written(tmp_path, text)) == [
        ("E17 '1.5' for wren and black", 2),
        ("E17 'much' for crow and black", 3),
    ]


def test_every_fault_of_a_toml_has_its_line(tmp_path):
    text = "[wren]\nblack = true\nbrown = 0\n\n[cow]\nblack = -1\n"
    assert faults(written(tmp_path, text, "table.toml")) == [
        ("E17 class 'cow'", 5),
        ("E17 no class crow", None),
        ("E17 True for wren and black", 2),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("table.csv", "x,black,brown\nwren,1\n"),
        ("table.csv", 'x,black,brown\n"wren,1,0\n'),
        ("table.csv", ""),
        ("table.toml", "wren = 1\n"),
        ("table.toml", "[wren\n"),
        ("table.xlsx", "x"),
    ],
)
def test_what_is_no_table_is_told(tmp_path, name, text):
    assert all(found.startswith("E17") for found, _ in faults(written(tmp_path, text, name)))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        read_relatedness(tmp_path / "table.csv", BIRDS, MARKS)
