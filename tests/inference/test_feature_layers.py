"""Features of entries that answer from each crop alone: a layer or an output that is named, and never the scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import transformers
from onnx import TensorProto, helper
from torch import nn

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.clips.clip import clips_of_units
from abawbench.clips.feature_index import read_index
from abawbench.clips.features import clips_of_features
from abawbench.entries.foreign.image_classifier import ImageClassifierSettings
from abawbench.entries.foreign.image_classifier import create as create_classifier
from abawbench.entries.foreign.onnx_model import create
from abawbench.entries.model import Card, DeviceEntry, FeatureEntry, LayeredEntry
from abawbench.entries.networks.frame_encoder import normalise
from abawbench.entries.networks.torch_module import from_torch
from abawbench.inference.extract import extract
from abawbench.inference.feature_maker import feature_maker
from abawbench.inference.predict import predict
from abawbench.models.image_input import ImageInput, Overrides
from tests.entries.foreign.test_image_classifier import write_folder
from tests.entries.foreign.test_onnx_model import CARD as ONNX_CARD
from tests.entries.foreign.test_onnx_model import SIZE, crops_of, graph_file, settings
from tests.inference.conftest import write_crops

TASKS = get("abaw4-mtl").tasks
SIDE = 16
PICTURE = ImageInput(SIDE, "RGB", (0.5,) * 3, (0.25,) * 3, crop="arcface-112")

CODE = """
import torch
from torch import nn
from abawbench.entries.networks.torch_module import from_torch
from abawbench.models.image_input import ImageInput


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.twice = nn.ReLU()
        self.inner = nn.Identity()
        self.unused = nn.Linear(2, 2)
        self.pair = Pair()
        self.heads = nn.ModuleDict({"expression": nn.Linear(20, 8), "action_units": nn.Linear(20, 12)})
        self.odds = nn.Softmax(1)

    def forward(self, pictures):
        seen = self.inner(self.twice(self.twice(self.trunk(pictures))).flatten(1))
        self.pair(seen)
        scores = {name: head(seen) for name, head in self.heads.items()}
        self.odds(scores["expression"])
        return scores


class Pair(nn.Module):
    def forward(self, seen):
        return seen, seen


def create(card, vocabulary, settings):
    torch.manual_seed(SEED)
    return from_torch(Net(), card, vocabulary, ImageInput(16, "RGB", (0.5,) * 3, (0.25,) * 3), features="FEATURES")
"""
ENTRY = """
name = "2026_test_code"
title = "a test"
kind = "code"
vocabulary = "abaw4-mtl"
trained_on = ["none"]
sees_truth = false
licence = "Apache-2.0"

