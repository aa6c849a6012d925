"""Two tasks that teach each other, beyond expressions and action units: digits, species, people.

    python examples/coupled_tasks.py digits --out out/coupled
    python examples/coupled_tasks.py species --out out/coupled
    python examples/coupled_tasks.py people --out out/coupled

Each study has a task of classes and one of labels, a table of their relatedness, and training pictures that are
annotated for one of the two. A small network learns both tasks in several ways of `training.coupling`. The baseline
reads the one task through the table from a network of the other alone: the probability of a label is the sum over
classes of p(class) W, and that of a class follows from the labels by Bayes' rule.

- `digits`: the 8 x 8 digits of scikit-learn, with six attributes that follow from the digit (loops, strokes, parity).
- `species`: drawn from a model, 12 species of 16 markings that differ between animals of one species.
- `people`: identity and attributes on the Face Research Lab London Set; neutral pictures to learn from, smiling ones to
  test on; the table is what the set states of each person.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from abawbench.challenges import Categorical, MultiLabel
from abawbench.cli.output import exits_on_problems, print_table, say
from abawbench.metrics.f1 import balanced_accuracy, mean_f1
from abawbench.models.label_mixtures import LabelRows, log_likelihood
from abawbench.models.relatedness_files import write_relatedness
from abawbench.models.relatedness_tables import base_rates, smoothed
from abawbench.models.settings import CouplingSettings, Term
from abawbench.table import Floats, Table
from abawbench.training.coupling import make_coupling
from abawbench.training.data import targets_of
from abawbench.training.objective import Weighting, make_objective
from abawbench.training.settings import TrainingSettings

Features = NDArray[np.float32]
Rows = NDArray[np.int64]

CLASSES, LABELS = "classes", "labels"
SEEDS, STEPS, BATCH, LEAST, WIDTH, RATE = 5, 400, 64, 16, 128, 2e-3
# two-sided 95 % quantiles of Student's t by degrees of freedom
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
WAYS: dict[str, tuple[Term, ...]] = {
    "multi-task": (),
    "matching": ("distribution_matching",),
    "soft co-annotation": ("soft_co_annotation",),
    "likelihood": ("likelihood",),
}

# digits by attribute: a documented choice of ours, with a pattern of its own for each digit
ATTRIBUTES = {
    "loop": (0, 6, 8, 9),
    "upper loop": (8, 9),
    "lower loop": (6, 8),
    "straight strokes alone": (1, 4, 7),
    "even": (0, 2, 4, 6, 8),
    "above four": (5, 6, 7, 8, 9),
}
SPECIES, MARKINGS = 12, 16


@dataclass(frozen=True, eq=False)
class Study:
    """Pictures of one study, with everything that is known of them.

    Attributes:
        classes: task of the classes.
        labels: task of the labels.
        table: relatedness, shape (classes, labels), NaN where not known.
        features: features of the pictures, shape (pictures, features).
        number: class of each picture, shape (pictures,).
        shown: labels, 0 or 1, -1 where not known, shape (pictures, labels).
        is_test: True for the pictures of the test, shape (pictures,).
        regimes: numbers of training pictures with a class and with labels, by name.
    """

    classes: Categorical
    labels: MultiLabel
    table: Floats
    features: Features
    number: Rows
    shown: NDArray[np.int8]
    is_test: NDArray[np.bool_]
    regimes: Mapping[str, tuple[int, int]]


class Network(nn.Module):
    """A hidden layer, and a linear head for each task."""

    def __init__(self, features: int, classes: int, labels: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(features, WIDTH), nn.ReLU(), nn.Dropout(0.3))
        self.heads = nn.ModuleDict({CLASSES: nn.Linear(WIDTH, classes), LABELS: nn.Linear(WIDTH, labels)})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Logits of each task, of features of shape (pictures, features)."""
        hidden = self.trunk(features)
        return {name: head(hidden) for name, head in self.heads.items()}


def digits_study() -> Study:
    """The digits of scikit-learn, a third of them for the test."""
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    number = np.asarray(found.target, np.int64)
    table = np.array([[float(digit in digits) for digits in ATTRIBUTES.values()] for digit in range(10)])
    return Study(
        Categorical(CLASSES, tuple(str(digit) for digit in range(10)), -1),
        MultiLabel(LABELS, tuple(ATTRIBUTES), -1),
        table,
        ((np.asarray(found.data) - 8) / 8).astype(np.float32),
        number,
        table[number].astype(np.int8),
        np.arange(len(number)) % 3 == 2,
        {"30 classes, 600 labels": (30, 600), "600 classes, 30 labels": (600, 30)},
    )


