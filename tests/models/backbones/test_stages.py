"""Backbones by their stages: the same vectors, and maps with the channels that they name."""

from __future__ import annotations

import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.models import backbones
from abawbench.models.backbones import KINDS, Overrides

TINY = [kind for kind in KINDS if kind.startswith("tiny_")]


@pytest.mark.parametrize("kind", [*TINY, "iresnet18", "small_vit_mae"])
def test_the_stages_one_after_another_are_the_whole_network(kind, shaken):
    network = shaken(backbones.build(kind, seed=0))
    image_input = network.card.image_input
    pictures = torch.randn(2, image_input.channels, image_input.size, image_input.size)
    more = (torch.randn(2, 68, 2),) if kind.endswith("_landmarks") else ()
    with torch.no_grad():
        maps, channels = network.begin(pictures), []
        for stage in network.stages:
            maps = stage(maps)
            assert maps.ndim == 4
            channels.append(maps.shape[1])
        # the layout of tokens in memory decides the order of sums
        assert torch.allclose(network.finish(maps, *more), network(pictures, *more), atol=1e-5, rtol=1e-5)
    assert channels == list(network.channels)
    assert network.has_tokens == ("vit" in kind or "dino" in kind)
    # reading them adds no weights
    assert network.state_dict().keys() == backbones.build(kind, seed=0).state_dict().keys()


def test_layers_of_equal_size_make_up_to_four_stages():
    assert len(backbones.build("small_vit_mae", seed=0).stages) == 4
    assert len(backbones.build("tiny_vit", seed=0).stages) == 2


@pytest.mark.parametrize(
    ("kind", "overrides", "expected"),
    [("hf:mobilenet_v2", Overrides(), "vit"), ("tiny_vit", Overrides(layer=1), "layer -1")],
)
def test_networks_without_known_stages_say_so(kind, overrides, expected):
    with pytest.raises(ProblemError) as raised:
        _ = backbones.build(kind, seed=0, overrides=overrides).stages
    (problem,) = raised.value.problems
    assert problem.rule == "E17"
    assert expected in problem.expected
