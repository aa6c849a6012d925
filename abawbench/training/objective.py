"""The objective of a step: the losses of the tasks, coupled or mixed, and their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.table import Table
from abawbench.training.coupling import Coupling, coupled_losses
from abawbench.training.data import Target
from abawbench.training.losses import resolve, task_losses
from abawbench.training.mixup import Mixture, mixup_loss
from abawbench.training.settings import LossSettings, MixupSettings, TrainingSettings, WeightingSettings, unknown_name


@dataclass(frozen=True, eq=False)
class Objective:
    """The losses of a step.

    Attributes:
        losses: resolved settings of the loss of each task.
        coupling: coupling of two tasks; None without one.
        mixing: settings of mixtures; None without mixtures.
        further: names of losses that the loop computes itself.
    """

    losses: Mapping[str, LossSettings]
    coupling: Coupling | None
    mixing: MixupSettings | None
    further: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all losses."""
        return (*self.losses, *(() if self.coupling is None else self.coupling.extra_losses), *self.further)

    def factors(self, epochs: float) -> dict[str, float]:
        """Factors of losses after so many epochs, by name: those of a coupling have a ramp; 1 where not named."""
        if self.coupling is None:
            return {}
        return dict.fromkeys(self.coupling.extra_losses, self.coupling.share_of(epochs))

    def to(self, device: str) -> Objective:
        """The same objective with its tables on a device."""
        return self if self.coupling is None else replace(self, coupling=self.coupling.to(device))

    def losses_of(
        self, targets: Mapping[str, Target], outputs: Mapping[str, Tensor], mixture: Mixture | None, epochs: float = 0.0
    ) -> dict[str, Tensor | None]:
        """Compute the losses of a batch by name; None for a loss without a label in the batch.

        Args:
            targets: labels of the frames, by task.
            outputs: outputs for the frames, followed by those for their mixtures, by task.
            mixture: mixture of the frames; None where none was made.
            epochs: epochs that the training has done, for the ramp of a coupling.
        """
        if mixture is not None and self.mixing is not None:
            return {
                name: mixup_loss(targets[name], outputs[name], mixture, settings, self.mixing)
                for name, settings in self.losses.items()
            }
        if self.coupling is not None:
            return coupled_losses(targets, outputs, self.losses, self.coupling, self.coupling.share_of(epochs))
        return task_losses(targets, outputs, self.losses)


def make_objective(
    settings: TrainingSettings, tasks: Sequence[Task], truth: Table, coupling: Coupling | None = None
) -> Objective:
    """Make the objective of a training.

    Args:
        settings: settings of the training.
        tasks: tasks of the entry; those that the truth does not know are not learned, unless coupled.
        truth: truth of the training split, in the columns of these tasks.
        coupling: coupling of the settings with its tables, from `make_coupling`; None without one.

    Raises:
        ProblemError: E19, losses of no task, options that do not fit.
    """
    known = {task.name: task for task in tasks}
    problems = [unknown_name(f"training.losses.{name}", name, known) for name in settings.losses if name not in known]
    losses: dict[str, LossSettings] = {}
    coupled = set() if coupling is None else {coupling.settings.classes, coupling.settings.labels}
    for name, task in known.items():
        try:
            if name in truth.values or name in coupled:
                losses[name] = resolve(settings.losses.get(name, LossSettings()), task, truth)
        except ProblemError as error:
            problems.extend(error.problems)
    if problems:
        raise ProblemError(*problems)
    return Objective(losses, coupling, settings.mixing)


class Weighting(nn.Module):
    """A weighted sum of losses; a loss that is None takes no part, and its state does not change.

    `uncertainty`: exp(-s) loss + s / 2, with a learned log variance s for each loss, in the paper's form for classes
    whatever the kind (assumed). Source: Kendall, Gal and Cipolla 2018, arXiv:1705.07115.

    `dynamic`: K exp(r / T) / (sum of exp(r / T)) for K losses, with r a loss's mean over the last epoch divided by
    its mean over the epoch before; 1 until both are known. Source: Liu, Johns and Davison 2019, arXiv:1803.10704.

    Where losses are normalised, each is divided by its own value, after `dynamic` has remembered it. Source:
    AIM3-RUC/ABAW4:models/mtl_transformer_model.py, `normalized_fixed` and `loss_adjust`.

    Attributes:
        names: names of the losses.
        settings: settings of the sum.
        log_variances: log variance of each loss, the parameters of `uncertainty`, else None; they have no weight decay.
    """

    weights: Tensor
    factors: Tensor
    totals: Tensor
    steps: Tensor
    latest: Tensor

    def __init__(self, names: Sequence[str], settings: WeightingSettings) -> None:
        super().__init__()
        problems = [
            unknown_name(f"training.weighting.weights.{name}", name, names)
            for name in settings.weights
            if name not in names
        ]
        if settings.normalised and settings.kind == "uncertainty":
            found, expected = "training.weighting.normalised with the kind uncertainty", "fixed or dynamic"
            problems.append(Problem("E19", found, expected, "leave normalised out, or choose another kind"))
        if problems:
            raise ProblemError(*problems)
        self.names = tuple(names)
        self.settings = settings
        weights = torch.tensor([settings.weights.get(name, 1.0) for name in names])
        self.register_buffer("weights", weights, persistent=False)
        is_learned = settings.kind == "uncertainty"
        self.log_variances = nn.ParameterList([nn.Parameter(torch.zeros(())) for _ in names]) if is_learned else None
        if settings.kind == "dynamic":
            self.register_buffer("factors", torch.ones(len(names)))
            # sums over this epoch, and the means of the last one, NaN where there was no loss
            self.register_buffer("totals", torch.zeros(len(names)))
            self.register_buffer("steps", torch.zeros(len(names)))
            self.register_buffer("latest", torch.full((len(names),), torch.nan))

    def forward(self, losses: Mapping[str, Tensor | None], factors: Mapping[str, float] | None = None) -> Tensor | None:
        """Sum the losses of a step.

        In training mode `dynamic` remembers the losses for the end of the epoch.

        Args:
            losses: losses by name; a name that is missing counts as None.
            factors: factors of the parts of the sum, by name; 1 where not named.

        Returns:
            A number; None where there is no loss.
        """
        total: Tensor | None = None
        for place, name in enumerate(self.names):
            loss = losses.get(name)
            if loss is not None:
                part = (factors or {}).get(name, 1.0) * self._part(place, loss)
                total = part if total is None else total + part
        return total

    def end_epoch(self) -> None:
        """Update the factors of `dynamic` for the next epoch; the other kinds do nothing."""
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
        value, is_dynamic = loss.detach(), self.settings.kind == "dynamic"
        if is_dynamic and self.training:
            self.totals[place] += value
            self.steps[place] += 1
        if self.log_variances is not None:
            log_variance = self.log_variances[place]
            loss = (-log_variance).exp() * loss + log_variance / 2
        if self.settings.normalised:
            loss = loss / torch.where(value > 0, value, 1)
        if is_dynamic:
            # a copy: the backward pass may come after the end of the epoch
            loss = loss * self.factors[place].clone()
        return self.weights[place] * loss