def species_study(seed: int = 0, pictures: int = 4000) -> Study:
    """Animals drawn from a model: a picture shows its species, and the markings that this animal happens to have."""
    random = np.random.default_rng(seed)
    table = random.beta(0.5, 0.5, (SPECIES, MARKINGS)).clip(0.02, 0.98)
    number = random.integers(0, SPECIES, pictures)
    shown = (random.random((pictures, MARKINGS)) < table[number]).astype(np.int8)
    width = 64
    kind, marks = random.normal(0, 1, (SPECIES, width)), random.normal(0, 0.8, (MARKINGS, width))
    plain = kind[number] + (shown - 0.5) @ marks + random.normal(0, 1.6, (pictures, width))
    features = np.tanh(plain @ random.normal(0, 1 / np.sqrt(width), (width, width)) / 2)
    return Study(
        Categorical(CLASSES, tuple(f"species {place}" for place in range(1, SPECIES + 1)), -1),
        MultiLabel(LABELS, tuple(f"marking {place}" for place in range(1, MARKINGS + 1)), -1),
        table,
        features.astype(np.float32),
        number,
        shown,
        np.arange(pictures) % 2 == 1,
        {"60 classes, 1500 labels": (60, 1500), "1500 classes, 60 labels": (1500, 60)},
    )


def people_study() -> Study:
    """The London faces by HOG features: a neutral picture of each person to learn from, a smiling one for the test."""
    from london import attributes_of, crop_faces, labels_of, people_of
    from real_data import ATTRIBUTION, real_data

    from abawbench.clips.clip import clips_of_crops
    from abawbench.entries.baselines.classical import hog

    data = real_data()
    click.echo(ATTRIBUTION)
    people = people_of(data)
    with tempfile.TemporaryDirectory() as folder:
        crop_faces(data, people, Path(folder))
        clips = clips_of_crops(Path(folder), labels_of(people))
        features = np.concatenate([hog(clip.read(np.arange(len(clip))), cell=14) for clip in clips])
    stated = [attributes_of(data)[person] for person in people]
    names = ("woman", "under 25", "over 34", *(f"ethnicity {name}" for name in ("white", "black", "east_asian")))
    table = np.array([_attributes(row) for row in stated])
    number = np.repeat(np.arange(len(people)), 2)
    half = len(people) // 2
    return Study(
        Categorical(CLASSES, people, -1),
        MultiLabel(LABELS, names, -1),
        table,
        features.astype(np.float32),
        number,
        np.nan_to_num(table[number], nan=-1).astype(np.int8),
        np.arange(len(number)) % 2 == 1,
        {
            f"{len(people)} identities, attributes of {half} of them": (len(people), half),
            f"{half} identities, attributes of the others": (half, len(people) - half),
        },
    )


def _attributes(stated: Mapping[str, str]) -> list[float]:
    age, gender, ethnicity = (stated.get(name, "NA") for name in ("age", "gender", "ethnicity"))
    years = np.nan if age == "NA" else float(age)
    young, old = (np.nan, np.nan) if age == "NA" else (float(years < 25), float(years > 34))
    woman = np.nan if gender == "NA" else float(gender == "female")
    kinds = [np.nan if ethnicity == "NA" else float(ethnicity == name) for name in ("white", "black", "east_asian")]
    return [woman, young, old, *kinds]


def annotate(study: Study, regime: tuple[int, int], seed: int) -> tuple[Rows, Table]:
    """Draw the training pictures of a seed, and their annotation: a class, labels, or both where there are too few.

    Returns:
        Rows of the study, and the truth of these pictures.
    """
    with_class, with_labels = regime
    free = np.random.default_rng(seed).permutation(np.flatnonzero(~study.is_test))
    chosen = free[: min(len(free), with_class + with_labels)]
    number, shown = study.number[chosen].astype(np.int8), study.shown[chosen].copy()
    number[with_class:], shown[: len(chosen) - with_labels] = -1, -1
    videos = tuple(f"picture {row}" for row in chosen)
    values = {CLASSES: number, LABELS: shown}
    return chosen, Table(videos, np.arange(len(chosen), dtype=np.int32), np.ones(len(chosen), np.int32), values)


def learn(
    study: Study, chosen: Rows, truth: Table, coupling: CouplingSettings | None, tasks: Sequence[str], seed: int
) -> dict[str, Floats]:
    """Train a network, and return its probabilities for every picture of the study, by task."""
    known = [task for task in (study.classes, study.labels) if task.name in tasks]
    made = None if coupling is None else make_coupling(coupling, known, truth)
    settings = TrainingSettings(coupling=coupling)
    objective = make_objective(settings, known, truth, made)
    weighting = Weighting(objective.names, settings.weighting)
    targets = targets_of(known, truth, np.arange(len(chosen)))
    own = study.features[chosen]
    scale = own.std(0) + 1e-3
    features = torch.from_numpy((study.features - own.mean(0)) / scale)
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = Network(features.shape[1], study.classes.width, study.labels.width)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01)
    groups = [np.flatnonzero(truth.values[CLASSES] >= 0), np.flatnonzero((truth.values[LABELS] >= 0).any(1))]
    groups = [group for group, task in zip(groups, (CLASSES, LABELS), strict=True) if task in tasks]
    whole = sum(len(group) for group in groups)
    for step in range(STEPS):
        # every step has pictures of each task
        places = np.concatenate(
            [random.choice(group, max(LEAST, round(BATCH * len(group) / whole))) for group in groups]
        )
        optimiser.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        outputs = network(features[torch.from_numpy(chosen[places])])
        batch = {name: target.take(torch.from_numpy(places)) for name, target in targets.items()}
        loss = weighting(objective.losses_of(batch, outputs, None))
        assert loss is not None
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        answers = network.eval()(features)
    chances = {CLASSES: answers[CLASSES].softmax(1), LABELS: answers[LABELS].sigmoid()}
    return {name: chances[name].double().numpy() for name in tasks}


