"""Real faces in, a leaderboard row out: the whole way on the Face Research Lab London Set.

    python examples/real_faces.py --out faces_demo

Each of 102 people becomes a video of two frames in the layout of s-Aff-Wild2: a neutral face and a smiling one, cropped by
YuNet and five-point alignment to 112 x 112. Valence, arousal and action units are not annotated there, so of the multi-task
score only the expression term exists. The classical entry is fitted on two thirds of the people and predicts the others;
its predictions are written in the challenge's format, checked, scored with intervals, and ranked. Five folds by person then
say how well it tells the two conditions apart.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

import abawbench
from abawbench import records
from abawbench.challenges import Categorical, Challenge, Continuous, get
from abawbench.cli.output import exits_on_problems, print_table, say
from abawbench.data.clips import Clip, clips_of_crops
from abawbench.data.faces import Detector, crop_file, weights_path
from abawbench.data.real import ATTRIBUTION, real_data
from abawbench.entries import Trainable, answer, classical, load_entry, uncovered
from abawbench.errors import Problem, ProblemError
from abawbench.files import read_truth
from abawbench.leaderboard.build import build
from abawbench.scoring import Score
from abawbench.table import Table

CHALLENGE = "abaw4-mtl"
ENTRY = "2026_abawbench_hog"
DATASET = "Face Research Lab London Set"
SUBMISSIONS = Path(__file__).parents[1] / "submissions"
CONDITIONS = {"neutral": "Neutral", "smiling": "Happiness"}
HEADER = "image,valence,arousal,expression,aus"
JPEG_QUALITY = 95
FOLDS = 5
SEED = 0
CAUTION = (
    "'Smiling' is the recording condition, not a judgement of each picture: some of these faces look neutral.\n"
    "So read the paired figure; the accuracy cannot reach 1 honestly, and nothing is said about anybody's feelings."
)


@dataclass(frozen=True)
class Places:
    """Where everything lies under the output folder, named as in s-Aff-Wild2 where it has a name."""

    out: Path

    @property
    def crops(self) -> Path:
        """Aligned crops, `<person>/00001.jpg` neutral and `<person>/00002.jpg` smiling."""
        return self.out / "cropped_aligned"

    @property
    def train(self) -> Path:
        """Annotations of two thirds of the people."""
        return self.out / "training_set_annotations.txt"

    @property
    def validation(self) -> Path:
        """Annotations of the others."""
        return self.out / "validation_set_annotations.txt"

    @property
    def template(self) -> Path:
        """The list of frames to predict, without labels."""
        return self.out / "validation_set_list.txt"

    @property
    def model(self) -> Path:
        """The fitted entry."""
        return self.out / f"{ENTRY}.npz"

    @property
    def predictions(self) -> Path:
        """The challenge file."""
        return self.out / "predictions.txt"


@dataclass(frozen=True)
class Folds:
    """What five folds by person gave: how many of how many."""

    right: int
    images: int
    ranked: int
    people: int


def crop_faces(data: Path, places: Places) -> tuple[str, ...]:
    """Write the aligned crops of all people; returns their names.

    Raises:
        ProblemError: F01 no pictures, E03 a picture without a face.
    """
    import cv2

    detector = Detector(weights_path(data / "weights" / "yunet_n_dynamic.onnx"))
    people = sorted(path.stem.removesuffix("_neutral") for path in (data / "faces").glob("london_*_neutral.jpg"))
    if not people:
        folder = data / "faces"
        raise ProblemError(
            Problem("F01", "no london_*_neutral.jpg", "the faces of the London set", "copy them there", str(folder))
        )
    for number, person in enumerate(people, start=1):
        (places.crops / person).mkdir(parents=True, exist_ok=True)
        for frame, condition in enumerate(CONDITIONS, start=1):
            crop = crop_file(detector, data / "faces" / f"{person}_{condition}.jpg")
            _, jpeg = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            (places.crops / person / f"{frame:05d}.jpg").write_bytes(jpeg.tobytes())
        if number % 20 == 0 or number == len(people):
            say(f"  cropped {number} of {len(people)} people")
    return tuple(people)


def write_annotations(challenge: Challenge, people: Sequence[str], places: Places) -> None:
    """Write both annotation files and the list of the validation frames; a third of the people, drawn by seed, is held out."""
    drawn = np.random.default_rng(SEED).permutation(len(people))
    held_out = set(drawn[: len(people) // 3].tolist())
    split = {name: [p for i, p in enumerate(people) if (i in held_out) == (name == "validation")] for name in SPLITS}
    records.replace_file(places.train, annotation_text(challenge, split["train"]))
    records.replace_file(places.validation, annotation_text(challenge, split["validation"]))
    frames = [f"{person}/{frame:05d}.jpg" for person in split["validation"] for frame in (1, 2)]
    records.replace_file(places.template, "\n".join([HEADER, *frames]) + "\n")


SPLITS = ("train", "validation")


def annotation_text(challenge: Challenge, people: Sequence[str]) -> str:
    """An annotation file in which only the expression is annotated."""
    lines = [HEADER]
    for person in people:
        for frame, expression in enumerate(CONDITIONS.values(), start=1):
            fields: list[str] = [f"{person}/{frame:05d}.jpg"]
            for task in challenge.tasks:
                if isinstance(task, Categorical):
                    fields.append(str(task.classes.index(expression)))
                else:
                    fields += [str(-5 if isinstance(task, Continuous) else -1)] * len(task.columns)
            lines.append(",".join(fields))
    return "\n".join(lines) + "\n"


def five_folds(untrained: Trainable, clips: Sequence[Clip], truth: Table) -> Folds:
    """Fit on four fifths of the people, look at the last fifth, five times.

    Args:
        untrained: the entry.
        clips: one for each person, neutral frame first.
        truth: their annotations.
    """
    fold_of = np.empty(len(clips), int)
    fold_of[np.random.default_rng(SEED).permutation(len(clips))] = np.arange(len(clips)) % FOLDS
    right = ranked = 0
    for fold in range(FOLDS):
        entry = untrained.fit([clip for clip, place in zip(clips, fold_of, strict=True) if place != fold], truth)
        for clip in (clip for clip, place in zip(clips, fold_of, strict=True) if place == fold):
            probability = entry.predict(clip)["expression"]
            neutral, happiness = probability[:, 0], probability[:, 4]
            right += int(neutral[0] > happiness[0]) + int(happiness[1] > neutral[1])
            ranked += int(happiness[1] > happiness[0])
        say(f"  fold {fold + 1} of {FOLDS}")
    return Folds(right, 2 * len(clips), ranked, len(clips))
