"""Networks of recognition and synthesis, as `abawbench.models.fersnet` has them, in one cell of the claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abawbench.labels import EXPRESSIONS_7
from abawbench.metrics.f1 import confusion, f1_per_class_from
from abawbench.metrics.groups import Groups
from abawbench.models.fersnet.settings import FersNetSettings
from abawbench.models.sharing.settings import ConvFlu, CrossStitch, Hard, Nddr, Sluice, Unit
from abawbench.table import Floats, Rows
from abawbench.training.synthesis.pairs import draw_targets
from benchmarks.claims.claim import Arm, Cell, Outcome
from benchmarks.claims.coupled_cells import face_settings
from benchmarks.claims.drawn_faces import Faces, read_faces
from benchmarks.claims.selective_sharing import SharingSize

if TYPE_CHECKING:
    from abawbench.models.fersnet.network import FersNet

CLASSES, SIDE = len(EXPRESSIONS_7), 32
RATE = 0.004
# decay of the arms that tune the weight of synthesis
USUAL_DECAY = 0.05
# the rate of all units is that of the network: those of the sources are for plain gradient descent
UNITS: Mapping[str, Unit] = {
    "hard": Hard(),
    "single": Hard(),
    "cross-stitch": CrossStitch(rate_factor=1.0),
    "convflu": ConvFlu(),
    "nddr": Nddr(rate_factor=1.0),
    "sluice": Sluice(),
}


def make_network(arm: str, size: SharingSize, seed: int = 0) -> FersNet:
    """The network of an arm with random weights."""
    from abawbench.models.fersnet.network import build

    unit = UNITS[arm.partition(",")[0].removesuffix("-matched")]
    widths = _matched_widths(size) if arm.endswith("-matched") else size.widths
    return build(_settings(widths), CLASSES, SIDE, unit, seed=seed)


def weights_of(network: FersNet) -> int:
    """Number of the weights between a picture and the logits of its expression, those of the decoder apart."""
    return sum(part.numel() for name, part in network.named_parameters() if not name.startswith("decoder"))


def run_cell(size: SharingSize, on_gpu: bool, cell: Cell, out: Path) -> Outcome:
    """Train the networks of a cell, and test them; on a GPU where it is wanted and there."""
    import torch

    # many small steps: on a busy machine threads would wait for each other more than they work
    torch.set_num_threads(1)
    settings = face_settings(size.faces, "independent")
    faces = {split: read_faces(settings[split], out) for split in ("training", "validation", "test")}
    device = "cuda" if on_gpu and torch.cuda.is_available() else "cpu"
    counts = [_counts(cell.arm, cell.weight, faces, size, seed, device) for seed in cell.seeds]
    validation, test = (np.stack([own[split] for own in counts]) for split in ("validation", "test"))
    return Outcome(f1_per_class_from(validation.sum(1)).mean(-1), {"expression": test})


def facts_of(size: SharingSize, arms: Sequence[Arm], out: Path) -> dict[str, float]:
    """Weights of the way to recognition of each arm, and their multiply-adds for one face."""
    import torch

    from abawbench.models.sizes import size_of

    del out
    found: dict[str, float] = {}
    for arm in arms:
        network = make_network(arm.name, size)
        work = size_of(network, torch.zeros(1, 3, SIDE, SIDE)).multiply_adds
        found |= {f"{arm.name}: weights": weights_of(network), f"{arm.name}: multiply-adds of a face": work}
    return found


def _settings(widths: tuple[int, int, int, int]) -> FersNetSettings:
    # norms, without which so small a network hardly learns in so few steps
    return FersNetSettings(topology="released", joint_bottleneck=False, widths=widths)


def _matched_widths(size: SharingSize) -> tuple[int, int, int, int]:
    """The widths of one trunk whose weights are nearest to those of ConvFLU's two branches and units."""
    from abawbench.models.fersnet.network import build

    wanted = weights_of(make_network("convflu", size))
    stem, first, second, third = size.widths
    tried = [
        (stem * eighths // 8, first * eighths // 8, second * eighths // 8, third * eighths // 8)
        for eighths in range(8, 25)
    ]
    return min(tried, key=lambda widths: abs(weights_of(build(_settings(widths), CLASSES, SIDE, Hard())) - wanted))


def _counts(
    arm: str, weight: float, faces: Mapping[str, Faces], size: SharingSize, seed: int, device: str
) -> dict[str, Floats]:
    """Confusion counts of the validation and the test people, of one trained network."""
    import torch

    network = _train(arm, weight, faces["training"], size, seed, device)
    found: dict[str, Floats] = {}
    with torch.inference_mode():
        for split in ("validation", "test"):
            own = faces[split]
            parts = _pictures(own.pictures).to(device).split(200)
            answers = torch.cat([network.classifier(network(part)).argmax(1) for part in parts]).cpu().numpy()
            people = Groups.of(own.person, int(own.person.max()) + 1)
            found[split] = confusion(own.expression.astype(np.int8), answers.astype(np.int8), CLASSES, people)
    return found


def _train(arm: str, weight: float, faces: Faces, size: SharingSize, seed: int, device: str) -> FersNet:
    import torch
    from torch.nn import functional

    from abawbench.models.fersnet.network import codes
    from abawbench.models.sharing.unit import SharingUnit

    synthesises = not arm.startswith("single") and not arm.endswith("alone")
    decay = USUAL_DECAY if synthesises else weight
    network = make_network(arm, size, seed).to(device).train()
    groups: list[dict[str, Any]] = [
        {"weight_decay": decay, **group}
        for unit in network.units
        if isinstance(unit, SharingUnit)
        for group in unit.param_groups(RATE)
    ]
    own = {id(part) for group in groups for part in group["params"]}
    groups.append({"params": [part for part in network.parameters() if id(part) not in own]})
    optimiser = torch.optim.AdamW(groups, lr=RATE, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, size.steps)
    generator = np.random.default_rng([seed, 1])
    rows = _rows(faces, size, seed)
    pictures = _pictures(faces.pictures[rows]).to(device)
    label = torch.from_numpy(faces.expression[rows].astype(np.int64)).to(device)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for source, target in _pairs(faces.person[rows], faces.expression[rows], size, generator):
            flips = bool(generator.random() < 0.5)
            face, goal = (pictures[part].flip(3) if flips else pictures[part] for part in (source, target))
            encoded = network.encode(face)
            logits = network.classifier(network.features(encoded))
            loss = functional.cross_entropy(logits, label[source])
            for unit in network.units:
                assert isinstance(unit, SharingUnit)
                loss = loss + unit.regulariser().to(loss)
            if synthesises:
                made = network.decode(encoded, face, codes(label[target], CLASSES))
                loss = loss + weight * (made - goal).abs().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def _rows(faces: Faces, size: SharingSize, seed: int) -> Rows:
    """The faces of the people of a seed."""
    people = np.random.default_rng([seed, 0]).permutation(int(faces.person.max()) + 1)[: size.people]
    return np.flatnonzero(np.isin(faces.person, people))


def _pairs(
    person: Rows, expression: Rows, size: SharingSize, generator: np.random.Generator
) -> Iterator[tuple[Rows, Rows]]:
    """The steps: faces, and for each another face of the same person with another expression."""
    left = np.empty((0, 2), np.int64)
    for _ in range(size.steps):
        if len(left) < size.batch:
            target = draw_targets(person, expression, generator)
            order = generator.permutation(len(person))
            left = np.concatenate([left, np.stack([order, target[order]], 1)])
        step, left = left[: size.batch], left[size.batch :]
        yield step[:, 0], step[:, 1]


def _pictures(pictures: NDArray[np.uint8]):
    import torch

    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
