from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clip_in_memory
from abawbench.entries.foreign.image_classifier import ImageClassifier, ImageClassifierSettings, create
from abawbench.entries.model import Card, DeviceEntry, Entry, FrameWise

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TASKS = challenges.get("abaw4-mtl").tasks
CARD = Card("2026_test_classifier", "test", (), None, licence="MIT")
SIZE = 16
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.5]
LABELS = {0: "sad", 1: "contempt", 2: "Neutral", 3: "HAPPY"}
PREPROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": SIZE, "width": SIZE},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": MEAN,
    "image_std": STD,
}


def write_folder(folder: Path, *, preprocessor: dict | None = PREPROCESSOR, id2label: dict = LABELS, **config) -> Path:
    torch.manual_seed(3)
    settings = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=SIZE,
        patch_size=8,
        initializer_range=0.5,
        id2label=id2label,
        **config,
    )
    transformers.ViTForImageClassification(settings).save_pretrained(folder)
    if preprocessor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("classifier"))


def entry_of(folder: Path, **settings) -> ImageClassifier:
    return create(CARD, TASKS, ImageClassifierSettings(folder, **({"labels": {"contempt": ""}} | settings)))


def problems_of(folder: Path, **settings) -> list[str]:
    with pytest.raises(ProblemError) as caught:
        entry_of(folder, **settings)
    return [problem.rule for problem in caught.value.problems]


def crops_of(count: int, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), np.uint8)


def logits_of(folder: Path, pictures: np.ndarray) -> np.ndarray:
    network = transformers.ViTForImageClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        return network(pixel_values=torch.from_numpy(pictures.astype(np.float32))).logits.numpy()


def pictures_of(crops: np.ndarray) -> np.ndarray:
    return ((crops / 255 - np.array(MEAN)) / np.array(STD)).transpose(0, 3, 1, 2)


def test_what_is_seen_are_the_scores_of_the_network(folder):
    crops = crops_of(5)
    assert entry_of(folder).encode(crops) == pytest.approx(logits_of(folder, pictures_of(crops)), abs=1e-5)


def test_probabilities_are_made_without_the_label_that_is_left_out(folder):
    crops = crops_of(5)
    odds = np.exp(logits_of(folder, pictures_of(crops))[:, [2, 3, 0]].astype(float))
    answers = entry_of(folder).predict(clip_in_memory("v", crops))
    assert answers["expression"] == pytest.approx(odds / odds.sum(axis=1, keepdims=True), abs=1e-5)


def test_the_card_names_classes_file_and_what_is_left_out(folder):
    card = entry_of(folder, weights_licence="MIT", weights_source="somewhere").card
    assert [task.outputs for task in card.tasks] == [("Neutral", "Happiness", "Sadness")]
    assert card.weights[0].sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert card.notes == ("read sad as Sadness, HAPPY as Happiness", "left out, the others made to sum to 1: contempt")


def test_labels_of_one_class_are_added_up(folder):
    crops = crops_of(4)
    odds = np.exp(logits_of(folder, pictures_of(crops)).astype(float))
    odds /= odds.sum(axis=1, keepdims=True)
    entry = entry_of(folder, labels={"contempt": "Sadness"})
    answers = entry.predict(clip_in_memory("v", crops))["expression"]
    assert answers == pytest.approx(np.stack([odds[:, 2], odds[:, 3], odds[:, 0] + odds[:, 1]], axis=1), abs=1e-5)


def test_two_labels_that_mean_one_class_by_their_names_are_a_problem(tmp_path):
    other = write_folder(tmp_path, id2label={0: "sad", 1: "unhappy", 2: "Sadness", 3: "HAPPY"})
    with pytest.raises(ProblemError) as caught:
        entry_of(other)
    assert {problem.rule for problem in caught.value.problems} == {"E02"}
    assert "labels sad and Sadness" in str(caught.value)
    assert entry_of(other, labels={"Sadness": "Sadness", "unhappy": ""})


