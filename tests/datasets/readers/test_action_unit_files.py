from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.mapping import to_abaw
from abawbench.labels import ACTION_UNITS_12
from tests.datasets.readers.conftest import read_labels

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
COLUMNS = tuple(f"AU{unit}" for unit in UNITS)


def write_disfa(root: Path, intensities: dict[str, np.ndarray], end: str = "\n") -> None:
    for subject, rows in intensities.items():
        folder = root / "ActionUnit_Labels" / subject
        folder.mkdir(parents=True)
        for place, unit in enumerate(UNITS):
            text = "".join(f"{frame},{value}{end}" for frame, value in enumerate(rows[:, place], start=1))
            (folder / f"{subject}_au{unit}.txt").write_bytes(text.encode())


def three_people() -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)
    return {name: random.integers(0, 6, (5, 12)) for name in ("SN001", "SN006", "SN003")}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_intensity_of_two_is_present_and_one_is_not(tmp_path, end):
    people = three_people()
    write_disfa(tmp_path, people, end)
    labels = read_labels(get_manifest("disfa"), tmp_path)
    whole = np.concatenate([people[name] for name in sorted(people)])
    assert labels.table.videos == ("SN001", "SN003", "SN006")
    assert labels.subjects == labels.table.videos
    assert labels.splits == ("part1", "part3", "part2")
    assert labels.table.frame.tolist() == [1, 2, 3, 4, 5] * 3
    assert np.array_equal(labels.table.classes("action_units"), whole >= 2)
    assert np.array_equal(labels.table.numbers("intensity"), whole)
    assert labels.images is None


def test_a_unit_that_disfa_does_not_code_is_masked_in_abaw_never_zero(tmp_path):
    people = three_people()
    write_disfa(tmp_path, people)
    table, loss = to_abaw(read_labels(get_manifest("disfa"), tmp_path))
    values = table.classes("action_units")
    whole = np.concatenate([people[name] for name in sorted(people)])
    for column, name in enumerate(ACTION_UNITS_12):
        expected = whole[:, COLUMNS.index(name)] >= 2 if name in COLUMNS else np.full(15, -1)
        assert np.array_equal(values[:, column], expected), name
    assert loss.action_units is not None
    assert loss.action_units.absent == ("AU7", "AU10", "AU23", "AU24")
    assert loss.action_units.left == ("AU5", "AU9", "AU17", "AU20")
    assert loss.action_units.positive_from == {"action_units": 2}
    assert loss.left == ("intensity",)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.sampled_from([1, 2, 3]))
def test_the_threshold_is_the_manifests(tmp_path_factory, values, threshold):
    root = tmp_path_factory.mktemp("disfa")
    write_disfa(root, {"SN001": np.tile(np.array(values)[:, None], 12)})
    manifest = get_manifest("disfa")
    (label_set,) = manifest.labels
    marks, numbers = label_set.tasks
    changed = label_set.model_copy(update={"tasks": (marks.model_copy(update={"positive_from": threshold}), numbers)})
    labels = read_labels(manifest.model_copy(update={"labels": (changed,)}), root)
    assert labels.table.classes("action_units")[:, 0].tolist() == [int(value >= threshold) for value in values]


def test_a_malformed_row_is_named_by_file_and_line_and_masks_one_unit_of_one_frame(tmp_path):
    people = three_people()
    write_disfa(tmp_path, people)
    path = tmp_path / "ActionUnit_Labels/SN003/SN003_au5.txt"
    lines = path.read_text().splitlines()
    lines[1], lines[3] = "2", "4,x"
    path.write_text("\n".join(lines) + "\n")
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [(problem.rule, Path(problem.file or "").name, problem.line) for problem in problems] == [
        ("F06", "SN003_au5.txt", 2),
        ("V01", "SN003_au5.txt", 4),
    ]
    units, intensity = labels.table.classes("action_units"), labels.table.numbers("intensity")
    row = {frame: 5 + frame - 1 for frame in (1, 2, 4)}
    column = COLUMNS.index("AU5")
    assert units[row[2], column] == units[row[4], column] == -1
    assert np.isnan(intensity[row[2], column])
    assert (units >= 0).sum() == 15 * 12 - 2
    assert len(labels.table) == 15


