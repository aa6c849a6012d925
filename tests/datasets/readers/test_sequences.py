from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.datasets.manifests import get_manifest
from abawbench.datasets.readers import read_with_problems
from abawbench.datasets.readers.mapping import to_abaw
from abawbench.labels import ACTION_UNITS_12
from tests.datasets.readers.conftest import read_labels

SEQUENCES = {"S005_001": (11, 3), "S010_002": (14, 7), "S010_006": (2, 2)}


def write_emotion(root: Path, inside: str = "Emotion", end: str = "\n") -> None:
    for unit, (last, code) in SEQUENCES.items():
        folder = root / inside / unit.replace("_", "/")
        folder.mkdir(parents=True)
        name = f"{unit}_{last:08d}_emotion.txt"
        (folder / name).write_bytes(f"   {code:.7e}{end}".encode())
    # a sequence without a label has an empty folder
    (root / inside / "S999/001").mkdir(parents=True)


def write_pictures(root: Path, inside: str = "cohn-kanade-images") -> None:
    for unit, (last, _) in SEQUENCES.items():
        folder = root / inside / unit.replace("_", "/")
        folder.mkdir(parents=True)
        for frame in range(1, last + 1):
            (folder / f"{unit}_{frame:08d}.png").touch()


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("inside", ["Emotion", "Emotion_labels/Emotion"])
def test_the_last_three_frames_of_a_ck_plus_sequence_have_its_expression(tmp_path, inside, end):
    write_emotion(tmp_path, inside, end)
    labels = read_labels(get_manifest("ck-plus"), tmp_path, "expression")
    assert labels.table.videos == tuple(SEQUENCES)
    assert labels.subjects == ("S005", "S010", "S010")
    assert labels.table.frame.tolist() == [9, 10, 11, 12, 13, 14, 1, 2]
    # 3 disgust, 7 surprise, 2 contempt, in the order of the seven classes without neutral
    assert labels.table.classes("expression").tolist() == [2, 2, 2, 6, 6, 6, 1, 1]


def test_the_first_frame_is_neutral_where_the_protocol_has_eight_classes(tmp_path):
    write_emotion(tmp_path)
    labels = read_labels(get_manifest("ck-plus"), tmp_path, "expression_8")
    assert labels.table.frame.tolist() == [1, 9, 10, 11, 1, 12, 13, 14, 1, 2]
    assert labels.table.classes("expression").tolist() == [0, 3, 3, 3, 0, 7, 7, 7, 2, 2]
    dropped, loss = to_abaw(labels)
    assert dropped.classes("expression").tolist() == [0, 2, 2, 2, 0, 6, 6, 6, -1, -1]
    assert loss.expression is not None
    assert loss.expression.masked == {"contempt": 2}
    other, loss = to_abaw(labels, contempt="other")
    assert other.classes("expression").tolist() == [0, 2, 2, 2, 0, 6, 6, 6, 7, 7]
    assert loss.expression is not None
    assert loss.expression.masked == {}
    assert loss.expression.substituted == {"contempt": 2}


@pytest.mark.parametrize("inside", ["cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images"])
def test_the_pictures_of_ck_plus_are_found_where_the_archive_nests_them(tmp_path, inside):
    write_emotion(tmp_path)
    write_pictures(tmp_path, inside)
    (tmp_path / inside / "S010/002/S010_002_00000013.png").unlink()
    labels, problems = read_with_problems(get_manifest("ck-plus"), tmp_path, "expression")
    assert labels is not None
    assert labels.images is not None
    assert labels.images[0] == f"{inside}/S005/001/S005_001_00000009.png"
    assert [problem.rule for problem in problems] == ["D10"]
    assert labels.table.frame.tolist() == [9, 10, 11, 12, 14, 1, 2]


@pytest.mark.parametrize(
    ("text", "rule"), [("x", "V01"), ("8.0", "V06"), ("2.5", "V06"), ("0.0", "V06"), ("1 2", "F06"), ("", "F02")]
)
def test_an_emotion_file_that_holds_no_class_leaves_its_sequence_out(tmp_path, text, rule):
    write_emotion(tmp_path)
    path = tmp_path / "Emotion/S010/002/S010_002_00000014_emotion.txt"
    path.write_text(text)
    labels, problems = read_with_problems(get_manifest("ck-plus"), tmp_path, "expression")
    assert labels is not None
    assert [(problem.rule, problem.file) for problem in problems] == [(rule, str(path))]
    assert labels.table.videos == ("S005_001", "S010_006")


