from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.clips.clip import Clip, clip_in_memory
from abawbench.entries.entry_file import read_settings
from abawbench.entries.foreign.tool_answers import presence
from abawbench.entries.foreign.tool_output import ToolOutput, ToolSettings, create
from abawbench.entries.foreign.tools import TOOLS, Tool, recognise
from abawbench.entries.model import Card, Entry
from abawbench.entries.outputs import answer, uncovered
from abawbench.labels import EXPRESSIONS_8, class_named

CHALLENGE = challenges.get("abaw4-mtl")
CARD = Card("2026_test_tool", "test", (), None, licence="MIT")

PY_FEAT_1 = """\
input,frame,FaceRectX,FaceScore,AU01,AU02,AU25,anger,disgust,fear,happiness,sadness,surprise,neutral
a.mp4,0,10,0.9,0.1,0.8,0.5,0,0,0,0.7,0,0,0.3
a.mp4,1,10,0.9,0.2,0.7,0.4,0.6,0,0,0.1,0,0,0.3
a.mp4,2,10,0.9,0.3,0.6,0.3,0,0,0,0.2,0.8,0,0
"""
PY_FEAT_2 = """\
FaceRectX,FaceScore,AU01,AU24,Neutral,Happy,Sad,Surprise,Fear,Disgust,Anger,Contempt,valence,arousal,frame
10,0.9,0.1,0.8,0.1,0.4,0,0,0,0,0,0.5,0.25,-0.5,0
10,0.9,0.2,0.7,0.2,0,0.8,0,0,0,0,0,1.1,0.5,1
10,0.9,0.3,0.6,0,0,0,0,0,0,0,1,-0.25,0.125,2
"""
OPENFACE_2 = """\
frame, face_id, timestamp, confidence, success, AU01_r, AU12_r, AU01_c, AU12_c, AU28_c
1, 0, 0.000, 0.98, 1, 0.21, 2.90, 0.0, 1.0, 0.0
2, 0, 0.033, 0.98, 1, 1.50, 0.00, 1.0, 0.0, 1.0
3, 0, 0.067, 0.98, 1, 0.00, 3.10, 0.0, 1.0, 0.0
"""
OPENFACE_3 = """\
frame,confidence,Neutral,Happy,Sad,Surprise,Fear,Disgust,Anger,Contempt,AU01,AU09,AU25,AU26
0,0.9,1.0,3.0,-1,0,0,0,0,0,0.7,0.1,0.2,0.9
1,0.9,2.0,0.5,-1,0,0,0,0,0,0.6,0.1,0.3,0.8
2,0.9,0.0,0.0,0.0,0,0,0,0,4.0,0.5,0.1,0.4,0.7
"""
LIBREFACE = """\
frame_idx,frame_time_in_ms,facial_expression,au_1,au_12,au_1_intensity,au_25_intensity,au_26_intensity,pitch
0,0.0,Happiness,0,1,0.1,3.5,0.0,1.5
1,33.3,Neutral,1,0,2.0,2.0,1.0,1.5
2,66.7,Contempt,0,0,0.0,1.0,5.0,1.5
"""
EMOTIEFFLIB = """\
frame,Anger,Contempt,Disgust,Fear,Happiness,Neutral,Sadness,Surprise,valence,arousal
0,-1,0,-2,-1,4.0,2,0,0,0.75,0.25
1,3,0,-2,-1,0.5,2,0,0,-0.5,0.5
2,-1,0,-2,-1,0.0,2,5,0,-1.25,0.0
"""
TABLES = {
    "py-feat-1": PY_FEAT_1,
    "py-feat-2": PY_FEAT_2,
    "openface-2": OPENFACE_2,
    "openface-3": OPENFACE_3,
    "libreface": LIBREFACE,
    "emotiefflib": EMOTIEFFLIB,
}
each_tool = pytest.mark.parametrize("name", TABLES)


def write(folder: Path, text: str, unit: str = "v") -> Path:
    (folder / f"{unit}.csv").write_text(text)
    return folder


