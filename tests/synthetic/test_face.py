from __future__ import annotations

import functools

import numpy as np
import pytest

from abawbench.entries.baselines.classical import hog
from abawbench.faces import TEMPLATE, similarity
from abawbench.labels import ACTION_UNITS_17
from abawbench.synthetic import anatomy
from abawbench.synthetic.face import coefficients, draw_face, landmarks, move_points
from abawbench.synthetic.film import Film, draw_crop, make_film
from abawbench.synthetic.person import Person, make_person
from abawbench.synthetic.sheet import clear_frame

SEEDS = (0, 1, 2, 5, 7, 11)
BROWS, EYES, NOSE, MOUTH, CHIN, CHEEKS = "brows", "eyes", "nose", "mouth", "chin", "cheeks"
# rows and columns of an upright crop
REGIONS = {
    BROWS: np.s_[14:47, 16:97],
    EYES: np.s_[42:62, 14:98],
    NOSE: np.s_[46:84, 36:76],
    CHEEKS: np.s_[56:96, 18:94],
    MOUTH: np.s_[80:106, 30:82],
    CHIN: np.s_[98:112, 28:84],
}
MOVES = {
    "AU1": (BROWS,),
    "AU2": (BROWS,),
    "AU4": (BROWS, EYES),
    "AU5": (EYES, BROWS),
    "AU6": (EYES, CHEEKS),
    "AU7": (EYES,),
    "AU9": (NOSE, BROWS, EYES, CHEEKS),
    "AU10": (MOUTH, NOSE, CHEEKS),
    "AU11": (CHEEKS, NOSE, MOUTH),
    "AU12": (MOUTH, CHEEKS, CHIN),
    "AU15": (MOUTH, CHIN, CHEEKS),
    "AU17": (MOUTH, CHIN),
    "AU20": (MOUTH, CHEEKS, CHIN),
    "AU23": (MOUTH, CHEEKS, CHIN),
    "AU24": (MOUTH, CHEEKS, CHIN),
    "AU25": (MOUTH, CHIN),
    "AU26": (MOUTH, CHIN, CHEEKS),
}


@functools.cache
def film(seed: int) -> Film:
    return make_film(person(seed), 12, np.random.default_rng(seed + 1000))


def person(seed: int) -> Person:
    # nearly at rest, so that an action unit at 1 moves a face as far as it can
    return make_person(np.random.default_rng(seed), resting=0.05)


def units(**intensities: float) -> np.ndarray:
    values = np.zeros(17)
    for name, intensity in intensities.items():
        values[ACTION_UNITS_17.index(name)] = intensity
    return values


@functools.lru_cache(maxsize=256)
def upright(seed: int, **intensities: float) -> np.ndarray:
    """A face from the front, held where the neutral one is aligned."""
    rig = film(seed).rig
    still = similarity(landmarks(move_points(rig, coefficients(rig, units(), 0, 0))).astype(float), TEMPLATE)
    values = coefficients(rig, units(**intensities), 0, 0)
    points = move_points(rig, values)
    gaze = np.zeros(2, np.float32)
    return draw_face(rig, film(seed).close, values, points, still.astype(np.float32), (112, 112), 0, gaze)


def outlines(seed: int, **intensities: float) -> np.ndarray:
    rig = film(seed).rig
    return move_points(rig, coefficients(rig, units(**intensities), 0, 0))


def change(seed: int, **intensities: float) -> np.ndarray:
    return np.abs(upright(seed, **intensities).astype(float) - upright(seed)).mean(axis=2)


def darkness(image: np.ndarray) -> np.ndarray:
    return 255.0 - image.astype(float).mean(axis=2)


