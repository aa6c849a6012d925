"""The inputs of a training and their record, its progress and its summary, whatever way it learns."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from abawbench.base.hashes import sha256_of
from abawbench.base.installed import VERSION, versions_of
from abawbench.challenges import Challenge
from abawbench.clips.clip import Clip
from abawbench.clips.feature_index import FeatureOrigin
from abawbench.clips.features import FeatureClip
from abawbench.datasets.folds import Folds
from abawbench.entries.entry_file import EntryFile
from abawbench.training.coupling import Coupling
from abawbench.training.data import SplitFrames, split_frames
from abawbench.training.learners import LearningEntry
from abawbench.training.processes import Processes
from abawbench.training.run_folder import FREE
from abawbench.training.settings import TrainingSettings, TrainOptions
from abawbench.training.sources import Labels, Source, arrange_labels, digest_data
from abawbench.training.synthesis.pairs import Faces, persons_of

FORM = 1
LIBRARIES = ("numpy", "opencv-python-headless", "safetensors", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """Progress of a training.

    Attributes:
        epoch: number of the epoch, from 1, and number of all epochs.
        steps: steps of the epoch, done and in all.
        frames: frames of the epoch, done and in all.
        seconds: seconds since the epoch began or was resumed.
        row: losses and scores of the epoch, at its end.
    """

    epoch: tuple[int, int]
    steps: tuple[int, int]
    frames: tuple[int, int]
    seconds: float
    row: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TrainSummary:
    """Result of a training.

    Attributes:
        out: run folder.
        was_finished: True where the run was finished before, so that nothing was done.
        history: row of each epoch; see `abawbench.training.results`.
        best: best epoch and its value, by task, and under `score` for the whole.
    """

    out: Path
    was_finished: bool
    history: Sequence[Mapping[str, Any]]
    best: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Setup:
    """The inputs of a training.

    Attributes:
        content: content of the entry file.
        entry: entry to train.
        challenge: challenge of the labels.
        settings: settings of the training.
        coupling: coupling of two tasks with its tables; None without one.
        labels: labels of both splits.
        folds: folds of the training split for ridge regression; None for a training by gradients.
        splits: frames of each split.
        out: run folder.
        options: options of the run.
        processes: processes that learn together.
        subjects: subject of each video; None where each unit is a person of its own.
        faces: faces of the training split, where they are learned in pairs; else None.
        real_rows: number of the training labels that are real, before those of synthesised faces; None without any.
    """

    content: EntryFile
    entry: LearningEntry
    challenge: Challenge
    settings: TrainingSettings
    coupling: Coupling | None
    labels: Labels
    folds: Folds | None
    splits: Mapping[str, SplitFrames]
    out: Path
    options: TrainOptions
    processes: Processes
    subjects: Mapping[str, str] | None = None
    faces: Faces | None = None
    real_rows: int | None = None

    def feature_origin(self, *, is_frozen: bool) -> FeatureOrigin | None:
        """The networks of the features that the entry learns from; None where it changes them, or nothing says so."""
        first = self.splits["train"].clips[0]
        if isinstance(first, FeatureClip):
            return first.origin
        return next(iter(self.entry.origins), None) if is_frozen else None


def make_splits(
    entry: LearningEntry, challenge: Challenge, labels: Labels, clips: Sequence[Clip]
) -> dict[str, SplitFrames]:
    """The frames of each split that has labels. Raises: ProblemError E07 E19 as `split_frames`."""
    tasks = entry.card.tasks
    tables = {"train": labels.train, "validation": labels.validation}
    return {
        name: split_frames(clips, arrange_labels(table, challenge, tasks), tasks)
        for name, table in tables.items()
        if table is not None
    }


def make_record(setup: Setup, source: Source) -> dict[str, Any]:
    """The content of run.json: everything that the weights depend on, and under `environment` facts that may differ."""
    splits = setup.splits
    weights = [{"role": file.role, "sha256": file.sha256} for file in setup.entry.card.weights]
    return {
        "form": FORM,
        "entry": {**setup.content.model_dump(exclude={"training"}), "weights": weights},
        "training": _with_hashes(asdict(setup.settings)),
        "data": {
            "labels": {path.name: sha256_of(path) for path in setup.labels.files},
            "clips": {name: digest_data(frames.clips) for name, frames in splits.items()},
            "units": {name: len(frames.clips) for name, frames in splits.items()},
            "labelled": {name: int(frames.labelled.sum()) for name, frames in splits.items()},
            "fold": source.fold,
            **({} if source.deal == "balanced" else {"deal": source.deal}),
            **({} if setup.folds is None else {"inner_folds": setup.folds.hash}),
            **({} if setup.settings.synthesis is None else {"subjects": _digest_subjects(setup)}),
            "device": setup.options.device.partition(":")[0],
        },
        "versions": {"abawbench": VERSION, **versions_of(LIBRARIES)},
        FREE: {
            "python": sys.version.split()[0],
            "platform": platform.platform(),
            "processors": os.cpu_count(),
        },
    }


def _with_hashes(value: Any) -> Any:
    """The same settings with the hash of each file in place of its path."""
    if isinstance(value, Path):
        return sha256_of(value)
    if isinstance(value, Mapping):
        return {name: _with_hashes(part) for name, part in value.items()}
    return value


def _digest_subjects(setup: Setup) -> str | None:
    """SHA-256 over the person of each training unit; None where each unit is a person of its own."""
    if setup.subjects is None:
        return None
    units = [clip.video for clip in setup.splits["train"].clips]
    people = persons_of(units, setup.subjects).tolist()
    return hashlib.sha256(json.dumps([*zip(units, people, strict=True)]).encode()).hexdigest()
