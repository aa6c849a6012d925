"""Cells of the claims about coupling: drawn faces with few labels, and the ways to couple two heads.

A regime says which labels there are and which table the coupling gets; an arm says how the networks learn.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import write_file
from abawbench.labels import ACTION_UNITS_17, COMPOUND_7, EXPRESSIONS_7
from abawbench.metrics.f1 import confusion, f1_per_class_from, f1_per_label_from, label_counts
from abawbench.metrics.groups import Groups
from abawbench.models.compound import PARTS, Part, compound_scores
from abawbench.models.relatedness_tables import binary, expert_table, smoothed
from abawbench.models.settings import LikelihoodOptions
from abawbench.table import Floats
from benchmarks.claims.claim import Arm, Cell, Outcome
from benchmarks.claims.drawn_faces import UPPER, Bond, Faces, FaceSettings, draw_faces, faces_path, read_faces

if TYPE_CHECKING:
    from torch import Tensor

    from benchmarks.claims.coupled_networks import Answers, Batch, Encoder, Lessons, Loss

# components of the histograms of oriented gradients that the networks see
COMPONENTS = 128
SPLITS = ("training", "validation", "test")
CLASSES = len(EXPRESSIONS_7)

COUPLED = (0.1, 0.3, 1.0, 3.0)
ARMS = (
    Arm("single", "a network for each task; the weight is AdamW's weight decay", (0.0, 0.1, 0.3, 1.0)),
    Arm("multi", "one trunk, two heads; the weight is that of the action units' loss", (0.3, 1.0, 3.0, 10.0)),
    Arm("multi-matched", "multi with as many parameters as the two single networks together", (0.3, 1.0, 3.0, 10.0)),
    Arm("matching", "multi with distribution matching over the table's shares", COUPLED),
    Arm("papers", "multi with matching over the binary table and soft co-annotation at temperature 1", COUPLED),
    Arm("likelihood", "multi with likelihood coupling", COUPLED),
    Arm("read-through", "multi, whose answers are combined through the table when it is tested", COUPLED),
    Arm(
        "pseudo-labels",
        "multi with classes by naive Bayes from the table, and labels from its rows, as if true",
        COUPLED,
    ),
    Arm("self-training", "multi, taught from half way on by its own answers above a confidence", (0.5, 0.7, 0.9, 0.97)),
)


@dataclass(frozen=True)
class Size:
    """Numbers of people and of faces of each, by split."""

    training: tuple[int, int] = (260, 16)
    validation: tuple[int, int] = (60, 8)
    test: tuple[int, int] = (100, 8)
    seed: int = 0


@dataclass(frozen=True)
class Regime:
    """What there is to learn from.

    Attributes:
        expressions: number of faces with an expression.
        action_units: number of faces with action units.
        encoder: `mlp` over histograms of oriented gradients, `cnn` over grey pictures.
        width: width of a trunk.
        overlap: share of the smaller of both sets that is in the other, too.
        table: the expert's table, its rows exchanged, or its cells shuffled.
        noise: standard deviation of what is added to each cell of the table, which stays in [0, 1].
        flips: share of the cells of action units that are annotated wrongly.
        bond: how the action units of a face hang together.
        is_lower: whether only the action units of the lower half of the face are labels.
    """

    expressions: int
    action_units: int
    encoder: Encoder = "mlp"
    width: int = 128
    overlap: float = 0.0
    table: Literal["true", "permuted", "unrelated"] = "true"
    noise: float = 0.0
    flips: float = 0.0
    bond: Bond = "independent"
    is_lower: bool = False


@dataclass(frozen=True, eq=False)
class World:
    """Drawn faces as the networks see them, by split, and the compound expressions of the test people."""

    faces: Mapping[str, Faces]
    features: Mapping[str, NDArray[np.float32]]

    def inputs(self, split: str, encoder: Encoder) -> NDArray[np.float32]:
        """What the networks see, shape (faces, ...)."""
        if encoder == "mlp":
            return self.features[split]
        grey = self.faces[split].pictures.mean(-1, dtype=np.float32)[:, None]
        mean, spread = (statistic(grey, axis=(2, 3), keepdims=True) for statistic in (np.mean, np.std))
        return (grey - mean) / (spread + 1)


def face_settings(size: Size, bond: Bond) -> dict[str, FaceSettings]:
    """Settings of the faces of each split, and of compound expressions of the test people."""
    first, found = 0, {}
    for split in SPLITS:
        people, frames = getattr(size, split)
        found[split] = FaceSettings(first, people, frames, seed=size.seed, bond=bond)
        first += people
    # an unrelated half would show no compound
    compound = replace(found["test"], classes=COMPOUND_7, bond="independent")
    return {**found, "compound": compound}


def prepare_world(size: Size, bonds: Sequence[Bond], out: Path, processes: int, report: Callable[[str], None]) -> None:
    """Draw the faces of worlds, and reduce their features to the main components of their training faces."""
    for bond in bonds:
        _prepare(size, bond, out, processes, report)


def _prepare(size: Size, bond: Bond, out: Path, processes: int, report: Callable[[str], None]) -> None:
    settings = face_settings(size, bond)
    for each in settings.values():
        draw_faces(each, out, processes, report)
    path = _features_path(size, bond, out)
    if path.exists():
        return
    from sklearn.utils.extmath import randomized_svd

    report("main components of the features")
    hog = {split: read_faces(each, out).hog.astype(np.float32) for split, each in settings.items()}
    mean = hog["training"].mean(0)
    _, strength, basis = randomized_svd(hog["training"] - mean, COMPONENTS, random_state=0)
    # the strongest component has variance 1: the others keep their share of the variance
    scale = np.sqrt(len(hog["training"])) / strength[0]
    sink = io.BytesIO()
    np.savez(sink, **{split: ((values - mean) @ basis.T * scale).astype(np.float32) for split, values in hog.items()})
    write_file(path, sink.getvalue())


def read_world(size: Size, bond: Bond, out: Path) -> World:
    """The world that `prepare_world` has made."""
    settings = face_settings(size, bond)
    with np.load(_features_path(size, bond, out)) as file:
        features = {name: file[name] for name in settings}
    return World({split: read_faces(each, out) for split, each in settings.items()}, features)


def run_coupled(regimes: Mapping[str, Regime], size: Size, on_gpu: bool, cell: Cell, out: Path) -> Outcome:
    """Train the networks of a cell, and test them; on a GPU where it is wanted and there."""
    import torch

    from benchmarks.claims.coupled_networks import CoupledNetwork, matched_width, train

    regime = regimes[cell.regime]
    world = read_world(size, regime.bond, out)
    lessons = make_lessons(world, regime, cell.seeds)
    units = _units(regime)
    features, width = world.features["training"].shape[1], regime.width
    if cell.arm == "multi-matched":
        width = matched_width(regime.encoder, features, width, CLASSES, len(units))
    trunks = 2 if cell.arm == "single" else 1
    predict = train(
        lambda: CoupledNetwork(regime.encoder, features, width, trunks, CLASSES, len(units)),
        lessons,
        _loss(cell.arm, cell.weight),
        cell.seeds,
        decay=cell.weight if cell.arm == "single" else 0.0,
        device="cuda" if on_gpu and torch.cuda.is_available() else "cpu",
        teach_half_way=(lambda answers: _own_answers(answers, lessons, cell.weight))
        if cell.arm == "self-training"
        else None,
    )
    chances: dict[str, tuple[Floats, Floats]] = {}
    for split in ("validation", "test", "compound"):
        answers = predict(world.inputs(split, regime.encoder))
        if cell.arm == "read-through":
            answers = _read_through(answers, lessons, cell.weight)
        classes, labels = answers.classes.softmax(-1), answers.labels.sigmoid()
        chances[split] = (classes.double().cpu().numpy(), labels.double().cpu().numpy())
    validation = _statistics(world.faces["validation"], *chances["validation"], units)
    figures = (
        f1_per_class_from(validation["expression"].sum(1)).mean(-1),
        f1_per_label_from(validation["action_units"].sum(1)).mean(-1),
    )
    statistics = _statistics(world.faces["test"], *chances["test"], units)
    if not regime.is_lower:
        statistics |= _compound_statistics(world.faces["compound"], *chances["compound"])
    return Outcome(np.mean(figures, axis=0), statistics)


def make_lessons(world: World, regime: Regime, seeds: tuple[int, ...]) -> Lessons:
    """Annotated training faces and tables for the networks of all seeds."""
    from benchmarks.claims.coupled_networks import NO_CLASS, Lessons

    faces, units = world.faces["training"], _units(regime)
    classes = np.full((len(seeds), len(faces.person)), NO_CLASS)
    annotated = np.zeros(classes.shape, bool)
    labels = np.repeat(faces.action_units[None, :, units], len(seeds), axis=0)
    tables: dict[str, list[Floats]] = {"table": [], "binary": [], "mixed": []}
    for place, seed in enumerate(seeds):
        generator = np.random.default_rng([seed, 0])
        order = generator.permutation(len(faces.person))
        shared = round(regime.overlap * min(regime.expressions, regime.action_units))
        of_class = order[: regime.expressions]
        beyond = order[regime.expressions : regime.expressions + regime.action_units - shared]
        of_labels = np.concatenate([of_class[:shared], beyond])
        classes[place, of_class] = faces.expression[of_class]
        annotated[place, of_labels] = True
        labels[place] ^= generator.random(labels[place].shape) < regime.flips
        table = make_table(regime, generator)
        base = labels[place, of_labels].mean(0)
        options = LikelihoodOptions()
        tables["table"].append(table)
        tables["binary"].append(binary(table))
        tables["mixed"].append(smoothed(table, base, options.given_rows, options.pseudo_rows))
    stacked = {name: np.stack(parts) for name, parts in tables.items()}
    return Lessons(world.inputs("training", regime.encoder), classes, labels, annotated, stacked)


def make_table(regime: Regime, generator: np.random.Generator) -> Floats:
    """The table that the coupling gets, shape (7, labels)."""
    table = expert_table(EXPRESSIONS_7, [ACTION_UNITS_17[unit] for unit in _units(regime)])
    if regime.table == "permuted":
        # every row goes to another expression
        order = generator.permutation(CLASSES)
        table[order] = table[np.roll(order, 1)]
    elif regime.table == "unrelated":
        table = generator.permutation(table.ravel()).reshape(table.shape)
    return np.clip(table + regime.noise * generator.normal(size=table.shape), 0, 1)


def world_facts(size: Size, bond: Bond, out: Path) -> dict[str, float]:
    """How far the drawn table is from the expert's, and how many test faces their true action units give away."""
    table = expert_table(EXPRESSIONS_7, ACTION_UNITS_17)
    faces = {split: read_faces(face_settings(size, bond)[split], out) for split in ("training", "test")}
    train, test = faces["training"], faces["test"]
    drawn = np.stack([train.action_units[train.expression == number].mean(0) for number in range(CLASSES)])
    share = table.clip(0.01, 0.99)
    likely = test.action_units @ np.log(share).T + ~test.action_units @ np.log(1 - share).T
    named = float((likely.argmax(1) == test.expression).mean())
    return {
        f"mean distance of the drawn table from the expert's, {bond} labels": float(np.abs(drawn - table).mean()),
        f"share of test faces whose true action units name the expression, {bond} labels": named,
    }


