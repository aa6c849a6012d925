"""Exports of networks: entries again, which answer as the network does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from huggingface_hub import ModelCard

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.cli import main
from abawbench.clips.clip import Clip
from abawbench.entries import load_entry
from abawbench.entries.outputs import answer
from abawbench.exports import onnx_entry
from abawbench.exports.entries import export_entry
from abawbench.exports.hugging_face import HubNetwork, hugging_face_files
from abawbench.exports.networks import packed_network, read_network
from abawbench.models.backbones import build
from abawbench.records import read
from abawbench.scoring import score
from abawbench.table import Table
from tests.models.shaking import one_thread, shake

__all__ = ["one_thread"]

FRAME_WISE = (
    "2019_kollias_facebehaviornet/tiny",
    "2020_zhao_fersnet/tiny",
    "2026_abawbench_facebehaviornet-convflu/tiny",
)
NETWORKS = (*FRAME_WISE, "2022_aim3_mtl-sbe-gru/tiny")
STATIC = """\
name = "2026_me_static"
title = "Two backbones and heads"
kind = "network"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "MIT"

[settings]
seed = 3

[[settings.backbones]]
kind = "tiny_vit_mae"

[[settings.backbones]]
kind = "tiny_vit_mae"
layer = 1
"""


def clip(frames: int = 13, side: int = 112, unit: str = "video") -> Clip:
    # large patches, since a network may see noise as plain grey
    patches = np.random.default_rng(frames).integers(0, 256, (frames, 2, 2, 3), np.uint8)
    crops = patches.repeat(side // 2, 1).repeat(side // 2, 2)
    valid = np.arange(frames) % 5 != 3
    return Clip(unit, np.arange(1, frames + 1, dtype=np.int32), valid, side, lambda rows: crops[rows])


def shaken(name: str):
    network = read_network(name)
    for number, module in enumerate((*network.entry.encoder.modules, network.entry.network)):
        shake(module, number)
        for part, value in module.named_parameters():
            # a deep network of small weights hardly sees the picture
            value.mul_(0.0 if part.endswith("bias") else 1.5)
    return network


def write(files, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def are_equal(first, second) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name], equal_nan=True) for name in first
    )


@pytest.fixture
def static(tmp_path) -> str:
    folder = tmp_path / "2026_me_static"
    folder.mkdir()
    (folder / "entry.toml").write_text(STATIC)
    return str(folder)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_hugging_face_folder_answers_as_the_network_to_the_bit(name, tmp_path):
    network = shaken(name)
    folder = write(hugging_face_files(network), tmp_path / "any name")
    again = load_entry(folder)
    assert are_equal(network.entry.predict(clip()), again.predict(clip()))
    assert again.card.tasks == network.entry.card.tasks
    assert again.card.crop == network.entry.card.crop
    # the folder of a folder holds the same
    first, second = (packed_network(each)["model.safetensors"] for each in (network, read_network(str(folder))))
    assert first == second


def test_a_network_out_of_a_checkpoint_of_several_is_exported_alone(tmp_path):
    folder = tmp_path / "2026_me_branch"
    folder.mkdir()
    states = {name: build("tiny_vggface", seed=number).state_dict() for number, name in enumerate(("model", "ema"))}
    torch.save(states, folder / "both.pth")
    own = 'kind = "tiny_vggface"\nbranch = "ema"\nweights = {file = "both.pth", licence = "MIT", source = "me"}\n'
    head, _, _ = STATIC.partition("[[settings")
    text = head.replace("2026_me_static", folder.name) + "[[settings.backbones]]\n" + own
    (folder / "entry.toml").write_text(text)
    network = read_network(str(folder))
    again = load_entry(write(hugging_face_files(network), tmp_path / "hub"))
    assert are_equal(network.entry.predict(clip()), again.predict(clip()))
    assert [(file.role, file.licence, file.source) for file in again.card.weights] == [
        ("backbone", "MIT", "me"),
        ("heads", "MIT", "random"),
    ]


def test_the_mixin_of_the_hub_saves_and_loads_it(tmp_path):
    network = shaken(FRAME_WISE[0])
    saved = HubNetwork(network)
    saved.save_pretrained(tmp_path / "hub")
    loaded = HubNetwork.from_pretrained(str(tmp_path / "hub"))
    assert are_equal(loaded.entry.predict(clip()), network.entry.predict(clip()))
    size = network.entry.encoder.image_inputs[0].size
    pictures = torch.rand(3, 3, size, size)
    with torch.inference_mode():
        first, second = saved(pictures), loaded(pictures)
    assert {name: tuple(part.shape) for name, part in first.items()} == {
        "va": (3, 2),
        "expression": (3, 7),
        "action_units": (3, 17),
    }
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert ModelCard.load(tmp_path / "hub" / "README.md").data.library_name == "abawbench"


def test_the_mixin_fetches_both_files_of_a_repository(tmp_path, monkeypatch):
    network = read_network(FRAME_WISE[1])
    folder = write(hugging_face_files(network), tmp_path / "snapshot")
    asked = []

    def download(repository, name, **options):
        asked.append((repository, name, options.get("revision")))
        return str(folder / name)

    monkeypatch.setattr("abawbench.exports.hugging_face.hf_hub_download", download)
    monkeypatch.setattr("huggingface_hub.hub_mixin.hf_hub_download", lambda **_: str(folder / "config.json"))
    loaded = HubNetwork.from_pretrained("me/network", revision="v1")
    assert are_equal(loaded.entry.predict(clip()), network.entry.predict(clip()))
    assert sorted(asked) == [("me/network", name, "v1") for name in ("config.json", "model.safetensors")]


def test_a_folder_that_was_cut_or_mixed_up_is_refused(tmp_path):
    folder = write(hugging_face_files(shaken(FRAME_WISE[0])), tmp_path / "one")
    weights, config = folder / "model.safetensors", folder / "config.json"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-9])
    with pytest.raises(ProblemError, match="E04"):
        load_entry(folder)
    weights.write_bytes(hugging_face_files(read_network(FRAME_WISE[0]))["model.safetensors"])
    with pytest.raises(ProblemError, match=r"other weights for backbone\.safetensors, heads\.safetensors"):
        load_entry(folder)
    weights.unlink()
    with pytest.raises(ProblemError, match="E11"):
        load_entry(folder)
    weights.write_bytes(whole)
    content = json.loads(config.read_text())
    config.write_text(json.dumps({**content, "abawbench": 2}))
    with pytest.raises(ProblemError, match="this version reads 1"):
        load_entry(folder)
    config.write_text(json.dumps({**content, "files": {"../heads.safetensors": content["files"]["heads.safetensors"]}}))
    with pytest.raises(ProblemError, match="no plain file name"):
        load_entry(folder)
    assert not (tmp_path / "heads.safetensors").exists()


def test_the_folder_of_another_library_is_no_entry(tmp_path):
    write({"config.json": b'{"model_type": "vit"}'}, tmp_path / "vit")
    with pytest.raises(ProblemError, match="E01"):
        load_entry(tmp_path / "vit")


@pytest.mark.parametrize("name", [*FRAME_WISE, "static"])
def test_an_onnx_entry_answers_and_scores_as_the_network(name, static, tmp_path):
    network = shaken(static if name == "static" else name)
    files, difference = onnx_entry.onnx_files(network, "2026_me_graph")
    made = load_entry(write(files, tmp_path / "2026_me_graph"))
    first, second = network.entry.predict(clip()), made.predict(clip())
    largest = max(np.nanmax(np.abs(first[task] - second[task])) for task in first)
    assert largest < 1e-5
    assert difference < 1e-5
    # the answers are not all alike
    assert max(np.nanstd(values, axis=0).max() for values in first.values()) > 1e-3
    clips = [clip(frames, unit=f"v{frames}") for frames in (17, 23, 40)]
    challenge = get(network.content.vocabulary)
    tables = [answer(entry, clips, challenge) for entry in (network.entry, made)]
    truth = drawn_truth(challenge, tables[0])
    scores = [score(challenge, truth, table).score for table in tables]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def drawn_truth(challenge, table: Table) -> Table:
    generator = np.random.default_rng(0)
    values = {}
    for task in challenge.tasks:
        old = table.values[task.name]
        high = task.width if old.ndim == 1 else 2
        values[task.name] = (
            generator.uniform(-1, 1, old.shape)
            if task.is_real
            else generator.integers(0, high, old.shape).astype(old.dtype)
        )
    return replace(table, values=values, filled=None)


def test_the_features_of_a_graph_are_those_of_the_network(tmp_path):
    network = shaken(FRAME_WISE[0])
    made = load_entry(write(onnx_entry.onnx_files(network, "2026_me_graph")[0], tmp_path / "2026_me_graph"))
    crops = clip().frames
    assert made.features == "features"
    assert np.abs(made.layer("features").encode(crops) - network.entry.encode(crops)).max() < 1e-4


def test_a_graph_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_entry, "TOLERANCE", -1.0)
    with pytest.raises(ProblemError, match="E14"):
        export_entry(FRAME_WISE[0], "onnx", tmp_path / "2026_me_graph")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "form", "out", "match"),
    [
        ("2022_aim3_mtl-sbe-gru/tiny", "onnx", "2026_me_graph", "a video at a time"),
        ("2026_abawbench_temporal-gru/tiny", "onnx", "2026_me_graph", "C02|E01"),
        ("2026_abawbench_hog", "hugging-face", "hub", "of kind hog"),
        ("tests.inference.conftest:Means", "hugging-face", "hub", "C02|E"),
        ("2020_zhao_fersnet/tiny", "onnx", "graph", "<year>_<team>_<method>"),
        ("2020_zhao_fersnet", "hugging-face", "hub", "E11"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_is_written(name, form, out, match, tmp_path):
    with pytest.raises(ProblemError, match=match):
        export_entry(name, form, tmp_path / out)
    assert not any(tmp_path.iterdir())


def test_the_command_exports_with_the_scores_of_the_entry_and_overwrites_nothing(tmp_path):
    path = next((Path(__file__).parents[2] / "leaderboard" / "records").rglob("*.json"))
    record = read(path).model_copy(update={"entry": "2020_zhao_fersnet-tiny"})
    own = tmp_path / "record.json"
    own.write_text(record.to_text())
    words = ["entry", "export", "2020_zhao_fersnet/tiny", "--format", "hugging-face", "-o", str(tmp_path / "hub")]
    other = CliRunner().invoke(main, [*words, "--record", str(path)])
    assert other.exit_code == 1
    assert f"a record of {read(path).entry}" in other.output
    assert not (tmp_path / "hub").exists()
    result = CliRunner().invoke(main, [*words, "--record", str(own), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["files"] == ["README.md", "config.json", "model.safetensors"]
    card = ModelCard.load(tmp_path / "hub" / "README.md")
    assert card.data.eval_results[0].metric_value == record.score
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 1
    assert "something is there already" in again.output
    graph = ["entry", "export", "2020_zhao_fersnet/tiny", "--format", "onnx", "-o", str(tmp_path / "2026_me_graph")]
    assert "which is another one" in CliRunner().invoke(main, [*graph, "--record", str(own)]).output
