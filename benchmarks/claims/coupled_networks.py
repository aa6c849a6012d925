"""Small networks with a head for expressions and one for action units, one for each seed, all trained at once.

The networks of the seeds share nothing: `torch.vmap` stacks them, and each learns from rows of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from abawbench.table import Floats, Mask, Rows

Encoder = Literal["mlp", "cnn"]
NO_CLASS = -1

# steps; faces with a class, and as many with labels, of a step; greatest learning rate
STEPS, BATCH, RATE = 400, 64, 6e-3
# faces whose answers are computed at a time
CHUNK = 1024


class Answers(NamedTuple):
    """Answers of the networks of all seeds: logits of shape (seeds, faces, classes) and (seeds, faces, labels)."""

    classes: Tensor
    labels: Tensor


class Batch(NamedTuple):
    """What one network learns from in a step.

    Attributes:
        classes: class numbers, -1 where not annotated, shape (faces,).
        labels: 0 or 1, shape (faces, labels).
        annotated: True where a label is annotated, shape (faces, labels).
    """

    classes: Tensor
    labels: Tensor
    annotated: Tensor


# from the logits of classes and labels of a batch, the batch, and the tables of the seed to the loss of one network
Loss = Callable[[Tensor, Tensor, Batch, Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True, eq=False)
class Lessons:
    """Annotated faces for the networks of all seeds.

    Attributes:
        inputs: what the networks see, shape (faces, ...), the same for all seeds.
        classes: class numbers, -1 where not annotated, shape (seeds, faces).
        labels: 0 or 1, shape (seeds, faces, labels).
        annotated: True for faces whose labels are annotated, shape (seeds, faces).
        tables: tables of classes and labels by name, shape (seeds, classes, labels).
    """

    inputs: NDArray[np.float32]
    classes: Rows
    labels: Mask
    annotated: Mask
    tables: Mapping[str, Floats]


class CoupledNetwork(nn.Module):
    """One trunk with two heads, or with `trunks` = 2 a network for each task, of the same width.

    Args:
        encoder: `mlp` for features of shape (faces, features), `cnn` for pictures of shape (faces, 1, side, side).
        features: number of features; not for a `cnn`.
        width: width of the last layer of a trunk; the layers of a `cnn` grow with it.
        trunks: 1 or 2.
        classes: number of classes.
        labels: number of labels.
    """

    def __init__(self, encoder: Encoder, features: int, width: int, trunks: int, classes: int, labels: int) -> None:
        super().__init__()
        make = (lambda: _mlp(features, width)) if encoder == "mlp" else (lambda: _cnn(width))
        self.trunks = nn.ModuleList(make() for _ in range(trunks))
        self.classes = nn.Linear(width, classes)
        self.labels = nn.Linear(width, labels)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of classes and of labels."""
        seen = [trunk(inputs) for trunk in self.trunks]
        return self.classes(seen[0]), self.labels(seen[-1])


