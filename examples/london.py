"""The Face Research Lab London Set: a neutral and a smiling picture of each of 102 people, and how answers are judged.

"Smiling" is the recording condition, not a judgement of each picture: some of these faces look neutral. So beside the
accuracy there is the share of the people whose smiling picture ranks above their neutral one.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import get
from abawbench.cli.output import say
from abawbench.clips.crop import ARCFACE, Crop
from abawbench.clips.crop_file import write_crop
from abawbench.faces import WEIGHTS_NAME, Detector, crop_file, weights_path
from abawbench.inference.store import open_store
from abawbench.labels import EXPRESSIONS_8
from abawbench.table import Floats, Table, Values

DATASET = "Face Research Lab London Set"
CHALLENGE = get("abaw4-mtl")
# condition in the name of a picture, and the expression that counts as its truth
CONDITIONS = {"neutral": "Neutral", "smiling": "Happiness"}
TRUTH = tuple(CONDITIONS.values())
CLASSES = np.array([EXPRESSIONS_8.index(name) for name in TRUTH], np.int8)
JPEG_QUALITY = 95
FOLDS, SEED, RESAMPLES = 5, 0, 10_000


@dataclass(frozen=True, slots=True)
class Result:
    """Result on people, each of whom has two pictures.

    Attributes:
        right: shape (people,), share of the pictures that are predicted correctly.
        ranked: shape (people,), 1 if the smiling picture gets the higher probability of happiness, else 0.
    """

    right: Floats
    ranked: Floats

    def describe(self) -> str:
        """Both means, with 95 % intervals over people."""
        return f"accuracy {share(self.right)}, smiling ranked above neutral {share(self.ranked)}"


def share(values: Floats) -> str:
    """Mean of values by person, shape (people,), with its percentile interval over resampled people."""
    random = np.random.default_rng(0)
    means = values[random.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def people_of(data: Path) -> tuple[str, ...]:
    """The names of the people in the folder of real data, as `london_001`. Raises: ProblemError F01, there is none."""
    people = sorted(path.stem.removesuffix("_neutral") for path in (data / "faces").glob("london_*_neutral.jpg"))
    if not people:
        place = str(data / "faces")
        raise ProblemError(Problem("F01", "no london_*_neutral.jpg", "the London set", "copy it there", place))
    return tuple(people)


def attributes_of(data: Path) -> dict[str, dict[str, str]]:
    """What the set states of each person: `age`, `gender`, `ethnicity`; NA where it states nothing."""
    with (data / "SOURCES.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["person"].startswith("london_") and row["extra"]]
    return {row["person"]: dict(pair.split("=") for pair in row["extra"].split(";")) for row in rows}


def crop_faces(data: Path, people: Sequence[str], crops: Path, crop: Crop = ARCFACE) -> None:
    """Write crops of people as `<person>/00001.jpg`, the neutral picture, and `00002.jpg`, the smiling one.

    Raises:
        ProblemError: F01 there are no weights, E03 a picture shows no face.
    """
    detector = Detector(weights_path(data / "weights" / WEIGHTS_NAME))
    for count, person in enumerate(people, start=1):
        (crops / person).mkdir(parents=True, exist_ok=True)
        for frame, condition in enumerate(CONDITIONS, start=1):
            face = crop_file(detector, data / "faces" / f"{person}_{condition}.jpg", crop)
            _, jpeg = cv2.imencode(".jpg", face[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            (crops / person / f"{frame:05d}.jpg").write_bytes(jpeg.tobytes())
        if count % 20 == 0 or count == len(people):
            say(f"  {count} of {len(people)} people")
    write_crop(crops, crop)


def labels_of(people: Sequence[str], exchanged: Collection[str] = ()) -> Table:
    """Labels of two frames for each person, of which only the expression is annotated.

    Args:
        people: the people, in the order of the rows.
        exchanged: people whose neutral picture is called smiling, and the other way round.
    """
    rows = len(people) * len(TRUTH)
    values: dict[str, Values] = {task.name: task.empty(rows) for task in CHALLENGE.tasks}
    values["expression"] = np.concatenate([CLASSES[:: -1 if person in exchanged else 1] for person in people])
    return Table(
        videos=tuple(people),
        video=np.repeat(np.arange(len(people), dtype=np.int32), len(TRUTH)),
        frame=np.tile(np.arange(1, len(TRUTH) + 1, dtype=np.int32), len(people)),
        values=values,
    )


def probabilities(store: Path) -> dict[str, Floats]:
    """By person, the probabilities of `EXPRESSIONS_8` for both pictures, shape (2, 8); 0 for what is never answered."""
    opened = open_store(store)
    task = opened.card.task("expression")
    assert task is not None, "an entry that answers expressions"
    columns = [EXPRESSIONS_8.index(name) for name in task.outputs]
    found = {person: np.zeros((len(TRUTH), len(EXPRESSIONS_8))) for person in opened.units()}
    for person, values in found.items():
        values[:, columns] = opened.read(person).answers["expression"]
    return found


def evaluate(answers: Mapping[str, Floats], classes: Sequence[str] = EXPRESSIONS_8) -> Result:
    """Compare the most probable class of each picture with the truth.

    Args:
        answers: by person, probabilities of the neutral and the smiling picture, shape (2, 8).
        classes: the classes that may be predicted.
    """
    given = np.stack(list(answers.values()))
    allowed = np.array([EXPRESSIONS_8.index(name) for name in classes])
    right = allowed[given[..., allowed].argmax(axis=2)] == CLASSES
    happiness = given[..., EXPRESSIONS_8.index("Happiness")]
    return Result(right.mean(axis=1), (happiness[:, 1] > happiness[:, 0]).astype(np.float64))


def folds(people: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Deal people at random into five folds; all examples hold the same people out together."""
    order = np.random.default_rng(SEED).permutation(len(people))
    return tuple(tuple(people[int(place)] for place in part) for part in np.array_split(order, FOLDS))
