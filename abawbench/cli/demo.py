"""abawbench demo: run every step from a corpus to a leaderboard on a small synthetic corpus."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.base.files import write_text
from abawbench.cli.options import PATH, json_option
from abawbench.cli.output import exits_on_problems, print_json, say, tell
from abawbench.cli.score import QUOTE

if TYPE_CHECKING:
    from abawbench.table import Table

CHALLENGE = "abaw4-mtl"
LEARNED, CONTROL = "2026_demo_hog", "2026_demo_prior"
# invented models: name -> share of stretches that the model gets right
INVENTED = {"2026_demo_good": 0.72, "2026_demo_fair": 0.66, "2026_demo_poor": 0.25}
# number of rows to fit on: frames of one video are alike, so a few of each teach almost as much in a tenth of the time
TRAINING_ROWS = 240
# key of a context's `meta`: the file that the commands are logged to
_LOG = "abawbench.demo_log"
DISCLOSURE = """\
entry = "{entry}"
split = "validation"
dataset = "{dataset}"
date = "2026-01-01"

[disclosure]
trained_on = {trained_on}
validation_used_for = "nothing"
thresholds_from = "none"
trials = 1
crops = "{crops}"
licence = "Apache-2.0"
synthetic_truth = true
note = "{note}"
"""


@dataclass(frozen=True, slots=True)
class DemoData:
    """Files that the commands of the demo work on.

    Attributes:
        truth: annotations of the validation split.
        rows: the list of its rows.
        subjects: the subject of each video, where people have several videos.
        crops: the drawn faces, where there are any.
        predictions: by entry, the store or the Parquet file of its predictions.
    """

    truth: Path
    rows: Path
    subjects: Path | None
    crops: Path | None
    predictions: Mapping[str, Path]


@click.command()
@click.option("--out", type=PATH, default=Path("out/demo"), show_default=True, help="Folder for all files.")
@click.option("--videos", default=80, show_default=True, type=click.IntRange(3), help="Number of videos in the corpus.")
@click.option(
    "--frames", default=20, show_default=True, type=click.IntRange(16), help="Average number of frames in a video."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Seed of the corpus.")
@json_option
@exits_on_problems
def command(out: Path, videos: int, frames: int, seed: int, as_json: bool) -> None:
    """Run every step once: faces, an entry, challenge files, checks, scores, a comparison, a report, a leaderboard.

    The corpus is synthetic: drawn faces in the official layout. Without OpenCV or scikit-learn it has labels alone, and
    the entries are invented. Every command and what it prints goes to demo.log; a few lines say what came of it.

    \b
    Example:
      abawbench demo --out out/demo
    """
    tell(f"demo: every step, into {out}")
    missing = [
        title
        for module, title in (("cv2", "OpenCV"), ("sklearn", "scikit-learn"))
        if importlib.util.find_spec(module) is None
    ]
    if missing:
        say(f"no {' and no '.join(missing)} here: labels alone (faces need pip install 'abawbench[video]')")
    log = out / "demo.log"
    write_text(log, "")
    click.get_current_context().meta[_LOG] = log
    _run("challenges", CHALLENGE)
    prepare = _prepare_labels if missing else _prepare_faces
    data = prepare(out, videos, frames, seed)
    entry = next(iter(data.predictions))
    report = out / "leaderboard" / "reports" / CHALLENGE / f"{entry}.validation.html"
    score = _run_commands(data, out, report)
    lines = {
        "made": f"{'labels' if missing else 'drawn faces'} of {videos} videos, {len(data.predictions)} entries",
        "score": f"{entry} on {CHALLENGE}: {score}",
        "table": str(out / "leaderboard" / f"{CHALLENGE}.md"),
        "board": (out / "leaderboard" / "site" / "index.html").resolve().as_uri(),
        "report": report.resolve().as_uri(),
        "walk": f"{log}: every command, and what it printed",
        "next": "abawbench challenges; abawbench entry new 2026_me_mine --kind onnx",
    }
    if as_json:
        print_json(lines)
        return
    for name, text in lines.items():
        click.echo(f"{name:7} {text}")


def _run_commands(data: DemoData, out: Path, report: Path) -> str:
    """Write, check, score, compare, pack, report and rank the predictions; return the first one's score in words."""
    files = {entry: out / f"{entry}.txt" for entry in data.predictions}
    rows, truth = data.rows, data.truth
    for entry, file in files.items():
        _run("write", CHALLENGE, data.predictions[entry], "--template", rows, "-o", file, "--fill", "previous")
        _run("check", CHALLENGE, file, "--template", rows)
    best, next_best = list(files)[:2]
    people = () if data.subjects is None else ("--subjects", data.subjects)
    shown: dict[str, str] = {}
    for entry, file in files.items():
        record = ("--record", out / "leaderboard" / "records", "--disclosure", out / f"{entry}.toml")
        shown[entry] = _run("score", CHALLENGE, truth, file, *people, *record)
    _run("score", CHALLENGE, truth, files[best], "--explain", "--lens", "--parts")
    _run("diff", CHALLENGE, truth, files[best], files[next_best])
    _run("pack", CHALLENGE, files[best], files[next_best], "-o", out / "trials.zip", "--template", rows)
    board = out / "leaderboard"
    crops = () if data.crops is None else ("--crops", data.crops)
    # a store has probabilities, which files of a challenge lack
    shown_of = (data.predictions[best], "--missing", "previous")
    _run("report", CHALLENGE, truth, *shown_of, "-o", report, "--leaderboard", board, *people, *crops)
    _run("leaderboard", "build", "--root", board)
    return next(line for line in shown[best].splitlines() if line.startswith(QUOTE)).removeprefix(QUOTE)