def entry_of(folder: Path, tasks=CHALLENGE.tasks, **settings) -> ToolOutput:
    content = {"folder": folder, **settings}
    return create(CARD, tasks, read_settings(ToolSettings, content, folder / "entry.toml"))


def clip_of(frames: int = 3, *, unit: str = "v", first: int = 1, valid: np.ndarray | None = None) -> Clip:
    numbers = np.arange(first, first + frames, dtype=np.int32)
    return clip_in_memory(unit, np.zeros((frames, 4, 4, 3), np.uint8), frame=numbers, valid=valid)


def task_columns(entry: ToolOutput) -> dict[str, tuple[str, ...]]:
    return {task.name: task.outputs for task in entry.card.tasks}


def problem_of(entry: ToolOutput, clip: Clip) -> str:
    with pytest.raises(ProblemError) as caught:
        entry.predict(clip)
    assert {problem.rule for problem in caught.value.problems} == {"E18"}
    return str(caught.value)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_fact_of_a_tool_has_a_source_or_is_assumed(tool):
    assert set(tool.sources) == {field.name for field in fields(Tool)} - {"name", "title", "sources"}
    assert all(tool.sources.values())


def test_the_tools_cover_the_twelve_units_as_the_survey_counted():
    twelve = set(CHALLENGE.task("action_units").outputs)
    counts = {tool.name: len(twelve & set(tool.units)) for tool in TOOLS}
    # ten of LibreFace are detected, 25 and 26 are intensities
    assert counts == {
        "py-feat-1": 12,
        "py-feat-2": 12,
        "openface-2": 11,
        "openface-3": 7,
        "libreface": 12,
        "emotiefflib": 0,
    }
    (libreface,) = (tool for tool in TOOLS if tool.name == "libreface")
    graded = {name for name in twelve if libreface.units[name].scale == "intensity"}
    assert graded == {"AU25", "AU26"}


@each_tool
def test_each_table_is_recognised_by_its_columns(tmp_path, name):
    assert entry_of(write(tmp_path, TABLES[name])).tool.name == name
    assert entry_of(tmp_path, tool=name).tool.name == name


@each_tool
def test_each_tool_is_an_entry_within_its_contract(tmp_path, name):
    entry = entry_of(write(tmp_path, TABLES[name]))
    assert isinstance(entry, Entry)
    answers = entry.predict(clip_of(valid=np.array([True, False, True])))
    for task in entry.card.tasks:
        values = answers[task.name]
        assert values.shape == (3, task.width)
        assert values.dtype == np.float64
        assert np.isnan(values).all(axis=1).tolist() == [False, True, False]
        assert np.abs(values[[0, 2]]).max() <= 1
    if "expression" in answers:
        assert answers["expression"][[0, 2]].sum(axis=1) == pytest.approx(1, abs=1e-12)


@each_tool
def test_a_clip_without_valid_frames_needs_no_table(tmp_path, name):
    entry = entry_of(write(tmp_path, TABLES[name]))
    answers = entry.predict(clip_of(2, unit="elsewhere", valid=np.zeros(2, bool)))
    assert all(values.shape[0] == 2 and np.isnan(values).all() for values in answers.values())


def test_py_feat_1_by_hand(tmp_path):
    entry = entry_of(write(tmp_path, PY_FEAT_1))
    assert task_columns(entry) == {
        "expression": ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"),
        "action_units": ("AU1", "AU2", "AU25"),
    }
    answers = entry.predict(clip_of())
    assert answers["action_units"].tolist() == [[0.1, 0.8, 0.5], [0.2, 0.7, 0.4], [0.3, 0.6, 0.3]]
    assert answers["expression"][0] == pytest.approx([0.3, 0, 0, 0, 0.7, 0, 0], abs=1e-12)


