from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from abawbench.cli import main
from abawbench.clips.crop import ARCFACE, Crop
from abawbench.clips.crop_file import write_crop
from abawbench.clips.features import clips_of_features
from abawbench.models.backbones import build
from abawbench.models.checkpoints import save_backbone
from tests.faces.conftest import Blobs, picture, write_video
from tests.inference.conftest import write_crops
from tests.models.checkpoints.conftest import draw_mae

WIDE_112 = Crop("wide", 112)
GRU = """\
name = "2026_test_gru"
title = "a test"
kind = "network"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"

[picture]
size = 112
colour = "RGB"
crop = "arcface-112"

[settings]
features = 32
seed = 0

[settings.temporal]
encoder = "gru"
width = 8
layers = 1
"""


@pytest.fixture
def crops(tmp_path) -> Path:
    return write_crops(tmp_path / "crops", {"one": 5, "two": 3}, side=112)


def called(*arguments: object):
    return CliRunner(env={"COLUMNS": "400"}).invoke(main, [str(argument) for argument in arguments])


def extracted(crops: Path, cache: Path, *more: object):
    return called("extract", "tiny_vit", crops, "-o", cache, "--seed", 0, "--precision", "float32", *more)


def test_features_go_into_a_cache_and_the_summary_to_standard_output(crops, tmp_path):
    result = extracted(crops, tmp_path / "cache")
    assert result.exit_code == 0, result.stderr
    assert "units      2 from crops: 2 done" in result.stdout
    assert "features   32 a frame, float16" in result.stdout
    names = sorted(path.name for path in (tmp_path / "cache").iterdir() if path.name[0] != ".")
    assert names == ["index.json", "one.safetensors", "two.safetensors"]


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    """A training file of a ViT by timm's names: two networks, a head, a counter of averages."""
    state = {**draw_mae(), "head.weight": torch.ones(8, 192), "head.bias": torch.ones(8)}
    average = {f"module.{name}": tensor * 2 for name, tensor in state.items()} | {"n_averaged": torch.tensor(3)}
    torch.save({"state_dict": state, "state_dict_ema": average}, tmp_path / "vit.pth")
    return tmp_path / "vit.pth"


def test_of_two_networks_in_a_checkpoint_the_branch_tells_which(crops, checkpoint, tmp_path):
    result = called("extract", checkpoint, crops, "-o", tmp_path / "cache")
    assert result.exit_code == 1
    assert "2 networks: state_dict" in result.stderr
    assert "--branch state_dict" in result.stderr
    identities = []
    for branch in ("state_dict", "state_dict_ema"):
        cache = tmp_path / branch
        result = called("extract", checkpoint, crops, "-o", cache, "--branch", branch)
        assert result.exit_code == 0, result.stderr
        identities.append(json.loads((cache / "index.json").read_text())["maker"]["identity"])
    assert [identity["networks"][0]["branch"] for identity in identities] == ["state_dict", "state_dict_ema.module"]
    for name in ("tiny_vit", "2022_aim3_mtl-se-gru/tiny"):
        result = called("extract", name, crops, "-o", tmp_path / "other", "--branch", "model", "--seed", 0)
        assert result.exit_code == 1
        assert "C02" in result.stderr


def test_what_is_left_over_and_what_is_assumed_is_said_and_stands_in_the_index(crops, checkpoint, tmp_path):
    command = ("extract", checkpoint, crops, "-o", tmp_path / "cache", "--branch", "state_dict")
    result = called(*command, "--json")
    assert result.exit_code == 0, result.stderr
    notes = {problem["rule"]: problem for problem in json.loads(result.stdout)["problems"]}
    assert notes.keys() == {"N60", "N61"}
    assert "not used: head (2 tensors)" in notes["N60"]["found"]
    assert "mean 0.485,0.456,0.406, std 0.229,0.224,0.225" in notes["N61"]["found"]
    assert "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225" in notes["N61"]["fix"]
    assert "N61 pictures of a network assumed" in result.stderr
    (network,) = json.loads((tmp_path / "cache" / "index.json").read_text())["networks"]
    assert (network["assumed"], network["unexpected"]) == (
        ["mean", "std"],
        ["head.weight", "head.bias", "state_dict_ema"],
    )


def test_values_that_are_settled_are_assumed_no_more_and_equal_ones_keep_the_features(crops, checkpoint, tmp_path):
    command = ("extract", checkpoint, crops, "-o", tmp_path / "cache", "--branch", "state_dict", "--json")
    assert json.loads(called(*command).stdout)["made"] == 2
    settled = called(*command, "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225")
    answer = json.loads(settled.stdout)
    assert answer["kept"] == 2
    assert "N61" not in {problem["rule"] for problem in answer["problems"]}
    assert json.loads((tmp_path / "cache" / "index.json").read_text())["networks"][0]["assumed"] == []
    other = called(*command, "--mean", "0.5,0.5,0.5")
    assert other.exit_code == 1
    assert "E21" in other.stderr