def _features_path(size: Size, bond: Bond, out: Path) -> Path:
    return faces_path(face_settings(size, bond)["training"], out).with_suffix(f".{COMPONENTS}.npz")


def _units(regime: Regime) -> NDArray[np.int64]:
    return np.flatnonzero(~np.array(UPPER)) if regime.is_lower else np.arange(len(ACTION_UNITS_17))


def _loss(arm: str, weight: float) -> Loss:
    """The loss of a network of an arm."""
    from abawbench.models.coupling import matching_loss, soft_label_loss, soft_labels
    from abawbench.models.likelihood import likelihood_loss
    from abawbench.models.settings import MatchingOptions, SoftLabelOptions
    from benchmarks.claims.coupled_networks import task_losses

    def loss(classes: Tensor, labels: Tensor, batch: Batch, tables: Mapping[str, Tensor]) -> Tensor:
        of_classes, of_labels = task_losses(classes, labels, batch)
        if arm in {"multi", "multi-matched"}:
            return of_classes + weight * of_labels
        total = of_classes + of_labels
        if arm == "matching":
            return total + weight * matching_loss(classes, labels, tables["table"], MatchingOptions())
        if arm == "papers":
            soft = soft_labels(batch.labels, batch.annotated, tables["table"], SoftLabelOptions())
            matched = matching_loss(classes, labels, tables["binary"], MatchingOptions())
            return total + weight * (matched + soft_label_loss(classes, soft, tables["table"]))
        if arm == "likelihood":
            return total + weight * likelihood_loss(classes, labels, *batch, tables["mixed"])
        if arm == "pseudo-labels":
            of_classes, of_labels = task_losses(classes, labels, _pseudo_labels(batch, tables["mixed"]))
            return total + weight * (of_classes + of_labels)
        return total

    return loss


