"""Drawn corpora for claims whose networks see more than one picture of a person, and the statistics of their people."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from abawbench.base.files import make_folder
from abawbench.cli.synth import DrawingProgress
from abawbench.clips.clip import Clip
from abawbench.clips.features import Vectors, write_features
from abawbench.entries import Entry, load_entry
from abawbench.formats import read_truth
from abawbench.formats.lists import read_subjects
from abawbench.scoring import pair
from abawbench.scoring.criteria import evaluate
from abawbench.scoring.score import by_subject
from abawbench.scoring.statistics import collect
from abawbench.synthetic.official import SUBJECTS, TEST_TRUTH, TRAINING, TRUTH, VALIDATION, write_corpus
from abawbench.synthetic.quirks import QUIRKS
from abawbench.synthetic.settings import CORPUS_VERSION, MULTI_TASK, CorpusSettings
from abawbench.table import Floats, Table
from abawbench.training.sources import SYNTHETIC, Source
from benchmarks.claims.claim import Figure, Outcome

FILES = {"train": TRAINING, "validation": VALIDATION, "test": f"{TRUTH}/{TEST_TRUTH}"}
# values lie between -1 and 1, so that sums need no centre, and statistics of all arms can be added and compared
PILOTS = {"va": np.zeros((2, 2))}
# expressions are as rare as in the challenge; labels are the truth, on every frame that is drawn
WITHOUT = tuple(sorted(set(QUIRKS) - {"imbalance"}))

FIGURES = (
    Figure("F1 of action units", lambda statistics: evaluate(MULTI_TASK, statistics, PILOTS)["terms", "action_units"]),
    Figure("F1 of expressions", lambda statistics: evaluate(MULTI_TASK, statistics, PILOTS)["terms", "expression"]),
    Figure("CCC", lambda statistics: evaluate(MULTI_TASK, statistics, PILOTS)["terms", "va"]),
    Figure("score", lambda statistics: evaluate(MULTI_TASK, statistics, PILOTS)["score",]),
)


def corpus_path(settings: CorpusSettings, out: Path) -> Path:
    """The folder of a corpus in the folder of all claims."""
    text = json.dumps([CORPUS_VERSION, settings.to_json()], sort_keys=True)
    return out / "corpora" / hashlib.sha256(text.encode()).hexdigest()[:16]


def draw_corpus(settings: CorpusSettings, out: Path, processes: int) -> Path:
    """Draw a corpus, or what is missing of it, and return its folder."""
    path = corpus_path(settings, out)
    write_corpus(settings, path, workers=processes, report=DrawingProgress())
    return path


def labels_of(corpus: Path, split: str) -> Table:
    """The labels of a split."""
    return read_truth(MULTI_TASK, corpus / FILES[split])


def learn(
    entry: Path, source: Source, changes: Mapping[str, Any], clips: Sequence[Clip], tested: Table, seed: int
) -> tuple[float, Table]:
    """Train an entry with one seed, and let it predict the test people.

    Args:
        entry: file of the entry.
        source: places of its data and labels.
        changes: changes of the entry file.
        clips: clips of all splits.
        tested: labels of the test people, whose clips are predicted.
        seed: seed of weights and order.

    Returns:
        Official score of the validation people, and predictions.
    """
    import torch

    from abawbench.inference.predict import predict
    from abawbench.inference.run import RunOptions
    from abawbench.inference.store import read_store
    from abawbench.training.settings import TrainOptions
    from abawbench.training.train import train

    torch.set_num_threads(1)
    changes = {**changes, "training.seed": seed, "training.dataset": SYNTHETIC}
    videos = set(tested.videos)
    with tempfile.TemporaryDirectory() as name:
        run, store = Path(name) / "run", Path(name) / "store"
        summary = train(entry, source, run, changes, TrainOptions(threads=1, save_s=0))
        clips = [clip for clip in clips if clip.video in videos]
        trained = load_entry(str(run))
        assert isinstance(trained, Entry)
        predict(trained, clips, store, RunOptions(precision="float32"))
        return summary.best["score"]["value"], read_store(MULTI_TASK, store)


def outcome_of(corpus: Path, truth: Table, prediction: Table, validation: float) -> Outcome:
    """The outcome of one seed: the score of the validation people, and statistics of each test person."""
    statistics = statistics_of(corpus, truth, prediction)
    return Outcome(np.array([validation]), {task: array[np.newaxis] for task, array in statistics.items()})


def statistics_of(corpus: Path, truth: Table, prediction: Table) -> Mapping[str, Floats]:
    """Additive statistics by task of each person of a corpus whose labels are `truth`, shape (people, ...)."""
    paired = pair(MULTI_TASK, truth, prediction)
    statistics = collect(MULTI_TASK, paired.truth, paired.prediction, valid=paired.valid, pilots=PILOTS)
    return by_subject(statistics, read_subjects(corpus / SUBJECTS)).tasks


def principal_components(features: Mapping[str, Vectors], components: int) -> dict[str, Vectors]:
    """The principal components of the training frames, on one scale, so that the first has a deviation of 1.

    Args:
        features: by split, features of its frames, shape (frames, features).
        components: number of components.
    """
    from sklearn.decomposition import PCA

    fitted = PCA(components, svd_solver="randomized", random_state=0).fit(features["train"])
    scale = np.sqrt(fitted.explained_variance_[0])
    return {split: (fitted.transform(values) / scale).astype(np.float32) for split, values in features.items()}


def write_split(folder: Path, table: Table, features: Vectors) -> None:
    """Write the features of the rows of a table, one file for each unit."""
    for number, video in enumerate(table.videos):
        own = table.video == number
        write_features(folder / f"{video}.safetensors", table.frame[own], features[own])


@contextmanager
def whole_folder(folder: Path) -> Generator[Path]:
    """Give a new folder to write into, which becomes `folder` when all of it is written."""
    make_folder(folder.parent)
    unfinished = folder.with_name(f".{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    yield unfinished
    unfinished.rename(folder)