def test_numbers_that_are_none_are_wrong_use(crops, checkpoint, tmp_path):
    assert called("extract", checkpoint, crops, "-o", tmp_path / "cache", "--mean", "0.5;0.5").exit_code == 2
    result = called("extract", checkpoint, crops, "-o", tmp_path / "cache", "--branch", "state_dict", "--mean", "0.5")
    assert result.exit_code == 1
    assert "E17" in result.stderr


def test_features_of_pictures_that_were_resized_otherwise_are_others_and_the_difference_is_told(crops, tmp_path):
    extracted(crops, tmp_path / "cache")
    result = extracted(crops, tmp_path / "cache", "--resize", "pillow-bicubic")
    assert result.exit_code == 1
    assert "float16, resize by default; expected tiny_vit seed 0" in result.stderr
    assert "float16, resize pillow-bicubic\n" in result.stderr


def test_a_second_run_keeps_everything(crops, tmp_path):
    extracted(crops, tmp_path / "cache")
    record = json.loads(extracted(crops, tmp_path / "cache", "--json").stdout)
    assert (record["made"], record["kept"], record["width"], record["problems"]) == (0, 2, 32, [])


def test_predict_takes_the_cache_of_an_entry(crops, tmp_path):
    entry = "2022_aim3_mtl-se-gru/tiny"
    assert called("extract", entry, crops, "-o", tmp_path / "cache").exit_code == 0
    result = called("predict", entry, tmp_path / "cache", "-o", tmp_path / "store")
    assert result.exit_code == 0, result.stderr
    assert "units      2 from features: 2 done" in result.stdout
    path = tmp_path / "cache" / "one.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    result = called("predict", entry, tmp_path / "cache", "-o", tmp_path / "store")
    assert result.exit_code == 1
    assert "E21" in result.stderr


def test_features_of_other_crops_than_the_entry_takes_are_refused(crops, tmp_path):
    write_crop(crops, WIDE_112)
    # tiny_vit asks for no crop, and its features have the width of the other entry's
    assert extracted(crops, tmp_path / "cache").exit_code == 0
    (clip, _) = clips_of_features(tmp_path / "cache")
    assert clip.crop == WIDE_112
    entry = tmp_path / "2026_test_gru" / "entry.toml"
    entry.parent.mkdir()
    entry.write_text(GRU)
    result = called("predict", entry.parent, tmp_path / "cache", "-o", tmp_path / "store")
    assert result.exit_code == 1
    assert result.stderr.count("\nE06 ") == 1
    assert "features of crops wide; alike in 2 units (one, two)" in result.stderr
    assert "arcface-112, as its card says" in result.stderr
    # features of crops that said nothing run
    (crops / "crop.json").unlink()
    assert extracted(crops, tmp_path / "other").exit_code == 0
    assert called("predict", entry.parent, tmp_path / "other", "-o", tmp_path / "store").exit_code == 0


def test_another_statement_about_the_crops_makes_their_features_again(crops, tmp_path):
    write_crop(crops, WIDE_112)
    extracted(crops, tmp_path / "cache")
    assert json.loads(extracted(crops, tmp_path / "cache", "--json").stdout)["kept"] == 2
    write_crop(crops, Crop("eyes", 112, 1.5))
    assert json.loads(extracted(crops, tmp_path / "cache", "--json").stdout)["made"] == 2


def test_a_description_that_is_written_later_makes_no_features_again(crops, tmp_path):
    extracted(crops, tmp_path / "cache")
    write_crop(crops, WIDE_112)
    assert json.loads(extracted(crops, tmp_path / "cache", "--json").stdout)["kept"] == 2
    assert called("cache", "verify", tmp_path / "cache", "--data", crops).exit_code == 0


def test_a_checkpoint_that_knows_its_crops_asks_for_them(crops, tmp_path):
    backbone = build("tiny_iresnet", seed=0)
    backbone.card = replace(backbone.card, image_input=replace(backbone.card.image_input, crop="arcface-112"))
    save_backbone(backbone, tmp_path / "r.safetensors")
    write_crop(crops, WIDE_112)
    result = called("extract", tmp_path / "r.safetensors", crops, "-o", tmp_path / "cache")
    assert result.exit_code == 1
    assert "crops wide of 112 x 112 pixels; alike in 2 units (one, two)" in result.stderr
    assert "arcface-112, on which its weights were trained" in result.stderr
    assert "abawbench faces VIDEOS OUT --crop arcface-112\n" in result.stderr
    write_crop(crops, ARCFACE)
    assert called("extract", tmp_path / "r.safetensors", crops, "-o", tmp_path / "cache").exit_code == 0


