from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.mapping import to_abaw
from abawbench.labels import ACTION_UNITS_12
from tests.datasets.readers.conftest import read_labels

BP4D = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
UNITS = ("F001/T1", "M009/T2", "M018/T8")


def full_row(frame: int, marks: dict[int, int]) -> str:
    return ",".join(str(frame if column == 0 else marks.get(column, 9)) for column in range(100))


def named_row(frame: int, marks: dict[int, int], units: Sequence[int]) -> str:
    return ",".join([str(frame), *(str(marks.get(unit, 9)) for unit in units)])


def marks_of(frame: int) -> dict[int, int]:
    return {unit: (frame + unit) % 2 for unit in BP4D} | ({7: 9} if frame == 2441 else {})


def write(root: Path, name: str, header: str, rows: Sequence[str], end: str = "\n") -> Path:
    path = root / "AUCoding/AU_OCC" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in (header, *rows)).encode())
    return path


def write_full(root: Path, end: str = "\n", frames: Sequence[int] = (2440, 2441, 2442)) -> None:
    header = ",".join(map(str, range(100)))
    for unit in UNITS:
        write(root, unit.replace("/", "_"), header, [full_row(frame, marks_of(frame)) for frame in frames], end)


def expected(frames: Sequence[int]) -> np.ndarray:
    rows = [[marks_of(frame)[unit] for unit in BP4D] for frame in frames]
    return np.where(np.array(rows) == 9, -1, np.array(rows))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_column_n_of_the_wide_header_is_action_unit_n_and_nine_is_masked(tmp_path, end):
    write_full(tmp_path, end)
    labels = read_labels(get_manifest("bp4d"), tmp_path, "occurrence")
    assert labels.table.videos == UNITS
    assert labels.subjects == ("F001", "M009", "M018")
    assert labels.splits == ("part1", "part3", "part2")
    assert labels.table.frame.tolist() == [2440, 2441, 2442] * 3
    values = labels.table.classes("action_units")
    assert np.array_equal(values, np.tile(expected([2440, 2441, 2442]), (3, 1)))
    assert values[1, BP4D.index(7)] == -1


def test_a_header_that_names_the_units_reads_like_the_wide_one(tmp_path):
    wide, narrow = tmp_path / "wide", tmp_path / "narrow"
    write_full(wide)
    order = (24, 1, 12, 2, 4, 6, 7, 10, 14, 15, 17, 23)
    header = "frame," + ",".join(f"AU{unit:02d}" for unit in order)
    for unit in UNITS:
        rows = [named_row(frame, marks_of(frame), order) for frame in (2440, 2441, 2442)]
        write(narrow, unit.replace("/", "_"), header, rows)
    one = read_labels(get_manifest("bp4d"), wide, "occurrence").table
    other = read_labels(get_manifest("bp4d"), narrow, "occurrence").table
    assert np.array_equal(one.classes("action_units"), other.classes("action_units"))


def test_pictures_with_three_and_with_four_digits_are_both_found(tmp_path):
    frames = (97, 98, 99)
    write_full(tmp_path, frames=frames)
    for unit, digits in zip(UNITS, (4, 3, 3), strict=True):
        folder = tmp_path / "Sequences(2D+3D)" / unit
        folder.mkdir(parents=True)
        for frame in frames:
            (folder / f"{frame:0{digits}d}.jpg").touch()
    labels, problems = read_with_problems(get_manifest("bp4d"), tmp_path, "occurrence")
    assert labels is not None
    assert not problems
    assert labels.images is not None
    assert [labels.images[row] for row in (0, 3, 8)] == [
        "Sequences(2D+3D)/F001/T1/0097.jpg",
        "Sequences(2D+3D)/M009/T2/097.jpg",
        "Sequences(2D+3D)/M018/T8/099.jpg",
    ]


