"""The second stage of a cell: recognition learns on, from real faces and from those that an arm adds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from abawbench.labels import EXPRESSIONS_7
from abawbench.metrics.f1 import confusion, f1_per_class_from
from abawbench.metrics.groups import Groups
from abawbench.table import Floats, Rows
from abawbench.training.synthesis.enlarge import Plan, plan_faces
from benchmarks.claims.claim import Cell, Outcome
from benchmarks.claims.synthesis.people import Pictures
from benchmarks.claims.synthesis_rare import RARE, RareSize
from benchmarks.claims.synthesis_rare.generators import faces_of, kept_faces, run_path

if TYPE_CHECKING:
    from torch import Tensor

    from abawbench.entries.networks.fersnet import FersNetEntry

CLASSES = len(EXPRESSIONS_7)
RATE, DECAY = 0.003, 0.05


@dataclass(frozen=True, eq=False)
class Known:
    """The faces of a seed's training people.

    Attributes:
        pictures: all faces, shape (faces, side, side, 3).
        person: number of the person of each, shape (faces,).
        expression: number of the expression of each, likewise.
        kept: positions of those that training has, shape (kept,).
    """

    pictures: Pictures
    person: Rows
    expression: Rows
    kept: Rows

    def plan(self, seed: int) -> Plan:
        """What the stage `balance` synthesises; sources are positions in `kept`."""
        return plan_faces(self.person[self.kept], self.expression[self.kept], CLASSES, seed)


def known_faces(size: RareSize, seed: int, out: Path) -> Known:
    """The faces of a seed's training people, and which of them training has."""
    faces = faces_of(size, "training", seed, out)
    person, expression, _ = (part.ravel() for part in np.indices(faces.shape[:3]))
    kept = np.flatnonzero(kept_faces(size, seed)[person, expression])
    return Known(faces.reshape(-1, *faces.shape[3:]), person, expression, kept)


def added_faces(arm: str, known: Known, entry: FersNetEntry, seed: int) -> tuple[Pictures, Rows]:
    """The faces that an arm adds, as many of each expression as the stage `balance` synthesises.

    Returns:
        Pictures, and the number of the expression of each.
    """
    plan = known.plan(seed)
    if arm == "synthesised":
        sources = known.pictures[known.kept[plan.source]]
        made = np.empty_like(sources)
        for expression in np.unique(plan.target).tolist():
            own = plan.target == expression
            made[own] = entry.synthesise(sources[own], EXPRESSIONS_7[expression])
        return made, plan.target
    if arm not in {"copied", "drawn"}:
        return known.pictures[:0], plan.target[:0]
    of_kept = np.isin(np.arange(len(known.person)), known.kept)
    parts: list[Rows] = []
    for expression, count in zip(*np.unique(plan.target, return_counts=True), strict=True):
        # the real faces again and again, or those that were left out, which are as many as are wanted
        there = np.flatnonzero((known.expression == expression) & (of_kept if arm == "copied" else ~of_kept))
        parts.append(np.resize(there, count))
    rows = np.concatenate(parts)
    return known.pictures[rows], known.expression[rows]


def run_cell(size: RareSize, on_gpu: bool, cell: Cell, out: Path) -> Outcome:
    """Let the networks of a cell learn on, and test them; on a GPU where it is wanted and there."""
    import torch

    # many small steps: on a busy machine threads would wait for each other more than they work
    torch.set_num_threads(1)
    device = "cuda" if on_gpu and torch.cuda.is_available() else "cpu"
    counts = [_counts(cell.arm, cell.weight, size, seed, device, out) for seed in cell.seeds]
    validation, test = (np.stack([own[split] for own in counts]) for split in ("validation", "test"))
    return Outcome(f1_per_class_from(validation.sum(1)).mean(-1), {"expression": test})