[picture]
size = 16
colour = "RGB"
crop = "arcface-112"
"""


def code_entry(root: Path, features: str = "", seed: int = 0) -> str:
    folder = root / "2026_test_code"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "entry.toml").write_text(ENTRY)
    (folder / "entry.py").write_text(CODE.replace("SEED", str(seed)).replace("FEATURES", features))
    return str(folder)


@pytest.fixture
def crops() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), np.uint8)


def problem_of(*arguments, **options):
    with pytest.raises(ProblemError) as caught:
        feature_maker(*arguments, **options)
    (problem,) = caught.value.problems
    return problem


def test_the_features_of_a_layer_are_its_output_flattened(tmp_path, crops):
    maker = feature_maker(code_entry(tmp_path, "trunk"))
    assert isinstance(maker.entry, DeviceEntry)
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 5, 3, stride=2)
    with torch.inference_mode():
        map_ = nn.functional.adaptive_avg_pool2d(conv(normalise(torch.from_numpy(crops), PICTURE)).relu(), 2)
    assert maker.entry.width == 20
    np.testing.assert_allclose(maker.entry.encode(crops), map_.flatten(1).numpy(), atol=1e-5)


def test_a_layer_on_the_command_line_takes_the_place_of_the_entrys_own(tmp_path, crops):
    name = code_entry(tmp_path, "trunk")
    named, given = feature_maker(name), feature_maker(name, layer="trunk.0")
    assert (named.entry.width, given.entry.width) == (20, 5 * 7 * 7)
    assert named.identity != given.identity
    assert given.entry.encode(crops).shape == (5, 245)


def test_an_entry_that_names_no_features_is_refused_with_its_layers(tmp_path):
    problem = problem_of(code_entry(tmp_path))
    assert (problem.rule, problem.found) == ("C02", "2026_test_code names no features")
    assert "trunk, twice, inner, unused, pair, heads, odds" in problem.expected
    assert "--layer" in problem.fix


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        ("trunc", "2026_test_code: no layer trunc"),
        ("twice", r"layer twice makes (2, 5, 2, 2) and (2, 5, 2, 2) of 2 pictures"),
        ("unused", "layer unused makes nothing of 2 pictures"),
        ("pair", "layer pair makes tuple of 2 pictures"),
        ("heads.expression", "layer heads.expression of 2026_test_code: final scores"),
        ("odds", "layer odds of 2026_test_code: final scores"),
    ],
)
def test_layers_that_are_no_features_are_refused(tmp_path, layer, found):
    assert problem_of(code_entry(tmp_path), layer=layer).found == found


def test_a_near_name_is_suggested(tmp_path):
    assert problem_of(code_entry(tmp_path), layer="trunc").fix == "did you mean trunk?"


def test_a_layer_that_the_module_lacks_is_refused_when_the_entry_is_made():
    with pytest.raises(ProblemError, match=r"(?s)E02.*no layer body"):
        from_torch(nn.Sequential(nn.Flatten(), nn.Linear(768, 8)), ONNX_CARD, TASKS, PICTURE, features="body")


def test_features_of_other_weights_or_other_code_never_share_a_cache(tmp_path):
    one = feature_maker(code_entry(tmp_path / "a", "trunk")).identity
    other_weights = feature_maker(code_entry(tmp_path / "b", "trunk", seed=1)).identity
    assert one["networks"][0]["sha256"] != other_weights["networks"][0]["sha256"]
    path = Path(code_entry(tmp_path / "c", "trunk")) / "entry.py"
    path.write_text(path.read_text().replace("nn.ReLU(), nn.Ad", "nn.Tanh(), nn.Ad"))
    other_code = feature_maker(str(path.parent)).identity
    assert one["networks"] == other_code["networks"]
    assert one != other_code


def test_a_module_of_a_factory_is_known_by_its_tensors(monkeypatch):
    def made(seed: int):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Flatten(), nn.Linear(768, 4), nn.Linear(4, 8))
        return from_torch(module, ONNX_CARD, TASKS, PICTURE, features="1")

    seeds = iter((0, 1, 0))
    monkeypatch.setattr("abawbench.inference.feature_maker.load_entry", lambda *_, **__: made(next(seeds)))
    one, two, again = (feature_maker("any.module:factory").identity for _ in range(3))
    assert one == again != two


def test_the_features_of_an_output_of_a_graph(tmp_path):
    path = graph_with_more_outputs(tmp_path)
    entry = create(ONNX_CARD, TASKS, settings(path, features="vector"))
    assert isinstance(entry, LayeredEntry)
    assert entry.layers() == ("vector", "map")
    made = entry.layer("vector")
    assert isinstance(made, FeatureEntry)
    images = crops_of(3)
    assert made.width == 4
    expected = entry.graph.session.run(["vector", "map"], {"crops": entry.image_input.pictures(images)})
    np.testing.assert_allclose(made.encode(images), expected[0], atol=1e-6)
    np.testing.assert_allclose(entry.layer("map").encode(images), expected[1].reshape(3, -1), atol=1e-6)
    assert made.encode(images[:0]).shape == (0, 4)
    # naming features changes no answer
    plain = create(ONNX_CARD, TASKS, settings(path))
    np.testing.assert_array_equal(plain.encode(images), entry.encode(images))


def test_a_graph_of_a_fixed_batch_has_features_too(tmp_path):
    path = graph_with_more_outputs(tmp_path, batch=4)
    made = create(ONNX_CARD, TASKS, settings(path)).layer("vector")
    free = create(ONNX_CARD, TASKS, settings(graph_with_more_outputs(tmp_path))).layer("vector")
    np.testing.assert_allclose(made.encode(crops_of(6)), free.encode(crops_of(6)), atol=1e-6)


def test_an_output_that_answers_or_is_not_there_is_no_feature(tmp_path):
    path = graph_with_more_outputs(tmp_path)
    for name, found in (("emotion", "the scores emotion"), ("vectors", "no output vectors"), ("words", "no output")):
        with pytest.raises(ProblemError, match=rf"(?s)E02.*settings.features: {found}.*one of vector, map"):
            create(ONNX_CARD, TASKS, settings(path, features=name))
        with pytest.raises(ProblemError, match=rf"(?s)C02.*{found}"):
            create(ONNX_CARD, TASKS, settings(path)).layer(name)


def test_a_graph_without_more_outputs_asks_for_another_export(tmp_path):
    entry = create(ONNX_CARD, TASKS, settings(graph_file(tmp_path / "net.onnx")))
    assert entry.layers() == ()
    with pytest.raises(ProblemError, match=r"(?s)the graph has none.*export the graph with a layer below its scores"):
        entry.layer("vector")


def test_a_cache_of_a_graph_is_resumed_and_tells_outputs_apart(tmp_path, monkeypatch):
    path = graph_with_more_outputs(tmp_path)
    entry = create(ONNX_CARD, TASKS, settings(path, features="vector"))
    monkeypatch.setattr("abawbench.inference.feature_maker.load_entry", lambda *_, **__: entry)
    crops = write_crops(tmp_path / "crops", {"one": 5, "two": 3}, side=SIZE)
    maker = feature_maker("2026_test_onnx")
    assert extract(maker, clips_of_units(crops), tmp_path / "cache", dtype="float32").made == 2
    assert extract(maker, clips_of_units(crops), tmp_path / "cache", dtype="float32").kept == 2
    index = read_index(tmp_path / "cache")
    assert index is not None
    (network,) = index.maker["identity"]["networks"]
    assert (network["kind"], network["layer"], network["width"]) == ("onnx", "vector", 4)
    assert network["sha256"] == entry.card.weights[-1].sha256
    assert index.maker["precision"] == "float32"
    assert "onnxruntime" in index.maker["versions"]
    (clip, _) = clips_of_features(tmp_path / "cache")
    np.testing.assert_array_equal(clip.vectors(), maker.entry.encode(next(iter(clips_of_units(crops))).frames))
    with pytest.raises(ProblemError, match=r"(?s)E21.*layer vector.*layer map"):
        extract(
            feature_maker("2026_test_onnx", layer="map"), clips_of_units(crops), tmp_path / "cache", dtype="float32"
        )


def test_an_entry_never_takes_features_for_its_scores(tmp_path):
    # as many features as there are scores
    module = nn.Sequential(nn.Flatten(), nn.Linear(768, 8), nn.Linear(8, 8))
    entry = from_torch(module, replace(ONNX_CARD, picture=PICTURE), TASKS, PICTURE, features="1")
    crops = write_crops(tmp_path / "crops", {"one": 5}, side=SIDE)
    extract(feature_maker_of(entry), clips_of_units(crops), tmp_path / "cache")
    (clip,) = clips_of_features(tmp_path / "cache")
    assert clip.width == entry.width == 8
    summary = predict(entry, [clip], tmp_path / "store")
    (problem,) = summary.problems
    assert (problem.rule, summary.made) == ("P04", 0)
    assert problem.expected == "crops: its answers are made of crops alone"


def feature_maker_of(entry, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("abawbench.inference.feature_maker.load_entry", lambda *_, **__: entry)
        return feature_maker("any.module:factory", **options)


def test_an_entry_of_others_whose_features_are_as_many_as_its_scores_is_refused():
    class Theirs:
        card = Card("2026_test_theirs", "a test", TASKS[1:2], None, networks=({"kind": "own"},))
        width = 8

        def at(self, device, precision):
            return self

        def prepare(self, crops):
            return crops

        def forward(self, prepared):
            return np.zeros((len(prepared), 8), np.float32)

        encode = forward

        def answer(self, features, clip):
            return {}

        def predict(self, clip):
            return {}

    with pytest.raises(ProblemError, match=r"(?s)C02.*final scores"):
        feature_maker_of(Theirs())


def test_an_image_classifier_has_the_layers_of_its_network(tmp_path, crops):
    write_folder(tmp_path / "model")
    labels = {"contempt": ""}
    settings = ImageClassifierSettings(tmp_path / "model", labels=labels, features="vit.layernorm", batch=2)
    entry = create_classifier(ONNX_CARD, TASKS, settings)
    made = entry.layer(entry.features)
    network = transformers.ViTForImageClassification.from_pretrained(tmp_path / "model").eval()
    pictures = torch.from_numpy(entry.encoder.image_inputs[0].pictures(crops))
    with torch.inference_mode():
        hidden = network.vit(pixel_values=pictures).last_hidden_state
    np.testing.assert_allclose(made.encode(crops), hidden.flatten(1).numpy(), atol=1e-4)
    with pytest.raises(ProblemError, match=r"(?s)C02.*final scores"):
        feature_maker_of(entry, layer="classifier")
    with pytest.raises(ProblemError, match=r"(?s)E02.*settings.features: no layer vit.norm"):
        create_classifier(ONNX_CARD, TASKS, replace(settings, features="vit.norm"))


def test_a_layer_that_fails_on_a_trial_is_a_problem(tmp_path, monkeypatch):
    entry = create(ONNX_CARD, TASKS, settings(graph_with_more_outputs(tmp_path), features="vector"))

    def fail(*_):
        raise RuntimeError("no room")

    monkeypatch.setattr("abawbench.entries.foreign.onnx_graph.Graph.run", fail)
    with pytest.raises(ProblemError, match=r"(?s)E12.*2026_test_onnx, layer vector.*RuntimeError: no room"):
        feature_maker_of(entry)


@pytest.mark.parametrize(
    ("name", "options", "found"),
    [
        ("tiny_vit", {"seed": 0, "layer": "trunk"}, "--layer trunk of a backbone"),
        ("2022_aim3_mtl-se-gru/tiny", {"layer": "trunk"}, "--layer trunk with 2022_aim3_mtl-se-gru-tiny"),
    ],
)
def test_names_of_layers_are_for_entries_that_have_them(name, options, found):
    problem = problem_of(name, **options)
    assert (problem.rule, problem.found) == ("C02", found)


def test_the_number_of_a_layer_is_that_of_a_backbone():
    by_name, by_number = (
        feature_maker("tiny_vit", layer="1", seed=0),
        feature_maker("tiny_vit", Overrides(layer=1), seed=0),
    )
    assert by_name.identity == by_number.identity


def graph_with_more_outputs(folder: Path, **options) -> Path:
    """The graph of the tests of ONNX entries, which also gives what lies below its scores, and words."""
    path = graph_file(folder / "net.onnx", **options)
    model = onnx.load(path)
    side = SIZE - 2
    batch = options.get("batch", "N")
    model.graph.output.append(helper.make_tensor_value_info("vector", TensorProto.FLOAT, [batch, 4]))
    model.graph.output.append(helper.make_tensor_value_info("map", TensorProto.FLOAT, [batch, 4, side, side]))
    words = helper.make_tensor("text", TensorProto.STRING, [1], [b"none"])
    model.graph.node.append(helper.make_node("Constant", [], ["words"], value=words))
    model.graph.output.append(helper.make_tensor_value_info("words", TensorProto.STRING, [1]))
    path.write_bytes(model.SerializeToString())
    return path