@pytest.mark.parametrize(("value", "rule"), [("6", "V09"), ("-1", "V09"), ("nan", "V01"), ("inf", "V01"), ("", "V01")])
def test_what_is_no_intensity_is_refused(tmp_path, value, rule):
    write_disfa(tmp_path, {"SN001": np.ones((3, 12), int)})
    (tmp_path / "ActionUnit_Labels/SN001/SN001_au1.txt").write_text(f"1,1\n2,{value}\n3,1\n")
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [(problem.rule, problem.line) for problem in problems] == [(rule, 2)]
    assert labels.table.classes("action_units")[:, 0].tolist() == [0, -1, 0]


def test_files_of_one_person_that_label_different_frames_are_joined_by_number_and_reported(tmp_path):
    write_disfa(tmp_path, {"SN001": np.full((4, 12), 5)})
    (tmp_path / "ActionUnit_Labels/SN001/SN001_au26.txt").write_text("1,0\n3,0\n")
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [(problem.rule, problem.found) for problem in problems] == [("D16", "2 frames of SN001")]
    assert labels.table.classes("action_units")[:, -1].tolist() == [0, -1, 0, -1]
    assert labels.table.classes("action_units")[:, 0].tolist() == [1, 1, 1, 1]


def test_a_missing_file_masks_its_unit_and_is_named(tmp_path):
    write_disfa(tmp_path, {"SN001": np.full((4, 12), 5), "SN002": np.full((4, 12), 5)})
    (tmp_path / "ActionUnit_Labels/SN001/SN001_au26.txt").unlink()
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [(problem.rule, problem.found) for problem in problems] == [("T08", "SN001 without AU26")]
    assert labels.table.classes("action_units")[:, -1].tolist() == [-1] * 4 + [1] * 4


def test_a_repeated_frame_keeps_its_first_value(tmp_path):
    write_disfa(tmp_path, {"SN001": np.full((3, 12), 5)})
    (tmp_path / "ActionUnit_Labels/SN001/SN001_au1.txt").write_text("1,0\n2,5\n2,0\n3,5\n")
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [(problem.rule, problem.line) for problem in problems] == [("T03", 3)]
    assert labels.table.classes("action_units")[:, 0].tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("data", "rule"), [(b"", "F02"), (b" \n\n", "F02"), (b"\xff\xfe1\x00,\x001\x00", "F03"), (b"1,1\n\xe9,2\n", "F03")]
)
def test_a_file_that_cannot_be_read_masks_its_unit_alone(tmp_path, data, rule):
    write_disfa(tmp_path, {"SN001": np.full((3, 12), 5)})
    (tmp_path / "ActionUnit_Labels/SN001/SN001_au1.txt").write_bytes(data)
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [problem.rule for problem in problems] == [rule]
    assert labels.table.classes("action_units")[0].tolist() == [-1] + [1] * 11


def test_blank_lines_do_not_shift_the_line_numbers_and_a_lone_carriage_return_ends_no_line(tmp_path):
    write_disfa(tmp_path, {"SN001": np.full((3, 12), 5)})
    path = tmp_path / "ActionUnit_Labels/SN001/SN001_au1.txt"
    path.write_bytes(b"\n1,0\n\n2,7\n  \n3,5\n\n")
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [(problem.rule, problem.line) for problem in problems] == [("V09", 4)]
    assert labels.table.classes("action_units")[:, 0].tolist() == [0, -1, 1]
    path.write_bytes(b"1,0\n2,5\r3,5\n")
    _, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert [(problem.rule, problem.line) for problem in problems] == [("F06", 2)]


def test_a_byte_order_mark_is_not_part_of_the_first_frame(tmp_path):
    write_disfa(tmp_path, {"SN001": np.full((2, 12), 5)})
    path = tmp_path / "ActionUnit_Labels/SN001/SN001_au1.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert not problems
    assert labels.table.frame.tolist() == [1, 2]


def test_a_file_of_another_name_is_left_out_and_named(tmp_path):
    write_disfa(tmp_path, {"SN001": np.full((2, 12), 5)})
    (tmp_path / "ActionUnit_Labels/SN001/SN01_au1.txt").write_text("1,1\n")
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [problem.rule for problem in problems] == ["T06"]
    assert labels.table.videos == ("SN001",)


