"""abawbench faces: crop the faces of videos, aligned and audited."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abawbench.cli.options import PATH, cluster_options, json_option
from abawbench.cli.output import ProgressLine, duration, exits_on_problems, print_json, say, tell, tell_resumed

if TYPE_CHECKING:
    from abawbench.faces.run import FacesProgress, FacesSummary


@click.command()
@click.argument("videos", type=PATH)
@click.argument("out", type=PATH)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Detect faces in every K-th frame, and follow them in between.",
    metavar="K",
)
@click.option(
    "--crop",
    "crop_name",
    default="arcface-112",
    show_default=True,
    metavar="NAME",
    help="arcface-112: as recognition networks take faces; wide: the whole head; eyes-1.5: eyes level, a margin of 1.5 "
    "eye distances; box-0.2: the detector's box, a margin of a fifth.",
)
@click.option("--size", type=int, help="Pixels of a side of a crop.  [default: 112 for arcface-112, else 224]")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one for each core",
    help="Number of processes; the output is the same for any number.",
)
@click.option(
    "--weights",
    type=PATH,
    help="YuNet's ONNX file.  [default: that of ABAWBENCH_YUNET, else that of `abawbench data fetch yunet`]",
)
@cluster_options
@json_option
@exits_on_problems
def command(
    videos: Path,
    out: Path,
    every: int,
    crop_name: str,
    size: int | None,
    workers: int,
    weights: Path | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Crop the faces of VIDEOS into OUT, one unit for each person.

    VIDEOS is a video, a picture, or a folder of them; the direct subfolders of a folder are read too. Numbered pictures
    in a folder are the frames of a video. OUT receives cropped_aligned/<unit>/00001.jpg, cropped_aligned/crop.json,
    which says what the crops show, an index of every frame, audit.html to look at, audit.csv, and left_out.csv. Rows in
    OUT/overrides.csv (video,from,to,which) correct who is who. When the command is run again, finished videos are kept,
    and changed videos and those with new overrides are done again.

    \b
    Example:
      abawbench faces videos faces
      abawbench faces videos faces --every 5 --workers 8
      abawbench faces interview.mp4 faces --crop wide --json
      abawbench faces videos faces_of_boxes --crop box-0.2 --size 48
    """
    from abawbench.clips.crop import Crop

    try:
        crop = Crop.named(crop_name, size)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    tell(f"faces: {videos}, into {out}")
    from abawbench.base.problems import render
    from abawbench.faces.run import crop_faces
    from abawbench.faces.video_crops import FaceSettings

    line = ProgressLine("videos")

    def report(progress: FacesProgress) -> None:
        line.show(progress.videos, progress.frames, progress.seconds)

    summary = crop_faces(
        videos,
        out,
        FaceSettings(every, crop),
        workers=workers,
        weights=weights,
        address=address,
        report=report,
        resumed=tell_resumed("videos"),
    )
    line.end()
    if summary.problems:
        say(render(summary.problems))
    if as_json:
        print_json(summary.to_json(), problems=summary.problems)
    else:
        _print(summary, out)
    if summary.problems:
        sys.exit(1)


def _print(summary: FacesSummary, out: Path) -> None:
    count = f"{summary.made:,} done" + (f", {summary.kept:,} kept from before" if summary.kept else "")
    lost = summary.videos - summary.made - summary.kept
    if lost:
        count += f", {lost:,} left out"
    click.echo(f"videos  {summary.videos:,}: {count}")
    click.echo(f"units   {len(summary.units):,}")
    click.echo(f"crops   {summary.crops:,}, from {summary.frames:,} frames")
    click.echo(f"time    {duration(summary.seconds)}")
    click.echo(f"look at {out / 'audit.html'}" + (f" and {out / 'left_out.csv'}" if summary.problems else ""))
