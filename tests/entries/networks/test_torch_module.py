from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.clips.clip import clip_in_memory
from abawbench.entries import Card, DeviceEntry
from abawbench.entries.networks.torch_module import from_torch
from abawbench.models.image_input import ImageInput, half

TASKS = get("abaw4-mtl").tasks
CARD = Card("2026_test_mine", "mine", (), ImageInput(20, "RGB", crop="arcface-112"), licence="MIT")


class Net(nn.Module):
    def __init__(self, surplus: str | None = None):
        super().__init__()
        self.body = nn.Linear(3, 22)
        self.drop = nn.Dropout(0.5)
        self.surplus = surplus

    def forward(self, pictures):
        va, expression, units = self.drop(self.body(pictures.mean(dim=(2, 3)))).split([2, 8, 12], 1)
        scores = {"action_units": units, "va": va, "expression": expression}
        return scores if self.surplus is None else {**scores, self.surplus: va}


def a_clip(frames: int = 4):
    return clip_in_memory("v", np.random.default_rng(0).integers(0, 256, (frames, 20, 20, 3), np.uint8))


def test_scores_become_answers_whatever_their_order_and_nothing_is_dropped():
    net = Net()
    entry = from_torch(net, CARD, TASKS, half(20))
    assert isinstance(entry, DeviceEntry)
    answers = entry.predict(a_clip())
    with torch.inference_mode():
        scores = net.eval()(torch.from_numpy(half(20).pictures(a_clip().frames)))
    np.testing.assert_allclose(answers["expression"], scores["expression"].softmax(1).numpy(), atol=1e-5)
    np.testing.assert_allclose(answers["action_units"], scores["action_units"].sigmoid().numpy(), atol=1e-5)
    np.testing.assert_allclose(answers["va"], scores["va"].clip(-1, 1).numpy(), atol=1e-5)


@pytest.mark.parametrize("image_input", [half(20), half(20, "BGR"), half(10), ImageInput(20, "grey", (0.4,), (0.2,))])
def test_pictures_reach_the_module_as_the_image_input_says(image_input):
    kept: list[torch.Tensor] = []

    class Keeps(Net):
        def forward(self, pictures):
            kept.append(pictures)
            return super().forward(pictures.expand(-1, 3, -1, -1))

    from_torch(Keeps(), CARD, TASKS, image_input).predict(a_clip())
    np.testing.assert_allclose(kept[-1].numpy(), image_input.pictures(a_clip().frames), atol=1e-5)


@pytest.mark.parametrize("module", [Net("more"), nn.Sequential(nn.Flatten(), nn.Linear(1200, 22))])
def test_a_module_that_gives_other_scores_than_the_tasks_is_told(module):
    with pytest.raises(ProblemError, match="E13"):
        from_torch(module, CARD, TASKS, half(20)).predict(a_clip())
