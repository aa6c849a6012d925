"""The size of a network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from abawbench.models import backbones
from abawbench.models.sizes import Size, size_of


def test_shared_weights_count_once_and_their_work_each_time():
    layer = nn.Linear(4, 4, bias=False)
    assert size_of(nn.Sequential(layer, layer), torch.zeros(1, 4)) == Size(16, 32)


@pytest.mark.parametrize("kind", ["iresnet18", "tiny_vit"])
def test_a_network_is_measured_without_being_touched(kind):
    network = backbones.build(kind, seed=0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    side = network.card.image_input.size
    size = size_of(network, torch.zeros(1, 3, side, side))
    assert size.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert size.multiply_adds > size.parameters
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
