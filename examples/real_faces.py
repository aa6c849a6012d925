"""From real faces to a row of the leaderboard, on the Face Research Lab London Set.

    python examples/real_faces.py --out faces_demo

Each of 102 people becomes a video of two frames in the layout of s-Aff-Wild2: a neutral face and a smiling one,
detected by YuNet and aligned to 112 x 112 pixels by five points. Valence, arousal and action units are not annotated
there, so the expression term is all there is of the multi-task score. The classical entry is fitted on two thirds of
the people and predicts the others; its predictions are written in the format of the challenge, checked, scored with
intervals, and ranked. Finally, five folds by person show how well it separates the two conditions.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from london import CHALLENGE, DATASET, FOLDS, SEED, TRUTH, Result, crop_faces, evaluate, folds, labels_of, people_of
from real_data import ATTRIBUTION, real_data

import abawbench
from abawbench import records
from abawbench.base.files import write_text
from abawbench.base.hashes import sha256_of
from abawbench.base.problems import ProblemError, unwritable
from abawbench.cli.output import exits_on_problems, print_table, say
from abawbench.clips.clip import Clip, clips_of_crops
from abawbench.entries import Entry, Trainable, answer, load_entry, uncovered
from abawbench.entries.baselines import classical
from abawbench.formats import read_truth
from abawbench.formats.write import write_annotations
from abawbench.labels import EXPRESSIONS_8
from abawbench.leaderboard.build import build
from abawbench.scoring import Score
from abawbench.scoring.intervals import quoted
from abawbench.table import Floats, Table

ENTRY = "2026_abawbench_hog"
CONTROLS = ("2026_abawbench_constant", "2026_abawbench_prior")
SUBMISSIONS = Path(__file__).parents[1] / "submissions"

# number of settings compared by five folds over the same people while the entry was written; the usual ones were kept
SETTINGS_COMPARED = 26

CROPS = "cropped_aligned"
TRAIN = "training_set_annotations.txt"
VALIDATION = "validation_set_annotations.txt"
TEMPLATE = "validation_set_list.txt"
PREDICTIONS = "predictions.txt"

CHANGES = f"""\
Pictures under {CROPS}/: the London faces, turned upright, cropped to 112 x 112 pixels, re-encoded; CC BY 4.0."""

CAUTION = """\
"Smiling" is the recording condition, not a judgement of each picture: some of these faces look neutral. The paired
figure is the one to read; no accuracy here can honestly reach 1, and nothing is said about anybody's feelings."""


