"""abawbench extract: compute the features of crops or videos, into a folder."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from abawbench.base.files import check_output
from abawbench.cli import runs
from abawbench.cli.options import PATH, choice_option, options_from
from abawbench.cli.output import detail, exits_on_problems, stage, tell, tell_resumed
from abawbench.clips.features import StoredType
from abawbench.models.image_input import Overrides

if TYPE_CHECKING:
    from collections.abc import Callable

    from abawbench.entries import Entry
    from abawbench.inference.feature_maker import FeatureMaker


@click.command()
@click.argument("backbone")
@click.argument("data", type=PATH)
@click.option(
    "--out", "-o", type=PATH, required=True, help="Folder of the features, new or made by the same backbones."
)
@click.option("--seed", type=int, help="Seed of random weights, if BACKBONE is a kind.")
@click.option("--branch", default="", help="Part of a checkpoint that holds several networks, as model_ema.")
@click.option(
    "--layer", help="Number of a backbone's hidden layer (-1: the last), or name of a layer or output of an entry."
)
@options_from(Overrides, "overrides")
@choice_option(
    "--dtype",
    choices=get_args(StoredType),
    default="float16",
    text="Number type of the stored features.",
)
@runs.run_options
@exits_on_problems
def command(
    backbone: str,
    data: Path,
    out: Path,
    seed: int | None,
    branch: str,
    layer: str | None,
    overrides: Overrides,
    dtype: StoredType,
    request: runs.RunRequest,
) -> None:
    """Extract features of every frame of DATA with BACKBONE, into a folder that `predict` and `train` take.

    BACKBONE is a kind (iresnet50, mae_vit_b, hf:convnext; --seed for random weights), a checkpoint (.pth, .safetensors,
    a folder that transformers saved), or an entry: its backbones, whose features are concatenated, or the layer or
    output below the scores that it names as `features`, or that --layer names. Scores are no features. DATA are crops
    (<unit>/00001.jpg, or the output of `faces`), or videos and pictures, whose faces are first cropped into OUT/faces
    as the card or the checkpoint asks. OUT gets <unit>.safetensors. A second run does only what is new or changed;
    `abawbench cache` lists, verifies and clears such folders.

    \b
    Example:
      abawbench extract arcface_r50.pth cropped_aligned -o features/arcface
      abawbench extract tiny_vit cropped_aligned -o features/tiny --seed 0 --layer -2 --pooling mean
      abawbench extract 2026_me_mine cropped_aligned -o features/mine --layer trunk.pool
      abawbench predict 2022_aim3_mtl-se-gru features/arcface -o out/gru
    """
    check_output(out, data)
    tell(f"extract: {backbone} over {data}, into {out}")
    from abawbench.inference.extract import extract
    from abawbench.inference.feature_maker import feature_maker

    backbone, (data, out, submissions) = runs.resolve_places(request.address, backbone, data, out, request.submissions)
    make = partial(feature_maker, backbone, overrides, branch=branch, layer=layer, seed=seed, root=submissions)
    with stage("loading the backbone"):
        maker = make()
    notes = runs.say_network_notes(maker.entry.card)
    with stage("finding the data"):
        source = runs.open_data([data], out, maker.entry.card, request.weights)
    detail(f"{maker.entry.card.name}: {len(source.clips):,} units from {source.kind}")
    options = runs.resolve_options(request, maker.entry, partial(_load, make))
    detail(f"device: {options.device}")
    resumed = tell_resumed("units")
    with runs.progress_of_units() as report:
        summary = extract(maker, source.clips, out, options, dtype=dtype, report=report, resumed=resumed)
    summary = runs.with_notes(summary, source)
    width = maker.entry.width
    lines = {"features": f"{width:,} a frame, {dtype}", "cache": out}
    runs.say_problems(summary)
    summary = replace(summary, problems=(*notes, *summary.problems))
    runs.print_summary(summary, source.kind, as_json=request.as_json, values={"width": width}, lines=lines)


def _load(make: Callable[[], FeatureMaker]) -> Entry:
    return make().entry