def test_the_labels_of_one_unit_twice_are_read_once(tmp_path):
    write_disfa(tmp_path, {"SN001": np.full((2, 12), 5)})
    again = tmp_path / "ActionUnit_Labels/SN001copy"
    again.mkdir()
    (again / "SN001_au1.txt").write_text("1,0\n2,0\n")
    labels, problems = read_with_problems(get_manifest("disfa"), tmp_path)
    assert labels is not None
    assert [problem.rule for problem in problems] == ["D12"]
    assert labels.table.classes("action_units")[:, 0].tolist() == [1, 1]


def write_disfa_plus(root: Path, frames: list[str], *, with_pictures: bool) -> None:
    for subject, trial in (("SN001", "A1_AU1_TrailNo_1"), ("SN003", "A1_AU1_TrailNo_1"), ("SN003", "Y_Happy")):
        folder = root / "Labels" / subject / trial
        folder.mkdir(parents=True)
        for unit in UNITS:
            rows = "".join(f"{frame}   {place % 4}\n" for place, frame in enumerate(frames))
            (folder / f"AU{unit}.txt").write_text(f"# intensity of AU{unit}\n{rows}")
        if with_pictures:
            pictures = root / "Images" / subject / trial
            pictures.mkdir(parents=True)
            for frame in frames:
                (pictures / frame).touch()


def test_the_trials_of_disfa_plus_are_units_and_comments_no_rows(tmp_path):
    frames = [f"{number:03d}.jpg" for number in range(4)]
    write_disfa_plus(tmp_path, frames, with_pictures=True)
    labels = read_labels(get_manifest("disfa-plus"), tmp_path)
    assert labels.table.videos == ("SN001/A1_AU1_TrailNo_1", "SN003/A1_AU1_TrailNo_1", "SN003/Y_Happy")
    assert labels.subjects == ("SN001", "SN003", "SN003")
    assert labels.table.frame.tolist() == [0, 1, 2, 3] * 3
    assert labels.table.classes("action_units")[:4, 0].tolist() == [0, 0, 1, 1]
    assert labels.images is not None
    assert labels.images[4] == "Images/SN003/A1_AU1_TrailNo_1/000.jpg"


def test_a_row_without_its_picture_is_left_out(tmp_path):
    write_disfa_plus(tmp_path, ["000.jpg", "001.jpg", "002.jpg"], with_pictures=True)
    (tmp_path / "Images/SN003/Y_Happy/001.jpg").unlink()
    labels, problems = read_with_problems(get_manifest("disfa-plus"), tmp_path)
    assert labels is not None
    assert [problem.rule for problem in problems] == ["D10"]
    assert "Images/SN003/Y_Happy/001.jpg" in problems[0].found
    assert len(labels.table) == 8


def test_a_copy_of_the_labels_alone_keeps_every_row(tmp_path):
    write_disfa_plus(tmp_path, ["000.jpg", "001.jpg"], with_pictures=False)
    assert len(read_labels(get_manifest("disfa-plus"), tmp_path).table) == 6


def test_the_intensities_of_bp4d_mask_nine(tmp_path):
    for unit in ("06", "10", "12", "14", "17"):
        folder = tmp_path / "AU-Intensity-Codes3.0" / f"AU{unit}"
        folder.mkdir(parents=True)
        for name in ("F001_T1", "F001_T2", "M009_T1"):
            (folder / f"{name}_AU{unit}.csv").write_text("2440,5\n2441,9\n2442,0\n")
    labels = read_labels(get_manifest("bp4d"), tmp_path, "intensity")
    assert labels.table.videos == ("F001/T1", "F001/T2", "M009/T1")
    assert labels.splits == ("part1", "part1", "part3")
    values = labels.table.numbers("intensity")
    assert np.array_equal(values[:3], np.repeat([[5], [np.nan], [0]], 5, axis=1), equal_nan=True)


def test_options_that_the_reader_does_not_know_are_a_problem_of_the_manifest(tmp_path):
    write_disfa(tmp_path, {"SN001": np.ones((1, 12), int)})
    manifest = get_manifest("disfa")
    (label_set,) = manifest.labels
    for options in ({"pattern": "x", "threshold": 2}, {}, {"pattern": "(", "unit": "{subject}"}, {"pattern": "x"}):
        wrong = manifest.model_copy(update={"labels": (label_set.model_copy(update={"options": options}),)})
        with pytest.raises(ProblemError, match="D01"):
            read_labels(wrong, tmp_path)
