"""A public network on real faces, compared between groups of people, on the Face Research Lab London Set.

    python examples/london_fairness.py --out out/london_fairness

The face-api network answers from crops of 102 people, a neutral face and a smiling one each. Its answers are scored
against the recording condition, and `abawbench fairness` compares the people by the gender, age and ethnicity that the
set states. That shows only that the code works: the conditions are no truth about a picture, groups are small, and the
people are adults in a studio who volunteered.
"""

from __future__ import annotations

from pathlib import Path

import click
from commands import abawbench
from london import CHALLENGE, attributes_of, labels_of, people_of
from real_data import ATTRIBUTION, public_network, real_data
from real_faces_pretrained import crop_of, crops_of

from abawbench.base.files import write_text
from abawbench.cli.output import exits_on_problems
from abawbench.formats.write import write_annotations

NETWORK = "2018_muehler_face-api-expression"
ATTRIBUTES = ("gender", "age", "ethnicity")


def write_groups(people: tuple[str, ...], path: Path) -> None:
    """Write the groups of people, as the set states them, for `abawbench fairness`."""
    stated = attributes_of(real_data())
    lines = [",".join((person, *(stated[person].get(name, "") for name in ATTRIBUTES))) for person in people]
    write_text(path, "\n".join([",".join(("person", *ATTRIBUTES)), *lines]) + "\n")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder.")
@click.option("--network", default=NETWORK, show_default=True, help="Entry of a public network.")
@exits_on_problems
def main(out: Path, network: str) -> None:
    """Crop the faces, run the network, and compare groups of people."""
    click.echo(f"{ATTRIBUTION}\n")
    people = people_of(real_data())
    click.echo(compare(people, out, network))


def compare(people: tuple[str, ...], out: Path, network: str, *options: str) -> str:
    """Run a network on people, and return the comparison of their groups as `abawbench fairness` prints it."""
    entry = public_network(network, out / "entries")
    crops = crops_of(people, crop_of(entry), out)
    truth, groups = out / "truth.txt", out / "people.csv"
    write_annotations(CHALLENGE, labels_of(people), truth)
    write_groups(people, groups)
    abawbench("predict", entry, crops, "-o", out / "store", "--precision", "float32")
    return abawbench("fairness", CHALLENGE.id, truth, out / "store", "--groups", groups, *options)


if __name__ == "__main__":
    main()