def _counts(arm: str, weight: float, size: RareSize, seed: int, device: str, out: Path) -> dict[str, Floats]:
    """Confusion counts of the validation and the test people, of one network."""
    import torch

    from abawbench.entries import load_entry
    from abawbench.entries.networks.fersnet import FersNetEntry

    entry = load_entry(run_path(size, seed, out))
    assert isinstance(entry, FersNetEntry)
    if arm != "before":
        known = known_faces(size, seed, out)
        _learn_on(entry, arm, weight, known, added_faces(arm, known, entry, seed), size, seed, device)
    network = entry.network.eval().cpu()
    found: dict[str, Floats] = {}
    for split in ("validation", "test"):
        faces = faces_of(size, split, seed, out)
        person, expression, _ = (part.ravel() for part in np.indices(faces.shape[:3]))
        with torch.inference_mode():
            parts = _prepared(entry, faces.reshape(-1, *faces.shape[3:])).split(200)
            answers = torch.cat([network.classifier(network(part)).argmax(1) for part in parts]).numpy()
        people = Groups.of(person, len(faces))
        found[split] = confusion(expression.astype(np.int8), answers.astype(np.int8), CLASSES, people)
    return found


def _learn_on(
    entry: FersNetEntry,
    arm: str,
    weight: float,
    known: Known,
    added: tuple[Pictures, Rows],
    size: RareSize,
    seed: int,
    device: str,
) -> None:
    """Train the recognition of an entry in place: every arm for the same steps of as many faces."""
    import torch
    from torch.nn import functional

    network = entry.network.to(device).requires_grad_(True).train()
    pictures = _prepared(entry, np.concatenate([known.pictures[known.kept], added[0]])).to(device)
    label = torch.from_numpy(np.concatenate([known.expression[known.kept], added[1]])).to(device)
    frequency = np.ones(len(label))
    frequency[len(known.kept) :] = weight
    frequency /= frequency.sum()
    of_class = torch.ones(CLASSES, device=device)
    if arm == "weighted":
        of_class[[EXPRESSIONS_7.index(name) for name in RARE]] = weight
    rate = weight if arm == "as they are" else RATE
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, size.steps)
    generator = np.random.default_rng([seed, 4])
    for _ in range(size.steps):
        rows = torch.from_numpy(generator.choice(len(label), size.batch, p=frequency))
        flips = torch.from_numpy(generator.random(size.batch) < 0.5)[:, None, None, None].to(device)
        faces = pictures[rows]
        logits = network.classifier(network(torch.where(flips, faces.flip(3), faces)))
        loss = functional.cross_entropy(logits, label[rows], of_class)
        if (regulariser := network.regulariser()) is not None:
            loss = loss + regulariser
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def _prepared(entry: FersNetEntry, faces: Pictures) -> Tensor:
    """Faces as the network sees them, shape (faces, 3, size, size)."""
    from abawbench.entries.networks.frame_encoder import normalise

    (prepared,), (image_input,) = entry.prepare(faces), entry.encoder.image_inputs
    return normalise(prepared, image_input)


def judged(size: RareSize, seeds: int, out: Path) -> dict[str, float]:
    """Numbers of faces, and in how many synthesised ones of each rare class the judge of the generators finds it.

    The judge is the network of `benchmarks.claims.synthesis`, trained apart on people of its own.
    """
    from abawbench.entries import load_entry
    from abawbench.entries.networks.fersnet import FersNetEntry
    from benchmarks.claims.synthesis.judges import load_judges

    judges = load_judges(out / "synthesis")
    found = {name: list[float]() for name in RARE}
    real, added = list[int](), list[int]()
    for seed in range(seeds):
        entry, known = load_entry(run_path(size, seed, out)), known_faces(size, seed, out)
        assert isinstance(entry, FersNetEntry)
        pictures, expression = added_faces("synthesised", known, entry, seed)
        is_right = judges.expressions(pictures) == expression
        for name, own in found.items():
            own.append(float(is_right[expression == EXPRESSIONS_7.index(name)].mean()))
        real.append(len(known.kept))
        added.append(len(pictures))
    shares = {f"synthesised {name} found by the judge": float(np.mean(own)) for name, own in found.items()}
    return {"real faces": float(np.mean(real)), "added faces": float(np.mean(added)), **shares}