def test_py_feat_2_by_hand(tmp_path):
    entry = entry_of(write(tmp_path, PY_FEAT_2))
    assert task_columns(entry)["va"] == ("valence", "arousal")
    answers = entry.predict(clip_of())
    # 1.1 is brought into the range
    assert answers["va"].tolist() == [[0.25, -0.5], [1.0, 0.5], [-0.25, 0.125]]
    assert answers["action_units"][:, 1].tolist() == [0.8, 0.7, 0.6]
    # half of the first frame is contempt: the rest is made whole
    assert answers["expression"][0] == pytest.approx([0.2, 0, 0, 0, 0.8, 0, 0], abs=1e-12)
    # nothing but contempt says nothing
    assert answers["expression"][2] == pytest.approx(np.full(7, 1 / 7), abs=1e-12)
    assert "expression: left out, the others made to sum to 1: Contempt" in entry.card.notes


def test_openface_2_by_hand(tmp_path):
    entry = entry_of(write(tmp_path, OPENFACE_2))
    assert task_columns(entry) == {"action_units": ("AU1", "AU12")}
    assert entry.predict(clip_of())["action_units"].tolist() == [[0, 1], [1, 0], [0, 1]]


def test_openface_3_by_hand(tmp_path):
    entry = entry_of(write(tmp_path, OPENFACE_3))
    assert task_columns(entry)["action_units"] == ("AU1", "AU25", "AU26")
    answers = entry.predict(clip_of())
    odds = np.exp([1.0, 0, 0, 0, 3.0, -1, 0])
    assert answers["expression"][0] == pytest.approx(odds / odds.sum(), abs=1e-12)
    assert answers["action_units"][1].tolist() == [0.6, 0.3, 0.8]


def test_libreface_by_hand(tmp_path):
    entry = entry_of(write(tmp_path, LIBREFACE))
    assert task_columns(entry)["action_units"] == ("AU1", "AU12", "AU25", "AU26")
    answers = entry.predict(clip_of())
    # presence as it is; intensities have 0.5 at 2 and 1 at 5
    assert answers["action_units"].tolist() == [[0, 1, 0.75, 0], [1, 0, 0.5, 0.25], [0, 0, 0.25, 1]]
    assert answers["expression"][:2].tolist() == [[0, 0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0, 0]]
    assert "AU25, AU26: present from intensity 2 on" in entry.card.notes


def test_emotiefflib_by_hand(tmp_path):
    entry = entry_of(write(tmp_path, EMOTIEFFLIB))
    answers = entry.predict(clip_of())
    odds = np.exp([2.0, -1, -2, -1, 4.0, 0, 0])
    assert answers["expression"][0] == pytest.approx(odds / odds.sum(), abs=1e-12)
    assert answers["va"].tolist() == [[0.75, 0.25], [-0.5, 0.5], [-1.0, 0.0]]


def test_a_table_of_classes_alone_answers_classes_alone(tmp_path):
    rows = [line.rsplit(",", 2)[0] for line in EMOTIEFFLIB.splitlines()]
    assert list(task_columns(entry_of(write(tmp_path, "\n".join(rows))))) == ["expression"]


def test_what_a_tool_lacks_is_named_as_uncovered(tmp_path):
    entry = entry_of(write(tmp_path, OPENFACE_2))
    lacking = uncovered(entry.card, CHALLENGE)
    assert lacking["action_units"] == tuple(
        name for name in CHALLENGE.task("action_units").outputs if name not in {"AU1", "AU12"}
    )
    assert lacking["va"] == ("valence", "arousal")
    table = answer(entry, (clip_of(),), CHALLENGE)
    assert table.values["action_units"][:, 6].tolist() == [1, 0, 1]
    assert not table.values["action_units"][:, 9].any()


def test_classes_that_the_challenge_lacks_are_left_out(tmp_path):
    six = challenges.get("abaw4-lsd").tasks
    entry = entry_of(write(tmp_path, PY_FEAT_1), tasks=six)
    assert "Neutral" not in entry.card.tasks[0].outputs
    # 0.6 anger, 0.1 happiness, 0.3 neutral
    assert entry.predict(clip_of())["expression"][1][0] == pytest.approx(6 / 7, abs=1e-12)


@pytest.mark.parametrize(("base", "first"), [(None, 1), (0, 1), (1, 0), (5, -4)])
def test_frames_are_met_by_number(tmp_path, base, first):
    entry = entry_of(write(tmp_path, PY_FEAT_1), frame_base=base)
    assert entry.predict(clip_of(first=first))["action_units"][:, 0].tolist() == [0.1, 0.2, 0.3]