def answers_of(study: Study, regime: tuple[int, int], seed: int, file: Path) -> dict[str, dict[str, Floats]]:
    """Probabilities by way and task, of every picture of the study."""
    chosen, truth = annotate(study, regime, seed)
    alone = {task: learn(study, chosen, truth, None, [task], seed)[task] for task in (CLASSES, LABELS)}
    base = base_rates(truth.values[LABELS], truth.values[LABELS] >= 0)
    table = smoothed(study.table, base, 10, 2)
    # the labels that a network gives stand for the labels of the picture
    every = LabelRows(
        np.full(len(study.number), -1), alone[LABELS], np.ones(alone[LABELS].shape, bool), np.arange(len(study.number))
    )
    evidence = np.exp(log_likelihood(every, table))
    through = {CLASSES: evidence / evidence.sum(1, keepdims=True), LABELS: alone[CLASSES] @ table}
    found = {"single networks": alone, "read through the table": through}
    for way, terms in WAYS.items():
        coupling = CouplingSettings(terms, CLASSES, LABELS, table=file) if terms else None
        found[way] = learn(study, chosen, truth, coupling, (CLASSES, LABELS), seed)
    return found


def judge(study: Study, answers: Mapping[str, Floats]) -> tuple[float, float]:
    """Balanced accuracy of the classes and mean F1 of the labels, over the pictures of the test."""
    test = study.is_test
    classes = balanced_accuracy(
        study.number[test].astype(np.int16),
        answers[CLASSES][test].argmax(1).astype(np.int16),
        classes=study.classes.width,
    )
    known = test & (study.shown >= 0).all(1)
    labels = mean_f1(study.shown[known], (answers[LABELS][known] > 0.5).astype(np.int8))
    return classes, labels


def compare(study: Study, out: Path, seeds: int, report: Callable[[str], None]) -> dict[str, list[list[str]]]:
    """Both figures of every way with 95 % intervals over seeds, as rows of a table for each regime."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "relatedness.csv"
    write_relatedness(file, study.table, study.classes.outputs, study.labels.outputs)
    tables: dict[str, list[list[str]]] = {}
    for name, regime in study.regimes.items():
        _, truth = annotate(study, regime, 0)
        settings = CouplingSettings(classes=CLASSES, labels=LABELS, table=file)
        for note in make_coupling(settings, (study.classes, study.labels), truth).notes:
            report(f"  {name}: {note}")
        figures: dict[str, list[tuple[float, float]]] = {}
        for seed in range(seeds):
            for way, answers in answers_of(study, regime, seed, file).items():
                figures.setdefault(way, []).append(judge(study, answers))
            report(f"  {name}: seed {seed + 1} of {seeds}")
        tables[name] = [[way, *map(_interval, zip(*found, strict=True))] for way, found in figures.items()]
    return tables


def _interval(values: Sequence[float]) -> str:
    mean, count = np.mean(values), len(values)
    if count < 2:
        return f"{mean:.3f}"
    half = STUDENT[min(count - 1, max(STUDENT))] * np.std(values, ddof=1) / np.sqrt(count)
    return f"{mean:.3f} ± {half:.3f}"


STUDIES = {"digits": digits_study, "species": species_study, "people": people_study}


@click.command()
@click.argument("study", type=click.Choice(tuple(STUDIES)))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Output folder.")
@click.option("--seeds", default=SEEDS, show_default=True, type=click.IntRange(1, 10), help="Number of seeds.")
@exits_on_problems
def main(study: str, out: Path, seeds: int) -> None:
    """Compare the ways to couple a task of classes with one of labels, on digits, species or people."""
    made = STUDIES[study]()
    say(f"{(~made.is_test).sum():,} pictures to learn from, {made.is_test.sum():,} to test on")
    for regime, rows in compare(made, out / study, seeds, say).items():
        click.echo(f"annotated: {regime}")
        print_table(rows, ["way", "classes: balanced accuracy", "labels: mean F1"])


if __name__ == "__main__":
    main()
