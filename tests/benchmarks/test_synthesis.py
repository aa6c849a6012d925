from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from abawbench.challenges import get
from abawbench.clips.clip import clips_of_units
from abawbench.labels import EXPRESSIONS_7
from benchmarks.claims.synthesis.judges import Judges, Trunk, controls, judge
from benchmarks.claims.synthesis.people import Questions, draw_people, labels_of, make_questions, write_people

PEOPLE, SIDE = 3, 8


class Mean(nn.Module):
    """The mean of the channels, times a matrix."""

    def __init__(self, matrix: np.ndarray) -> None:
        super().__init__()
        self.matrix = torch.from_numpy(matrix.astype(np.float32))

    def forward(self, pictures):
        return (pictures.mean(dim=(2, 3)) + 1) @ self.matrix


@pytest.fixture(scope="module")
def questions() -> Questions:
    """Plain pictures: red says the expression; green and blue, as an angle, the person."""
    pictures = np.zeros((PEOPLE, 2, 7, 2, SIDE, SIDE, 3), np.uint8)
    for person in range(PEOPLE):
        pictures[person, ..., 1:] = np.round(200 * np.array([np.cos(person / 2), np.sin(person / 2)]))
    pictures[..., 0] = (np.arange(7) * 40)[:, None, None, None]
    drawn = make_questions(0)
    person, source, target = np.indices((PEOPLE, 7, 7)).reshape(3, -1)
    asked = source != target
    return replace(drawn, pictures=pictures, person=person[asked], source=source[asked], target=target[asked])


@pytest.fixture(scope="module")
def judges() -> Judges:
    # the nearest of the seven reds: largest x * a - a^2 / 2, where the constant comes from a channel that is never 0
    class Red(nn.Module):
        def forward(self, pictures):
            red = (pictures[:, 0].mean(dim=(1, 2)) + 1)[:, None]
            levels = torch.arange(7) * 40 / 127.5
            return -((red - levels) ** 2)

    identity = Mean(np.array([[0, 0], [1, 0], [0, 1]]))
    return Judges(Red(), identity, np.zeros((0, 7)), np.eye(7)[0])


@pytest.fixture(autouse=True)
def no_gradients(monkeypatch):
    monkeypatch.setattr(
        "benchmarks.claims.synthesis.judges.hog", lambda pictures, cell: np.zeros((len(pictures), 0), np.float32)
    )


def test_each_face_is_asked_for_every_other_expression_and_never_for_its_own(questions):
    assert len(questions.person) == 42 * PEOPLE
    assert not (questions.source == questions.target).any()
    cells = np.stack([questions.person, questions.source, questions.target])
    assert len(np.unique(cells, axis=1).T) == 42 * PEOPLE


def test_the_face_as_given_keeps_the_person_and_another_person_has_the_expression_alone(questions, judges):
    found = {name: one.shares() for name, one in controls(judges, questions).items()}
    given, target, other = found.values()
    assert (given["expression"], given["person"]) == (0, 1)
    assert (target["expression"], target["person"], target["both"]) == (1, 1, 1)
    assert (other["expression"], other["person"], other["both"]) == (1, 0, 0)


def test_a_judge_of_gradients_that_always_says_neutral_is_right_for_a_seventh(questions, judges):
    verdict = judge(judges, questions, questions.real_targets)
    assert verdict.shares()["by_hog"] == pytest.approx(1 / 7)


def test_half_right_answers_give_half_the_share(questions, judges):
    pictures = questions.real_targets.copy()
    pictures[::2] = questions.faces[::2]
    verdict = judge(judges, questions, pictures)
    np.testing.assert_array_equal(verdict.expression, np.arange(len(pictures)) % 2 == 1)


def test_drawn_people_differ_between_films_and_seeds_and_are_the_same_again():
    one, again, other = (draw_people(seed, 1, films=2, frames=1, size=32) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[:, 0], one[:, 1])


def test_people_are_written_as_crops_whose_labels_say_the_expression(tmp_path):
    pictures = draw_people(7, 2, frames=2, size=32)
    names = write_people(pictures, tmp_path, "g")
    table = labels_of(names, 14, get("abaw10-expr"))
    clips = clips_of_units(tmp_path)
    assert [clip.video for clip in clips] == list(names) == ["g0000", "g0001"]
    assert {(clip.crop and clip.crop.name, clip.size, len(clip)) for clip in clips} == {("arcface-112", 32, 14)}
    difference = np.abs(clips[1].frames[8].astype(int) - pictures[1, 0, 1, 1])
    assert difference.mean() < 4
    assert table.values["expression"][14 + 8] == EXPRESSIONS_7.index("Anger")


def test_the_trunk_gives_one_vector_for_each_picture():
    assert Trunk(5).eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 5)
