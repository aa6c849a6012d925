"""Expression networks on real faces, tested on held-out people: from scratch, from drawn faces, or on these alone.

This needs the output of `examples/real_faces.py --out FACES`, and a network trained on drawn faces, as
`examples/drawn_faces.py` makes one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from commands import abawbench
from london import CHALLENGE, TRUTH, Result, evaluate, folds, labels_of, probabilities

from abawbench.formats.write import write_annotations
from abawbench.table import Floats

ENTRY = "2026_abawbench_facebehaviornet"
EPOCHS = 80


def five_folds(faces: Path, out: Path, people: Sequence[str], start: Sequence[str]) -> Result:
    """Train a network for each fold; its people are used neither for training nor for the choice of an epoch."""
    answers: dict[str, Floats] = {}
    dealt = folds(people)
    for number, held_out in enumerate(dealt, start=1):
        others = [person for fold in dealt if fold is not held_out for person in fold]
        chosen_by, learned = others[:8], others[8:]
        folder = out / f"fold{number}"
        folder.mkdir(parents=True, exist_ok=True)
        train, validation = folder / "train.txt", folder / "validation.txt"
        write_annotations(CHALLENGE, labels_of(learned), train)
        write_annotations(CHALLENGE, labels_of(chosen_by), validation)
        labels = ("--train", train, "--validation", validation)
        settings = ("--set", f"training.epochs={EPOCHS}", "--set", "training.batch=32", *start)
        abawbench("train", ENTRY, faces, "-o", folder / "run", *labels, *settings)
        abawbench("predict", folder / "run", faces, "-o", folder / "store", "--precision", "float32")
        predicted = probabilities(folder / "store")
        answers |= {person: predicted[person] for person in held_out}
    return evaluate({person: answers[person] for person in people})


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
    people = sorted(path.name for path in (faces / "cropped_aligned").iterdir() if path.is_dir())
    abawbench("predict", drawn, faces, "-o", out / "drawn", "--precision", "float32")
    results = {"drawn faces alone, no real picture": evaluate(probabilities(out / "drawn"), TRUTH)}
    trunk = f'settings.trunk.weights={{file="{(drawn / "backbone.safetensors").resolve()}"}}'
    results["from scratch"] = five_folds(faces, out / "scratch", people, ())
    results["started from drawn faces"] = five_folds(faces, out / "started", people, ("--set", trunk))
    print(f"\n{len(people)} people, five folds, {EPOCHS} epochs; 95 % intervals over people")
    for name, result in results.items():
        print(f"  {name:36s} {result.describe()}")
    record = {name: [float(result.right.mean()), float(result.ranked.mean())] for name, result in results.items()}
    (out / "results.json").write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
