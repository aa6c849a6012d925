"""The units that cost most, their courses, and the crops below them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from abawbench.api import read_table
from abawbench.reports.drawings import timeline
from abawbench.reports.pictures import Pictures
from abawbench.reports.subject import subject_of
from abawbench.reports.timelines import Course, Timeline, UnitFigures, timelines, unit_figures
from abawbench.scoring import Resampling, score
from tests.inference.conftest import write_crops
from tests.reports.corpus import FRAMES, MTL, UNITS, truth_values, write_truth

QUICK = Resampling(100)


@pytest.fixture
def one(tmp_path):
    values = truth_values()
    mine = {unit: {**tasks, "va": -tasks["va"]} if unit == "video9" else tasks for unit, tasks in values.items()}
    paths = [write_truth(tmp_path / name, own) for name, own in (("truth.txt", values), ("mine.txt", mine))]
    tables = [read_table(MTL, path, role) for path, role in zip(paths, ("truth", "prediction"), strict=True)]
    return subject_of(MTL, *tables, paths[1], resampling=QUICK)


def test_the_spoilt_unit_costs_most_and_its_cost_is_the_score_without_it_minus_the_score(one):
    found = unit_figures(MTL, one)
    assert found[0].unit == "video9"
    keep = np.flatnonzero(one.paired.truth.video != one.paired.truth.videos.index("video9"))
    without = score(MTL, one.paired.truth.take(keep), one.paired.prediction.take(keep), resampling=QUICK)
    assert found[0].cost == pytest.approx(without.score - one.score.score, abs=1e-12)
    assert [unit.cost for unit in found] == sorted((unit.cost for unit in found), reverse=True)


def test_a_course_has_the_values_of_the_tables_in_order_of_frames(one):
    (first, *_) = timelines(MTL, [one], unit_figures(MTL, one))
    rows = one.paired.truth.video == first.figures.place
    assert first.frame.tolist() == list(range(1, FRAMES + 1))
    valence = first.courses[0]
    np.testing.assert_array_equal(valence.truth[:, 0], one.paired.truth.numbers("va")[rows, 0])
    np.testing.assert_array_equal(valence.predictions[0][:, 0], one.paired.prediction.numbers("va")[rows, 0])
    classes = next(course for course in first.courses if course.task.name == "expression")
    answered = [classes.task.outputs.index(name) for name in np.array(classes.lanes)[classes.truth.argmax(1)]]
    assert answered == one.paired.truth.classes("expression")[rows].tolist()


def test_frames_that_are_not_annotated_leave_a_gap_in_the_truth(tmp_path):
    values = truth_values(("a", "b"))
    text = write_truth(tmp_path / "truth.txt", values).read_text().splitlines()
    for line in range(6, 10):
        name, *numbers = text[line].split(",")
        text[line] = ",".join([name, "-5", "-5", *numbers[2:]])
    (tmp_path / "truth.txt").write_text("\n".join(text) + "\n")
    mine = write_truth(tmp_path / "mine.txt", values)
    truth = read_table(MTL, tmp_path / "truth.txt", "truth")
    one = subject_of(MTL, truth, read_table(MTL, mine, "prediction"), mine, resampling=QUICK)
    unit = next(own for own in timelines(MTL, [one], unit_figures(MTL, one)) if own.figures.unit == "a")
    assert np.flatnonzero(np.isnan(unit.courses[0].truth[:, 0])).tolist() == [5, 6, 7, 8]


def test_a_lane_has_no_line_where_the_truth_is_not_annotated():
    task = next(task for task in MTL.tasks if task.name == "action_units")
    truth = np.array([[0.0], [np.nan], [np.nan], [1.0], [0.0]])
    course = Course(task, ("AU1",), truth, (np.zeros((5, 1)),))
    unit = UnitFigures("a", 0, {}, {}, None)
    drawn = str(timeline(Timeline(unit, np.arange(1, 6, dtype=np.int32), (course,)), "AU1"))
    (line,) = re.findall(r'<path [^>]*class="grid line"[^>]*>', drawn)
    assert re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", line) == [("0.5", "1.5"), ("3.5", "5.5")]


def test_crops_stop_at_the_budget_and_keep_to_the_frames_that_are_asked_for(tmp_path):
    crops = write_crops(tmp_path / "crops", {"a": 20, "b": 20})
    rich = Pictures(crops, ("a", "b"), (False, False))
    assert [one.frame for one in rich.along(0, 5, 9, 3)] == [5, 7, 9]
    assert rich.along(2, 1, 20, 3) == ()
    size = len(rich.along(1, 1, 1, 1)[0].data)
    poor = Pictures(crops, ("a", "b"), (False, False), budget=3 * size)
    shown = [*poor.along(0, 1, 20, 10), *poor.along(1, 1, 20, 10)]
    assert 1 <= len(shown) <= 4


def test_crops_stand_below_the_timelines_on_the_page(corpus, tmp_path):
    page = corpus.page(crops=write_crops(tmp_path / "crops", dict.fromkeys(UNITS, FRAMES)))
    assert len(re.findall(r'<img src="data:image/jpeg;base64,[^"]+" alt="frame \d+"', page)) == 12 * len(UNITS)
    assert re.search(r'alt="(?:video9|video45|last|10-30-640x480_\w+), frame \d+"', page)
