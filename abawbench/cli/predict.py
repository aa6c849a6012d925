"""abawbench predict: an entry over somebody's data, into a store of predictions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli.face_crops import faces_of
from abawbench.cli.meter import Meter, duration
from abawbench.cli.options import (
    CHALLENGE,
    PATH,
    address_option,
    detector_option,
    device_option,
    engine_option,
    json_option,
    looking_batch_option,
    submissions_option,
)
from abawbench.cli.output import exits_on_problems, print_json, say
from abawbench.fill import FRAME_POLICIES

if TYPE_CHECKING:
    from abawbench.challenges import Challenge
    from abawbench.entries import Entry
    from abawbench.fill import FramePolicy
    from abawbench.inference.precision import Asked
    from abawbench.inference.predict import Summary
    from abawbench.inference.progress import Progress


@click.command()
@click.argument("entry")
@click.argument("data", type=PATH)
@click.option("--out", "-o", type=PATH, required=True, help="Folder of the store, new or of the same entry.")
@click.option(
    "--fill",
    "policy",
    type=click.Choice(FRAME_POLICIES),
    default="none",
    show_default=True,
    help="What frames without a face get.",
)
@click.option(
    "--write",
    "challenges",
    type=CHALLENGE,
    multiple=True,
    metavar="CHALLENGE",
    help="Also the challenge's file of all frames, into OUT/files; may be given several times.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    help="auto: bfloat16 where the machine has it and the first batch gets the same answers.",
)
@device_option
@looking_batch_option
@submissions_option
@detector_option
@engine_option
@address_option
@json_option
@exits_on_problems
def command(
    entry: str,
    data: Path,
    out: Path,
    policy: FramePolicy,
    challenges: tuple[Challenge, ...],
    precision: Asked,
    device: str,
    batch: int,
    submissions: Path,
    weights: Path | None,
    engine: str,
    address: str,
    as_json: bool,
) -> None:
    """Let ENTRY answer every frame of DATA, and keep what it says in a store.

    ENTRY is a folder of submissions/, the path of one, `<folder>/tiny`, module:factory, or the name that an installed
    package gives. DATA are crops (<unit>/00001.jpg, or what `faces` made), features (<unit>.safetensors), tables of a
    toolkit (<unit>.csv), or videos and pictures: their faces are taken out first, into OUT/faces. A second run does
    only what is new or changed. `score`, `diff` and `write` take a store in the place of predictions.

    \b
    Example:
      abawbench predict 2019_kollias_facebehaviornet/tiny me.mp4 -o out/me --fill nearest --write abaw10-va
      abawbench predict submissions/2026_me_mine cropped_aligned -o out/mine
    """
    from abawbench.clips.open import open_clips
    from abawbench.entries.loading import find
    from abawbench.entries.model import TableEntry
    from abawbench.inference.predict import Options, run

    if engine == "ray":
        # the machines of a cluster start in folders of their own
        data, out = data.resolve(), out.resolve()
    answering = _entry(entry, submissions, data)
    if isinstance(answering, TableEntry):
        kind, clips = "tables", answering.clips()
    else:
        source = open_clips(data, faces=lambda: faces_of(data, out, answering.card, weights))
        kind, clips = source.kind, source.clips
    meter = Meter("units")

    def report(progress: Progress) -> None:
        meter.show(progress.units, progress.frames, progress.seconds)

    far = None
    if engine == "ray":
        from functools import partial

        from abawbench.inference.ray_workers import Far

        far = Far(partial(_entry, _settled(entry), submissions.resolve(), data), address)
    options = Options(policy, precision, _device(device), batch, far=far)
    summary = run(answering, clips, out, options, source=find(entry, root=submissions), report=report)
    meter.end()
    files = {challenge.id: str(_written(out, challenge)) for challenge in challenges}
    _tell(answering, summary, challenges)
    if as_json:
        print_json(_json(summary, files))
    else:
        _print(summary, out, kind, files)
    if summary.problems:
        sys.exit(1)


def _entry(name: str, submissions: Path, data: Path) -> Entry:
    from abawbench.base.problems import Problem, ProblemError
    from abawbench.entries import Trainable, load_entry
    from abawbench.entries.model import TableEntry

    found = load_entry(name, root=submissions)
    if isinstance(found, TableEntry):
        return found.reading(data)
    if isinstance(found, Trainable):
        fix = "fit it and save it, or name an entry with weights"
        raise ProblemError(Problem("E11", f"{found.card.name} has seen no labels yet", "an entry that answers", fix))
    return found


def _settled(entry: str) -> str:
    """The name of an entry, a path made whole."""
    return str(Path(entry).resolve()) if Path(entry).exists() else entry


def _device(asked: str) -> str:
    from abawbench.models.devices import device_of

    return device_of(asked)


def _written(out: Path, challenge: Challenge) -> Path:
    """The file, or folder, of a challenge with every frame of the store."""
    from abawbench.formats.write_list import write_all
    from abawbench.inference.store import read_store
    from abawbench.inference.store_layout import FILES

    return write_all(challenge, read_store(challenge, out), out / FILES)


def _tell(entry: Entry, summary: Summary, challenges: tuple[Challenge, ...]) -> None:
    from abawbench.base.problems import render
    from abawbench.entries import uncovered

    for challenge in challenges:
        for task, names in uncovered(entry.card, challenge).items():
            say(f"note: {entry.card.name} does not answer {task} {', '.join(names)}: 0 in the file of {challenge.id}")
    if summary.problems:
        say(render(summary.problems))


def _json(summary: Summary, files: dict[str, str]) -> dict[str, Any]:
    from dataclasses import asdict

    record = asdict(summary)
    return {
        **record,
        "seconds": round(summary.seconds, 2),
        "problems": [problem.to_json() for problem in summary.problems],
        "files": files,
    }


def _print(summary: Summary, out: Path, kind: str, files: dict[str, str]) -> None:
    kept = f", {summary.kept:,} kept from before" if summary.kept else ""
    lost = summary.units - summary.made - summary.kept
    left = f", {lost:,} left out" if lost else ""
    click.echo(f"units      {summary.units:,} from {kind}: {summary.made:,} done{kept}{left}")
    click.echo(f"frames     {summary.frames:,}, {summary.valid:,} with a face")
    if summary.parity is not None:
        parity = summary.parity
        off = "" if parity.deviation is None else f"; bfloat16 differs by {parity.deviation:.2g} on the first batch"
        click.echo(f"precision  {parity.precision}{off}")
    click.echo(f"time       {duration(summary.seconds)}")
    click.echo(f"store      {out}")
    for challenge, file in files.items():
        click.echo(f"{challenge:10s} {file}")
