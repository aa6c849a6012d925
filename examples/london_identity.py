"""Who is it, and what are they like: identification, verification and attributes on the Face Research Lab London Set.

    python examples/london_identity.py --out out/london_identity

Each of 102 people has two pictures: a neutral one to learn from, and a smiling one to test on. Features of a network
are compared by their cosine: is the nearest neutral picture of a smile that of the same person, and how many pairs of
one person are accepted where few pairs of two people are? Then a small FaceBehaviorNet with heads for the person and
for attributes is trained by `abawbench train`, and scored. The control answers attributes by the person that the
identity head names: it needs no attribute head, since whoever knows the person can look them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from commands import abawbench
from london import attributes_of, people_of
from real_data import ATTRIBUTION, NETWORKS, public_network, real_data
from real_faces_pretrained import crops_of

from abawbench.api import read_table, score
from abawbench.challenges import get
from abawbench.cli.output import exits_on_problems
from abawbench.clips.crop import ARCFACE
from abawbench.clips.features import clips_of_features
from abawbench.formats.write import write_annotations
from abawbench.metrics.identification import Rate, rank_one_rate, verification_rates
from abawbench.table import Floats, Table

CHALLENGE = get("london-identity")
IDENTITY, ATTRIBUTES = CHALLENGE.tasks
HEADS = "2021_kollias_facebehaviornet-identity-attributes/tiny"
NETWORK = next(iter(NETWORKS))
FALSE_ACCEPTS = (0.1, 0.01, 0.001)
TRAIN, TEST = 1, 2


def labels_of(people: Sequence[str], frame: int) -> Table:
    """Identity and attributes of one frame of each person."""
    stated = attributes_of(real_data())
    marks = [{stated[person]["gender"], *stated[person]["ethnicity"].split("/")} for person in people]
    return Table(
        videos=tuple(people),
        video=np.arange(len(people), dtype=np.int32),
        frame=np.full(len(people), frame, np.int32),
        values={
            IDENTITY.name: np.array([IDENTITY.outputs.index(person) for person in people], np.int8),
            ATTRIBUTES.name: np.array([[name in own for name in ATTRIBUTES.outputs] for own in marks], np.int8),
        },
    )


def prepare(people: Sequence[str], out: Path, network: str) -> tuple[Path, Path]:
    """Crop faces, write the labels of both splits, and return the folders of the crops and of a network's features."""
    crops, features = crops_of(people, ARCFACE, out), out / "features"
    for name, frame in (("train", TRAIN), ("test", TEST)):
        (place,) = CHALLENGE.annotation_places[name]
        write_annotations(CHALLENGE, labels_of(people, frame), out / place)
    entry = public_network(network, out / "entries")
    abawbench("extract", entry, crops, "-o", features, "--precision", "float32")
    return crops, features


def cosines(features: Path, people: Sequence[str]) -> Floats:
    """Cosines of the features of the smiling pictures with those of the neutral ones, shape (people, people)."""
    known = {clip.video: clip for clip in clips_of_features(features)}
    vectors = np.stack([known[person].vectors() for person in people]).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors[:, 1] @ vectors[:, 0].T


def describe(name: str, rate: Rate) -> str:
    """A line with a rate and its interval."""
    interval = "" if rate.interval is None else f" ({rate.interval[0]:.3f} to {rate.interval[1]:.3f})"
    return f"  {name:48s} {rate.value:.3f}{interval}"


def compared(scores: Floats) -> dict[str, Rate]:
    """Identification and verification from the similarity of each probe with each gallery picture."""
    number = np.arange(len(scores))
    pairs = np.stack(np.meshgrid(number, number, indexing="ij"), axis=-1).reshape(-1, 2)
    rates = verification_rates(pairs, scores.ravel(), false_accepts=FALSE_ACCEPTS)
    return {
        "rank-1 identification": rank_one_rate(scores, number, number),
        **{f"verification at {rate:g} false accepts": own for rate, own in zip(FALSE_ACCEPTS, rates, strict=True)},
    }


def trained(people: Sequence[str], crops: Path, out: Path, *options: str) -> dict[str, float | None]:
    """Train heads for the person and attributes on the neutral pictures, and score them on the smiling ones."""
    (truth,) = CHALLENGE.annotation_places["test"]
    abawbench("train", HEADS, crops, "--truth", out, "-o", out / "run", *options)
    abawbench("predict", out / "run", crops, "-o", out / "store", "--precision", "float32")
    test, answers = read_table(CHALLENGE, out / truth, "truth"), read_table(CHALLENGE, out / "store", "prediction")
    answers = answers.take(np.flatnonzero(answers.frame == TEST))
    found = score(CHALLENGE.id, test, answers)
    looked_up = labels_of(people, TEST).classes(ATTRIBUTES.name)
    named = answers.classes(IDENTITY.name)
    place = {IDENTITY.outputs.index(person): number for number, person in enumerate(people)}
    rows = np.array([place.get(int(person), -1) for person in named])
    by_person = replace(
        answers,
        values={**answers.values, ATTRIBUTES.name: np.where(rows[:, None] >= 0, looked_up[rows], 0).astype(np.int8)},
    )
    control = score(CHALLENGE.id, test, by_person)
    return {
        "identity, accuracy of the head": found.terms[IDENTITY.name],
        "attributes, balanced accuracy of the heads": found.terms[ATTRIBUTES.name],
        "attributes of the person that is named (control)": control.terms[ATTRIBUTES.name],
    }


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder.")
@click.option("--network", default=NETWORK, show_default=True, help="Entry of a public network.")
@exits_on_problems
def main(out: Path, network: str) -> None:
    """Identify and verify 102 people by features that were trained on expressions, and train heads of their own."""
    click.echo(f"{ATTRIBUTION}\n")
    people = people_of(real_data())
    crops, features = prepare(people, out, network)
    rates = compared(cosines(features, people))
    values = trained(people, crops, out)
    click.echo(f"\n{len(people)} people; 95 % intervals over people\nfeatures of {network}")
    for name, rate in rates.items():
        click.echo(describe(name, rate))
    click.echo(HEADS)
    for name, value in values.items():
        click.echo(f"  {name:48s} {value:.3f}")


if __name__ == "__main__":
    main()
