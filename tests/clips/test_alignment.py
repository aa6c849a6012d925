from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.clips.alignment import TEMPLATE, WIDE, aligned_crop, similarity


def moved(points: np.ndarray, roll: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return scale * points @ turn.T + np.array(shift)


@given(st.floats(-np.pi, np.pi), st.floats(0.05, 20), st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)))
def test_a_turned_scaled_and_shifted_template_is_brought_back_exactly(roll, scale, shift):
    matrix = similarity(moved(TEMPLATE, roll, scale, shift), TEMPLATE)
    back = moved(TEMPLATE, roll, scale, shift) @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(back - TEMPLATE).max() < 1e-8


def test_the_map_is_the_least_squares_solution():
    random = np.random.default_rng(3)
    source, target = random.normal(size=(5, 2)) * 40, random.normal(size=(5, 2)) * 40
    x, y = source.T
    rows = np.concatenate([np.stack([x, -y, np.ones(5), np.zeros(5)], 1), np.stack([y, x, np.zeros(5), np.ones(5)], 1)])
    a, b, right, down = np.linalg.lstsq(rows, np.concatenate([target[:, 0], target[:, 1]]), rcond=None)[0]
    assert similarity(source, target) == pytest.approx(np.array([[a, -b, right], [b, a, down]]), abs=1e-10)


def test_a_mirrored_face_is_not_mirrored_back():
    mirrored = TEMPLATE * [-1, 1]
    assert np.linalg.det(similarity(mirrored, TEMPLATE)[:, :2]) > 0


def test_points_on_one_line_still_fix_the_map():
    line = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])
    assert similarity(line, line * 3 + 1) == pytest.approx(np.array([[3.0, 0.0, 1.0], [0.0, 3.0, 1.0]]))


@pytest.mark.parametrize("spot", [(0.0, 0.0), (311.7, 97.3), (np.nan, 1.0), (np.inf, 1.0)])
def test_points_on_one_spot_or_not_finite_are_a_problem(spot):
    with pytest.raises(ProblemError, match="E05"):
        similarity(np.tile(spot, (5, 1)), TEMPLATE)


def test_the_crop_of_a_face_that_lies_on_the_template_is_the_picture_itself():
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    assert np.array_equal(aligned_crop(image, TEMPLATE), image)


def test_a_rolled_picture_gives_the_upright_crop():
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8), (0, 0), 4)
    points = moved(TEMPLATE, 0.5, 1.5, (60.0, 20.0))
    forth = similarity(TEMPLATE, points)
    rolled = cv2.warpAffine(image, forth, (300, 300))
    inner = np.s_[20:-20, 20:-20]
    difference = aligned_crop(rolled, points)[inner].astype(float) - image[inner]
    assert np.abs(difference).max() <= 4


def test_fine_texture_of_a_large_face_becomes_its_mean():
    board = (np.indices((1120, 1120)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = aligned_crop(np.dstack([board] * 3), TEMPLATE * 10)
    assert np.ptp(crop[2:-2, 2:-2].astype(int)) <= 2
    assert abs(float(crop[2:-2, 2:-2].mean()) - 127.5) < 1


def test_what_lies_outside_the_picture_is_black():
    white = np.full((112, 112, 3), 255, np.uint8)
    crop = aligned_crop(white, TEMPLATE + np.array([0, 56]))
    assert crop[:55].min() == 255
    assert crop[57:].max() == 0


def test_a_wide_crop_shows_the_aligned_one_in_its_middle():
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8), (0, 0), 4)
    points = TEMPLATE + 144
    wide = aligned_crop(image, points, WIDE)
    assert wide.shape == (224, 224, 3)
    side = round(224 / 1.6)
    begin = (224 - side) // 2
    middle = cv2.resize(wide[begin : begin + side, begin : begin + side], (112, 112), interpolation=cv2.INTER_AREA)
    assert np.abs(middle.astype(float) - aligned_crop(image, points)).mean() < 1.5