def test_rows_may_stand_in_any_order(tmp_path):
    header, *rows = PY_FEAT_1.splitlines()
    entry = entry_of(write(tmp_path, "\n".join([header, *rows[::-1]])))
    assert entry.predict(clip_of())["action_units"][:, 0].tolist() == [0.1, 0.2, 0.3]


def test_the_most_confident_face_counts_and_the_others_are_counted(tmp_path):
    further = "a.mp4,1,10,0.95,0.9,0,0,1,0,0,0,0,0,0\na.mp4,1,10,0.95,0.8,0,0,1,0,0,0,0,0,0\n"
    entry = entry_of(write(tmp_path, PY_FEAT_1 + further))
    assert entry.predict(clip_of())["action_units"][1, 0] == 0.9
    assert entry.output("v").further_faces == 2


def test_without_confidence_the_first_face_counts(tmp_path):
    entry = entry_of(write(tmp_path, LIBREFACE + "1,33.3,Sadness,0,0,0,0,0,0\n"))
    assert entry.predict(clip_of())["action_units"][1, 0] == 1
    assert entry.output("v").further_faces == 1


@pytest.mark.parametrize(
    "text",
    [
        PY_FEAT_1.replace("a.mp4,1,10,0.9", "a.mp4,1,,0.0"),
        PY_FEAT_1.replace("a.mp4,1,10,0.9,0.2", "a.mp4,1,10,0.9,"),
        PY_FEAT_2.replace("10,0.9,0.2", "NaN,0.0,0.2"),
        OPENFACE_2.replace("2, 0, 0.033, 0.98, 1", "2, 0, 0.033, 0.10, 0"),
        OPENFACE_3.replace("1,0.9,2.0", "1,,"),
        LIBREFACE.replace("33.3,Neutral,1", "33.3,,"),
        EMOTIEFFLIB.replace("\n1,3", "\n1,"),
    ],
)
def test_a_frame_without_a_face_is_refused_or_filled_by_policy(tmp_path, text):
    entry = entry_of(write(tmp_path, text))
    assert "found no row for v frame 2; expected a face in every valid frame (1 of 3 lack one)" in problem_of(
        entry, clip_of()
    )
    assert entry.output("v").without_face == 1
    for missing in ("previous", "nearest"):
        filled = entry_of(tmp_path, missing=missing).predict(clip_of())
        assert all(np.array_equal(values[1], values[0]) for values in filled.values())


def test_a_frame_that_is_not_valid_needs_no_row(tmp_path):
    entry = entry_of(write(tmp_path, PY_FEAT_1))
    valid = np.array([True, True, True, False])
    assert np.isfinite(entry.predict(clip_of(4, valid=valid))["action_units"][:3]).all()


@given(
    st.sets(st.integers(0, 30), min_size=1, max_size=12), st.integers(1, 35), st.sampled_from(["previous", "nearest"])
)
def test_the_policies_take_the_row_they_say(tmp_path_factory, frames, asked, missing):
    header = "frame,FaceRectX,FaceScore,AU01,AU02,happiness\n"
    present = sorted(frames)
    text = header + "".join(f"{frame},1,1,{frame / 100},{1 - frame / 100},1\n" for frame in present)
    folder = write(tmp_path_factory.mktemp("policy"), text)
    values = entry_of(folder, missing=missing, frame_base=1).predict(clip_of(1, first=asked))["action_units"][0]
    if missing == "previous":
        expected = max((frame for frame in present if frame <= asked), default=present[0])
    else:
        expected = min(present, key=lambda frame: (abs(frame - asked), frame))
    assert values.tolist() == [expected / 100, 1 - expected / 100]


@pytest.mark.parametrize(
    ("change", "expected"), [(("0.7,0,0,0.3", "0.9,0,0,0.3"), "logit"), (("0,0.7", "-3,0.7"), "logit")]
)
def test_scores_that_are_no_probabilities_are_a_problem(tmp_path, change, expected):
    assert expected in problem_of(entry_of(write(tmp_path, PY_FEAT_1.replace(*change))), clip_of())


