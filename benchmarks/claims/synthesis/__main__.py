"""Train generators on drawn people, and let the judges decide whether they work.

    python -m benchmarks.claims.synthesis --out out/claims/synthesis            # about an hour of one core
    python -m benchmarks.claims.synthesis --out out/claims/synthesis --arm fersnet
    python -m benchmarks.claims.synthesis --out out/claims/synthesis --validation

A run that was stopped goes on where it stopped. With --validation the people for the choice of settings are asked
instead of those of the test. --publish writes the result into README.md and beside it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from abawbench.base.files import make_folder, read_input, write_file, write_text
from abawbench.base.problems import ProblemError, render
from abawbench.challenges import get
from abawbench.cli.output import say
from abawbench.clips import sheet
from abawbench.clips.images import Image, encode_jpeg
from abawbench.entries import load_entry
from abawbench.entries.entry_file import read_entry_file
from abawbench.formats.write import write_annotations
from abawbench.inference.synthesise import require_synthesiser
from abawbench.labels import EXPRESSIONS_7
from abawbench.metrics.bootstrap import draws, percentile_interval
from abawbench.table import Floats
from abawbench.training.setup import TrainProgress
from abawbench.training.sources import Source
from abawbench.training.train import train
from benchmarks.claims.report import BEGIN, processor
from benchmarks.claims.synthesis.judges import Judges, Verdict, controls, judge, load_judges
from benchmarks.claims.synthesis.people import (
    CROP,
    GENERATOR_SEED,
    TEST_SEED,
    VALIDATION_SEED,
    Pictures,
    Questions,
    draw_people,
    labels_of,
    make_questions,
    write_people,
)
from benchmarks.pages import filled

ENTRY = Path(__file__).parents[3] / "submissions" / "2020_zhao_fersnet" / "tiny.toml"
README, RESULTS = Path(__file__).with_name("README.md"), "results.json"
PEOPLE, PICTURES = 160, 2
# of which this many are for the validation that training itself does
HELD_OUT = 10
THRESHOLDS = {"expression": 0.6, "person": 0.8}
RESAMPLES = 4000
# people on a sheet, each with a row of synthesised faces above a row of drawn ones
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train the generator.

    Attributes:
        name: short name.
        meaning: what it is, in a line.
        changes: settings that differ from those of the entry, by dotted name.
    """

    name: str
    meaning: str
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])


OTHER_LOSSES = ("identity", "adversarial", "cycle", "expression", "mismatched")
ARMS = (
    Arm("fersnet", "the tiny twin of 2020_zhao_fersnet as it is"),
    Arm(
        "first",
        "as it was first tried: half the epochs, an adversarial loss of weight .3",
        {"training.epochs": 9, "training.synthesis.adversarial": 0.3},
    ),
    Arm(
        "l1",
        "the same with the L1 loss alone beside that of recognition",
        {f"training.synthesis.{name}": 0.0 for name in OTHER_LOSSES},
    ),
)


def generator(arm: Arm, out: Path) -> Path:
    """Train the generator of an arm, or go on with it; returns its run folder."""
    challenge = get(read_entry_file(ENTRY).vocabulary)
    crops = out / "people"
    names = tuple(sorted(path.name for path in crops.glob("g*")))
    if len(names) < PEOPLE:
        say(f"drawing {PEOPLE} people for the generators")
        names = write_people(draw_people(GENERATOR_SEED, PEOPLE, frames=PICTURES), crops, "g")
    truth = {"train": names[HELD_OUT:], "validation": names[:HELD_OUT]}
    for split, own in truth.items():
        if not (out / split).exists():
            write_annotations(challenge, labels_of(own, PICTURES * len(EXPRESSIONS_7), challenge), out / split)
    run = out / arm.name
    source = Source((crops,), train=out / "train", validation=out / "validation")
    changes = {"picture.size": CROP.size, "training.dataset": "drawn people of abawbench", **arm.changes}
    begin = time.perf_counter()
    summary = train(ENTRY, source, run, changes, report=_report(arm.name), notice=say)
    if not summary.was_finished:
        say(f"{arm.name}: trained in {(time.perf_counter() - begin) / 60:.1f} minutes")
    return run


