"""MixAugment: mixtures of two crops and of their labels are learned beside the crops themselves.

Crops and mixtures go through the network in one pass: `append_mixtures` joins them, `mixup_loss` splits the outputs.

Source: arXiv:2205.04442, form assumed(paper): L(mixture) + L(first crop) + L(second crop).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from abawbench.training.data import Target
from abawbench.training.losses import task_loss
from abawbench.training.settings import LossSettings, MixupSettings


@dataclass(frozen=True, eq=False)
class Mixture:
    """Pairs of crops to mix, and the share of each.

    Attributes:
        partner: position of the second crop of each mixture, shape (frames,), int64; the first is at its own position.
        share: share of the first crop, from 0 to 1, shape (frames,), float32.
    """

    partner: Tensor
    share: Tensor

    def to(self, device: torch.device | str) -> Mixture:
        """The same mixture on another device."""
        return Mixture(self.partner.to(device), self.share.to(device))


def draw_mixture(settings: MixupSettings, count: int, generator: torch.Generator) -> Mixture:
    """Draw a mixture for each of `count` frames; every frame is the partner of one other or of itself.

    Args:
        settings: settings of MixAugment.
        count: number of frames.
        generator: random generator on the CPU.
    """
    partner = torch.randperm(count, generator=generator)
    # torch cannot draw a Beta distribution from a generator of the caller
    seed = int(torch.randint(2**62, (), generator=generator))
    share = np.random.default_rng(seed).beta(settings.alpha, settings.alpha, count)
    return Mixture(partner, torch.from_numpy(share.astype(np.float32)))


def append_mixtures(pictures: Tensor, mixture: Mixture) -> Tensor:
    """Append their mixtures to pictures or features, shape (frames, ...): shape (2 frames, ...)."""
    return torch.cat([pictures, _between(pictures, pictures[mixture.partner], mixture.share)])


def mix_target(target: Target, mixture: Mixture) -> Target:
    """The labels of the mixtures: probabilities of classes, values in between.

    A label counts as annotated where both crops have it, or the one without it has no share.
    """
    task, first = target.task, target.values
    if not task.is_vector and first.ndim == 1:
        first = functional.one_hot(first, task.width).float()
    partner, share = mixture.partner, mixture.share
    of_place = share.reshape(-1, *(1,) * (target.annotated.ndim - 1))
    annotated = (target.annotated | (of_place == 0)) & (target.annotated[partner] | (of_place == 1))
    weights = None if target.weights is None else _between(target.weights, target.weights[partner], share)
    return Target(task, _between(first, first[partner], share), annotated, weights)


def mixup_loss(
    target: Target, logits: Tensor, mixture: Mixture, settings: LossSettings, mixing: MixupSettings
) -> Tensor | None:
    """Compute the loss of the mixtures and of the two crops of each.

    Args:
        target: labels of the crops.
        logits: outputs for `append_mixtures`, shape (2 frames, width).
        mixture: mixture of that call.
        settings: settings of the task's loss.
        mixing: settings of MixAugment.

    Returns:
        A number; None where neither crops nor mixtures have a loss.

    Raises:
        ProblemError: E19, as `task_loss`.
    """
    frames = len(target)
    real, partner = logits[:frames], mixture.partner
    parts = (
        (mixing.virtual, task_loss(mix_target(target, mixture), logits[frames:], settings)),
        (mixing.real, task_loss(target, real, settings)),
        (mixing.real, task_loss(target.take(partner), real[partner], settings)),
    )
    known = [weight * loss for weight, loss in parts if loss is not None]
    return torch.stack(known).sum() if known else None


def _between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    share = share.reshape(-1, *(1,) * (first.ndim - 1)).to(first)
    return share * first + (1 - share) * second
