"""The steps of a joint training of recognition and synthesis: the discriminator learns first, then the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from abawbench.models.fersnet.discriminator import Discriminator
from abawbench.models.fersnet.network import Encoded, codes
from abawbench.models.fersnet.perceptual import load_perceptual, tiny_perceptual
from abawbench.models.temporal.segments import State
from abawbench.training.augmentation import make_pictures
from abawbench.training.data import Target, TrainingData
from abawbench.training.learners import FersNetLearner, Learner
from abawbench.training.loop import Batch, Loop
from abawbench.training.objective import Objective
from abawbench.training.optimisers import copy_tensors, make_optimiser, restore_state, set_rate, state_tensors
from abawbench.training.processes import Processes
from abawbench.training.settings import SynthesisSettings, TrainingSettings

PIXEL, IDENTITY, ADVERSARIAL, CYCLE, EXPRESSION = "pixel", "identity", "adversarial", "cycle", "synthesised_expression"
DISCRIMINATOR = "discriminator"


def loss_weights(settings: SynthesisSettings) -> dict[str, float]:
    """The weights of the losses of synthesis by name; a loss of weight 0 is not computed, and not named."""
    weights = {
        PIXEL: settings.pixel,
        IDENTITY: settings.identity,
        ADVERSARIAL: settings.adversarial,
        CYCLE: settings.cycle,
        EXPRESSION: settings.expression,
    }
    return {name: weight for name, weight in weights.items() if weight}


def make_loop(
    learner: Learner,
    data: TrainingData,
    settings: TrainingSettings,
    objective: Objective,
    *,
    device: str,
    threads: int,
    processes: Processes,
) -> Loop:
    """Make the loop of a training: that of synthesis where it learns jointly, else `Loop`; raises as these do."""
    options: dict[str, Any] = {"device": device, "threads": threads, "processes": processes}
    synthesis = settings.synthesis
    if synthesis is None or synthesis.stage != "joint":
        return Loop(learner, data, settings, objective, **options)
    assert isinstance(learner, FersNetLearner)
    weights = loss_weights(synthesis)
    weighting = replace(settings.weighting, weights={**weights, **settings.weighting.weights})
    settings, objective = replace(settings, weighting=weighting), replace(objective, further=tuple(weights))
    return SynthesisLoop(learner, data, settings, objective, **options)


class SynthesisLoop(Loop):
    """A loop over pairs of a source and a target face of the same person; see `pairs.pair_steps`.

    Recognition learns from source faces alone. Synthesis turns a source face I with the expression z into a face I~
    with the expression z^t of the target face I^t:

        pixel        mean |I~ - I^t|
        identity     mean (phi(I~) - phi(I^t))^2, with a frozen network phi on grey faces
        adversarial  mean (D(I~, z^t) - 1)^2
        cycle        mean (G(I~, z) - I)^2
        discriminator  [mean (D(I^t, z^t) - 1)^2 + mean D(I~, z^t)^2] / 2, for the discriminator D alone

    and, ours, `synthesised_expression`, the cross-entropy of z^t by the network's own recognition of I~.

    Source: cikrhazo/FERSNet:criteria.py, train.py.
    """

    def __init__(
        self,
        learner: FersNetLearner,
        data: TrainingData,
        settings: TrainingSettings,
        objective: Objective,
        **options: Any,
    ) -> None:
        super().__init__(learner, data, settings, objective, **options)
        assert self.settings.synthesis is not None
        colour = learner.image_inputs[0].colour
        self.synthesis = synthesis = self.settings.synthesis
        self.network = learner.network
        self.losses = frozenset(loss_weights(synthesis))
        self.opponent = None
        if ADVERSARIAL in self.losses:
            discriminator = _discriminator(synthesis, self.network.classes, settings.seed).to(self.device)
            own, rate = settings.optimiser, synthesis.discriminator_rate
            own = own if rate is None else replace(own, rate=rate)
            self.opponent = _Opponent(discriminator, make_optimiser([], list(discriminator.parameters()), own))
        self.perceptual = None
        if IDENTITY in self.losses:
            file = synthesis.perceptual
            network = tiny_perceptual(colour, settings.seed) if file is None else load_perceptual(file, colour)
            self.perceptual = network.to(self.device)

    def state(self) -> dict[str, Mapping[str, Tensor]]:
        """As `Loop.state`, with the discriminator and its optimiser."""
        if self.opponent is None:
            return super().state()
        own = {
            "opponent": self.opponent.discriminator.state_dict(),
            "opponent_optimiser": state_tensors(self.opponent.optimiser),
        }
        return {**super().state(), **own}

    def load_state(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Copy what `state` returned into the same parts."""
        super().load_state(parts)
        if self.opponent is not None:
            copy_tensors(parts["opponent"], self.opponent.discriminator.state_dict())
            restore_state(self.opponent.optimiser, parts["opponent_optimiser"])

    def _losses(
        self, batch: Batch, state: State | None, targets: Mapping[str, Target], generator: torch.Generator
    ) -> tuple[dict[str, Tensor | None], State | None]:
        assert isinstance(batch.inputs, dict)
        crops = {geometry: part.to(self.device, non_blocking=True) for geometry, part in batch.inputs.items()}
        lengths, rows = torch.from_numpy(batch.step.lengths), torch.from_numpy(batch.rows)
        (pictures,) = make_pictures(
            crops, self.learner.image_inputs, self.settings.augmentation, lengths, rows, generator
        )
        (task,) = self.learner.tasks
        label = targets[task.name].values
        source, goal = pictures[0::2].contiguous(), pictures[1::2].contiguous()
        before, after = (codes(label[start::2], self.network.classes) for start in (0, 1))
        own: dict[str, Tensor | None] = {}
        opponent, is_own_step = self.opponent, self.synthesis.fakes == "step"
        if opponent is not None and not is_own_step:
            own[DISCRIMINATOR] = self._learn_to_judge(opponent, self._evaluated(source, after), source, goal, after)
        encoded = self.network.encode(source)
        made = self.network.decode(encoded, source, after)
        if opponent is not None and is_own_step:
            own[DISCRIMINATOR] = self._learn_to_judge(opponent, made.detach(), source, goal, after)
        logits = self.network.classifier(self.network.features(encoded))
        known = {name: target.take(torch.arange(0, len(label), 2)) for name, target in targets.items()}
        losses = self.objective.losses_of(known, {task.name: logits}, None)
        return {**losses, **self._judged(made, source, goal, before, after), **own}, state

    def _judged(
        self, made: Tensor, source: Tensor, goal: Tensor, before: Tensor, after: Tensor
    ) -> dict[str, Tensor | None]:
        """The losses of synthesised faces."""
        losses: dict[str, Tensor | None] = {}
        if PIXEL in self.losses:
            losses[PIXEL] = (made - goal).abs().mean()
        if self.perceptual is not None:
            losses[IDENTITY] = functional.mse_loss(self.perceptual(made), self.perceptual(goal))
        if self.opponent is not None:
            discriminator = self.opponent.discriminator
            discriminator.eval().requires_grad_(False)
            losses[ADVERSARIAL] = (discriminator(made, after) - 1).square().mean()
            discriminator.train().requires_grad_(True)
        again: Encoded | None = None
        if self.losses & {CYCLE, EXPRESSION}:
            again = self.network.encode(made)
        if again is not None and CYCLE in self.losses:
            losses[CYCLE] = functional.mse_loss(self.network.decode(again, made, before), source)
        if again is not None and EXPRESSION in self.losses:
            losses[EXPRESSION] = functional.cross_entropy(
                self.network.classifier(self.network.features(again)), after.argmax(1)
            )
        return losses

    @torch.no_grad()
    def _evaluated(self, source: Tensor, after: Tensor) -> Tensor:
        """Faces synthesised in evaluation mode."""
        self.network.eval()
        made = self.network.decode(self.network.encode(source), source, after)
        self.network.train()
        return made

    def _learn_to_judge(self, opponent: _Opponent, made: Tensor, source: Tensor, goal: Tensor, after: Tensor) -> Tensor:
        """Let the discriminator learn from these faces; its mean loss over its steps."""
        set_rate(opponent.optimiser, self.rate_factor)
        losses, share, discriminator = list[Tensor](), self.synthesis.mismatched, opponent.discriminator
        for _ in range(self.synthesis.discriminator_steps):
            false = discriminator(made, after).square().mean()
            if share:
                false = (1 - share) * false + share * discriminator(source, after).square().mean()
            loss = ((discriminator(goal, after) - 1).square().mean() + false) / 2
            opponent.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            opponent.optimiser.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean()


@dataclass(frozen=True, eq=False)
class _Opponent:
    """The discriminator and its optimiser."""

    discriminator: Discriminator
    optimiser: torch.optim.Optimizer


def _discriminator(settings: SynthesisSettings, classes: int, seed: int) -> Discriminator:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Discriminator(classes if settings.conditional else 0, width=settings.discriminator_width)
