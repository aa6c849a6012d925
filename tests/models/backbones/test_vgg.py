from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from abawbench.base.problems import ProblemError
from abawbench.models.backbones import build


def test_the_convolutions_are_those_of_vgg16():
    with torch.device("meta"):
        network = build("vggface")
    convolutions = [value for name, value in network.state_dict().items() if name.startswith("features.")]
    # torchvision's VGG16 without its fully connected layers
    assert sum(value.numel() for value in convolutions) == 14_714_688
    assert len(convolutions) == 26
    assert network.state_dict()["classifier.0.weight"].shape == (4096, 512 * 3 * 3)
    assert network.state_dict()["classifier.3.weight"].shape == (4096, 4096)
    assert network.card.width == 4096


def test_landmarks_widen_the_first_fully_connected_layer_by_136():
    with torch.device("meta"):
        network = build("vggface_landmarks")
    assert network.state_dict()["classifier.0.weight"].shape == (4096, 512 * 3 * 3 + 68 * 2)


def restated(state, pictures, landmarks=None):
    """The forward pass written from the specification; a pool follows where the numbering leaves a gap of three."""
    places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    maps = pictures
    for place, following in zip(places, [*places[1:], 31], strict=True):
        maps = functional.conv2d(
            maps, state[f"features.{place}.weight"], state[f"features.{place}.bias"], padding=1
        ).clamp(min=0)
        if following - place == 3:
            maps = functional.max_pool2d(maps, 2)
    flat = maps.reshape(len(maps), -1)
    if landmarks is not None:
        flat = torch.cat([flat, landmarks.reshape(len(maps), -1)], 1)
    for place in (0, 3):
        flat = (flat @ state[f"classifier.{place}.weight"].T + state[f"classifier.{place}.bias"]).clamp(min=0)
    return flat


@torch.no_grad()
def test_the_network_equals_a_restatement_of_the_specification(shaken):
    network = shaken(build("tiny_vggface"))
    pictures = torch.rand(2, 3, 96, 96) * 2 - 1
    assert torch.allclose(network(pictures), restated(network.state_dict(), pictures), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_landmarks_enter_beside_the_last_pool(shaken):
    network = shaken(build("tiny_vggface_landmarks"))
    pictures, landmarks = torch.rand(2, 3, 96, 96), torch.rand(2, 68, 2)
    expected = restated(network.state_dict(), pictures, landmarks)
    assert torch.allclose(network(pictures, landmarks), expected, rtol=1e-5, atol=1e-5)


def test_dropout_of_one_half_follows_each_fully_connected_layer():
    network = build("tiny_vggface", seed=0)
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("kind", "points"),
    [("tiny_vggface", (2, 68, 2)), ("tiny_vggface_landmarks", None), ("tiny_vggface_landmarks", (2, 5, 2))],
)
def test_landmarks_come_with_the_kind_that_takes_them_and_with_no_other(kind, points):
    landmarks = None if points is None else torch.zeros(points)
    with pytest.raises(ProblemError, match=r"E06.*\n.*landmarks"):
        build(kind, seed=0)(torch.zeros(2, 3, 96, 96), landmarks)
