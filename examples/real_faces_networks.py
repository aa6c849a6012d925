"""Expression networks on real faces, tested on held-out people: from scratch, from drawn faces, or on these alone.

This needs the output of `examples/real_faces.py --out FACES`, and a network trained on drawn faces, as
`examples/drawn_faces.py` makes one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from abawbench.inference.store import open_store
from abawbench.labels import EXPRESSIONS_8

ENTRY = "2026_abawbench_facebehaviornet"
HEADER = "image,valence,arousal,expression,aus"
NEUTRAL, HAPPINESS = EXPRESSIONS_8.index("Neutral"), EXPRESSIONS_8.index("Happiness")
FOLDS, EPOCHS, RESAMPLES = 5, 80, 10_000
Probabilities = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Result:
    """Result on held-out people.

    Attributes:
        right: shape (people,), share of the pictures that are predicted correctly.
        ranked: shape (people,), 1 if the smiling picture gets the higher probability of happiness, else 0.
    """

    right: NDArray[np.float64]
    ranked: NDArray[np.float64]

    def describe(self) -> str:
        """Both means, with 95 % intervals over people."""
        return f"accuracy {_share(self.right)}, smiling ranked above neutral {_share(self.ranked)}"


def _share(values: NDArray[np.float64]) -> str:
    """Mean of values by person, shape (people,), with its percentile interval over resampled people."""
    random = np.random.default_rng(0)
    means = values[random.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def abawbench(*words: object) -> None:
    """Show a command and run it."""
    command = [str(word) for word in words]
    print(f"$ abawbench {' '.join(command)}", flush=True)
    subprocess.run([sys.executable, "-m", "abawbench", *command], check=True)  # noqa: S603 - our own command


def probabilities(store: Path) -> Probabilities:
    """By person, the probabilities of the eight expressions for the neutral and the smiling picture, shape (2, 8)."""
    opened = open_store(store)
    return {unit: opened.read(unit).answers["expression"] for unit in opened.units()}


def evaluate(answers: Probabilities, people: Sequence[str], classes: NDArray[np.int64]) -> Result:
    """Compare the most probable of some classes with the truth.

    Args:
        answers: probabilities by person.
        people: the people to evaluate.
        classes: the classes that may be predicted, as indices into `EXPRESSIONS_8`.
    """
    truth = np.array([NEUTRAL, HAPPINESS])
    right: list[float] = []
    ranked: list[float] = []
    for person in people:
        given = answers[person]
        predicted = classes[given[:, classes].argmax(axis=1)]
        right.append(float((predicted == truth).mean()))
        ranked.append(float(given[1, HAPPINESS] > given[0, HAPPINESS]))
    return Result(np.array(right), np.array(ranked))


def write_labels(path: Path, people: Sequence[str]) -> Path:
    """Write the labels of people in the layout of s-Aff-Wild2: a neutral and a smiling picture each."""
    unknown = ",".join(["-1"] * 12)
    rows = [
        f"{person}/{place:05d}.jpg,-5,-5,{label},{unknown}" for person in people for place, label in ((1, 0), (2, 4))
    ]
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def five_folds(faces: Path, out: Path, people: Sequence[str], start: Sequence[str]) -> Result:
    """Train a network for each fold; its people are used neither for training nor for the choice of an epoch."""
    order = np.random.default_rng(0).permutation(len(people))
    folds = [[people[int(place)] for place in part] for part in np.array_split(order, FOLDS)]
    answers: dict[str, NDArray[np.float64]] = {}
    for number, held_out in enumerate(folds, start=1):
        others = [person for fold in folds if fold is not held_out for person in fold]
        chosen_by, learned = others[:8], others[8:]
        folder = out / f"fold{number}"
        folder.mkdir(parents=True, exist_ok=True)
        train, validation = (
            write_labels(folder / "train.txt", learned),
            write_labels(folder / "validation.txt", chosen_by),
        )
        labels = ("--train", train, "--validation", validation)
        settings = ("--set", f"training.epochs={EPOCHS}", "--set", "training.batch=32", *start)
        abawbench("train", ENTRY, faces, "-o", folder / "run", *labels, *settings)
        abawbench("predict", folder / "run", faces, "-o", folder / "store", "--precision", "float32")
        predicted = probabilities(folder / "store")
        answers |= {person: predicted[person] for person in held_out}
    return evaluate(answers, people, np.arange(len(EXPRESSIONS_8)))


@click.command()
@click.option(
    "--faces", type=click.Path(path_type=Path, exists=True), required=True, help="Output folder of real_faces.py."
)
@click.option(
    "--drawn",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    help="Run folder of a network trained on drawn faces.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder.")
def main(faces: Path, drawn: Path, out: Path) -> None:
    """Compare three ways to train an expression network, on 102 people."""
    people = sorted(path.name for path in (faces / "cropped_aligned").iterdir())
    abawbench("predict", drawn, faces, "-o", out / "drawn", "--precision", "float32")
    results = {
        "drawn faces alone, no real picture": evaluate(
            probabilities(out / "drawn"), people, np.array([NEUTRAL, HAPPINESS])
        )
    }
    trunk = f'settings.trunk.weights={{file="{(drawn / "backbone.safetensors").resolve()}"}}'
    results["from scratch"] = five_folds(faces, out / "scratch", people, ())
    results["started from drawn faces"] = five_folds(faces, out / "started", people, ("--set", trunk))
    print(f"\n{len(people)} people, {FOLDS} folds, {EPOCHS} epochs; 95 % intervals over people")
    for name, result in results.items():
        print(f"  {name:36s} {result.describe()}")
    record = {name: [float(result.right.mean()), float(result.ranked.mean())] for name, result in results.items()}
    (out / "results.json").write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
