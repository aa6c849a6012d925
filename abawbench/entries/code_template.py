"""A torch module as an entry: replace `MyNetwork`, load its weights, and say how pictures are prepared."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from abawbench.challenges import Task
from abawbench.entries import Card
from abawbench.entries.networks.torch_module import ModuleEntry, from_torch
from abawbench.models.image_input import imagenet


class MyNetwork(nn.Module):
    """A stand-in: one convolution and a linear head for each task.

    Args:
        tasks: tasks that the network answers.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 16, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.heads = nn.ModuleDict({task.name: nn.Linear(16, task.width) for task in tasks})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Scores by task of pictures (pictures, 3, 112, 112): logits, and values of valence and arousal.

        A network for one task may return its scores alone.
        """
        features = self.trunk(pictures)
        return {name: head(features) for name, head in self.heads.items()}


def create(card: Card, vocabulary: tuple[Task, ...], settings: object) -> ModuleEntry:
    """The entry; its settings are those of a dataclass `Settings` in this file, where there is one."""
    del settings
    torch.manual_seed(0)
    module = MyNetwork(vocabulary)
    # weights, with imports of dataclasses.replace, pathlib.Path and abawbench.entries.weights_of:
    # file = Path(__file__).with_name("weights.pth")
    # module.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    # card = replace(card, weights=(weights_of("network", file, licence="MIT"),))
    return from_torch(module, card, vocabulary, imagenet(112))