def _pseudo_labels(batch: Batch, table: Tensor) -> Batch:
    """The most likely class of the faces with labels alone, and the likely labels of the faces with a class alone."""
    import torch

    from abawbench.models.likelihood import log_likelihood
    from benchmarks.claims.coupled_networks import NO_CLASS, Batch

    has_class, has_labels = batch.classes >= 0, batch.annotated.any(1)
    followed = log_likelihood(batch.labels, batch.annotated, table).argmax(1)
    classes = torch.where(has_labels & ~has_class, followed, NO_CLASS)
    labels = (table[batch.classes.clamp_min(0)] >= 0.5).to(batch.labels)
    return Batch(classes, labels, (has_class & ~has_labels)[:, None] & torch.ones_like(batch.annotated))


def _own_answers(answers: Answers, lessons: Lessons, confidence: float) -> Batch:
    """The labels of all faces, and the networks' own answers where there is none and they are sure enough."""
    import torch

    from benchmarks.claims.coupled_networks import NO_CLASS, Batch

    known = torch.as_tensor(lessons.classes).to(answers.classes.device)
    sure, guess = answers.classes.softmax(-1).max(-1)
    classes = torch.where((known == NO_CLASS) & (sure >= confidence), guess, known)
    annotated = torch.as_tensor(lessons.annotated).to(sure.device)[:, :, None].expand(answers.labels.shape)
    chance = answers.labels.sigmoid()
    is_sure = torch.maximum(chance, 1 - chance) >= confidence
    own = torch.as_tensor(lessons.labels).to(chance)
    return Batch(classes, torch.where(annotated, own, (chance >= 0.5).to(own)), annotated | is_sure)


