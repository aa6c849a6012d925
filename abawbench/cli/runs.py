"""Code that `predict` and `extract` share: DATA as clips, progress, Ray workers, and the summary of a run."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli.options import resolve_device
from abawbench.cli.output import ProgressLine, duration, say

if TYPE_CHECKING:
    from abawbench.clips.open import ClipSource
    from abawbench.entries import Card, Entry
    from abawbench.inference.run import RunOptions, RunProgress, RunSummary


def open_data(data: Path, out: Path, card: Card, weights: Path | None) -> ClipSource:
    """Open DATA as clips; faces of videos and pictures are cropped into a folder under OUT first.

    Args:
        data: path that the user named.
        out: folder of the run.
        card: card of the entry that gets the clips, which has the size of the crops.
        weights: ONNX file of the face detector; None takes the default.

    Raises:
        ProblemError: E06 there are no crops of the card's size, P03 there is nothing to crop; what `open_clips` and
            `crop_faces` raise.
    """
    from abawbench.clips.open import open_clips

    return open_clips(data, faces=lambda: _crop_faces(data, out, card, weights))


def resolve_options(options: RunOptions, address: str | None, load: Callable[[], Entry]) -> RunOptions:
    """Resolve the device and the cluster of a run.

    Args:
        options: options of the command line.
        address: address of a Ray cluster; None runs here.
        load: function that loads the entry; it can be pickled.

    Raises:
        ProblemError: C02, there is no such device.
    """
    from abawbench.inference.ray_workers import RayWorkers

    workers = None if address is None else RayWorkers(load, address)
    return replace(options, device=resolve_device(options.device), workers=workers)


@contextmanager
def progress_of_units() -> Generator[Callable[[RunProgress], None]]:
    """Yield a function that shows the progress of a run, and clear its line at the end."""
    line = ProgressLine("units")
    yield lambda progress: line.show(progress.units, progress.frames, progress.seconds)
    line.end()


def summary_json(summary: RunSummary, **more: Any) -> dict[str, Any]:
    """A summary as JSON values, together with those of the verb."""
    problems = [problem.to_json() for problem in summary.problems]
    return {**asdict(summary), "seconds": round(summary.seconds, 2), "problems": problems, **more}


def print_summary(summary: RunSummary, kind: str, **lines: object) -> None:
    """Print a summary.

    Args:
        summary: summary of the run.
        kind: kind of the data.
        lines: further lines of the verb, by heading.
    """
    kept = f", {summary.kept:,} kept from before" if summary.kept else ""
    lost = summary.units - summary.made - summary.kept
    left = f", {lost:,} left out" if lost else ""
    click.echo(f"units      {summary.units:,} from {kind}: {summary.made:,} done{kept}{left}")
    click.echo(f"frames     {summary.frames:,}, {summary.valid:,} with a face")
    if summary.parity is not None:
        deviation = summary.parity.deviation
        off = "" if deviation is None else f"; bfloat16 differs by {deviation:.2g} on the first batch"
        click.echo(f"precision  {summary.parity.precision}{off}")
    click.echo(f"time       {duration(summary.seconds)}")
    for heading, text in lines.items():
        click.echo(f"{heading:10s} {text}")


def _crop_faces(data: Path, out: Path, card: Card, weights: Path | None) -> Path:
    from abawbench.base.problems import Problem, ProblemError, render
    from abawbench.clips.alignment import FIELDS
    from abawbench.faces.run import crop_faces
    from abawbench.faces.video_crops import FaceSettings
    from abawbench.inference import FACES

    size = 112 if card.picture is None else card.picture.size
    crop = next((name for name, field in FIELDS.items() if field.size == size), None)
    if crop is None:
        sizes = " or ".join(f"{field.size}" for field in FIELDS.values())
        found = f"{card.name} takes crops of {size} pixels"
        raise ProblemError(Problem("E06", found, f"{sizes} pixels, as faces makes them", "make the crops yourself"))
    line = ProgressLine("videos")
    folder = out / FACES
    folder.mkdir(parents=True, exist_ok=True)
    say(f"faces: {data} into {folder}")
    summary = crop_faces(
        data,
        folder,
        FaceSettings(crop=crop),
        weights=weights,
        report=lambda at: line.show(at.videos, at.frames, at.seconds),
    )
    line.end()
    if summary.problems:
        say(render(summary.problems))
    if not summary.crops:
        raise ProblemError(
            Problem("P03", "no face in any frame", "one face at least", "look at audit.html", str(folder))
        )
    return folder
