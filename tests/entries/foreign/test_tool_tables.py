from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from abawbench import challenges
from abawbench.base.problems import Problem, ProblemError
from abawbench.entries.entry_file import read_settings
from abawbench.entries.foreign.tool_output import ToolOutput, ToolSettings, create
from abawbench.entries.foreign.tool_persons import main_person, persons_by_name, persons_by_place
from abawbench.entries.model import Card

CARD = Card("2026_test_tool", "test", (), None, licence="MIT")
PY_FEAT = ",input,frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,happiness,approx_time"
OPENFACE = "frame, face_id, timestamp, confidence, success, AU01_c, AU12_c"
FACE_LANDMARK_IMG = "face, confidence, pose_Rx, AU01_r, AU12_r, AU01_c, AU12_c"
LIBREFACE = "frame_idx,facial_expression,au_1,au_12,au_25_intensity,au_26_intensity"


def write(path: Path, header: str, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows, ""]))
    return path


def entry_of(folder: Path, **settings) -> ToolOutput:
    content = {"folder": folder, **settings}
    tasks = challenges.get("abaw4-mtl").tasks
    return create(CARD, tasks, read_settings(ToolSettings, content, folder / "entry.toml"))


def units_of(entry: ToolOutput, unit: str = "v") -> np.ndarray:
    """Answers to the action units of one unit, with NaN where nobody is seen."""
    (clip,) = (clip for clip in entry.clips() if clip.video == unit)
    return entry.predict(clip)["action_units"]


def problems_of(folder: Path, **settings) -> tuple[Problem, ...]:
    with pytest.raises(ProblemError) as caught:
        entry_of(folder, **settings).clips()
    return caught.value.problems


def rules(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.rule for problem in problems]


def face(frame: int, left: int | str, unit: float, score: float = 0.9) -> str:
    box = f"{left},20,99,99" if left else ",,,"
    return f"0,v.mp4,{frame},{box},{score},{unit},{1 if left else ''},00:00"


def test_one_person_is_kept_by_place_through_skipped_frames_and_the_others_are_counted(tmp_path):
    rows = [face(0, 10, 0.1), face(5, 10, 0.1, 0.5), face(5, 300, 0.9, 0.99), face(10, 12, 0.1), face(10, 300, 0.9)]
    write(tmp_path / "v.csv", PY_FEAT, *rows, face(15, 14, 0.1), face(20, "", 0.7))
    entry = entry_of(tmp_path)
    values = units_of(entry)[:, 0]
    # the last row is without a face, and is a frame of the video all the same
    assert len(values) == 21
    assert values[[0, 5, 10, 15]].tolist() == [0.1] * 4
    assert np.isnan(np.delete(values, [0, 5, 10, 15])).all()
    tables = entry.tables()
    assert (tables.rows, tables.of_others, tables.without_face, tables.problems) == (7, 2, 1, ())


def test_one_person_is_kept_by_face_id_and_a_frame_of_others_alone_has_no_answer(tmp_path):
    rows = [f"{frame}, {who}, 0, 0.{9 - who}, 1, {1 - who}, {who}" for frame in range(1, 7) for who in (1, 0)]
    rows = [row for row in rows if not row.startswith("4, 0")]
    write(tmp_path / "v.csv", OPENFACE, *rows, "7, 0, 0, 0.9, 1, 1, 0", "8, 0, 0, 0.9, 1, 1, 0")
    entry = entry_of(tmp_path)
    values = units_of(entry)
    # person 0 is seen in seven frames, person 1 in six
    assert values[[0, 1, 2, 4, 5, 6, 7]].tolist() == [[1, 0]] * 7
    assert np.isnan(values[3]).all()
    assert entry.tables().of_others == 6


def test_of_two_people_seen_equally_often_the_more_confident_one_is_kept():
    person = persons_by_name(["b", "a", "b", "a"])
    assert person.tolist() == [0, 1, 0, 1]
    frame = np.array([1.0, 1, 2, 2])
    assert main_person(person, frame, np.array([0.5, 0.6, 0.7, 0.8])).tolist() == [False, True] * 2
    assert main_person(person, frame, np.zeros(4)).tolist() == [True, False] * 2


def test_people_who_move_and_leave_stay_themselves():
    left, right = [10.0, 0, 50, 50], [300.0, 0, 50, 50]
    box = np.array([left, right, [60.0, 0, 50, 50], [250.0, 0, 50, 50], [240.0, 0, 50, 50], [100.0, 0, 50, 50]])
    # the left one leaves in frame 3 and comes back in frame 9
    assert persons_by_place(np.array([1.0, 1, 2, 2, 3, 9]), box).tolist() == [0, 1, 0, 1, 1, 0]