def _report(name: str) -> Any:
    begin = time.perf_counter()
    told = begin

    def report(progress: TrainProgress) -> None:
        nonlocal told
        if progress.row is not None or time.perf_counter() - told > 30:
            told = time.perf_counter()
            epoch, epochs = progress.epoch
            step, steps = progress.steps
            say(f"  {name}: epoch {epoch} of {epochs}, step {step} of {steps}, {told - begin:.0f} s")

    return report


def answers(run: Path, questions: Questions) -> Pictures:
    """What the generator in a run folder makes of the questions, shape (questions, size, size, 3)."""
    entry = load_entry(run)
    # a run folder holds an entry that is fitted
    synthesiser = require_synthesiser(entry)  # pyright: ignore[reportArgumentType]
    faces = questions.faces
    made = np.empty_like(faces)
    for target, name in enumerate(EXPRESSIONS_7):
        asked = questions.target == target
        made[asked] = synthesiser.synthesise(faces[asked], name)
    return made


def summarise(verdict: Verdict, questions: Questions, pictures: Pictures) -> dict[str, Any]:
    """Shares with intervals over people, the share of each target, and the distance from the true target."""
    distance = np.abs(pictures.astype(np.float32) - questions.real_targets).mean(axis=(1, 2, 3))
    marks = {name: getattr(verdict, name) for name in ("expression", "by_hog", "person", "elsewhere")}
    figures = {**marks, "both": verdict.expression & verdict.person, "distance": distance}
    people = len(questions.pictures)
    by_person = {name: _by_person(one.astype(np.float64), questions.person, people) for name, one in figures.items()}
    weights = draws(np.ones(people, np.int64), RESAMPLES, 0) / people
    shares = {name: [float(one.mean()), *_interval(weights @ one)] for name, one in by_person.items()}
    targets = range(len(EXPRESSIONS_7))
    by_target = {EXPRESSIONS_7[one]: float(verdict.expression[questions.target == one].mean()) for one in targets}
    return {"shares": shares, "by_target": by_target}


def _by_person(values: Floats, person: Any, people: int) -> Floats:
    """The mean for each person, shape (people,), each of whom has the same number of questions."""
    return np.bincount(person, values, people) / np.bincount(person, minlength=people)


def _interval(samples: Floats) -> tuple[float, float]:
    found = percentile_interval(samples, 0.95)
    assert found is not None
    return found


def write_sheet(questions: Questions, pictures: Pictures, path: Path) -> None:
    """Write a sheet: for each of a few people the neutral face, what is made of it, and below what is drawn."""
    neutral = EXPRESSIONS_7.index("Neutral")
    others = [one for one in range(len(EXPRESSIONS_7)) if one != neutral]
    side, columns = pictures.shape[1], len(EXPRESSIONS_7)
    rows: list[Image] = [sheet.title_row(["source", *(EXPRESSIONS_7[one] for one in others)], side, columns)]
    for person in range(SHOWN):
        asked = np.flatnonzero((questions.person == person) & (questions.source == neutral))
        rows.append(sheet.picture_row([questions.faces[asked[0]], *pictures[asked]], side, columns))
        drawn = [np.full_like(pictures[0], 246), *questions.real_targets[asked]]
        rows.append(sheet.picture_row(drawn, side, columns))
    write_file(path, encode_jpeg(np.concatenate(rows), 90))


def write_answers(arm: Arm, judges: Judges, questions: Questions, out: Path, name: str) -> None:
    """Train the generator of an arm, judge its answers, and write `<arm>.<name>.json` and `<arm>.<name>.jpg`."""
    begin = time.perf_counter()
    pictures = answers(generator(arm, out), questions)
    found = summarise(judge(judges, questions, pictures), questions, pictures)
    write_sheet(questions, pictures, out / f"{arm.name}.{name}.jpg")
    seconds = sum(json.loads(line)["seconds"] for line in _log(out / arm.name))
    found["minutes"] = round(seconds / 60, 1)
    write_text(out / f"{arm.name}.{name}.json", json.dumps(found, indent=1))
    say(f"{arm.name}: done in {time.perf_counter() - begin:.0f} s")


