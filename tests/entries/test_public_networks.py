"""Public networks as entries answer as their original programs, and tell smiling from neutral faces.

The expected answers are those of the original programs: face-api.js in node, and fer's model in Keras.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abawbench.clips.clip import Clip, clip_in_memory
from abawbench.clips.crop import ARCFACE, Crop
from abawbench.entries.contract import select_clips
from abawbench.entries.entry_file import read_entry_file
from abawbench.entries.loading import make_entry
from abawbench.entries.model import Entry
from abawbench.faces import WEIGHTS_NAME, Detector, crop_file, weights_path
from abawbench.labels import class_named
from examples.london import CONDITIONS, TRUTH, evaluate, people_of, probabilities
from examples.real_data import NETWORKS, SUBMISSIONS, public_network, real_data

FACE_API, MINI_XCEPTION = "2018_muehler_face-api-expression", "2017_arriaga_mini-xception"
MINI_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
CHANNELS_LAST = {
    "settings.sha256": "e865b4a09ff0c54231d392b331e418cd10e4ca454f6b6cdfcf1ed349f292f35e",
    "settings.layout": "NHWC",
    "settings.features": "",
    "settings.outputs.expression.output": "predictions",
    "settings.outputs.expression.activation": "none",
}
# least accuracy and share of people ranked right
FLOORS = {FACE_API: (0.79, 0.98), MINI_XCEPTION: (0.72, 0.97)}


def models(name: str) -> Path:
    """The folder of its graph, pictures and expected answers."""
    return (real_data() / NETWORKS[name]).parent


def loaded(name: str, model: str = "model.onnx", changes: Mapping[str, Any] | None = None) -> Entry:
    path = SUBMISSIONS / name / "entry.toml"
    content = read_entry_file(path, {"settings.model": str((models(name) / model).resolve()), **(changes or {})})
    entry = make_entry(content, path)
    assert isinstance(entry, Entry)
    return entry


def differences(entry: Entry, name: str) -> list[float]:
    """Greatest difference from the original program, for each of its pictures."""
    from PIL import Image

    (task,) = entry.card.tasks
    found: list[float] = []
    for picture, expected in json.loads((models(name) / "expected.json").read_text()).items():
        named = expected if isinstance(expected, dict) else dict(zip(MINI_CLASSES, expected, strict=True))
        probabilities = {class_named(label, task.outputs): value for label, value in named.items()}
        crop = np.asarray(Image.open(models(name) / "crops" / f"{picture}.png"))
        (answer,) = entry.predict(clip_in_memory(picture, crop[None]))[task.name]
        found.append(max(abs(answer - [probabilities[output] for output in task.outputs])))
    return found


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "model", "changes"),
    [
        (FACE_API, "model.onnx", {}),
        (MINI_XCEPTION, "model.onnx", {}),
        (MINI_XCEPTION, "model_nhwc.onnx", CHANNELS_LAST),
    ],
    ids=["face-api", "mini-Xception", "mini-Xception, channels last"],
)
def test_answers_are_those_of_the_original_program(name, model, changes):
    found = differences(loaded(name, model, changes), name)
    assert len(found) == 3
    assert max(found) < 1e-5


@pytest.mark.real_data
@pytest.mark.parametrize("change", [{"settings.resize": "opencv"}, {"settings.grey": "rec601"}])
def test_another_method_of_resizing_or_another_grey_gives_other_answers(change):
    assert max(differences(loaded(MINI_XCEPTION, changes=change), MINI_XCEPTION)) > 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_a_tiny_twin_has_the_pictures_and_the_classes_of_the_network(name):
    full, twin = (read_entry_file(SUBMISSIONS / name / file) for file in ("entry.toml", "tiny.toml"))
    own = {"model", "sha256", "weights_licence", "weights_source"}
    settings = [{key: value for key, value in each.settings.items() if key not in own} for each in (full, twin)]
    assert settings[0] == settings[1]
    assert (full.picture, full.vocabulary, full.paper) == (twin.picture, twin.vocabulary, twin.paper)


@pytest.mark.real_data
def test_a_network_refuses_crops_of_another_kind_though_their_size_is_right(tmp_path):
    detector = Detector(weights_path(real_data() / "weights" / WEIGHTS_NAME))
    picture = real_data() / "faces" / "london_001_smiling.jpg"
    clips: list[Clip] = []
    for crop in (ARCFACE, Crop("wide", 112)):
        clip = clip_in_memory(crop.name, crop_file(detector, picture, crop)[None])
        clips.append(replace(clip, crop_recipe=crop.to_json()))
    selected, ((_, problem),) = select_clips(loaded(FACE_API), clips)
    assert [clip.video for clip in selected] == ["arcface-112"]
    assert problem.rule == "E06"
    assert "--crop arcface-112 --size 112" in problem.fix


def run(*words: object) -> None:
    command = [sys.executable, "-m", "abawbench", *map(str, words)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.real_data
@pytest.mark.parametrize("name", FLOORS)
def test_smiling_is_told_from_neutral_on_the_london_faces(name, tmp_path):
    entry, pictures = public_network(name, tmp_path), tmp_path / "pictures"
    pictures.mkdir()
    people = people_of(real_data())
    names = [f"{person}_{condition}" for person in people for condition in CONDITIONS]
    for picture in names:
        (pictures / f"{picture}.jpg").symlink_to((real_data() / "faces" / f"{picture}.jpg").resolve())
    crop = read_entry_file(entry / "entry.toml").card().picture
    assert crop is not None
    run("faces", pictures, tmp_path / "faces", "--crop", crop.crop, "--size", crop.size, "--workers", 1)
    run("predict", entry, tmp_path / "faces", "-o", tmp_path / "store")
    found = probabilities(tmp_path / "store")
    assert sorted(found) == sorted(names)
    result = evaluate(
        {person: np.stack([found[f"{person}_{condition}"][0] for condition in CONDITIONS]) for person in people}, TRUTH
    )
    accuracy, ranked = FLOORS[name]
    assert len(result.right) == 102
    assert result.right.mean() >= accuracy
    assert result.ranked.mean() >= ranked