def test_rows_of_people_may_stand_in_any_order():
    box = np.array([[300.0, 0, 50, 50], [10.0, 0, 50, 50], [11.0, 0, 50, 50]])
    assert persons_by_place(np.array([2.0, 2, 1]), box).tolist() == [1, 0, 0]


def test_people_whom_no_column_tells_apart_are_a_note(tmp_path):
    rows = ["0,Happiness,0,1,3,3", "1,Happiness,0,1,3,3", "1,Sadness,1,0,3,3", "2,Happiness,0,1,3,3"]
    write(tmp_path / "v.csv", LIBREFACE, *rows)
    tables = entry_of(tmp_path).tables()
    assert tables.of_others == 1
    (note,) = tables.problems
    assert note.rule == "N32"
    assert "1 rows left out" in note.found


def test_a_unit_reaches_to_the_last_row_of_its_table_though_nobody_is_seen_there(tmp_path):
    write(tmp_path / "v.csv", OPENFACE, "1, 0, 0, 0.9, 1, 1, 0", "2, 0, 0, 0.9, 1, 1, 0", "9, 0, 0, 0.1, 0, 0, 0")
    write(tmp_path / "nobody.csv", OPENFACE, "1, 0, 0, 0.1, 0, 0, 0", "3, 0, 0, 0.1, 0, 0, 0")
    nobody, seen = entry_of(tmp_path).clips()
    assert (seen.video, len(seen), int(seen.valid.sum())) == ("v", 9, 2)
    assert (nobody.video, len(nobody), int(nobody.valid.sum())) == ("nobody", 3, 0)


def test_intensities_that_never_pass_1_are_a_note_that_names_the_threshold(tmp_path):
    write(tmp_path / "v.csv", LIBREFACE, "0,Happiness,0,1,0.83,0.83", "1,Happiness,0,1,0.05,0.83")
    (note,) = entry_of(tmp_path).tables().problems
    assert note.rule == "N31"
    assert "threshold" in note.fix
    entry = entry_of(tmp_path, threshold=0.4)
    assert entry.tables().problems == ()
    assert (units_of(entry)[:, -1] >= 0.5).all()


@pytest.mark.parametrize("row", ["0,Neutral,0,0,0.83,0.83", "0,Happiness,0,1,0,0", "0,Happiness,0,1,0.1,4.1"])
def test_a_calm_face_and_a_strong_one_are_no_such_note(tmp_path, row):
    write(tmp_path / "v.csv", LIBREFACE, row)
    assert entry_of(tmp_path).tables().problems == ()


def test_intensities_a_little_out_of_range_count_as_its_ends_with_a_note(tmp_path):
    write(tmp_path / "v.csv", LIBREFACE, "0,Happiness,0,1,5.31,-0.12", "1,Happiness,0,1,5.2,2")
    entry = entry_of(tmp_path)
    assert units_of(entry)[:, -2:].tolist() == [[1, 0], [1, 0.5]]
    notes = entry.tables().problems
    assert rules(notes) == ["N30", "N30"]
    assert {note.count for note in notes} == {3}


def test_one_table_a_picture_is_read_from_a_folder_of_the_unit(tmp_path):
    for number, unit in ((1, 0), (2, 1), (4, 1)):
        write(tmp_path / "v" / f"{number:05d}.csv", FACE_LANDMARK_IMG, f"0, 0.97, 0, 0.5, 0.5, {unit}, {1 - unit}")
    values = units_of(entry_of(tmp_path))
    assert values[[0, 1, 3]].tolist() == [[0, 1], [1, 0], [1, 0]]
    assert np.isnan(values[2]).all()


def test_pictures_of_a_tool_that_numbers_each_of_them_0_are_read_by_their_names(tmp_path):
    for number in (1, 2):
        write(tmp_path / "v" / f"{number:05d}.csv", PY_FEAT, face(0, 10, number / 10))
    assert units_of(entry_of(tmp_path))[:, 0].tolist() == [0.1, 0.2]


def test_pictures_of_libreface_have_no_frame_idx(tmp_path):
    write(tmp_path / "v" / "00001.csv", LIBREFACE.removeprefix("frame_idx,"), "Happiness,0,1,3.5,0")
    assert units_of(entry_of(tmp_path)).tolist() == [[0, 1, 0.75, 0]]


@pytest.mark.parametrize(
    ("header", "row", "lacking"),
    [
        (FACE_LANDMARK_IMG, "0, 0.97, 0, 0.5, 0.5, 0, 1", "FaceLandmarkImg"),
        (LIBREFACE.removeprefix("frame_idx,"), "Happiness,0,1,3.5,0", "frame_idx"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"tool": "named"}])
def test_the_table_of_a_picture_in_the_place_of_a_video_is_called_what_it_is(tmp_path, header, row, lacking, settings):
    write(tmp_path / "00001.csv", header, row)
    if settings:
        settings = {"tool": "openface-2" if header == FACE_LANDMARK_IMG else "libreface"}
    (problem,) = problems_of(tmp_path, **settings)
    assert problem.rule == "E18"
    assert "the table of one picture" in problem.found
    assert lacking in problem.found
    assert "<unit>/00001.csv" in problem.fix