def write_splits(people: Sequence[str], out: Path) -> None:
    """Write annotations of a random two thirds of the people and of the others, and the list of the others' frames."""
    drawn = np.random.default_rng(SEED).permutation(len(people))
    held_out = {people[place] for place in drawn[: len(people) // 3]}
    validation = [person for person in people if person in held_out]
    write_annotations(CHALLENGE, labels_of([person for person in people if person not in held_out]), out / TRAIN)
    write_annotations(CHALLENGE, labels_of(validation), out / VALIDATION)
    header, *rows = (out / VALIDATION).read_text().splitlines()
    write_text(out / TEMPLATE, "\n".join([header, *(row.split(",")[0] for row in rows)]) + "\n")


def fit_entry(name: str, clips: Sequence[Clip], truth: Table) -> Entry:
    """Load an entry, and fit it if it can be fitted."""
    entry = load_entry(name, root=SUBMISSIONS)
    return entry.fit(clips, truth) if isinstance(entry, Trainable) else entry


def five_folds(untrained: Trainable, people: Sequence[str], crops: Path) -> Result:
    """Fit on four fifths of the people and test on the last fifth, five times."""
    truth = labels_of(people)
    clips = clips_of_crops(crops, truth)
    answers: dict[str, Floats] = {}
    for number, held_out in enumerate(folds(people), start=1):
        entry = untrained.fit([clip for clip in clips if clip.video not in held_out], truth)
        answers |= {clip.video: entry.predict(clip)["expression"] for clip in clips if clip.video in held_out}
        say(f"  fold {number} of {FOLDS}")
    return evaluate(answers)


def add_record(score: Score, entry: Entry, out: Path, leaderboard: Path, date: str) -> Path:
    """Write the record of the score and the tables of the leaderboard, and return the path of the record."""
    disclosure = records.Disclosure(
        trained_on=[f"{DATASET}: {len(entry.card.trained_videos)} people"],
        validation_used_for="nothing",
        thresholds_from="none",
        trials=SETTINGS_COMPARED,
        crops="abawbench: YuNet, five-point similarity, 112 x 112",
        licence=f"{entry.card.licence}; pictures CC-BY-4.0",
        synthetic_truth=False,
        note="Neutral and Happiness are recording conditions; valence, arousal and action units are not annotated",
    )
    provenance = records.Provenance(
        entry=entry.card.name,
        split="validation",
        dataset=DATASET,
        date=date,
        truth_sha256=sha256_of(out / VALIDATION),
        prediction_sha256=sha256_of(out / PREDICTIONS),
        disclosure=disclosure,
    )
    path = records.write(records.make(score, provenance), leaderboard / "records")
    for table, text in build(leaderboard).items():
        write_text(table, text)
    return path


def print_scores(scores: dict[str, Score]) -> None:
    """Print the expression term and the accuracy of each entry, with its intervals."""
    rows: list[list[str]] = []
    for name, score in scores.items():
        for figure in ("f1_expression", "accuracy_expression"):
            interval = quoted(score.intervals["metrics"][figure])
            span = "" if interval is None else "{:.4f} to {:.4f}".format(*interval[1])
            rows.append([name, figure, f"{score.metrics[figure]:.4f}", span])
    print_table(rows, ["entry", "figure", "value", "95 % (by person)"])


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Output folder.")
@click.option("--leaderboard", type=click.Path(path_type=Path, file_okay=False), help="[default: OUT/leaderboard]")
@click.option("--date", default=lambda: datetime.date.today().isoformat(), help="Date of the record.  [default: today]")
@exits_on_problems
def main(out: Path, leaderboard: Path | None, date: str) -> None:
    """Make crops, annotations, predictions, a score with intervals and a row of the leaderboard from real faces."""
    data = real_data()
    click.echo(f"{ATTRIBUTION}\n{CHANGES}\n")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(out, error) from error
    write_text(out / "ATTRIBUTION.txt", f"{ATTRIBUTION}\n{CHANGES}\n")

    say(f"1 cropping the faces of {data / 'faces'}")
    people = people_of(data)
    crop_faces(data, people, out / CROPS)
    write_splits(people, out)

    say("2 fitting on two thirds of the people, predicting the others")
    train, validation = read_truth(CHALLENGE, out / TRAIN), read_truth(CHALLENGE, out / VALIDATION)
    train_clips, validation_clips = clips_of_crops(out / CROPS, train), clips_of_crops(out / CROPS, validation)
    untrained = load_entry(ENTRY, root=SUBMISSIONS)
    assert isinstance(untrained, classical.UntrainedClassical)
    classical.save(untrained.fit(train_clips, train), out / f"{ENTRY}.npz")
    entry = classical.load(out / f"{ENTRY}.npz")
    tables = {ENTRY: answer(entry, validation_clips, CHALLENGE)}
    tables |= {name: answer(fit_entry(name, train_clips, train), validation_clips, CHALLENGE) for name in CONTROLS}

    say("3 writing, checking, scoring")
    abawbench.write(CHALLENGE.id, tables[ENTRY], out / PREDICTIONS, template=out / TEMPLATE)
    objections = abawbench.check(CHALLENGE.id, out / PREDICTIONS, template=out / TEMPLATE)
    if objections:
        raise ProblemError(*objections)
    scored = tables | {ENTRY: out / PREDICTIONS}
    scores = {name: abawbench.score(CHALLENGE.id, out / VALIDATION, source) for name, source in scored.items()}
    path = add_record(scores[ENTRY], entry, out, leaderboard or out / "leaderboard", date)

    say("4 five folds by person")
    held_out = five_folds(untrained, people, out / CROPS)

    click.echo(f"{len(train_clips)} people to learn from, {len(validation_clips)} held out: {len(validation)} pictures")
    lacking = ", ".join(sorted(uncovered(entry.card, CHALLENGE)))
    click.echo(f"not annotated, hence without a head and constant in the file: {lacking}")
    click.echo(f"the organisers' checks accept {out / PREDICTIONS}\n")
    print_scores(scores)
    click.echo(
        f"\nOf {len(EXPRESSIONS_8)} classes two occur, and the others count as 0: the F1 term is at most 0.25 here.\n"
        f"The total is null, since valence, arousal and action units are not annotated.\nrecord: {path}\n"
    )
    pictures = len(people) * len(TRUTH)
    click.echo(f"five folds by person, seed {SEED}, 95 % intervals over people:")
    click.echo(f"  {held_out.describe()}")
    click.echo(
        f"  {held_out.right.sum() * len(TRUTH):.0f} of {pictures} pictures, "
        f"{held_out.ranked.sum():.0f} of {len(people)} people\n"
    )
    click.echo(CAUTION)


if __name__ == "__main__":
    main()