def test_probabilities_among_scores_are_a_problem_until_the_settings_say_so(tmp_path):
    header = EMOTIEFFLIB.splitlines()[0]
    text = f"{header}\n0,0.1,0,0,0,0.6,0.3,0,0,0,0\n1,0,0,0,0,0,1,0,0,0,0\n"
    write(tmp_path, text)
    assert 'scores = "probability"' in problem_of(entry_of(tmp_path), clip_of(2))
    answers = entry_of(tmp_path, scores="probability").predict(clip_of(2))
    assert answers["expression"][0] == pytest.approx([0.3, 0.1, 0, 0, 0.6, 0, 0], abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        PY_FEAT_1.replace("0.9,0.1,0.8", "0.9,1.2,0.8"),
        PY_FEAT_2.replace("0.25,-0.5", "7.25,-0.5"),
        OPENFACE_2.replace("0.0, 1.0, 0.0\n2", "0.0, 0.4, 0.0\n2"),
        LIBREFACE.replace("0.1,3.5", "0.1,5.5"),
        LIBREFACE.replace("0.1,3.5", "0.1,-1"),
        LIBREFACE.replace("Happiness", "Boredom"),
        PY_FEAT_1.replace("0.9,0.1,0.8", "0.9,high,0.8"),
        PY_FEAT_1.replace("0.9,0.1,0.8", "0.9,inf,0.8"),
        PY_FEAT_1.replace("a.mp4,1,", "a.mp4,1.5,"),
        PY_FEAT_1.replace("a.mp4,1,", "a.mp4,,"),
        PY_FEAT_1 + "a.mp4,3,10,0.9,0.3,0.6,0.3,0,0,0,0.2,0.8,0,0,7,7,7\n",
    ],
)
def test_cells_that_the_tool_does_not_write_are_a_problem(tmp_path, text):
    good = next(table for table in TABLES.values() if table.split("\n")[0] == text.split("\n")[0])
    assert good != text
    entry = entry_of(write(tmp_path, good))
    write(tmp_path, text)
    assert problem_of(entry, clip_of())


def test_rows_longer_than_the_header_are_a_problem(tmp_path):
    entry = entry_of(write(tmp_path, PY_FEAT_1))
    header, *rows = PY_FEAT_1.splitlines()
    write(tmp_path, "\n".join([header, *(f"{row},5" for row in rows)]))
    assert problem_of(entry, clip_of())


def test_a_row_that_is_cut_off_is_a_problem(tmp_path):
    entry = entry_of(write(tmp_path, PY_FEAT_1))
    write(tmp_path, PY_FEAT_1.rstrip()[:-4])
    assert problem_of(entry, clip_of())


def test_the_column_of_a_bad_cell_is_named(tmp_path):
    entry = entry_of(write(tmp_path, PY_FEAT_1))
    write(tmp_path, PY_FEAT_1.replace("0.2,0.7", "0.2,high"))
    assert "column AU02" in problem_of(entry, clip_of())


def test_infinity_is_no_empty_cell(tmp_path):
    entry = entry_of(write(tmp_path, PY_FEAT_1), missing="nearest")
    write(tmp_path, PY_FEAT_1.replace("0.2,0.7", "0.2,inf"))
    assert "AU02 = inf; expected a finite number" in problem_of(entry, clip_of())


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_no_two_classes_of_a_tool_mean_the_same(tool):
    meant = [class_named(name, EXPRESSIONS_8) for name in tool.classes]
    known = [name for name in meant if name is not None]
    assert len(set(known)) == len(known)
    assert len(known) in {0, 7}


def test_a_table_without_rows_has_no_face(tmp_path):
    write(tmp_path, PY_FEAT_1.splitlines()[0])
    assert "(3 of 3 lack one)" in problem_of(entry_of(tmp_path, missing="previous"), clip_of())


