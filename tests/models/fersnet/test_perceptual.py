from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from abawbench.base.problems import ProblemError
from abawbench.models.fersnet.perceptual import LightCnn, load_perceptual, tiny_perceptual
from tests.models.shaking import one_thread, shake

__all__ = ["one_thread"]


@pytest.fixture(scope="module")
def tensors():
    return shake(LightCnn()).state_dict()


def save(path, tensors, prefix="module."):
    torch.save({"state_dict": {f"{prefix}{name}": tensor for name, tensor in tensors.items()}, "epoch": 80}, path)
    return path


@pytest.mark.parametrize("prefix", ["module.", ""])
def test_a_file_of_lightcnn_9_is_read_with_and_without_module(tmp_path, tensors, prefix):
    more = {**tensors, "fc1.filter.weight": torch.zeros(4, 2), "fc2.weight": torch.zeros(3, 4)}
    network = load_perceptual(save(tmp_path / "light.pth.tar", more, prefix), "RGB")
    assert all(torch.equal(network.trunk.state_dict()[name], tensor) for name, tensor in tensors.items())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 96, 96)).shape == (1, 128, 6, 6)


def test_the_first_layer_keeps_the_larger_half_of_its_channels(tensors):
    trunk = LightCnn()
    trunk.load_state_dict(tensors)
    grey = torch.rand(1, 1, 8, 8)
    with torch.inference_mode():
        maps = functional.conv2d(
            grey, tensors["features.0.filter.weight"], tensors["features.0.filter.bias"], padding=2
        )
        assert torch.allclose(trunk.features[0](grey), torch.stack([maps[:, :48], maps[:, 48:]]).amax(0))


def test_grey_follows_the_order_of_the_channels():
    rgb, bgr = (tiny_perceptual(colour, seed=3) for colour in ("RGB", "BGR"))
    pictures = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(rgb(pictures), bgr(pictures.flip(1)), atol=1e-5)
        assert 0.05 < rgb(pictures).square().mean() < 5
        assert not torch.allclose(rgb(pictures), bgr(pictures), atol=1e-3)


def test_missing_and_misshapen_tensors_are_told_together(tmp_path, tensors):
    wrong = dict(tensors)
    del wrong["features.2.conv.filter.weight"]
    wrong["features.4.conv.filter.bias"] = torch.zeros(3)
    with pytest.raises(ProblemError) as error:
        load_perceptual(save(tmp_path / "light.pth.tar", wrong), "RGB")
    assert [problem.rule for problem in error.value.problems] == ["E08", "E08"]


def test_it_stays_in_evaluation_mode():
    network = tiny_perceptual("RGB", seed=0).train()
    assert not network.training
    assert not network.trunk.training
