"""The people of the claim, and the network that each seed starts from: trained jointly while three classes are rare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abawbench.base.files import make_folder, write_file
from abawbench.challenges import get
from abawbench.entries.entry_file import FILE, read_entry_file
from abawbench.formats.write import write_annotations
from abawbench.labels import EXPRESSIONS_7
from abawbench.synthetic.settings import CORPUS_VERSION
from benchmarks.claims.synthesis.people import CROP, Pictures, draw_people, labels_of, write_people
from benchmarks.claims.synthesis_rare import RARE, RareSize

ENTRY = Path(__file__).parents[3] / "submissions" / "2020_zhao_fersnet" / "tiny.toml"
# the people of a seed have this number plus that of the seed
TRAINING_SEED, VALIDATION_SEED, TEST_SEED = 1100, 1001, 1002
# seconds between two saves, for machines whose turns are short
SAVE_S = 60.0


def faces_of(size: RareSize, split: str, seed: int, out: Path) -> Pictures:
    """The drawn faces of a split, shape (people, 7, frames, side, side, 3); drawn where their file is not there.

    Args:
        size: size of the experiment.
        split: `training`, whose people differ between seeds, `validation` or `test`.
        seed: number of the seed.
        out: folder of all claims.
    """
    people = {"training": size.people, "validation": size.validation, "test": size.test}[split]
    drawn_with = {"training": TRAINING_SEED + seed, "validation": VALIDATION_SEED, "test": TEST_SEED}[split]
    path = _folder(size, out) / f"people-{drawn_with}-{people}.npy"
    if not path.exists():
        import io

        sink = io.BytesIO()
        np.save(sink, draw_people(drawn_with, people, frames=size.frames)[:, 0])
        make_folder(path.parent)
        write_file(path, sink.getvalue())
    return np.load(path)


def kept_faces(size: RareSize, seed: int) -> NDArray[np.bool_]:
    """True for the faces that training has: rare expressions are shown by some people alone.

    Returns:
        Shape (people, 7).
    """
    generator = np.random.default_rng([seed, 3])
    kept = np.ones((size.people, len(EXPRESSIONS_7)), bool)
    for name in RARE:
        gone = generator.permutation(size.people)[round(size.kept * size.people) :]
        kept[gone, EXPRESSIONS_7.index(name)] = False
    return kept


def run_path(size: RareSize, seed: int, out: Path) -> Path:
    """The run folder of the joint training of a seed."""
    return _folder(size, out) / f"joint-{seed}-{size.people}-{size.epochs}"


def train_jointly(size: RareSize, seed: int, on_gpu: bool, out: Path, report: Callable[[str], None]) -> None:
    """Train recognition and synthesis together as the tiny twin does, or go on with it."""
    import torch

    from abawbench.training.settings import TrainOptions
    from abawbench.training.sources import Source
    from abawbench.training.train import train

    run = run_path(size, seed, out)
    if (run / FILE).exists():
        return
    challenge = get(read_entry_file(ENTRY).vocabulary)
    (task,) = challenge.tasks
    crops, truth = run.with_name(f"{run.name}-crops"), run.with_name(f"{run.name}-truth")
    names = write_people(faces_of(size, "training", seed, out)[:, None], crops, "p")
    if not truth.exists():
        labels = labels_of(names, size.frames * len(EXPRESSIONS_7), challenge)
        # the frames of a person go through the expressions again and again
        is_kept = np.repeat(kept_faces(size, seed)[:, None], size.frames, 1).ravel()
        values = np.where(is_kept, labels.values[task.name], -1).astype(np.int8)
        write_annotations(challenge, replace(labels, values={task.name: values}), truth)
    changes: dict[str, Any] = {
        "picture.size": CROP.size,
        "training.dataset": "drawn people of abawbench",
        "training.epochs": size.epochs,
        "training.seed": seed,
        "settings.seed": seed,
    }

    def told(progress: Any) -> None:
        if progress.row is not None:
            epoch, epochs = progress.epoch
            report(f"synthesis_rare: joint training {seed}, epoch {epoch} of {epochs}, {progress.seconds:.0f} s")

    torch.set_num_threads(1)
    device = "cuda" if on_gpu and torch.cuda.is_available() else "cpu"
    train(ENTRY, Source((crops,), train=truth), run, changes, TrainOptions(device=device, save_s=SAVE_S), report=told)


def _folder(size: RareSize, out: Path) -> Path:
    return out / "synthesis_rare" / f"made-{CORPUS_VERSION}-{size.frames}-{size.kept:g}"
