"""Folders of transformers whose files are wrong on purpose: a problem before anything is built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.entries.foreign.image_classifier import ImageClassifierSettings, create
from abawbench.entries.model import Card
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.preprocessor_config import read_image_input
from tests.damage import changed_fields, outcome
from tests.entries.foreign.test_image_classifier import PREPROCESSOR, write_folder

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("classifier"))


def as_classifier(folder: Path) -> object:
    settings = ImageClassifierSettings(folder, labels={"contempt": ""})
    return create(Card("2026_test_x", "test", (), None), challenges.get("abaw4-mtl").tasks, settings)


def with_config(folder: Path, tmp_path: Path, record: object) -> Path:
    """The same folder with another config.json."""
    other = tmp_path / "other"
    if not other.is_dir():
        other.mkdir()
        for path in folder.iterdir():
            (other / path.name).write_bytes(path.read_bytes())
    (other / "config.json").write_text(record if isinstance(record, str) else json.dumps(record))
    return other


ABSURD = {
    "labels": {"num_labels": -1},
    "many labels": {"num_labels": 10**9},
    "layers": {"num_hidden_layers": 10**7},
    "negative layers": {"num_hidden_layers": -3},
    "width": {"hidden_size": 10**6},
    "no width": {"hidden_size": 0},
    "a text": {"hidden_size": "wide"},
    "heads": {"num_attention_heads": 10**8},
    "a picture": {"image_size": 10**6},
    "no picture": {"image_size": 0},
    "channels": {"num_channels": 10**9},
    "patches": {"patch_size": 0},
    "wide inside": {"intermediate_size": 10**6},
    "beyond numbers": {"hidden_size": 1e400},
    "NaN": {"layer_norm_eps": float("nan")},
}


@pytest.mark.parametrize("name", ABSURD)
@pytest.mark.parametrize("read", [load_checkpoint, as_classifier])
def test_absurd_values_are_refused_before_anything_is_built(folder, tmp_path, name, read):
    config = json.loads((folder / "config.json").read_text())
    config.pop("id2label" if "labels" in name else "x", None)
    other = with_config(folder, tmp_path, {**config, **ABSURD[name]})
    with pytest.raises(ProblemError, match=r"E04|E08") as error:
        read(other)
    assert next(iter(ABSURD[name])) in str(error.value) or "parameters" in str(error.value)


@pytest.mark.parametrize(
    "id2label", [5, "x", ["sad"], {"a": "sad"}, {"0": None}, {"0": ["sad"]}, {"7": "sad"}, {"0": {}}]
)
def test_labels_of_other_types_are_refused(folder, tmp_path, id2label):
    config = json.loads((folder / "config.json").read_text())
    with pytest.raises(ProblemError, match=r"E0[248]|E13"):
        as_classifier(with_config(folder, tmp_path, {**config, "id2label": id2label}))


@pytest.mark.parametrize("read", [load_checkpoint, as_classifier])
def test_any_other_configuration_is_a_network_or_a_problem(folder, tmp_path, read):
    config = json.loads((folder / "config.json").read_text())
    for record in list(changed_fields(config))[::9]:
        other = with_config(folder, tmp_path, record)
        outcome(lambda other=other: read(other))


def test_any_other_preprocessing_is_followed_or_a_problem():
    for record in changed_fields(PREPROCESSOR):
        if isinstance(record, dict):
            outcome(lambda record=record: read_image_input(record, Path("p.json"), channels=3))


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 10**6},
        {"size": {"height": 1e300, "width": 1e300}},
        {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}, "crop_pct": 1e-300},
        {"rescale_factor": 0},
        {"rescale_factor": float("inf")},
        {"image_std": [0, 1, 1]},
        {"image_mean": [float("nan")] * 3},
        {"resample": 10**9},
    ],
)
def test_preprocessing_with_absurd_values_is_refused(fields):
    with pytest.raises(ProblemError, match="E04"):
        read_image_input({**PREPROCESSOR, **fields}, Path("p.json"), channels=3)


def test_an_index_that_leads_out_of_the_folder_is_refused(folder, tmp_path):
    other = with_config(folder, tmp_path, (folder / "config.json").read_text())
    weights = other / "model.safetensors"
    weights.rename(other / "part.safetensors")
    (other / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "../part.safetensors"}}))
    for read in (load_checkpoint, as_classifier):
        with pytest.raises(ProblemError, match="E04"):
            read(other)


def test_a_network_of_more_layers_than_its_weights_have_tensors_is_not_built(folder, tmp_path, monkeypatch):
    config = json.loads((folder / "config.json").read_text())
    other = with_config(folder, tmp_path, {**config, "num_hidden_layers": 900})
    monkeypatch.setattr(transformers.ViTModel, "__init__", lambda *_, **__: pytest.fail("built"))
    for read in (load_checkpoint, as_classifier):
        with pytest.raises(ProblemError, match=r"E04(.|\n)*num_hidden_layers = 900"):
            read(other)