def test_a_video_goes_through_faces_and_its_cache_knows_the_recipe(tmp_path, monkeypatch):
    monkeypatch.setattr("abawbench.faces.run.Detector", Blobs)
    monkeypatch.setattr("abawbench.faces.run.weights_path", lambda _: None)
    write_video(tmp_path / "me.mp4", [picture((1, 40 + step, 40)) for step in range(12)] + [picture()] * 3)
    cache = tmp_path / "cache"
    result = extracted(tmp_path / "me.mp4", cache)
    assert result.exit_code == 0, result.stderr
    (known,) = json.loads((cache / "index.json").read_text())["units"].values()
    assert (known["frames"], known["valid"], known["recipe"]["crop"]) == (15, 12, "arcface-112")
    assert called("cache", "verify", cache, "--data", cache / "faces").exit_code == 0
    result = called("cache", "verify", cache, "--data", tmp_path / "me.mp4")
    assert "C02" in result.stderr


def test_caches_are_listed(crops, tmp_path):
    extracted(crops, tmp_path / "a")
    extracted(crops, tmp_path / "b", "--layer", 1, "--pooling", "mean", "--dtype", "float32")
    result = called("cache", "ls", tmp_path / "a", tmp_path / "b")
    assert "tiny_vit seed 0 layer -1 class" in result.stdout
    assert "tiny_vit seed 0 layer 1 mean" in result.stdout
    found = json.loads(called("cache", "ls", tmp_path / "a", tmp_path / "b", "--json").stdout)["caches"]
    assert [(one["units"], one["frames"], one["dtype"]) for one in found] == [(2, 8, "float16"), (2, 8, "float32")]
    assert called("cache", "ls", crops).exit_code == 1


def test_verify_names_what_does_not_hold_and_gc_removes_it(crops, tmp_path):
    cache = tmp_path / "cache"
    extracted(crops, cache)
    assert called("cache", "verify", cache).stdout == f"{cache}: 2 of 2 units are sound\n"
    path = cache / "one.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    (crops / "two" / "00003.jpg").unlink()
    (cache / "three.safetensors").write_bytes(b"what")
    result = called("cache", "verify", cache, "--data", crops)
    assert result.exit_code == 1
    assert "0 of 2 units are sound, 1 corrupt, 1 stale, 1 orphaned" in result.stdout
    assert "corrupt: other bytes than were written" in result.stderr
    faults = json.loads(called("cache", "verify", cache, "--json").stdout)[str(cache)]["faults"]
    assert {fault["unit"]: fault["state"] for fault in faults} == {"one": "corrupt", "three": "orphaned"}
    result = called("cache", "gc", cache, "--dry-run")
    assert "2 units would be removed" in result.stdout
    assert path.is_file()
    result = called("cache", "gc", cache, "--data", crops)
    assert result.exit_code == 0
    assert "3 units removed" in result.stdout
    assert list(cache.glob("*.safetensors")) == []
    assert extracted(crops, cache).exit_code == 0
    assert called("cache", "verify", cache, "--data", crops).exit_code == 0


def test_data_that_are_none_of_its_crops_clear_no_cache(crops, tmp_path):
    cache = tmp_path / "cache"
    extracted(crops, cache)
    write_crops(tmp_path / "other", {"three": 2}, side=112)
    for data in (cache, tmp_path / "other"):
        result = called("cache", "gc", cache, "--data", data)
        assert result.exit_code == 1
        assert "C02" in result.stderr
    assert called("cache", "verify", cache, "--data", crops).exit_code == 0


def test_a_kind_without_weights_or_seed_is_refused(crops, tmp_path):
    result = called("extract", "tiny_vit", crops, "-o", tmp_path / "cache")
    assert result.exit_code == 1
    assert "E11" in result.stderr
    assert "--seed" in result.stderr


def test_a_layer_is_named_on_the_command_line_and_scores_are_refused(crops, tmp_path):
    folder = tmp_path / "2026_me_mine"
    assert called("entry", "new", "2026_me_mine", "--kind", "code", "--submissions", tmp_path).exit_code == 0
    result = called("extract", folder, crops, "-o", tmp_path / "cache")
    assert result.exit_code == 1
    assert "C02" in result.stderr
    assert "names no features; expected a layer below its scores: trunk" in result.stderr
    assert not (tmp_path / "cache").exists()
    result = called("extract", folder, crops, "-o", tmp_path / "cache", "--layer", "trunk")
    assert result.exit_code == 0, result.stderr
    assert "layer trunk flatten" in called("cache", "ls", tmp_path / "cache").stdout
    result = called("predict", folder, tmp_path / "cache", "-o", tmp_path / "store")
    assert result.exit_code == 1
    assert "P04" in result.stderr
