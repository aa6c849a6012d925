from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.clips.alignment import TEMPLATE, aligned_crop, placement, similarity, template
from abawbench.clips.crop import ARCFACE, CROP_SIZE, WIDE, Crop


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


SIZES, MARGINS = st.integers(8, 800), st.floats(0, 5).map(lambda margin: round(margin, 3))
TURNS = st.tuples(st.floats(-np.pi, np.pi), st.floats(0.1, 10), st.tuples(st.floats(-500, 500), st.floats(-500, 500)))


def mapped(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


def smooth_picture(height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (height // 50, width // 50, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def test_the_template_of_the_crop_of_recognition_networks_is_the_published_one():
    assert np.array_equal(template(ARCFACE), TEMPLATE)


@given(SIZES, st.sampled_from(["arcface-112", "wide"]))
def test_a_crop_of_any_size_shows_the_same_part_of_the_face(size, name):
    # distances from the edges are counted from the outer edges of the pixels
    small, large = template(Crop.named(name, CROP_SIZE)), template(Crop.named(name, size))
    assert (large + 0.5) / size == pytest.approx((small + 0.5) / CROP_SIZE)


def test_a_wide_crop_reaches_further_by_its_factor():
    middle = (WIDE.size - 1) / 2
    assert (template(WIDE) - middle) * 1.6 == pytest.approx(template(Crop.named("arcface-112", 224)) - middle)


def test_a_large_crop_comes_from_the_picture_and_not_from_the_small_crop():
    # a face of 224 pixels: its large crop is the picture itself, to the last pixel
    large = Crop.named("arcface-112", 224)
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    assert np.array_equal(aligned_crop(image, template(large), large), image)


@given(SIZES, MARGINS, TURNS)
def test_eyes_are_level_with_their_margin_left_right_and_above(size, margin, turn):
    crop = Crop("eyes", size, margin)
    points = moved(TEMPLATE, *turn)
    left, right = mapped(placement(points, crop), points)[:2] + 0.5
    unit = size / (1 + 2 * margin)
    assert right[0] - left[0] == pytest.approx(unit)
    assert left[1] == pytest.approx(right[1], abs=1e-6 * size)
    assert [left[0], size - right[0], left[1]] == pytest.approx([margin * unit] * 3, abs=1e-6 * size)


def test_the_crop_of_eyes_is_that_of_imutils():
    # the left eye at 0.35 of width and height. Source: PyImageSearch/imutils:imutils/face_utils/facealigner.py
    matrix = placement(TEMPLATE, Crop("eyes", 256, round(0.35 / 0.3, 3)))
    assert mapped(matrix, TEMPLATE)[0] + 0.5 == pytest.approx([0.35 * 256] * 2, abs=0.05)


@given(TURNS)
def test_mouth_and_nose_do_not_move_the_eyes(turn):
    points = moved(TEMPLATE, *turn)
    other = points.copy()
    other[2:] += 3.0 * turn[1]
    crop = Crop("eyes", 224, 1.5)
    assert placement(points, crop) == pytest.approx(placement(other, crop))


def test_a_face_turned_away_is_placed_by_all_its_points():
    # in profile both eyes are on one spot, and would make a crop of nothing
    profile = TEMPLATE * [0.05, 1] + [50, 0]
    crop = Crop("eyes", 224, 1.5)
    matrix = placement(profile, crop)
    assert matrix == pytest.approx(similarity(profile, template(crop)))
    assert 0.5 < np.hypot(*matrix[:, 0]) / (224 / 4 / 35.24) < 1.5


@given(
    SIZES,
    MARGINS,
    st.tuples(st.floats(-50, 900), st.floats(-50, 900), st.floats(4, 600), st.floats(4, 600)),
)
def test_a_box_becomes_a_square_with_its_margin_on_every_side(size, margin, place):
    left, top, width, height = place
    matrix = placement(TEMPLATE, Crop("box", size, margin), (left, top, left + width, top + height))
    side = max(width, height)
    middle = np.array([left + width / 2, top + height / 2])
    reach = side / 2 + margin * side
    edges = mapped(matrix, np.array([middle - reach, middle + reach]) - 0.5)
    assert edges + 0.5 == pytest.approx(np.array([[0, 0], [size, size]]), abs=1e-6 * size)
    # neither turned nor stretched
    assert matrix[:, :2] == pytest.approx(np.eye(2) * size / (2 * reach))


def test_a_box_within_the_picture_is_cut_out_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    crop = aligned_crop(image, TEMPLATE, Crop("box", 80), (100.0, 50.0, 180.0, 130.0))
    assert np.array_equal(crop, image[50:130, 100:180])
    with_margin = aligned_crop(image, TEMPLATE, Crop("box", 120, 0.25), (100.0, 50.0, 180.0, 130.0))
    assert np.array_equal(with_margin, image[30:150, 80:200])


def test_a_box_at_the_edge_is_black_beyond_it():
    white = np.full((200, 300, 3), 255, np.uint8)
    crop = aligned_crop(white, TEMPLATE, Crop("box", 100, 0.5), (0.0, 0.0, 50.0, 50.0))
    assert crop[:24].max() == crop[:, :24].max() == 0
    assert crop[26:, 26:].min() == 255


@pytest.mark.parametrize("crop", [Crop.named("wide", 60), Crop("eyes", 60, 1.5), Crop("box", 60, 0.2)])
def test_a_large_face_is_shrunk_first_and_stays_in_its_place(crop):
    image = smooth_picture(1203, 1601)
    points, box = TEMPLATE * 8 + 200, (400.0, 300.0, 1000.0, 1100.0)
    shrunk = aligned_crop(image, points, crop, box)
    whole = cv2.warpAffine(image, placement(points, crop, box), (60, 60))
    inner = np.s_[6:-6, 6:-6]
    assert np.corrcoef(shrunk[inner].ravel(), whole[inner].ravel())[0, 1] > 0.98


def test_a_box_is_needed_where_the_crop_is_one():
    with pytest.raises(ValueError, match="no box"):
        aligned_crop(np.zeros((9, 9, 3), np.uint8), TEMPLATE, Crop("box", 60, 0.2))


def test_an_empty_box_is_a_problem():
    with pytest.raises(ProblemError, match="E05"):
        placement(TEMPLATE, Crop("box", 60, 0.2), (5.0, 5.0, 5.0, 5.0))


def crop_of_earlier_versions(image: np.ndarray, points: np.ndarray, positions: np.ndarray, size: int) -> np.ndarray:
    matrix = similarity(points, positions)
    steps = int(1 / np.hypot(matrix[0, 0], matrix[1, 0]))
    if steps > 1:
        height, width = image.shape[:2]
        small = (max(width // steps, 1), max(height // steps, 1))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
        points = (points + 0.5) * (np.array(small) / (width, height)) - 0.5
        matrix = similarity(points, positions)
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7, 3.3, 6.1])
def test_the_crops_by_default_are_the_bytes_of_earlier_versions(scale):
    image = np.random.default_rng(1).integers(0, 256, (701, 997, 3), np.uint8)
    points = moved(TEMPLATE, 0.2, scale, (60.0, 20.0)) + np.random.default_rng(2).normal(size=(5, 2))
    wide = (TEMPLATE - (112 - 1) / 2) * (224 / (112 * 1.6)) + (224 - 1) / 2
    assert np.array_equal(aligned_crop(image, points), crop_of_earlier_versions(image, points, TEMPLATE, 112))
    assert np.array_equal(aligned_crop(image, points, WIDE), crop_of_earlier_versions(image, points, wide, 224))