def test_it_runs_in_a_precision_of_choice(folder):
    entry = entry_of(folder)
    assert isinstance(entry, DeviceEntry)
    rounded = entry.at("cpu", "bfloat16").encode(crops_of(3))
    assert rounded == pytest.approx(entry.encode(crops_of(3)), abs=0.2)
    assert not np.array_equal(rounded, entry.encode(crops_of(3)))


def test_it_is_a_staged_entry_whose_predict_is_conclude_of_look(folder):
    entry, valid = entry_of(folder), np.array([True, False, True])
    assert isinstance(entry, Entry)
    assert isinstance(entry, FrameWise)
    clip = clip_in_memory("v", crops_of(3), valid=valid)
    whole = entry.predict(clip)["expression"]
    assert np.array_equal(whole, entry.answer(entry.encode(crops_of(3)[valid]), clip)["expression"], equal_nan=True)
    assert np.isnan(whole).all(axis=1).tolist() == [False, True, False]


def test_what_is_seen_does_not_depend_on_the_batch(folder):
    crops = crops_of(5)
    assert entry_of(folder, batch=2).encode(crops) == pytest.approx(entry_of(folder).encode(crops), abs=1e-5)


def test_a_clip_without_valid_frames_is_not_answered(folder):
    answers = entry_of(folder).predict(clip_in_memory("v", crops_of(2), valid=np.zeros(2, bool)))
    assert answers["expression"].shape == (2, 3)
    assert np.isnan(answers["expression"]).all()


def test_settings_stand_in_the_place_of_the_folders(tmp_path):
    bare = write_folder(tmp_path, preprocessor=None)
    entry = entry_of(bare, size=SIZE, mean=tuple(MEAN), std=tuple(STD))
    crops = crops_of(3)
    assert entry.encode(crops) == pytest.approx(logits_of(bare, pictures_of(crops)), abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "pictures"),
    [
        ({"do_normalize": False}, lambda crops: crops / 255),
        ({"rescale_factor": 1 / 127.5}, lambda crops: (crops / 127.5 - np.array(MEAN)) / np.array(STD)),
        (
            {"do_rescale": False, "image_mean": [100, 110, 120], "image_std": [50, 60, 70]},
            lambda crops: (crops - np.array([100, 110, 120])) / np.array([50, 60, 70]),
        ),
        ({"size": SIZE}, lambda crops: (crops / 255 - np.array(MEAN)) / np.array(STD)),
        ({"size": {"shortest_edge": SIZE}}, lambda crops: (crops / 255 - np.array(MEAN)) / np.array(STD)),
    ],
)
def test_the_folders_scale_is_kept(tmp_path, changes, pictures):
    path = write_folder(tmp_path, preprocessor=PREPROCESSOR | changes)
    crops = crops_of(3)
    expected = logits_of(path, pictures(crops.astype(float)).transpose(0, 3, 1, 2))
    assert entry_of(path).encode(crops) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": {"shortest_edge": 20}, "do_center_crop": True, "crop_size": {"height": SIZE, "width": SIZE}},
        {"size": {"shortest_edge": SIZE}, "crop_pct": 0.8, "image_processor_type": "ConvNextImageProcessor"},
    ],
)
def test_the_middle_is_cut_out_where_the_folder_says_so(tmp_path, changes):
    path = write_folder(tmp_path, preprocessor=PREPROCESSOR | changes)
    crops = crops_of(3, 20)
    expected = logits_of(path, pictures_of(crops[:, 2:-2, 2:-2]))
    assert entry_of(path).encode(crops) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": None},
        {"size": {"height": 16, "width": 20}},
        {"size": {"longest_edge": 16}},
        {"image_mean": None},
        {"image_mean": [0.5]},
        {"image_std": [0.5, 0.5, 0.0]},
        {"do_resize": False},
        {"rescale_offset": True},
        {"crop_pct": 0.9},
        {"do_center_crop": True, "crop_size": 32},
    ],
)
def test_a_preparation_that_is_not_understood_asks_for_settings(tmp_path, changes):
    path = write_folder(tmp_path, preprocessor=PREPROCESSOR | changes)
    with pytest.raises(ProblemError, match="write size, mean and std into the settings"):
        entry_of(path)
    assert entry_of(path, size=SIZE, mean=tuple(MEAN), std=tuple(STD))


