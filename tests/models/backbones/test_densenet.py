from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import Overrides, build
from abawbench.models.backbones.densenet import STRUCTURES, DenseNet


def meta(kind):
    with torch.device("meta"):
        return build(kind)


def numbers(*modules):
    return sum(value.numel() for module in modules for value in module.parameters())


def test_densenet121_has_the_numbers_and_entries_of_torchvision():
    network = meta("densenet121")
    classifier = nn.Linear(network.card.width, 1000)
    assert numbers(network) == 6_953_856
    assert len(network.state_dict()) == 725
    assert numbers(network, classifier) == 7_978_856
    assert len(network.state_dict()) + len(classifier.state_dict()) == 727


def test_denseface_has_the_numbers_and_entries_of_its_file():
    network = meta("denseface100")
    classifier = nn.Linear(network.card.width, 8)
    assert numbers(network) == 765_300
    assert len(network.state_dict()) == 594
    assert numbers(network, classifier) == 768_044
    assert len(network.state_dict()) + len(classifier.state_dict()) == 596


@pytest.mark.parametrize(
    ("kind", "widths"),
    [("densenet121", [64, 256, 128, 512, 256, 1024, 512, 1024]), ("denseface100", [24, 216, 108, 300, 150, 342])],
)
def test_widths_grow_and_halve_as_published(kind, widths):
    state = meta(kind).state_dict()
    found = [state["features.conv0.weight"].shape[0]]
    for number in range(1, len(STRUCTURES[kind].blocks) + 1):
        if f"features.transition{number}.conv.weight" in state:
            found += reversed(state[f"features.transition{number}.conv.weight"].shape[:2])
    found.append(state["features.norm5.weight" if kind == "densenet121" else "features.norm3.weight"].shape[0])
    assert found == widths


def norm(state, name, maps):
    centred = maps - state[f"{name}.running_mean"].reshape(1, -1, 1, 1)
    scale = state[f"{name}.weight"] / torch.sqrt(state[f"{name}.running_var"] + 1e-5)
    return centred * scale.reshape(1, -1, 1, 1) + state[f"{name}.bias"].reshape(1, -1, 1, 1)


def positive_norm(state, name, maps):
    return norm(state, name, maps).clamp(min=0)


def restated(state, pictures, last):
    """The forward pass written from the specification, on the names of the file."""
    kernel = state["features.conv0.weight"]
    maps = functional.conv2d(pictures, kernel, stride=2, padding=kernel.shape[-1] // 2)
    if "features.norm0.weight" in state:
        maps = functional.max_pool2d(positive_norm(state, "features.norm0", maps), 3, stride=2, padding=1)
    block = 1
    while f"features.denseblock{block}.denselayer1.conv1.weight" in state:
        layer = 1
        while (name := f"features.denseblock{block}.denselayer{layer}") and f"{name}.conv1.weight" in state:
            inner = functional.conv2d(positive_norm(state, f"{name}.norm1", maps), state[f"{name}.conv1.weight"])
            inner = functional.conv2d(
                positive_norm(state, f"{name}.norm2", inner), state[f"{name}.conv2.weight"], padding=1
            )
            maps = torch.cat([maps, inner], 1)
            layer += 1
        if f"features.transition{block}.conv.weight" in state:
            maps = positive_norm(state, f"features.transition{block}.norm", maps)
            maps = functional.avg_pool2d(functional.conv2d(maps, state[f"features.transition{block}.conv.weight"]), 2)
        block += 1
    return positive_norm(state, f"features.{last}", maps).flatten(2).mean(2)


@torch.no_grad()
@pytest.mark.parametrize(
    ("kind", "last", "channels"), [("tiny_densenet121", "norm5", 3), ("tiny_denseface", "norm3", 1)]
)
def test_the_network_equals_a_restatement_of_the_specification(shaken, kind, last, channels):
    network = shaken(build(kind, seed=0))
    pictures = torch.randn(2, channels, 64, 64)
    assert torch.allclose(network(pictures), restated(network.state_dict(), pictures, last), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_denseface_pools_a_map_of_eight_by_eight_into_342_numbers():
    network = build("denseface100", seed=0)
    assert isinstance(network, DenseNet)
    maps: list[torch.Size] = []
    network.features.register_forward_hook(lambda _module, _input, output: maps.append(output.shape))
    assert network(torch.randn(2, 1, 64, 64)).shape == (2, 342)
    assert maps == [(2, 342, 8, 8)]


def test_denseface_refuses_pictures_in_colour():
    with pytest.raises(ProblemError, match=r"E06.*\n.*\(2, 3, 64, 64\).*expected \(pictures, 1, 64, 64\)"):
        build("tiny_denseface", seed=0)(torch.zeros(2, 3, 64, 64))


def test_denseface_takes_grey_and_no_other_size():
    with pytest.raises(ProblemError, match="E17"):
        build("tiny_denseface", overrides=Overrides(colour="RGB"))
    with pytest.raises(ProblemError, match=r"E17.*\n.*expected 64 pixels"):
        build("tiny_denseface", overrides=Overrides(size=96))


@torch.no_grad()
def test_densenet_takes_other_sizes_down_to_one_cell():
    network = build("tiny_densenet121", seed=0, overrides=Overrides(size=96))
    assert network(torch.randn(1, 3, 96, 96)).shape == (1, network.card.width)
    with pytest.raises(ProblemError, match=r"E17.*\n.*expected 32 pixels or more"):
        build("tiny_densenet121", overrides=Overrides(size=31))
