"""Public networks on real faces: as they are, on crops they do not expect, and as features under a linear probe.

    python examples/real_faces_pretrained.py --faces out/real_faces --out out/real_pretrained

This needs the output of `examples/real_faces.py --out FACES`. No network has been trained on these people. A ridge
regression on their features is, five folds by person. Two controls say what the features add: the same regression on
features of a random network, and one that learns from labels which are exchanged for a random half of the people.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import click
import numpy as np
from commands import abawbench
from london import CHALLENGE, SEED, TRUTH, Result, crop_faces, evaluate, folds, labels_of, probabilities
from real_data import ATTRIBUTION, NETWORKS, public_network, real_data

from abawbench.base.files import write_text
from abawbench.cli.output import exits_on_problems
from abawbench.clips.crop import WIDE
from abawbench.formats.write import write_annotations
from abawbench.table import Floats

PROBE = "2026_abawbench_ridge-probe"
RANDOM = "iresnet18"
# output of both graphs before their last layer
LAYER = "feature"


def predicted(entry: Path, crops: Path, store: Path) -> Result:
    """Answers of an entry as it is, the more probable one of the two classes that occur."""
    abawbench("predict", entry, crops, "-o", store, "--precision", "float32")
    return evaluate(probabilities(store), TRUTH)


def probed(features: Path, out: Path, people: Sequence[str], exchanged: Collection[str] = ()) -> Result:
    """A ridge regression on features, for each fold fitted on the people of the others.

    Args:
        features: folder that `abawbench extract` wrote.
        out: folder for the fits and their answers.
        people: the people, dealt into the folds.
        exchanged: people whose labels are exchanged where they are learnt from.
    """
    answers: dict[str, Floats] = {}
    for number, held_out in enumerate(folds(people), start=1):
        folder = out / f"fold{number}"
        folder.mkdir(parents=True, exist_ok=True)
        train, validation = folder / "train.txt", folder / "validation.txt"
        learned = [person for person in people if person not in held_out]
        write_annotations(CHALLENGE, labels_of(learned, exchanged), train)
        write_annotations(CHALLENGE, labels_of(held_out), validation)
        labels = ("--train", train, "--validation", validation)
        abawbench("train", PROBE, "--features", features, *labels, "-o", folder / "run")
        abawbench("predict", folder / "run", features, "-o", folder / "store")
        given = probabilities(folder / "store")
        answers |= {person: given[person] for person in held_out}
    return evaluate(answers)


@click.command()
@click.option(
    "--faces", type=click.Path(path_type=Path, exists=True), required=True, help="Output folder of real_faces.py."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder.")
@exits_on_problems
def main(faces: Path, out: Path) -> None:
    """Tell smiling from neutral faces with two public networks, and print accuracies with intervals over people."""
    data = real_data()
    click.echo(f"{ATTRIBUTION}\n")
    people = sorted(path.name for path in (faces / "cropped_aligned").iterdir() if path.is_dir())
    results: dict[str, Result] = {}
    features: dict[str, Path] = {}
    crop_faces(data, people, out / "wide", WIDE)
    for entry_name in NETWORKS:
        name = entry_name.split("_", 2)[-1]
        entry = public_network(entry_name, out / "entries")
        results[name] = predicted(entry, faces, out / "stores" / name)
        wide = public_network(entry_name, out / "wide-entries", WIDE)
        results[f"{name}, crops it does not expect"] = predicted(wide, out / "wide", out / "stores" / f"{name}-wide")
        features[name] = out / "features" / name
        abawbench("extract", entry, faces, "-o", features[name], "--layer", LAYER)
    features[f"random {RANDOM}"] = out / "features" / RANDOM
    abawbench("extract", RANDOM, faces, "-o", out / "features" / RANDOM, "--seed", SEED)
    for name, folder in features.items():
        results[f"probe of {name}"] = probed(folder, out / "probes" / folder.name, people)
    exchanged = np.random.default_rng(SEED).permutation(people)[: len(people) // 2].tolist()
    for name, folder in list(features.items())[:1]:
        shuffled = probed(folder, out / "probes" / f"{folder.name}-exchanged", people, exchanged)
        results[f"probe of {name}, half of the labels exchanged"] = shuffled
    click.echo(f"\n{len(people)} people; probes: five folds by person; 95 % intervals over people")
    for name, result in results.items():
        click.echo(f"  {name:62s} {result.describe()}")
    record = {name: [float(result.right.mean()), float(result.ranked.mean())] for name, result in results.items()}
    write_text(out / "results.json", json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
