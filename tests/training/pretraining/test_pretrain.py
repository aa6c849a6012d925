from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from abawbench.base.problems import ProblemError
from abawbench.clips.clip import clips_of_units
from abawbench.clips.crop import Crop
from abawbench.clips.crop_file import write_crop
from abawbench.inference.extract import extract
from abawbench.inference.feature_maker import feature_maker
from abawbench.models.backbones.presets import Preset, transformer
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.image_input import imagenet
from abawbench.training.pretraining import pretrain as masked
from abawbench.training.pretraining import settings as masked_settings
from abawbench.training.pretraining.pretrain import pretrain
from abawbench.training.pretraining.settings import Size, settings_for
from tests.inference.conftest import write_crops

SETTINGS = settings_for("tiny", epochs=3, batch=8)
# 5 units of 7 crops, one held out: 3 steps of 8 in an epoch
STEPS = 9
FILES = ("encoder.safetensors", "mae_pretrain.pth", "loss.csv", "reconstructions.png", "huggingface/model.safetensors")
LOCKS = {".lock", ".workers"}


@pytest.fixture(scope="module")
def crops(tmp_path_factory) -> Path:
    return write_crops(tmp_path_factory.mktemp("data") / "crops", dict.fromkeys("abcde", 7), side=40)


@pytest.fixture(scope="module")
def finished(crops, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "whole"
    pretrain(crops, run, SETTINGS)
    return run


def content(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in FILES}


def test_a_run_leaves_weights_losses_and_pictures(finished):
    names = {path.name for path in finished.iterdir()}
    expected = {"loss.png", "run.json", "huggingface", *LOCKS, *(name for name in FILES if "/" not in name)}
    assert names == expected
    rows = (finished / "loss.csv").read_text().splitlines()
    assert rows[0] == "epoch,step,rate,loss,held_out"
    assert [row.split(",")[:2] for row in rows[1:]] == [["1", "3"], ["2", "6"], ["3", "9"]]
    said = json.loads((finished / "run.json").read_text())
    assert (said["data"]["crops"], len(said["data"]["held_out"])) == (35, 1)
    sheet = np.asarray(cv2.imread(str(finished / "reconstructions.png")))
    # seven held-out crops, each enlarged from 32 to 128 pixels
    assert sheet.shape[:2] == (3 * 132 + 4, 110 + 7 * 132 + 4)


def test_the_same_seed_gives_the_same_files(crops, finished, tmp_path):
    pretrain(crops, tmp_path / "again", SETTINGS, memory=0, pause_s=0)
    assert content(tmp_path / "again") == content(finished)


def test_the_encoder_knows_the_crops_it_learned_from(crops, finished, tmp_path):
    assert load_checkpoint(finished / "encoder.safetensors").backbone.card.image_input.crop == ""
    described = Path(shutil.copytree(crops, tmp_path / "crops"))
    write_crop(described, Crop("wide", 40))
    pretrain(described, tmp_path / "run", settings_for("tiny", epochs=1, batch=8))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"]["crop"] == "wide"
    maker = feature_maker(str(tmp_path / "run" / "encoder.safetensors"))
    assert maker.entry.card.crop == "wide"
    write_crop(described, Crop("eyes", 40, 1.5))
    summary = extract(maker, clips_of_units(described), tmp_path / "features")
    assert [problem.rule for problem in summary.problems] == ["E06"]
    assert "--crop wide" in summary.problems[0].fix
    assert summary.made == 0


def test_another_seed_gives_other_weights(crops, finished, tmp_path):
    pretrain(crops, tmp_path / "other", replace(SETTINGS, seed=1))
    assert (tmp_path / "other/encoder.safetensors").read_bytes() != content(finished)["encoder.safetensors"]


class StoppedError(Exception):
    """Raised by a test in the place of a step."""


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_an_interrupted_run_ends_with_the_bits_of_a_whole_one(crops, finished, tmp_path, steps):
    done = 0

    def stop(progress):
        nonlocal done
        done += 1
        if done == steps:
            raise StoppedError

    with pytest.raises(StoppedError):
        pretrain(crops, tmp_path / "run", SETTINGS, pause_s=0, report=stop)
    assert not (tmp_path / "run/encoder.safetensors").exists()
    left = []
    pretrain(crops, tmp_path / "run", SETTINGS, report=left.append)
    assert len(left) == STEPS - steps
    assert content(tmp_path / "run") == content(finished)


KILLED = """
import os, signal, sys
from pathlib import Path
from abawbench.training import run_folder
from abawbench.training.pretraining import pretrain as masked
from abawbench.training.pretraining.settings import settings_for

write, data, run = run_folder.write_tensors, Path(sys.argv[1]), Path(sys.argv[2])
states = 0

def torn(path, tensors):
    global states
    states += 1
    if states == 5:
        # a file that is half written
        path.with_name("." + path.name).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, tensors)

run_folder.write_tensors = torn
masked.pretrain(data, run, settings_for("tiny", epochs=3, batch=8), pause_s=0)
"""


def test_a_process_killed_while_it_writes_loses_no_bit(crops, finished, tmp_path):
    run = tmp_path / "run"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(crops), str(run)], check=False, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert (run / "checkpoints/.last-5.safetensors").exists()
    steps = []
    pretrain(crops, run, SETTINGS, report=steps.append)
    assert len(steps) == STEPS - 4
    assert content(run) == content(finished)
    assert {path.name for path in run.glob(".*")} == LOCKS


