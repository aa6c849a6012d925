"""Smiles over time in two real videos: networks against each other and against MediaPipe.

    python examples/smile_curves.py --entry out/static --out out/smiles

Each entry answers the videos through `abawbench predict`, on crops as its card demands. MediaPipe's face landmarker has
written tables of blendshapes of the same videos; an entry of kind `tool-output` reads them by a map of columns. Nobody
has annotated the videos, so nothing here says who is right: correlations show where programs agree.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

import click
import numpy as np
import pandas as pd
from commands import abawbench
from real_data import ATTRIBUTION, NETWORKS, public_network, real_data

from abawbench.base.files import write_text
from abawbench.base.problems import Problem, ProblemError
from abawbench.cli.output import exits_on_problems
from abawbench.entries import load_entry
from abawbench.entries.model import Card
from abawbench.inference.store import Store, open_store
from abawbench.table import Floats

VIDEOS = ("pyfeat_single_face", "pexels_woman_emotions")
SMILE = (("expression", "Happiness"), ("action_units", "AU12"))
# action units that both our networks and the map below have
UNITS = ("AU1", "AU4", "AU12", "AU26")
MEDIAPIPE = "2023_google_mediapipe"
# the nearest blendshapes, which are no action units: an assumption of this example
MAP = f"""\
name = "{MEDIAPIPE}"
title = "MediaPipe Face Landmarker: blendshapes as action units (assumed)"
kind = "tool-output"
vocabulary = "abaw4-mtl"
trained_on = []
sees_truth = false
licence = "Apache-2.0"

[settings]
folder = "."

[settings.map]
title = "MediaPipe Face Landmarker"
frame = "frame"

[settings.map.columns]
AU1 = "browInnerUp"
AU4 = ["browDownLeft", "browDownRight"]
AU12 = ["mouthSmileLeft", "mouthSmileRight"]
AU26 = "jawOpen"
"""
# seconds of a block: expressions last for seconds, so shorter blocks would depend on their neighbours
BLOCK_S = 2.0
FEWEST_BLOCKS, RESAMPLES = 5, 2_000
Method = Literal["pearson", "spearman"]
METHODS: tuple[Method, ...] = ("pearson", "spearman")
ENDS = ("low", "high")
# Okabe and Ito's colours, which people with any kind of colour vision can tell apart
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = {"Happiness": "-", "AU12": "--"}


def mediapipe(data: Path, out: Path) -> Path:
    """Write an entry of MediaPipe's tables, each named after its video, and return its folder."""
    folder = out / MEDIAPIPE
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "entry.toml", MAP)
    for video in VIDEOS:
        shutil.copyfile(data / "labels" / f"mediapipe_{video}.csv", folder / f"{video}.csv")
    return folder


def predict(entry: Path, source: Path, stores: Path) -> Store:
    """Let an entry answer videos or tables, and return its store."""
    store = stores / entry.name
    abawbench("predict", entry, source, "-o", store, "--precision", "float32")
    return open_store(store)


def program(card: Card) -> str:
    """The method in an entry's name, `<year>_<team>_<method>`."""
    return card.name.split("_", 2)[-1]


def curves(store: Store, unit: str) -> pd.DataFrame:
    """Answers to a unit by frame: a column (program, label) for each curve; NaN where the frame shows no face."""
    answered = store.read(unit)
    found: dict[tuple[str, str], pd.Series] = {}
    for task, label in dict.fromkeys((*SMILE, *(("action_units", name) for name in UNITS))):
        own = store.card.task(task)
        if own is not None and label in own.outputs:
            values = answered.answers[task][:, own.outputs.index(label)]
            found[program(store.card), label] = pd.Series(np.where(answered.valid, values, np.nan), answered.frame)
    return pd.DataFrame(found)


def seconds_of(store: Store, unit: str) -> pd.Series:
    """Time of each frame of a unit, in seconds by frame number."""
    answered = store.read(unit)
    assert answered.time is not None, "videos have times"
    return pd.Series(answered.time, answered.frame)


