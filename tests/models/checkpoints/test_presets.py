"""Which pictures a checkpoint asks for, who says so, and what is assumed because nobody does."""

from __future__ import annotations

import argparse
import json

import pytest
import torch
from safetensors.torch import save_file

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides
from abawbench.models.checkpoints import load_checkpoint
from abawbench.models.image_input import ImageInput, imagenet

PRETRAINING = argparse.Namespace(mask_ratio=0.75, norm_pix_loss=True, blr=1e-3)
FINE_TUNING = argparse.Namespace(global_pool=True, layer_decay=0.75, nb_classes=1000)
OTHERS = argparse.Namespace(model="deit_base", nb_classes=1000, input_size=224)


def assumed(path, **overrides):
    return load_checkpoint(path, overrides=Overrides(**overrides)).assumed


@pytest.mark.parametrize(
    ("arguments", "fine_tuned", "expected"),
    [
        (None, False, ("mean", "std")),
        (None, True, ("mean", "std")),
        (OTHERS, False, ("mean", "std")),
        (argparse.Namespace(mask_ratio=0.75), False, ("mean", "std")),
        ({"mask_ratio": 0.75, "norm_pix_loss": True}, False, ("mean", "std")),
        (PRETRAINING, False, ()),
        (FINE_TUNING, True, ()),
    ],
)
def test_a_vit_by_timms_names_has_assumed_normalisation_unless_its_arguments_say_who_trained_it(
    mae_state, write, arguments, fine_tuned, expected
):
    tree = {"model": mae_state(fine_tuned=fine_tuned), "args": arguments, "epoch": 3}
    loaded = load_checkpoint(write(tree, "mae_pretrain_vit_base.mae.pth"))
    assert loaded.assumed == tuple(loaded.facts()["assumed"]) == expected
    assert loaded.backbone.card.image_input == imagenet(32)
    assert ("or timm" in loaded.layout) == loaded.preset.startswith("assumed") == bool(expected)


def test_a_decoder_says_that_a_file_is_of_facebookresearch(mae_state, decoder_state, write):
    assert assumed(write({"model": mae_state() | decoder_state()})) == ()
    # BEiT and others have such a token too
    assert assumed(write(mae_state() | {"mask_token": torch.zeros(1, 1, 192)})) == ("mean", "std")


def test_settings_take_values_off_the_list(mae_state, write):
    path = write(mae_state())
    half = (0.5, 0.5, 0.5)
    assert assumed(path, mean=half) == ("std",)
    assert assumed(path, mean=half, std=half) == ()
    assert assumed(path, size=64) == ("mean", "std")


def test_insightface_assumes_nothing_and_densenets_their_normalisation(narrow, densenet, denseface, write):
    assert assumed(write(narrow.state_dict())) == ()
    assert assumed(write(densenet.state_dict())) == ("size", "mean", "std")
    assert assumed(write(denseface.state_dict())) == ("mean", "std")


def timm_folder(path, state, **more):
    values = {
        "input_size": [3, 32, 32],
        "interpolation": "bicubic",
        "crop_pct": 0.9,
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
    }
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"architecture": "vit_x", "pretrained_cfg": {**values, **more}}))
    save_file(state, path / "model.safetensors", {"format": "pt"})
    return path


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "timm_model."])
def test_a_folder_of_timm_is_read_with_its_pictures(mae_state, write, tmp_path, prefix):
    state = mae_state()
    saved = {f"{prefix}{name}": tensor for name, tensor in state.items()} | {"head.weight": torch.ones(8, 192)}
    path = timm_folder(tmp_path / "timm", saved)
    if prefix:
        # as transformers writes a network of timm
        content = json.loads((path / "config.json").read_text())
        (path / "config.json").write_text(json.dumps({**content, "model_type": "timm_wrapper"}))
    loaded = load_checkpoint(path)
    assert loaded.backbone.card.image_input == ImageInput(32, "RGB", (0.5,) * 3, (0.5,) * 3, "pillow-bicubic", 35)
    assert (loaded.assumed, loaded.preset) == ((), "config.json of timm")
    assert loaded.layout == "timm, folder of vit_x"
    assert loaded.unexpected == ("head.weight",)
    pictures = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert torch.equal(loaded.backbone(pictures), load_checkpoint(write(state)).backbone(pictures))


def test_a_size_that_is_asked_for_cuts_nothing_from_a_folder_of_timm(mae_state, tmp_path):
    path = timm_folder(tmp_path / "timm", mae_state())
    found = load_checkpoint(path, overrides=Overrides(size=64)).backbone.card.image_input
    assert found == ImageInput(64, "RGB", (0.5,) * 3, (0.5,) * 3, "pillow-bicubic")


@torch.no_grad()
def test_a_folder_of_timm_may_hold_a_densenet(densenet, tmp_path):
    state = {name: value.clone() for name, value in densenet.state_dict().items()}
    path = timm_folder(tmp_path / "timm", state, input_size=[3, 288, 288], crop_pct=1.0)
    loaded = load_checkpoint(path)
    assert loaded.backbone.card.image_input == ImageInput(288, "RGB", (0.5,) * 3, (0.5,) * 3, "pillow-bicubic")
    pictures = torch.randn(1, 3, 288, 288, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(loaded.backbone(pictures), torch.relu(densenet.features(pictures)).mean((2, 3)))


def test_a_folder_of_timm_with_another_network_or_damaged_values_is_refused(mae_state, tmp_path):
    with pytest.raises(ProblemError, match="E10"):
        load_checkpoint(timm_folder(tmp_path / "other", {"conv_stem.weight": torch.ones(2)}))
    with pytest.raises(ProblemError, match=r"E04.*\n.*config\.json"):
        load_checkpoint(timm_folder(tmp_path / "damaged", mae_state(), mean=[0.5]))


def test_a_folder_of_timm_without_pictures_assumes_them(mae_state, tmp_path):
    path = timm_folder(tmp_path / "timm", mae_state())
    (path / "config.json").write_text(json.dumps({"architecture": "vit_x"}))
    assert load_checkpoint(path).assumed == ("mean", "std")


@pytest.mark.parametrize(("fields", "expected"), [({"image_size": 32}, ("mean", "std")), ({}, ("mean", "std"))])
def test_a_folder_of_transformers_without_preprocessing_assumes_normalisation(tmp_path, fields, expected):
    from transformers import ViTConfig, ViTModel

    from abawbench.models.backbones.vision import quiet

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    with quiet():
        ViTModel(ViTConfig(**sizes, patch_size=8, **fields)).save_pretrained(tmp_path)
    assert assumed(tmp_path) == expected
    record = {"size": 32, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(record))
    assert assumed(tmp_path) == ()


def test_a_network_whose_configuration_names_no_size_assumes_it(tmp_path):
    from transformers import ResNetConfig, ResNetModel

    from abawbench.models.backbones.vision import quiet

    fields = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    with quiet():
        ResNetModel(ResNetConfig(**fields)).save_pretrained(tmp_path)
    assert assumed(tmp_path) == ("size", "mean", "std")