def test_a_second_start_of_a_finished_run_does_nothing(crops, finished):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.name not in LOCKS}
    steps = []
    summary = pretrain(crops, finished, SETTINGS, report=steps.append)
    assert summary.is_kept
    assert not steps
    assert [epoch.step for epoch in summary.epochs] == [3, 6, 9]
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.name not in LOCKS} == before


def test_a_folder_of_another_run_is_refused(crops, finished):
    with pytest.raises(ProblemError) as caught:
        pretrain(crops, finished, replace(SETTINGS, mask=0.5, seed=4))
    told = [(problem.rule, problem.found, problem.expected) for problem in caught.value.problems]
    assert ("E20", "settings.mask = 0.75", "0.5") in told
    assert ("E20", "settings.seed = 0", "4") in told


def test_other_crops_are_another_run(finished, tmp_path):
    other = write_crops(tmp_path / "crops", dict.fromkeys("abcdf", 7), side=40)
    with pytest.raises(ProblemError, match=r"E20.*\n.*data.sha256"):
        pretrain(other, finished, SETTINGS)


def test_a_folder_of_other_files_is_refused(crops, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ProblemError, match="E20"):
        pretrain(crops, tmp_path, SETTINGS)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_state_that_is_no_state_is_told(crops, finished, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_bytes((finished / "run.json").read_bytes())
    (run / "checkpoints").mkdir()
    for content in (b"nothing of the kind", b'{"file": "last-1.safetensors", "sha256": "0", "facts": {}}'):
        (run / "checkpoints/last.json").write_bytes(content)
        (run / "checkpoints/last-1.safetensors").write_bytes(b"nothing of the kind")
        with pytest.raises(ProblemError, match="E04"):
            pretrain(crops, run, SETTINGS)


def test_an_unfinished_state_of_an_earlier_version_is_refused_with_what_to_do(crops, finished, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_bytes((finished / "run.json").read_bytes())
    (run / "state.safetensors").write_bytes(b"weights and moments in one file")
    with pytest.raises(ProblemError, match=r"E20(.|\n)*earlier abawbench(.|\n)*start again"):
        pretrain(crops, run, SETTINGS)
    assert (run / "state.safetensors").read_bytes() == b"weights and moments in one file"
    assert not (run / "loss.csv").exists()


def test_a_run_that_an_earlier_version_began_without_a_state_ends_as_any_other(crops, finished, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_bytes((finished / "run.json").read_bytes())
    (run / ".state.safetensors.k3j9x").write_bytes(b"half of the weights")
    pretrain(crops, run, SETTINGS)
    assert content(run) == content(finished)
    assert not (run / ".state.safetensors.k3j9x").exists()


def test_two_runs_at_once_in_one_folder_are_one_and_a_refusal(crops, finished, tmp_path):
    run, refused = tmp_path / "run", []

    def second(progress):
        if not refused:
            with pytest.raises(ProblemError) as caught:
                pretrain(crops, run, SETTINGS)
            refused.extend(problem.rule for problem in caught.value.problems)

    pretrain(crops, run, SETTINGS, report=second)
    assert refused == ["D36"]
    assert content(run) == content(finished)


def test_a_loss_that_is_not_finite_ends_the_run_before_it_is_kept(crops, tmp_path, monkeypatch):
    monkeypatch.setattr(masked, "rate_at", lambda *_: float("inf"))
    with pytest.raises(ProblemError, match=r"E22.*\n.*nan by step 2"):
        pretrain(crops, tmp_path / "run", SETTINGS, pause_s=0)
    assert b"NaN" not in (tmp_path / "run/checkpoints/last.json").read_bytes()


def test_the_loss_falls_on_crops_it_has_not_seen(tmp_path):
    # every crop is one of two patterns: what is seen tells what is hidden
    random = np.random.default_rng(0)
    patterns = random.integers(0, 256, (2, 4, 4, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    patterns = cv2.GaussianBlur(patterns.transpose(1, 2, 0, 3).reshape(32, 32, 6), (0, 0), 3).reshape(32, 32, 2, 3)
    for unit in "abcd":
        (tmp_path / "crops" / unit).mkdir(parents=True)
        for number in range(1, 17):
            cv2.imwrite(str(tmp_path / "crops" / unit / f"{number:05d}.png"), patterns[:, :, number % 2])
    settings = settings_for("tiny", epochs=12, batch=16, base_rate=4e-2, held_out=0.25)
    epochs = pretrain(tmp_path / "crops", tmp_path / "run", settings).epochs
    losses = [epoch.held_out or 0.0 for epoch in epochs]
    # zeros, the best blind guess of values of mean 0 and variance 1, come to 191 / 192
    assert losses[0] > 191 / 192
    assert 0 < losses[-1] < 0.96


@pytest.fixture(scope="module")
def wide(crops, tmp_path_factory):
    """A run of heads 64 wide, whose number a file without configuration leaves open."""
    structure = transformer(192, 2, 3, 16, image_size=32, layer_norm_eps=1e-6)
    size = Size("tiny_wide_mae", Preset("vit", structure, imagenet(32)), (32, 1, 2), 1, 1e-2)
    run = tmp_path_factory.mktemp("runs") / "wide"
    kept = dict(masked_settings.SIZES)
    masked_settings.SIZES["wide"] = size
    try:
        pretrain(crops, run, settings_for("wide", picture=64, batch=8))
    finally:
        masked_settings.SIZES.clear()
        masked_settings.SIZES.update(kept)
    return run


def test_all_three_layouts_load_to_the_same_features(wide):
    pictures = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32))
    own, published, folder = (load_checkpoint(wide / name) for name in (FILES[0], FILES[1], "huggingface"))
    assert (own.kind, own.layout) == ("tiny_wide_mae", "abawbench")
    assert published.layout == "facebookresearch/mae, full, with decoder"
    assert folder.layout == "transformers, folder of vit_mae"
    with torch.no_grad():
        features = own.backbone(pictures)
        assert float(features.std()) > 0.1
        for other in (published, folder):
            assert other.backbone.card.image_input == own.backbone.card.image_input
            np.testing.assert_allclose(other.backbone(pictures), features, atol=1e-5)


def attended(tokens: torch.Tensor, state: dict[str, torch.Tensor], stem: str, heads: int) -> torch.Tensor:
    """A block of facebookresearch/mae's models_mae.py, written from its tensors alone."""

    def norm(name, values):
        weight, bias = state[f"{stem}.{name}.weight"], state[f"{stem}.{name}.bias"]
        return functional.layer_norm(values, weight.shape, weight, bias, 1e-6)

    def linear(name, values):
        return functional.linear(values, state[f"{stem}.{name}.weight"], state[f"{stem}.{name}.bias"])

    count, length, width = tokens.shape
    mixed = linear("attn.qkv", norm("norm1", tokens)).reshape(count, length, 3, heads, width // heads)
    query, key, value = mixed.permute(2, 0, 3, 1, 4)
    share = (query @ key.transpose(2, 3) / (width // heads) ** 0.5).softmax(3)
    tokens = tokens + linear("attn.proj", (share @ value).transpose(1, 2).reshape(count, length, width))
    return tokens + linear("mlp.fc2", functional.gelu(linear("mlp.fc1", norm("norm2", tokens))))


def test_the_published_layout_is_that_of_the_published_network(wide):
    from transformers import ViTMAEForPreTraining

    state = torch.load(wide / "mae_pretrain.pth", weights_only=True)["model"]
    pictures, noise = torch.randn(2, 3, 64, 64), torch.rand(2, 16)
    order = noise.argsort(1)
    with torch.no_grad():
        patches = functional.conv2d(pictures, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], 16)
        tokens = patches.flatten(2).transpose(1, 2) + state["pos_embed"][:, 1:]
        seen = torch.stack([one[places[:4]] for one, places in zip(tokens, order, strict=True)])
        first = (state["cls_token"] + state["pos_embed"][:, :1]).expand(2, -1, -1)
        tokens = torch.cat([first, seen], 1)
        for block in range(2):
            tokens = attended(tokens, state, f"blocks.{block}", 3)
        tokens = functional.layer_norm(tokens, (192,), state["norm.weight"], state["norm.bias"], 1e-6)
        tokens = functional.linear(tokens, state["decoder_embed.weight"], state["decoder_embed.bias"])
        laid = state["mask_token"].expand(2, 16, -1).clone()
        for one, places, own in zip(laid, order, tokens, strict=True):
            one[places[:4]] = own[1:]
        tokens = torch.cat([tokens[:, :1], laid], 1) + state["decoder_pos_embed"]
        tokens = attended(tokens, state, "decoder_blocks.0", 2)
        tokens = functional.layer_norm(tokens, (32,), state["decoder_norm.weight"], state["decoder_norm.bias"], 1e-6)
        expected = functional.linear(tokens, state["decoder_pred.weight"], state["decoder_pred.bias"])[:, 1:]
        network = ViTMAEForPreTraining.from_pretrained(wide / "huggingface")
        found = network(pixel_values=pictures, noise=noise).logits
    assert float(expected.std()) > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-5)