def parameters_of(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def matched_width(encoder: Encoder, features: int, width: int, classes: int, labels: int) -> int:
    """The width at which one trunk has as many parameters as two of `width` together, as nearly as can be."""
    with torch.device("meta"):
        wanted = parameters_of(CoupledNetwork(encoder, features, width, 2, classes, labels))
        sizes = [
            parameters_of(CoupledNetwork(encoder, features, wide, 1, classes, labels))
            for wide in range(width, 3 * width)
        ]
    return width + int(np.argmin(np.abs(np.array(sizes) - wanted)))


def train(
    make: Callable[[], CoupledNetwork],
    lessons: Lessons,
    loss: Loss,
    seeds: tuple[int, ...],
    *,
    decay: float = 0.0,
    device: str = "cpu",
    teach_half_way: Callable[[Answers], Batch] | None = None,
) -> Callable[[NDArray[np.float32]], Answers]:
    """Train a network for each seed, and return the function that they have become.

    Half of every batch are faces with a class, half are faces with labels.

    Args:
        make: function that makes an untrained network.
        lessons: annotated faces of the seeds.
        loss: loss of one network.
        seeds: seed of each network: of its first weights, and of the order of its faces.
        decay: decoupled weight decay of AdamW.
        device: device to train on.
        teach_half_way: function that annotates the faces anew from the networks' own answers, once half of the steps
            are done: classes, labels and mask, with a leading axis for the seeds.
    """
    # many small steps: on a busy machine threads would wait for each other more than they work
    torch.set_num_threads(1)
    networks: list[CoupledNetwork] = []
    for seed in seeds:
        torch.manual_seed(seed)
        networks.append(make().to(device))
    stacked, _ = torch.func.stack_module_state(networks)  # pyright: ignore[reportArgumentType]
    weights = {name: tensor.detach().requires_grad_() for name, tensor in stacked.items()}
    plan = networks[0]

    def losses(own: dict[str, Tensor], inputs: Tensor, batch: Batch, tables: dict[str, Tensor]) -> Tensor:
        classes, labels = torch.func.functional_call(plan, own, (inputs,))
        return loss(classes, labels, batch, tables)

    inputs = torch.tensor(lessons.inputs, device=device)
    taught = Batch(
        torch.tensor(lessons.classes, device=device),
        torch.tensor(lessons.labels, dtype=torch.float32, device=device),
        torch.tensor(lessons.annotated, device=device)[:, :, None].expand(lessons.labels.shape),
    )
    tables = {name: torch.tensor(table, dtype=torch.float32, device=device) for name, table in lessons.tables.items()}
    optimiser = torch.optim.AdamW(weights.values(), lr=RATE, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    own_row = torch.arange(len(seeds), device=device)[:, None]
    for step, rows in enumerate(_orders(lessons, seeds)):
        if teach_half_way is not None and step == STEPS // 2:
            taught = teach_half_way(_answers(plan, weights, inputs))
        chosen = torch.tensor(rows, device=device)
        batch = Batch(*(part[own_row, chosen] for part in taught))
        total = torch.vmap(losses)(weights, inputs[chosen], batch, tables).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        schedule.step()
    return lambda faces: _answers(plan, weights, torch.tensor(faces, device=device))


def task_losses(class_logits: Tensor, label_logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy over the faces with a class, and over the annotated labels."""
    classes = functional.cross_entropy(class_logits, batch.classes, ignore_index=NO_CLASS)
    each = functional.binary_cross_entropy_with_logits(label_logits, batch.labels, reduction="none")
    return classes, (each * batch.annotated).sum() / batch.annotated.sum().clamp_min(1)


def _answers(plan: CoupledNetwork, weights: dict[str, Tensor], inputs: Tensor) -> Answers:
    with torch.no_grad():
        run = torch.vmap(lambda own, faces: torch.func.functional_call(plan, own, (faces,)), in_dims=(0, None))
        parts = [run(weights, inputs[begin : begin + CHUNK]) for begin in range(0, len(inputs), CHUNK)]
    return Answers(*(torch.cat(part, dim=1) for part in zip(*parts, strict=True)))


def _orders(lessons: Lessons, seeds: tuple[int, ...]) -> NDArray[np.int64]:
    """Rows of every step: first those with a class, then those with labels; shape (steps, seeds, 2 BATCH)."""
    parts = []
    for place, seed in enumerate(seeds):
        generator = np.random.default_rng([seed, 1])
        streams = [np.flatnonzero(lessons.classes[place] >= 0), np.flatnonzero(lessons.annotated[place])]
        halves = []
        for rows in streams:
            rounds = -(-STEPS * BATCH // len(rows))
            order = np.concatenate([generator.permutation(rows) for _ in range(rounds)])
            halves.append(order[: STEPS * BATCH].reshape(STEPS, BATCH))
        parts.append(np.concatenate(halves, axis=1))
    return np.stack(parts, axis=1)


def _mlp(features: int, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(features, width), nn.ReLU())


def _cnn(width: int) -> nn.Module:
    sizes = (1, width // 4, width // 2, width)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [
            nn.Conv2d(before, after, 5 if before == 1 else 3, stride=2, padding=2 if before == 1 else 1),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * width, width), nn.ReLU())
