from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.entries.entry_file import read_settings
from abawbench.entries.foreign.tool_map import suggest_map
from abawbench.entries.foreign.tool_output import ToolOutput, ToolSettings, create
from abawbench.entries.foreign.tools import Derived
from abawbench.entries.model import Answers, Card
from examples.real_data import real_data

CARD = Card("2026_test_tool", "test", (), None, licence="MIT")
FER = """\
,box0,angry0,disgust0,fear0,happy0,sad0,surprise0,neutral0
0,"[10, 20, 99, 99]",0.02,0.0,0.01,0.9,0.02,0.01,0.03
1,"[10, 20, 99, 99]",0.92,0.0,0.01,0.0,0.02,0.01,0.03
"""
DEEPFACE = """\
frame,region,dominant_emotion,angry,disgust,fear,happy,sad,surprise,neutral
0,"{""x"": 1}",happy,1.2e-05,0.0,0.3,97.5,0.2,1.5,0.499988
1,"{""x"": 1}",sad,0.0,0.0,0.0,0.0,100.0,0.0,0.0
"""
PYAFAR = """\
Frame,Pitch,Occ_au_1,Occ_au_12
0,0,0.1,0.95
1,0,0.2,0.05
"""
WORDS = {
    "Anger": "angry",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happiness": "happy",
    "Sadness": "sad",
    "Surprise": "surprise",
    "Neutral": "neutral",
}


def entry_of(folder: Path, mapped: dict, **settings) -> ToolOutput:
    content = {"folder": folder, "map": mapped, **settings}
    return create(CARD, challenges.get("abaw4-mtl").tasks, read_settings(ToolSettings, content, folder / "entry.toml"))


def answers(folder: Path, text: str, mapped: dict, **settings) -> Answers:
    (folder / "v.csv").write_text(text)
    entry = entry_of(folder, mapped, **settings)
    (clip,) = entry.clips()
    return entry.predict(clip)


def faults(folder: Path, mapped: dict, text: str = PYAFAR, **settings) -> str:
    (folder / "v.csv").write_text(text)
    with pytest.raises(ProblemError) as caught:
        entry_of(folder, mapped, **settings).clips()
    return str(caught.value)


def test_a_map_reads_the_rounded_scores_of_fer(tmp_path):
    found = answers(tmp_path, FER, {"frame": "", "columns": {name: f"{word}0" for name, word in WORDS.items()}})
    assert found["expression"].argmax(axis=1).tolist() == [4, 1]
    assert found["expression"].sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert found["expression"][0, 4] == pytest.approx(0.9 / 0.99, abs=1e-12)


def test_a_map_reads_the_percentages_of_deepface(tmp_path):
    found = answers(tmp_path, DEEPFACE, {"frame": "frame", "scale": 100, "columns": WORDS})
    assert found["expression"][0, 4] == pytest.approx(0.975, abs=1e-7)
    assert found["expression"][1].tolist() == [0, 0, 0, 0, 0, 1, 0]


def test_percentages_without_a_scale_are_a_problem_that_names_it(tmp_path):
    assert "scale = 100" in faults(tmp_path, {"frame": "frame", "columns": WORDS}, DEEPFACE)


def test_a_map_reads_a_label_in_any_word(tmp_path):
    found = answers(tmp_path, DEEPFACE, {"frame": "frame", "label": "dominant_emotion"})
    assert found["expression"].argmax(axis=1).tolist() == [4, 5]


def test_a_map_reads_the_action_units_of_pyafar(tmp_path):
    found = answers(tmp_path, PYAFAR, {"frame": "Frame", "columns": {"AU12": "Occ_au_12", "AU1": "Occ_au_1"}})
    assert found["action_units"].tolist() == [[0.1, 0.95], [0.2, 0.05]]


def test_without_a_column_of_frames_rows_follow_each_other(tmp_path):
    found = answers(tmp_path, PYAFAR, {"columns": {"AU1": "Occ_au_1"}}, frame_base=1)
    assert found["action_units"].tolist() == [[0.1], [0.2]]


def test_a_value_may_be_the_mean_of_columns_with_a_scale_and_a_threshold(tmp_path):
    text = "t,left,right,v,a\n0,1,3,1,9\n1,0,0,5,5\n2,5,5,3,7\n"
    columns = {
        "AU12": {"name": ["left", "right"], "scale": 5, "threshold": 2},
        "valence": {"name": "v", "scale": [1, 9]},
        "arousal": {"name": "a", "scale": [1, 9]},
    }
    found = answers(tmp_path, text, {"frame": "t", "columns": columns})
    assert found["action_units"].tolist() == [[0.5], [0], [1]]
    assert found["va"].tolist() == [[-1, 1], [0, 0], [-0.5, 0.5]]


def test_raw_scores_are_not_scaled(tmp_path):
    found = answers(tmp_path, "x,y\n-2,3\n", {"columns": {"Anger": "x", "Fear": "y"}}, scores="logit")
    odds = np.exp([-2.0, 3.0])
    assert found["expression"][0] == pytest.approx(odds / odds.sum(), abs=1e-12)


def test_people_are_told_apart_by_the_columns_that_the_map_names(tmp_path):
    text = "f,who,au\n0,ann,0.1\n0,bob,0.9\n1,ann,0.2\n1,bob,0.9\n2,ann,0.3\n"
    (tmp_path / "v.csv").write_text(text)
    entry = entry_of(tmp_path, {"frame": "f", "person": "who", "columns": {"AU1": "au"}})
    (clip,) = entry.clips()
    assert entry.predict(clip)["action_units"][:, 0].tolist() == [0.1, 0.2, 0.3]
    assert (entry.tables().of_others, entry.tables().problems) == (2, ())


