"""Does masked pre-training help when labels are few? README.md registers what is asked."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.clips.clip import Clip
from abawbench.clips.crop_index import CROPS
from abawbench.clips.features import Vectors, clips_of_features
from abawbench.clips.open import open_clips
from abawbench.entries.loading import find_entry_file
from abawbench.formats.write import write_annotations
from abawbench.synthetic.settings import CORPUS_VERSION, MULTI_TASK, SPLITS, CorpusSettings
from abawbench.training.sources import Source
from benchmarks.claims.claim import FOLDER, Arm, Cell, Claim, Comparison, Outcome, Side
from benchmarks.claims.corpora import (
    FIGURES,
    WITHOUT,
    corpus_path,
    draw_corpus,
    labels_of,
    learn,
    outcome_of,
    principal_components,
    whole_folder,
    write_split,
)

ENTRY = "2026_abawbench_claim-pretraining"
WIDTH = 32
KIND, PICTURE, BATCH = "tiny_vit_mae", 64, 16
# the highest rate is 0.001, as it is for the usual batch of 64
BASE_RATE = 0.016
PENALTIES = (0.1, 1.0, 10.0, 100.0)
RATES = (0.0005, 0.001, 0.002, 0.004)
MASKED, RANDOM, COMPONENTS = "masked", "random", "components"
FEW, SOME, MANY = "50 labels", "200 labels", "1000 labels"
MEANINGS = {
    f"probe, {MASKED}": "ridge regression on the frozen encoder of a masked autoencoder, the mean of its patches",
    f"probe, {RANDOM}": "the same on the same encoder with random weights",
    f"probe, {COMPONENTS}": f"the same on as many principal components of the same pictures of {PICTURE} pixels",
    f"tuned, {MASKED}": "the encoder of the masked autoencoder with a linear head, trained end to end",
    f"tuned, {RANDOM}": "the same from random weights",
}


@dataclass(frozen=True)
class Size:
    """The size of the experiment.

    Attributes:
        videos: number of videos.
        masked_epochs: epochs of a masked pre-training.
        pretrainings: number of masked pre-trainings, which the seeds use in turn.
        epochs: epochs of a training end to end.
        seeds: number of seeds.
    """

    videos: int = 200
    masked_epochs: int = 20
    pretrainings: int = 1
    epochs: int = 10
    seeds: int = 3

    @property
    def corpus(self) -> CorpusSettings:
        """The corpus: videos of 100 seconds, of which every 100th frame is drawn."""
        return CorpusSettings(self.videos, 3000, 13, WITHOUT, step=100)


def make_claim(*, large: bool) -> Claim:
    """The claim."""
    size = Size(videos=1200, masked_epochs=200, pretrainings=10, epochs=60, seeds=10) if large else Size()
    probes = (MASKED, RANDOM, COMPONENTS)
    design = [Side(regime, f"probe, {name}") for regime in (FEW, SOME, MANY) for name in probes]
    design += [Side(SOME, f"tuned, {name}") for name in (MASKED, RANDOM)]
    score = FIGURES[-1].name

    def against(first: str, second: str, regime: str, **more: Any) -> Comparison:
        name = f"{first} against {second}, {regime}"
        return Comparison(name, Side(regime, first), Side(regime, second), score, **more)

    return Claim(
        name="pretraining",
        title="Does masked pre-training help when labels are few?",
        settings={**asdict(size), "corpus_version": CORPUS_VERSION},
        arms=tuple(
            Arm(name, meaning, PENALTIES if name.startswith("probe") else RATES) for name, meaning in MEANINGS.items()
        ),
        design=tuple(design),
        seeds=size.seeds,
        run=partial(run_cell, size),
        figures=FIGURES,
        comparisons=(
            against(f"probe, {MASKED}", f"probe, {RANDOM}", SOME, expects=1, is_primary=True),
            against(f"tuned, {MASKED}", f"tuned, {RANDOM}", SOME, expects=1, is_primary=True),
            *(against(f"probe, {MASKED}", f"probe, {RANDOM}", regime, expects=1) for regime in (FEW, MANY)),
            *(against(f"probe, {MASKED}", f"probe, {COMPONENTS}", regime) for regime in (FEW, SOME, MANY)),
            against(f"tuned, {MASKED}", f"probe, {MASKED}", SOME),
        ),
        tuning_seeds=1,
        prepare=partial(prepare, size),
        facts=partial(facts, size),
    )


def encoder_path(size: Size, seed: int, out: Path) -> Path:
    """The folder of the masked pre-training that a seed uses."""
    corpus = corpus_path(size.corpus, out)
    return corpus.with_name(f"{corpus.name}-mae{PICTURE}-{size.masked_epochs}-{seed % size.pretrainings}")


def features_path(size: Size, name: str, seed: int, out: Path) -> Path:
    """The folder of features; those that nothing random decides have no seed."""
    corpus = corpus_path(size.corpus, out)
    details = {MASKED: f"{size.masked_epochs}-{seed % size.pretrainings}", RANDOM: f"-{seed}"}
    return corpus.with_name(f"{corpus.name}-features{PICTURE}-{name}{details.get(name, '')}")


def prepare(size: Size, out: Path, processes: int, report: Callable[[str], None]) -> None:
    """Draw the corpus, pre-train on the crops of its training people, and extract features."""
    import torch

    from abawbench.inference.extract import extract
    from abawbench.inference.feature_maker import feature_maker
    from abawbench.inference.run import RunOptions
    from abawbench.models.backbones.model import Overrides
    from abawbench.training.pretraining.pretrain import ENCODER, pretrain
    from abawbench.training.pretraining.settings import settings_for

    torch.set_num_threads(processes)
    corpus = draw_corpus(size.corpus, out, processes)
    crops = corpus.with_name(f"{corpus.name}-training-crops")
    if not crops.exists():
        with whole_folder(crops) as unfinished:
            for video in labels_of(corpus, "train").videos:
                shutil.copytree(corpus / CROPS / video, unfinished / video)
    clips = open_clips(corpus).clips
    folder = features_path(size, COMPONENTS, 0, out)
    if not folder.exists():
        report("pretraining: principal components")
        with whole_folder(folder) as unfinished:
            _write_components(corpus, clips, unfinished)
    settings = {"picture": PICTURE, "epochs": size.masked_epochs, "batch": BATCH, "base_rate": BASE_RATE}
    mean, options = Overrides(pooling="mean", size=PICTURE), RunOptions(precision="float32")
    for seed in range(size.seeds):
        run = encoder_path(size, seed, out)
        if seed < size.pretrainings:
            report(f"pretraining: masked autoencoder {seed + 1} of {size.pretrainings}")
            pretrain(crops, run, settings_for("tiny", seed=seed, **settings))
        report(f"pretraining: features of networks, seed {seed + 1} of {size.seeds}")
        masked, random = feature_maker(str(run / ENCODER), mean), feature_maker(KIND, mean, seed=seed)
        for name, maker in ((MASKED, masked), (RANDOM, random)):
            extract(maker, clips, features_path(size, name, seed, out), options, dtype="float32")


def _write_components(corpus: Path, clips: tuple[Clip, ...], folder: Path) -> None:
    by_video = {clip.video: clip for clip in clips}
    tables = {split: labels_of(corpus, split) for split in SPLITS}
    pixels = {
        split: np.concatenate([_pixels(by_video[video].frames) for video in table.videos])
        for split, table in tables.items()
    }
    reduced = principal_components(pixels, WIDTH)
    for split, table in tables.items():
        write_split(folder, table, reduced[split])


def _pixels(crops: np.ndarray) -> Vectors:
    """The pixels of small pictures, shape (crops, pixels)."""
    import cv2

    small = [cv2.resize(crop, (PICTURE, PICTURE), interpolation=cv2.INTER_AREA) for crop in crops]
    return np.stack(small).reshape(len(crops), -1).astype(np.float32) / np.float32(255)


def run_cell(size: Size, cell: Cell, out: Path) -> Outcome:
    """Learn from some labelled frames of one seed, and predict the test people."""
    (seed,) = cell.seeds
    way, _, name = cell.arm.partition(", ")
    corpus = corpus_path(size.corpus, out)
    known = labels_of(corpus, "train")
    # the same order for every number of labels, so that more contain fewer
    rows = np.random.default_rng(seed).permutation(len(known))[: int(cell.regime.split()[0])]
    clips: Sequence[Clip]
    if way == "probe":
        data, entry = features_path(size, name, seed, out), find_entry_file("2026_abawbench_ridge-probe")
        changes: dict[str, Any] = {"training.ridge.penalties": [cell.weight]}
        clips = clips_of_features(data)
    else:
        data, entry = corpus, FOLDER / "pretraining" / ENTRY / "entry.toml"
        changes = _end_to_end(size, cell, encoder_path(size, seed, out) if name == MASKED else None)
        clips = open_clips(data).clips
    assert entry is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        write_annotations(MULTI_TASK, known.take(np.sort(rows)), file)
        truth, source = labels_of(corpus, "test"), Source((data,), truth=corpus, train=file)
        validation, prediction = learn(entry, source, changes, clips, truth, seed)
    return outcome_of(corpus, truth, prediction, validation)


def _end_to_end(size: Size, cell: Cell, encoder: Path | None) -> dict[str, Any]:
    from abawbench.training.pretraining.pretrain import ENCODER

    backbone: dict[str, Any] = {"kind": KIND, "pooling": "mean", "size": PICTURE}
    if encoder is not None:
        file = str((encoder / ENCODER).resolve())
        backbone["weights"] = {"file": file, "licence": "Apache-2.0", "source": "abawbench pretrain"}
    return {
        "settings.backbones": [backbone],
        "settings.seed": cell.seeds[0],
        "training.epochs": size.epochs,
        "training.optimiser.rate": cell.weight,
    }


def facts(size: Size, out: Path) -> dict[str, float]:
    """The loss of the masked autoencoders on the crops that they held out, from 1 for a prediction of zeros."""
    from abawbench.training.pretraining.figures import read_losses
    from abawbench.training.pretraining.pretrain import LOSSES

    last = [read_losses(encoder_path(size, seed, out) / LOSSES)[-1].held_out for seed in range(size.pretrainings)]
    return {"loss of the masked autoencoders on held-out crops": float(np.mean([loss for loss in last if loss]))}