def pairs(columns: Sequence[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """The pairs of curves of different programs to compare: two smiles, or twice the same action unit."""
    smile = {label for _, label in SMILE}
    for first, second in combinations(columns, 2):
        if first[0] != second[0] and (first[1] == second[1] or {first[1], second[1]} <= smile):
            yield first, second


@dataclass(frozen=True, slots=True)
class Correlation:
    """How far two curves agree.

    Attributes:
        first: program and label of one curve.
        second: program and label of the other.
        frames: number of frames that both answer.
        values: Pearson's and Spearman's correlation, by method.
        bounds: 95 % interval of each; empty where the video is too short for one.
    """

    first: str
    second: str
    frames: int
    values: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]

    def row(self) -> dict[str, object]:
        """The row of a CSV."""
        ends = {f"{name}_{end}": bound[place] for name, bound in self.bounds.items() for place, end in enumerate(ENDS)}
        return {"first": self.first, "second": self.second, "frames": self.frames, **self.values, **ends}

    def cell(self, method: str) -> str:
        """A correlation with its interval."""
        bounds = self.bounds.get(method)
        return f"{self.values[method]:.2f}" + (f" ({bounds[0]:.2f} to {bounds[1]:.2f})" if bounds else "")


def correlations(table: pd.DataFrame, block: int) -> list[Correlation]:
    """Correlations of pairs of curves, with percentile intervals from resampled blocks.

    Frames of a video resemble each other, so whole blocks of neighbouring frames are drawn; the first frame follows the
    last. A video of fewer than `FEWEST_BLOCKS` blocks gets no interval.

    Args:
        table: a row for each frame and a column (program, label) for each curve, without NaN.
        block: number of frames of a block.

    Source: Politis & Romano 1992, A circular block-resampling procedure for stationary data.
    """
    frames = len(table)
    blocks = -(-frames // block)
    resamples = RESAMPLES if frames >= FEWEST_BLOCKS * block else 0
    starts = np.random.default_rng(0).integers(0, frames, (resamples, blocks, 1))
    rows = ((starts + np.arange(block)) % frames).reshape(resamples, blocks * block)[:, :frames]
    compared = list(pairs(list(table.columns)))
    first, second = (table.columns.get_indexer([pair[side] for pair in compared]) for side in (0, 1))

    def of(sample: pd.DataFrame, method: Method) -> Floats:
        return sample.corr(method).to_numpy()[first, second]

    values = {method: of(table, method) for method in METHODS}
    bounds: dict[str, Floats] = {}
    if resamples:
        for method in METHODS:
            drawn = np.array([of(table.iloc[row], method) for row in rows])
            bounds[method] = np.nanpercentile(drawn, [2.5, 97.5], axis=0).T
    return [
        Correlation(
            " ".join(pair[0]),
            " ".join(pair[1]),
            frames,
            {method: float(found[place]) for method, found in values.items()},
            {method: (float(found[place, 0]), float(found[place, 1])) for method, found in bounds.items()},
        )
        for place, pair in enumerate(compared)
    ]


def report(agreement: Mapping[str, Sequence[Correlation]], path: Path) -> None:
    """Print the correlations in each video, and write them as a CSV."""
    rows = [{"video": video, **each.row()} for video, found in agreement.items() for each in found]
    pd.DataFrame(rows).to_csv(path, index=False)
    for video, found in agreement.items():
        title = f"{video}, {found[0].frames} frames"
        click.echo(f"\n{title:63s} {'Pearson':23s} Spearman")
        for each in found:
            pearson, spearman = map(each.cell, METHODS)
            click.echo(f"  {each.first:30s} {each.second:30s} {pearson:23s} {spearman}")


def plot(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Plot the smiles in each video: rows of the tables are seconds, columns (program, label)."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(tables), 1, figsize=(9, 7.5), height_ratios=(2, 3), layout="constrained")
    programs = list(dict.fromkeys(name for table in tables.values() for name, _ in table.columns))
    for axis, (video, table) in zip(axes, tables.items(), strict=True):
        for name, label in (column for column in table.columns if column[1] in STYLES):
            curve, colour = table[name, label], COLOURS[programs.index(name) % len(COLOURS)]
            axis.plot(curve.index, curve, STYLES[label], color=colour, label=f"{label}, {name}", linewidth=1.2)
        axis.set(title=video, xlim=(0, table.index.max()), ylim=(-0.02, 1.02), ylabel="answer")
    axes[-1].set_xlabel("seconds")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


@click.command()
@click.option(
    "--entry",
    "entries",
    multiple=True,
    help="An entry, or a run folder, beside the public networks; may be given several times.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder.")
@exits_on_problems
def main(entries: tuple[str, ...], out: Path) -> None:
    """Predict both videos, plot the curves into OUT/smiles.png, and print how far they agree.

    OUT/curves.csv and OUT/correlations.csv have the numbers.
    """
    data = real_data()
    os.environ.setdefault("ABAWBENCH_YUNET", str(data / "weights" / "yunet_n_dynamic.onnx"))
    click.echo(f"{ATTRIBUTION}\n")
    answering = [*(public_network(name, out / "entries") for name in NETWORKS), *map(Path, entries)]
    names = [program(load_entry(str(entry)).card) for entry in answering]
    if len(set(names)) < len(names):
        found = f"{max(names, key=names.count)} more than once"
        raise ProblemError(Problem("C02", found, "entries whose curves have names of their own", "rename one of them"))
    (out / "videos").mkdir(parents=True, exist_ok=True)
    for video in VIDEOS:
        shutil.copyfile(data / "videos" / f"{video}.mp4", out / "videos" / f"{video}.mp4")
    stores = [predict(entry, out / "videos", out / "stores") for entry in answering]
    blendshapes = mediapipe(data, out / "entries")
    stores.append(predict(blendshapes, blendshapes, out / "stores"))

    smiles: dict[str, pd.DataFrame] = {}
    agreement: dict[str, list[Correlation]] = {}
    for video in VIDEOS:
        table = pd.concat([curves(store, video) for store in stores], axis=1)
        seconds = seconds_of(stores[0], video)
        agreement[video] = correlations(table.dropna(), round(BLOCK_S / float(seconds.diff().median())))
        smiles[video] = table.set_index(pd.Index(seconds.reindex(table.index), name="seconds"))
    plot(smiles, out / "smiles.png")
    pd.concat(smiles, names=["video"]).to_csv(out / "curves.csv")
    report(agreement, out / "correlations.csv")
    click.echo(f"look at {out / 'smiles.png'}")


if __name__ == "__main__":
    main()
