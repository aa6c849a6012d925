"""The losses of a step: those of the tasks, with or without what couples or mixes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Task
from abawbench.table import Table
from abawbench.training.coupled import Coupling, coupled_losses, coupling_of
from abawbench.training.loss_settings import LossSettings, settled
from abawbench.training.losses import task_losses
from abawbench.training.mixup import Mixture, mixing_loss
from abawbench.training.settings import MixingSettings, TrainingSettings
from abawbench.training.targets import Target


@dataclass(frozen=True, eq=False)
class Objective:
    """What the outputs of a step are held against.

    Attributes:
        losses: by task, settled.
        coupling: of two tasks; None for none.
        mixing: weights of mixtures; None where there are none.
    """

    losses: Mapping[str, LossSettings]
    coupling: Coupling | None
    mixing: MixingSettings | None

    @property
    def names(self) -> tuple[str, ...]:
        """Of all losses."""
        return (*self.losses, *(() if self.coupling is None else self.coupling.extra_losses))

    def to(self, device: str) -> Objective:
        """The same on a device."""
        return self if self.coupling is None else replace(self, coupling=self.coupling.to(device))

    def losses_of(
        self, targets: Mapping[str, Target], outputs: Mapping[str, Tensor], mixture: Mixture | None
    ) -> dict[str, Tensor | None]:
        """The losses of a batch by name, None where it has no label for one.

        Args:
            targets: labels of the frames, by task.
            outputs: answers to the frames, and behind them to their mixtures, by task.
            mixture: of the frames; None where none were made.
        """
        if mixture is not None and self.mixing is not None:
            return {
                name: mixing_loss(targets[name], outputs[name], mixture, settings, self.mixing)
                for name, settings in self.losses.items()
            }
        if self.coupling is not None:
            return coupled_losses(targets, outputs, self.losses, self.coupling)
        return task_losses(targets, outputs, self.losses)


def objective_of(settings: TrainingSettings, tasks: Sequence[Task], truth: Table) -> Objective:
    """The objective of a training.

    Args:
        settings: of the training.
        tasks: that the entry answers; those that the truth does not know are not learned, unless coupled.
        truth: of the training split, in the columns of these tasks.

    Raises:
        ProblemError: E19, losses of no task, options that do not fit; E17 as `coupling_of`.
    """
    known = {task.name: task for task in tasks}
    coupling = None if settings.coupling is None else coupling_of(settings.coupling, tasks, truth)
    strange = [name for name in settings.losses if name not in known]
    problems = [
        Problem("E19", f"training.losses.{name}", f"a task: {', '.join(known)}", "correct the name") for name in strange
    ]
    losses: dict[str, LossSettings] = {}
    coupled = set() if settings.coupling is None else {settings.coupling.classes, settings.coupling.labels}
    for name, task in known.items():
        try:
            if name in truth.values or name in coupled:
                losses[name] = settled(settings.losses.get(name, LossSettings()), task, truth)
        except ProblemError as error:
            problems.extend(error.problems)
    if problems:
        raise ProblemError(*problems)
    return Objective(losses, coupling, settings.mixing)