def test_every_action_unit_has_its_place():
    assert tuple(MOVES) == ACTION_UNITS_17


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("unit", ACTION_UNITS_17)
def test_an_action_unit_changes_its_regions_and_hardly_anything_else(seed, unit):
    changed = change(seed, **{unit: 1.0})
    inside = np.zeros((112, 112), bool)
    for region in MOVES[unit]:
        inside[REGIONS[region]] = True
    assert changed[inside].sum() > 0.8 * changed.sum()
    assert np.sort(changed.ravel())[-100:].mean() > 8


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("unit", ACTION_UNITS_17)
def test_a_stronger_intensity_changes_more(seed, unit):
    amounts = [change(seed, **{unit: intensity}).sum() for intensity in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert amounts[0] == 0
    assert np.all(np.diff(amounts) > 0)


def test_action_units_are_told_apart_in_the_picture():
    for seed in SEEDS:
        changes = np.stack([
            (upright(seed, **{unit: 1.0}).astype(float) - upright(seed)).ravel() for unit in ACTION_UNITS_17
        ])  # fmt: skip
        changes /= np.linalg.norm(changes, axis=1, keepdims=True)
        alike = changes @ changes.T - np.eye(17)
        assert alike.max() < 0.93


def has_clear_brows(one: Person) -> bool:
    return one.hair_style not in {"fringe", "curly"} and sum(one.skin) - sum(one.brow) > 0.8


def brow_height(image: np.ndarray, columns: slice) -> float:
    """Mean row of the darkest pixels where a brow is."""
    dark = darkness(image)[26:47, columns]
    weight = np.clip(dark - np.quantile(dark, 0.8), 0, None)
    return float((weight.sum(axis=1) * np.arange(len(dark))).sum() / weight.sum())


@pytest.mark.parametrize("seed", [seed for seed in range(12) if has_clear_brows(person(seed))])
def test_the_inner_brow_rises_with_au1_and_sinks_with_au4(seed):
    inner = slice(44, 52)
    resting = brow_height(upright(seed), inner)
    assert brow_height(upright(seed, AU1=1.0), inner) < resting - 1
    assert brow_height(upright(seed, AU4=1.0), inner) > resting + 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_corners_of_the_mouth_go_up_down_and_apart(seed):
    corner = anatomy.LIPS_UPPER.stop - 1
    resting = outlines(seed)[corner]
    assert outlines(seed, AU12=1.0)[corner, 1] < resting[1] - 3
    assert outlines(seed, AU15=1.0)[corner, 1] > resting[1] + 3
    assert outlines(seed, AU20=1.0)[corner, 0] > resting[0] + 3
    assert outlines(seed, AU23=1.0)[corner, 0] < resting[0] - 1


@pytest.mark.parametrize("seed", SEEDS)
def test_lids_open_with_au5_and_narrow_with_au7(seed):
    middle = anatomy.LID // 2

    def opening(**intensities: float) -> float:
        points = outlines(seed, **intensities)
        return float(points[anatomy.LOWER_LIDS][middle, 1] - points[anatomy.UPPER_LIDS][middle, 1])

    assert opening(AU5=1.0) > opening() + 1
    assert opening(AU7=1.0) < opening() - 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dropped_jaw_shows_the_dark_of_the_mouth_and_lowers_the_chin(seed):
    mouth = np.s_[90:104, 48:64]
    closed, opened = upright(seed)[mouth], upright(seed, AU26=1.0)[mouth]
    assert darkness(opened).max() > darkness(closed).max() + 3
    assert darkness(opened)[4:10].mean() > darkness(closed)[4:10].mean() + 15
    lip = anatomy.LIPS_BOTTOM.start + anatomy.LIP // 2
    assert outlines(seed, AU26=1.0)[lip, 1] > outlines(seed)[lip, 1] + 6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_smile_with_parted_lips_shows_teeth(seed):
    mouth = np.s_[86:100, 46:66]
    closed, smile = upright(seed, AU12=1.0)[mouth], upright(seed, AU12=1.0, AU25=1.0)[mouth]
    # teeth are the least red of what is in a mouth
    redness = [image[..., 0].astype(float) - image[..., 2] for image in (closed, smile)]
    assert np.quantile(redness[1], 0.1) < np.quantile(redness[0], 0.1) - 5


@pytest.mark.parametrize("seed", SEEDS)
def test_pressed_lips_are_thinner_than_resting_ones(seed):
    def thickness(**intensities: float) -> float:
        points, middle = outlines(seed, **intensities), anatomy.LIP // 2
        return float(points[anatomy.LIPS_BOTTOM][middle, 1] - points[anatomy.LIPS_TOP][middle, 1])

    assert thickness(AU24=1.0) < thickness(AU23=1.0) < thickness()


def test_a_closed_lid_hides_the_iris():
    seed, rig = 1, film(1).rig
    values = coefficients(rig, units(), 0, 0)
    points = move_points(rig, values)
    matrix = np.array([[1, 0, 56], [0, 1, 72]], np.float32)
    gaze = np.zeros(2, np.float32)
    pictures = [draw_face(rig, film(seed).close, values, points, matrix, (112, 112), lids, gaze) for lids in (0, 1)]
    x, y = (points[0] @ matrix[:, :2].T + matrix[:, 2]).astype(int)
    pupils = [darkness(picture)[y - 2 : y + 2, x - 2 : x + 2].mean() for picture in pictures]
    assert pupils[1] < pupils[0] - 40


def test_a_turned_head_moves_the_nose_before_the_eyes():
    rig = film(0).rig
    front, turned = (landmarks(move_points(rig, coefficients(rig, units(), yaw, 0))) for yaw in (0, 0.3))
    shift = turned[:, 0] - front[:, 0]
    assert shift[2] > shift[:2].mean() + 2


def features(images: list[np.ndarray]) -> np.ndarray:
    return hog(np.stack(images), cell=8).reshape(len(images), -1)


def test_action_units_are_learned_from_other_people():
    from sklearn.linear_model import Ridge
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(5)
    images, truth, who = [], [], []
    for number in range(40):
        one = make_film(make_person(generator), 12, generator)
        for frame in range(12):
            on = generator.random(17) < 0.25
            images.append(draw_crop(one, frame, on * generator.uniform(0.5, 1.0, 17)))
            truth.append(on)
            who.append(number)
    x, y, is_new = features(images), np.array(truth), np.array(who) >= 30
    guess = Ridge(alpha=3.0).fit(x[~is_new], y[~is_new]).predict(x[is_new])
    areas = [roc_auc_score(y[is_new, unit], guess[:, unit]) for unit in range(17)]
    # chance is 0.5
    assert np.mean(areas) > 0.8
    assert min(areas) > 0.58


def test_the_frame_that_is_shown_is_a_clear_one():
    one = film(3)
    frame = clear_frame(one)
    assert one.conditions.lids[frame] == 0
    assert not one.conditions.covered[frame]
