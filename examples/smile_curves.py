"""Plot happiness and AU12 over time in two real videos, as a trained entry predicts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
from real_data import real_data

from abawbench.inference.store import open_store

VIDEOS = ("pyfeat_single_face", "pexels_woman_emotions")


@click.command()
@click.option(
    "--entry", type=click.Path(path_type=Path, exists=True), required=True, help="Run folder of `abawbench train`."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder.")
def main(entry: Path, out: Path) -> None:
    """Predict both videos, and plot the curves into OUT/smiles.png."""
    os.environ.setdefault("ABAWBENCH_YUNET", str(real_data() / "weights" / "yunet_n_dynamic.onnx"))
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(VIDEOS), 1, figsize=(9, 6), layout="constrained")
    for axis, name in zip(axes, VIDEOS, strict=True):
        video = real_data() / "videos" / f"{name}.mp4"
        words = ["predict", str(entry), str(video), "-o", str(out / name), "--precision", "float32"]
        subprocess.run([sys.executable, "-m", "abawbench", *words], check=True)  # noqa: S603 - our own command
        store = open_store(out / name)
        for unit in store.units():
            said = store.read(unit)
            seconds = said.frame / 25 if said.time is None else said.time
            for task, label in (("expression", "Happiness"), ("action_units", "AU12")):
                own = store.card.task(task)
                if own is not None:
                    values = said.answers[task][:, own.outputs.index(label)]
                    axis.plot(seconds, np.where(said.valid, values, np.nan), label=f"{label}, {unit}")
        axis.set(title=name, ylim=(0, 1), ylabel="probability")
        axis.legend(loc="lower right", framealpha=0.6)
    axes[-1].set_xlabel("seconds")
    figure.savefig(out / "smiles.png", dpi=120)
    click.echo(f"look at {out / 'smiles.png'}")


if __name__ == "__main__":
    main()
