"""Synthesised smiles of real people, on the Face Research Lab London Set, judged by a network of others.

    python examples/synthesise_london.py --out london_smiles

Each of 102 people has a neutral and a smiling picture. A small FERSNet learns from four fifths of the people to give a
face the other expression, and does so for the last fifth, five times. face-api's expression network, which others
trained on other faces, says how happy a face looks; histograms of oriented gradients say which of the 102 people it is
most like. Nobody's feelings are measured: "smiling" is the recording condition.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np
from commands import abawbench
from london import CHALLENGE, CONDITIONS, crop_faces, folds, labels_of, people_of, probabilities, share
from numpy.typing import NDArray
from real_data import ATTRIBUTION, public_network, real_data

from abawbench.base.files import make_folder, write_file, write_text
from abawbench.cli.output import exits_on_problems, print_table
from abawbench.clips import sheet
from abawbench.clips.clip import Frames, clips_of_units
from abawbench.clips.crop import ARCFACE
from abawbench.clips.crop_file import write_crop
from abawbench.clips.images import encode_jpeg
from abawbench.entries.baselines.classical import hog
from abawbench.formats.write import write_annotations
from abawbench.labels import EXPRESSIONS_8
from abawbench.table import Floats

ENTRY, JUDGE = "2020_zhao_fersnet/tiny", "2018_muehler_face-api-expression"
EXPRESSIONS = tuple(CONDITIONS.values())
NEUTRAL, SMILING = range(len(EXPRESSIONS))
HAPPINESS = EXPRESSIONS_8.index("Happiness")
VALIDATED = 8
# people on the sheet
SHOWN = 8
CHANGES = """\
Changed: cropped to 112 x 112 pixels, re-encoded; every face under faces/ is synthetic, made from one of these."""


@dataclass(frozen=True, slots=True)
class Generator:
    """How the generator is trained.

    Attributes:
        epochs: passes over the people.
        size: height and width of its pictures in pixels.
    """

    epochs: int = 100
    size: int = 48

    def settings(self) -> list[str]:
        """The words of the command line."""
        values = {
            "vocabulary": f'"{CHALLENGE.id}"',
            "settings.expressions": json.dumps(EXPRESSIONS),
            "settings.size": self.size,
            "training.epochs": self.epochs,
            "training.dataset": '"Face Research Lab London Set"',
        }
        return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


def synthesise_fold(
    generator: Generator, crops: Path, learned: Sequence[str], held_out: Sequence[str], out: Path
) -> Path:
    """Train on some people and synthesise the faces of others; returns the folder with a folder for each expression."""
    make_folder(out)
    for name, own in (("train", learned[VALIDATED:]), ("validation", learned[:VALIDATED])):
        write_annotations(CHALLENGE, labels_of(own), out / f"{name}.txt")
    labels = ("--train", out / "train.txt", "--validation", out / "validation.txt")
    abawbench("train", ENTRY, crops, "-o", out / "run", *labels, *generator.settings())
    given = out / "given"
    for person in held_out:
        shutil.copytree(crops / person, given / person, dirs_exist_ok=True)
    write_crop(given, ARCFACE)
    abawbench("synthesise", out / "run", given, "-o", out / "faces")
    return out / "faces"


def synthesise_all(generator: Generator, crops: Path, people: Sequence[str], out: Path) -> dict[str, Path]:
    """Synthesise the faces of everybody by networks that have not met them; returns a folder for each expression."""
    dealt = folds(people)
    places = {expression: out / "faces" / expression for expression in EXPRESSIONS}
    for number, held_out in enumerate(dealt, start=1):
        learned = [person for fold in dealt if fold is not held_out for person in fold]
        made = synthesise_fold(generator, crops, learned, held_out, out / f"fold{number}")
        for expression, place in places.items():
            shutil.copytree(made / expression, place, dirs_exist_ok=True)
    return places


def read_faces(folder: Path, people: Sequence[str]) -> Frames:
    """The two pictures of each person, shape (people, 2, size, size, 3)."""
    clips = {clip.video: clip for clip in clips_of_units(folder)}
    return np.stack([clips[person].frames for person in people])


def shrink_crops(crops: Path, people: Sequence[str], size: int, out: Path) -> Path:
    """Crops that are as coarse as those of the generator: shrunk to its size, and enlarged again."""
    for person, pictures in zip(people, read_faces(crops, people), strict=True):
        (out / person).mkdir(parents=True, exist_ok=True)
        for frame, picture in enumerate(pictures, start=1):
            small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
            coarse = cv2.resize(small, (len(picture),) * 2, interpolation=cv2.INTER_CUBIC)
            write_file(out / person / f"{frame:05d}.jpg", encode_jpeg(np.asarray(coarse, np.uint8)))
    write_crop(out, ARCFACE)
    return out


def happiness(entry: Path, faces: Path, people: Sequence[str], store: Path) -> Floats:
    """Probability of happiness in the two pictures of each person, by the judge, shape (people, 2)."""
    abawbench("predict", entry, faces, "-o", store, "--precision", "float32")
    found = probabilities(store)
    return np.stack([found[person][:, HAPPINESS] for person in people])


def is_nearest(faces: Frames, gallery: Frames) -> Floats:
    """1 for each face whose nearest one in the gallery, by gradients, has the same place, else 0; shape (people,)."""
    middle = hog(gallery, cell=8).mean(axis=0)
    one, other = (_unit(hog(pictures, cell=8) - middle) for pictures in (faces, gallery))
    return ((one @ other.T).argmax(axis=1) == np.arange(len(one))).astype(np.float64)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def compare(happy: Mapping[str, Floats], faces: Mapping[str, Frames]) -> dict[str, dict[str, str]]:
    """What the judges say about each kind of picture, as text with 95 % intervals over people.

    Args:
        happy: probability of happiness by kind: `real`, `coarse`, and each of `EXPRESSIONS`, shape (people, 2).
        faces: pictures of the same kinds.
    """
    found: dict[str, dict[str, str]] = {}
    for source, target, sign in ((NEUTRAL, SMILING, 1), (SMILING, NEUTRAL, -1)):
        given, asked = EXPRESSIONS[source], EXPRESSIONS[target]
        # what the generator makes of a face that shall stay as it is: shows what its blur alone does to the judge
        unchanged = happy[given][:, source]
        kinds = {
            f"{given} made {asked}": (asked, source),
            f"{given} left {given}": (given, source),
            f"{asked}, real and as coarse": ("coarse", target),
        }
        for name, (kind, frame) in kinds.items():
            of = happy[kind][:, frame]
            than = {"source": happy["coarse"][:, source], "left": unchanged}
            shares = {key: share((sign * of > sign * other).astype(np.float64)) for key, other in than.items()}
            found[name] = {
                "mean P(happy)": f"{of.mean():.2f}",
                "P moved from the source's": shares["source"],
                "P moved from that left as it is": "" if kind == given else shares["left"],
                "nearest is the person": share(is_nearest(faces[kind][:, frame], faces["real"][:, target])),
            }
    return found


def write_sheet(faces: Mapping[str, Frames], path: Path) -> None:
    """Write a sheet of a few people: real neutral, smile made of it, real smile, neutral face made of that."""
    side = faces["real"].shape[2]
    titles = ("neutral", "made to smile", "smiling", "made neutral")
    rows = [sheet.title_row(titles, side, len(titles))]
    for person in range(min(SHOWN, len(faces["real"]))):
        real = faces["real"][person]
        made = faces["Happiness"][person, NEUTRAL], faces["Neutral"][person, SMILING]
        rows.append(sheet.picture_row([real[NEUTRAL], made[0], real[SMILING], made[1]], side, len(titles)))
    write_file(path, encode_jpeg(np.concatenate(rows), 85))


def study(generator: Generator, crops: Path, people: Sequence[str], out: Path) -> dict[str, dict[str, str]]:
    """Synthesise, judge, and write results and sheet; returns what the judges say."""
    places = synthesise_all(generator, crops, people, out)
    places |= {"real": crops, "coarse": shrink_crops(crops, people, generator.size, out / "coarse")}
    entry = public_network(JUDGE, out / "entries")
    faces = {name: read_faces(place, people) for name, place in places.items()}
    happy = {name: happiness(entry, place, people, out / "stores" / name) for name, place in places.items()}
    found = compare(happy, faces)
    write_sheet(faces, out / "sheet.jpg")
    record = {"generator": asdict(generator), "people": len(people), **found}
    write_text(out / "results.json", json.dumps(record, indent=1))
    return found


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Output folder.")
@exits_on_problems
def main(out: Path) -> None:
    """Give 102 real people the other expression, and say how well that worked."""
    data = real_data()
    click.echo(f"{ATTRIBUTION}\n{CHANGES}\n")
    write_text(out / "ATTRIBUTION.txt", f"{ATTRIBUTION}\n{CHANGES}\n")
    people = people_of(data)
    crops = out / "crops"
    if not (crops / "crop.json").is_file():
        crop_faces(data, people, crops)
    found = study(Generator(), crops, people, out)
    headers = list(next(iter(found.values())))
    print_table([[name, *row.values()] for name, row in found.items()], ["pictures", *headers])
    click.echo(f"{len(people)} people, five folds; 95 % intervals over people. Look at {out / 'sheet.jpg'}.")


if __name__ == "__main__":
    main()
