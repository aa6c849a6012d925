"""The losses of a step as one number to descend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError
from abawbench.training.loss_settings import WeightingSettings


class Weighting(nn.Module):
    """Sums losses, each times its factor; those that are None take no part, and their state stays as it is.

    `uncertainty`: exp(-s) loss + s / 2, with a learned log variance s for each loss, as of classes in the paper, for
    all kinds alike (assumed). Source: Kendall, Gal and Cipolla 2018, arXiv:1705.07115.

    `dynamic`: K exp(r / T) / (sum of exp(r / T)) for K losses, with r the mean of the last epoch over that of the one
    before; 1 until both are known. Source: Liu, Johns and Davison 2019, arXiv:1803.10704.

    Attributes:
        names: of the losses.
        settings: as given.
        log_variances: a number for each loss, parameters of `uncertainty`, else None; weight decay is not for them.
    """

    weights: Tensor
    factors: Tensor
    totals: Tensor
    steps: Tensor
    latest: Tensor

    def __init__(self, names: Sequence[str], settings: WeightingSettings) -> None:
        super().__init__()
        strangers = [name for name in settings.weights if name not in names]
        if strangers:
            found, expected = f"a weight of {', '.join(strangers)}", f"some of the losses {', '.join(names)}"
            raise ProblemError(Problem("E19", found, expected, "correct the names", count=len(strangers)))
        self.names = tuple(names)
        self.settings = settings
        weights = torch.tensor([settings.weights.get(name, 1.0) for name in names])
        self.register_buffer("weights", weights, persistent=False)
        is_learned = settings.kind == "uncertainty"
        self.log_variances = nn.ParameterList([nn.Parameter(torch.zeros(())) for _ in names]) if is_learned else None
        if settings.kind == "dynamic":
            self.register_buffer("factors", torch.ones(len(names)))
            # of this epoch, and the mean of the last one, NaN where there was no loss
            self.register_buffer("totals", torch.zeros(len(names)))
            self.register_buffer("steps", torch.zeros(len(names)))
            self.register_buffer("latest", torch.full((len(names),), torch.nan))

    def forward(self, losses: Mapping[str, Tensor | None]) -> Tensor | None:
        """What to descend on.

        In training mode `dynamic` remembers the losses for the end of the epoch.

        Args:
            losses: by name, each a number; a name that is missing counts as None.

        Returns:
            A number; None where there is no loss.
        """
        total: Tensor | None = None
        for place, name in enumerate(self.names):
            loss = losses.get(name)
            if loss is not None:
                part = self._part(place, loss)
                total = part if total is None else total + part
        return total

    def end_epoch(self) -> None:
        """Make the factors of `dynamic` for the next epoch; the other kinds have nothing to do."""
        if self.settings.kind != "dynamic":
            return
        mean = self.totals / self.steps
        ratio = mean / self.latest
        ratio = torch.where(ratio.isfinite(), ratio, 1.0)
        self.factors.copy_(len(self.names) * (ratio / self.settings.temperature).softmax(0))
        self.latest.copy_(mean)
        self.totals.zero_()
        self.steps.zero_()

    def _part(self, place: int, loss: Tensor) -> Tensor:
        if self.log_variances is not None:
            log_variance = self.log_variances[place]
            loss = (-log_variance).exp() * loss + log_variance / 2
        elif self.settings.kind == "dynamic":
            if self.training:
                self.totals[place] += loss.detach()
                self.steps[place] += 1
            # a copy: the backward pass may come after the end of the epoch
            loss = loss * self.factors[place].clone()
        return self.weights[place] * loss