def _prepare_faces(out: Path, videos: int, frames: int, seed: int) -> DemoData:
    """Draw a corpus; fit the classical entry, and a control that looks at no face, on its training split."""
    import numpy as np

    from abawbench.challenges import get
    from abawbench.clips.clip import clips_of_crops
    from abawbench.entries import Card
    from abawbench.entries.baselines import classical, controls
    from abawbench.formats import read_truth
    from abawbench.formats.write import write_list
    from abawbench.inference import is_store
    from abawbench.inference.predict import predict
    from abawbench.models.image_input import ImageInput

    challenge = get(CHALLENGE)
    corpus = out / f"corpus_{videos}x{frames}_seed{seed}"
    _run("synth", corpus, "--videos", str(videos), "--frames", str(frames), "--seed", str(seed))
    train, truth = corpus / "training_set_annotations.txt", corpus / "validation_set_annotations.txt"
    learned, held_back = read_truth(challenge, train), read_truth(challenge, truth)
    rows = out / "validation_list.txt"
    write_list(challenge, held_back, rows)
    training = learned.take(np.arange(0, len(learned), -(-len(learned) // TRAINING_ROWS)))
    shown, held_out = (clips_of_crops(corpus / "cropped_aligned", table) for table in (training, held_back))

    units = f"{len(training)} rows of {len(shown)} units"
    trained_on = f"training split of the same corpus: {units} of other people"

    def card(name: str, title: str, picture: ImageInput | None) -> Card:
        return Card(name, title, (), picture, trained_on=(trained_on,), licence="Apache-2.0")

    tell(f"fitting {LEARNED} on {units}, of other people than the {len(held_out)} units to predict ...")
    hog = card(LEARNED, "HOG of the crop, linear heads", ImageInput(112, "grey", crop="arcface-112"))
    prior = card(CONTROL, "How often each label occurs", None)
    entries = {
        LEARNED: classical.create(hog, challenge.tasks, classical.HogSettings()).fit(shown, training),
        CONTROL: controls.prior(prior, challenge.tasks, controls.NoSettings()).fit(shown, training),
    }
    notes = {
        LEARNED: "Fitted on drawn faces: its score says nothing about real ones.",
        CONTROL: "A control that looks at no face.",
    }
    for name, entry in entries.items():
        if is_store(out / name):
            # of an earlier demo, perhaps of other faces
            shutil.rmtree(out / name)
        predict(entry, held_out, out / name)
        dataset = f"drawn faces, {videos} videos, seed {seed}"
        _disclose(out, name, dataset, f'["{trained_on}"]', "abawbench synth, 112 x 112", notes[name])
    predictions = {name: out / name for name in entries}
    return DemoData(truth, rows, corpus / "subjects.csv", corpus / "cropped_aligned", predictions)


def _prepare_labels(out: Path, videos: int, frames: int, seed: int) -> DemoData:
    """Make labels alone, and predictions of three invented models: the truth with errors added."""
    from abawbench.challenges import get
    from abawbench.formats.write import write_annotations, write_list
    from abawbench.synthetic import simulate_predictions, simulate_split

    challenge = get(CHALLENGE)
    corpus = simulate_split(videos, frames, seed)
    truth, rows = out / "validation_set_annotations.txt", out / "validation_list.txt"
    write_annotations(challenge, corpus.truth, truth)
    write_list(challenge, corpus.truth, rows)
    tell(f"A synthetic validation split: {videos} videos, {len(corpus.truth):,} rows, in {out}")
    note = "An invented model: the truth with errors put in. Its score says nothing about faces."
    for number, (entry, skill) in enumerate(INVENTED.items(), start=1):
        _save(simulate_predictions(corpus.known, skill, seed + number, gaps=0.02), out / f"{entry}.parquet")
        _disclose(out, entry, f"synthetic labels, {videos} videos, seed {seed}", "[]", "none: labels only", note)
    return DemoData(truth, rows, None, None, {entry: out / f"{entry}.parquet" for entry in INVENTED})


def _disclose(out: Path, entry: str, dataset: str, trained_on: str, crops: str, note: str) -> None:
    text = DISCLOSURE.format(entry=entry, dataset=dataset, trained_on=trained_on, crops=crops, note=note)
    write_text(out / f"{entry}.toml", text)


def _save(table: Table, path: Path) -> None:
    from abawbench.challenges import get
    from abawbench.formats.dataframe import to_frame

    to_frame(get(CHALLENGE), table).to_parquet(path)


def _run(*words: str | Path) -> str:
    """Run a command; it and what it prints go to the log. Returns what it printed to standard output.

    A command that fails ends the demo with its exit status, and what it said.
    """
    import contextlib
    import io

    from abawbench.cli import main

    arguments = [str(word) for word in words]
    command = f"$ abawbench {shlex.join(arguments)}"
    tell(command)
    printed, said = io.StringIO(), io.StringIO()
    code = 0
    log = click.get_current_context().meta[_LOG]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        try:
            main(arguments, prog_name="abawbench", standalone_mode=False)
        except SystemExit as end:
            code = int(end.code or 0)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{command}\n{said.getvalue()}{printed.getvalue()}\n")
    if code:
        click.echo(f"{said.getvalue()}abawbench {arguments[0]} ended with {code}; the whole walk: {log}", err=True)
        sys.exit(code)
    return printed.getvalue()