def test_pictures_without_a_number_or_with_one_number_twice_are_a_problem(tmp_path):
    for name in ("00001", "1", "left"):
        write(tmp_path / "v" / f"{name}.csv", FACE_LANDMARK_IMG, "0, 0.97, 0, 0.5, 0.5, 0, 1")
    assert [problem.found for problem in problems_of(tmp_path)] == ["00001.csv and 1.csv", "left.csv"]


def test_a_frame_before_the_first_is_a_problem_that_names_frame_base(tmp_path):
    write(tmp_path / "v.csv", OPENFACE, "0, 0, 0, 0.9, 1, 1, 0", "1, 0, 0, 0.9, 1, 1, 0")
    (problem,) = problems_of(tmp_path)
    assert "frame_base" in problem.fix
    assert len(units_of(entry_of(tmp_path, frame_base=0))) == 2


def test_the_folder_tables_of_a_corpus_is_read(tmp_path):
    write(tmp_path / "tables" / "v.csv", OPENFACE, "1, 0, 0, 0.9, 1, 1, 0")
    write(tmp_path / "annotations" / "v.csv", "a,b", "1,2")
    (tmp_path / "cropped_aligned").mkdir()
    assert units_of(entry_of(tmp_path)).tolist() == [[1, 0]]


def test_litter_beside_the_tables_is_no_table(tmp_path):
    write(tmp_path / "v.csv", OPENFACE, "1, 0, 0, 0.9, 1, 1, 0")
    write(tmp_path / "._v.csv", "x", "1")
    write(tmp_path / "__MACOSX" / "v.csv", "x", "1")
    assert [clip.video for clip in entry_of(tmp_path).clips()] == ["v"]
    assert rules(entry_of(tmp_path).tables().problems) == ["N21"]


def test_tables_in_the_only_folder_of_a_folder_are_read_with_a_note(tmp_path):
    for unit in "vw":
        write(tmp_path / "of_openface" / f"{unit}.csv", OPENFACE, "1, 0, 0, 0.9, 1, 1, 0")
    entry = entry_of(tmp_path)
    tables = entry.tables()
    assert [clip.video for clip in tables.clips] == ["v", "w"]
    assert rules(tables.problems) == ["N22"]
    assert [len(entry.predict(clip)) for clip in tables.clips] == [1, 1]


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")
def test_a_table_whose_name_is_no_text_is_one_problem_and_the_others_are_answered(tmp_path):
    for unit in ("v", os.fsdecode(b"w\xff")):
        write(tmp_path / f"{unit}.csv", OPENFACE, "1, 0, 0, 0.9, 1, 1, 0")
    tables = entry_of(tmp_path).tables()
    assert [clip.video for clip in tables.clips] == ["v"]
    assert rules(tables.problems) == ["F19"]


def test_a_unit_with_a_table_and_tables_of_pictures_is_a_problem(tmp_path):
    write(tmp_path / "v.csv", OPENFACE, "1, 0, 0, 0.9, 1, 1, 0")
    write(tmp_path / "v" / "00001.csv", FACE_LANDMARK_IMG, "0, 0.97, 0, 0.5, 0.5, 0, 1")
    assert rules(problems_of(tmp_path)) == ["E18"]


def test_a_table_that_cannot_be_read_leaves_the_others_to_be_answered(tmp_path):
    write(tmp_path / "a.csv", OPENFACE, "1, 0, 0, 0.9, 1, 1, 0")
    write(tmp_path / "b.csv", OPENFACE, "1, 0, 0, 0.9, 1, often, 0")
    tables = entry_of(tmp_path).tables()
    assert [clip.video for clip in tables.clips] == ["a"]
    assert (tables.unread, rules(tables.problems)) == (("b",), ["E18"])


def test_a_fault_alike_in_every_table_is_told_once(tmp_path):
    for number in range(30):
        write(tmp_path / f"v{number:02d}.csv", OPENFACE, f"1, 0, 0, 0.9, 1, {number + 2}, 0")
    tables = entry_of(tmp_path).tables()
    (problem,) = tables.problems
    assert "30 units (v00, v01, v02 and 27 more)" in problem.found
    assert len(tables.unread) == 30


def test_a_table_without_rows_and_a_number_that_is_no_frame_are_problems(tmp_path):
    write(tmp_path / "a.csv", OPENFACE)
    write(tmp_path / "b.csv", OPENFACE, "1, 0, 0, 0.9, 1, 1, 0", "2000000000, 0, 0, 0.9, 1, 1, 0")
    assert [problem.found for problem in problems_of(tmp_path)] == ["a header alone", "frame 2,000,000,000"]
