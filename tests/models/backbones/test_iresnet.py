from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides, build
from abawbench.models.backbones.iresnet import IResNet, Structure, make

UNEVEN = Structure((2, 1, 3, 1), (3, 4, 5, 6), 7)


@pytest.mark.parametrize(
    ("kind", "parameters", "entries", "blocks"),
    [
        ("iresnet18", 24_025_600, 187, 2),
        ("iresnet34", 34_139_328, 331, 6),
        ("iresnet50", 43_590_848, 475, 14),
        ("iresnet100", 65_156_160, 925, 30),
        ("iresnet200", 118_833_920, 1807, 60),
    ],
)
def test_each_depth_has_the_parameters_and_the_entries_of_insightface(kind, parameters, entries, blocks):
    with torch.device("meta"):
        network = build(kind)
    state = network.state_dict()
    assert sum(value.numel() for value in network.parameters()) == parameters
    assert len(state) == entries
    assert len({name.split(".")[1] for name in state if name.startswith("layer3.")}) == blocks
    assert state["fc.weight"].shape == (512, 25088)


def norm(state, name, maps):
    shape = (1, -1) + (1,) * (maps.ndim - 2)
    centred = maps - state[f"{name}.running_mean"].reshape(shape)
    scale = state[f"{name}.weight"] / torch.sqrt(state[f"{name}.running_var"] + 1e-5)
    return centred * scale.reshape(shape) + state[f"{name}.bias"].reshape(shape)


def leaky(maps, slope):
    return torch.where(maps > 0, maps, maps * slope.reshape(1, -1, 1, 1))


def restated(state, pictures):
    """The forward pass written from the specification, on the names of the file."""
    maps = leaky(
        norm(state, "bn1", functional.conv2d(pictures, state["conv1.weight"], padding=1)), state["prelu.weight"]
    )
    for stage in (1, 2, 3, 4):
        block = 0
        while (name := f"layer{stage}.{block}") and f"{name}.conv1.weight" in state:
            stride = 2 if block == 0 else 1
            inner = norm(state, f"{name}.bn1", maps)
            inner = norm(state, f"{name}.bn2", functional.conv2d(inner, state[f"{name}.conv1.weight"], padding=1))
            inner = leaky(inner, state[f"{name}.prelu.weight"])
            inner = functional.conv2d(inner, state[f"{name}.conv2.weight"], padding=1, stride=stride)
            inner = norm(state, f"{name}.bn3", inner)
            if block == 0:
                maps = functional.conv2d(maps, state[f"{name}.downsample.0.weight"], stride=2)
                maps = norm(state, f"{name}.downsample.1", maps)
            maps = inner + maps
            block += 1
    flat = norm(state, "bn2", maps).reshape(len(pictures), -1)
    return norm(state, "features", flat @ state["fc.weight"].T + state["fc.bias"])


@torch.no_grad()
def test_the_network_equals_a_restatement_of_the_specification(shaken):
    network = shaken(make("iresnet", UNEVEN, Overrides()))
    pictures = torch.randn(2, 3, 112, 112)
    assert torch.allclose(network(pictures), restated(network.state_dict(), pictures), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_the_memory_layout_of_the_pictures_changes_nothing(shaken):
    network = shaken(make("iresnet", UNEVEN, Overrides()))
    pictures = torch.randn(2, 3, 112, 112)
    other = pictures.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(network(pictures), network(other), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_maps_of_the_stages_are_56_28_14_and_7_wide():
    network = build("tiny_iresnet", seed=0)
    assert isinstance(network, IResNet)
    sides: list[int] = []
    for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
        stage.register_forward_hook(lambda _module, _input, output: sides.append(output.shape[-1]))
    assert network(torch.zeros(2, 3, 112, 112)).shape == (2, network.card.width)
    assert sides == [56, 28, 14, 7]


def test_the_scale_of_the_last_norm_is_one_and_gets_no_gradient():
    network = build("tiny_iresnet", seed=0)
    network(torch.randn(2, 3, 112, 112)).sum().backward()
    frozen = [name for name, value in network.named_parameters() if value.grad is None]
    assert frozen == ["features.weight"]
    assert network.state_dict()["features.weight"].unique().tolist() == [1.0]


def test_another_size_is_refused_because_of_the_last_layer():
    with pytest.raises(ProblemError, match=r"E17.*\n.*size 128 for iresnet50; expected 112 pixels"):
        build("iresnet50", overrides=Overrides(size=128))