def _read_through(answers: Answers, lessons: Lessons, weight: float) -> Answers:
    """Answers of each head with what the other says through the table, added as logits."""
    import torch

    from abawbench.models.coupling import implied_labels
    from abawbench.models.likelihood import log_likelihood
    from benchmarks.claims.coupled_networks import Answers

    classes, labels = [], []
    for place, (class_logits, label_logits) in enumerate(zip(*answers, strict=True)):
        table = torch.tensor(lessons.tables["mixed"][place], dtype=torch.float32, device=class_logits.device)
        chance = label_logits.sigmoid()
        evidence = log_likelihood(chance, torch.ones_like(chance, dtype=torch.bool), table)
        classes.append(class_logits.log_softmax(-1) + weight * evidence)
        labels.append(label_logits + weight * implied_labels(class_logits, table).logit(1e-4))
    return Answers(torch.stack(classes), torch.stack(labels))


def _statistics(faces: Faces, classes: Floats, labels: Floats, units: NDArray[np.int64]) -> dict[str, Floats]:
    """Confusion and label counts by seed and person of class and label probabilities, shape (seeds, faces, ...)."""
    people = _people(faces)
    truth, active = faces.expression.astype(np.int8), faces.action_units[:, units].astype(np.int8)
    found = classes.argmax(-1).astype(np.int8)
    return {
        "expression": np.stack([confusion(truth, row, CLASSES, people) for row in found]),
        "action_units": np.stack([label_counts(active, row, people) for row in (labels >= 0.5).astype(np.int8)]),
    }


def _compound_statistics(faces: Faces, classes: Floats, labels: Floats) -> dict[str, Floats]:
    """Confusion counts of compound expressions, by the published score and by the sum of their two parts."""
    people, truth = _people(faces), faces.expression.astype(np.int8)
    scores: dict[str, tuple[Part, ...]] = {"compound_published": PARTS, "compound_sum": ("expressions",)}
    score_of = partial(compound_scores, unit_names=ACTION_UNITS_17, expression_names=EXPRESSIONS_7)
    return {
        name: np.stack(
            [
                confusion(truth, score.argmax(-1).astype(np.int8), len(COMPOUND_7), people)
                for chances, units in zip(classes, labels, strict=True)
                for score in [score_of(units, chances, None, parts=parts)]
            ]
        )
        for name, parts in scores.items()
    }


def _people(faces: Faces) -> Groups:
    return Groups.of(faces.person, int(faces.person.max()) + 1)