FACS = {
    "S005_001": (11, "   9.0000000e+00   4.0000000e+00\n   1.7000000e+01   0.0000000e+00\n"),
    "S010_002": (14, "1 3\r\n2\t1\r\n  25 0\r\n"),
    "S010_006": (18, "12 2\n"),
}


def write_facs(root: Path, inside: str = "FACS") -> None:
    for unit, (last, text) in FACS.items():
        folder = root / inside / unit.replace("_", "/")
        folder.mkdir(parents=True)
        (folder / f"{unit}_{last:08d}_facs.txt").write_bytes(text.encode())


@pytest.mark.parametrize("inside", ["FACS", "FACS_labels/FACS"])
def test_a_listed_unit_is_present_even_with_intensity_nought_and_others_are_absent(tmp_path, inside):
    write_facs(tmp_path, inside)
    labels = read_labels(get_manifest("ck-plus"), tmp_path, "action_units")
    assert labels.table.frame.tolist() == [11, 14, 18]
    (task,) = labels.tasks
    present = [
        {name for name, value in zip(task.columns, row, strict=True) if value == 1}
        for row in labels.table.classes("action_units").tolist()
    ]
    assert present == [{"AU9", "AU17"}, {"AU1", "AU2", "AU25"}, {"AU12"}]
    assert set(np.unique(labels.table.classes("action_units"))) == {0, 1}
    table, _ = to_abaw(labels)
    assert table.classes("action_units")[1].tolist() == [int(name in present[1]) for name in ACTION_UNITS_12]


def test_a_facs_file_with_a_line_at_fault_is_left_out_as_nobody_knows_what_is_absent(tmp_path):
    write_facs(tmp_path)
    (tmp_path / "FACS/S010/006/S010_006_00000018_facs.txt").write_text("12 2\n4\n6 x\n")
    labels, problems = read_with_problems(get_manifest("ck-plus"), tmp_path, "action_units")
    assert labels is not None
    assert {(problem.rule, problem.line) for problem in problems} == {("F06", 2), ("V01", 3)}
    assert labels.table.videos == ("S005_001", "S010_002")


def test_an_unknown_unit_of_a_facs_file_is_named_and_the_others_count(tmp_path):
    write_facs(tmp_path)
    (tmp_path / "FACS/S010/006/S010_006_00000018_facs.txt").write_text("12 2\n99 1\n")
    labels, problems = read_with_problems(get_manifest("ck-plus"), tmp_path, "action_units")
    assert labels is not None
    assert [(problem.rule, problem.line) for problem in problems] == [("V09", 2)]
    (task,) = labels.tasks
    assert labels.table.classes("action_units")[2].sum() == 1
    assert labels.table.classes("action_units")[2, task.columns.index("AU12")] == 1


def write_oulu(root: Path, outside: str = "OriginalImg", names: tuple[str, ...] = ("Anger", "Happiness")) -> None:
    for light in ("Strong", "Weak"):
        for subject in ("P001", "P002", "P080"):
            for name in names:
                folder = root / outside / "VL" / light / subject / name
                folder.mkdir(parents=True)
                for number in range(6):
                    (folder / f"{number:03d}.jpeg").touch()


@pytest.mark.parametrize("outside", ["OriginalImg", "B_OriginalImg"])
def test_the_last_three_pictures_of_an_oulu_casia_folder_have_its_expression(tmp_path, outside):
    write_oulu(tmp_path, outside)
    labels = read_labels(get_manifest("oulu-casia"), tmp_path, "expression")
    assert labels.table.videos[:2] == ("VL_Strong_P001_Anger", "VL_Strong_P001_Happiness")
    assert len(labels.table.videos) == 6
    assert labels.subjects == ("P001", "P001", "P002", "P002", "P080", "P080")
    assert labels.table.frame.tolist() == [3, 4, 5] * 6
    assert labels.table.classes("expression").tolist() == ([0] * 3 + [3] * 3) * 3
    assert labels.images is not None
    assert labels.images[0] == f"{outside}/VL/Strong/P001/Anger/003.jpeg"
    table, _ = to_abaw(labels)
    assert table.classes("expression").tolist() == ([1] * 3 + [4] * 3) * 3


