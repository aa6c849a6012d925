from __future__ import annotations

import csv
import functools
import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from abawbench import faces
from abawbench.base.problems import ProblemError
from abawbench.clips.crop import ARCFACE, WIDE
from abawbench.clips.images import read_image
from abawbench.faces import TEMPLATE, Detector, Face, main_face, similarity
from examples.real_data import real_data


@functools.cache
def detector() -> Detector:
    return Detector(faces.weights_path())


@functools.cache
def detected(name: str) -> tuple[tuple[int, int], tuple[Face, ...]]:
    image = read_image(real_data() / "faces" / name)
    return image.shape[:2], detector().detect(image)


def test_other_weights_are_refused_by_their_hash(tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"something else")
    with pytest.raises(ProblemError, match="E04"):
        faces.weights_path(path)


def test_missing_weights_name_the_variable_to_set(tmp_path):
    with pytest.raises(ProblemError, match="ABAWBENCH_YUNET"):
        faces.weights_path(tmp_path / "yunet.onnx")


def test_fetched_weights_are_taken_where_the_variable_names_none(tmp_path, monkeypatch):
    monkeypatch.delenv("ABAWBENCH_YUNET", raising=False)
    monkeypatch.setattr("abawbench.datasets.fetch.fetched", {"yunet": tmp_path}.get)
    (tmp_path / faces.WEIGHTS_NAME).write_bytes(b"the fetched file")
    monkeypatch.setattr("abawbench.faces.detector.WEIGHTS_SHA256", hashlib.sha256(b"the fetched file").hexdigest())
    assert faces.weights_path() == tmp_path / faces.WEIGHTS_NAME


def test_without_any_weights_the_fix_is_to_fetch_them(tmp_path, monkeypatch):
    monkeypatch.delenv("ABAWBENCH_YUNET", raising=False)
    monkeypatch.setattr("abawbench.datasets.fetch.fetched", {}.get)
    with pytest.raises(ProblemError, match="abawbench data fetch yunet"):
        faces.weights_path()


def test_a_named_folder_without_the_data_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("ABAWBENCH_REAL_DATA", str(tmp_path))
    with pytest.raises(ProblemError, match="F01"):
        real_data()


def face_at(left: float, top: float, size: float) -> Face:
    return Face((left, top, left + size, top + size), TEMPLATE, 0.9)


def test_the_larger_face_is_the_main_one():
    small, large = face_at(40, 40, 20), face_at(0, 0, 60)
    assert main_face((small, large), 100, 100) is large


def test_of_equal_faces_the_central_one_is_the_main_one():
    aside, central = face_at(0, 40, 20), face_at(45, 40, 20)
    assert main_face((aside, central), 100, 100) is central


def test_without_faces_there_is_no_main_one():
    assert main_face((), 100, 100) is None


@pytest.mark.real_data
def test_every_london_picture_has_one_face():
    names = [path.name for path in (real_data() / "faces").glob("*london_*.jpg")]
    counts = {name: len(detected(name)[1]) for name in names}
    assert len(counts) == 208
    assert {name: count for name, count in counts.items() if count != 1} == {}


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "count"),
    [("pexels_angry.jpg", 1), ("pexels_sad-baby.jpg", 1), ("pexels_happy-baby_rgba.png", 1), ("wh_two_people.jpg", 2)],
)
def test_pictures_that_are_hard_at_full_size_give_their_faces(name, count):
    assert len(detected(name)[1]) == count


@pytest.mark.real_data
def test_a_box_lies_inside_the_picture():
    (height, width), (face,) = detected("pexels_sad-baby.jpg")
    left, top, right, bottom = face.box
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def pupils() -> list[tuple[str, np.ndarray]]:
    with (real_data() / "labels" / "london_neutral_landmarks.csv").open(newline="") as file:
        return [
            (
                Path(row["file"]).name,
                np.array(
                    [
                        [float(row["left_pupil_x"]), float(row["left_pupil_y"])],
                        [float(row["right_pupil_x"]), float(row["right_pupil_y"])],
                    ]
                ),
            )
            for row in csv.DictReader(file)
        ]


@pytest.mark.real_data
def test_both_true_pupils_lie_in_the_box_of_every_neutral_face():
    outside = []
    for name, eyes in pupils():
        left, top, right, bottom = detected(name)[1][0].box
        if not all(left <= x <= right and top <= y <= bottom for x, y in eyes):
            outside.append(name)
    assert outside == []


@pytest.mark.real_data
def test_true_pupils_land_near_the_template_eyes():
    errors = []
    for name, eyes in pupils():
        matrix = similarity(detected(name)[1][0].points, TEMPLATE)
        landed = eyes @ matrix[:, :2].T + matrix[:, 2]
        errors.append(np.linalg.norm(landed - TEMPLATE[:2], axis=1).max())
    # 35 pixels lie between the template's eyes; measured: mean 2.9 pixels, at most 6.9
    assert np.mean(errors) < 3.5
    assert max(errors) < 8.5


@pytest.mark.real_data
def test_a_picture_without_a_face_is_a_problem(tmp_path):
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((90, 120, 3), 128, np.uint8))
    with pytest.raises(ProblemError, match="E03"):
        faces.crop_file(detector(), path)


@pytest.mark.real_data
def test_a_wide_crop_of_a_picture_holds_the_usual_crop_in_its_middle():
    path = real_data() / "faces" / "london_001_neutral.jpg"
    usual, wide = (faces.crop_file(detector(), path, crop) for crop in (ARCFACE, WIDE))
    assert (usual.shape, wide.shape) == ((112, 112, 3), (224, 224, 3))
    # 1.6 times as far in each direction: the middle 140 of 224 pixels
    middle = cv2.resize(wide[42:182, 42:182], (112, 112), interpolation=cv2.INTER_AREA)
    assert np.abs(middle.astype(float) - usual).mean() < 2


@pytest.mark.real_data
def test_transparent_and_opaque_files_of_one_picture_give_nearly_the_same_crop():
    folder = real_data() / "faces"
    opaque = faces.crop_file(detector(), folder / "pexels_happy-baby.jpg").astype(float)
    transparent = faces.crop_file(detector(), folder / "pexels_happy-baby_rgba.png").astype(float)
    assert np.abs(opaque - transparent).mean() < 2


@pytest.mark.real_data
def test_rolled_faces_stand_upright_in_their_crops():
    rolls = []
    for name in ("pose_lisa1.jpg", "pose_lisa2.jpg", "pose_lisa3.jpg", "pose_lisa4.jpg"):
        (face,) = detected(name)[1]
        matrix = similarity(face.points, TEMPLATE)
        (left, right) = face.points[:2] @ matrix[:, :2].T + matrix[:, 2]
        rolls.append(abs(np.degrees(np.arctan2(right[1] - left[1], right[0] - left[0]))))
    assert max(rolls) < 8
