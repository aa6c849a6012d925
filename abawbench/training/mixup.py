"""MixAugment: mixtures of two crops and of their labels learn beside the crops themselves.

A network sees both in one pass: `with_mixtures` puts the mixtures behind the crops, and `mixing_loss` takes the answers
apart again.

Source: arXiv:2205.04442, form assumed(paper): L(mixture) + L(first crop) + L(second crop).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from abawbench.challenges import Categorical
from abawbench.training.loss_settings import LossSettings
from abawbench.training.losses import task_loss
from abawbench.training.settings import MixingSettings
from abawbench.training.targets import Target


@dataclass(frozen=True, eq=False)
class Mixture:
    """Which crops are mixed, and how.

    Attributes:
        partner: shape (frames,), int64: the second crop of each mixture; the first is that of its own place.
        share: shape (frames,), float32: of the first crop, from 0 to 1.
    """

    partner: Tensor
    share: Tensor

    def to(self, device: torch.device | str) -> Mixture:
        """The same on another device."""
        return Mixture(self.partner.to(device), self.share.to(device))


def draw_mixture(settings: MixingSettings, count: int, generator: torch.Generator) -> Mixture:
    """A mixture for each of so many frames; every frame is the partner of one.

    Args:
        settings: how even the mixtures are.
        count: of frames.
        generator: on the CPU.
    """
    partner = torch.randperm(count, generator=generator)
    # torch draws no Beta from a generator of one's own
    seed = int(torch.randint(2**62, (), generator=generator))
    share = np.random.default_rng(seed).beta(settings.alpha, settings.alpha, count)
    return Mixture(partner, torch.from_numpy(share.astype(np.float32)))


def with_mixtures(pictures: Tensor, mixture: Mixture) -> Tensor:
    """Pictures or features, shape (frames, ...), and behind them their mixtures: (2 frames, ...)."""
    return torch.cat([pictures, _between(pictures, pictures[mixture.partner], mixture.share)])


def mixed_target(target: Target, mixture: Mixture) -> Target:
    """The labels of the mixtures: probabilities of classes, values in between.

    A place of which only one of the two is annotated is not, unless the other has no share.
    """
    task, first = target.task, target.values
    if isinstance(task, Categorical) and first.ndim == 1:
        first = functional.one_hot(first, len(task.classes)).float()
    partner, share = mixture.partner, mixture.share
    of_place = share.reshape(-1, *(1,) * (target.annotated.ndim - 1))
    annotated = (target.annotated | (of_place == 0)) & (target.annotated[partner] | (of_place == 1))
    weights = None if target.weights is None else _between(target.weights, target.weights[partner], share)
    return Target(task, _between(first, first[partner], share), annotated, weights)


def mixing_loss(
    target: Target, logits: Tensor, mixture: Mixture, settings: LossSettings, mixing: MixingSettings
) -> Tensor | None:
    """The loss of the mixtures and of the two crops of each.

    Args:
        target: labels of the crops, frames of them.
        logits: answers to `with_mixtures`, shape (2 frames, width).
        mixture: as given there.
        settings: of the loss.
        mixing: weights of the parts.

    Returns:
        A number; None where neither crops nor mixtures have a loss.

    Raises:
        ProblemError: E19, as `task_loss`.
    """
    frames = len(target)
    real, partner = logits[:frames], mixture.partner
    parts = (
        (mixing.virtual, task_loss(mixed_target(target, mixture), logits[frames:], settings)),
        (mixing.real, task_loss(target, real, settings)),
        (mixing.real, task_loss(target.take(partner), real[partner], settings)),
    )
    known = [weight * loss for weight, loss in parts if loss is not None]
    return torch.stack(known).sum() if known else None


def _between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    share = share.reshape(-1, *(1,) * (first.ndim - 1)).to(first)
    return share * first + (1 - share) * second