def test_a_frame_without_picture_is_left_out_with_a_problem(tmp_path):
    write_full(tmp_path)
    for unit in UNITS:
        folder = tmp_path / "Sequences(2D+3D)" / unit
        folder.mkdir(parents=True)
        for frame in (2440, 2442):
            (folder / f"{frame}.jpg").touch()
    labels, problems = read_with_problems(get_manifest("bp4d"), tmp_path, "occurrence")
    assert labels is not None
    assert {problem.rule for problem in problems} == {"D10"}
    assert labels.table.frame.tolist() == [2440, 2442] * 3


def test_a_unit_without_any_picture_is_left_out_where_others_have_theirs(tmp_path):
    write_full(tmp_path)
    for unit in UNITS[:2]:
        folder = tmp_path / "Sequences(2D+3D)" / unit
        folder.mkdir(parents=True)
        for frame in (2440, 2441, 2442):
            (folder / f"{frame}.jpg").touch()
    labels, problems = read_with_problems(get_manifest("bp4d"), tmp_path, "occurrence")
    assert labels is not None
    assert [(problem.rule, problem.found, problem.count) for problem in problems] == [
        ("D10", "no picture of M018/T8", 3)
    ]
    assert labels.table.videos == UNITS[:2]


def test_rows_at_fault_are_named_and_left_out(tmp_path):
    write_full(tmp_path)
    header = ",".join(map(str, range(100)))
    good = [full_row(frame, marks_of(frame)) for frame in range(1, 6)]
    rows = [
        good[0],
        good[1] + ",1",
        full_row(3, marks_of(3) | {12: 2}),
        good[3].replace(",", ",x,", 1).rpartition(",")[0],
        "5.5" + good[4][1:],
        good[0],
    ]
    path = write(tmp_path, "F001_T1", header, rows)
    labels, problems = read_with_problems(get_manifest("bp4d"), tmp_path, "occurrence")
    assert labels is not None
    assert {problem.file for problem in problems} == {str(path)}
    assert {(problem.rule, problem.line) for problem in problems} == {
        ("F06", 3),
        ("V09", 4),
        ("V01", 5),
        ("T06", 6),
        ("T03", 7),
    }
    assert labels.table.frame.tolist() == [1, *([2440, 2441, 2442] * 2)]


def test_a_file_without_header_is_not_read_as_one_with(tmp_path):
    write_full(tmp_path)
    path = write(tmp_path, "F001_T1", full_row(1, marks_of(1)), [full_row(2, marks_of(2))])
    labels, problems = read_with_problems(get_manifest("bp4d"), tmp_path, "occurrence")
    assert labels is not None
    assert [(problem.rule, problem.file) for problem in problems] == [("F04", str(path))]
    assert labels.table.videos == UNITS[1:]


def test_a_unit_that_a_bp4d_header_lacks_is_masked_and_named(tmp_path):
    write_full(tmp_path)
    write(tmp_path, "F001_T1", "frame,AU1,AU2", ["1,0,1"])
    labels, problems = read_with_problems(get_manifest("bp4d"), tmp_path, "occurrence")
    assert labels is not None
    assert [problem.rule for problem in problems] == ["F04"]
    assert "AU4" in problems[0].found
    assert labels.table.classes("action_units")[0].tolist() == [0, 1] + [-1] * 10


def test_the_first_column_of_bp4d_plus_is_the_frame_whatever_its_header_says(tmp_path):
    for name in ("F001_T1", "F002_T6", "M001_T8"):
        write(tmp_path, name, "1,1,2,4,12", ["17,1,0,9,1", "18,0,1,1,9"])
    labels, problems = read_with_problems(get_manifest("bp4d-plus"), tmp_path, "occurrence")
    assert labels is not None
    assert not problems
    assert labels.table.frame.tolist() == [17, 18] * 3
    table, loss = to_abaw(labels)
    values = table.classes("action_units")
    assert values[:2, [0, 1, 2, ACTION_UNITS_12.index("AU12")]].tolist() == [[1, 0, -1, 1], [0, 1, 1, -1]]
    assert (values[:, [ACTION_UNITS_12.index("AU6"), ACTION_UNITS_12.index("AU25")]] == -1).all()
    assert loss.action_units is not None
    assert loss.action_units.absent == ("AU25", "AU26")