@pytest.mark.parametrize(
    ("mapped", "expected"),
    [
        ({"columns": {"AU1": "Occ_au_9"}}, 'no column "Occ_au_9"'),
        ({"frame": "frame", "columns": {"AU1": "Occ_au_1"}}, 'no column "frame"'),
        ({"columns": {"Boredom": "Occ_au_1"}}, "columns.Boredom"),
        ({"columns": {"valence": "Occ_au_1"}}, "valence alone"),
        ({"columns": {"AU1": {"name": "Occ_au_1", "scale": 0}}}, "columns.AU1.scale"),
        ({"columns": {"AU1": {"name": "Occ_au_1", "scale": [5, 1]}}}, "columns.AU1.scale"),
        ({"columns": {"AU1": {"name": "Occ_au_1", "threshold": 1}}}, "columns.AU1.threshold"),
        ({"columns": {"Anger": {"name": "Occ_au_1", "threshold": 0.5}}}, "columns.Anger.threshold"),
        ({"columns": {"Anger": "Occ_au_1"}, "label": "Pitch"}, "label and columns of Anger"),
        ({}, "no column"),
        ({"colums": {}}, "columns"),
        ({"columns": {"AU1": []}}, "E02"),
    ],
)
def test_a_map_that_cannot_be_is_a_problem_that_names_the_place(tmp_path, mapped, expected):
    assert expected in faults(tmp_path, mapped)


def test_a_map_and_a_named_tool_contradict_each_other(tmp_path):
    assert "settings.tool and settings.map" in faults(tmp_path, {"columns": {"AU1": "Occ_au_1"}}, tool="libreface")


def test_values_far_out_of_their_scale_are_a_problem(tmp_path):
    text = PYAFAR.replace("0.95", "95")
    assert "AU12" in faults(tmp_path, {"frame": "Frame", "columns": {"AU12": "Occ_au_12"}}, text)


@pytest.mark.parametrize("text", [FER, DEEPFACE, PYAFAR])
def test_a_table_of_no_known_tool_is_told_with_a_map_to_begin_with(tmp_path, text):
    (tmp_path / "v.csv").write_text(text)
    with pytest.raises(ProblemError) as caught:
        create(CARD, challenges.get("abaw4-mtl").tasks, ToolSettings(tmp_path))
    (problem,) = caught.value.problems
    assert problem.rule == "E18"
    assert "[settings.map]" in problem.fix
    assert ('columns.Happiness = "happy' in problem.fix) or ('columns.AU12 = "Occ_au_12"' in problem.fix)


def test_columns_are_suggested_by_their_names():
    header = ("", "AU01_r", "AU45_c", "au_2_intensity", "value_au", "Valence", "happy0", "region", "plateau_1")
    assert suggest_map(header).split(", ") == [
        'frame = ""',
        'columns.AU1 = "AU01_r"',
        'columns.AU45 = "AU45_c"',
        'columns.AU2 = "au_2_intensity"',
        'columns.valence = "Valence"',
        'columns.Happiness = "happy0"',
    ]


def test_values_beyond_a_scale_stay_beyond_it():
    derived = Derived(("x",), low=1, high=5, threshold=2)
    assert derived.of(np.array([[0.0], [1], [2], [5], [6]])).tolist() == pytest.approx([-0.5, 0, 0.5, 1, 7 / 6])


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mediapipe_pexels_woman_emotions", "mediapipe_pyfeat_single_face"])
def test_blendshapes_of_mediapipe_become_action_units_by_a_map(tmp_path, name):
    text = (real_data() / "labels" / f"{name}.csv").read_text()
    columns = {
        "AU1": "browInnerUp",
        "AU12": {"name": ["mouthSmileLeft", "mouthSmileRight"], "threshold": 0.3},
        "AU25": "jawOpen",
    }
    found = answers(tmp_path, text, {"frame": "frame", "columns": columns})["action_units"]
    assert len(found) == len(text.splitlines()) - 1
    first = dict(zip(*(line.split(",") for line in text.splitlines()[:2]), strict=True))
    assert found[0, 0] == float(first["browInnerUp"])
    smile = (float(first["mouthSmileLeft"]) + float(first["mouthSmileRight"])) / 2
    assert found[0, 1] == pytest.approx(np.interp(smile, [0, 0.3, 1], [0, 0.5, 1]), abs=1e-12)


README = Path(__file__).parents[3] / "submissions" / "2026_abawbench_tool-output" / "README.md"


@pytest.mark.parametrize(("title", "table"), [("fer", FER), ("DeepFace", DEEPFACE), ("PyAFAR", PYAFAR)])
def test_the_maps_of_the_readme_read_the_tables_they_are_for(tmp_path, title, table):
    blocks = [tomllib.loads(block.split("```")[0]) for block in README.read_text().split("```toml\n")[1:]]
    (mapped,) = (block["settings"]["map"] for block in blocks if block["settings"]["map"]["title"] == title)
    known = {"AU1", "AU12"} if title == "PyAFAR" else set(mapped["columns"])
    mapped["columns"] = {name: column for name, column in mapped["columns"].items() if name in known}
    found = answers(tmp_path, table, mapped)
    assert all(len(values) == 2 and np.isfinite(values).all() for values in found.values())
