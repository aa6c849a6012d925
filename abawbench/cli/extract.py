"""abawbench extract: what backbones see in somebody's data, into a folder of features."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.cli.face_crops import faces_of
from abawbench.cli.meter import Meter, duration
from abawbench.cli.options import (
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

if TYPE_CHECKING:
    from abawbench.clips.features import Stored
    from abawbench.entries.model import FrameWise
    from abawbench.inference.extract import Summary
    from abawbench.inference.feature_maker import Reading
    from abawbench.inference.precision import Asked
    from abawbench.inference.progress import Progress
    from abawbench.models.backbones import Pooling


@click.command()
@click.argument("backbone")
@click.argument("data", type=PATH)
@click.option("--out", "-o", type=PATH, required=True, help="Folder of the features, new or of the same backbones.")
@click.option("--seed", type=int, help="Random weights from this seed, for a kind of backbone.")
@click.option("--layer", type=int, help="Hidden layer that is read: 0 what enters the first, -1 what leaves the last.")
@click.option(
    "--pooling",
    type=click.Choice(["class", "mean", "average", "embedding"]),
    help="How a layer becomes one vector.",
)
@click.option("--size", type=click.IntRange(1), help="Pixels of the pictures; crops are resized to it.")
@click.option(
    "--dtype",
    type=click.Choice(["float16", "bfloat16", "float32"]),
    default="float16",
    show_default=True,
    help="In which features are stored.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    help="auto: bfloat16 where the machine has it and the first batch gets nearly the same features.",
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
    backbone: str,
    data: Path,
    out: Path,
    seed: int | None,
    layer: int | None,
    pooling: Pooling | None,
    size: int | None,
    dtype: Stored,
    precision: Asked,
    device: str,
    batch: int,
    submissions: Path,
    weights: Path | None,
    engine: str,
    address: str,
    as_json: bool,
) -> None:
    """Keep what BACKBONE sees in every frame of DATA: <unit>.safetensors in a folder that `predict` and `train` take.

    BACKBONE is a kind (iresnet50, mae_vit_b, hf:convnext; --seed for random weights), a checkpoint (.pth, .safetensors,
    a folder that transformers saved), or an entry: its backbones, end to end. DATA are crops (<unit>/00001.jpg, or what
    `faces` made), or videos and pictures, whose faces go into OUT/faces first. A second run does only what is new or
    changed; `abawbench cache` lists, verifies and clears such folders.

    \b
    Example:
      abawbench extract arcface_r50.pth cropped_aligned -o features/arcface
      abawbench extract tiny_vit cropped_aligned -o features/tiny --seed 0 --layer -2 --pooling mean
      abawbench predict 2022_aim3_mtl-se-gru features/arcface -o out/gru
    """
    from abawbench.base.problems import render
    from abawbench.clips.open import open_clips
    from abawbench.inference.extract import Options, extract
    from abawbench.inference.feature_maker import Reading, feature_maker
    from abawbench.models.devices import device_of

    if engine == "ray":
        # the machines of a cluster start in folders of their own
        data, out = data.resolve(), out.resolve()
        backbone = str(Path(backbone).resolve()) if Path(backbone).exists() else backbone
    maker = feature_maker(backbone, Reading(size, layer, pooling, seed), root=submissions)
    source = open_clips(data, faces=lambda: faces_of(data, out, maker.entry.card, weights))
    meter = Meter("units")

    def report(progress: Progress) -> None:
        meter.show(progress.units, progress.frames, progress.seconds)

    far = None
    if engine == "ray":
        from abawbench.inference.ray_workers import Far

        far = Far(partial(_looking, backbone, Reading(size, layer, pooling, seed), submissions.resolve()), address)
    options = Options(dtype, precision, device_of(device), batch, far=far)
    summary = extract(maker, source.clips, out, options, report=report)
    meter.end()
    if summary.problems:
        say(render(summary.problems))
    if as_json:
        print_json(_json(summary))
    else:
        _print(summary, out, source.kind, dtype)
    if summary.problems:
        sys.exit(1)


def _looking(backbone: str, reading: Reading, root: Path) -> FrameWise:
    from abawbench.inference.feature_maker import feature_maker

    return feature_maker(backbone, reading, root=root).entry


def _json(summary: Summary) -> dict[str, Any]:
    record = {**asdict(summary), "seconds": round(summary.seconds, 2)}
    return {**record, "problems": [problem.to_json() for problem in summary.problems]}


def _print(summary: Summary, out: Path, kind: str, dtype: str) -> None:
    kept = f", {summary.kept:,} kept from before" if summary.kept else ""
    lost = summary.units - summary.made - summary.kept
    left = f", {lost:,} left out" if lost else ""
    parity = summary.parity
    off = "" if parity.deviation is None else f"; bfloat16 differs by {parity.deviation:.2g} on the first batch"
    click.echo(f"units      {summary.units:,} from {kind}: {summary.made:,} done{kept}{left}")
    click.echo(f"frames     {summary.frames:,}, {summary.valid:,} with a face")
    click.echo(f"features   {summary.width:,} a frame, {dtype}")
    click.echo(f"precision  {parity.precision}{off}")
    click.echo(f"time       {duration(summary.seconds)}")
    click.echo(f"cache      {out}")