def test_bytes_that_are_no_text_in_a_label_are_a_problem(tmp_path):
    entry = entry_of(write(tmp_path, LIBREFACE))
    (tmp_path / "v.csv").write_bytes(LIBREFACE.encode().replace(b"Neutral", b"\xff\xfeutral"))
    assert problem_of(entry, clip_of())


def test_columns_that_are_not_wanted_may_be_repeated_and_hold_anything(tmp_path):
    lines = [f"{line},{'note,note' if place == 0 else 'x,y'}" for place, line in enumerate(PY_FEAT_1.splitlines())]
    expected = entry_of(write(tmp_path, PY_FEAT_1)).predict(clip_of())
    wider = entry_of(write(tmp_path, "\n".join(lines))).predict(clip_of())
    assert all(np.array_equal(values, wider[task]) for task, values in expected.items())


def test_a_unit_whose_table_lacks_a_column_of_the_first_is_a_problem(tmp_path):
    write(tmp_path, PY_FEAT_1, "a")
    write(tmp_path, PY_FEAT_1.replace("AU25", "AU26"), "b")
    assert "no column AU25" in problem_of(entry_of(tmp_path), clip_of(unit="b"))


def test_a_unit_without_a_table_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        entry_of(write(tmp_path, PY_FEAT_1)).predict(clip_of(unit="other"))


def test_a_table_without_any_face_is_a_problem_under_every_policy(tmp_path):
    write(tmp_path, OPENFACE_2.replace("0.98, 1", "0.10, 0"))
    assert "run the tool on this video again" in problem_of(entry_of(tmp_path, missing="nearest"), clip_of())


def rules_of(folder: Path, **settings) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        entry_of(folder, **settings)
    return [problem.rule for problem in caught.value.problems]


def test_a_folder_that_is_not_there_is_a_problem(tmp_path):
    assert rules_of(tmp_path / "none") == ["F01"]


def test_a_folder_without_tables_is_a_problem(tmp_path):
    assert rules_of(tmp_path) == ["E18"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\xfa,1\n", b"a,b\n1,2\n"])
def test_a_table_of_no_tool_is_a_problem(tmp_path, content):
    (tmp_path / "v.csv").write_bytes(content)
    assert rules_of(tmp_path) == ["E18"]


def test_a_table_of_another_tool_than_the_settings_say_is_a_problem(tmp_path):
    assert rules_of(write(tmp_path, PY_FEAT_1), tool="openface-2") == ["E18"]


def test_a_tool_that_answers_nothing_of_a_challenge_is_a_problem(tmp_path):
    assert rules_of(write(tmp_path, OPENFACE_2), tasks=challenges.get("abaw8-expr").tasks) == ["E18"]


@pytest.mark.parametrize("threshold", [0.0, 5.0, -1.0, float("nan")])
def test_a_threshold_out_of_range_is_a_problem(tmp_path, threshold):
    assert rules_of(write(tmp_path, LIBREFACE), threshold=threshold) == ["E02"]


def test_the_threshold_of_the_settings_counts(tmp_path):
    entry = entry_of(write(tmp_path, LIBREFACE), threshold=3.5)
    assert entry.predict(clip_of())["action_units"][0, 2] == 0.5
    assert "threshold" not in entry.tool.assumed


# neighbours in 32 bits stay apart in the 64 of the map
@given(st.floats(0, 5, width=32), st.floats(0, 5, width=32), st.floats(0.0625, 4.9375, width=32))
def test_presence_rises_with_intensity_and_turns_at_the_threshold(one, other, threshold):
    intensity = np.array(sorted((one, other)))
    probability = presence(intensity, threshold)
    assert 0 <= probability[0] <= probability[1] <= 1
    assert ((probability >= 0.5) == (intensity >= threshold)).all()


def test_columns_of_no_tool_are_not_recognised():
    assert recognise(("frame", "AU01", "AU02")) is None


def test_an_unknown_tool_suggests_near_ones(tmp_path):
    with pytest.raises(ProblemError, match="did you mean openface-3") as caught:
        entry_of(write(tmp_path, OPENFACE_3), tool="openfase-3")
    assert [problem.rule for problem in caught.value.problems] == ["E02"]
