"""abawbench pretrain: train encoders on crops without labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from abawbench.base.files import check_output
from abawbench.cli.options import PATH, choice_option, device_option, json_option, resolve_device
from abawbench.cli.output import ProgressLine, duration, exits_on_problems, print_json, tell, tell_resumed

if TYPE_CHECKING:
    from abawbench.training.pretraining.pretrain import PretrainProgress, PretrainSummary

SIZES = ("tiny", "small", "b", "l", "h")


@click.group()
def command() -> None:
    """Train an encoder on crops without labels.

    \b
    Example:
      abawbench pretrain mae out/corpus -o out/mae
    """


@command.command("mae")
@click.argument("crops", type=PATH)
@click.option("--out", "-o", type=PATH, required=True, help="Folder of the run, new or of the same run.")
@choice_option(
    "--size",
    choices=SIZES,
    default="small",
    text="small trains on two cores; b, l and h are the published sizes.",
)
@click.option("--picture", type=click.IntRange(1), help="Side of a picture in pixels.  [default: that of the size]")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the crops.  [default: that of the size]")
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True, help="Pictures in a step.")
@click.option("--rate", "base_rate", type=float, help="Learning rate for batches of 256.  [default: that of the size]")
@click.option("--warm-up", type=float, help="Epochs in which the rate rises.  [default: a twentieth]")
@click.option("--mask", type=float, default=0.75, show_default=True, help="Share of the patches to hide.")
@click.option("--held-out", type=float, default=0.1, show_default=True, help="Share of the units to hold out.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all that is random.")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32", show_default=True)
@device_option
@click.option("--memory", type=click.FloatRange(0), default=4.0, show_default=True, help="GiB for decoded crops.")
@json_option
@exits_on_problems
def mae(crops: Path, out: Path, size: str, device: str, memory: float, as_json: bool, **settings: Any) -> None:
    """Pre-train a masked autoencoder on CROPS, and keep its encoder in a folder.

    CROPS is an output folder of `faces`, a corpus with cropped_aligned, or folders of pictures named by frame number. A
    run that was interrupted is resumed when it is started again. Entries and `extract` take OUT/encoder.safetensors as
    weights; docs/pretraining.md describes what else is in OUT.

    \b
    Example:
      abawbench pretrain mae out/corpus -o out/mae
      abawbench pretrain mae cropped_aligned -o out/mae_b --size b --precision bfloat16 --batch 512
    """
    check_output(out, crops)
    tell(f"pretrain: {crops}, into {out}")
    from abawbench.training.pretraining.pretrain import pretrain
    from abawbench.training.pretraining.settings import settings_for

    resolved = settings_for(size, **settings)
    line = ProgressLine("epochs")

    def report(progress: PretrainProgress) -> None:
        if progress.last is not None:
            line.end()
            last = progress.last
            other = "" if last.held_out is None else f", {last.held_out:.4f} on held-out crops"
            tell(f"epoch {last.epoch}: loss {last.loss:.4f}{other}")
        line.show(progress.epochs, progress.pictures, progress.seconds)

    room = int(memory * 2**30)
    resumed = tell_resumed("steps")
    summary = pretrain(crops, out, resolved, device=resolve_device(device), memory=room, report=report, resumed=resumed)
    line.end()
    _print(summary, as_json=as_json)


def _print(summary: PretrainSummary, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json({**asdict(summary), "encoder": str(summary.encoder), "seconds": round(summary.seconds, 2)})
        return
    units = f" of {len(summary.units):,} units" if summary.units else ""
    click.echo(f"crops      {summary.learned:,} learned from, {summary.held_out:,} held out{units}")
    last = summary.epochs[-1]
    other = "" if last.held_out is None else f", {last.held_out:.4f} on held-out crops"
    click.echo(f"loss       {last.loss:.4f} in epoch {last.epoch}{other}")
    click.echo(f"time       {'nothing to do' if summary.is_kept else duration(summary.seconds)}")
    click.echo(f"encoder    {summary.encoder}")
