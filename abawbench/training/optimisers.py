"""The optimiser of a training, its schedule and clipping, and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from abawbench.training.settings import OptimiserSettings, ScheduleSettings

# factor of the rate after each epoch of a schedule of `drops`
DROP = 0.1
# name of the step count in the state of an optimiser
STEP = "step"
KINDS: dict[str, type[torch.optim.Adam]] = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


def make_optimiser(
    below: Sequence[nn.Parameter],
    above: Sequence[nn.Parameter],
    settings: OptimiserSettings,
    *,
    units: Sequence[Mapping[str, Any]] = (),
    fused: bool = True,
) -> torch.optim.Optimizer:
    """Make an optimiser whose groups keep their highest rate under `full`; biases, norms and scales do not decay.

    Args:
        below: parameters of the backbones.
        above: all other parameters.
        settings: settings of the optimiser.
        units: groups of sharing units, with their rates, and a weight decay where it is not that of the settings.
        fused: True for the fused implementation of torch.
    """
    rate = settings.rate if settings.backbone_rate is None else settings.backbone_rate
    groups = [{"weight_decay": settings.weight_decay, **group, "full": group["lr"]} for group in units]
    # the rate of the last group is that of the training
    groups += [
        {"params": kept, "lr": full, "full": full, "weight_decay": decay}
        for parameters, full in ((below, rate), (above, settings.rate))
        for kept, decay in (
            ([parameter for parameter in parameters if parameter.ndim > 1], settings.weight_decay),
            ([parameter for parameter in parameters if parameter.ndim <= 1], 0.0),
        )
        if kept
    ]
    return KINDS[settings.kind](groups, lr=settings.rate, betas=settings.betas, fused=fused)


def set_rate(optimiser: torch.optim.Optimizer, factor: float) -> None:
    """Set the rate of each group to its highest rate times the factor."""
    for group in optimiser.param_groups:
        group["lr"] = group["full"] * factor


def clip(parts: Iterable[nn.Module], whole: Iterable[nn.Parameter], settings: OptimiserSettings) -> None:
    """Clip gradients to the largest norm, of all together or of each part by itself."""
    if not settings.clip:
        return
    if settings.clip_over == "whole":
        torch.nn.utils.clip_grad_norm_(whole, settings.clip)
        return
    for part in parts:
        parameters = list(part.parameters())
        if parameters:
            torch.nn.utils.clip_grad_norm_(parameters, settings.clip)


class Average:
    """A moving average of weights; integers, as counts of batches, take the newest value.

    Args:
        weights: weights at the start, by name.
        decay: share of the old average in the new one.
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self.weights = {name: tensor.detach().clone() for name, tensor in weights.items()}
        self._numbers = [name for name, tensor in self.weights.items() if tensor.is_floating_point()]
        self._others = [name for name in self.weights if name not in set(self._numbers)]
        self._mix = get_ema_multi_avg_fn(decay)

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor]) -> None:
        """Add the weights after a step to the average."""
        newest = [weights[name].detach() for name in self._numbers]
        self._mix([self.weights[name] for name in self._numbers], newest, 0)
        for name in self._others:
            self.weights[name].copy_(weights[name])


def state_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The tensors of an optimiser's state, each named by the number of its parameter and its own name."""
    return {
        f"{number}.{name}": tensor
        for number, parameter in enumerate(_parameters(optimiser))
        for name, tensor in optimiser.state.get(parameter, {}).items()
    }


def restore_state(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the tensors of `state_tensors` into an optimiser of the same parameters."""
    for number, parameter in enumerate(_parameters(optimiser)):
        prefix = f"{number}."
        for name, tensor in tensors.items():
            if name.startswith(prefix):
                # in the layout of the parameter, so that the same kernels run as before
                like = torch.zeros((), device=parameter.device) if name == prefix + STEP else parameter
                optimiser.state[parameter][name.removeprefix(prefix)] = torch.zeros_like(like).copy_(tensor)


def copy_tensors(tensors: Mapping[str, Tensor], into: Mapping[str, Tensor]) -> None:
    """Copy tensors into those of the same names."""
    with torch.no_grad():
        for name, tensor in into.items():
            tensor.copy_(tensors[name])


def _parameters(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def schedule_factor(settings: ScheduleSettings, epochs: int, epoch: int, done: float) -> float:
    """The factor of the learning rate in a step.

    `cosine`, `constant` and `drops` rise evenly during the warm-up, step by step; `cosine` then falls to `final`, and
    `drops` is multiplied by .1 after each of its epochs. `linear` has
    one rate for each epoch e, counted from 0: (e + 1) / w in a warm-up of w epochs (`compat`: e / w, so that the first
    learns nothing), then 1, and in the last d epochs 1 - (e + 1 - n) / (d + 1) of n = epochs - d before; where the
    warm-up and the decay fill the training, (epochs - e) / (epochs - w), as the multi-task release has it.

    Args:
        settings: settings of the schedule.
        epochs: epochs of the training.
        epoch: number of the epoch, from 0.
        done: share of the epoch that is done; the training counts the step itself, the pre-training does not.

    Source: aim3_mtl section 6 for `linear`; cikrhazo/FERSNet:train.py for `drops`.

    >>> mtl = ScheduleSettings("linear", warmup_epochs=2, mode="compat")
    >>> [schedule_factor(mtl, 6, epoch, 1.0) for epoch in range(6)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]
    """
    if settings.kind == "linear":
        return _linear(settings, epochs, epoch)
    place = epoch + done
    if settings.warmup_epochs and place <= settings.warmup_epochs:
        return place / settings.warmup_epochs
    if settings.kind == "constant":
        return 1.0
    if settings.kind == "drops":
        return DROP ** sum(epoch >= last for last in settings.drops)
    share = (place - settings.warmup_epochs) / (epochs - settings.warmup_epochs)
    return settings.final + (1 - settings.final) * (1 + math.cos(math.pi * share)) / 2


def _linear(settings: ScheduleSettings, epochs: int, epoch: int) -> float:
    warmup = int(settings.warmup_epochs)
    if epoch < warmup:
        return (epoch if settings.mode == "compat" else epoch + 1) / warmup
    if settings.decay_epochs is None:
        return (epochs - epoch) / (epochs - warmup)
    before = epochs - settings.decay_epochs
    return 1.0 if epoch + 1 <= before else 1 - (epoch + 1 - before) / (settings.decay_epochs + 1)