@pytest.mark.parametrize("changes", [{"image_mean": ["a", "b", "c"]}, {"rescale_factor": "big"}])
def test_a_damaged_preparation_is_a_problem(tmp_path, changes):
    assert problems_of(write_folder(tmp_path, preprocessor=PREPROCESSOR | changes)) == ["E04"]


def test_pictures_of_another_size_than_the_networks_are_a_problem(folder):
    assert problems_of(folder, size=SIZE * 2) == ["E06"]


def test_a_folder_without_a_config_is_a_problem(tmp_path):
    assert problems_of(tmp_path) == ["F01"]


@pytest.mark.parametrize("text", ["{", "[]", '{"id2label": {"a": "sad"}}', '{"id2label": ["sad"]}'])
def test_a_config_that_is_none_is_a_problem(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert problems_of(tmp_path, labels={}) == ["E04"]


def test_every_label_without_a_class_is_named(tmp_path):
    path = write_folder(tmp_path, id2label={0: "sad", 1: "contempt", 2: "LABEL_2"})
    with pytest.raises(ProblemError, match=r"contempt(.|\n)*LABEL_2(.|\n)*leaves it out"):
        entry_of(path, labels={})


@pytest.mark.parametrize(
    "settings",
    [
        {"labels": {"contempt": "Contempt"}},
        {"labels": {"contempt": "", "bored": "Neutral"}},
        {"labels": {"contempt": "", "sad": "", "Neutral": "", "HAPPY": ""}},
        {"task": "va"},
        {"task": "emotion"},
        {"batch": 0},
    ],
)
def test_settings_that_do_not_fit_are_a_problem(folder, settings):
    assert problems_of(folder, **settings) == ["E02"]


def test_a_folder_without_safetensors_is_a_problem(tmp_path):
    path = write_folder(tmp_path)
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    assert problems_of(path) == ["E11"]


def test_another_checksum_is_a_problem(folder):
    assert problems_of(folder, sha256="0" * 64) == ["E04"]


def test_damaged_weights_are_a_problem(tmp_path):
    path = write_folder(tmp_path)
    (path / "model.safetensors").write_bytes(b"short")
    assert problems_of(path) == ["E04"]


def test_a_model_that_brings_code_is_a_problem(tmp_path):
    path = write_folder(tmp_path)
    config = json.loads((path / "config.json").read_text())
    config["auto_map"] = {"AutoModelForImageClassification": "code.Net"}
    (path / "config.json").write_text(json.dumps(config))
    assert problems_of(path) == ["E09"]


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_weights_without_a_tensor_of_the_network_are_a_problem(tmp_path, change):
    from safetensors.torch import load_file, save_file

    path = write_folder(tmp_path)
    tensors = load_file(path / "model.safetensors")
    bias = tensors.pop("classifier.bias")
    if change == "shape":
        tensors["classifier.bias"] = torch.cat([bias, bias])
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    assert problems_of(path) == ["E08"]


@pytest.mark.parametrize(("value", "rule"), [(3e38, "E14"), (float("nan"), "E22")])
def test_weights_and_scores_that_are_not_finite_are_a_problem(tmp_path, value, rule):
    from safetensors.torch import load_file, save_file

    path = write_folder(tmp_path)
    tensors = load_file(path / "model.safetensors")
    tensors["classifier.weight"][:] = value
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ProblemError, match=rule):
        entry_of(path).predict(clip_in_memory("v", crops_of(2)))


def test_loading_is_silent(folder, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        entry_of(folder)
    assert capfd.readouterr() == ("", "")
