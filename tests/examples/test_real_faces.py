from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import abawbench
from abawbench import records
from abawbench.clips.clip import clips_of_crops
from abawbench.entries.baselines import classical
from abawbench.formats import read_truth
from examples.real_data import ATTRIBUTION

ROOT = Path(__file__).parents[2]


def run(out: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples/real_faces.py"), "--out", str(out), "--date", "2026-01-31"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("faces")
    return out, run(out)


def test_without_the_data_it_says_where_to_get_them_and_stops(tmp_path):
    result = run(tmp_path / "out", ABAWBENCH_REAL_DATA=str(tmp_path))
    assert result.returncode == 1
    assert "F01" in result.stderr
    assert "export ABAWBENCH_REAL_DATA=" in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_of_faces_is_a_problem(tmp_path):
    (tmp_path / "SOURCES.csv").write_text("file\n")
    result = run(tmp_path / "out", ABAWBENCH_REAL_DATA=str(tmp_path))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


@pytest.mark.real_data
def test_it_walks_to_the_end_without_a_complaint(walk):
    assert (walk[1].returncode, "Traceback" in walk[1].stderr) == (0, False), walk[1].stderr


@pytest.mark.real_data
def test_it_tells_the_conditions_apart_as_well_as_plain_edge_histograms_can(walk):
    pictures = re.search(r"(\d+) of 204 pictures", walk[1].stdout)
    assert pictures is not None
    assert int(pictures[1]) / 204 >= 0.868


@pytest.mark.real_data
def test_it_ranks_the_smiling_picture_higher_for_nearly_everybody(walk):
    people = re.search(r"(\d+) of 102 people\n", walk[1].stdout)
    assert people is not None
    assert int(people[1]) / 102 >= 0.990


@pytest.mark.real_data
def test_its_intervals_hold_the_shares_of_pictures_and_people(walk):
    line = next(line for line in walk[1].stdout.splitlines() if "smiling ranked above neutral" in line)
    accuracy, low, high, *ranked = map(float, re.findall(r"\d\.\d{3}", line))
    assert low < accuracy < high < 1
    assert ranked[1] < ranked[0] <= ranked[2]


@pytest.mark.real_data
def test_it_says_that_smiling_is_a_condition_and_whose_the_pictures_are(walk):
    assert "recording condition" in walk[1].stdout
    assert ATTRIBUTION in walk[1].stdout
    assert ATTRIBUTION in (walk[0] / "ATTRIBUTION.txt").read_text()


@pytest.mark.real_data
def test_people_are_split_two_to_one_and_nobody_is_on_both_sides(walk):
    train, validation = (
        {line.split("/")[0] for line in (walk[0] / name).read_text().splitlines()[1:]}
        for name in ("training_set_annotations.txt", "validation_set_annotations.txt")
    )
    assert (len(train), len(validation), train & validation) == (68, 34, set())


@pytest.mark.real_data
def test_annotations_have_the_official_form(walk):
    lines = (walk[0] / "training_set_annotations.txt").read_text().splitlines()
    assert lines[0] == "image,valence,arousal,expression,aus"
    assert re.fullmatch(r"london_\d{3}/00001\.jpg,-5,-5,0" + ",-1" * 12, lines[1])
    assert re.fullmatch(r"london_\d{3}/00002\.jpg,-5,-5,4" + ",-1" * 12, lines[2])


@pytest.mark.real_data
def test_crops_are_112_pixels_for_every_annotated_frame(walk):
    truth = abawbench.get("abaw4-mtl"), walk[0] / "validation_set_annotations.txt"
    for clip in clips_of_crops(walk[0] / "cropped_aligned", read_truth(*truth)):
        assert clip.valid.all()
        assert clip.frames.shape == (2, 112, 112, 3)


@pytest.mark.real_data
def test_the_predictions_pass_the_check(walk):
    template = walk[0] / "validation_set_list.txt"
    assert abawbench.check("abaw4-mtl", walk[0] / "predictions.txt", template=template) == ()


@pytest.mark.real_data
def test_the_score_has_the_expression_term_and_no_total(walk):
    score = abawbench.score(
        "abaw4-mtl", walk[0] / "validation_set_annotations.txt", walk[0] / "predictions.txt", resamples=100
    )
    assert score.score is None
    assert score.terms["va"] is None
    assert 0.2 < (score.terms["expression"] or 0) <= 0.25


@pytest.mark.real_data
def test_the_record_holds_together_and_stands_in_the_leaderboard(walk):
    root = walk[0] / "leaderboard"
    assert records.check_tree(root / "records") == ()
    assert "2026_abawbench_hog" in (root / "abaw4-mtl.md").read_text()


@pytest.mark.real_data
def test_the_saved_entry_answers_as_the_file_says(walk):
    entry = classical.load(walk[0] / "2026_abawbench_hog.npz")
    rows = (walk[0] / "predictions.txt").read_text().splitlines()[1:]
    challenge = abawbench.get("abaw4-mtl")
    truth = read_truth(challenge, walk[0] / "validation_set_annotations.txt")
    expected = [
        int(number)
        for clip in clips_of_crops(walk[0] / "cropped_aligned", truth)
        for number in entry.predict(clip)["expression"].argmax(axis=1)
    ]
    assert [int(row.split(",")[3]) for row in rows] == expected


@pytest.mark.real_data
def test_a_second_run_gives_the_same_bytes(walk, tmp_path):
    run(tmp_path)
    first = {path.relative_to(walk[0]): path.read_bytes() for path in walk[0].rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert first == second