def _log(run: Path) -> Sequence[str]:
    return (run / "log.jsonl").read_text("utf-8").splitlines()


def table(results: Mapping[str, Any]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| pictures | expression | by gradients | person | person, other film | both | distance |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in {**results["controls"], **results["arms"]}.items():
        cells = [_cell(one["shares"][key]) for key in ("expression", "by_hog", "person", "elsewhere", "both")]
        lines.append(f"| {one.get('meaning', name)} | {' | '.join(cells)} | {one['shares']['distance'][0]:.1f} |")
    lines += ["", f"| expression found, by target | {' | '.join(EXPRESSIONS_7)} |", "|---" * 8 + "|"]
    for name, one in {**results["controls"], **results["arms"]}.items():
        cells = [f"{one['by_target'][expression]:.2f}" for expression in EXPRESSIONS_7]
        lines.append(f"| {one.get('meaning', name)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(interval: Sequence[float]) -> str:
    value, low, high = interval
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def conclusion(results: Mapping[str, Any]) -> str:
    """Whether the generator of the first arm passes, in a sentence."""
    arm = results["arms"].get(ARMS[0].name)
    if arm is None:
        return "The generator has not been judged yet."
    shares = {name: arm["shares"][name][0] for name in THRESHOLDS}
    passes = all(shares[name] >= least for name, least in THRESHOLDS.items())
    found = " and ".join(f"{name} {shares[name]:.3f} (at least {least:g})" for name, least in THRESHOLDS.items())
    return f"The generator {'passes' if passes else 'does not pass'}: {found}."


def collect(judges: Judges, questions: Questions, out: Path, name: str) -> dict[str, Any]:
    """The results of the controls and of all arms that have been judged."""
    pictures = {
        "the face as it was given": questions.faces,
        "the same person, drawn in the target": questions.real_targets,
        "another person, drawn in the target": questions.of_others,
    }
    verdicts = controls(judges, questions)
    places = {arm: out / f"{arm.name}.{name}.json" for arm in ARMS}
    return {
        "hardware": processor(),
        "questions": len(questions.person),
        "people": len(questions.pictures),
        "controls": {key: summarise(verdicts[key], questions, one) for key, one in pictures.items()},
        "arms": {
            arm.name: {"meaning": arm.meaning, **json.loads(read_input(path))}
            for arm, path in places.items()
            if path.exists()
        },
    }


def write_result(results: Mapping[str, Any]) -> None:
    """Write the results beside README.md, and the table into it."""
    write_text(README.with_name(RESULTS), json.dumps(results, indent=1) + "\n")
    times = ", ".join(f"{key} {one['minutes']:g}" for key, one in results["arms"].items())
    made = f"{results['questions']:,} questions about {results['people']} people. Minutes of training: {times}."
    part = f"{conclusion(results)}\n\n{table(results)}\n\n{made} One core of {results['hardware']}."
    write_text(README, filled(README, part, BEGIN))


@click.command(help=__doc__)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the run.")
@click.option(
    "--arm", "names", multiple=True, type=click.Choice([arm.name for arm in ARMS]), help="Arms to run.  [default: all]"
)
@click.option("--validation", is_flag=True, help="Ask the people for the choice of settings, not those of the test.")
@click.option("--publish", is_flag=True, help="Write the result into README.md and results.json beside it.")
def main(out: Path, names: tuple[str, ...], *, validation: bool, publish: bool) -> None:
    """Run arms, and print the table."""
    try:
        make_folder(out)
        judges = load_judges(out)
        name, seed, people = ("validation", VALIDATION_SEED, 30) if validation else ("test", TEST_SEED, 60)
        questions = make_questions(people, seed)
        for arm in ARMS:
            if not names or arm.name in names:
                write_answers(arm, judges, questions, out, name)
        results = collect(judges, questions, out, name)
    except ProblemError as error:
        click.echo(render(error.problems), err=True)
        raise SystemExit(1) from error
    write_text(out / f"{name}.{RESULTS}", json.dumps(results, indent=1))
    click.echo(f"{table(results)}\n\n{conclusion(results)}")
    if publish and not validation:
        write_result(results)


if __name__ == "__main__":
    main()
