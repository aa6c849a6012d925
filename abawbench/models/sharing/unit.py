"""A sharing unit: after a stage of a network, the stream of each task becomes a mixture of all streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Maps = Mapping[str, Tensor]


class SharingUnit(nn.Module):
    """A unit between the streams of several tasks, which passes them on as they are.

    Attributes:
        channels: number of channels of each stream.
        tasks: names of the streams.
        rate_factor: learning rate of the unit, in rates of the training.
    """

    def __init__(self, channels: int, tasks: Sequence[str], rate_factor: float = 1.0) -> None:
        super().__init__()
        self.channels, self.tasks, self.rate_factor = channels, tuple(tasks), rate_factor
        # of the last forward pass: means by name, and the penalty
        self._means: dict[str, Tensor] = {}
        self._penalty: Tensor | None = None

    def forward(self, maps: Maps, before: Maps | None = None) -> dict[str, Tensor]:
        """Share the maps of a stage.

        All streams read the maps as they came, never those that another stream was given.

        Args:
            maps: maps of each stream, shape (pictures, channels, height, width); tokens are maps of width 1.
            before: maps that the unit of the stage before returned, None for the first; only `mtan` reads them.

        Returns:
            Maps of each stream, of the same shape.
        """
        del before
        return {task: maps[task] for task in self.tasks}

    def param_groups(self, base_lr: float) -> list[dict[str, Any]]:
        """Groups of parameters as torch's optimisers take them; mixing weights and norms have no weight decay.

        Args:
            base_lr: learning rate of the training.
        """
        undecayed = {id(parameter) for parameter in self.undecayed()}
        groups: list[dict[str, Any]] = []
        for without in (False, True):
            kept = [parameter for parameter in self.parameters() if (id(parameter) in undecayed) == without]
            decay = {"weight_decay": 0.0} if without else {}
            if kept:
                groups.append({"params": kept, "lr": base_lr * self.rate_factor, **decay})
        return groups

    def undecayed(self) -> list[nn.Parameter]:
        """Parameters that weight decay would draw towards no sharing and no stream: biases, norms, mixing weights."""
        return [parameter for parameter in self.parameters() if parameter.ndim <= 1]

    def regulariser(self) -> Tensor:
        """The penalty of the last forward pass in training mode, a number; 0 for units without one."""
        return torch.zeros(()) if self._penalty is None else self._penalty

    def stats(self) -> dict[str, float]:
        """Mean gates of the last forward pass, or mixing weights, by direction, as `leak expression<-action_units`."""
        return {name: mean.item() for name, mean in self._means.items()}

    def __getstate__(self) -> dict[str, Any]:
        # what the last forward pass left hangs on its graph, which cannot be copied
        return {**self.__dict__, "_means": {}, "_penalty": None}


def direction(target: str, source: str) -> str:
    """The name of a direction, from the source to the target.

    >>> direction("expression", "action_units")
    'expression<-action_units'
    """
    return f"{target}<-{source}"