@pytest.mark.parametrize("offset", [0, -1])
def test_the_offset_of_frames_to_pictures_is_the_manifests(tmp_path, offset):
    for name in ("F001_T1", "F002_T6", "M001_T8"):
        write(tmp_path, name, "1,1,2", ["1,1,0", "2,0,1"])
        folder = tmp_path / "2D+3D" / name.replace("_", "/")
        folder.mkdir(parents=True)
        for number in (0, 1, 2):
            (folder / f"{number:03d}.jpg").touch()
    manifest = get_manifest("bp4d-plus")
    first, *others = manifest.labels
    changed = first.model_copy(update={"options": {**first.options, "frame_offset": offset}})
    labels = read_labels(manifest.model_copy(update={"labels": (changed, *others)}), tmp_path, "occurrence")
    assert labels.images is not None
    assert labels.images[0] == f"2D+3D/F001/T1/{1 + offset:03d}.jpg"
    assert labels.table.frame.tolist() == [1, 2] * 3


def test_a_label_set_of_another_kind_is_a_problem_of_the_manifest(tmp_path):
    write_full(tmp_path)
    manifest = get_manifest("bp4d")
    occurrence, intensity = manifest.labels
    wrong = occurrence.model_copy(update={"tasks": intensity.tasks})
    with pytest.raises(ProblemError, match="D01"):
        read_labels(manifest.model_copy(update={"labels": (wrong,)}), tmp_path)


HEADER = "name,AU1,AU2,AU4,AU5,AU6,AU7,AU9,AU10,AU11,AU12,AU15,AU17,AU23,AU24,age,gender,race"


def write_gft(root: Path, end: str = "\n") -> None:
    folder = root / "annotations"
    folder.mkdir()
    for name, seat in (("train", "001A"), ("valid", "002B"), ("test", "003C")):
        rows = [f"{seat}/{frame}.jpg," + ",".join(["1", "0"] * 7) + ",21,female,asian" for frame in (1, 2, 10)]
        (folder / f"{name}.csv").write_bytes("".join(line + end for line in (HEADER, *rows)).encode())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_lists_of_gft_give_seat_frame_and_split(tmp_path, end):
    write_gft(tmp_path, end)
    labels = read_labels(get_manifest("gft"), tmp_path)
    assert labels.table.videos == ("001A", "002B", "003C")
    assert labels.subjects == ("001A", "002B", "003C")
    assert labels.splits == ("train", "validation", "test")
    assert labels.table.frame.tolist() == [1, 2, 10] * 3
    assert labels.images is not None
    assert labels.images[2] == "images/001A/10.jpg"
    table, loss = to_abaw(labels)
    values = dict(zip(ACTION_UNITS_12, table.classes("action_units")[0].tolist(), strict=True))
    assert values == {
        "AU1": 1, "AU2": 0, "AU4": 1, "AU6": 1, "AU7": 0, "AU10": 0, "AU12": 0, "AU15": 1, "AU23": 1, "AU24": 0,
        "AU25": -1, "AU26": -1,
    }  # fmt: skip
    assert loss.action_units is not None
    assert loss.action_units.left == ("AU5", "AU9", "AU11", "AU17")


def test_a_malformed_row_and_a_missing_list_of_gft_leave_the_rest(tmp_path):
    write_gft(tmp_path)
    (tmp_path / "annotations/test.csv").unlink()
    path = tmp_path / "annotations/train.csv"
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("1,0,1", "1,0", 1)
    path.write_text("\n".join(lines) + "\n")
    labels, problems = read_with_problems(get_manifest("gft"), tmp_path)
    assert labels is not None
    assert {(problem.rule, problem.line) for problem in problems} == {("F01", None), ("F06", 3)}
    assert labels.table.frame.tolist() == [1, 10, 1, 2, 10]
