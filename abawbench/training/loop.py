"""The training loop over the steps of an epoch; a step depends on the weights, the seed and its number alone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from abawbench.base.prefetch import map_ahead
from abawbench.base.problems import Problem, ProblemError
from abawbench.models.image_input import Geometry
from abawbench.models.temporal.segments import State
from abawbench.table import Rows
from abawbench.training.augmentation import make_pictures
from abawbench.training.batching import Step
from abawbench.training.data import Target, TrainingData
from abawbench.training.label_feedback import draw_given, given_share, label_weights
from abawbench.training.learners import Learner, Outputs, first_sequences
from abawbench.training.mixup import Mixture, append_mixtures, draw_mixture
from abawbench.training.objective import Objective, Weighting
from abawbench.training.optimisers import (
    Average,
    clip,
    copy_tensors,
    make_optimiser,
    restore_state,
    schedule_factor,
    set_rate,
    state_tensors,
)
from abawbench.training.processes import ALONE, Processes
from abawbench.training.run_folder import Checkpoint
from abawbench.training.settings import TrainingSettings

TOTAL = "total"
# the penalty of sharing units among the losses
PENALTY = "sharing penalty"
# number of steps whose losses are checked together, since an accelerator waits for each check
CHECKED_TOGETHER = 50


@dataclass(frozen=True, eq=False)
class Batch:
    """A step with its inputs.

    Attributes:
        step: step of all processes.
        rows: positions of this process's frames in the step.
        inputs: features of these frames, or their crops by geometry.
    """

    step: Step
    rows: Rows
    inputs: Tensor | dict[Geometry, Tensor]


class Loop:
    """A learner with its optimiser, its weighting of losses and its position in the training.

    Args:
        learner: learner on its device, in training mode.
        data: training data.
        settings: settings of the training.
        objective: losses of a step.
        device: device of the learner.
        threads: number of threads that read crops.
        processes: processes that learn together.
    """

    def __init__(
        self,
        learner: Learner,
        data: TrainingData,
        settings: TrainingSettings,
        objective: Objective,
        *,
        device: str,
        threads: int,
        processes: Processes = ALONE,
    ) -> None:
        self.learner, self.data, self.settings = learner, data, settings
        self.objective = objective.to(device)
        self.device, self.threads, self.processes = device, threads, processes
        self.weighting = Weighting(objective.names, settings.weighting).to(device)
        below, above = learner.groups()
        self._labels = label_weights(learner.tasks, data.targets, learner.label_sources)
        units = learner.unit_groups(settings.optimiser.rate)
        self.optimiser = make_optimiser(below, [*above, *self.weighting.parameters()], settings.optimiser, units=units)
        decay = settings.optimiser.ema
        self.learned = learner.learned()
        self.average = Average(self.learned, decay) if decay else None
        self.epoch = self.done = 0
        # epochs before the present step, with the share of its own
        self.passed = 0.0
        self.rate_factor = 1.0
        self.sums: dict[str, tuple[float, int]] = {}
        self._unchecked: list[tuple[int, dict[str, Tensor]]] = []

    def run(self, steps: Sequence[Step], on_step: Callable[[int], None]) -> dict[str, float]:
        """Learn the remaining steps of the epoch, from `done` on.

        Args:
            steps: steps of the whole epoch.
            on_step: called with the number of steps done, after each step whose state the next one does not need.

        Returns:
            The mean of each loss, and of the total, over the steps that had one.

        Raises:
            ProblemError: E22, a loss that is not finite; F01, E06 for a crop.
        """
        state: State | None = None
        for batch in map_ahead(self._load, steps[self.done :], self.threads):
            state = self._learn(batch, state if batch.step.goes_on else None, len(steps))
            self.done += 1
            if self.done == len(steps) or not steps[self.done].goes_on:
                on_step(self.done)
        self.check_losses()
        means = {name: total / count for name, (total, count) in self.sums.items()}
        self.weighting.end_epoch()
        self.epoch, self.done, self.sums = self.epoch + 1, 0, {}
        return means

    def check_losses(self) -> None:
        """Add up the losses of the latest steps. Raises: ProblemError E22, one that is not finite."""
        for number, losses in self._unchecked:
            for name, loss in losses.items():
                value = loss.item()
                if not np.isfinite(value):
                    fix = "lower the learning rate, or clip the gradient (training.optimiser)"
                    found = f"a loss of {value} for {name} in step {number} of epoch {self.epoch + 1}"
                    raise ProblemError(Problem("E22", found, "a finite loss", fix))
                total, count = self.sums.get(name, (0.0, 0))
                self.sums[name] = (total + value, count + 1)
        self._unchecked.clear()

    def weights(self) -> dict[str, Tensor]:
        """The weights to validate and keep: the trained ones, or their moving average."""
        return self.learned if self.average is None else self.average.weights

    def checkpoint(self, facts: dict[str, Any]) -> Checkpoint:
        """Make a checkpoint of the training. Raises: ProblemError E22, a loss is not finite."""
        self.check_losses()
        parts = self.state()
        tensors = {f"{part}/{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
        own = {"epoch": self.epoch, "done": self.done, "sums": self.sums}
        return Checkpoint(tensors, {"loop": own, **facts})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint."""
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in checkpoint.tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor
        self.load_state(parts)
        own = checkpoint.facts["loop"]
        self.epoch, self.done = own["epoch"], own["done"]
        self.sums = {name: (total, count) for name, (total, count) in own["sums"].items()}

    def state(self) -> dict[str, Mapping[str, Tensor]]:
        """Everything that a step depends on and changes, by part and name."""
        return {
            "weights": self.learned,
            "weighting": self.weighting.state_dict(),
            "optimiser": state_tensors(self.optimiser),
            "average": {} if self.average is None else self.average.weights,
        }

    def load_state(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Copy what `state` returned into the same parts."""
        copy_tensors(parts["weights"], self.learned)
        if self.average is not None:
            copy_tensors(parts["average"], self.average.weights)
        self.weighting.load_state_dict(parts.get("weighting", {}))
        restore_state(self.optimiser, parts.get("optimiser", {}))

    def _load(self, step: Step) -> Batch:
        inputs = self.data.inputs
        rows = self.processes.rows(step, self.processes.rank)
        own = step.places[rows]
        if isinstance(inputs, Tensor):
            return Batch(step, rows, inputs[torch.from_numpy(own).to(inputs.device)])
        crops = [torch.from_numpy(crops) for crops in inputs.read(self.data.frames.crop[own])]
        if self.device != "cpu":
            crops = [part.pin_memory() for part in crops]
        return Batch(step, rows, dict(zip(inputs.geometries, crops, strict=True)))

    def _learn(self, batch: Batch, state: State | None, steps: int) -> State | None:
        step, settings = batch.step, self.settings
        generator = torch.Generator().manual_seed(_seed(settings.seed, self.epoch, self.done))
        torch.manual_seed(_seed(settings.seed, self.epoch, self.done, self.processes.rank + 1))
        self.rate_factor = schedule_factor(settings.schedule, settings.epochs, self.epoch, (self.done + 1) / steps)
        set_rate(self.optimiser, self.rate_factor)
        self.optimiser.zero_grad(set_to_none=True)
        places = torch.from_numpy(self.processes.order(step)).to(self.device)
        targets = {name: target.take(places) for name, target in self.data.targets.items()}
        self.passed = self.epoch + self.done / steps
        losses, state = self._losses(batch, state, targets, generator)
        total = self.weighting(losses, self.objective.factors(self.passed))
        # a batch without a label changes nothing, and weight decay does not apply
        if total is None:
            return state
        known = {name: loss.detach() for name, loss in losses.items() if loss is not None}
        penalty = self.learner.penalty()
        if penalty is not None:
            total, known[PENALTY] = total + penalty, penalty.detach()
        self._unchecked.append((self.done + 1, {**known, TOTAL: total.detach()}))
        if len(self._unchecked) == CHECKED_TOGETHER:
            self.check_losses()
        if total.requires_grad:
            total.backward()
        self.processes.add_gradients(self.learner.parameters())
        clip(self.learner.parts(), self.learner.parameters(), settings.optimiser)
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.learned)
        return state

    def _losses(
        self, batch: Batch, state: State | None, targets: Mapping[str, Target], generator: torch.Generator
    ) -> tuple[dict[str, Tensor | None], State | None]:
        """The losses of a step by name, and the state after it; a loss that the weighting does not know is recorded."""
        mixture, settings = None, self.settings
        if settings.mixing is not None:
            mixture = draw_mixture(settings.mixing, len(batch.step.places), generator).to(self.device)
        with torch.autocast(self._kind, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            own, state = self._outputs(batch, state, mixture, generator)
        outputs = own if mixture is not None else self.processes.gather(batch.step, own)
        return self.objective.losses_of(targets, outputs, mixture, self.passed), state

    def _outputs(
        self, batch: Batch, state: State | None, mixture: Mixture | None, generator: torch.Generator
    ) -> tuple[Outputs, State | None]:
        if not len(batch.rows):
            empty = {task.name: torch.zeros((0, task.width), device=self.device) for task in self.learner.tasks}
            return empty, state
        step, rows = batch.step, torch.from_numpy(batch.rows)
        lengths = torch.from_numpy(self.processes.lengths(step))
        given = self._given_labels(step, rows, generator)
        if isinstance(batch.inputs, Tensor):
            features = batch.inputs.to(self.device, non_blocking=True)
            features = features if mixture is None else append_mixtures(features, mixture)
        else:
            crops = {geometry: part.to(self.device, non_blocking=True) for geometry, part in batch.inputs.items()}
            learner, changes = self.learner, self.settings.augmentation
            whole = torch.from_numpy(step.lengths)
            pictures = make_pictures(crops, learner.image_inputs, changes, whole, rows, generator)
            features = learner.frame_features(
                pictures if mixture is None else [append_mixtures(part, mixture) for part in pictures]
            )
        lengths = lengths if mixture is None else lengths.repeat(2)
        positions = self._positions(step.places[batch.rows], lengths)
        return self.learner(features, lengths, first_sequences(state, len(lengths)), positions, given)

    @property
    def _kind(self) -> str:
        return self.device.partition(":")[0]

    def _given_labels(self, step: Step, rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Labels that the frames of this process feed back, by source; NaN for those that are predicted."""
        if not self._labels:
            return {}
        share = given_share(self.learner.truth_share, self.settings.epochs, self.epoch + 1)
        places = torch.from_numpy(step.places)[rows].to(self.device)
        given: dict[str, Tensor] = {}
        for source, labels in self._labels.items():
            is_given = draw_given(step.lengths, share, generator)[rows].to(self.device)
            given[source] = torch.where(is_given[:, None], labels[places], torch.nan)
        return given

    def _positions(self, places: Rows, lengths: Tensor) -> Tensor | None:
        """Positions of frames in time, counted from the first frame of their sequence."""
        if self.data.time is None:
            return None
        frame = self.data.time[torch.from_numpy(places)]
        first = lengths.cumsum(0) - lengths
        return (frame - frame[first].repeat_interleave(lengths)).to(self.device)


@contextmanager
def repeatable(device: str) -> Generator[None]:
    """Make runs repeatable with kernels that sum in one order, and leave torch's random state as it was.

    On other devices than the CPU, only cuDNN is made deterministic, since some kernels have no deterministic form.
    """
    settings: Any = torch.utils.deterministic
    cudnn: Any = torch.backends.cudnn
    before = (torch.are_deterministic_algorithms_enabled(), settings.fill_uninitialized_memory, cudnn.deterministic)
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        try:
            # nothing here reads memory that was never written
            settings.fill_uninitialized_memory = False
            torch.use_deterministic_algorithms(device == "cpu" or before[0])
            cudnn.deterministic = True
            yield
        finally:
            torch.use_deterministic_algorithms(before[0])
            settings.fill_uninitialized_memory, cudnn.deterministic = before[1:]


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
