"""Networks trained on drawn faces (static, temporal, on features of a masked autoencoder) against all controls.

Epochs are chosen on the validation split; all scores are those of the test split, whose people no network has seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from commands import abawbench

from abawbench.challenges import get
from abawbench.clips.clip import clips_of_crops
from abawbench.entries import Trainable, answer, load_entry
from abawbench.formats import read_truth
from abawbench.formats.dataframe import to_frame
from abawbench.scoring.intervals import quoted

CHALLENGE = "abaw4-mtl"
STATIC = "2026_abawbench_facebehaviornet"
TEMPORAL = ("gru", "transformer")
CONTROLS = ("constant", "mean", "prior", "shuffled", "hog")
# number of rows for the classical entry to learn from; more would add little, since frames of a video are alike
LESSONS = 2400
PRECISION = "float32"
# the corpus of the first version, on which the published figures were measured
RESTING = 0.05


def static(corpus: Path, out: Path) -> None:
    """Train the static network, and write its predictions and the features of its trunk."""
    abawbench("train", STATIC, corpus, "-o", out / "static")
    abawbench("predict", out / "static", corpus, "-o", out / "answers" / "static", "--precision", PRECISION)
    abawbench("extract", out / "static", corpus, "-o", out / "features" / "static", "--precision", PRECISION)


def temporal(corpus: Path, out: Path, features: str, encoder: str, name: str) -> None:
    """Train and run a network over features; the encoder `none` has the same layers, but sees each frame alone."""
    folder = out / "features" / features
    width = json.loads((folder / "index.json").read_text())["maker"]["width"]
    entry = f"2026_abawbench_temporal-{'gru' if encoder == 'none' else encoder}"
    settings = ["--set", f"settings.features={width}"]
    settings += ["--set", 'settings.temporal.encoder="none"'] if encoder == "none" else []
    abawbench("train", entry, "--features", folder, "--truth", corpus, "-o", out / name, *settings)
    abawbench("predict", out / name, folder, "-o", out / "answers" / name)


def masked(corpus: Path, out: Path, epochs: int) -> None:
    """Extract features of a masked autoencoder trained on the same crops without labels, and of an untrained one."""
    abawbench("pretrain", "mae", corpus, "-o", out / "mae", "--epochs", epochs)
    abawbench(
        "extract",
        out / "mae" / "encoder.safetensors",
        corpus,
        "-o",
        out / "features" / "mae",
        "--pooling",
        "mean",
        "--precision",
        PRECISION,
    )
    abawbench(
        "extract",
        "small_vit_mae",
        corpus,
        "-o",
        out / "features" / "random",
        "--seed",
        0,
        "--pooling",
        "mean",
        "--precision",
        PRECISION,
    )


def controls(corpus: Path, out: Path) -> None:
    """Write the predictions of entries without a network: the negative controls, and the classical entry."""
    challenge = get(CHALLENGE)
    train, asked = (read_truth(challenge, path) for path in (corpus / "training_set_annotations.txt", test_of(corpus)))
    lessons = train.take(np.arange(0, len(train), -(-len(train) // LESSONS)))
    seen, held_out = (clips_of_crops(corpus / "cropped_aligned", table) for table in (lessons, asked))
    for name in CONTROLS:
        path = out / "answers" / f"{name}.parquet"
        if path.exists():
            continue
        entry = load_entry(f"2026_abawbench_{name}")
        if isinstance(entry, Trainable):
            # the shuffled control permutes the very truth that it is scored on
            entry = entry.fit(held_out, asked) if name == "shuffled" else entry.fit(seen, lessons)
        to_frame(challenge, answer(entry, held_out, challenge)).to_parquet(path)


def test_of(corpus: Path) -> Path:
    """The labels of the test split, which are known for a drawn corpus."""
    return corpus / "truth" / "test_set_annotations.txt"


def scores(corpus: Path, out: Path, names: Sequence[str]) -> dict[str, Any]:
    """By name, the official score on the test split with intervals over people."""
    found: dict[str, Any] = {}
    for name in names:
        store = out / "answers" / name
        source = store if store.is_dir() else store.with_name(f"{name}.parquet")
        text = abawbench(
            "score",
            CHALLENGE,
            test_of(corpus),
            source,
            "--subjects",
            corpus / "subjects.csv",
            "--missing",
            "previous",
            "--json",
        )
        found[name] = json.loads(text)
    return found


def interval_of(score: dict[str, Any]) -> list[float] | None:
    """The interval to quote of a score."""
    found = quoted(score["intervals"]["score"])
    return None if found is None else found[1]


def print_scores(found: dict[str, Any]) -> None:
    """Print a table of scores, the best first."""
    print(f"\n{'':22s} {'score':>7s}  {'95 %':18s} {'va':>12s}  {'expression':>12s}  {'action units':>12s}")
    for name, score in sorted(found.items(), key=lambda item: -(item[1]["score"] or 0)):
        low, high = interval_of(score) or (float("nan"),) * 2
        parts = "  ".join(f"{score['terms'][task]:12.3f}" for task in ("va", "expression", "action_units"))
        print(f"{name:22s} {score['score']:7.4f}  {low:.4f} to {high:.4f}  {parts}")


def more_people(out: Path, videos: int) -> None:
    """Compare the networks over features on a second corpus, whose people none of them has seen."""
    corpus, features = out / "more", out / "features" / "more"
    abawbench("synth", corpus, "--videos", videos, "--frames", 30, "--seed", 2, "--resting", RESTING)
    abawbench("extract", out / "static", corpus, "-o", features, "--precision", PRECISION)
    files = [corpus / "training_set_annotations.txt", corpus / "validation_set_annotations.txt", test_of(corpus)]
    header, *rows = (line for file in files for line in file.read_text().splitlines())
    truth = corpus / "all.txt"
    truth.write_text("\n".join([header, *(row for row in rows if row != header)]) + "\n")
    pairs = (("temporal-gru", "static"), ("temporal-gru", "static-twin"), ("temporal-transformer", "static-twin"))
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        abawbench("predict", out / name, features, "-o", out / "answers-more" / name)
    people = ("--subjects", corpus / "subjects.csv", "--missing", "previous")
    for first, second in pairs:
        stores = (out / "answers-more" / name for name in (first, second))
        print("\n".join(abawbench("diff", CHALLENGE, truth, *stores, *people).splitlines()[:5]))


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder.")
@click.option("--videos", default=480, show_default=True, help="Videos of the corpus.")
@click.option("--frames", default=30, show_default=True, help="Frames of a video, on average.")
@click.option("--mae-epochs", default=10, show_default=True, help="Epochs of the masked autoencoder.")
def main(out: Path, videos: int, frames: int, mae_epochs: int) -> None:
    """Draw a corpus, train, and compare; an interrupted run continues where it stopped."""
    corpus = out / "corpus"
    abawbench("synth", corpus, "--videos", videos, "--frames", frames, "--seed", 1, "--resting", RESTING)
    static(corpus, out)
    temporal(corpus, out, "static", "none", "static-twin")
    for encoder in TEMPORAL:
        temporal(corpus, out, "static", encoder, f"temporal-{encoder}")
    masked(corpus, out, mae_epochs)
    for features in ("mae", "random"):
        temporal(corpus, out, features, "gru", f"{features}-gru")
    controls(corpus, out)
    networks = ["static", "static-twin", *(f"temporal-{encoder}" for encoder in TEMPORAL), "mae-gru", "random-gru"]
    found = scores(corpus, out, [*networks, *CONTROLS])
    print_scores(found)
    more_people(out, videos * 5 // 4)
    (out / "scores.json").write_text(
        json.dumps({name: [score["score"], interval_of(score)] for name, score in found.items()}, indent=1)
    )


if __name__ == "__main__":
    main()
