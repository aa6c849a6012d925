"""The loop: steps of an epoch, each a function of the weights, the seed and its number alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
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
from abawbench.training.augmentation import pictures_of
from abawbench.training.batching import Step
from abawbench.training.checkpoint import Checkpoint
from abawbench.training.data import Places
from abawbench.training.learners import Learner, Outputs, shorter
from abawbench.training.material import Material
from abawbench.training.mixup import Mixture, draw_mixture, with_mixtures
from abawbench.training.objective import Objective
from abawbench.training.optimisers import Average, clip, factor, optimiser_of, restore, set_rate, tensors_of
from abawbench.training.processes import ALONE, Processes
from abawbench.training.settings import TrainingSettings
from abawbench.training.weighting import Weighting

TOTAL = "total"
# an accelerator would wait for the looking at each loss
CHECKED_TOGETHER = 50


@dataclass(frozen=True, eq=False)
class Batch:
    """A step, ready to be learned.

    Attributes:
        step: which frames.
        rows: which of them are those of this process.
        seen: features of these, or crops by geometry.
    """

    step: Step
    rows: Places
    seen: Tensor | dict[Geometry, Tensor]


class Loop:
    """A learner, and everything that changes while it learns.

    Args:
        learner: on its device, in training mode.
        material: to learn from.
        settings: how.
        objective: what outputs are held against.
        device: where it learns.
        threads: that read crops.
        processes: that learn together.
    """

    def __init__(
        self,
        learner: Learner,
        material: Material,
        settings: TrainingSettings,
        objective: Objective,
        *,
        device: str,
        threads: int,
        processes: Processes = ALONE,
    ) -> None:
        self.learner, self.material, self.settings = learner, material, settings
        self.objective = objective.to(device)
        self.device, self.threads, self.processes = device, threads, processes
        self.weighting = Weighting(objective.names, settings.weighting).to(device)
        below, above = learner.groups()
        self.optimiser = optimiser_of(below, [*above, *self.weighting.parameters()], settings.optimiser)
        decay = settings.optimiser.ema
        self.learned = learner.learned()
        self.average = Average(self.learned, decay) if decay else None
        self.epoch = self.done = 0
        self.sums: dict[str, tuple[float, int]] = {}
        self._unchecked: list[tuple[int, dict[str, Tensor]]] = []

    def run(self, steps: Sequence[Step], told: Callable[[int], None]) -> dict[str, float]:
        """Learn the rest of the epoch: the steps from `done` on.

        Args:
            steps: of the whole epoch.
            told: is called behind each step that needs nothing of the next, with the number of steps done.

        Returns:
            The mean loss of each task over the epoch's steps that had one, and of their total.

        Raises:
            ProblemError: E22, a loss that is not finite; F01, E06 for a crop.
        """
        state: State | None = None
        for batch in map_ahead(self._load, steps[self.done :], self.threads):
            state = self._learn(batch, state if batch.step.goes_on else None, len(steps))
            self.done += 1
            if self.done == len(steps) or not steps[self.done].goes_on:
                told(self.done)
        self.settle()
        means = {name: total / count for name, (total, count) in self.sums.items()}
        self.weighting.end_epoch()
        self.epoch, self.done, self.sums = self.epoch + 1, 0, {}
        return means

    def settle(self) -> None:
        """Add up the losses of the latest steps. Raises: ProblemError E22, one that is not finite."""
        for number, losses in self._unchecked:
            for name, loss in losses.items():
                value = loss.item()
                if not np.isfinite(value):
                    fix = "lower the rate of learning, or clip the gradient (training.optimiser)"
                    found = f"a loss of {value} for {name} in step {number} of epoch {self.epoch + 1}"
                    raise ProblemError(Problem("E22", found, "a finite loss", fix))
                total, count = self.sums.get(name, (0.0, 0))
                self.sums[name] = (total + value, count + 1)
        self._unchecked.clear()

    def weights(self) -> dict[str, Tensor]:
        """What is validated and kept: the learned weights, or their moving average."""
        return self.learned if self.average is None else self.average.weights

    def checkpoint(self, facts: dict[str, Any]) -> Checkpoint:
        """Where the training is. Raises: ProblemError E22, it has run away."""
        self.settle()
        parts = {
            "weights": self.learned,
            "weighting": self.weighting.state_dict(),
            "optimiser": tensors_of(self.optimiser),
            "average": {} if self.average is None else self.average.weights,
        }
        tensors = {f"{part}/{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
        own = {"epoch": self.epoch, "done": self.done, "sums": self.sums}
        return Checkpoint(tensors, {"loop": own, **facts})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Be where a checkpoint says."""
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in checkpoint.tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor
        with torch.no_grad():
            for name, tensor in self.learned.items():
                tensor.copy_(parts["weights"][name])
            for name, tensor in {} if self.average is None else self.average.weights.items():
                tensor.copy_(parts["average"][name])
        self.weighting.load_state_dict(parts.get("weighting", {}))
        restore(self.optimiser, parts.get("optimiser", {}))
        own = checkpoint.facts["loop"]
        self.epoch, self.done = own["epoch"], own["done"]
        self.sums = {name: (total, count) for name, (total, count) in own["sums"].items()}

    def _load(self, step: Step) -> Batch:
        seen = self.material.seen
        rows = self.processes.rows(step, self.processes.rank)
        own = step.places[rows]
        if isinstance(seen, Tensor):
            return Batch(step, rows, seen[torch.from_numpy(own).to(seen.device)])
        crops = [torch.from_numpy(crops) for crops in seen.load(own)]
        if self.device != "cpu":
            crops = [part.pin_memory() for part in crops]
        return Batch(step, rows, dict(zip(seen.geometries, crops, strict=True)))

    def _learn(self, batch: Batch, state: State | None, steps: int) -> State | None:
        step, settings = batch.step, self.settings
        generator = torch.Generator().manual_seed(_seed(settings.seed, self.epoch, self.done))
        torch.manual_seed(_seed(settings.seed, self.epoch, self.done, self.processes.rank + 1))
        share = factor(settings.schedule, settings.epochs, self.epoch, (self.done + 1) / steps)
        set_rate(self.optimiser, share)
        self.optimiser.zero_grad(set_to_none=True)
        places = torch.from_numpy(self.processes.order(step)).to(self.device)
        targets = {name: target.take(places) for name, target in self.material.targets.items()}
        mixture = None
        if settings.mixing is not None:
            mixture = draw_mixture(settings.mixing, len(places), generator).to(self.device)
        with torch.autocast(self._kind, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            own, state = self._outputs(batch, state, mixture, generator)
        outputs = own if mixture is not None else self.processes.gathered(step, own)
        losses = self.objective.losses_of(targets, outputs, mixture)
        total = self.weighting(losses)
        # a batch without a label changes nothing, not even by the decay of weights
        if total is None:
            return state
        known = {name: loss.detach() for name, loss in losses.items() if loss is not None}
        self._unchecked.append((self.done + 1, {**known, TOTAL: total.detach()}))
        if len(self._unchecked) == CHECKED_TOGETHER:
            self.settle()
        if total.requires_grad:
            total.backward()
        self.processes.add_gradients(self.learner.parameters())
        clip(self.learner.parts(), self.learner.parameters(), settings.optimiser)
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.learned)
        return state

    def _outputs(
        self, batch: Batch, state: State | None, mixture: Mixture | None, generator: torch.Generator
    ) -> tuple[Outputs, State | None]:
        if not len(batch.rows):
            empty = {task.name: torch.zeros((0, task.width), device=self.device) for task in self.learner.tasks}
            return empty, state
        step, rows = batch.step, torch.from_numpy(batch.rows)
        lengths = torch.from_numpy(self.processes.lengths(step))
        if isinstance(batch.seen, Tensor):
            features = batch.seen.to(self.device, non_blocking=True)
            features = features if mixture is None else with_mixtures(features, mixture)
        else:
            crops = {size: given.to(self.device, non_blocking=True) for size, given in batch.seen.items()}
            learner, changes = self.learner, self.settings.augmentation
            whole = torch.from_numpy(step.lengths)
            pictures = pictures_of(crops, learner.image_inputs, changes, whole, rows, generator)
            features = learner.encode(
                pictures if mixture is None else [with_mixtures(part, mixture) for part in pictures]
            )
        lengths = lengths if mixture is None else lengths.repeat(2)
        positions = self._positions(step.places[batch.rows], lengths)
        return self.learner.answer(features, lengths, shorter(state, len(lengths)), positions)

    @property
    def _kind(self) -> str:
        return self.device.partition(":")[0]

    def _positions(self, places: Places, lengths: Tensor) -> Tensor | None:
        """Of frames in time, from the first of their sequence on."""
        if self.material.frame is None:
            return None
        frame = self.material.frame[torch.from_numpy(places)]
        first = lengths.cumsum(0) - lengths
        return (frame - frame[first].repeat_interleave(lengths)).to(self.device)


@contextmanager
def repeatable(device: str) -> Generator[None]:
    """The same numbers in every run: kernels whose sums have one order; torch's random state stays as it was.

    On other devices than the CPU only cuDNN is held to it: some kernels there have no such form.
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


class Clock:
    """Says when it is time to save, by steps or by seconds.

    Args:
        steps: after which to save; 0 for never.
        seconds: likewise.
    """

    def __init__(self, steps: int, seconds: float) -> None:
        self.steps, self.seconds = steps, seconds
        self._since, self._begin = 0, time.monotonic()

    def is_due(self) -> bool:
        """Count a step; True where it is time, which begins the count anew."""
        self._since += 1
        late = bool(self.seconds) and time.monotonic() - self._begin >= self.seconds
        if not late and not (self.steps and self._since >= self.steps):
            return False
        self._since, self._begin = 0, time.monotonic()
        return True


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
