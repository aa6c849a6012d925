"""Public networks on real faces: as they are, on crops they do not expect, and as features under a linear probe.

    python examples/real_faces_pretrained.py --out out/real_pretrained

The networks were not trained on these people. They answer from the crops that their cards ask for and, as a control,
from crops of the whole head, which `predict` takes only because a copy of the card asks for them. A ridge regression on
their features is trained, five folds by person. Two controls say what these features add: the same on features of a
random network, and on labels that are exchanged for a random half of the people.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import click
import numpy as np
from commands import abawbench
from london import (
    CHALLENGE,
    DATASET,
    SEED,
    TRUTH,
    Result,
    crop_faces,
    evaluate,
    folds,
    labels_of,
    people_of,
    probabilities,
)
from real_data import ATTRIBUTION, NETWORKS, public_network, real_data

from abawbench.base.files import write_text
from abawbench.cli.output import exits_on_problems
from abawbench.clips.crop import ARCFACE, WIDE, Crop
from abawbench.clips.crop_file import CROP_FILE
from abawbench.entries import load_entry
from abawbench.formats.write import write_annotations
from abawbench.table import Floats

PROBE = "2026_abawbench_ridge-probe"
RANDOM = "iresnet18"


def crops_of(people: Sequence[str], crop: Crop, out: Path) -> Path:
    """The folder of the crops of one kind, which are made the first time."""
    folder = out / "crops" / crop.name
    if not (folder / CROP_FILE).exists():
        crop_faces(real_data(), people, folder, crop)
    return folder


def crop_of(entry: Path) -> Crop:
    """The crop that the card of an entry asks for."""
    picture = load_entry(str(entry)).card.picture
    assert picture is not None
    return Crop.named(picture.crop, picture.size)


def predicted(entry: Path, crops: Path, store: Path) -> Result:
    """Judge an entry as it is, by the more probable one of the two classes that occur."""
    abawbench("predict", entry, crops, "-o", store, "--precision", "float32")
    return evaluate(probabilities(store), TRUTH)


def extract(network: Path | str, crops: Path, features: Path, *options: object) -> None:
    """Keep the features of a network, computed in float32 on every machine."""
    abawbench("extract", network, crops, "-o", features, "--precision", "float32", *options)


def probed(features: Path, out: Path, people: Sequence[str], exchanged: Collection[str] = ()) -> Result:
    """Judge a ridge regression on features, which is fitted on the other people for each fold.

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
        dataset = ("--set", f"training.dataset={DATASET}")
        abawbench("train", PROBE, "--features", features, *labels, *dataset, "-o", folder / "run")
        abawbench("predict", folder / "run", features, "-o", folder / "store")
        given = probabilities(folder / "store")
        answers |= {person: given[person] for person in held_out}
    return evaluate(answers)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder.")
@exits_on_problems
def main(out: Path) -> None:
    """Tell smiling from neutral faces with two public networks, and print accuracies with intervals over people."""
    click.echo(f"{ATTRIBUTION}\n")
    people = people_of(real_data())
    results: dict[str, Result] = {}
    features: dict[str, Path] = {}
    for full_name in NETWORKS:
        name = full_name.split("_", 2)[-1]
        own, wide = public_network(full_name, out / "entries"), public_network(full_name, out / "wide", WIDE)
        for title, entry in ((name, own), (f"{name}, crops it does not expect", wide)):
            crops = crops_of(people, crop_of(entry), out)
            results[title] = predicted(entry, crops, out / "stores" / entry.parent.name / name)
        features[name] = out / "features" / name
        extract(own, crops_of(people, crop_of(own), out), features[name])
    features["random network"] = out / "features" / "random"
    extract(RANDOM, crops_of(people, ARCFACE, out), features["random network"], "--seed", SEED)
    for name, folder in features.items():
        results[f"probe of {name}"] = probed(folder, out / "probes" / folder.name, people)
    name, folder = next(iter(features.items()))
    order = np.random.default_rng(SEED).permutation(people)
    exchanged = order[: len(order) // 2].tolist()
    shuffled = probed(folder, out / "probes" / "exchanged", people, exchanged)
    results[f"probe of {name}, half of the labels exchanged"] = shuffled
    click.echo(f"\n{len(order)} people; probes: five folds by person; 95 % intervals over people")
    for name, result in results.items():
        click.echo(f"  {name:58s} {result.describe()}")
    record = {name: [float(result.right.mean()), float(result.ranked.mean())] for name, result in results.items()}
    write_text(out / "results.json", json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