def test_with_seven_classes_the_first_picture_is_neutral(tmp_path):
    write_oulu(tmp_path)
    labels = read_labels(get_manifest("oulu-casia"), tmp_path, "expression_7")
    assert labels.table.frame.tolist() == [0, 3, 4, 5] * 6
    assert labels.table.classes("expression").tolist() == ([0] + [1] * 3 + [0] + [4] * 3) * 3


def test_every_light_is_another_unit_of_the_same_person(tmp_path):
    write_oulu(tmp_path)
    labels = read_labels(get_manifest("oulu-casia"), tmp_path, "all_lights")
    assert len(labels.table.videos) == 12
    assert set(labels.subjects) == {"P001", "P002", "P080"}


def test_folders_at_fault_are_named_and_the_rest_is_read(tmp_path):
    write_oulu(tmp_path, names=("Anger", "Happy", "Contempt"))
    strong = tmp_path / "OriginalImg/VL/Strong"
    for picture in (strong / "P002/Anger").iterdir():
        picture.unlink()
    (strong / "P080/Anger/004.jpeg").unlink()
    (strong / "P080/Anger/Thumbs.db").touch()
    (strong / "P080/notes.txt").touch()
    labels, problems = read_with_problems(get_manifest("oulu-casia"), tmp_path, "expression")
    assert labels is not None
    found = {(problem.rule, Path(problem.file or "").parts[-2]) for problem in problems}
    assert found == {("D14", "P001"), ("D14", "P002"), ("D14", "P080"), ("F02", "P002"), ("D10", "P080")}
    assert labels.table.videos == (
        "VL_Strong_P001_Anger",
        "VL_Strong_P001_Happy",
        "VL_Strong_P002_Happy",
        "VL_Strong_P080_Anger",
        "VL_Strong_P080_Happy",
    )
    assert labels.table.frame[9:12].tolist() == [2, 3, 5]


def test_the_middle_pictures_can_be_taken(tmp_path):
    write_oulu(tmp_path, names=("Anger",))
    manifest = get_manifest("oulu-casia")
    first = manifest.labels[0]
    changed = first.model_copy(update={"options": {**first.options, "part": "middle", "take": 2}})
    labels = read_labels(manifest.model_copy(update={"labels": (changed,)}), tmp_path)
    assert labels.table.frame.tolist() == [2, 3] * 3


def test_the_tree_cut_by_hand_of_mmi_gives_every_picture(tmp_path):
    for subject in ("S001", "S002", "S003"):
        for name in ("Anger", "Sad"):
            folder = tmp_path / subject / name
            folder.mkdir(parents=True)
            for number in (1, 2):
                (folder / f"frame_{number}.png").touch()
    labels = read_labels(get_manifest("mmi"), tmp_path, "folders")
    assert labels.table.frame.tolist() == [1, 2] * 6
    table, _ = to_abaw(labels)
    assert table.classes("expression").tolist() == [1, 1, 5, 5] * 3


def test_a_protocol_that_does_not_hold_together_is_a_problem_of_the_manifest(tmp_path):
    write_emotion(tmp_path)
    manifest = get_manifest("ck-plus")
    good = manifest.labels[0]
    pattern = str(good.options["pattern"])
    for options in (
        {"first_as": "bored"},
        {"take": "three"},
        {"take": 0},
        {"pattern": pattern.replace("?P<frame>", "")},
        {"pictures": ("images/{number}.png",)},
        {"pictures": ("images/{subject:08d}.png",)},
    ):
        wrong = good.model_copy(update={"options": {**good.options, **options}})
        with pytest.raises(ProblemError, match="D01"):
            read_labels(manifest.model_copy(update={"labels": (wrong,)}), tmp_path)
