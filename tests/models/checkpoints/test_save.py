from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import KINDS, Overrides, build
from abawbench.models.checkpoints import load_checkpoint, save_backbone

TINY = sorted(kind for kind in KINDS if kind.startswith("tiny_"))


def inputs(network):
    image_input = network.card.image_input
    generator = torch.Generator().manual_seed(5)
    pictures = torch.randn(2, image_input.channels, image_input.size, image_input.size, generator=generator)
    if network.card.kind.endswith("_landmarks"):
        return pictures, torch.rand(2, 68, 2, generator=generator)
    return (pictures,)


@torch.no_grad()
@pytest.mark.parametrize("kind", TINY)
def test_what_was_saved_is_loaded_again_as_the_same_network(tmp_path, shaken, kind):
    network = shaken(build(kind))
    save_backbone(network, tmp_path / "own.safetensors")
    loaded = load_checkpoint(tmp_path / "own.safetensors")
    assert torch.equal(loaded.backbone(*inputs(network)), network(*inputs(network)))
    assert loaded.backbone.card == network.card
    assert (loaded.layout, loaded.preset) == ("abawbench", "saved with the weights")
    assert (loaded.missing, loaded.unexpected) == ((), ())


@pytest.mark.parametrize("kind", ["tiny_iresnet", "tiny_vit"])
def test_the_bytes_depend_on_the_network_alone(tmp_path, kind):
    for name in "ab":
        save_backbone(build(kind, seed=3), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@torch.no_grad()
def test_image_input_layer_and_pooling_are_saved_and_can_be_overridden(tmp_path):
    overrides = Overrides(colour="BGR", mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), layer=1, pooling="mean")
    network = build("tiny_vit", seed=1, overrides=overrides)
    save_backbone(network, tmp_path / "own")
    assert load_checkpoint(tmp_path / "own").backbone.card == network.card
    again = load_checkpoint(tmp_path / "own", overrides=Overrides(size=64, layer=-1))
    assert (again.backbone.card.image_input.size, again.backbone.card.layer) == (64, -1)
    assert again.backbone.card.pooling == "mean"
    assert again.preset == "saved with the weights; overridden: size, layer"
    assert again.backbone(torch.zeros(1, 3, 64, 64)).shape == (1, 32)


@pytest.mark.parametrize("kind", ["tiny_densenet121", "tiny_vit"])
def test_what_is_cut_out_of_a_resized_crop_is_saved_and_dropped_with_another_size(tmp_path, kind):
    network = build(kind, seed=1)
    side = network.card.image_input.size
    cut = replace(network.card.image_input, resize="pillow-bicubic", resize_to=side + 8, crop="wide")
    network.card = replace(network.card, image_input=cut)
    save_backbone(network, tmp_path / "own")
    assert load_checkpoint(tmp_path / "own").backbone.card.image_input == cut
    other = load_checkpoint(tmp_path / "own", overrides=Overrides(size=2 * side)).backbone.card.image_input
    assert other == replace(cut, size=2 * side, resize_to=None)


@pytest.mark.parametrize("grey", ["opencv", "rec709", (0.5, 0.25, 0.25)])
def test_grey_and_the_method_of_resizing_are_saved(tmp_path, grey):
    network = build("tiny_denseface", seed=1, overrides=Overrides(resize="opencv-bilinear", grey=grey))
    save_backbone(network, tmp_path / "own")
    loaded = load_checkpoint(tmp_path / "own")
    assert loaded.backbone.card == network.card
    facts = json.loads(json.dumps(loaded.facts()))
    assert (facts["resize"], facts["grey"]) == ("opencv-bilinear", json.loads(json.dumps(grey)))
    assert load_checkpoint(tmp_path / "own", overrides=Overrides(grey="mean")).backbone.card.image_input.grey == "mean"


@torch.no_grad()
def test_a_fine_tuned_autoencoder_keeps_its_norm(tmp_path, mae_state, write):
    first = load_checkpoint(write({"model": mae_state(fine_tuned=True)})).backbone
    save_backbone(first, tmp_path / "own")
    second = load_checkpoint(tmp_path / "own").backbone
    assert "fc_norm.weight" in load_file(tmp_path / "own")
    assert second.card == first.card
    assert torch.equal(second(*inputs(first)), first(*inputs(first)))


def test_networks_of_transformers_are_saved_by_the_names_it_writes(tmp_path):
    save_backbone(build("tiny_vit", seed=0), tmp_path / "own")
    assert "encoder.layer.0.attention.attention.query.weight" in load_file(tmp_path / "own")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda said: "no json", "E04"),
        (lambda said: "[]", "E04"),
        (lambda said: json.dumps({name: said[name] for name in said if name != "mean"}), "E04"),
        (lambda said: json.dumps({**said, "std": [0, 0, 0]}), "E04"),
        (lambda said: json.dumps({**said, "config": []}), "E04"),
        (lambda said: json.dumps({**said, "kind": "tiny_unknown"}), "E10"),
        (lambda said: json.dumps({**said, "kind": ["tiny_iresnet"]}), "E10"),
        (lambda said: json.dumps({**said, "kind": "tiny_denseface"}), "E17"),
        (lambda said: json.dumps({**said, "kind": "iresnet18"}), "E08"),
        (lambda said: json.dumps({**said, "config": {"model_type": "none"}}), "E10"),
    ],
)
def test_a_header_that_does_not_fit_the_tensors_is_a_problem(tmp_path, change, rule):
    path = tmp_path / "own"
    save_backbone(build("tiny_iresnet", seed=0), path)
    with safe_open(path, framework="pt") as file:
        said = json.loads(file.metadata()["abawbench"])
    save_file(load_file(path), path, {"abawbench": change(said)})
    with pytest.raises(ProblemError, match=rule):
        load_checkpoint(path)


def test_a_place_that_cannot_be_written_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        save_backbone(build("tiny_iresnet", seed=0), tmp_path / "no" / "such" / "folder")
